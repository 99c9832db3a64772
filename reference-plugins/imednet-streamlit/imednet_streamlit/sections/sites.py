"""Site Performance: indicators with flags, funnel plots, both scores, ranking and trend."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from imednet_streamlit import charts, filters, tables
from imednet_streamlit.loading import Loaded
from imednet_streamlit.naming import with_sites
from imednet_streamlit.page import Page, card
from imednet_workflows import metrics
from imednet_workflows.metrics.indicators import indicators
from imednet_workflows.metrics.kri_counts import OVERDUE_DAYS

__all__ = ["flag_table", "flag_text", "render"]

#: Up to so many sites are all named in a funnel plot, of more only those with a flag.
FEW = 8
#: A study of more records is asked before its trend is worked out.
LARGE = 200_000
METHODS = {"all": "with all sites", "others": "with the other sites only"}
KRIS = {
    "adverse_events": ("Adverse events", "per exposure day"),
    "deviations": ("Protocol deviations", "per exposure day"),
    "query_rate": ("Query rate", "per data point"),
    "overdue_queries": ("Overdue queries", "of all queries"),
    "late_entry": ("Late entry", "of all pages"),
    "data_change": ("Changed records", "of all records"),
    "screen_failure": ("Screening failures", "of the screened"),
    "discontinuation": ("Discontinuations", "of the enrolled"),
}
#: What each indicator counts, and out of what.
COUNTED = {
    "adverse_events": "Adverse events for each day that the site's subjects were in the study "
    "(from enrolment until today, or until the last visit of those who have left).",
    "deviations": "Protocol deviations for each day that the site's subjects were in the study "
    "(from enrolment until today, or until the last visit of those who have left).",
    "query_rate": "Queries, open or not, for each value that was entered.",
    "overdue_queries": f"Queries open for more than {OVERDUE_DAYS} days, out of all queries.",
    "late_entry": "Pages entered more than 10 days after their visit, out of all pages entered.",
    "data_change": "Records changed after they were first entered, out of all records.",
    "screen_failure": "Subjects that failed screening, out of all that were screened.",
    "discontinuation": "Subjects that left the study early, out of all that were enrolled.",
}
#: What a flag looks like: told by shape, not by colour alone.
FLAGS = {-2: "▼▼ far below", -1: "▼ below", 0: "● as others", 1: "▲ above", 2: "▲▲ far above"}
SHADES = {-2: "#0072B2", -1: "#56B4E9", 0: charts.GREY, 1: "#E69F00", 2: "#D55E00"}
TOO_LITTLE = "· too little yet"
EXPLAINED = """
**Why not simply compare rates?** A small site has extreme rates by chance alone: 2 of 4 subjects
lost says less than 50 of 100. So each site's distance from the others is told in *standard
deviations*, steps of what chance and the ordinary differences between sites explain. Within 2
steps a site is like the others; beyond 3 there is most likely something to find.

**The two scores** differ in what a site is compared with (choose above):

| | with all sites | with the other sites only |
|---|---|---|
| a site is compared with | the mean of all, itself included | the mean of all but itself |
| best for | many sites | few sites, up to about ten |
| beware | of *m* sites none scores above √(m-1): of 5 none above 2 | one odd site moves the mean \
that the others are compared with |
| told beside it | the bounds in the funnel plot | p, the probability of such a rate by chance \
alone, and p adjusted for looking at many sites: under 0.05 is notable |

**Flags**: ▲ and ▲▲ are above what chance explains, ▼ and ▼▼ below, at the indicator's cuts
(most often 2 and 3 steps). "Too little yet" is no flag: what has accrued cannot tell.

**Risk score** (0 to 100): each flag has a weight; a site's score is the sum of its weights in
percent of the greatest sum possible. Too *few* adverse events weigh as much as it gets: a site
that reports none may not be looking. A high score is a reason to call, not a verdict.
"""


def render(page: Page) -> None:
    """Draw the page."""
    left, middle, right = st.columns(3)
    with left:
        method = filters.option("Compare each site", "method", METHODS)
    table = "kris" if method == "all" else "kris_alone"
    loaded = page.load("sites", "kris", "kris_alone")  # both are made of the same counts
    if loaded is None:
        return
    if loaded["sites"].empty:
        st.info("This study has no sites yet, so there is nothing to compare.")
        return
    with middle:
        picked = filters.pick_sites(loaded["sites"])
    with right:
        kri = filters.option("Indicator", "kri", {key: name for key, (name, _) in KRIS.items()})
    kris = with_sites(loaded[table], loaded["sites"])
    if len(loaded["sites"]) == 1:
        st.info("This study has one site: there is no other to compare it with, so no flags.")
    scores = metrics.risk_scores(kris)
    seen = filters.within(kris, "site_id", picked)
    _numbers(seen, filters.within(scores, "site_id", picked))
    _ranking(filters.within(scores, "site_id", picked))
    _flags(seen, scores)
    with st.expander("What flags and scores mean, and which comparison to choose"):
        st.markdown(EXPLAINED)
    _indicator(kris, kri, picked, loaded)
    if _wants_trend(kris):
        _trend(page, scores, picked)


def _numbers(kris: pd.DataFrame, scores: pd.DataFrame) -> None:
    highest = scores["risk_score"].max()
    with st.container(horizontal=True):
        flagged = int((scores["flagged"] > 0).sum())
        card("Sites flagged", f"{flagged:,} of {len(scores):,}", "With a flag on any indicator.")
        card("Flags", f"{int((kris['flag'].fillna(0) != 0).sum()):,}", "Of all indicators.")
        card(
            "Highest score",
            "none" if pd.isna(highest) else f"{highest:.0f}",
            "The highest risk score of a site, of 100; what scores mean stands below.",
        )


def flag_text(flag: Any) -> str:
    """Return a flag in a sign and words."""
    return TOO_LITTLE if pd.isna(flag) else FLAGS[max(-2, min(2, int(flag)))]


def flag_table(kris: pd.DataFrame) -> pd.DataFrame:
    """Return a row a site, a column an indicator, with flags in signs and words."""
    texts = kris.assign(told=[flag_text(flag) for flag in kris["flag"]])
    wide = texts.pivot(index="site_name", columns="kri", values="told")
    wide = wide.reindex(columns=[key for key in KRIS if key in wide.columns])
    order = list(dict.fromkeys(kris["site_name"]))
    return wide.reindex(order).rename(columns={k: v[0] for k, v in KRIS.items()}).reset_index()


def _ranking(scores: pd.DataFrame) -> None:
    st.subheader("Sites by risk score")
    ranked = scores.sort_values("rank", kind="stable", na_position="last")
    known = ranked.dropna(subset=["risk_score"])
    table = ranked[["rank", "site_name", "risk_score", "flagged", "indicators"]]
    names = {
        "risk_score": "Risk score (0 to 100)",
        "flagged": "Indicators flagged",
        "indicators": "Indicators with enough data",
    }
    if known.empty:
        st.info("No site has accrued enough for a risk score yet.")
        return
    chart = charts.bars(
        known,
        "Risk score by site, highest first",
        category="site_name",
        value="risk_score",
        names=("Site", "Risk score (0 to 100)"),
    )
    charts.draw(chart, table, "ranking", labels=names)


def _flags(kris: pd.DataFrame, scores: pd.DataFrame) -> None:
    order = scores.sort_values("rank", kind="stable")["site_name"].astype(str).tolist()
    rows = kris.assign(
        told=[flag_text(flag) for flag in kris["flag"]],
        indicator=[KRIS[key][0] for key in kris["kri"]],
        sign=[flag_text(flag).split(" ")[0] for flag in kris["flag"]],
    )
    base = alt.Chart(
        charts.plain(rows), title="Flags by site and indicator, highest risk first"
    ).encode(
        y=alt.Y("site_name:N", sort=order, title="Site", axis=alt.Axis(labelLimit=220)),
        x=alt.X(
            "indicator:N",
            sort=[name for name, _ in KRIS.values()],
            title=None,
            axis=charts.UPRIGHT,
        ),
        tooltip=[
            alt.Tooltip("site_name:N", title="Site"),
            alt.Tooltip("indicator:N", title="Indicator"),
            alt.Tooltip("told:N", title="Flag"),
            alt.Tooltip("rate:Q", title="Rate", format=".3~g"),
            alt.Tooltip("score:Q", title="Score (standard deviations)", format=".2f"),
            alt.Tooltip("numerator:Q", title="Counted", format=",.0f"),
            alt.Tooltip("denominator:Q", title="Out of", format=",.0f"),
        ],
    )
    told = [*FLAGS.values(), TOO_LITTLE]
    scale = alt.Scale(domain=told, range=[*SHADES.values(), "#BBBBBB"])
    below = charts.legend(columns=2)
    colour = alt.Color("told:N", scale=scale, title="Compared with others", legend=below)
    signs = base.mark_text(fontSize=15, fontWeight="bold").encode(text="sign:N", color=colour)
    marks = base.mark_square(size=0).encode(color=colour)  # a text has no legend of its own
    table = flag_table(kris)
    charts.draw((marks + signs).properties(height=alt.Step(26)), table, "flags")


def _indicator(kris: pd.DataFrame, kri: str, picked: list[int], loaded: Loaded) -> None:
    name, unit = KRIS[kri]
    st.subheader(f"{name}, {unit}")
    st.write(COUNTED[kri])
    rows = kris[kris["kri"] == kri].reset_index(drop=True)
    known = rows[rows["rate"].notna()]
    columns = [
        *("site_name", "numerator", "denominator", "rate", "score", "flag"),
        *(column for column in ("p_value", "p_adjusted") if column in rows),
    ]
    shown = filters.within(rows, "site_id", picked)[columns]
    shown = shown.assign(flag=[flag_text(flag) for flag in shown["flag"]])
    if known.empty:
        st.info("Nothing has accrued at any site yet: there is no rate to draw.")
    else:
        cuts = next(each.thresholds for each in indicators(loaded.config) if each.name == kri)
        bounds = metrics.funnel_bounds(known, sorted({*cuts, 0.0}), kind=str(rows["kind"].iloc[0]))
        marked = filters.within(known, "site_id", picked)
        charts.draw(funnel_chart(marked, bounds, name, unit), shown, "indicator")
        st.caption(
            "Between the dashed lines chance explains the rate; they close in to the right, where "
            "more has accrued."
            + (" They are those of the comparison with all sites." if "p_value" in rows else "")
        )


def funnel_chart(sites: pd.DataFrame, bounds: pd.DataFrame, name: str, unit: str) -> Any:
    """Return the funnel plot: sites by name, and the bounds between which chance explains them."""
    lines = charts.plain(bounds)
    lines["bound"] = lines["bound"].clip(lower=0)
    lines["kind"] = ["mean of all" if cut == 0 else "flag changes" for cut in lines["threshold"]]
    words = "Days of exposure" if "exposure" in unit else "Out of (how many in all)"
    room = alt.Scale(domain=[0, 1.2 * float(sites["denominator"].max())], nice=True)
    dashes = alt.Scale(domain=["mean of all", "flag changes"], range=[[1, 0], [4, 3]])
    curves = (
        alt.Chart(lines, title=f"{name}: each site, and what chance explains")
        .mark_line(strokeWidth=1.5, color=charts.GREY)
        .encode(
            x=alt.X("denominator:Q", title=words, scale=room),
            y=alt.Y("bound:Q", title=f"{name} {unit}"),
            detail="threshold:N",
            strokeDash=alt.StrokeDash(
                "kind:N",
                title="Lines",
                scale=dashes,
                legend=charts.legend(columns=1, symbolStrokeColor=charts.GREY),
            ),
            tooltip=[
                alt.Tooltip("kind:N", title="Line"),
                alt.Tooltip("threshold:Q", title="Score (standard deviations)"),
                alt.Tooltip("bound:Q", title="Rate", format=".4~g"),
            ],
        )
    )
    return alt.layer(curves, *_points(sites)).properties(height=480)


def _points(sites: pd.DataFrame) -> tuple[Any, Any]:
    """Return the sites as points, and the names of those that matter."""
    told = sites.assign(told=[flag_text(flag) for flag in sites["flag"]])
    texts = [*FLAGS.values(), TOO_LITTLE]
    shades = alt.Scale(domain=texts, range=[*SHADES.values(), "#BBBBBB"])
    down, up = "triangle-down", "triangle-up"
    shapes = alt.Scale(domain=texts, range=[down, down, "circle", up, up, "cross"])
    base = alt.Chart(charts.plain(told)).encode(
        x="denominator:Q",
        y="rate:Q",
        tooltip=[
            alt.Tooltip("site_name:N", title="Site"),
            alt.Tooltip("rate:Q", title="Rate", format=".4~g"),
            alt.Tooltip("numerator:Q", title="Counted", format=",.0f"),
            alt.Tooltip("denominator:Q", title="Out of", format=",.0f"),
            alt.Tooltip("told:N", title="Flag"),
        ],
    )
    title, below = "Compared with others", charts.legend(columns=2)
    points = base.mark_point(size=90, filled=True, opacity=1).encode(
        color=alt.Color("told:N", title=title, scale=shades, legend=below),
        shape=alt.Shape("told:N", title=title, scale=shapes, legend=below),
    )
    if len(sites) > FEW:
        base = base.transform_filter("isValid(datum.flag) && datum.flag != 0")
    names = base.mark_text(align="left", dx=8, dy=-9, fontSize=12, color=charts.INK)
    return points, names.encode(text="site_name:N")


def _wants_trend(kris: pd.DataFrame) -> bool:
    """Tell whether to draw the trend; a large study is asked first, as it takes a while."""
    st.subheader("Trend")
    records = float(kris.loc[kris["kri"] == "data_change", "denominator"].sum())
    if records <= LARGE:
        return True
    return st.toggle(
        "Show the last six months",
        help=f"This study has {records:,.0f} records: working the trend out takes a while.",
    )


def _trend(page: Page, scores: pd.DataFrame, picked: list[int]) -> None:
    loaded = page.load("trend", "sites")
    if loaded is None:
        return
    trend = metrics.risk_scores(with_sites(loaded["trend"], loaded["sites"]))
    highest = scores.dropna(subset=["rank"]).sort_values("rank")["site_id"].tolist()
    wanted = picked or highest[: len(charts.COLOURS)]
    rows = trend[trend["site_id"].isin(wanted)].dropna(subset=["risk_score"])
    if rows.empty:
        st.info("There is no risk score to follow yet.")
        return
    wide = rows.pivot(index="asof", columns="site_name", values="risk_score").reset_index()
    sites = [name for name in wide.columns if name != "asof"][: len(charts.COLOURS)]
    chart = charts.lines(
        wide,
        "Risk score at the ends of the last months",
        x="asof",
        series={name: name for name in sites},
        names=("As of", "Risk score (0 to 100)"),
    )
    charts.draw(chart, wide, "trend", labels={"asof": "As of (UTC)"})
    if not picked and len(highest) > len(sites):
        st.caption(f"The {len(sites)} sites with the highest scores; choose others above.")
    with st.expander("All sites' indicators by month"):
        tables.show(rows, "trend_rows", labels={"asof": "As of (UTC)"})
