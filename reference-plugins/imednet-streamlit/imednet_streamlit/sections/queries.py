"""Query Status: states and statuses, ages, turns, time to resolve, weeks, the oldest open ones."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from imednet_streamlit import charts, filters, tables
from imednet_streamlit.data import study_frames
from imednet_streamlit.loading import Loaded
from imednet_streamlit.naming import with_forms, with_sites
from imednet_streamlit.page import Page, card
from imednet_workflows import metrics

__all__ = ["chosen", "render", "with_names"]

GROUPS = {
    "site_name": "site",
    "form_key": "form",
    "variable": "variable",
    "annotation_type": "type",
    "status": "the study's own status",
    "turn": "whose turn it is",
}
#: The columns in which a group's values are called as people call them.
CALLED = {"form_key": "form_name", "turn": "turn_name"}
TURNS = {"site": "Site", "data management": "Data management", "unknown": "Not known"}
STATES = {"open": "Open", "closed": "Closed", "unknown": "Unknown"}


def render(page: Page) -> None:
    """Draw the page."""
    loaded = page.load("sites", "forms", "query_state")
    if loaded is None:
        return
    if loaded["query_state"].empty:
        st.info("This study has no queries yet, so there is nothing to show here.")
        return
    state = with_names(_filtered(loaded), loaded["sites"], loaded["forms"])
    live = state[state["counted"]]
    if live.empty:
        st.info("No query fits these filters. Remove one of them.")
        return
    _numbers(live, loaded)
    left = len(state) - len(live)
    if left:
        st.caption(
            f"{left:,} more are on deleted or disabled parts of the study and are not counted."
        )
    _open(live)
    _statuses(live)
    _resolved(page, state, loaded)
    _oldest(live)


def with_names(state: pd.DataFrame, sites: pd.DataFrame, forms: dict[str, str]) -> pd.DataFrame:
    """Return the queries with site, form, turn and state called as people call them."""
    named = with_forms(with_sites(state, sites), forms)
    return named.assign(
        turn_name=named["turn"].map(TURNS).astype("string"),
        state_name=named["state"].map(STATES).astype("string"),
    )


def chosen(state: pd.DataFrame, picks: dict[str, list[str]]) -> pd.DataFrame:
    """Return the queries that have one of the values picked for each column."""
    for column, values in picks.items():
        if values:
            state = state[state[column].astype("string").fillna("").isin(values)]
    return state


def _filtered(loaded: Loaded) -> pd.DataFrame:
    state, columns = loaded["query_state"], st.columns(4)
    with columns[0]:
        picked = filters.pick_sites(loaded["sites"])
    keys = map(str, state["form_key"].dropna().unique())
    forms = {key: loaded["forms"].get(key, key) for key in keys}
    types = sorted(state["annotation_type"].dropna().astype(str).unique())
    picks: dict[str, list[str]] = {}
    with columns[1]:
        called = dict(sorted(forms.items(), key=lambda form: form[1]))
        picks["form_key"] = filters.choose("Forms", "form", called)
    with columns[2]:
        picks["annotation_type"] = filters.choose("Types", "type", {word: word for word in types})
    with columns[3]:
        picks["turn"] = filters.choose("Whose turn", "turn", TURNS)
    return chosen(filters.within(state, "site_id", picked), picks)


def _numbers(live: pd.DataFrame, loaded: Loaded) -> None:
    counts = live["state"].value_counts()
    median = metrics.median_time_to_resolve(live, asof=loaded.asof)["median_days"].iloc[0]
    again = metrics.reopen_rate(live)["reopen_rate"].iloc[0]
    with st.container(horizontal=True):
        for key, name in STATES.items():
            card(name, f"{int(counts.get(key, 0)):,}")
        card(
            "Days to resolve",
            "none" if pd.isna(median) else f"{median:.1f}",
            "The median: half of the queries were closed within so many days. Those still open "
            "count as taking at least as long as they have been open (Kaplan-Meier).",
        )
        share = "none" if pd.isna(again) else f"{100 * again:.1f} %"
        card("Reopened", share, "Of the queries that were ever closed.")
    if counts.get("unknown", 0):
        st.caption(
            "Unknown: the query has no comments, or the last does not tell whether it is closed."
        )


def _open(live: pd.DataFrame) -> None:
    st.subheader("Open queries")
    waiting = live[live["state"] == "open"]
    if waiting.empty:
        st.success("No query is open.")
        return
    ageing = metrics.query_ageing(waiting, by="turn")
    ageing["turn"] = ageing["turn"].map(TURNS)
    chart = charts.bars(
        ageing,
        "Open queries by age and turn",
        category="bucket",
        value="queries",
        names=("Days since last opened", "Open queries"),
        colour="turn",
        order=metrics_buckets(ageing),
    )
    charts.draw(chart, ageing, "ageing")
    turn = waiting.groupby("turn_name")["turn_days"].agg(["size", "median", "max"]).reset_index()
    st.markdown("**Whose turn it is, and for how long**")
    names = {"size": "Open queries", "median": "Waiting, median (days)", "max": "Longest (days)"}
    tables.show(turn, "turns", labels=names)
    _grouped(waiting)


def _grouped(waiting: pd.DataFrame) -> None:
    """Draw the open queries by what is chosen."""
    by = filters.option("Count open queries by", "by", GROUPS)
    column = CALLED.get(by, by)
    table = counted_by(waiting, column)
    shown = table.head(15)
    note = f" (top {len(shown)} of {len(table)})" if len(table) > len(shown) else ""
    chart = charts.bars(
        shown,
        f"Open queries by {GROUPS[by]}{note}",
        category=column,
        value="queries",
        names=(tables.label(column), "Open queries"),
    )
    charts.draw(chart, table, "open_by")


def _statuses(live: pd.DataFrame) -> None:
    st.subheader("All queries by the study's own status")
    table = by_status(live)
    chart = charts.bars(
        table,
        "Queries by the word of their last comment",
        category="status",
        value="queries",
        names=("Status", "Queries"),
        colour="state_name",
    )
    charts.draw(chart, table, "statuses")


def by_status(state: pd.DataFrame) -> pd.DataFrame:
    """Return how many queries have each status, the study's own word, and what state that is."""
    words = state.assign(status=state["status"].fillna("no comment"))
    counts = words.groupby(["status", "state_name"]).size().reset_index(name="queries")
    return counts.sort_values("queries", ascending=False, kind="stable", ignore_index=True)


def metrics_buckets(ageing: pd.DataFrame) -> list[str]:
    """Return the age buckets in their order."""
    return list(dict.fromkeys(ageing["bucket"].astype(str)))


def counted_by(state: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return how many queries there are of each value of a column, most first."""
    values = state[by].astype("string").fillna("not given")
    counts = values.value_counts().rename_axis(by).reset_index(name="queries")
    return counts.astype({"queries": "Int64"})


def _resolved(page: Page, state: pd.DataFrame, loaded: Loaded) -> None:
    st.subheader("Opened, closed, and how long it takes")
    more = page.load("query_frames")
    if more is None:
        return
    slim = dict(more["query_frames"])
    asked = slim["queries"]
    slim["queries"] = asked[asked["annotation_id"].isin(state["annotation_id"])]
    flux = metrics.query_flux(
        study_frames(page.here.study_key, slim), loaded.config, asof=loaded.asof
    )
    if flux.empty:
        st.info("No query has a dated comment: there are no weeks to show.")
    else:
        chart = charts.lines(
            flux,
            "Queries by week",
            x="week",
            names=("Week from", "Queries"),
            series={"opened": "Opened", "closed": "Closed", "backlog": "Open at the end"},
        )
        charts.draw(chart, flux, "weeks")
        work = flux["weeks_of_work"].iloc[-1]
        if not pd.isna(work):
            st.caption(f"At the pace of the last weeks the backlog is {work:.1f} weeks of work.")
    _medians(state[state["counted"]], loaded)


def _medians(live: pd.DataFrame, loaded: Loaded) -> None:
    medians = metrics.median_time_to_resolve(live, asof=loaded.asof, by="site_name")
    known = medians.dropna(subset=["median_days"]).sort_values("median_days", ascending=False)
    if known.empty:
        st.info("No site has closed half of its queries yet: there is no median to show.")
        return
    chart = charts.bars(
        known,
        "Median time to resolve by site",
        category="site_name",
        value="median_days",
        names=("Site", "Days"),
    )
    charts.draw(chart, medians, "resolve")


def _oldest(live: pd.DataFrame) -> None:
    st.subheader("The oldest open queries")
    columns = [
        *("annotation_id", "site_name", "subject_key", "form_name", "variable", "age_days"),
        *("turn_name", "turn_days", "status", "annotation_type", "total_age_days", "reopened"),
        "last_opened",
    ]
    oldest = live[live["state"] == "open"].sort_values("age_days", ascending=False, kind="stable")[
        columns
    ]
    if oldest.empty:
        st.info("There are none.")
    else:
        tables.show(oldest, "open_queries", search=True)
