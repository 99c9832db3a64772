"""Many subjects registered at once."""

from __future__ import annotations

from typing import Any

import pytest

from imednet_workflows.record_checks import RecordsRefused

FAST: dict[str, Any] = {"verify": True, "poll_interval": 0.01}
SITE = "Corvane General Hospital"


def registered(own: Any, *arguments: Any, **options: Any) -> Any:
    return own.flows.register_subjects.register_subjects(own.key, *arguments, **FAST, **options)


@pytest.mark.parametrize("form", ["REG", "reg", "Registration", 1001], ids=repr)
def test_subjects_are_registered_and_their_keys_given(own: Any, form: Any) -> None:
    before = {row["subjectId"] for row in own.rows("subjects")}
    wanted = [
        {"siteName": SITE},
        {"siteId": 1, "data": {"PROTVER": "7.0"}},
        {"siteId": 3, "data": {"RFICDAT": "2026-03-01"}},
    ]
    result = registered(own, iter(wanted), form=form)
    come = {r["subjectKey"]: r for r in own.rows("subjects") if r["subjectId"] not in before}
    assert [outcome.kind for outcome in result.records] == ["register"] * 3
    assert [come[o.subject_key]["siteId"] for o in result.records] == [3, 1, 3]
    assert len({o.subject_key for o in result.records}) == len(come) == 3
    assert [o.stands for o in result.records] == [True] * 3
    assert own.record(result.records[1].record_id)["recordData"]["PROTVER"] == "7.0"
    assert own.record(result.records[2].record_id)["recordData"]["RFICDAT"] == "2026-03-01"


@pytest.mark.parametrize("own_form", [{"formKey": "REG"}, {"formId": 1001}], ids=repr)
@pytest.mark.parametrize("form", [None, "CM"], ids=["none", "another"])
def test_a_subject_may_name_its_form(own: Any, own_form: Any, form: Any) -> None:
    result = registered(own, [{"siteId": 3, **own_form}], form=form)
    assert own.record(result.records[0].record_id)["formKey"] == "REG"


def test_options_are_passed_on(own: Any) -> None:
    told: list[tuple[int, int]] = []
    result = registered(
        own,
        [{"siteId": 3}] * 3,
        form="REG",
        batch_size=2,
        on_progress=lambda *n: told.append(n),
    )
    assert (len(result.jobs), told) == (2, [(2, 3), (3, 3)])


def test_subjects_given_are_left_as_they_are(own: Any) -> None:
    given = {"siteId": 3}
    registered(own, [given], form="REG")
    assert given == {"siteId": 3}


def test_nobody_is_no_request(own: Any) -> None:
    assert registered(own, []).records == []
    assert own.posts() == 0


def test_every_fault_is_told_at_once(own: Any) -> None:
    wanted = [
        {"siteName": "Corvane General Hospitl"},
        {},
        {"siteId": 1},
        {"siteId": 1, "data": {"RFICDAT": "never"}},
        {"siteId": 1, "formKey": None},
    ]
    with pytest.raises(RecordsRefused) as caught:
        registered(own, wanted, form="REG")
    said = [str(fault) for fault in caught.value.faults]
    assert said[:3] == [
        f"record 0: siteName is 'Corvane General Hospitl': no such site (did you mean {SITE!r}?)",
        "record 1: subjectKey is None: give a site to register a subject, or a subject to write a "
        "record of one",
        "record 3: RFICDAT is 'never': give a date as YYYY-MM-DD, or partly known as YYYY-MM-UN or "
        "YYYY-UN-UN",
    ]
    assert own.posts() == 0


def test_a_form_is_needed(own: Any) -> None:
    with pytest.raises(RecordsRefused) as caught:
        registered(own, [{"siteId": 1}])
    assert [str(f) for f in caught.value.faults] == [
        "record 0: formKey is None: every record needs its form"
    ]


def test_an_unknown_form_is_told(own: Any) -> None:
    with pytest.raises(ValueError, match=r"^there is no form 'REGG' in the study: did you mean "):
        registered(own, [{"siteId": 1}], form="REGG")
    assert own.posts() == 0
