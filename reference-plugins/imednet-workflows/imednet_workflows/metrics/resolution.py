"""How fast queries are resolved, and how many come back: measures of `query_state`'s result."""

from __future__ import annotations

from datetime import date

import pandas as pd

from imednet_workflows.metrics.queries import by_column
from imednet_workflows.metrics.tools import (
    Column,
    counts,
    days_in,
    moment,
    need,
    ratio,
    tally,
)

__all__ = ["kaplan_meier", "median_time_to_resolve", "reopen_rate", "time_to_resolve"]


def kaplan_meier(days: Column, ended: Column) -> pd.DataFrame:
    """Return the Kaplan-Meier curve of durations, those not ended being censored.

    Columns, a row a distinct time: `days`, `at_risk` (still open just before),
    `closed`, `censored`, `open_share` (the share not closed by then, 0 to 1).
    Rows with NA are left out.

    Source: Kaplan E. L., Meier P. (1958), Journal of the American Statistical
    Association 53:457-481; what is censored at a time is at risk at that time.

    Example:
        >>> kaplan_meier(pd.Series([1, 2]), pd.Series([True, False]))["open_share"].tolist()
        [0.5, 0.5]
    """
    known = days.notna() & ended.notna()
    spans = days[known].astype(float)
    done = ended[known].astype(bool)
    closed = done.astype(int).groupby(spans).sum()
    left = (~done).astype(int).groupby(spans).sum()
    at_risk = len(spans) - (closed + left).cumsum().shift(fill_value=0)
    share = (1 - closed / at_risk).cumprod()
    curve = {"at_risk": at_risk, "closed": closed, "censored": left}
    table = pd.DataFrame({name: column.astype("Int64") for name, column in curve.items()})
    table["open_share"] = share.astype(float)
    return table.rename_axis("days").reset_index()


def time_to_resolve(state: pd.DataFrame, *, asof: date) -> pd.DataFrame:
    """Return the curve of the time from a query's opening to its last close.

    Open queries, also reopened ones, are censored at `asof`; those of unknown
    state are left out. `state` is the result of `query_state` for the same `asof`.
    Columns as of `kaplan_meier`, days with fractions.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> from imednet_workflows.metrics import query_state
        >>> state = query_state(example_study(), asof=date(2026, 3, 2))
        >>> time_to_resolve(state, asof=date(2026, 3, 2))["closed"].tolist()
        [1, 0, 0]
    """
    spans = _spans(state, asof)
    return kaplan_meier(spans["days"], spans["ended"])


def _spans(state: pd.DataFrame, asof: date) -> pd.DataFrame:
    need(state, ["state", "opened", "closed_at", "counted"], "state")
    live = state[state["counted"] & state["state"].isin(["open", "closed"])]
    days = days_in(live["closed_at"].fillna(moment(asof)) - live["opened"])
    return live.assign(days=days.clip(lower=0), ended=live["state"] == "closed")


def median_time_to_resolve(
    state: pd.DataFrame, *, asof: date, by: str | None = None
) -> pd.DataFrame:
    """Return the Kaplan-Meier median of the days from opening to last close.

    Columns: `by`, `queries`, `closed`, `median_days` (the first time by which half
    or more are closed; NA where that has not come). See `time_to_resolve`.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> from imednet_workflows.metrics import query_state
        >>> state = query_state(example_study(), asof=date(2026, 3, 2))
        >>> by_site = median_time_to_resolve(state, asof=date(2026, 3, 2), by="site_id")
        >>> by_site["median_days"].tolist()
        [9.0, <NA>]
    """
    spans = _spans(state, asof)
    key = by_column(spans, by)
    table = tally({"queries": spans["ended"].notna(), "closed": spans["ended"]}, key)
    parts = [spans] if key is None else [part for _, part in spans.groupby(key, dropna=False)]
    medians = [_median(kaplan_meier(part["days"], part["ended"])) for part in parts]
    table["median_days"] = pd.array(medians, dtype="Float64")
    return counts(table, ["queries", "closed"])


def _median(curve: pd.DataFrame) -> float | None:
    reached = curve.loc[curve["open_share"] <= 0.5 + 1e-12, "days"]
    return float(reached.iloc[0]) if len(reached) else None


def reopen_rate(state: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Return the share of the queries ever closed that were reopened.

    Columns: `by`, `ever_closed`, `reopened` (queries, however often), `reopen_rate`
    (a fraction; NA where none was ever closed).

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> from imednet_workflows.metrics import query_state
        >>> reopen_rate(query_state(example_study(), asof=date(2026, 3, 2)))["reopen_rate"].tolist()
        [0.5]
    """
    need(state, ["state", "reopened", "counted"], "state")
    live = state[state["counted"]]
    again = (live["reopened"] > 0).astype(bool)
    ever = again | (live["state"] == "closed").astype(bool)
    table = counts(
        tally({"ever_closed": ever, "reopened": again}, by_column(live, by)),
        ["ever_closed", "reopened"],
    )
    return table.assign(reopen_rate=ratio(table["reopened"], table["ever_closed"]))
