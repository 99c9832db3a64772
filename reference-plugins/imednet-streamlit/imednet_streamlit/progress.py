"""Long work beside a page, with the progress shown on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

__all__ = ["Progress", "session_pool", "watched"]

T = TypeVar("T")

#: Seconds between two looks at the progress; what is faster shows none.
LOOK = 0.15


class Progress:
    """How far the lists are read, told by whoever reads them."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[int, int]] = {}
        self.making = ""

    def tell(self, name: str, done: int, total: int) -> None:
        """Note that so many rows of a list are read, of so many."""
        self.told[name] = (done, total)

    def now(self) -> tuple[float, str]:
        """Return how far the reading is (0 to 1), and in words."""
        told = dict(self.told)
        under_way = [(n, d, t) for n, (d, t) in told.items() if d < t]
        done, total = (sum(pair[i] for pair in told.values()) for i in (0, 1))
        if self.making:
            return 1.0, self.making
        if not under_way:
            return (1.0, f"Sorting {done:,} rows") if done else (0.0, "Asking the server")
        name, has, of = max(under_way, key=lambda each: each[2])
        share = min(1.0, done / total) if total else 0.0
        return share, f"Reading {name.replace('_', ' ')}: {has:,} of {of:,}"


def watched(work: Callable[[], T], progress: Progress) -> T:
    """Do the work beside the page, and show its progress there; returns or raises what it does."""
    pool = session_pool(1)
    try:
        future = pool.submit(work)
        _watch(future, progress)
        return future.result()
    finally:
        pool.shutdown(wait=False)  # a reader who has left does not wait; what was read is kept


def session_pool(workers: int) -> ThreadPoolExecutor:
    """Return threads that belong to this session, as its caches want.

    They also keep what a cached function does apart from the page: what is drawn
    inside a cached function would be drawn again whenever its result is used.
    """
    context = get_script_run_ctx()
    return ThreadPoolExecutor(
        workers, initializer=lambda: add_script_run_ctx(threading.current_thread(), context)
    )


def _watch(future: Future[Any], progress: Progress) -> None:
    place = st.empty()  # always there, so that what follows stays where it is, and as it is
    while not wait([future], LOOK).done:
        share, text = progress.now()
        place.progress(share, text)
    place.empty()
