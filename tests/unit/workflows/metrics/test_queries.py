"""Queries: states, ages, turns, time to resolve, rates and flux, worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from imednet import models
from imednet.models import StudyConfiguration
from imednet_workflows import frames as made
from imednet_workflows import metrics as m
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.example import example_study

ASOF = date(2026, 3, 2)
OPEN, AGAIN = ("Query Open", False), ("Query Reopened", False)
ANSWERED, CLOSED = ("Site Answered", False), ("Query Closed", True)
Build = Callable[..., StudyFrames]
MakeQuery = Callable[..., dict[str, Any]]


@pytest.fixture
def lives(build: Build, query: MakeQuery, at: Callable[..., datetime]) -> StudyFrames:
    """One query of each kind of life; subject 1 at site 1, subject 2 deleted."""
    mine = {"subject_id": 1, "date_created": at(2, 1)}
    return build(
        sites=[{"site_id": 1}],
        subjects=[
            {"subject_id": 1, "subject_key": "A", "site_id": 1},
            {"subject_id": 2, "subject_key": "B", "site_id": 1, "deleted": True},
        ],
        forms=[{"form_id": 1, "form_key": "VS"}],
        variables=[
            {"form_id": 1, "variable_name": "PULSE", "disabled": False},
            {"form_id": 1, "variable_name": "OLD", "disabled": True},
        ],
        records=[
            {"record_id": 1, "subject_id": 1, "site_id": 1, "form_id": 1, "form_key": "VS"},
            {"record_id": 2, "subject_id": 1, "form_id": 1, "form_key": "VS", "deleted": True},
            {"record_id": 3, "subject_id": 1, "form_id": 1, "interval_id": 9},
        ],
        intervals=[{"interval_id": 9, "disabled": True}],
        queries=[
            query(1, (*OPEN, 2, 1), **mine, record_id=1, variable="pulse"),
            query(2, (*OPEN, 2, 1), (*ANSWERED, 2, 5), **mine),
            query(3, (*OPEN, 2, 1), (*ANSWERED, 2, 5), (*CLOSED, 2, 8), **mine),
            query(4, (*OPEN, 2, 1), (*CLOSED, 2, 8), (*AGAIN, 2, 20), **mine),
            query(5, (*OPEN, 2, 1), (*CLOSED, 2, 8), (*AGAIN, 2, 20), (*CLOSED, 2, 25), **mine),
            query(6, **mine),
            query(7, (*OPEN, 2, 1), ("Noted", None, 2, 3), **mine),
            query(8, ("Parked", False, 2, 1), **mine),
            query(9, (*OPEN, 2, 1), subject_id=2),
            query(10, (*OPEN, 2, 1), **mine, record_id=2),
            query(11, (*OPEN, 2, 1), **mine, record_id=1, variable="old"),
            query(12, (*OPEN, 3, 9), subject_id=1, date_created=at(3, 9)),
            query(14, (*OPEN, 2, 1), **mine, record_id=3),
            query(13, (*OPEN, 2, 1), (*CLOSED, 2, 8), ("Note", True, 2, 9), subject_key="A"),
        ],
    )


def column(frame: pd.DataFrame, name: str) -> dict[int, Any]:
    values: list[Any] = frame[name].tolist()
    known = [None if pd.isna(value) else value for value in values]
    return dict(zip(frame["annotation_id"].tolist(), known, strict=True))


def test_states(lives: StudyFrames) -> None:
    state = m.query_state(lives, asof=ASOF)
    assert column(state, "state") == {
        **dict.fromkeys([1, 2, 4, 8, 9, 10, 11, 14], "open"),
        **dict.fromkeys([3, 5, 13], "closed"),
        6: "unknown",
        7: "unknown",
    }  # and 12, opened after asof, is not there


def test_the_status_is_the_last_comments_word_as_the_study_spells_it(lives: StudyFrames) -> None:
    status = column(m.query_state(lives, asof=ASOF), "status")
    assert {n: status[n] for n in (1, 2, 3, 4, 6, 7, 8, 13)} == {
        1: "Query Open",
        2: "Site Answered",
        3: "Query Closed",
        4: "Query Reopened",
        6: None,
        7: "Noted",
        8: "Parked",
        13: "Note",
    }
    then = column(m.query_state(lives, asof=date(2026, 2, 10)), "status")
    assert then[4] == "Query Closed"  # as it was


def test_ages_restart_when_reopened(lives: StudyFrames) -> None:
    state = m.query_state(lives, asof=ASOF)
    ages, totals = column(state, "age_days"), column(state, "total_age_days")
    assert (ages[1], totals[1]) == (29, 29)  # 1 February to 2 March
    assert (ages[4], totals[4]) == (10, 29)  # reopened on 20 February
    assert [ages[n] for n in (3, 5, 6, 7)] == [None] * 4
    assert column(state, "reopened") == {**dict.fromkeys(ages, 0), 4: 1, 5: 1}
    assert column(state, "bucket")[4] == "8-14"


def test_closed_at_is_the_last_close(lives: StudyFrames) -> None:
    closed = column(m.query_state(lives, asof=ASOF), "closed_at")
    assert {n: when.day for n, when in closed.items() if when} == {3: 8, 5: 25, 13: 8}


def test_turns(lives: StudyFrames) -> None:
    state = m.query_state(lives, asof=ASOF)
    turns, days = column(state, "turn"), column(state, "turn_days")
    assert (turns[1], turns[2], turns[4], turns[8]) == (
        "site",
        "data management",
        "site",
        "unknown",
    )
    assert (turns[6], days[6]) == ("unknown", None)
    assert (turns[3], days[3]) == (None, None)
    assert (days[1], days[2], days[4]) == (29, 25, 10)
    config = StudyConfiguration(statuses={"awaiting_site": ["parked"]})
    assert column(m.query_state(lives, config, asof=ASOF), "turn")[8] == "site"


def test_what_is_deleted_or_disabled_is_shown_but_not_counted(lives: StudyFrames) -> None:
    state = m.query_state(lives, asof=ASOF)
    assert [n for n, counts in column(state, "counted").items() if not counts] == [9, 10, 11, 14]
    assert m.query_ageing(state)["queries"].sum() == 4  # 1, 2, 4, 8
    assert column(state, "site_id")[13] == 1  # through the subject's key
    assert column(state, "form_key")[1] == "VS"


@pytest.mark.parametrize("again", [True, False], ids=["registered anew", "gone"])
def test_rows_that_name_a_subject_by_its_key_alone(
    again: bool, build: Build, query: MakeQuery
) -> None:
    subjects: list[dict[str, Any]] = [
        {"subject_id": 1, "subject_key": "A", "site_id": 1, "deleted": True},
        *([{"subject_id": 2, "subject_key": "A", "site_id": 2}] if again else []),
    ]
    frames = build(
        sites=[{"site_id": 1}, {"site_id": 2}],
        subjects=subjects,
        records=[{"record_id": 1, "subject_key": "A", "form_id": 1, "record_data": {"Q": "1"}}],
        queries=[query(1, (*OPEN, 2, 1), subject_key="A")],
    )
    rates = m.query_rates(frames, asof=ASOF, by="site_id")
    assert rates["queries"].tolist() == [0, int(again)]
    assert rates["data_points"].tolist() == [0, int(again)]


def test_state_as_it_was(lives: StudyFrames) -> None:
    state = m.query_state(lives, asof=date(2026, 2, 10))
    assert column(state, "state")[4] == column(state, "state")[5] == "closed"
    assert column(state, "closed_at")[5].day == 8
    assert m.query_state(lives, asof=date(2026, 1, 1))["annotation_id"].tolist() == []


@pytest.mark.parametrize(
    ("day", "bucket"),
    [
        (date(2026, 2, 8), "0-7"),
        (date(2026, 2, 9), "8-14"),
        (date(2026, 2, 15), "8-14"),
        (date(2026, 2, 16), "15-30"),
        (date(2026, 3, 3), "15-30"),
        (date(2026, 3, 4), "31-60"),
        (date(2026, 4, 2), "31-60"),
        (date(2026, 4, 3), ">60"),
    ],
)
def test_buckets(day: date, bucket: str, lives: StudyFrames) -> None:
    assert column(m.query_state(lives, asof=day), "bucket")[1] == bucket


def test_order_is_that_of_sequence_not_of_rows_or_dates(build: Build) -> None:
    told = [
        models.QueryComment(sequence=n, closed=shut, date=datetime(2026, 2, day, tzinfo=UTC))
        for n, shut, day in [(10, True, 3), (9, False, 4), (2, False, 1)]
    ]
    frames = build(queries=[{"annotation_id": 1, "query_comments": told}])
    assert m.query_state(frames, asof=ASOF)["state"].tolist() == ["closed"]


def test_ageing_by_site_has_every_bucket(lives: StudyFrames) -> None:
    table = m.query_ageing(m.query_state(lives, asof=ASOF), by="site_id")
    assert table.to_numpy().tolist() == [
        [1, "0-7", 0],
        [1, "8-14", 1],
        [1, "15-30", 3],
        [1, "31-60", 0],
        [1, ">60", 0],
    ]
    with pytest.raises(ValueError, match="state: column place is missing"):
        m.query_ageing(m.query_state(lives, asof=ASOF), by="place")


def test_kaplan_meier_by_hand() -> None:
    # Closed at 2, 4, 4, 9; censored at 3, 4, 7. At risk 7, 6, 5, 2, 1 at 2, 3, 4, 7, 9:
    # shares 6/7, 6/7, 6/7 * 3/5 = 18/35, 18/35, 0.
    days = pd.Series([4, 2, 4, 9, 3, 4, 7])
    ended = pd.Series([True, True, True, True, False, False, False])
    curve = m.kaplan_meier(days, ended)
    assert curve["days"].tolist() == [2, 3, 4, 7, 9]
    assert curve["at_risk"].tolist() == [7, 6, 5, 2, 1]
    assert curve["closed"].tolist() == [1, 0, 2, 0, 1]
    assert curve["censored"].tolist() == [0, 1, 1, 1, 0]
    assert curve["open_share"].tolist() == pytest.approx([6 / 7, 6 / 7, 18 / 35, 18 / 35, 0])


def test_median_counts_open_queries_as_not_yet_closed(lives: StudyFrames) -> None:
    # Counted: closed after 7, 24, 7 days (3, 5, 13); open for 29.99 days: 1, 2, 4, 8.
    # Shares after 7 days 5/7, after 24 days 4/7: half is never reached.
    state = m.query_state(lives, asof=ASOF)
    table = m.median_time_to_resolve(state, asof=ASOF)
    assert table[["queries", "closed"]].to_numpy().tolist() == [[7, 3]]
    assert table["median_days"].isna().all()
    done = state[state["state"] == "closed"]
    assert m.median_time_to_resolve(done, asof=ASOF)["median_days"].tolist() == [7.0]


def test_reopen_rate(lives: StudyFrames) -> None:
    # Ever closed: 3, 4, 5, 13; reopened: 4 and 5.
    table = m.reopen_rate(m.query_state(lives, asof=ASOF), by="site_id")
    assert table.to_numpy().tolist() == [[1, 4, 2, 0.5]]


def test_rates(build: Build, query: MakeQuery) -> None:
    answers = {"A": "1", "B": 0, "C": None, "D": ""}  # two data points
    frames = build(
        sites=[{"site_id": 1, "site_name": "x"}, {"site_id": 2}],
        subjects=[{"subject_id": 1, "site_id": 1}, {"subject_id": 2, "site_id": 1}],
        records=[
            {"record_id": n, "subject_id": 1, "site_id": 1, "record_data": answers}
            for n in range(4)
        ],
        queries=[query(1, (*OPEN, 2, 1), subject_id=1), query(2, subject_id=9)],
    )
    rates = m.query_rates(frames, asof=ASOF, by="site_id")
    assert rates["site_id"].tolist() == [1, 2, pd.NA]
    assert rates["queries"].tolist() == [1, 0, 1]
    assert rates["per_100_data_points"].tolist() == [12.5, pd.NA, pd.NA]  # 100 * 1 / 8
    assert rates["per_record"].tolist() == [0.25, pd.NA, pd.NA]
    assert rates["per_subject"].tolist() == [0.5, pd.NA, pd.NA]
    overall = m.query_rates(frames, asof=ASOF)
    assert overall["per_100_data_points"].tolist() == [25.0]
    with pytest.raises(ValueError, match="by: 'form_key' is not known; use None or 'site_id'"):
        m.query_rates(frames, asof=ASOF, by="form_key")


def test_flux_by_hand(build: Build, query: MakeQuery) -> None:
    # 2 February 2026 is a Monday. Opened that week: 1 and 2; closed: 1 on the 10th,
    # reopened on the 17th; 3 opened on the 10th. As of Wednesday 25 February.
    frames = build(
        queries=[
            query(1, (*OPEN, 2, 2), (*CLOSED, 2, 10), (*AGAIN, 2, 17)),
            query(2, (*OPEN, 2, 8)),
            query(3, (*OPEN, 2, 10)),
            query(4),
        ]
    )
    flux = m.query_flux(frames, asof=date(2026, 2, 25))
    assert flux["week"].dt.day.tolist() == [2, 9, 16, 23]
    assert flux["opened"].tolist() == [2, 1, 1, 0]
    assert flux["closed"].tolist() == [0, 1, 0, 0]
    assert flux["backlog"].tolist() == [2, 2, 3, 3]
    assert flux["full"].tolist() == [True, True, True, False]
    # Closes a week: 0; (0 + 1)/2; 1/3; the last week is not full, so still 1/3.
    assert flux["weeks_of_work"].tolist() == [pd.NA, 4.0, 9.0, 9.0]


def test_weeks_of_work_look_back_eight_full_weeks(build: Build, query: MakeQuery) -> None:
    # One close in the week of 5 January; nine full weeks later none is within eight.
    frames = build(queries=[query(1, (*OPEN, 1, 5), (*CLOSED, 1, 6)), query(2, (*OPEN, 1, 5))])
    flux = m.query_flux(frames, asof=date(2026, 3, 10)).set_index("week")["weeks_of_work"]
    assert flux["2026-02-23"] == 8.0  # 1 open, 1/8 a week
    assert pd.isna(flux["2026-03-02"])


EVENTS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 28), st.integers(1, 12)), min_size=0, max_size=6
)


@given(st.lists(EVENTS, max_size=8), st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_flux_ends_where_states_are(stories: list[Any], month: int) -> None:
    queries = [
        models.Query(
            annotation_id=number,
            query_comments=[
                models.QueryComment(
                    sequence=n, closed=shut, date=datetime(2026, mon, day, tzinfo=UTC)
                )
                for n, (shut, day, mon) in enumerate(sorted(told, key=lambda e: (e[2], e[1])), 1)
            ],
        )
        for number, told in enumerate(stories)
    ]
    frames = _with_queries(queries)
    asof = date(2026, month, 15)
    state = m.query_state(frames, asof=asof)
    flux = m.query_flux(frames, asof=asof)
    still = int((state["state"] == "open").sum())
    assert (flux["backlog"].iloc[-1] if len(flux) else 0) == still
    assert m.query_ageing(state)["queries"].sum() == still
    reopen = m.reopen_rate(state)
    assert (reopen["reopened"] <= reopen["ever_closed"]).all()
    ages = state.dropna(subset=["age_days"])
    assert (ages["age_days"] <= ages["total_age_days"]).all()
    assert (ages["age_days"] >= 0).all()


def _with_queries(queries: list[models.Query]) -> StudyFrames:
    return replace(
        example_study(),
        queries=made.frame(queries, models.Query),
        comments=made.comments(queries),
    )


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=40))
@settings(deadline=None)
def test_curve_falls_and_adds_up(spans: list[tuple[int, bool]]) -> None:
    days = pd.Series([day for day, _ in spans], dtype="Int64")
    ended = pd.Series([end for _, end in spans], dtype="boolean")
    curve = m.kaplan_meier(days, ended)
    assert curve["closed"].sum() + curve["censored"].sum() == len(spans)
    assert curve["open_share"].is_monotonic_decreasing
    assert curve["open_share"].between(0, 1).all()


def test_curve_beside_scipy() -> None:
    days = pd.Series([5, 3, 8, 8, 1, 12, 30, 4, 5, 5])
    ended = pd.Series([True, True, False, True, False, True, False, True, True, False])
    data = stats.CensoredData(days[ended], right=days[~ended])
    expected = stats.ecdf(data).sf
    curve = m.kaplan_meier(days, ended).set_index("days")["open_share"]
    assert curve.loc[expected.quantiles].tolist() == pytest.approx(expected.probabilities)
