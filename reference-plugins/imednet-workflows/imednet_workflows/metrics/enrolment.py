"""Enrolment: the funnel from screening to completion, and the curve over time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from imednet.models import SiteTarget, StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.counted import live, status_flags
from imednet_workflows.metrics.terms import terms
from imednet_workflows.metrics.tools import (
    DAY,
    Column,
    calendar_day,
    calendar_days,
    counts,
    every_site,
    moment,
    one_of,
    ratio,
    tally,
    whole_days,
    within,
)

__all__ = ["enrolment_curve", "enrolment_funnel", "site_enrolment"]

_STEPS = ("screened", "screen_failures", "enrolled", "completed", "discontinued")


def enrolment_funnel(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    by: str | None = "site_id",
) -> pd.DataFrame:
    """Return how many subjects were screened, failed, enrolled, completed and discontinued.

    `by` is "site_id" (a row each site of the study, and one with NA for subjects
    without a site) or None (one row). Columns: for sites `site_id`, `site_name`,
    `site_enrollment_status`; `screened` (all subjects), `screen_failures`,
    `enrolled` (ever), `completed`, `discontinued`; `screen_failure_percent` of the
    screened, `discontinuation_percent` of the enrolled, NA where there are none;
    `planned` (targets of the configuration, NA where none is given) and
    `target_percent` = enrolled / planned, of the sites that have a target.
    `attrs["unknown_targets"]` lists the names of targets that no site has. Raises
    ValueError for another `by`, if a frame lacks a column, and if `asof` is no date.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> funnel = enrolment_funnel(example_study(), asof=date(2026, 3, 2))
        >>> funnel[["screened", "enrolled", "discontinued"]].to_numpy().tolist()
        [[1, 1, 0], [2, 1, 1]]
    """
    one_of(by, (None, "site_id"), "by")
    subjects = live(frames, asof).subjects
    flags = status_flags(subjects, terms(config), moment(asof))
    sums = {"screened": flags["active"].notna(), "screen_failures": flags["failed"]}
    sums |= {name: flags[name] for name in _STEPS[2:]}
    targets = site_targets(frames.sites, config)
    aimed = targets.loc[targets["planned"].notna(), "site_id"]
    sums["aimed"] = flags["enrolled"] & within(subjects["site_id"], aimed)
    table = tally(sums, subjects["site_id"] if by else None)
    if by:
        table = every_site(table, frames.sites)
        table = targets.drop_duplicates("site_id").merge(table, on="site_id", how="right")
        table = table.drop(columns=["activated", "closed", "date_created", "date_modified"])
    else:
        planned = targets["planned"]
        table["planned"] = pd.array([planned.sum(min_count=1)], dtype="Int64")
    table = _percents(counts(table, [*_STEPS, "aimed"]))
    named = set(targets["site_name"].dropna())
    given = config.targets if config is not None else {}
    known = {name.casefold() for name in named}
    table.attrs["unknown_targets"] = [name for name in given if name.casefold() not in known]
    return table


def _percents(table: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in table.columns if name not in (*_STEPS, "planned", "aimed")]
    return table[[*names, *_STEPS]].assign(
        screen_failure_percent=ratio(table["screen_failures"], table["screened"], 100),
        discontinuation_percent=ratio(table["discontinued"], table["enrolled"], 100),
        planned=table["planned"],
        target_percent=ratio(table["aimed"], table["planned"], 100),
    )


def site_targets(sites: pd.DataFrame, config: StudyConfiguration | None) -> pd.DataFrame:
    """Return the sites with `planned`, `activated` and `closed` of the configuration.

    Names of sites are compared without regard to case.
    """
    given = config.targets if config is not None else {}
    by_name = {name.casefold(): target for name, target in given.items()}
    names = sites["site_name"].fillna("").str.casefold()
    found = [by_name.get(name, SiteTarget()) for name in names]
    columns = ["site_id", "site_name", "site_enrollment_status", "date_created", "date_modified"]
    return sites[columns].assign(
        planned=pd.array([target.planned for target in found], dtype="Int64"),
        activated=_dates([target.activated for target in found], sites),
        closed=_dates([target.closed for target in found], sites),
    )


def _dates(days: list[date | Any], sites: pd.DataFrame) -> Column:
    return pd.Series([*map(pd.Timestamp, days)], index=sites.index, dtype="datetime64[us]")


def enrolment_curve(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    by: str | None = None,
) -> pd.DataFrame:
    """Return how many subjects had been enrolled by each day.

    `by` is None or "site_id". Columns: `by`, `date` (every UTC day from the study's
    first enrolment to `asof`), `enrolled` (that day), `cumulative`. Subjects who are
    enrolled without an `enrollment_start_date` are in no row, so the last value may
    be lower than the funnel's. Empty if nobody is.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> curve = enrolment_curve(example_study(), asof=date(2026, 3, 2))
        >>> curve["cumulative"].iloc[[0, 4, 5, -1]].tolist()
        [1, 1, 2, 2]
    """
    one_of(by, (None, "site_id"), "by")
    subjects = live(frames, asof).subjects
    flags = status_flags(subjects, terms(config), moment(asof))
    subjects = subjects[flags["enrolled"] & subjects["enrollment_start_date"].notna()]
    days = calendar_days(subjects["enrollment_start_date"])
    groups = subjects["site_id"] if by else pd.Series(0, index=subjects.index, dtype="Int64")
    today = calendar_day(moment(asof))
    start = days.min() if len(days) else today + DAY
    index = pd.date_range(start, today, freq="D").as_unit("us")
    sites = groups.drop_duplicates().sort_values()
    grid = pd.DataFrame({"site_id": sites}).merge(pd.DataFrame({"date": index}), how="cross")
    found = tally({"enrolled": days.notna()}, [groups.rename("site_id"), days.rename("date")])
    curve = counts(grid.merge(found, on=["site_id", "date"], how="left"), ["enrolled"])
    curve["cumulative"] = curve.groupby("site_id", dropna=False)["enrolled"].cumsum()
    return curve if by else curve.drop(columns="site_id")


def site_enrolment(
    frames: StudyFrames, config: StudyConfiguration | None = None, *, asof: date
) -> pd.DataFrame:
    """Return what a forecast needs to know of each site.

    Columns: `site_id`, `enrolled`, `days` (from activation to `asof` or closing,
    whole calendar days, 0 at least; 0 for sites not yet active), `open` (enrolling
    at `asof`). Activation is that of the targets, else the site's `date_created`;
    closing that of the targets, else for a site whose status says closed its
    `date_modified`. A status of no known meaning counts as not open.
    Raises ValueError if a frame lacks a column or `asof` is no date.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> site_enrolment(example_study(), asof=date(2026, 3, 2))["days"].tolist()
        [60.0, 60.0]
    """
    words, today = terms(config), calendar_day(moment(asof))
    funnel = enrolment_funnel(frames, config, asof=asof)
    sites = site_targets(frames.sites, config).drop_duplicates("site_id")
    status = sites["site_enrollment_status"]
    begun = sites["activated"].fillna(calendar_days(sites["date_created"]))
    told = calendar_days(sites["date_modified"]).where(words.mean(status, "site_closed"))
    ended = sites["closed"].fillna(told)
    over = (ended <= today).astype(bool)
    span = whole_days(ended.where(over, today) - begun)
    waiting = words.mean(status, "site_not_active") | begun.isna() | (begun > today)
    days: Column = span.clip(lower=0).mask(waiting).fillna(0)
    table = sites[["site_id"]].assign(
        days=days.astype("Float64"),
        open=(words.mean(status, "site_open") & ~over & ~waiting).astype("boolean"),
    )
    table = table.merge(funnel[["site_id", "enrolled"]], on="site_id", how="left")
    return table[["site_id", "enrolled", "days", "open"]]
