"""Pages: which are expected, missing, verified, and which subjects are clean."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from imednet.models import StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.counted import form_ids, live
from imednet_workflows.metrics.queries import query_state
from imednet_workflows.metrics.terms import terms
from imednet_workflows.metrics.tools import (
    Column,
    calendar_day,
    counts,
    lookup,
    moment,
    need,
    one_of,
    places,
    ratio,
    sizes,
    tally,
    whole_days,
    worded,
)
from imednet_workflows.metrics.visits import visit_status

__all__ = [
    "GROUPS",
    "clean_subjects",
    "completion",
    "expected_pages",
    "missing_pages",
    "sdv_progress",
]

_PAGE = ["subject_id", "interval_id", "form_id"]
_COLUMNS = [
    *("subject_id", "subject_key", "site_id", "interval_id", "interval_name", "form_id"),
    *("form_key", "visit", "due", "state", "days_due"),
]
_STATES = ("missing", "started", "complete", "not due")
_COMPLETE = ("complete", "ready_for_sdv", "partly_verified", "verified")
#: What pages can be counted by.
GROUPS = (None, "form_key", "site_id", "subject_id")


def expected_pages(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    visits: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row a page of the schedule: a form that an interval asks of a subject.

    Columns: `subject_id`, `subject_key`, `site_id`, `interval_id`, `interval_name`,
    `form_id`, `form_key`, `visit` (the visit's status), `due` (visit date, else
    the window's end), `state`: "complete" (all its records are complete, ready for
    verification or verified), "started" (a record in any other status), "missing"
    (visit made or overdue, no record), "not due" (visit to come); `days_due` (whole
    days from `due` to `asof`, NA where not due). Visits that are not expected of a
    subject that failed, left or completed have no rows; a page entered ahead of
    its visit is not due. A form is found by its id, or its key where that is all
    there is. `visits` may be the result of `visit_status` for the same arguments,
    where it is at hand. Raises ValueError if a frame lacks a column or `asof` is no date.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> expected_pages(example_study(), asof=date(2026, 3, 2))["state"].tolist()
        ['complete', 'complete', 'missing', 'started']
    """
    kept = live(frames, asof)
    visits = visit_status(kept, config, asof=asof) if visits is None else visits
    seen, asked = _seen(visits, moment(asof)), _asked(kept)
    forms = asked["form_id"].drop_duplicates().to_frame()
    entered = _entered(seen, forms, kept, config)
    pages = seen.assign(place=range(len(seen))).merge(
        asked.assign(column=places(asked[["form_id"]], forms)), on="interval_id"
    )
    state = entered[pages["place"], pages["column"]]
    state[~pages["expected"]] = _STATES.index("not due")
    pages["state"] = worded(_STATES, pd.Series(state, index=pages.index))
    return pages[_COLUMNS]


def _seen(visits: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Return each visit once; if a subject has an interval twice, the visit made comes first."""
    visits = visits[visits["status"] != "not expected"].dropna(subset=_PAGE[:2])
    due = visits["visit_date"].fillna(visits["window_end"])
    made, late = ((visits["status"] == word).astype(bool) for word in ("made", "overdue"))
    expected = made | late
    seen = (
        visits[[*_PAGE[:2], "subject_key", "site_id", "interval_name"]]
        .assign(
            visit=visits["status"],
            due=due,
            expected=expected,
            days_due=whole_days(calendar_day(now) - due).where(expected),
            rank=2 - 2 * made - late,
        )
        .reset_index(drop=True)
    )  # visits that were sorted or joined come with any index
    ranked = seen[[*_PAGE[:2], "rank"]].sort_values("rank", kind="stable")
    return seen.drop(columns="rank")[~ranked.duplicated(_PAGE[:2]).sort_index()]


def _asked(kept: StudyFrames) -> pd.DataFrame:
    """Return the forms that each interval asks for, each once."""
    asked = kept.interval_forms[["interval_id"]].assign(
        form_id=form_ids(kept.interval_forms, kept.forms),
        form_key=kept.interval_forms["form_key"],
    )
    asked = asked.dropna(subset=_PAGE[1:]).drop_duplicates(_PAGE[1:])
    keys = lookup(asked["form_id"], kept.forms, "form_id", "form_key")
    return asked.assign(form_key=asked["form_key"].fillna(keys))


def _entered(
    seen: pd.DataFrame, forms: pd.DataFrame, kept: StudyFrames, config: StudyConfiguration | None
) -> npt.NDArray[np.int8]:
    """Return for each visit (a row) and form (a column) the place in `_STATES` of its records."""
    records = kept.records
    row = places(records[_PAGE[:2]], seen[_PAGE[:2]])
    column = places(form_ids(records, kept.forms).to_frame("form_id"), forms)
    there = (row >= 0) & (column >= 0)
    done = terms(config).mean(records["record_status"], *_COMPLETE).to_numpy()
    entered = np.full((len(seen), len(forms)), _STATES.index("missing"), dtype=np.int8)
    for state, those in (("complete", there), ("started", there & ~done)):
        entered[row[those], column[those]] = _STATES.index(state)
    return entered


def missing_pages(pages: pd.DataFrame) -> pd.DataFrame:
    """Return the pages that are missing, the longest due first.

    `pages` is the result of `expected_pages`; columns as there.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> pages = expected_pages(example_study(), asof=date(2026, 3, 2))
        >>> missing_pages(pages)[["subject_key", "interval_name"]].to_numpy().tolist()
        [['S-1', 'Week 4']]
    """
    need(pages, ["state", "days_due"], "pages")
    gone = pages[pages["state"] == "missing"]
    return gone.sort_values("days_due", ascending=False, kind="stable").reset_index(drop=True)


def completion(pages: pd.DataFrame, *, by: str | tuple[str, ...] | None = None) -> pd.DataFrame:
    """Return how many pages are complete, started, missing and not due.

    `pages` is the result of `expected_pages`; `by` is "form_key", "site_id",
    "subject_id", several of them as a tuple, or None for all together. Columns: `by`,
    `complete`, `started`, `missing`, `not_due`, `expected` (the first three together),
    `completion_percent` (complete / expected; NA where none is expected).

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> pages = expected_pages(example_study(), asof=date(2026, 3, 2))
        >>> completion(pages, by="site_id")[["complete", "expected"]].to_numpy().tolist()
        [[2, 3], [0, 1]]
    """
    keys = _keys(by)
    need(pages, ["state", *keys], "pages")
    names = ("complete", "started", "missing", "not_due")
    found = sizes(pages, [*keys, "state"])
    states = {name: name.replace("_", " ") for name in names}
    sums = {name: found["rows"].where(found["state"] == state, 0) for name, state in states.items()}
    table = counts(tally(sums, [found[key] for key in keys] or None), names)
    table["expected"] = table["complete"] + table["started"] + table["missing"]
    return table.assign(completion_percent=ratio(table["complete"], table["expected"], 100))


def _keys(by: str | tuple[str, ...] | None) -> list[str]:
    """Return the columns to group by; raises ValueError for one that is not known."""
    keys = [] if by is None else list(by) if isinstance(by, tuple) else [by]
    for key in keys:
        one_of(key, GROUPS, "by")
    return keys


def sdv_progress(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    by: str | tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """Return how many of the records that are ready for source verification have had it.

    `by` is "form_key", "site_id", "subject_id", several of them as a tuple, or None
    for all together. Columns: `by`, `ready`, `partly_verified`, `verified` (records),
    `sdv_percent` = verified / all three; NA where there is none. Raises ValueError as
    `expected_pages` does.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> sdv_progress(example_study(), asof=date(2026, 3, 2))["sdv_percent"].tolist()
        [50.0]
    """
    keys, words = _keys(by), terms(config)
    found = sizes(live(frames, asof).records, [*keys, "record_status"])
    kinds = {"ready": "ready_for_sdv", "partly_verified": "partly_verified", "verified": "verified"}
    sums = {
        name: found["rows"].where(words.mean(found["record_status"], kind), 0)
        for name, kind in kinds.items()
    }
    table = counts(tally(sums, [found[key] for key in keys] or None), kinds)
    under = table["ready"] + table["partly_verified"] + table["verified"]
    return table.assign(sdv_percent=ratio(table["verified"], under, 100))


_REASONS = {
    "missing_pages": "missing page",
    "overdue_visits": "overdue visit",
    "open_queries": "open query",
    "unknown_queries": "query of unknown state",
    "unverified_records": "not verified",
    "incomplete_records": "incomplete record",
}


def clean_subjects(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    pages: pd.DataFrame | None = None,
    visits: pd.DataFrame | None = None,
    state: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row a subject: whether its data are clean, and what is in the way.

    Columns: `subject_id`, `subject_key`, `site_id`, `subject_status`, then how many:
    `missing_pages`, `overdue_visits`, `open_queries`, `unknown_queries` (their state
    cannot be told, so they are not taken as closed), `unverified_records` (ready
    for verification or partly verified), `incomplete_records` (of a status that is
    not complete, ready or verified); `clean` (all are 0) and `reasons` (text, "" if
    clean). Where the results of `expected_pages`, `visit_status` and `query_state` for
    the same arguments are at hand, `pages`, `visits` and `state` save working them out
    again. Raises ValueError if a frame lacks a column or `asof` is no date.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> clean = clean_subjects(example_study(), asof=date(2026, 3, 2))
        >>> clean["reasons"].iloc[1]
        'open query; query of unknown state; incomplete record'
        >>> clean["clean"].tolist()
        [False, False, True]
    """
    kept = live(frames, asof)
    ids, words = kept.subjects["subject_id"], terms(config)
    visits = visit_status(kept, config, asof=asof) if visits is None else visits
    if pages is None:
        pages = expected_pages(kept, config, asof=asof, visits=visits)
    state = query_state(frames, config, asof=asof) if state is None else state
    asked, status = state[state["counted"]], kept.records["record_status"]
    waiting = words.mean(status, "ready_for_sdv", "partly_verified")
    unfit = ~words.mean(status, *_COMPLETE)
    flagged = {
        "missing_pages": pages.loc[pages["state"] == "missing", "subject_id"],
        "overdue_visits": visits.loc[visits["status"] == "overdue", "subject_id"],
        "open_queries": asked.loc[asked["state"] == "open", "subject_id"],
        "unknown_queries": asked.loc[asked["state"] == "unknown", "subject_id"],
        "unverified_records": kept.records.loc[waiting, "subject_id"],
        "incomplete_records": kept.records.loc[unfit, "subject_id"],
    }
    table = kept.subjects[["subject_id", "subject_key", "site_id", "subject_status"]].copy()
    reasons: Column = pd.Series("", index=table.index, dtype="string")
    for name, subjects in flagged.items():
        table[name] = ids.map(subjects.dropna().value_counts()).astype("Int64").fillna(0)
        reasons = reasons.mask(table[name] > 0, reasons + f"; {_REASONS[name]}")
    table["clean"] = (reasons == "").astype("boolean")
    return table.assign(reasons=reasons.str.removeprefix("; ")).reset_index(drop=True)
