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

from imednet import plugins
from imednet_streamlit.data import Connection

__all__ = ["Extensions", "pages"]


class Extensions(NamedTuple):
    """The pages that can be shown, and a sentence for each that cannot."""

    pages: list[StreamlitPage]
    problems: list[str]


def pages(connected: Callable[[], Connection | None]) -> Extensions:
    """Return every registered page; one that is broken is a problem and stops no other."""
    found, problems = [], []
    taken: set[str] = set()
    for point in sorted(plugins.find(plugins.DASHBOARD), key=lambda point: point.name):
        try:
            page = _page(point, connected)
            if page.url_path in taken:
                raise ValueError(f"another page is called {page.url_path!r} too")
        except (Exception, SystemExit) as error:
            cause = f"{type(error).__name__}: {error}".rstrip(": ")
            problems.append(str(plugins.broken(point, cause)))
        else:
            taken.add(page.url_path)
            found.append(page)
    return Extensions(found, problems)


def _page(point: EntryPoint, connected: Callable[[], Connection | None]) -> StreamlitPage:
    thing = point.load()
    render: Any = getattr(thing, "render", thing)
    if not callable(render):
        raise TypeError("it has no render(sdk, study_key) that can be called")
    title = getattr(thing, "title", None)
    if not isinstance(title, str) or not title.strip():
        raise TypeError("it has no title")

    def show() -> None:
        here = connected()
        if here is not None:
            render(here.sdk, here.study_key)

    path = "more_" + re.sub(r"\W+", "_", point.name.lower())
    return st.Page(show, title=title, icon=getattr(thing, "icon", None), url_path=path)
