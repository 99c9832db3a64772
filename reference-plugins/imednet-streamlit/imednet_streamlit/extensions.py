"""Pages of other packages, through the entry-point group `imednet.dashboard`.

An entry point names an object or a module with `title`, `icon` (an emoji or
`:material/name:`, or None) and `render`, a callable that gets the SDK and the study
key; or a function with `title` and `icon` that is called so itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any, NamedTuple

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from imednet import checks, entry_points
from imednet_streamlit.data import Connection

__all__ = ["Extensions", "page", "pages"]


class Extensions(NamedTuple):
    """The pages that can be shown, and a sentence for each that cannot."""

    pages: list[StreamlitPage]
    problems: list[str]


def pages(connected: Callable[[], Connection | None]) -> Extensions:
    """Return every registered page; one that is broken is a problem and stops no other."""
    found, problems = [], []
    taken: set[str] = set()
    for point in sorted(entry_points.find(entry_points.DASHBOARD), key=lambda point: point.name):
        try:
            made = page(point, connected)
            if made.url_path in taken:
                raise ValueError(f"another page is called {made.url_path!r} too")
        except (Exception, SystemExit) as error:
            problems.append(str(entry_points.broken(point, entry_points.said(error))))
        else:
            taken.add(made.url_path)
            found.append(made)
    return Extensions(found, problems)


def page(point: EntryPoint, connected: Callable[[], Connection | None]) -> StreamlitPage:
    """Return one page; `connected` tells whose SDK and study it gets, None to draw nothing.

    Raises TypeError for what is no page, and whatever importing it or Streamlit raise.
    """
    thing = point.load()
    for problem in checks.page(thing):
        raise TypeError(problem)
    render: Any = getattr(thing, "render", thing)

    def show() -> None:
        here = connected()
        if here is not None:
            render(here.sdk, here.study_key)

    path = "more_" + re.sub(r"\W+", "_", point.name.lower())
    return st.Page(show, title=thing.title, icon=getattr(thing, "icon", None), url_path=path)
