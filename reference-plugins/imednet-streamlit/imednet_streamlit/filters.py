"""Filters that stand in the page's address, so that a view can be sent to a colleague."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

import pandas as pd
import streamlit as st

from imednet_streamlit import tables

__all__ = ["choose", "number", "option", "pick_sites", "picked_row", "site_labels", "within"]

#: The largest number that can be asked for: all that a server counts with fits.
MOST = 2**53 - 1


def choose(label: str, name: str, options: Mapping[str, str]) -> list[str]:
    """Let any number of options be chosen, none meaning all; returns their keys.

    `options` is what may be chosen and how it is called, `name` its name in the address.
    """
    key, state = f"_filter_{name}", st.session_state
    if key not in state:
        state[key] = st.query_params.get_all(name)
    state[key] = [value for value in state[key] if value in options]
    chosen: list[str] = st.multiselect(
        label, list(options), key=key, format_func=lambda value: options[value], placeholder="All"
    )
    if chosen != st.query_params.get_all(name):
        if chosen:
            st.query_params[name] = chosen
        else:
            del st.query_params[name]
    return chosen


def option(label: str, name: str, options: Mapping[str, str]) -> str:
    """Let one option be chosen, the first until another is; returns its key."""
    key, state, default = f"_filter_{name}", st.session_state, next(iter(options))
    if state.get(key) not in options:
        asked = st.query_params.get(name, default)
        state[key] = asked if asked in options else default
    values = list(options)
    chosen = st.selectbox(label, values, key=key, format_func=lambda value: options[value])
    if chosen != st.query_params.get(name, default):
        if chosen == default:
            del st.query_params[name]
        else:
            st.query_params[name] = chosen
    return chosen


def number(label: str, name: str, *, help: str | None = None) -> int | None:
    """Let a whole number from 1 on be given; returns it, None until there is one."""
    key, state = f"_filter_{name}", st.session_state
    if key not in state:
        asked = st.query_params.get(name, "")
        state[key] = int(asked) if asked.isdecimal() and 1 <= int(asked[:20]) <= MOST else None
    chosen = st.number_input(label, min_value=1, max_value=MOST, step=1, key=key, help=help)
    _in_address(name, None if chosen is None else str(chosen))
    return chosen


def picked_row(frame: pd.DataFrame, name: str, rows: Sequence[str]) -> int | None:
    """Draw a table of which one row can be chosen; returns its position, None for none.

    `rows` says what each row is called in the address, where the chosen one stands as `name`.
    """
    named = tables.labelled(frame.reset_index(drop=True))
    text = st.text_input("Show only rows that contain", key=f"_find_{name}", placeholder="any text")
    shown = tables.matching(named, text).head(tables.SHOWN)
    called = [rows[place] for place in shown.index]
    # Another choice of rows is another table: a selection is a position, and would go on to it.
    key = f"_pick_{name}_{crc32(chr(0).join(called).encode()):08x}"
    st.dataframe(
        tables.readable(shown),
        hide_index=True,
        width="stretch",
        placeholder="-",
        on_select=lambda: _pick(name, key, called),
        selection_mode="single-row",
        key=key,
    )
    if len(shown) == tables.SHOWN < len(frame):
        st.caption(f"{tables.SHOWN:,} of {len(frame):,} rows are shown: search for others.")
    asked = st.query_params.get(name)
    return rows.index(asked) if asked in rows else None


def _pick(name: str, key: str, called: Sequence[str]) -> None:
    chosen = st.session_state[key].selection.rows
    _in_address(name, called[chosen[0]] if chosen else None)


def _in_address(name: str, value: str | None) -> None:
    """Let the address say it, or not any more."""
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def site_labels(sites: pd.DataFrame) -> dict[str, str]:
    """Return what each site is called, by its number as text."""
    pairs = zip(sites["site_id"].astype(str), sites["site_name"].astype(str), strict=True)
    return dict(pairs)


def pick_sites(sites: pd.DataFrame) -> list[int]:
    """Let sites be chosen; returns their numbers, none meaning all."""
    return [int(value) for value in choose("Sites", "site", site_labels(sites))]


def within(frame: pd.DataFrame, column: str, chosen: Sequence[object]) -> pd.DataFrame:
    """Return the rows with one of the chosen values, all rows if none is chosen."""
    return frame[frame[column].isin(list(chosen))] if chosen else frame
