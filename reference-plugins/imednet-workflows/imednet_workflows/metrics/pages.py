"""Pages: which are expected, missing, late, verified, and which subjects are clean."""

from __future__ import annotations

from datetime import date

import pandas as pd

from imednet.models import StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.counted import form_ids, live
from imednet_workflows.metrics.queries import query_state
from imednet_workflows.metrics.terms import terms
from imednet_workflows.metrics.tools import (
    Column,
    calendar_day,
    calendar_days,
    counts,
    lookup,
    moment,
    need,
    one_of,
    ratio,
    tally,
    whole_days,
    worded,
)
from imednet_workflows.metrics.visits import visit_status

__all__ = [
    "LATE_DAYS",
    "clean_subjects",
    "completion",
    "entry_lag",
    "entry_lag_summary",
    "expected_pages",
    "missing_pages",
    "sdv_progress",
]

#: A page entered after more days than this is late.
LATE_DAYS = 10

_PAGE = ["subject_id", "interval_id", "form_id"]
_COMPLETE = ("complete", "ready_for_sdv", "partly_verified", "verified")
_GROUPS = (None, "form_key", "site_id", "subject_id")


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
    pages = _scheduled(visits, kept)
    found = _entered(kept, config)
    pages = pages.merge(found, on=_PAGE, how="left")
    expected = pages["visit"].isin(["made", "overdue"])
    place = (pages["complete"].fillna(-1) + 1).astype("int8").where(expected, 3)
    state = worded(["missing", "started", "complete", "not due"], place)
    since = whole_days(calendar_day(moment(asof)) - pages["due"])
    pages = pages.assign(state=state, days_due=since.where(expected))
    return pages.drop(columns="complete")


def _scheduled(visits: pd.DataFrame, kept: StudyFrames) -> pd.DataFrame:
    """Return each page once; if a subject has an interval twice, the visit made comes first."""
    visits = visits[visits["status"] != "not expected"]
    visits = visits.dropna(subset=["subject_id", "interval_id"])
    columns = [*_PAGE[:2], "subject_key", "site_id", "interval_name"]
    seen = visits[columns].assign(
        visit=visits["status"],
        due=visits["visit_date"].fillna(visits["window_end"]),
        rank=visits["status"].map({"made": 0, "overdue": 1}).astype("Float64").fillna(2.0),
    )
    listed = kept.interval_forms[["interval_id"]].assign(
        form_id=form_ids(kept.interval_forms, kept.forms),
        form_key=kept.interval_forms["form_key"],
    )
    listed = listed.dropna(subset=["interval_id", "form_id"]).drop_duplicates(_PAGE[1:])
    keys = lookup(listed["form_id"], kept.forms, "form_id", "form_key")
    listed["form_key"] = listed["form_key"].fillna(keys)
    seen = seen.sort_values("rank", kind="stable").drop_duplicates(_PAGE[:2]).sort_index()
    pages = seen.drop(columns="rank").merge(listed, on="interval_id")
    order = ["subject_id", "subject_key", "site_id", "interval_id", "interval_name"]
    return pages[[*order, "form_id", "form_key", "visit", "due"]]


def _entered(kept: StudyFrames, config: StudyConfiguration | None) -> pd.DataFrame:
    """Return each page that has records, with `complete`: 1 if all are, else 0."""
    records = kept.records[["subject_id", "interval_id"]].assign(
        form_id=form_ids(kept.records, kept.forms),
        complete=terms(config).mean(kept.records["record_status"], *_COMPLETE).astype("int8"),
    )
    return records.dropna(subset=_PAGE).groupby(_PAGE, sort=False)["complete"].min().reset_index()


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
    keys = [] if by is None else list(by) if isinstance(by, tuple) else [by]
    for key in keys:
        one_of(key, _GROUPS, "by")
    need(pages, ["state", *keys], "pages")
    names = ("complete", "started", "missing", "not_due")
    sums = {name: (pages["state"] == name.replace("_", " ")).astype("int64") for name in names}
    table = counts(tally(sums, [pages[key] for key in keys] or None), names)
    table["expected"] = table["complete"] + table["started"] + table["missing"]
    return table.assign(completion_percent=ratio(table["complete"], table["expected"], 100))


def entry_lag(
    frames: StudyFrames, config: StudyConfiguration | None = None, *, asof: date
) -> pd.DataFrame:
    """Return one row a record of a visit that was made, with how long its entry took.

    Columns: `record_id`, `subject_id`, `site_id`, `interval_id`, `form_key`,
    `visit_date` (a calendar date), `entered` (UTC, the record's first revision,
    else its `date_created`), `lag_days` (whole days from the visit's day to that of
    the entry; below 0 if entered before; NA if not known), `late` (more than
    `LATE_DAYS`). The visit is that of `visit_id`, else of subject and interval.
    Raises ValueError if a frame lacks a column or `asof` is no date.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> entry_lag(example_study(), asof=date(2026, 3, 2))["lag_days"].tolist()
        [1, 16, 0]
    """
    kept = live(frames, asof)
    visits = kept.visits[kept.visits["visit_date"].notna()]
    records = kept.records
    seen = lookup(records["visit_id"], visits, "visit_id", "visit_date")
    seen = _seen_by_interval(seen, records, visits)
    revised = kept.record_revisions[["record_id", "date_created"]]
    first = revised.groupby("record_id")["date_created"].min().reset_index()
    entered = lookup(records["record_id"], first, "record_id", "date_created")
    entered = entered.fillna(records["date_created"])
    lag = whole_days(calendar_days(entered) - seen)
    columns = ["record_id", "subject_id", "site_id", "interval_id", "form_key"]
    table = records[columns].assign(
        visit_date=seen, entered=entered, lag_days=lag, late=(lag > LATE_DAYS).astype("boolean")
    )
    return table[seen.notna()].reset_index(drop=True)


def _seen_by_interval(seen: Column, records: pd.DataFrame, visits: pd.DataFrame) -> Column:
    """Return the visit dates, unknown ones replaced by that of subject and interval."""
    gaps = seen.isna() & records["interval_id"].notna()
    if not gaps.any():
        return seen
    pairs = visits.dropna(subset=_PAGE[:2]).drop_duplicates(_PAGE[:2])
    others = records.loc[gaps, _PAGE[:2]].merge(pairs, on=_PAGE[:2], how="left")["visit_date"]
    seen = seen.copy()
    seen[gaps] = others.array
    return seen


def entry_lag_summary(lag: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Return the median and P90 of entry lags, and the share that is late.

    `lag` is the result of `entry_lag`; `by` is "form_key", "site_id", "subject_id"
    or None. Columns: `by`, `pages`, `median_days`, `p90_days` (the 90th percentile,
    interpolated linearly between the nearest two), `late`, `late_percent`; NA where
    there are no pages.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> lag = entry_lag(example_study(), asof=date(2026, 3, 2))
        >>> entry_lag_summary(lag)[["pages", "median_days", "late"]].to_numpy().tolist()
        [[3, 1.0, 1]]
    """
    one_of(by, _GROUPS, "by")
    need(lag, ["lag_days", "late", *([by] if by else [])], "lag")
    lag = lag[lag["lag_days"].notna()]
    days = lag["lag_days"].astype("float64")
    sums: dict[str, Column] = {"pages": days.notna(), "late": lag["late"].astype("Int64")}
    table = counts(tally(sums, lag[by] if by else None), ["pages", "late"])
    for name, share in (("median_days", 0.5), ("p90_days", 0.9)):
        if by is None:
            found = days.quantile([share])
        else:
            found = days.groupby(lag[by], dropna=False).quantile(share)
        table[name] = found.astype("Float64").array
    table["late_percent"] = ratio(table["late"], table["pages"], 100)
    order = [*([by] if by else []), "pages", "median_days", "p90_days", "late", "late_percent"]
    return table[order]


def sdv_progress(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    by: str | None = None,
) -> pd.DataFrame:
    """Return how many of the records that are ready for source verification have had it.

    `by` is "form_key", "site_id", "subject_id" or None. Columns: `by`, `ready`,
    `partly_verified`, `verified` (records), `sdv_percent` = verified / all three;
    NA where there is none. Raises ValueError as `expected_pages` does.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> sdv_progress(example_study(), asof=date(2026, 3, 2))["sdv_percent"].tolist()
        [50.0]
    """
    one_of(by, _GROUPS, "by")
    records, words = live(frames, asof).records, terms(config)
    status = records["record_status"]
    names = ("ready", "partly_verified", "verified")
    keys = ("ready_for_sdv", "partly_verified", "verified")
    sums = {name: words.mean(status, key) for name, key in zip(names, keys, strict=True)}
    table = counts(tally(sums, records[by] if by else None), names)
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
