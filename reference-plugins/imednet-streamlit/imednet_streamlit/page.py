"""What all pages share: the title, the data's time, and what to say when a list is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import streamlit as st

from imednet.errors import ImednetError, RequestError
from imednet_streamlit import auth, data, tables
from imednet_streamlit.data import Connection, Tell
from imednet_streamlit.loading import Loaded, Source
from imednet_streamlit.progress import Progress, watched
from imednet_streamlit.tabled import TABLES

__all__ = ["Page", "card", "show"]

T = TypeVar("T")


class Page:
    """A page being drawn: `load` gets its tables, and keeps the line with their time right."""

    def __init__(self, here: Connection) -> None:
        self.here = here
        self._source = Source(here)
        self._place = st.empty()
        self._oldest = ""
        self._failed: set[str] = set()

    def load(self, *names: str) -> Loaded | None:
        """Return tables, or say what cannot be read and return None.

        What has failed once while a page is drawn is neither tried nor said again; after
        a network failure nothing is.
        """
        needed = {part for name in names for part in TABLES[name].lists}
        if self._failed & (needed | {"all"}):
            return None
        try:
            loaded = self._source.load(*names)
        except data.Unreadable as problem:
            self._fail(problem)
            return None
        self._tell_time(loaded.read_at)
        return loaded

    def read(self, work: Callable[[Tell], tuple[T, datetime]]) -> T | None:
        """Return what the work reads beside the page, or say why it cannot and return None.

        The work gets whom to tell of its progress, and returns its result and the time of
        what it read.
        """
        if "all" in self._failed:
            return None
        progress = Progress()
        try:
            result, read_at = watched(lambda: work(progress.tell), progress)
        except data.Unreadable as problem:
            self._fail(problem)
            return None
        except ImednetError as error:
            st.error(tables.plain_text(str(error)))
            return None
        self._tell_time(read_at)
        return result

    def _fail(self, problem: data.Unreadable) -> None:
        _say(problem)
        lost = isinstance(problem.__cause__, RequestError)
        self._failed.add("all" if lost else problem.what.replace(" ", "_"))

    def _tell_time(self, read_at: datetime) -> None:
        time = f"{read_at:%Y-%m-%d %H:%M}"
        self._oldest = min(self._oldest or time, time)
        self._place.caption(
            f"Study {self.here.study_key} · data read {self._oldest} UTC · "
            "Refresh in the sidebar reads it again"
        )


def show(title: str, about: str, body: Callable[[Page], None]) -> None:
    """Draw a page: its title, what it answers, and its body."""
    st.title(title)
    st.write(about)
    here = auth.connection()
    if here is None:
        st.info("Connect in the sidebar first.")
    else:
        body(Page(here))


def card(label: str, value: str, note: str | None = None, *, width: int = 150) -> None:
    """Draw a number in a frame, of a width at which a row of them breaks on small screens."""
    st.metric(label, value, help=note, border=True, width=width)


def _say(problem: data.Unreadable) -> None:
    st.error(
        f"**What:** {problem.what} could not be read, so what depends on it is not shown.  \n"
        f"**Why:** {tables.plain_text(problem.why.rstrip('.'))}.  \n"
        "**What to do:** press Refresh in the sidebar; if it stays, ask who gave you the keys "
        f"whether they may read {problem.what}."
    )
