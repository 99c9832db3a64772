"""Key risk indicators: each site's counts, score and flag, and its risk score over all.

The scores are those of `score_sites`; that of a site over all indicators weighs the
flags, as the site risk score of OpenRBQM's gsm.kri does. `KriConfig` of a study's
configuration may give each indicator, by its name, other forms (`form_keys`:
adverse_events and deviations only), cuts (`thresholds`) and weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeAlias

import pandas as pd

from imednet.models import KriConfig, StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.counted import live, status_flags
from imednet_workflows.metrics.pages import entry_lag
from imednet_workflows.metrics.queries import query_state
from imednet_workflows.metrics.scores import score_sites
from imednet_workflows.metrics.terms import terms
from imednet_workflows.metrics.tools import (
    Column,
    calendar_day,
    calendar_days,
    lookup,
    moment,
    need,
    ratio,
    whole_days,
    within,
)

__all__ = ["INDICATORS", "Indicator", "kri_counts", "kri_table", "kri_trend", "risk_scores"]

#: Queries open for more days than this are overdue.
OVERDUE_DAYS = 30

_HIGH, _BOTH = (2.0, 3.0), (-3.0, -2.0, 2.0, 3.0)


@dataclass(frozen=True)
class Indicator:
    """An indicator: what kind of number, where flags change and what each weighs.

    `minimum` is what must have accrued for a flag: `{"denominator": 30}`.
    `form_keys` are the forms counted, () where it counts something else.
    """

    name: str
    kind: str
    thresholds: tuple[float, ...]
    weights: tuple[float, ...]
    minimum: dict[str, float]
    form_keys: tuple[str, ...] = ()


#: The indicators with their defaults.
INDICATORS = (
    Indicator(
        "adverse_events",
        "rate",
        (-2.0, -1.0, 2.0, 3.0),
        (32, 16, 0, 1, 2),
        {"denominator": 30},
        ("AE",),
    ),
    Indicator("deviations", "rate", _BOTH, (8, 4, 0, 8, 16), {"denominator": 30}, ("DV",)),
    Indicator("query_rate", "rate", _HIGH, (0, 1, 2), {"numerator": 30}),
    Indicator("overdue_queries", "proportion", _HIGH, (0, 1, 2), {"numerator": 30}),
    Indicator("late_entry", "proportion", _HIGH, (0, 1, 2), {"numerator": 30}),
    Indicator("data_change", "proportion", _HIGH, (0, 1, 2), {"numerator": 100}),
    Indicator("screen_failure", "proportion", _BOTH, (0, 0, 0, 8, 16), {"denominator": 3}),
    Indicator("discontinuation", "proportion", _HIGH, (0, 16, 32), {"numerator": 3}),
)
_NAMES = tuple(indicator.name for indicator in INDICATORS)


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


def indicators(config: StudyConfiguration | None = None) -> tuple[Indicator, ...]:
    """Return the indicators as the configuration has them.

    Raises ValueError for a name that is not known, forms for an indicator that
    counts none, and weights that are not one more than the cuts.
    """
    kri = config.kri if config is not None else KriConfig()
    for setting in ("form_keys", "thresholds", "weights"):
        for name in getattr(kri, setting):
            if name not in _NAMES:
                raise ValueError(f"kri.{setting}: {name!r} is not known; use {', '.join(_NAMES)}")
    return tuple(_configured(indicator, kri) for indicator in INDICATORS)


def _configured(base: Indicator, kri: KriConfig) -> Indicator:
    forms = tuple(kri.form_keys.get(base.name) or base.form_keys)
    if forms and not base.form_keys:
        raise ValueError(f"kri.form_keys: {base.name!r} counts no forms; remove it")
    cuts = tuple(kri.thresholds.get(base.name) or base.thresholds)
    weights = tuple(kri.weights.get(base.name) or base.weights)
    if len(weights) != len(cuts) + 1 or min(weights) < 0:
        raise ValueError(
            f"kri.weights: {base.name!r} has {list(weights)}; give {len(cuts) + 1} from 0 up,"
            f" one for each flag that the cuts {list(cuts)} make"
        )
    return Indicator(base.name, base.kind, cuts, weights, base.minimum, forms)


def kri_table(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    method: str = "normal",
    counts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row a site and indicator: counts, rate, score, flag and the flag's weight.

    Columns as of `kri_counts` and, by `method`, of `score_sites`, then `weight` (of
    the flag) and `greatest_weight` (of any flag of that indicator). Score and rate
    are NA where a site has nothing to divide by; flag and weight also where too
    little has accrued. `counts` may be the result of `kri_counts` for the same
    arguments, where it is at hand. Raises ValueError as `kri_counts` and `score_sites` do.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> table = kri_table(example_study(), asof=date(2026, 3, 2))
        >>> table.loc[table["kri"] == "adverse_events", "flag"].tolist()
        [0, <NA>]
    """
    counts = kri_counts(frames, config, asof=asof) if counts is None else counts
    tables = []
    for indicator in indicators(config):
        part = counts[counts["kri"] == indicator.name].reset_index(drop=True)
        scored = score_sites(
            part,
            method=method,
            kind=indicator.kind,
            thresholds=indicator.thresholds,
            minimum=indicator.minimum,
        )
        lowest = -sum(cut < 0 for cut in indicator.thresholds)
        weights = {lowest + place: value for place, value in enumerate(indicator.weights)}
        scored["weight"] = scored["flag"].map(weights).astype("Float64")
        scored["greatest_weight"] = pd.array(
            [float(max(indicator.weights))] * len(scored), dtype="Float64"
        )
        tables.append(scored)
    return pd.concat(tables, ignore_index=True)


def risk_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return each site's risk score over its indicators, and its rank.

    `table` is the result of `kri_table`, or of `kri_trend` (then a row a moment and
    site). Columns: `asof` (of a trend), `site_id`, `site_name`, `indicators` (with
    a flag), `flagged` (with a flag other than 0), `risk_score` (0 to 100: 100 times
    the weights of the flags over the greatest possible; NA where no indicator has a
    flag), `rank` (1 is the highest score; equal scores share it). In the table's
    order. Raises ValueError for a missing column.

    Source: the site risk score of OpenRBQM's gsm.kri.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> table = kri_table(example_study(), asof=date(2026, 3, 2))
        >>> risk_scores(table)["risk_score"].tolist()
        [0.0, <NA>]
    """
    need(table, ["site_id", "site_name", "flag", "weight", "greatest_weight"], "table")
    keys = [key for key in ("asof", "site_id") if key in table.columns]
    shown = table["flag"].notna()
    sums = table[keys].assign(
        site_name=table["site_name"],
        indicators=shown.astype("Int64"),
        flagged=(table["flag"] != 0).fillna(False).astype("Int64"),
        weight=table["weight"].fillna(0.0),
        most=table["greatest_weight"].where(shown).fillna(0.0),
    )
    groups = sums.groupby(keys, sort=False)
    made = groups[["indicators", "flagged", "weight", "most"]].sum()
    made.insert(0, "site_name", groups["site_name"].first())
    made["risk_score"] = ratio(made["weight"], made["most"], 100)
    made = made.drop(columns=["weight", "most"]).reset_index()
    scores = made.groupby("asof")["risk_score"] if "asof" in keys else made["risk_score"]
    return made.assign(rank=scores.rank(method="min", ascending=False).astype("Int64"))


def kri_trend(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    months: int = 6,
    method: str = "normal",
) -> pd.DataFrame:
    """Return the indicators as they stood at the ends of the last months, and at `asof`.

    Columns: `asof` (UTC; the last instant of each month), then those of `kri_table`.
    `months` is how many rows a site and indicator has, `asof` being the last.
    Everything dated is turned back; statuses of subjects are not (the server tells
    only the present ones), so that screen failures and discontinuations are those
    of the subjects screened and enrolled by then. Raises ValueError if `months` is
    below 1, and as `kri_table` does.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> trend = kri_trend(example_study(), asof=date(2026, 3, 2), months=2)
        >>> trend["asof"].dt.date.astype(str).unique().tolist()
        ['2026-02-28', '2026-03-02']
    """
    if months < 1:
        raise ValueError(f"months: {months} is below 1; ask for one month or more")
    now = moment(asof)
    first = calendar_day(now).replace(day=1).tz_localize("UTC")
    ends = [
        first - pd.DateOffset(months=back) - pd.Timedelta(microseconds=1)
        for back in reversed(range(months - 1))
    ]
    tables = []
    for end in [*ends, now]:
        table = kri_table(frames, config, asof=end, method=method)
        stamps = pd.Series(end, index=table.index, dtype="datetime64[us, UTC]")
        table.insert(0, "asof", stamps)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
