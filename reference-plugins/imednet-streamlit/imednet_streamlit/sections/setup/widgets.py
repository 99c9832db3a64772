"""The fifth step: what the study report shows, with a look at it while it is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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
        fields = _fields(draft, chosen, canonical)
        widget = fields.widget()
        _buttons(draft, fields, titled=bool(widget.title))
    with right:
        st.caption("How it will look, from the study as it is now")
        if widget.type in _BY_FIELD and not widget.x_axis:
            st.info("Choose on the left what to count by.")
        else:
            drawn.draw(widget, canonical, "preview")
    if draft.config.widgets:
        with st.expander("The whole report"):
            drawn.grid(draft.config.widgets, canonical)


def _held(draft: Draft, chosen: str, canonical: Iterable[str]) -> WidgetConfig:
    """Return the widget that is being changed, or the beginning of a new one."""
    held = next((w for w in draft.config.widgets if w.widget_id == chosen and chosen), None)
    return held or WidgetConfig(type="bar", domain=next(iter(canonical)), layout_cols=6)


class _Fields:
    """The fields of a widget on the page, and what stands in them."""

    def __init__(self, draft: Draft, chosen: str, held: WidgetConfig) -> None:
        self.draft, self.chosen, self.held = draft, chosen, held

    def name(self, part: str) -> str:
        return f"widget_{self.chosen}_{part}"

    def now(self, part: str, default: Any) -> Any:
        """Return what stands in a field, whether it is drawn or was left."""
        name = self.name(part)
        typed = self.draft.typed.get(name, default)
        return st.session_state.get(self.draft.key(name), typed)

    def pick(self, label: str, part: str, options: list[str], default: str | None) -> str:
        """Draw a choice; what is held and cannot be chosen any more stays, and is shown."""
        value = self.draft.typed.get(self.name(part), default)
        every = options if value is None or value in options else [*options, value]
        chosen: str = st.selectbox(
            label,
            every,
            index=0 if value is None else every.index(value),
            format_func=lambda each: tables.label(each) if each else "none",
            **self.draft.field(self.name(part)),
        )
        return chosen

    def widget(self) -> WidgetConfig:
        """Return the widget as the fields say it now."""
        held = self.held
        title = (self.now("title", held.title) or "").strip()
        kind, domain = self.now("type", held.type), self.now("domain", held.domain)
        x_axis = self.now(f"x_{kind}_{domain}", held.x_axis) if kind != "number" else None
        y_axis = self.now(f"y_{kind}_{domain}", held.y_axis)
        width = self.now("width", held.layout_cols)
        name = self.chosen or free_id(self.draft, title)
        return WidgetConfig(
            name, kind, title or None, domain, x_axis or None, y_axis or None, width
        )


def _fields(draft: Draft, chosen: str, canonical: dict[str, pd.DataFrame]) -> _Fields:
    """Draw the fields of a widget."""
    held = _held(draft, chosen, canonical)
    fields = _Fields(draft, chosen, held)
    typed = draft.typed
    st.text_input(
        "Title",
        value=typed.get(fields.name("title"), held.title or ""),
        **draft.field(fields.name("title")),
    )
    kinds = list(TYPES)
    kind = typed.get(fields.name("type"), held.type)
    kind = st.selectbox(
        "Kind",
        kinds,
        index=kinds.index(kind) if kind in kinds else 0,
        format_func=lambda each: f"{each.capitalize()}: {TYPES[each]}",
        **draft.field(fields.name("type")),
    )
    domain = fields.pick("Table", "domain", list(canonical), held.domain)
    table = canonical.get(domain, pd.DataFrame())
    columns = table.columns.tolist()
    numbers = [name for name in columns if pd.api.types.is_numeric_dtype(table[name])]
    x, y = f"x_{kind}_{domain}", f"y_{kind}_{domain}"
    if kind != "number":
        label = {"scatter": "Across", "table": "First column"}.get(kind, "By")
        fields.pick(label, x, [_NEW, *(numbers if kind == "scatter" else columns)], held.x_axis)
    if kind in ("table", "scatter"):
        label = "Second column" if kind == "table" else "Up"
        fields.pick(label, y, [_NEW, *(columns if kind == "table" else numbers)], held.y_axis)
    else:
        fields.pick("Count (or mean of)", y, [*COUNTS, *numbers], held.y_axis)
    width = typed.get(fields.name("width"), held.layout_cols) or drawn.COLUMNS
    st.slider(
        f"Width in columns of {drawn.COLUMNS}",
        1,
        drawn.COLUMNS,
        value=min(drawn.COLUMNS, max(1, width)),
        **draft.field(fields.name("width")),
    )
    return fields


def free_id(draft: Draft, title: str) -> str:
    """Return an id for a new widget, made of its title, that no other has."""
    words = "".join(c if c.isascii() and c.isalnum() else "_" for c in title.casefold())
    name = words.strip("_") or "widget"
    taken = {widget.widget_id for widget in draft.config.widgets}
    number = 1
    while (found := name if number == 1 else f"{name}_{number}") in taken:
        number += 1
    return found


def _buttons(draft: Draft, fields: _Fields, *, titled: bool) -> None:
    chosen = fields.chosen
    with st.container(horizontal=True):
        st.button(
            "Change it" if chosen else "Add it",
            type="primary",
            on_click=_put,
            args=(draft, fields),
            disabled=not titled,
            help=None if titled else "Give it a title first.",
        )
        st.button("Move up", on_click=_up, args=(draft, chosen), disabled=not chosen)
        st.button("Remove", on_click=_remove, args=(draft, chosen), disabled=not chosen)


def _put(draft: Draft, fields: _Fields) -> None:
    """Keep the widget, as its fields say it now."""
    draft.put(fields.widget())
    for name in [name for name in draft.typed if name.startswith(fields.name(""))]:
        del draft.typed[name]
    draft.generation += 1


def _up(draft: Draft, chosen: str) -> None:
    widgets = draft.config.widgets
    place = next(i for i, widget in enumerate(widgets) if widget.widget_id == chosen)
    if place:
        widgets.insert(place - 1, widgets.pop(place))


def _remove(draft: Draft, chosen: str) -> None:
    draft.config.widgets = [w for w in draft.config.widgets if w.widget_id != chosen]
    draft.generation += 1
