"""Which rows count as of a moment: nothing deleted, disabled, or later than it.

The server tells subjects', sites' and records' statuses only as they are now, so
these are not turned back when `asof` lies in the past; everything that is dated is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

import pandas as pd

from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.terms import Terms
from imednet_workflows.metrics.tools import (
    Column,
    calendar_day,
    filled,
    moment,
    need,
    not_later,
    only,
    true,
    within,
)

_NEEDED = {
    "sites": "site_id site_name site_enrollment_status date_created date_modified",
    "subjects": "subject_id subject_key subject_status site_id deleted enrollment_start_date"
    " date_created",
    "forms": "form_id form_key disabled",
    "variables": "form_id variable_name disabled deleted",
    "intervals": "interval_id disabled negative_slack positive_slack",
    "interval_forms": "interval_id form_id form_key",
    "visits": "visit_id interval_id subject_id start_date end_date due_date visit_date deleted"
    " date_created",
    "records": "record_id form_id form_key interval_id visit_id subject_id site_id record_status"
    " deleted date_created data_points",
    "record_revisions": "record_id data_revision date_created",
    "queries": "annotation_id subject_id subject_key record_id variable date_created",
    "comments": "annotation_id sequence annotation_status closed date",
}
#: The longest frames, with what metrics show of each, or use where other columns are NA.
_LONGEST: dict[str, list[str]] = {
    "visits": ["subject_key", "interval_name"],
    "records": ["subject_key"],
    "record_revisions": [],
}


@dataclass(frozen=True)
class _Counted(StudyFrames):
    """Frames counted as of a moment. What `replace` makes of them has to be counted anew."""

    now: pd.Timestamp | None = field(default=None, init=False, repr=False, compare=False)


def counted(frames: StudyFrames, asof: date) -> StudyFrames:
    """Return the frames with only the rows that count as of that moment.

    Left out: deleted subjects with all that is theirs, deleted visits and records,
    disabled forms, intervals and variables with their records and visits, and what
    was made after `asof`. A visit dated later than `asof` has not been made. A
    record without a site gets its subject's. Queries are not touched: give their
    metrics, and `kri_counts`, the frames as they were, or its `state`, since these do
    not tell any more what was about something gone. Doing it twice changes nothing, so
    that metrics of the result for the same `asof` do not do it again: do not change its
    frames in place, make others with `dataclasses.replace`. Raises ValueError if a
    frame lacks a column.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> frames = example_study()
        >>> len(frames.records), len(counted(frames, date(2026, 3, 2)).records)
        (8, 7)
    """
    now = moment(asof)
    if _is_counted(frames, now):
        return frames
    check_frames(frames)
    intervals = frames.intervals[~true(frames.intervals["disabled"])]
    forms = frames.forms[~true(frames.forms["disabled"])]
    shut = true(frames.variables["disabled"]) | true(frames.variables["deleted"])
    given = {each.name: getattr(frames, each.name) for each in fields(StudyFrames)}
    those = {
        "subjects": only(frames.subjects, _standing(frames.subjects, now)),
        "forms": forms,
        "variables": frames.variables[~shut],
        "intervals": intervals,
        "interval_forms": _scheduled(frames),
        "visits": _visits(frames, now),
        "records": counted_records(frames, now),
        "record_revisions": _until(frames.record_revisions, "date_created", now),
    }
    made = _Counted(**(given | those))
    object.__setattr__(made, "now", now)
    return made


def _is_counted(frames: StudyFrames, now: pd.Timestamp) -> bool:
    return isinstance(frames, _Counted) and frames.now == now


def narrow(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of StudyFrames with only the columns that metrics use.

    `name` is the frame's in StudyFrames. Only visits, records and record_revisions
    lose columns: they are a large study's longest, and mostly text that no metric
    looks at. Every metric of narrow frames is that of the whole ones.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> list(narrow("record_revisions", example_study().record_revisions))
        ['record_id', 'data_revision', 'date_created']
    """
    if name not in _LONGEST:
        return frame
    wanted = [*_NEEDED[name].split(), *_LONGEST[name]]
    return frame[[column for column in frame.columns if column in wanted]]


def live(frames: StudyFrames, asof: date) -> StudyFrames:
    """Return what `counted` does, of narrow frames."""
    if _is_counted(frames, moment(asof)):
        return frames
    check_frames(frames)
    longest: dict[str, Any] = {name: narrow(name, getattr(frames, name)) for name in _LONGEST}
    return counted(replace(frames, **longest), asof)


def check_frames(frames: StudyFrames) -> None:
    """Raise ValueError, naming frame and column, if a column that metrics need is missing."""
    for name, columns in _NEEDED.items():
        need(getattr(frames, name), columns.split(), name)


def form_ids(frame: pd.DataFrame, forms: pd.DataFrame) -> Column:
    """Return each row's form_id, found by its form_key where only that is given."""
    return filled(frame["form_id"], frame["form_key"], forms, "form_key", "form_id")


def by_subject_key(subjects: pd.DataFrame) -> pd.DataFrame:
    """Return the subjects for finding them by key: of those that share one, the standing first."""
    return subjects.sort_values("deleted", kind="stable", na_position="first")


def status_flags(subjects: pd.DataFrame, terms: Terms, now: pd.Timestamp) -> pd.DataFrame:
    """Return a row a subject: failed, enrolled (ever), completed, discontinued, active.

    Enrolled are those whose status says enrolled, completed or discontinued, and
    those with a word of no meaning and an enrolment date; never before that date. A
    discontinued subject without a date was not, where the study has such dates.
    Active is who neither failed, completed nor discontinued.
    """
    status = subjects["subject_status"]
    failed = terms.mean(status, "screen_failure")
    done = terms.mean(status, "completed")
    left = terms.mean(status, "discontinued")
    dated = subjects["enrollment_start_date"]
    told = done | left | terms.mean(status, "enrolled")
    unclear = ~(told | failed | terms.mean(status, "screening"))
    # Who left in screening was never enrolled; where a study keeps no dates, nobody can tell.
    never = left & dated.isna() & bool(dated.notna().any())
    enrolled = ((told & ~never) | (unclear & dated.notna())) & not_later(dated, now)
    return pd.DataFrame(
        {
            "failed": failed,
            "enrolled": enrolled,
            "completed": done & enrolled,
            "discontinued": left & enrolled,
            "active": ~(failed | done | left),
        }
    )


def _until(frame: pd.DataFrame, column: str, now: pd.Timestamp) -> pd.DataFrame:
    return only(frame, not_later(frame[column], now))


def _standing(subjects: pd.DataFrame, now: pd.Timestamp) -> Column:
    return ~true(subjects["deleted"]) & not_later(subjects["date_created"], now)


def _disabled(frame: pd.DataFrame, key: str) -> Column:
    return frame.loc[true(frame["disabled"]), key]


def of_counted(frame: pd.DataFrame, frames: StudyFrames, now: pd.Timestamp) -> Column:
    """Return which rows have a subject that counts, or none that is known."""
    gone = frames.subjects.loc[~_standing(frames.subjects, now), "subject_id"]
    return ~within(frame["subject_id"], gone)


def on_live_forms(frame: pd.DataFrame, frames: StudyFrames) -> Column:
    """Return which rows have a form that is not disabled."""
    by_id = within(frame["form_id"], _disabled(frames.forms, "form_id"))
    return ~(by_id | within(frame["form_key"], _disabled(frames.forms, "form_key")))


def _on_live_intervals(frame: pd.DataFrame, frames: StudyFrames) -> Column:
    return ~within(frame["interval_id"], _disabled(frames.intervals, "interval_id"))


def _scheduled(frames: StudyFrames) -> pd.DataFrame:
    listed = frames.interval_forms
    return listed[on_live_forms(listed, frames) & _on_live_intervals(listed, frames)]


def _visits(frames: StudyFrames, now: pd.Timestamp) -> pd.DataFrame:
    visits = frames.visits
    kept = ~true(visits["deleted"]) & _on_live_intervals(visits, frames)
    kept &= of_counted(visits, frames, now) & not_later(visits["date_created"], now)
    visits = only(visits, kept)
    made = visits["visit_date"]
    return visits.assign(visit_date=made.where(~(made > calendar_day(now))))


def _with_ids(frames: StudyFrames) -> pd.DataFrame:
    """Return the records with subject and interval, found by what else they name."""
    records, ids = frames.records, frames.records["subject_id"]
    if ids.isna().any():
        named = by_subject_key(frames.subjects)
        ids = filled(ids, records["subject_key"], named, "subject_key", "subject_id")
    intervals = filled(
        records["interval_id"], records["visit_id"], frames.visits, "visit_id", "interval_id"
    )
    return records.assign(subject_id=ids, interval_id=intervals)


def counted_records(frames: StudyFrames, now: pd.Timestamp) -> pd.DataFrame:
    """Return the records that count; one without a site gets its subject's."""
    records = _with_ids(frames)
    kept = ~true(records["deleted"]) & of_counted(records, frames, now)
    kept &= on_live_forms(records, frames) & _on_live_intervals(records, frames)
    kept &= not_later(records["date_created"], now)
    kept &= ~within(
        records["visit_id"], frames.visits.loc[true(frames.visits["deleted"]), "visit_id"]
    )
    records = only(records, kept)
    sites = filled(
        records["site_id"], records["subject_id"], frames.subjects, "subject_id", "site_id"
    )
    return records.assign(site_id=sites)
