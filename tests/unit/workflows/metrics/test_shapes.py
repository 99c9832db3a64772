"""Every metric on every odd study: the same columns and types, NA for what is not known."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import pandas as pd
import pytest

from imednet.models import StudyConfiguration
from imednet_workflows import metrics as m
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.example import example_study

ASOF = date(2026, 3, 2)
Metric = Callable[[StudyFrames], pd.DataFrame]


def state(frames: StudyFrames) -> pd.DataFrame:
    return m.query_state(frames, asof=ASOF)


def pages(frames: StudyFrames) -> pd.DataFrame:
    return m.expected_pages(frames, asof=ASOF)


def lag(frames: StudyFrames) -> pd.DataFrame:
    return m.entry_lag(frames, asof=ASOF)


METRICS: dict[str, Metric] = {
    "query_state": state,
    "query_ageing": lambda f: m.query_ageing(state(f)),
    "query_ageing by site": lambda f: m.query_ageing(state(f), by="site_id"),
    "query_ageing by turn": lambda f: m.query_ageing(state(f), by="turn"),
    "time_to_resolve": lambda f: m.time_to_resolve(state(f), asof=ASOF),
    "median_time": lambda f: m.median_time_to_resolve(state(f), asof=ASOF),
    "median_time by site": lambda f: m.median_time_to_resolve(state(f), asof=ASOF, by="site_id"),
    "reopen_rate": lambda f: m.reopen_rate(state(f)),
    "reopen_rate by form": lambda f: m.reopen_rate(state(f), by="form_key"),
    "query_rates": lambda f: m.query_rates(f, asof=ASOF),
    "query_rates by site": lambda f: m.query_rates(f, asof=ASOF, by="site_id"),
    "query_flux": lambda f: m.query_flux(f, asof=ASOF),
    "enrolment_funnel": lambda f: m.enrolment_funnel(f, asof=ASOF, by=None),
    "enrolment_funnel by site": lambda f: m.enrolment_funnel(f, asof=ASOF),
    "enrolment_curve": lambda f: m.enrolment_curve(f, asof=ASOF),
    "enrolment_curve by site": lambda f: m.enrolment_curve(f, asof=ASOF, by="site_id"),
    "site_enrolment": lambda f: m.site_enrolment(f, asof=ASOF),
    "forecast days": lambda f: m.forecast_enrolment(f, asof=ASOF, more=9).days,
    "forecast band": lambda f: m.forecast_enrolment(f, asof=ASOF, more=9).band,
    "visit_status": lambda f: m.visit_status(f, asof=ASOF),
    "expected_pages": pages,
    "missing_pages": lambda f: m.missing_pages(pages(f)),
    "completion": lambda f: m.completion(pages(f)),
    "completion by site": lambda f: m.completion(pages(f), by="site_id"),
    "completion by form": lambda f: m.completion(pages(f), by="form_key"),
    "entry_lag": lag,
    "entry_lag_summary": lambda f: m.entry_lag_summary(lag(f)),
    "entry_lag_summary by site": lambda f: m.entry_lag_summary(lag(f), by="site_id"),
    "sdv_progress": lambda f: m.sdv_progress(f, asof=ASOF),
    "sdv_progress by form": lambda f: m.sdv_progress(f, asof=ASOF, by="form_key"),
    "clean_subjects": lambda f: m.clean_subjects(f, asof=ASOF),
    "kri_counts": lambda f: m.kri_counts(f, asof=ASOF),
    "kri_table": lambda f: m.kri_table(f, asof=ASOF),
    "kri_table alone": lambda f: m.kri_table(f, asof=ASOF, method="leave_one_out"),
    "risk_scores": lambda f: m.risk_scores(m.kri_table(f, asof=ASOF)),
    "kri_trend": lambda f: m.kri_trend(f, asof=ASOF, months=1),
    "unknown_words": lambda f: m.unknown_words(f),
}
EACH = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


@lru_cache
def shape(metric: Metric) -> dict[Any, Any]:
    """The columns and types that a metric of the example study has."""
    return metric(example_study()).dtypes.to_dict()


def same_shape(metric: Metric, frames: StudyFrames) -> None:
    found = metric(frames)
    assert found.dtypes.to_dict() == shape(metric)
    assert isinstance(found.index, pd.RangeIndex)


@EACH
def test_example_and_story_alike(metric: Metric, story: StudyFrames) -> None:
    same_shape(metric, story)


@EACH
def test_without_rows(metric: Metric, empty: StudyFrames) -> None:
    same_shape(metric, empty)


@EACH
def test_rows_of_nulls(metric: Metric, blank: StudyFrames) -> None:
    same_shape(metric, blank)


@EACH
@pytest.mark.parametrize("name", ["sites", "subjects", "records"])
def test_one_list_without_rows(metric: Metric, name: str, example: StudyFrames) -> None:
    same_shape(metric, replace(example, **{name: getattr(example, name).head(0)}))


@EACH
def test_one_site_only(metric: Metric, example: StudyFrames) -> None:
    same_shape(metric, replace(example, sites=example.sites.head(1)))


@EACH
def test_words_never_heard_of(metric: Metric, example: StudyFrames) -> None:
    odd = replace(
        example,
        subjects=example.subjects.assign(subject_status=pd.array(["Ξ"] * 3, dtype="string")),
        sites=example.sites.assign(site_enrollment_status=pd.array(["?"] * 2, dtype="string")),
        records=example.records.assign(record_status=pd.array([""] * 8, dtype="string")),
    )
    same_shape(metric, odd)


def test_nothing_given_is_changed(example: StudyFrames) -> None:
    before = copy.deepcopy(example)
    for metric in METRICS.values():
        metric(example)
    for name in (field.name for field in fields(StudyFrames) if field.name != "study_key"):
        pd.testing.assert_frame_equal(getattr(example, name), getattr(before, name))


@EACH
def test_order_of_rows_does_not_matter(metric: Metric, example: StudyFrames) -> None:
    turned = replace(
        example,
        **{
            name: getattr(example, name).iloc[::-1].reset_index(drop=True)
            for name in ("subjects", "forms", "intervals", "interval_forms", "visits", "comments")
        },
    )
    found, told = metric(turned), metric(example)
    order = [str(name) for name in told if name not in ("reasons", "site_name")]
    pd.testing.assert_frame_equal(
        found.sort_values(order, ignore_index=True), told.sort_values(order, ignore_index=True)
    )


def test_asof_is_a_moment_or_a_days_end(example: StudyFrames) -> None:
    ages = [
        m.query_state(example, asof=asof)["age_days"].iloc[0]  # opened 21 January, midnight UTC
        for asof in (
            date(2026, 1, 22),
            datetime(2026, 1, 22),
            datetime(2026, 1, 22, tzinfo=UTC),
            datetime(2026, 1, 22, tzinfo=timezone(timedelta(hours=2))),
        )
    ]
    assert ages == [1, 1, 1, 0]


@pytest.mark.parametrize("asof", ["2026-03-02", None, 5, pd.NaT])
def test_asof_that_is_no_date(asof: Any, example: StudyFrames) -> None:
    with pytest.raises(ValueError, match=r"asof: .* is not a date; give a date or a datetime"):
        m.kri_table(example, asof=asof)


def test_missing_column_is_named(example: StudyFrames) -> None:
    broken = replace(example, visits=example.visits[["visit_id", "subject_id"]])
    with pytest.raises(ValueError, match="missing") as caught:
        m.visit_status(broken, asof=ASOF)
    assert str(caught.value) == (
        "visits: column interval_id, start_date, end_date, due_date, visit_date, deleted,"
        " date_created is missing; it has visit_id, subject_id"
    )


def test_names_are_sorted_and_there() -> None:
    assert m.__all__ == sorted(m.__all__, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    assert all(hasattr(m, name) for name in m.__all__)


def test_words_of_the_configuration(example: StudyFrames) -> None:
    config = StudyConfiguration(statuses={"enrolled": ["screen-FAILURE"], "screen_failure": ["x"]})
    funnel = m.enrolment_funnel(example, config, asof=ASOF, by=None)
    assert funnel[["enrolled", "screen_failures"]].to_numpy().tolist() == [[3, 0]]


def test_misspelt_key_of_words(example: StudyFrames) -> None:
    config = StudyConfiguration(statuses={"enroled": ["Enrolled"]})
    with pytest.raises(ValueError, match="statuses: 'enroled' is not a known key; use one of scr"):
        m.enrolment_funnel(example, config, asof=ASOF)


def test_unknown_words_are_listed(example: StudyFrames) -> None:
    odd = example.records.assign(record_status=pd.array(["Signed"] * 7 + [None], dtype="string"))
    found = m.unknown_words(replace(example, records=odd))
    assert found.to_numpy().tolist() == [["record_status", "Signed", 7]]


@pytest.mark.parametrize("asof", [date(1900, 1, 1), date(1970, 1, 1), date(2200, 12, 31)])
def test_any_day_will_do(asof: date, example: StudyFrames) -> None:
    assert len(m.kri_table(example, asof=asof)) == 16
    assert len(m.query_state(example, asof=asof)) == (4 if asof.year == 2200 else 0)


@EACH
def test_narrow_frames_give_the_same(metric: Metric, story: StudyFrames) -> None:
    names = [field.name for field in fields(StudyFrames) if field.name != "study_key"]
    slim = {name: m.narrow(name, getattr(story, name)) for name in names}
    assert len(slim["record_revisions"].columns) < len(story.record_revisions.columns)
    pd.testing.assert_frame_equal(metric(replace(story, **slim)), metric(story))


def test_results_at_hand_give_the_same(story: StudyFrames) -> None:
    visits = m.visit_status(story, asof=ASOF)
    found = m.expected_pages(story, asof=ASOF, visits=visits)
    clean = m.clean_subjects(story, asof=ASOF, pages=found, visits=visits, state=state(story))
    counts = m.kri_counts(story, asof=ASOF, state=state(story), lag=lag(story))
    table = m.kri_table(story, asof=ASOF, counts=counts)

    pd.testing.assert_frame_equal(found, pages(story))
    pd.testing.assert_frame_equal(clean, METRICS["clean_subjects"](story))
    pd.testing.assert_frame_equal(counts, METRICS["kri_counts"](story))
    pd.testing.assert_frame_equal(table, METRICS["kri_table"](story))


def test_completion_by_several_is_that_of_each_part(story: StudyFrames) -> None:
    whole = pages(story)
    table = m.completion(whole, by=("site_id", "form_key")).set_index("site_id")
    for site, part in whole.groupby("site_id"):
        told = m.completion(part, by="form_key")
        pd.testing.assert_frame_equal(table.loc[[site]].reset_index(drop=True), told)
