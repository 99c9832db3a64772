"""Charts in colours that the colour-blind can tell apart, in Streamlit's light and dark theme.

The colours are those of Okabe and Ito (2008) that stand out on white and on black; words
are dark or light as the background asks, which Vega tells when it draws, so a change of
theme needs no new run. No chart tells anything by colour alone: there are signs, titles,
tooltips, and a table below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from imednet_streamlit import tables

__all__ = ["COLOURS", "INK", "bars", "draw", "heat_map", "legend", "lines", "plain", "points"]

#: Blue, orange, green, purple, vermilion, sky blue.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
GREY = "#8A8A8A"
#: The colour of words, on light and on dark.
INK = alt.ExprRef("luminance(background) > 0.5 ? '#31333F' : '#E6EAF1'")
#: An axis above, with every word on it.
UPRIGHT = alt.Axis(orient="top", labelAngle=-60, labelOverlap=False, labelLimit=160)
#: Bars or cells beyond this are left to the table.
MOST = 40
#: A line through fewer points shows them.
FEW = 15


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with types that charts know: floats and text for nullable ones."""
    made = pd.DataFrame(index=frame.index)
    for column in frame.columns:
        values = frame[column]
        if pd.api.types.is_bool_dtype(values.dtype):
            made[column] = values.astype(object)
        elif pd.api.types.is_numeric_dtype(values.dtype):
            made[column] = values.astype("float64")
        elif isinstance(values.dtype, pd.DatetimeTZDtype):
            made[column] = values.dt.tz_convert("UTC").dt.tz_localize(None)
        else:
            made[column] = values
    return made


def draw(
    chart: Any,
    table: pd.DataFrame,
    name: str,
    *,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Draw a chart, and below it, folded, the table that it shows."""
    words = {"labelColor": INK, "titleColor": INK}
    st.altair_chart(chart.configure_axis(**words).configure_legend(**words), width="stretch")
    with st.expander("Table"):
        tables.show(table, name, labels=labels)


def legend(**options: Any) -> alt.Legend:
    """Return a legend below the chart, which leaves all its width to the chart."""
    given: dict[str, Any] = {"orient": "bottom", "labelLimit": 220, "symbolOpacity": 1}
    return alt.Legend(**(given | options))


def bars(
    frame: pd.DataFrame,
    title: str,
    *,
    category: str,
    value: str,
    names: tuple[str, str],
    colour: str | None = None,
    order: Sequence[str] | None = None,
) -> Any:
    """Return horizontal bars: a row a category, `names` being what both axes are called.

    With `colour`, a column, bars are parts stacked in the order of the palette; else
    each has its number at its end. Without `order` the rows keep the frame's order. Of
    more categories than fit the first are drawn, and the title says so.
    """
    rows = plain(frame)
    every = list(order) if order is not None else list(dict.fromkeys(rows[category]))
    ordered = every[:MOST]
    if len(every) > MOST:
        title += f" (the first {MOST} of {len(every):,})"
        rows = rows[rows[category].isin(ordered)]
    hints = [alt.Tooltip(f"{category}:N", title=names[0])]
    hints.append(alt.Tooltip(f"{value}:Q", title=names[1], format=",.4~g"))
    base = alt.Chart(rows, title=title).encode(
        y=alt.Y(f"{category}:N", sort=ordered, title=names[0], axis=alt.Axis(labelLimit=220)),
        x=alt.X(
            f"{value}:Q",
            title=names[1],
            axis=alt.Axis(tickCount=6, tickMinStep=1),
            scale=_room(rows, category, value),
        ),
    )
    if colour is None:
        ends = base.mark_text(align="left", dx=4, color=INK).encode(
            text=alt.Text(f"{value}:Q", format=_format(rows[value]))
        )
        made: Any = base.mark_bar(color=COLOURS[0]).encode(tooltip=hints) + ends
    else:
        parts = list(dict.fromkeys(rows[colour]))
        shade = alt.Scale(domain=parts, range=list(COLOURS[: len(parts)]))
        named = tables.label(colour)
        hints.insert(1, alt.Tooltip(f"{colour}:N", title=named))
        colours = alt.Color(f"{colour}:N", scale=shade, title=named, legend=legend())
        made = base.mark_bar().encode(color=colours, tooltip=hints)
    return made.properties(height=alt.Step(22))


def _room(rows: pd.DataFrame, category: str, value: str) -> alt.Scale:
    """Return a scale with room for the number at the end of the longest bar."""
    sums = rows.groupby(category)[value].sum()
    if not len(sums) or sums.min() < 0 or sums.max() <= 0:
        return alt.Scale()
    return alt.Scale(domain=[0, 1.08 * float(sums.max())], nice=False)


def _format(values: pd.Series[Any]) -> str:
    """Return how the numbers at the ends of bars are written: never a small one as 0."""
    return ",.1~f" if (values.abs() >= 10).any() or (values % 1 == 0).all() else ",.3~g"


def lines(
    frame: pd.DataFrame,
    title: str,
    *,
    x: str,
    series: Mapping[str, str],
    names: tuple[str, str],
) -> Any:
    """Return a line for each column of `series` (column: what it is called) over dates `x`.

    Each line has a dash of its own beside its colour.
    """
    rows = plain(frame[[x, *series]]).rename(columns=dict(series))
    long = rows.melt(id_vars=[x], var_name="line", value_name="count").dropna(subset=["count"])
    called = list(series.values())
    dashes = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 4]][: len(called)]
    scale = alt.Scale(domain=called, range=list(COLOURS[: len(called)]))
    below = legend(columns=2, symbolType="stroke", symbolStrokeWidth=3)
    ticks = _ticks(frame[x]) if len(frame) < FEW else {}
    return (
        alt.Chart(long, title=title)
        .mark_line(point=len(frame) < FEW, strokeWidth=2.5)
        .encode(
            x=alt.X(f"{x}:T", title=names[0], axis=alt.Axis(**ticks)),
            y=alt.Y("count:Q", title=names[1]),
            color=alt.Color("line:N", scale=scale, title=None, legend=below),
            strokeDash=alt.StrokeDash(
                "line:N", scale=alt.Scale(domain=called, range=dashes), title=None, legend=below
            ),
            tooltip=[
                alt.Tooltip(f"{x}:T", title=names[0], format="%Y-%m-%d"),
                alt.Tooltip("line:N", title="Line"),
                alt.Tooltip("count:Q", title=names[1], format=",.4~g"),
            ],
        )
        .properties(height=340)
    )


def _ticks(dates: pd.Series[Any]) -> dict[str, Any]:
    """Return an axis that names each of a few dates, as the day that it is in the table."""
    days = [
        alt.DateTime(
            year=day.year, month=day.month, date=day.day, hours=day.hour, minutes=day.minute
        )
        for day in dates
    ]
    return {"values": days, "format": "%d %b %Y", "labelOverlap": True, "labelBound": False}


def heat_map(
    frame: pd.DataFrame,
    title: str,
    *,
    row: str,
    column: str,
    value: str,
    names: tuple[str, str, str],
    hints: Sequence[str] = (),
) -> Any:
    """Return cells from dark (0 %) to light (100 %), with the number in each; NA is left out."""
    rows = plain(frame).dropna(subset=[value])
    base = alt.Chart(rows, title=title).encode(
        y=alt.Y(
            f"{row}:N",
            title=names[0],
            sort=list(dict.fromkeys(rows[row])),
            axis=alt.Axis(labelLimit=220),
        ),
        x=alt.X(f"{column}:N", title=names[1], axis=UPRIGHT),
    )
    told = [
        alt.Tooltip(f"{row}:N", title=names[0]),
        alt.Tooltip(f"{column}:N", title=names[1]),
        alt.Tooltip(f"{value}:Q", title=names[2], format=".1f"),
        *(alt.Tooltip(f"{hint}:Q", title=tables.label(hint)) for hint in hints),
    ]
    shade = alt.Scale(scheme="cividis", domain=[0, 100])
    cells = base.mark_rect().encode(
        color=alt.Color(
            f"{value}:Q", scale=shade, title=names[2], legend=legend(gradientLength=200)
        ),
        tooltip=told,
    )
    light = alt.condition(f"datum.{value} > 55", alt.value("black"), alt.value("white"))
    words = base.mark_text(fontSize=11).encode(
        text=alt.Text(f"{value}:Q", format=".0f"), color=light, tooltip=told
    )
    return (cells + words).properties(height=alt.Step(24))


def points(frame: pd.DataFrame, title: str, *, x: str, y: str, names: tuple[str, str]) -> Any:
    """Return a point for each row, at the numbers in two columns."""
    hints = [
        alt.Tooltip(f"{column}:Q", title=name, format=",.4~g")
        for column, name in zip((x, y), names, strict=True)
    ]
    return (
        alt.Chart(plain(frame), title=title)
        .mark_circle(size=60, color=COLOURS[0], opacity=0.7)
        .encode(
            x=alt.X(f"{x}:Q", title=names[0], scale=alt.Scale(zero=False)),
            y=alt.Y(f"{y}:Q", title=names[1], scale=alt.Scale(zero=False)),
            tooltip=hints,
        )
        .properties(height=340)
    )
