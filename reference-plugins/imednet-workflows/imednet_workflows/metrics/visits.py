"""Visits: which were made, are overdue or to come, and which fell outside their window."""

from __future__ import annotations

from datetime import date

import pandas as pd

from imednet.models import StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.counted import live, status_flags
from imednet_workflows.metrics.terms import terms
from imednet_workflows.metrics.tools import (
    Column,
    calendar_day,
    lookup,
    moment,
    true,
    whole_days,
)

__all__ = ["visit_status"]

_COLUMNS = [
    *("visit_id", "subject_id", "subject_key", "site_id", "interval_id", "interval_name"),
    *("window_start", "due_date", "window_end", "visit_date", "status", "days_overdue"),
    *("days_out_of_window",),
]


def visit_status(
    frames: StudyFrames, config: StudyConfiguration | None = None, *, asof: date
) -> pd.DataFrame:
    """Return one row a visit that counts, with its window and what became of it.

    Columns beside identifiers: `window_start` (startDate, else due date less
    negative slack), `due_date`, `window_end` (endDate, else due date plus positive
    slack), `visit_date` (calendar dates; a visit dated after `asof` has not been
    made); `status`: "made", "overdue" (window over, subject active), "due" (window
    open), "upcoming" (window to come or not known), "not expected" (not made, and
    the subject failed, left or completed); `days_overdue` (whole days since the
    window's end, NA unless overdue); `days_out_of_window` (whole days, below 0:
    too early, above: too late, 0: within; NA if not made or without a window).

    Raises ValueError if a frame lacks a column or `asof` is no date.
    Source: the schedule's windows; a visit on the window's first or last day is within.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> visits = visit_status(example_study(), asof=date(2026, 3, 2))
        >>> visits["status"].tolist()
        ['made', 'made', 'overdue', 'made', 'not expected']
        >>> visits["days_out_of_window"].tolist()
        [0, 3, <NA>, 0, <NA>]
    """
    kept = live(frames, asof)
    today = calendar_day(moment(asof))
    visits = _windows(kept)
    flags = status_flags(kept.subjects, terms(config), moment(asof))
    subjects = kept.subjects.assign(active=flags["active"])
    ids = visits["subject_id"]
    left = true(~lookup(ids, subjects, "subject_id", "active").astype("boolean"))
    status = _status(visits, left, today)
    late = whole_days(today - visits["window_end"])
    made = visits.assign(
        site_id=lookup(ids, subjects, "subject_id", "site_id"),
        status=status,
        days_overdue=late.where(status == "overdue"),
        days_out_of_window=_days_out(visits),
    )
    return made[_COLUMNS].reset_index(drop=True)


def _windows(kept: StudyFrames) -> pd.DataFrame:
    visits, intervals = kept.visits, kept.intervals
    ids, due = visits["interval_id"], visits["due_date"]
    before = lookup(ids, intervals, "interval_id", "negative_slack").astype("Int64").fillna(0)
    after = lookup(ids, intervals, "interval_id", "positive_slack").astype("Int64").fillna(0)
    return visits.assign(
        window_start=visits["start_date"].fillna(due - _days(before)),
        window_end=visits["end_date"].fillna(due + _days(after)),
    )


def _days(number: Column) -> Column:
    return pd.to_timedelta(number.astype("int64"), unit="D")


def _status(visits: pd.DataFrame, left: Column, today: pd.Timestamp) -> Column:
    status: Column = pd.Series("upcoming", index=visits.index, dtype="string")
    status = status.mask(visits["window_start"] <= today, "due")
    status = status.mask(visits["window_end"].isna(), "upcoming")
    status = status.mask(visits["window_end"] < today, "overdue")
    return status.mask(left, "not expected").mask(visits["visit_date"].notna(), "made")


def _days_out(visits: pd.DataFrame) -> Column:
    """Return signed days outside the window; one bound is enough if the visit is beyond it."""
    early = whole_days(visits["visit_date"] - visits["window_start"])
    late = whole_days(visits["visit_date"] - visits["window_end"])
    inside = 0 * (early + late)
    return inside.mask((late > 0).fillna(False), late).mask((early < 0).fillna(False), early)
