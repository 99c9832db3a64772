"""Records with their answers: read once, for one connection, and only the forms that are mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imednet import ImednetSDK
from imednet.errors import RequestError
from imednet.models import Form, MappingRule, StudyConfiguration
from imednet_simulator import Simulator
from imednet_streamlit import answers, app
from imednet_streamlit.data import Connection, Unreadable
from imednet_workflows.canonical import canonicalise
from imednet_workflows.config_store import ConfigStore

WORKBENCH = ["study_report.py", "data_lineage.py", "review_workbench.py", "publisher_wizard.py"]


def silent(name: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def connected(own: Any) -> Any:
    with ImednetSDK(own.api_key, own.security_key, own.url) as sdk:
        yield Connection(sdk, "DEMO", "token-of-this-test")


def asked(simulator: Any, name: str) -> list[str]:
    return [path for _, path in simulator.requests if path.split("?")[0].endswith(f"/{name}")]


CONFIGURATIONS = {
    "two forms": [MappingRule("AE", "term", "AE", "AETERM"), MappingRule("DM", "sex", "DM", "SEX")],
    "other case": [MappingRule("AE", "term", "ae", "aeterm")],
    "any form": [MappingRule("AE", "form", None, None, None, "record.formKey")],
    "no such form": [MappingRule("AE", "term", "ZZ", "AETERM")],
    "none": [],
}


@pytest.mark.parametrize("case", CONFIGURATIONS)
def test_tables_are_those_of_all_records(connected: Any, in_session: Any, case: str) -> None:
    config = StudyConfiguration(study_key="DEMO", mappings=CONFIGURATIONS[case])
    made, _ = in_session(lambda: answers.canonical(connected, config, silent))

    sdk = connected.sdk
    whole = canonicalise(
        config,
        sdk.records.list("DEMO"),
        sdk.variables.list("DEMO"),
        subjects=sdk.subjects.list("DEMO"),
        visits=sdk.visits.list("DEMO"),
    )
    assert set(made.tables) == set(whole.tables)
    for name, table in whole.tables.items():
        keys = [name for name in ("record_id", "subject_id") if name in table]
        there = made.tables[name].sort_values(keys, ignore_index=True)
        assert there.equals(table.sort_values(keys, ignore_index=True)), name
    assert made.readiness == whole.readiness


def test_only_mapped_forms_are_read_and_only_once(
    connected: Any, own: Any, in_session: Any
) -> None:
    config = StudyConfiguration(study_key="DEMO", mappings=CONFIGURATIONS["two forms"])

    def twice() -> None:
        for phi in ([], ["DM.SEX"]):
            config.phi_fields = phi
            answers.canonical(connected, config, silent)

    in_session(twice)
    records = asked(own, "records")
    assert len(records) == 2
    assert all("filter=formId" in path for path in records)
    assert len(asked(own, "variables")) == 1


def test_a_form_is_found_as_the_study_spells_it() -> None:
    forms = [Form(form_key="Ae", form_id=1), Form(form_key=None, form_id=2)]
    assert answers._spelt("AE", forms) == "Ae"
    assert answers._spelt("XX", forms) == "XX"


def test_a_list_that_fails_is_named(connected: Any, own: Any, in_session: Any) -> None:
    own.stop()
    with pytest.raises(
        Unreadable, match=r"^forms: GET /studies/DEMO/forms got no answer"
    ) as caught:
        in_session(lambda: answers.profiled(connected, False, silent))
    assert isinstance(caught.value.__cause__, RequestError)


def test_an_sdk_without_a_list_is_named(in_session: Any) -> None:
    bare = Connection(object(), "DEMO", "token")
    with pytest.raises(Unreadable, match=r"^variables: this connection has no variables$"):
        in_session(lambda: answers.variables(bare, silent))


def test_one_record_with_its_revisions(connected: Any, in_session: Any) -> None:
    sample = connected.sdk.records.list("DEMO", form_key="AE", limit=1)[0]
    one, _ = in_session(lambda: answers.one_record(connected, sample.record_id, silent))
    assert one.record == sample
    assert [each.record_revision for each in one.revisions] == sorted(
        each.record_revision
        for each in connected.sdk.record_revisions.list("DEMO", record_id=sample.record_id)
    )
    none, _ = in_session(lambda: answers.one_record(connected, 10**9, silent))
    assert none == answers.OneRecord(None, [])


@pytest.fixture
def published() -> None:
    text = Path(app.__file__).with_name("demo.json").read_text(encoding="utf-8")
    ConfigStore().commit(StudyConfiguration.from_json(text), who="A. Berg")
    ConfigStore().publish("DEMO", 1, who="A. Berg")


@pytest.mark.usefixtures("published")
def test_two_connections_never_mix(new_dashboard: Any, own: Any) -> None:
    with Simulator(sites=2, subjects=30, seed=8, api_key="other-key") as second:
        first, other = new_dashboard(), new_dashboard()
        first.connect(own).open("study_report.py")
        other.connect(second).open("study_report.py")
        mine, theirs = first.metrics, other.metrics
        assert mine["Adverse events"] != theirs["Adverse events"]
        for _ in range(2):
            first.at.run()
            other.at.run()
            assert first.metrics == mine
            assert other.metrics == theirs

        first.at.sidebar.button[0].click().run()
        first.connect(second).open("study_report.py")
        assert first.metrics == theirs


@pytest.mark.usefixtures("published")
def test_refreshing_one_leaves_the_other_alone(new_dashboard: Any, own: Any, single: Any) -> None:
    first, other = new_dashboard(), new_dashboard()
    first.connect(own).open("study_report.py")
    other.connect(single).open("study_report.py")
    before, seen = len(single.requests), len(own.requests)
    first.at.sidebar.button[1].click().run()
    other.at.run()
    assert len(own.requests) > seen
    assert len(single.requests) == before


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("view", WORKBENCH)
def test_every_list_is_read_once_whatever_is_done(dashboard: Any, own: Any, view: str) -> None:
    dashboard.connect(own).open(view)
    before = len(own.requests)
    dashboard.at.run()
    assert len(own.requests) == before
