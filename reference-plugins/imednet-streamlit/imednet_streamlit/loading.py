"""Getting tables for a page, with the progress shown while the study is read."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from imednet.models import StudyConfiguration
from imednet_streamlit import data
from imednet_streamlit.data import Connection
from imednet_streamlit.tabled import TABLES
from imednet_workflows.frames import StudyFrames

__all__ = ["Loaded", "load"]

#: Seconds between two looks at the progress; what is faster shows none.
LOOK = 0.15


@dataclass(frozen=True)
class Loaded:
    """Tables by name, the moment they are as of, and when the oldest list was read."""

    tables: dict[str, Any]
    asof: datetime
    read_at: datetime
    config: StudyConfiguration | None

    def __getitem__(self, name: str) -> Any:
        return self.tables[name]


def load(here: Connection, *names: str) -> Loaded:
    """Return tables of `TABLES`, from the cache or made now; raises `data.Unreadable`."""
    source = _Source(here)
    pool = _pool(1)
    try:
        future = pool.submit(source.tables, names)
        _watch(future, source)
        return future.result()
    finally:
        pool.shutdown(wait=False)  # a reader who has left does not wait; what was read is kept


def _pool(workers: int) -> ThreadPoolExecutor:
    """Return threads that belong to this session, as its caches want.

    They also keep what a cached function does apart from the page: what is drawn
    inside a cached function would be drawn again whenever its result is used.
    """
    context = get_script_run_ctx()
    return ThreadPoolExecutor(
        workers, initializer=lambda: add_script_run_ctx(threading.current_thread(), context)
    )


def _watch(future: Future[Loaded], source: _Source) -> None:
    place = None
    while True:
        try:
            future.result(LOOK)
        except NotYet:
            if future.done():
                break
            place = place or st.empty()
            share, text = source.progress()
            place.progress(share, text)
        except data.Unreadable:
            break
        else:
            break
    if place is not None:
        place.empty()


class _Source:
    """The lists of one load: each read once, several side by side."""

    def __init__(self, here: Connection) -> None:
        self.here = here
        self.found: dict[str, data.Reading] = {}
        self.told: dict[str, tuple[int, int]] = {}
        self.making = ""

    def tables(self, names: tuple[str, ...]) -> Loaded:
        here = self.here
        asof = data.opened(here.token, here.study_key)
        config, digest = data.configuration(here.study_key)
        made = {name: self._table(name, asof, config, digest) for name in names}
        oldest = min(read_at for _, read_at in made.values())
        return Loaded({name: table for name, (table, _) in made.items()}, asof, oldest, config)

    def progress(self) -> tuple[float, str]:
        """Return how far the reading is (0 to 1), and in words."""
        told = dict(self.told)
        under_way = [(n, d, t) for n, (d, t) in told.items() if d < t]
        done, total = (sum(pair[i] for pair in told.values()) for i in (0, 1))
        if not under_way:
            return (1.0 if self.making else 0.0), self.making or "Asking the server"
        name, has, of = max(under_way, key=lambda each: each[2])
        share = min(1.0, done / total) if total else 0.0
        return share, f"Reading {name.replace('_', ' ')}: {has:,} of {of:,}"

    def _table(
        self, name: str, asof: datetime, config: StudyConfiguration | None, digest: str
    ) -> tuple[Any, datetime]:
        """Return a table and when its oldest list was read; made anew if it is of another time."""

        def make() -> tuple[Any, ...]:
            frames, read_at = self._frames(TABLES[name].lists)
            self.making = "Working out the numbers"
            return asof, digest, TABLES[name].make(frames, config, asof), read_at

        here = self.here
        stamped = data.kept(here.token, here.study_key, name, make)
        if stamped[:2] != (asof, digest):
            data.kept.clear(here.token, here.study_key, name)
            stamped = data.kept(here.token, here.study_key, name, make)
        return stamped[2], stamped[3]

    def _frames(self, lists: tuple[str, ...]) -> tuple[StudyFrames, datetime]:
        missing = [name for name in lists if name not in self.found]
        if missing:
            with _pool(4) as pool:
                readings = pool.map(lambda name: data.fetch(self.here, name, self._tell), missing)
                self.found |= dict(zip(missing, readings, strict=True))
        frames: dict[str, Any] = {}
        for name in lists:
            frames |= self.found[name][0]
        read_at = min(self.found[name][1] for name in lists)
        return data.study_frames(self.here.study_key, frames), read_at

    def _tell(self, name: str, done: int, total: int) -> None:
        self.told[name] = (done, total)
