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
    curve = _curves(days, ended, pd.Series(0, index=days.index)).droplevel("group")
    counted = {name: curve[name].astype("Int64") for name in ("at_risk", "closed", "censored")}
    return pd.DataFrame({**counted, "open_share": curve["open_share"]}).reset_index()


def _curves(days: Column, ended: Column, groups: Column) -> pd.DataFrame:
    """Return the curve of each group: `kaplan_meier`'s columns by `group` and `days`."""
    known = days.notna() & ended.notna() & groups.notna()
    done = ended[known].astype(bool)
    rows = pd.DataFrame({"closed": done.astype(int), "censored": (~done).astype(int)})
    keys = [groups[known].rename("group"), days[known].astype(float).rename("days")]
    curve = rows.groupby(keys).sum()
    leaving = (curve["closed"] + curve["censored"]).groupby(level="group")
    curve["at_risk"] = leaving.transform("sum") - leaving.cumsum() + leaving.obj
    share = 1 - curve["closed"] / curve["at_risk"]
    return curve.assign(open_share=share.groupby(level="group").cumprod().astype(float))


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
    groups = pd.Series(0, index=spans.index) if key is None else _numbers(spans, key)
    curves = _curves(spans["days"], spans["ended"], groups).reset_index()
    reached = curves[curves["open_share"] <= 0.5 + 1e-12].drop_duplicates("group")
    medians = reached.set_index("group")["days"].reindex(range(len(table)))
    table["median_days"] = medians.astype("Float64").array
    return counts(table, ["queries", "closed"])


def _numbers(spans: pd.DataFrame, key: Column) -> Column:
    """Return the number of each row's group, in rising order, as `tally` has them."""
    return spans.groupby(key, dropna=False).ngroup()


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
