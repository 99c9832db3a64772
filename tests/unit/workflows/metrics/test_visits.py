"""Visits and pages: windows, missing pages, lags, verification and clean subjects, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from imednet import models
from imednet.models import StudyConfiguration
from imednet_workflows import metrics as m
from imednet_workflows.frames import StudyFrames

ASOF = date(2026, 3, 2)
Build = Callable[..., StudyFrames]


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(f"2026-{text}")


def visit(number: int, made: str | None = None, **more: Any) -> dict[str, Any]:
    """A visit of subject 1 at interval 1 with the window 10 to 16 February, unless told."""
    window = {"start_date": day("02-10"), "due_date": day("02-13"), "end_date": day("02-16")}
    basis = {"visit_id": number, "subject_id": 1, "interval_id": 1, "visit_date": day(made)}
    return {**basis, **window, **more}


NO_WINDOW = {"start_date": None, "end_date": None, "due_date": None}
ONLY_DUE = {"start_date": None, "end_date": None}


@pytest.fixture
def schedule() -> dict[str, Any]:
    """Sites, subjects in every state, intervals (slack 3 and 5 days; no slack; disabled)."""
    statuses = ["Enrolled", "Completed", "Withdrawn", "Screen Failure", "Screening", "Odd", None]
    forms = [
        models.IntervalForm(form_id=1, form_key="VS"),
        models.IntervalForm(form_id=2, form_key="LB"),
        models.IntervalForm(form_id=3, form_key="PK"),
    ]
    return {
        "sites": [{"site_id": 1}],
        "subjects": [
            *(
                {"subject_id": n, "subject_key": f"S{n}", "subject_status": s, "site_id": 1}
                for n, s in enumerate(statuses, start=1)
            ),
            {"subject_id": 8, "subject_status": "Enrolled", "site_id": 1, "deleted": True},
        ],
        "forms": [
            {"form_id": 1, "form_key": "VS", "disabled": False},
            {"form_id": 2, "form_key": "LB"},
            {"form_id": 3, "form_key": "PK", "disabled": True},
        ],
        "intervals": [
            {"interval_id": 1, "negative_slack": 3, "positive_slack": 5, "forms": forms},
            {"interval_id": 2, "forms": forms[:1]},
            {"interval_id": 3, "disabled": True, "forms": forms},
        ],
    }


@pytest.mark.parametrize(
    ("seen", "change", "status", "overdue", "out"),
    [
        ("02-12", {}, "made", None, 0),
        ("02-10", {}, "made", None, 0),
        ("02-16", {}, "made", None, 0),
        ("02-08", {}, "made", None, -2),
        ("02-20", {}, "made", None, 4),
        ("02-20", NO_WINDOW, "made", None, None),
        (None, {}, "overdue", 14, None),  # 16 February to 2 March
        (None, ONLY_DUE, "overdue", 12, None),  # due on the 13th, 5 days of slack
        ("02-19", ONLY_DUE, "made", None, 1),
        ("02-09", ONLY_DUE, "made", None, -1),
        (None, {**ONLY_DUE, "interval_id": 2}, "overdue", 17, None),  # no slack
        (None, NO_WINDOW, "upcoming", None, None),
        (None, {"end_date": date(2026, 3, 1)}, "overdue", 1, None),
        (None, {"end_date": date(2026, 3, 2)}, "due", None, None),  # its last day is today
        (None, {"start_date": date(2026, 3, 2), "end_date": date(2026, 3, 9)}, "due", None, None),
        (
            None,
            {"start_date": date(2026, 3, 3), "end_date": date(2026, 3, 9)},
            "upcoming",
            None,
            None,
        ),
        (None, {"subject_id": 2}, "not expected", None, None),
        (None, {"subject_id": 3}, "not expected", None, None),
        (None, {"subject_id": 4}, "not expected", None, None),
        ("02-20", {"subject_id": 4}, "made", None, 4),
        (None, {"subject_id": 5}, "overdue", 14, None),
        (None, {"subject_id": 6}, "overdue", 14, None),  # a word of no meaning: active
        (None, {"subject_id": 7}, "overdue", 14, None),
        ("03-20", {}, "overdue", 14, None),  # dated later than asof: not made yet
    ],
)
def test_visit(
    seen: str | None,
    change: dict[str, Any],
    status: str,
    overdue: int | None,
    out: int | None,
    build: Build,
    schedule: dict[str, Any],
) -> None:
    found = m.visit_status(build(**schedule, visits=[visit(1, seen, **change)]), asof=ASOF)
    (row,) = found.astype(object).where(found.notna(), None).to_dict("records")
    assert row["status"] == status
    assert row["days_overdue"] == overdue
    assert row["days_out_of_window"] == out
    assert row["site_id"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"deleted": True},
        {"interval_id": 3},
        {"subject_id": 8},
        {"date_created": datetime(2026, 3, 3)},
    ],
    ids=["deleted", "disabled interval", "deleted subject", "made later"],
)
def test_visits_that_never_count(change: Any, build: Build, schedule: dict[str, Any]) -> None:
    frames = build(**schedule, visits=[visit(1, "02-12", **change)])
    assert m.visit_status(frames, asof=ASOF).empty
    assert m.expected_pages(frames, asof=ASOF).empty


def record(number: int, form: int = 1, **more: Any) -> dict[str, Any]:
    key = {1: "VS", 2: "LB", 3: "PK"}[form]
    basis = {"record_id": number, "subject_id": 1, "site_id": 1, "interval_id": 1}
    return {**basis, "form_id": form, "form_key": key, "record_status": "Record Complete", **more}


def states(frames: StudyFrames) -> list[Any]:
    pages = m.expected_pages(frames, asof=ASOF)
    return pages[["subject_id", "interval_id", "form_key", "state"]].to_numpy().tolist()


def test_pages_of_a_visit_made(build: Build, schedule: dict[str, Any]) -> None:
    records = [record(1), record(2, 2, deleted=True), record(3, 3)]
    frames = build(**schedule, visits=[visit(1, "02-12")], records=records)
    # LB's record is deleted; PK is disabled.
    assert states(frames) == [[1, 1, "VS", "complete"], [1, 1, "LB", "missing"]]
    missing = m.missing_pages(m.expected_pages(frames, asof=ASOF))
    assert missing["days_due"].tolist() == [18]  # since the visit on 12 February


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["Record Complete"], "complete"),
        (["READY_FOR_SDV"], "complete"),
        (["Partially Verified"], "complete"),
        (["verified"], "complete"),
        (["Record Incomplete"], "started"),
        (["Frozen"], "started"),
        ([None], "started"),
        (["Verified", "Record Incomplete"], "started"),
        ([], "missing"),
    ],
)
def test_states_of_pages(
    words: list[str | None], state: str, build: Build, schedule: dict[str, Any]
) -> None:
    records = [record(n, record_status=word) for n, word in enumerate(words)]
    frames = build(**schedule, visits=[visit(1, "02-12")], records=records)
    assert states(frames)[0] == [1, 1, "VS", state]


def test_pages_of_visits_not_made(build: Build, schedule: dict[str, Any]) -> None:
    later: dict[str, Any] = {"end_date": date(2026, 4, 1)}
    frames = build(
        **schedule,
        visits=[visit(1), visit(2, interval_id=2, **later), visit(3, subject_id=3)],
        records=[record(1)],
    )
    assert states(frames) == [
        [1, 1, "VS", "complete"],
        [1, 1, "LB", "missing"],
        [1, 2, "VS", "not due"],
    ]  # and nothing for the subject who withdrew


def test_an_interval_twice_is_expected_once(build: Build, schedule: dict[str, Any]) -> None:
    frames = build(**schedule, visits=[visit(1), visit(2, "02-12"), visit(3)])
    pages = m.expected_pages(frames, asof=ASOF)
    assert pages["visit"].tolist() == ["made", "made"]


def test_forms_are_found_by_key_too(build: Build, schedule: dict[str, Any]) -> None:
    frames = build(**schedule, visits=[visit(1, "02-12")], records=[record(1, form_id=None)])
    assert states(frames)[0] == [1, 1, "VS", "complete"]


def test_completion_by_hand(build: Build, schedule: dict[str, Any]) -> None:
    records = [record(1), record(2, 2, record_status="Record Incomplete")]
    visits = [
        visit(1, "02-12"),
        visit(2, subject_id=5),
        visit(3, interval_id=2, end_date=date(2026, 4, 1)),
    ]
    pages = m.expected_pages(build(**schedule, visits=visits, records=records), asof=ASOF)
    total = m.completion(pages)
    assert total.to_numpy().tolist() == [[1, 1, 2, 1, 4, 25.0]]
    by_form = m.completion(pages, by="form_key")
    assert by_form.to_numpy().tolist() == [
        ["LB", 0, 1, 1, 0, 2, 0.0],
        ["VS", 1, 0, 1, 1, 2, 50.0],
    ]
    with pytest.raises(ValueError, match="by: 'visit' is not known; use None or 'form_key' or"):
        m.completion(pages, by="visit")


def test_entry_lag_by_hand(
    build: Build, schedule: dict[str, Any], at: Callable[..., datetime]
) -> None:
    revisions = [
        {"record_id": 1, "date_created": at(2, 25)},
        {"record_id": 1, "date_created": at(2, 13, 9)},  # the first, though not in order
        {"record_id": 2, "date_created": at(2, 22, 23)},
        {"record_id": 3, "date_created": at(2, 23, 1)},
        {"record_id": 4, "date_created": at(2, 11, 12)},
    ]
    records = [
        record(1, visit_id=1),
        record(2, 2, visit_id=1),
        record(3, visit_id=1),
        record(4),  # by subject and interval
        record(5, date_created=at(2, 14)),  # without revisions
        record(6),  # nobody knows when
        record(7, interval_id=None),  # of no visit
        record(8, subject_id=2),  # whose visit was not made
    ]
    visits = [visit(1, "02-12"), visit(2, subject_id=2)]
    frames = build(**schedule, visits=visits, records=records, record_revisions=revisions)
    lag = m.entry_lag(frames, asof=ASOF)
    assert lag["record_id"].tolist() == [1, 2, 3, 4, 5, 6]
    assert lag["lag_days"].tolist() == [1, 10, 11, -1, 2, pd.NA]
    assert lag["late"].tolist() == [False, False, True, False, False, pd.NA]
    # In order -1, 1, 2, 10, 11: median 2; P90 at place 0.9 * 4 = 3.6: 10 + 0.6 * 1.
    summary = m.entry_lag_summary(lag)
    assert summary.to_numpy().tolist() == [[5, 2.0, pytest.approx(10.6), 1, 20.0]]


def test_entry_lag_keeps_to_the_visit_that_a_record_names(
    build: Build, schedule: dict[str, Any], at: Callable[..., datetime]
) -> None:
    records = [
        record(1, visit_id=2, date_created=at(2, 27)),  # not made, though one like it was
        record(2, 2, visit_id=99, date_created=at(2, 13)),  # not listed: by subject and interval
    ]
    visits = [visit(1, "02-12"), visit(2)]
    lag = m.entry_lag(build(**schedule, visits=visits, records=records), asof=ASOF)
    assert dict(zip(lag["record_id"], lag["lag_days"], strict=True)) == {2: 1}


def test_sdv_by_hand(build: Build, schedule: dict[str, Any]) -> None:
    words = ["Ready For SDV"] * 2 + ["Partially Verified"] + ["Verified"] * 5 + ["Record Complete"]
    records = [record(n, record_status=word) for n, word in enumerate(words)]
    records.append(record(99, 3, record_status="Verified"))  # on a disabled form
    progress = m.sdv_progress(build(**schedule, records=records), asof=ASOF)
    assert progress.to_numpy().tolist() == [[2, 1, 5, 62.5]]


def test_pages_of_visits_in_any_order_and_with_any_index(
    build: Build, schedule: dict[str, Any]
) -> None:
    frames = build(**schedule, visits=[visit(1, "02-12"), visit(2), visit(3, subject_id=2)])
    visits = m.visit_status(frames, asof=ASOF)
    expected = m.expected_pages(frames, asof=ASOF, visits=visits)
    for index in ([2, 1, 0], [7, 7, 7]):
        pages = m.expected_pages(frames, asof=ASOF, visits=visits.set_axis(index))
        pd.testing.assert_frame_equal(pages, expected)


def test_sdv_by_several_keys_adds_up(story: StudyFrames) -> None:
    parts = m.sdv_progress(story, asof=ASOF, by=("site_id", "form_key"))
    for key in ("site_id", "form_key"):
        alone = m.sdv_progress(story, asof=ASOF, by=key)
        names = ["ready", "partly_verified", "verified"]
        sums = parts.groupby(key, dropna=False)[names].sum().reset_index()
        pd.testing.assert_frame_equal(sums, alone.drop(columns="sdv_percent"))
    with pytest.raises(ValueError, match="'visit' is not known"):
        m.sdv_progress(story, asof=ASOF, by=("site_id", "visit"))


def test_what_is_counted_is_not_counted_again_unless_it_is_other_frames(
    build: Build, schedule: dict[str, Any]
) -> None:
    frames = build(**schedule, visits=[visit(1, "02-12")], records=[record(1), record(2, 2)])
    counted = m.counted(frames, ASOF)
    assert m.counted(counted, ASOF) is counted
    assert m.expected_pages(counted, asof=ASOF)["state"].tolist() == ["complete", "complete"]
    earlier = m.expected_pages(counted, asof=date(2026, 2, 11))
    assert "complete" not in earlier["state"].tolist()
    gone = counted.records.assign(deleted=pd.array([True, False], dtype="boolean"))
    other = replace(counted, records=gone)
    assert m.counted(other, ASOF).records["record_id"].tolist() == [2]
    assert m.expected_pages(other, asof=ASOF)["state"].tolist() == ["missing", "complete"]


def test_words_of_a_study_for_verification(build: Build, schedule: dict[str, Any]) -> None:
    config = StudyConfiguration(statuses={"verified": ["Signed"], "ready_for_sdv": ["Done"]})
    records = [record(1, record_status="SIGNED"), record(2, record_status="Done")]
    progress = m.sdv_progress(build(**schedule, records=records), config, asof=ASOF)
    assert progress["sdv_percent"].tolist() == [50.0]


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({}, ""),
        ({"records": [record(1)]}, "missing page"),
        (
            {"visits": [visit(1, "02-12"), visit(2, interval_id=2)]},
            "missing page; overdue visit",
        ),
        ({"queries": [("o", False)]}, "open query"),
        ({"queries": [("o", False), ("c", True)]}, ""),
        ({"queries": []}, "query of unknown state"),
        ({"records": [record(1), record(2, 2, record_status="Ready for SDV")]}, "not verified"),
        (
            {"records": [record(1), record(2, 2, record_status="Record Incomplete")]},
            "incomplete record",
        ),
    ],
)
def test_clean_subject(
    change: dict[str, Any], reasons: str, build: Build, schedule: dict[str, Any], query: Any
) -> None:
    told = change.get("queries")
    queries = []
    if told is not None:
        queries = [query(1, *((s, shut, 2, 1) for s, shut in told), subject_id=1)]
    frames = build(
        **schedule,
        visits=change.get("visits", [visit(1, "02-12")]),
        records=change.get("records", [record(1), record(2, 2, record_status="Verified")]),
        queries=queries,
    )
    found = m.clean_subjects(frames, asof=ASOF).set_index("subject_id")
    assert found.loc[1, "reasons"] == reasons
    assert found.loc[1, "clean"] == (reasons == "")
    assert found.index.tolist() == [1, 2, 3, 4, 5, 6, 7]  # not the deleted one


def test_pages_add_up(story: StudyFrames) -> None:
    pages = m.expected_pages(story, asof=ASOF)
    assert not pages.duplicated(["subject_id", "interval_id", "form_id"]).any()
    total = m.completion(pages).iloc[0]
    for by in ("form_key", "site_id", "subject_id"):
        parts = m.completion(pages, by=by)
        for name in ("complete", "started", "missing", "not_due", "expected"):
            assert parts[name].sum() == total[name]
    assert len(m.missing_pages(pages)) == total["missing"] > 0
    clean = m.clean_subjects(story, asof=ASOF)
    assert clean["missing_pages"].sum() == total["missing"]
    status = m.visit_status(story, asof=ASOF)["status"]
    assert clean["overdue_visits"].sum() == (status == "overdue").sum() > 0
    assert (clean["clean"] == (clean["reasons"] == "")).all()
