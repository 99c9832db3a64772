"""Key risk indicators: each site's score and flag, its risk score over all, and their trend.

The scores are those of `score_sites`; that of a site over all indicators weighs the
flags, as the site risk score of OpenRBQM's gsm.kri does.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from imednet.models import StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.indicators import indicators
from imednet_workflows.metrics.kri_counts import kri_counts
from imednet_workflows.metrics.scores import score_sites
from imednet_workflows.metrics.tools import calendar_day, moment, need, ratio

__all__ = ["kri_table", "kri_trend", "risk_scores"]


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
