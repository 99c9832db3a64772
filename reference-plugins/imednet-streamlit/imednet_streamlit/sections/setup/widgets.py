"""The fifth step: what the study report shows, with a look at it while it is made."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from imednet.models import WidgetConfig
from imednet_streamlit import answers, tables
from imednet_streamlit import widgets as drawn
from imednet_streamlit.drafts import Draft
from imednet_streamlit.page import Page
from imednet_workflows.canonical.widgets import COUNTS, TYPES

__all__ = ["free_id", "render"]

_NEW = ""
#: Kinds that show nothing until a field is chosen.
_BY_FIELD = ("bar", "line", "scatter")


def render(page: Page, draft: Draft) -> None:
    """Draw the step."""
    st.subheader("What the study report shows")
    found = page.read(lambda tell: answers.canonical(page.here, draft.config, tell))
    if found is None:
        return
    canonical = {name: table for name, table in found.tables.items() if len(table.columns)}
    ids = [widget.widget_id or "" for widget in draft.config.widgets]
    titles = {widget.widget_id or "": widget.title or "" for widget in draft.config.widgets}
    left, right = st.columns([1, 2])
    with left:
        chosen = st.selectbox(
            "Widget",
            [_NEW, *ids],
            key=draft.key("widget"),
            format_func=lambda name: titles.get(name) or name or "A new one",
        )
        widget = _fields(draft, chosen, canonical)
        _buttons(draft, chosen, widget)
    with right:
        st.caption("How it will look, from the study as it is now")
        if widget.type in _BY_FIELD and not widget.x_axis:
            st.info("Choose on the left what to count by.")
        else:
            drawn.draw(widget, canonical, "preview")
    if draft.config.widgets:
        with st.expander("The whole report"):
            drawn.grid(draft.config.widgets, canonical)


def _fields(draft: Draft, chosen: str, canonical: dict[str, pd.DataFrame]) -> WidgetConfig:
    """Draw the fields of a widget, and return it as they stand."""
    held = next((w for w in draft.config.widgets if w.widget_id == chosen and chosen), None)
    held = held or WidgetConfig(type="bar", domain=next(iter(canonical)), layout_cols=6)

    def key(name: str) -> str:
        return draft.key(f"widget_{chosen}_{name}")

    def pick(label: str, name: str, options: list[str], value: str | None) -> str:
        first = options.index(value) if value in options else 0
        return st.selectbox(
            label,
            options,
            index=first,
            key=key(name),
            format_func=lambda each: tables.label(each) if each else "none",
        )

    title = st.text_input("Title", value=held.title or "", key=key("title")).strip()
    kind = st.selectbox(
        "Kind",
        list(TYPES),
        index=list(TYPES).index(held.type) if held.type in TYPES else 0,
        key=key("type"),
        format_func=lambda each: f"{each.capitalize()}: {TYPES[each]}",
    )
    domain = pick("Table", "domain", list(canonical), held.domain)
    columns = canonical[domain].columns.tolist()
    numbers = [name for name in columns if pd.api.types.is_numeric_dtype(canonical[domain][name])]
    x_axis, y_axis = _NEW, _NEW
    if kind != "number":
        label = {"scatter": "Across", "table": "First column"}.get(kind, "By")
        fields = numbers if kind == "scatter" else columns
        x_axis = pick(label, f"x_{kind}_{domain}", [_NEW, *fields], held.x_axis)
    if kind in ("table", "scatter"):
        fields = columns if kind == "table" else numbers
        label = "Second column" if kind == "table" else "Up"
        y_axis = pick(label, f"y_{kind}_{domain}", [_NEW, *fields], held.y_axis)
    else:
        counted = [*COUNTS, *numbers]
        y_axis = pick("Count (or mean of)", f"y_{kind}_{domain}", counted, held.y_axis)
    width = st.slider(
        f"Width in columns of {drawn.COLUMNS}",
        1,
        drawn.COLUMNS,
        value=min(drawn.COLUMNS, max(1, held.layout_cols or drawn.COLUMNS)),
        key=key("width"),
    )
    name = chosen or free_id(draft, title)
    return WidgetConfig(name, kind, title or None, domain, x_axis or None, y_axis or None, width)


def free_id(draft: Draft, title: str) -> str:
    """Return an id for a new widget, made of its title, that no other has."""
    words = "".join(c if c.isascii() and c.isalnum() else "_" for c in title.casefold())
    name = words.strip("_") or "widget"
    taken = {widget.widget_id for widget in draft.config.widgets}
    number = 1
    while (found := name if number == 1 else f"{name}_{number}") in taken:
        number += 1
    return found


def _buttons(draft: Draft, chosen: str, widget: WidgetConfig) -> None:
    with st.container(horizontal=True):
        st.button(
            "Change it" if chosen else "Add it",
            type="primary",
            on_click=_put,
            args=(draft, widget),
            disabled=not widget.title,
            help="Give it a title first." if not widget.title else None,
        )
        st.button("Move up", on_click=_up, args=(draft, chosen), disabled=not chosen)
        st.button("Remove", on_click=_remove, args=(draft, chosen), disabled=not chosen)


def _put(draft: Draft, widget: WidgetConfig) -> None:
    draft.put(widget)
    draft.generation += 1


def _up(draft: Draft, chosen: str) -> None:
    widgets = draft.config.widgets
    place = next(i for i, widget in enumerate(widgets) if widget.widget_id == chosen)
    if place:
        widgets.insert(place - 1, widgets.pop(place))


def _remove(draft: Draft, chosen: str) -> None:
    draft.config.widgets = [w for w in draft.config.widgets if w.widget_id != chosen]
    draft.generation += 1
