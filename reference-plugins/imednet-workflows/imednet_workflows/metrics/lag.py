"""Entry lag: the days from a visit to the first entry of its pages."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from imednet.models import StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.counted import live
from imednet_workflows.metrics.pages import GROUPS
from imednet_workflows.metrics.tools import (
    Column,
    calendar_days,
    counts,
    lookup,
    need,
    one_of,
    only,
    ratio,
    tally,
    whole_days,
    within,
)

__all__ = ["LATE_DAYS", "entry_lag", "entry_lag_summary"]

#: A page entered after more days than this is late.
LATE_DAYS = 10

_PLACE = ["subject_id", "interval_id"]


def entry_lag(
    frames: StudyFrames, config: StudyConfiguration | None = None, *, asof: date
) -> pd.DataFrame:
    """Return one row a record of a visit that was made, with how long its entry took.

    Columns: `record_id`, `subject_id`, `site_id`, `interval_id`, `form_key`,
    `visit_date` (a calendar date), `entered` (UTC, the record's first revision,
    else its `date_created`), `lag_days` (whole days from the visit's day to that of
    the entry; below 0 if entered before; NA if not known), `late` (more than
    `LATE_DAYS`). The visit is that of `visit_id`; where that is not listed, that of
    subject and interval. Raises ValueError if a frame lacks a column or `asof` is no date.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> entry_lag(example_study(), asof=date(2026, 3, 2))["lag_days"].tolist()
        [1, 16, 0]
    """
    kept = live(frames, asof)
    visits = kept.visits[kept.visits["visit_date"].notna()]
    records = kept.records
    seen = lookup(records["visit_id"], visits, "visit_id", "visit_date")
    unplaced = ~within(records["visit_id"], kept.visits["visit_id"])
    seen = _seen_by_interval(seen, records, visits, unplaced)
    first = kept.record_revisions.groupby("record_id", sort=False)["date_created"].min()
    entered = first.reindex(pd.Index(records["record_id"])).set_axis(records.index)
    entered = entered.fillna(records["date_created"])
    lag = whole_days(calendar_days(entered) - seen)
    columns = ["record_id", "subject_id", "site_id", "interval_id", "form_key"]
    table = records[columns].assign(
        visit_date=seen, entered=entered, lag_days=lag, late=(lag > LATE_DAYS).astype("boolean")
    )
    return table[seen.notna()].reset_index(drop=True)


def _seen_by_interval(
    seen: Column, records: pd.DataFrame, visits: pd.DataFrame, unplaced: Column
) -> Column:
    """Return the visit dates, those of records without a visit by subject and interval."""
    gaps = unplaced & records["interval_id"].notna()
    if not gaps.any():
        return seen
    pairs = visits.dropna(subset=_PLACE).drop_duplicates(_PLACE)
    others = records.loc[gaps, _PLACE].merge(pairs, on=_PLACE, how="left")["visit_date"]
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
    one_of(by, GROUPS, "by")
    need(lag, ["lag_days", "late", *([by] if by else [])], "lag")
    known = only(lag, lag["lag_days"].notna())
    days = known["lag_days"].astype("float64")
    sums: dict[str, Column] = {"pages": days.notna(), "late": known["late"].astype("Int64")}
    table = counts(tally(sums, known[by] if by else None), ["pages", "late"])
    groups = days.groupby(known[by], dropna=False) if by else days
    found = groups.quantile(np.array([0.5, 0.9])).astype("Float64").array
    table["median_days"], table["p90_days"] = found[::2], found[1::2]
    table["late_percent"] = ratio(table["late"], table["pages"], 100)
    order = [*([by] if by else []), "pages", "median_days", "p90_days", "late", "late_percent"]
    return table[order]
