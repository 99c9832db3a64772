"""Subject Enrollment: funnel, curve with target and forecast, sites, and who was lost."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from imednet_streamlit import charts, filters, tables
from imednet_streamlit.loading import Loaded
from imednet_streamlit.naming import with_sites
from imednet_streamlit.page import Page
from imednet_workflows import metrics

__all__ = ["render", "totals"]

STEPS = {
    "screened": "Screened",
    "screen_failures": "Screen failures",
    "enrolled": "Enrolled",
    "discontinued": "Discontinued",
    "completed": "Completed",
}

#: The forecast's columns.
QUANTILES = {"low": "Low (10 %)", "middle": "Middle (50 %)", "high": "High (90 %)"}


def render(page: Page) -> None:
    """Draw the page."""
    loaded = page.load("sites", "funnel", "site_curve", "site_enrolment", "subjects")
    if loaded is None:
        return
    if loaded["subjects"].empty:
        st.info("This study has no subjects yet, so there is nothing to show here.")
        return
    picked = filters.pick_sites(loaded["sites"])
    funnel = filters.within(loaded["funnel"], "site_id", picked)
    funnel = with_sites(funnel, loaded["sites"])
    if not int(funnel["screened"].sum()):
        st.info("The chosen sites have no subjects yet.")
        return
    _numbers(totals(funnel))
    _unknown_targets(loaded["funnel"])
    _steps(totals(funnel))
    _curve(funnel, picked, loaded)
    _sites(funnel)
    _lost(funnel)
    _statuses(loaded, picked)


def totals(funnel: pd.DataFrame) -> pd.Series[Any]:
    """Return the sums of a funnel by site: the steps, and what there is of targets.

    That is `planned` (NA without targets), and `aimed`: enrolled by sites that have one.
    """
    sums = funnel[list(STEPS)].sum()
    sums["planned"] = funnel["planned"].sum(min_count=1)
    sums["aimed"] = aimed(funnel)["enrolled"].sum()
    return sums


def aimed(funnel: pd.DataFrame) -> pd.DataFrame:
    """Return the sites of a funnel that have a target."""
    return funnel[funnel["planned"].notna()]


def _share(part: Any, whole: Any) -> str:
    return f"{100 * part / whole:.0f} %" if whole and not pd.isna(whole) else "-"


def _numbers(sums: pd.Series[Any]) -> None:
    planned = sums["planned"]
    columns = st.columns(3)
    for place, (name, label) in enumerate(STEPS.items()):
        whole = "screened" if name in ("screen_failures", "enrolled") else "enrolled"
        note = None if name == "screened" else f"{_share(sums[name], sums[whole])} of {whole}"
        columns[place % 3].metric(label, f"{int(sums[name]):,}", help=note, border=True)
    share = "none" if pd.isna(planned) else _share(sums["aimed"], planned)
    note = "Targets stand in the study's configuration."
    if not pd.isna(planned):
        note = (
            f"{int(sums['aimed']):,} enrolled of {int(planned):,} planned, at sites with a target"
        )
    columns[len(STEPS) % 3].metric("Of target", share, help=note, border=True)


def _unknown_targets(funnel: pd.DataFrame) -> None:
    names = funnel.attrs.get("unknown_targets")
    if names:
        st.warning(
            "The configuration has targets for sites that do not exist: "
            f"{tables.plain_text(', '.join(names))}."
        )


def _steps(sums: pd.Series[Any]) -> None:
    table = pd.DataFrame(
        {"step": list(STEPS.values()), "subjects": [int(sums[name]) for name in STEPS]}
    )
    chart = charts.bars(
        table,
        "From screening to completion",
        category="step",
        value="subjects",
        names=("Step", "Subjects"),
    )
    charts.draw(chart, table, "funnel")


def _curve(funnel: pd.DataFrame, picked: list[int], loaded: Loaded) -> None:
    st.subheader("Enrolment over time")
    sites = filters.within(loaded["site_enrolment"], "site_id", picked)
    with_target = aimed(funnel)
    if 0 < len(with_target) < len(funnel):
        st.caption(f"Of the sites that have a target: {len(with_target)} of {len(funnel)}.")
        funnel, picked = with_target, with_target["site_id"].tolist()
        # The others enrol nobody towards it, but tell of rates, as in `forecast_enrolment`.
        sites = sites.assign(open=sites["open"] & sites["site_id"].isin(picked))
    by_site = filters.within(loaded["site_curve"], "site_id", picked)
    curve = by_site.groupby("date")["cumulative"].sum().reset_index()
    if curve.empty:
        st.info("Nobody is enrolled with a date yet: there is no curve to show.")
        return
    sums = totals(funnel)
    planned = sums["planned"]
    more = None if pd.isna(planned) else max(0, int(planned - sums["enrolled"]))
    if more is None:
        more = _asked_more()
    forecast = metrics.forecast(sites, more, asof=loaded.asof)
    target = int(sums["enrolled"]) + more
    told = pd.isna(planned)
    chart = curve_chart(curve, forecast.band, target, "aim" if told else "target")
    charts.draw(chart, curve, "curve")
    _forecast_table(forecast.band, int(sums["enrolled"]))
    if forecast.reason:
        st.info(f"No forecast: {forecast.reason}.")
        return
    early, middle, late = (
        f"{day:%d %b %Y}" if not pd.isna(day) else "over a century away"
        for day in forecast.days["date"]
    )
    st.markdown(
        f"**{target:,} enrolled by {middle}**, most likely; with 80 % certainty between {early} "
        f"and {late}, if the open sites go on as they did."
    )


def _forecast_table(band: pd.DataFrame, done: int) -> None:
    """Draw what the dashed line and the shade of the curve stand for."""
    if band.empty:
        return
    st.caption("Dashed: the forecast's middle; shaded: where it lies with 80 % certainty.")
    with st.expander("Table of the forecast"):
        sums = {name: band[name] + done for name in QUANTILES}
        tables.show(band[["date"]].assign(**sums), "forecast", labels=QUANTILES)


def _asked_more() -> int:
    key = "_filter_more"
    if key not in st.session_state:
        text = st.query_params.get("more", "")
        st.session_state[key] = int(text) if text.isascii() and text.isdigit() else 20
    more = int(st.number_input("Forecast for so many more subjects", 1, 100_000, key=key))
    if str(more) != st.query_params.get("more", "20"):
        st.query_params["more"] = str(more)
    return more


def curve_chart(curve: pd.DataFrame, band: pd.DataFrame, target: int, word: str) -> Any:
    """Return the curve of the enrolled, with the forecast's 80 % band and the target."""
    done = float(curve["cumulative"].iloc[-1])
    ahead = charts.plain(band[["date", "low", "middle", "high"]])
    ahead[["low", "middle", "high"]] += done
    y = alt.Y("cumulative:Q", title="Subjects enrolled")
    day = alt.Tooltip("date:T", title="Date", format="%Y-%m-%d")
    past = alt.Chart(charts.plain(curve), title="Subjects enrolled, with forecast").mark_line(
        color=charts.COLOURS[0], strokeWidth=2.5
    )
    layers = [
        past.encode(
            x=alt.X("date:T", title="Date"),
            y=y,
            tooltip=[day, alt.Tooltip("cumulative:Q", title="Enrolled")],
        )
    ]
    if len(ahead):
        hints = [day, *(alt.Tooltip(f"{n}:Q", title=t, format=".0f") for n, t in QUANTILES.items())]
        base = alt.Chart(ahead).encode(x="date:T", tooltip=hints)
        layers.append(
            base.mark_area(opacity=0.25, color=charts.COLOURS[1]).encode(y="low:Q", y2="high:Q")
        )
        layers.append(
            base.mark_line(color=charts.COLOURS[1], strokeDash=[6, 3]).encode(y="middle:Q")
        )
    rule = pd.DataFrame({"target": [target], "text": [f"{word} {target:,}"]})
    layers.append(
        alt.Chart(rule)
        .mark_rule(color=charts.COLOURS[2], strokeDash=[2, 2], strokeWidth=2)
        .encode(y="target:Q", tooltip=[alt.Tooltip("target:Q", title=word.capitalize())])
    )
    layers.append(
        alt.Chart(rule)
        .mark_text(align="left", dx=4, dy=-8, fontSize=12, color=charts.INK)
        .encode(y="target:Q", x=alt.value(0), text="text:N")
    )
    return alt.layer(*layers).properties(height=320)


def _sites(funnel: pd.DataFrame) -> None:
    st.subheader("By site")
    ordered = funnel.sort_values("enrolled", ascending=False, kind="stable")
    chart = charts.bars(
        ordered,
        "Subjects enrolled by site",
        category="site_name",
        value="enrolled",
        names=("Site", "Subjects enrolled"),
    )
    charts.draw(chart, ordered.drop(columns="site_id"), "sites")


def _lost(funnel: pd.DataFrame) -> None:
    st.subheader("Screening failures and discontinuations")
    for value, counts, title, unit in (
        (
            "screen_failure_percent",
            ["screen_failures", "screened"],
            "Screening failures by site",
            "% of screened",
        ),
        (
            "discontinuation_percent",
            ["discontinued", "enrolled"],
            "Discontinuations by site",
            "% of enrolled",
        ),
    ):
        known = funnel.dropna(subset=[value]).sort_values(value, ascending=False, kind="stable")
        if known.empty:
            st.info(f"{title}: nothing to divide by yet.")
            continue
        chart = charts.bars(
            known,
            title,
            category="site_name",
            value=value,
            names=("Site", unit),
        )
        charts.draw(chart, known[["site_name", *counts, value]], value)


def _statuses(loaded: Loaded, picked: list[int]) -> None:
    subjects = filters.within(loaded["subjects"], "site_id", picked)
    words = subjects["subject_status"].fillna("not given")
    table = words.value_counts().rename_axis("subject_status").reset_index(name="subjects")
    st.markdown("**Subjects by the status the study gives them**")
    tables.show(table, "statuses")
