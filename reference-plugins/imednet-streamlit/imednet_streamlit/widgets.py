"""The widgets of a configuration, drawn from canonical tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from imednet.errors import ConfigurationError
from imednet.models import WidgetConfig
from imednet_streamlit import charts, tables
from imednet_workflows.canonical import MASK, widget_table
from imednet_workflows.canonical.widgets import value_column

__all__ = ["COLUMNS", "draw", "grid", "rows_of"]

#: The columns of the page's grid, of which a widget takes some.
COLUMNS = 12
#: Points beyond this are drawn for an even part of the rows; the table has all.
MOST_POINTS = 5000


def grid(widgets: Sequence[WidgetConfig], canonical: Mapping[str, pd.DataFrame]) -> None:
    """Draw widgets side by side as far as their widths allow, in their order."""
    for number, row in enumerate(rows_of(widgets)):
        widths = [_width(widget) for widget in row]
        left = COLUMNS - sum(widths)
        places = st.columns([*widths, left] if left else widths)
        for place, (widget, column) in enumerate(zip(row, places, strict=False)):
            with column:
                draw(widget, canonical, f"{number}_{place}")


def rows_of(widgets: Sequence[WidgetConfig]) -> Iterator[list[WidgetConfig]]:
    """Give the widgets in rows that are no wider than the grid."""
    row: list[WidgetConfig] = []
    for widget in widgets:
        if row and sum(map(_width, row)) + _width(widget) > COLUMNS:
            yield row
            row = []
        row.append(widget)
    if row:
        yield row


def _width(widget: WidgetConfig) -> int:
    return max(1, min(COLUMNS, widget.layout_cols or COLUMNS))


def draw(widget: WidgetConfig, canonical: Mapping[str, pd.DataFrame], name: str) -> None:
    """Draw one widget, or say why it cannot be; `name` is unique on the page."""
    title = widget.title or widget.widget_id or "Without a title"
    try:
        found = widget_table(widget, canonical)
    except ConfigurationError as error:
        st.markdown(f"**{tables.plain_text(title)}**")
        st.warning(f"This widget cannot be drawn: {error}. Change it in the Setup Wizard.")
        return
    masked = [column for column in found.columns if (found[column].astype(str) == MASK).any()]
    if widget.type == "number":
        _number(widget, title, found)
    elif found.empty:
        st.markdown(f"**{tables.plain_text(title)}**")
        st.info("There is nothing to show here yet.")
    elif widget.type == "table":
        st.markdown(f"**{tables.plain_text(title)}**")
        tables.show(found, f"widget_{name}")
    else:
        charts.draw(_chart(widget, title, found), found, f"widget_{name}")
    if masked:
        st.caption(f"{MASK} stands for values that are protected.")
    if left_out := found.attrs.get("left_out", 0):
        rows = "row has" if left_out == 1 else "rows have"
        st.caption(f"{left_out:,} {rows} no value to stand at, and are not drawn.")


def _number(widget: WidgetConfig, title: str, found: pd.DataFrame) -> None:
    value = found[value_column(widget)].iloc[0]
    if pd.isna(value):
        shown = "none"
    else:
        shown = f"{value:,.1f}" if isinstance(value, float) else f"{int(value):,}"
    st.metric(tables.plain_text(title), shown, border=True)


def _chart(widget: WidgetConfig, title: str, found: pd.DataFrame) -> Any:
    column = value_column(widget)
    counted = column.capitalize()
    if widget.type == "bar":
        category = str(found.columns[0])
        names = (tables.label(category), counted)
        return charts.bars(found, title, category=category, value=column, names=names)
    if widget.type == "line":
        dated = found.assign(month=pd.to_datetime(found["month"], errors="coerce"))
        return charts.lines(
            dated, title, x="month", series={column: counted}, names=("Month", counted)
        )
    x, y = str(found.columns[0]), str(found.columns[-1])
    step = -(-len(found) // MOST_POINTS)
    note = f" (every {step}th row)" if step > 1 else ""
    names = (tables.label(x), tables.label(y))
    return charts.points(found.iloc[::step], title + note, x=x, y=y, names=names)
