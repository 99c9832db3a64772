"""The Review Workbench: the queue, an item, and what is decided under a declared name."""

from __future__ import annotations

from typing import Any

import pytest

from imednet.models import MappingRule, StudyConfiguration
from imednet_workflows.config_store import ConfigStore
from imednet_workflows.triage_store import Finding, TriageStore

EVENTS = [
    MappingRule("AE", "term", "AE", "AETERM"),
    MappingRule("AE", "serious", "AE", "AESER"),
]
TERMS = {"adverse_events.serious": {"Yes": "Y", "No": "N"}}


def publish(**options: Any) -> None:
    store = ConfigStore()
    rules = {"mappings": EVENTS, "terminology_lookups": TERMS}
    config = StudyConfiguration(study_key="DEMO", **(rules | options))
    store.publish("DEMO", store.commit(config, who="A. Berg").version, who="A. Berg")


def button(dashboard: Any, label: str) -> Any:
    return next(b for b in dashboard.at.button if b.label == label)


def named(dashboard: Any) -> Any:
    next(t for t in dashboard.at.text_input if t.label == "Your name").set_value("R. Lind").run()
    return dashboard


def first_item() -> Any:
    return TriageStore().items("DEMO")[0]


@pytest.fixture
def workbench(dashboard: Any, ordinary: Any) -> Any:
    publish()
    return dashboard.connect(ordinary).open("review_workbench.py")


def test_the_rules_run_the_first_time_and_when_asked(workbench: Any) -> None:
    items = TriageStore().items("DEMO")
    kinds = {item.kind for item in items}
    assert {"serious adverse event", "overdue visit", "overdue query"} <= kinds
    assert workbench.metrics["To decide"] == str(len(items))
    assert f"The rules have run: {len(items)} new" in workbench.said("caption")

    button(workbench, "Run the rules now").click().run()
    assert f"0 new, {len(items)} as before" in workbench.said("caption")


def test_items_that_have_all_gone_since_are_no_reason_to_run_the_rules(workbench: Any) -> None:
    publish(reporting_profile="device")
    store = TriageStore()
    store.refresh("DEMO", [], kinds={item.kind for item in store.items("DEMO")})
    workbench.at.run()
    assert "The rules have run" not in workbench.text


def test_an_item_goes_from_new_to_approved(workbench: Any) -> None:
    item = first_item()
    assert button(workbench, "Begin review").disabled
    named(workbench)
    workbench.at.text_area[0].set_value("I look at it")
    button(workbench, "Begin review").click().run()
    workbench.at.text_area[0].set_value("Reported in time")
    button(workbench, "Approve").click().run()

    assert TriageStore().get(item.identity).status == "approved"
    events = TriageStore().history(item.identity)
    assert [(e.who, e.comment) for e in events[1:]] == [
        ("R. Lind", "I look at it"),
        ("R. Lind", "Reported in time"),
    ]
    assert workbench.metrics["Decided"] == "1"
    waiting = TriageStore().items("DEMO", status=("new", "under review"))
    assert len(workbench.frame("Severity", "Title")) == len(waiting)


def test_assigning_and_commenting(workbench: Any) -> None:
    item = first_item()
    named(workbench)
    assert button(workbench, "Comment").disabled
    workbench.at.text_area[0].set_value("Please look").run()
    button(workbench, "Comment").click().run()
    to = next(field for field in workbench.at.text_input if field.label == "Assign to")
    assert to.value == "R. Lind"  # whoever looks at it, unless somebody else is named
    to.set_value("A. Berg").run()
    button(workbench, "Assign").click().run()

    assert TriageStore().get(item.identity).assignee == "A. Berg"
    assert [e.action for e in TriageStore().history(item.identity)] == [
        "found",
        "comment",
        "assigned",
    ]
    workbench.at.multiselect(key="_filter_assignee").select("A. Berg").run()
    assert len(workbench.frame("Severity", "Title")) == 1


def test_an_item_shows_its_record(workbench: Any, ordinary: Any) -> None:
    item = first_item()
    assert item.kind == "serious adverse event"
    answers = workbench.frame("Variable", "Question", "Answer").set_index("Variable")
    assert answers.loc["AESER", "Answer"] == "Yes"
    assert f"Record {item.record_id}" in workbench.said("markdown")


def test_a_view_that_was_sent_opens_the_item(workbench: Any) -> None:
    last = TriageStore().items("DEMO")[-1]
    workbench.open("home.py").open("review_workbench.py", item=last.identity, severity=["critical"])
    titles = [h.value.replace("\\", "") for h in workbench.at.subheader]
    assert titles == [last.title]
    assert set(workbench.frame("Severity", "Title")["Severity"]) == {"critical"}


def test_somebody_else_was_quicker(workbench: Any) -> None:
    named(workbench)
    TriageStore().review(first_item().identity, who="A. Berg")
    button(workbench, "Begin review").click().run()
    assert "That was not done: item" in workbench.said("error")


def test_without_a_configuration_it_says_which_rules_do_not_run(
    dashboard: Any, ordinary: Any
) -> None:
    dashboard.connect(ordinary).open("review_workbench.py")
    assert "the rules for serious adverse events" in dashboard.said("caption")
    assert "serious adverse event" not in {item.kind for item in TriageStore().items("DEMO")}


def test_protected_seriousness_is_said_not_guessed(dashboard: Any, ordinary: Any) -> None:
    publish(phi_fields=["AE.AESER"])
    dashboard.connect(ordinary).open("review_workbench.py")
    assert "serious adverse events cannot be found here" in dashboard.said("warning")
    assert "serious adverse event" not in {item.kind for item in TriageStore().items("DEMO")}


def test_a_list_that_fails_marks_nothing_as_gone(dashboard: Any, own: Any) -> None:
    dashboard.connect(own).open("review_workbench.py")
    items = TriageStore().items("DEMO")
    dashboard.at.sidebar.button[1].click()  # Refresh: all is read anew
    own.stop()
    button(dashboard, "Run the rules now").click().run()
    assert "could not be read" in dashboard.said("error")
    assert TriageStore().items("DEMO") == items


def test_items_of_another_study_are_not_shown(dashboard: Any, ordinary: Any) -> None:
    theirs = Finding("OTHER", "overdue query", "query 1", "Their query")
    TriageStore().refresh("OTHER", [theirs], kinds={"overdue query"})
    dashboard.connect(ordinary).open("review_workbench.py", item=theirs.identity, status="all")
    assert "Their query" not in dashboard.text
    assert "There is no such item in this study" in dashboard.said("info")


def test_what_becomes_protected_is_shown_and_kept_no_more(workbench: Any) -> None:
    told = first_item()
    term = told.title.removeprefix("Serious adverse event: ")
    assert term in workbench.text
    publish(phi_fields=["AE.AETERM"])
    workbench.at.run()

    assert "The rules have run" in workbench.said("caption")
    assert TriageStore().get(told.identity).title == "Serious adverse event: ***"
    events = TriageStore().history(told.identity)
    assert term not in str(events)


def test_the_history_tells_no_detail_that_is_protected_by_now(workbench: Any) -> None:
    told, store = first_item(), TriageStore()
    for outcome in ("Fatal", "Not recovered", "***"):
        found = Finding(
            *("DEMO", told.kind, f"record {told.record_id}", told.title, f"outcome: {outcome}"),
            record_id=told.record_id,
        )
        assert found.identity == told.identity
        store.refresh("DEMO", [found], kinds={told.kind})
    workbench.open("review_workbench.py", item=told.identity, status="all")
    assert "Fatal" in str(store.history(told.identity))
    assert "Fatal" not in workbench.text


def test_a_comment_stays_while_other_pages_are_shown(workbench: Any) -> None:
    workbench.at.text_area[0].set_value("Half a thought").run()
    workbench.open("home.py").open("review_workbench.py")
    assert workbench.at.text_area[0].value == "Half a thought"


def test_what_no_rule_looks_for_any_more_tells_no_protected_answer(workbench: Any) -> None:
    told = first_item()
    term = told.title.removeprefix("Serious adverse event: ")
    publish(phi_fields=["AE.AETERM", "AE.AESER"])
    workbench.at.run()

    assert TriageStore().get(told.identity).gone is None  # the rule did not run
    assert "Serious adverse event: ***" in workbench.frame("Severity", "Title")["Title"].tolist()
    assert term not in workbench.text


@pytest.mark.parametrize("before", [True, False], ids=["blinded ones were shown", "never shown"])
def test_blinded_answers_that_were_shown_once_are_not_any_more(
    workbench: Any, before: bool
) -> None:
    told, store = first_item(), TriageStore()
    publish(allow_blinded=before)
    term = told.title.removeprefix("Serious adverse event: ")
    other = Finding("DEMO", told.kind, f"record {told.record_id}", "No term", record_id=1)
    store.refresh("DEMO", [other], kinds={told.kind})
    publish(mappings=EVENTS[:1])  # without `serious` no rule looks for such events
    workbench.open("review_workbench.py", item=told.identity, status="all")

    assert (term not in workbench.text) == before
    assert ("No term" not in workbench.text) == before
