"""The Publisher Wizard: what must be done before a version holds, and going back."""

from __future__ import annotations

from typing import Any

import pytest

from imednet.models import MappingRule, StudyConfiguration
from imednet_workflows.config_store import ConfigStore

TERM = MappingRule("AE", "term", "AE", "AETERM")
BROKEN = MappingRule("AE", "term", "AE", "AETERM", None, "value +")


def commit(*rules: MappingRule, **options: Any) -> None:
    config = StudyConfiguration(study_key="DEMO", mappings=list(rules), **options)
    ConfigStore().commit(config, who="A. Berg")


def button(dashboard: Any, label: str) -> Any:
    return next(b for b in dashboard.at.button if b.label.startswith(label))


def ready(dashboard: Any) -> Any:
    next(t for t in dashboard.at.text_input if t.label == "Your name").set_value("R. Lind").run()
    dashboard.at.checkbox[0].check().run()
    return dashboard


@pytest.fixture
def publisher(dashboard: Any, ordinary: Any) -> Any:
    commit(TERM)
    commit(TERM, phi_fields=["DM.BRTHDAT"])
    return dashboard.connect(ordinary).open("publisher_wizard.py")


def test_without_a_version_it_says_where_to_begin(dashboard: Any, ordinary: Any) -> None:
    dashboard.connect(ordinary).open("publisher_wizard.py")
    assert "no saved configuration yet" in dashboard.said("info")


def test_a_version_is_published_by_name_once_it_has_been_read(publisher: Any) -> None:
    assert button(publisher, "Publish version 2").disabled
    assert publisher.frame("Where", "Before", "After")["Where"].tolist() == ["phiFields"]
    ready(publisher)
    button(publisher, "Publish version 2").click().run()

    assert "Version 2 holds from now on" in publisher.said("success")
    assert ConfigStore().published("DEMO").phi_fields == ["DM.BRTHDAT"]
    assert ConfigStore().publications("DEMO")[0].who == "R. Lind"
    assert button(publisher, "Publish version 2").disabled  # it holds already


def test_rolling_back_makes_the_content_hold_again(publisher: Any) -> None:
    ConfigStore().publish("DEMO", 2, who="A. Berg")
    publisher.open("home.py").open("publisher_wizard.py", version="1")
    ready(publisher)
    button(publisher, "Roll back to version 1").click().run()

    assert "Version 3 holds from now on: it is version 1 again" in publisher.said("success")
    held = ConfigStore().published("DEMO")
    assert (held.version, held.phi_fields) == (3, [])


def test_what_holds_can_be_taken_back(publisher: Any) -> None:
    ConfigStore().publish("DEMO", 2, who="A. Berg")
    ready(publisher.open("publisher_wizard.py"))
    button(publisher, "Publish none").click().run()
    assert ConfigStore().published("DEMO") is None


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ((TERM, BROKEN), "Every rule can be used \\(1 cannot\\)"),
        ((MappingRule("AE", "term", "ZZ", "AETERM"),), "Every rule can be used \\(1 cannot\\)"),
        ((), "At least one value comes out of it"),
    ],
    ids=["expression", "unknown variable", "nothing"],
)
def test_a_version_that_cannot_work_is_not_published(
    dashboard: Any, ordinary: Any, rules: tuple[MappingRule, ...], said: str
) -> None:
    commit(*rules)
    ready(dashboard.connect(ordinary).open("publisher_wizard.py"))
    assert f":material/cancel: {said}" in dashboard.said("markdown")
    assert button(dashboard, "Publish version 1").disabled


def test_somebody_else_was_quicker(publisher: Any) -> None:
    ready(publisher.open("home.py").open("publisher_wizard.py", version="1"))
    commit(TERM)
    button(publisher, "Roll back to version 1").click().run()
    assert "That was not done: DEMO is at version 3, not 2" in publisher.said("error")
    assert ConfigStore().published("DEMO") is None
