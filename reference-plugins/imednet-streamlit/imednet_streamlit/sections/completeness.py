"""Data Completeness: pages by site, form and subject, visits, entry lag, SDV, clean subjects."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from imednet_streamlit import charts, filters, tables
from imednet_streamlit.loading import Loaded
from imednet_streamlit.naming import with_forms, with_sites
from imednet_streamlit.page import Page, card
from imednet_workflows import metrics

__all__ = ["percent", "render", "summed"]

COUNTS = ["complete", "started", "missing", "not_due", "expected"]
VERIFIED = ["ready", "partly_verified", "verified"]


def render(page: Page) -> None:
    """Draw the page."""
    loaded = page.load("sites", "forms", "page_sums", "late_visits")
    if loaded is None:
        return
    picked = filters.pick_sites(loaded["sites"])
    sums = filters.within(loaded["page_sums"]["site_form"], "site_id", picked)
    sums = with_forms(with_sites(sums, loaded["sites"]), loaded["forms"])
    if sums.empty:
        st.info(
            "No page is scheduled for anybody here: the study has no visits, its visits ask for "
            "no forms, or the chosen sites have no subjects."
        )
    else:
        _numbers(sums, loaded, picked)
        _by_site(sums)
        _by_subject(page, picked)
        _missing(loaded, picked)
    _forms(page, sums, picked)
    _clean(page, picked, loaded["sites"])
    page.load("subject_forms")  # last: what a site shows once it is chosen is made of these pages


def percent(table: pd.DataFrame, part: str = "complete", whole: str = "expected") -> pd.Series[Any]:
    """Return 100 part / whole, NA where nothing is expected."""
    under = table[whole].astype("Float64")
    return 100 * table[part].astype("Float64") / under.where(under != 0)


def summed(sums: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the states of pages by site or form alone."""
    table = sums.groupby(by, dropna=False)[COUNTS].sum().reset_index()
    return table.assign(completion_percent=percent(table))


def _verified(sdv: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return how many records are verified by site or form alone."""
    table = sdv.groupby(by, dropna=False)[VERIFIED].sum().reset_index()
    whole = table.assign(whole=table[VERIFIED].sum(axis="columns"))
    return table.assign(sdv_percent=percent(whole, "verified", "whole"))


def _numbers(sums: pd.DataFrame, loaded: Loaded, picked: list[int]) -> None:
    row = sums[COUNTS].sum()
    late = filters.within(loaded["late_visits"], "site_id", picked)
    share = f"{100 * row['complete'] / row['expected']:.1f} %" if row["expected"] else "-"
    with st.container(horizontal=True):
        card("Pages complete", share)
        card("Pages expected", f"{int(row['expected']):,}")
        card("Started", f"{int(row['started']):,}")
        card("Missing", f"{int(row['missing']):,}")
        card("Overdue visits", f"{len(late):,}")


def _by_site(sums: pd.DataFrame) -> None:
    order = summed(sums, "site_name").sort_values("completion_percent")["site_name"]
    shown = order.head(charts.MOST).tolist()
    note = f"; the {len(shown)} least complete of {len(order)} sites" if len(order) > 40 else ""
    rows = sums[sums["site_name"].isin(shown)].assign(
        place=lambda table: table["site_name"].map({name: i for i, name in enumerate(shown)})
    )
    rows = rows.sort_values("place", kind="stable")
    if rows["completion_percent"].isna().all():
        st.info("No page is due yet.")
        return
    chart = charts.heat_map(
        rows,
        f"Pages complete by site and form, least complete first{note}",
        row="site_name",
        column="form_name",
        value="completion_percent",
        names=("Site", "Form", "Complete (%)"),
        hints=("complete", "started", "missing"),
    )
    table = sums[["site_name", "form_name", *COUNTS, "completion_percent"]]
    charts.draw(chart, table, "site_form")


def _by_subject(page: Page, picked: list[int]) -> None:
    if len(picked) != 1:
        st.caption("Choose one site above to see its subjects, form by form.")
        return
    loaded = page.load("forms", "subject_forms")
    if loaded is None:
        return
    rows = filters.within(loaded["subject_forms"], "site_id", picked)
    rows = rows.assign(completion_percent=percent(rows)).drop(columns="site_id")
    rows = with_forms(rows, loaded["forms"]).drop(columns="form_key")
    order = (
        rows.groupby("subject_key")[["complete", "expected"]]
        .sum()
        .pipe(lambda table: percent(table))
        .sort_values(kind="stable")
        .index.tolist()
    )
    shown = order[: charts.MOST]
    note = f"; the {len(shown)} least complete of {len(order)}" if len(order) > len(shown) else ""
    drawn = rows[rows["subject_key"].isin(shown)].assign(
        place=lambda table: table["subject_key"].map({key: i for i, key in enumerate(shown)})
    )
    if drawn.empty:
        st.info("No page of this site's subjects is due yet.")
        return
    chart = charts.heat_map(
        drawn.sort_values("place", kind="stable"),
        f"Pages complete by subject and form{note}",
        row="subject_key",
        column="form_name",
        value="completion_percent",
        names=("Subject", "Form", "Complete (%)"),
        hints=("complete", "expected"),
    )
    charts.draw(chart, rows, "subject_form")


def _missing(loaded: Loaded, picked: list[int]) -> None:
    st.subheader("Missing pages, longest due first")
    missing = filters.within(loaded["page_sums"]["missing"], "site_id", picked)
    missing = with_forms(with_sites(missing, loaded["sites"]), loaded["forms"])
    columns = ["site_name", "subject_key", "interval_name", "form_name", "due", "days_due"]
    if missing.empty:
        st.success("No page is missing.")
    else:
        tables.show(missing[columns], "missing_pages", search=True)
    st.subheader("Overdue visits, longest first")
    late = with_sites(filters.within(loaded["late_visits"], "site_id", picked), loaded["sites"])
    columns = ["site_name", "subject_key", "interval_name", "window_end", "days_overdue"]
    if late.empty:
        st.success("No visit is overdue.")
    else:
        tables.show(late[columns], "overdue_visits", search=True)


def _forms(page: Page, sums: pd.DataFrame, picked: list[int]) -> None:
    loaded = page.load("lag", "sdv", "sites", "forms")
    if loaded is None:
        return
    st.subheader("Forms")
    lag = filters.within(loaded["lag"], "site_id", picked)
    sdv = filters.within(loaded["sdv"], "site_id", picked)
    forms = summed(sums, "form_key") if len(sums) else None
    delays = metrics.entry_lag_summary(lag, by="form_key")
    if forms is None and delays.empty:
        st.info("There is no record of a visit that was made: nothing to tell of forms.")
    else:
        table = delays if forms is None else forms.merge(delays, on="form_key", how="outer")
        table = table.merge(_verified(sdv, "form_key"), on="form_key", how="outer")
        table = with_forms(table.dropna(subset=["form_key"]), loaded["forms"])
        tables.show(table, "forms", labels={"form_key": "Form key"})
    _lag(lag, loaded["sites"])
    _sdv(_verified(sdv, "site_id"), loaded["sites"])


def _lag(lag: pd.DataFrame, sites: pd.DataFrame) -> None:
    st.subheader("Entry lag")
    whole = metrics.entry_lag_summary(lag).iloc[0]
    if not int(whole["pages"]):
        st.info("No page of a visit that was made has a time of entry yet.")
        return
    st.write("Days from a visit to the first entry of its pages.")
    with st.container(horizontal=True):
        card("Median (days)", f"{whole['median_days']:.1f}")
        card("90 % within (days)", f"{whole['p90_days']:.1f}")
        card("Entered after 10 days", f"{whole['late_percent']:.1f} %", width=210)
    table = with_sites(metrics.entry_lag_summary(lag, by="site_id"), sites).drop(columns="site_id")
    table = table.sort_values("late_percent", ascending=False, kind="stable")
    chart = charts.bars(
        table,
        "Pages entered more than 10 days after the visit",
        category="site_name",
        value="late_percent",
        names=("Site", "% of pages"),
    )
    charts.draw(chart, table, "lag")


def _sdv(sdv: pd.DataFrame, sites: pd.DataFrame) -> None:
    st.subheader("Source data verification")
    table = with_sites(sdv, sites).drop(columns="site_id")
    known = table.dropna(subset=["sdv_percent"]).sort_values("sdv_percent", kind="stable")
    if known.empty:
        st.info("No record is ready for verification, or verified, yet.")
        return
    done = int(known["verified"].sum())
    whole = done + int(known["ready"].sum() + known["partly_verified"].sum())
    st.markdown(f"**{done:,} of {whole:,}** records that are to be verified have been.")
    chart = charts.bars(
        known,
        "Records verified by site",
        category="site_name",
        value="sdv_percent",
        names=("Site", "% of records ready or verified"),
    )
    charts.draw(chart, table, "sdv")


def _clean(page: Page, picked: list[int], sites: pd.DataFrame) -> None:
    st.subheader("Clean subjects")
    loaded = page.load("clean")
    if loaded is None:
        return
    table = with_sites(filters.within(loaded["clean"], "site_id", picked), sites)
    if table.empty:
        st.info("There are no subjects here yet.")
        return
    done = int(table["clean"].sum())
    st.markdown(
        f"**{done:,} of {len(table):,}** subjects are clean: nothing missing, overdue, open, "
        "unverified or incomplete."
    )
    columns = [
        *("subject_key", "site_name", "subject_status", "clean", "reasons", "missing_pages"),
        *("overdue_visits", "open_queries", "unverified_records", "incomplete_records"),
    ]
    tables.show(table[columns], "clean_subjects", labels={"reasons": "In the way"}, search=True)
