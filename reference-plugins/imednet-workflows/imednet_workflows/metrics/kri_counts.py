"""The numerator and denominator of each key risk indicator for each site."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import cached_property
from typing import TypeAlias

import pandas as pd

from imednet.models import StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.counted import live, status_flags
from imednet_workflows.metrics.indicators import indicators
from imednet_workflows.metrics.lag import entry_lag
from imednet_workflows.metrics.queries import query_state
from imednet_workflows.metrics.terms import terms
from imednet_workflows.metrics.tools import (
    Column,
    calendar_day,
    calendar_days,
    lookup,
    moment,
    whole_days,
    within,
)

__all__ = ["OVERDUE_DAYS", "kri_counts"]

#: Queries open for more days than this are overdue.
OVERDUE_DAYS = 30


class _Evidence:
    """A study's rows that count, and what is derived from them once for all indicators."""

    def __init__(
        self,
        frames: StudyFrames,
        config: StudyConfiguration | None,
        asof: date,
        state: pd.DataFrame | None = None,
        lag: pd.DataFrame | None = None,
    ) -> None:
        self.given, self.config, self.asof = frames, config, asof
        self._state, self._lag = state, lag
        self.frames = live(frames, asof)
        self.now = moment(asof)
        self.subjects = self.frames.subjects
        self.flags = status_flags(self.subjects, terms(config), self.now)

    @cached_property
    def queries(self) -> pd.DataFrame:
        state = self._state
        if state is None:
            state = query_state(self.given, self.config, asof=self.asof)
        return state[state["counted"]]

    @cached_property
    def lag(self) -> pd.DataFrame:
        if self._lag is not None:
            return self._lag
        return entry_lag(self.frames, self.config, asof=self.asof)

    @cached_property
    def exposure(self) -> Column:
        """Days of each subject from enrolment to asof, or to the last visit if not active."""
        visits = self.frames.visits
        last = visits.groupby("subject_id")["visit_date"].max().reset_index()
        seen = lookup(self.subjects["subject_id"], last, "subject_id", "visit_date")
        end = seen.mask(self.flags["active"], calendar_day(self.now))
        days = whole_days(end - calendar_days(self.subjects["enrollment_start_date"]))
        return days.clip(lower=0).where(self.flags["enrolled"])


_Part: TypeAlias = "tuple[Column, Column]"


def _ones(frame: pd.DataFrame) -> Column:
    return pd.Series(1, index=frame.index, dtype="Int64")


def _forms(found: _Evidence, keys: tuple[str, ...]) -> tuple[_Part, _Part]:
    wanted = {key.casefold() for key in keys}
    records = found.frames.records
    met = [key for key in records["form_key"].dropna().unique() if key.casefold() in wanted]
    events = records[records["form_key"].isin(met)]
    return (events["site_id"], _ones(events)), (found.subjects["site_id"], found.exposure)


def _query_rate(found: _Evidence, keys: tuple[str, ...]) -> tuple[_Part, _Part]:
    asked, records = found.queries, found.frames.records
    return (asked["site_id"], _ones(asked)), (records["site_id"], records["data_points"])


def _overdue(found: _Evidence, keys: tuple[str, ...]) -> tuple[_Part, _Part]:
    sites, asked = found.queries["site_id"], found.queries
    return (sites, asked["age_days"] > OVERDUE_DAYS), (sites, _ones(asked))


def _late(found: _Evidence, keys: tuple[str, ...]) -> tuple[_Part, _Part]:
    lag = found.lag[found.lag["late"].notna()]
    return (lag["site_id"], lag["late"]), (lag["site_id"], _ones(lag))


def _changed(found: _Evidence, keys: tuple[str, ...]) -> tuple[_Part, _Part]:
    records, revisions = found.frames.records, found.frames.record_revisions
    again = revisions.loc[(revisions["data_revision"] > 1).fillna(False), "record_id"]
    changed = within(records["record_id"], again)
    return (records["site_id"], changed), (records["site_id"], _ones(records))


def _failed(found: _Evidence, keys: tuple[str, ...]) -> tuple[_Part, _Part]:
    sites = found.subjects["site_id"]
    return (sites, found.flags["failed"]), (sites, _ones(found.subjects))


def _left(found: _Evidence, keys: tuple[str, ...]) -> tuple[_Part, _Part]:
    sites = found.subjects["site_id"]
    return (sites, found.flags["discontinued"]), (sites, found.flags["enrolled"])


_COUNTS: dict[str, Callable[[_Evidence, tuple[str, ...]], tuple[_Part, _Part]]] = {
    "adverse_events": _forms,
    "deviations": _forms,
    "query_rate": _query_rate,
    "overdue_queries": _overdue,
    "late_entry": _late,
    "data_change": _changed,
    "screen_failure": _failed,
    "discontinuation": _left,
}


def _per_site(part: _Part, sites: pd.DataFrame) -> Column:
    site, values = part
    sums = values.astype("Float64").groupby(site).sum()
    return sums.reindex(pd.Index(sites["site_id"])).set_axis(sites.index).fillna(0.0)


def kri_counts(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    state: pd.DataFrame | None = None,
    lag: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return numerator and denominator of each indicator for each site of the study.

    Columns: `site_id`, `site_name`, `kri`, `kind` ("rate" or "proportion"),
    `numerator`, `denominator`: adverse_events and deviations: records of their
    forms / days of exposure (from enrolment to `asof`, or to the last visit of a
    subject no longer active); query_rate: queries / data points; overdue_queries:
    open for over 30 days / queries; late_entry: entered after over 10 days / pages
    of visits; data_change: records with a data revision above 1 / records;
    screen_failure: failed / screened; discontinuation: discontinued / enrolled.
    A site without data has 0; both are NA where the study has none of an
    indicator's forms. Rows without a site are not counted. Where the results of
    `query_state` and `entry_lag` for the same arguments are at hand, `state` and `lag`
    save working them out again.
    Raises ValueError if a frame lacks a column, for an indicator in `config.kri`
    or a form of it that is not known, and if `asof` is no date.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> counts = kri_counts(example_study(), asof=date(2026, 3, 2))
        >>> counts[["numerator", "denominator"]].head(2).to_numpy().tolist()
        [[2.0, 46.0], [2.0, 0.0]]
    """
    found = _Evidence(frames, config, asof, state, lag)
    chosen = indicators(config)
    _check_forms(frames, config)
    known = frames.sites[frames.sites["site_id"].notna()]
    sites = known.drop_duplicates("site_id")[["site_id", "site_name"]].reset_index(drop=True)
    tables = []
    for indicator in chosen:
        over, under = _COUNTS[indicator.name](found, indicator.form_keys)
        table = sites.assign(
            kri=pd.Series(indicator.name, index=sites.index, dtype="string"),
            kind=pd.Series(indicator.kind, index=sites.index, dtype="string"),
            numerator=_per_site(over, sites),
            denominator=_per_site(under, sites),
        )
        if indicator.form_keys and not _known_forms(frames) & set(_folded(indicator.form_keys)):
            nothing = pd.array([pd.NA] * len(sites), dtype="Float64")  # not asked is not none
            table = table.assign(numerator=nothing, denominator=nothing)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _folded(keys: Iterable[str]) -> list[str]:
    return [key.casefold() for key in keys]


def _known_forms(frames: StudyFrames) -> set[str]:
    return set(frames.forms["form_key"].dropna().str.casefold())


def _check_forms(frames: StudyFrames, config: StudyConfiguration | None) -> None:
    """A form that is misspelt would count nothing anywhere, and look like a good sign."""
    known = _known_forms(frames)
    for name, keys in (config.kri.form_keys if config is not None else {}).items():
        for key in keys:
            if key.casefold() not in known:
                raise ValueError(f"kri.form_keys: {name!r} names {key!r}, which is no form here")
