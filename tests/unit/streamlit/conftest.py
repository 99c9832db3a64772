"""Helpers: the dashboard run as people use it, against simulators of several studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.state import SessionState
from streamlit.testing.v1 import AppTest

import imednet_streamlit.app as app
from imednet_simulator import Simulator

DAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No cache of another test, and no configuration of whoever runs this."""
    monkeypatch.setenv("IMEDNET_DATA_DIR", str(tmp_path / "data"))
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture(scope="session")
def ordinary() -> Iterator[Any]:
    with Simulator(sites=6, subjects=40, seed=1, asof=DAY) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def single() -> Iterator[Any]:
    """One site."""
    with Simulator(sites=1, subjects=6, seed=3, asof=DAY) as simulator:
        yield simulator


@pytest.fixture
def own() -> Iterator[Any]:
    """A small study of the test's own, to break and to change."""
    with Simulator(sites=3, subjects=12, seed=5, asof=DAY) as simulator:
        yield simulator


class Dashboard:
    """The dashboard in a session of its own."""

    def __init__(self) -> None:
        self.at = AppTest.from_file(app.__file__, default_timeout=60)
        self.at.run()

    def connect(
        self,
        simulator: Any,
        api_key: str | None = None,
        security_key: str | None = None,
        study_key: str | None = None,
    ) -> Dashboard:
        self.at.text_input(key="_imednet_api_key").input(api_key or simulator.api_key)
        self.at.text_input(key="_imednet_security_key").input(
            security_key or simulator.security_key
        )
        self.at.text_input(key="_imednet_study_key").input(study_key or simulator.study_key)
        self.at.text_input(key="_imednet_base_url").input(simulator.url)
        self.at.sidebar.button[0].click()
        self.at.run()
        return self

    def open(self, view: str, **filters: Any) -> Dashboard:
        for name, value in filters.items():
            self.at.query_params[name] = value
        self.at.switch_page(f"views/{view}").run()
        return self

    @property
    def metrics(self) -> dict[str, str]:
        return {metric.label: metric.value for metric in self.at.metric}

    @property
    def text(self) -> str:
        """Everything on the page in words, tables included."""
        parts: list[str] = []
        for block in (self.at.main, self.at.sidebar):
            parts += [str(getattr(element, "proto", "")) for element in block]
        parts += [table.value.to_csv() for table in self.at.dataframe]
        return "\n".join(parts)

    def said(self, kind: str) -> str:
        """What stands in boxes of a kind: info, error, warning, success, caption, markdown."""
        return "\n".join(str(element.value) for element in getattr(self.at, kind))

    @property
    def state(self) -> dict[str, Any]:
        """The session's state, values of widgets included."""
        inner: Any = self.at.session_state
        while not isinstance(inner, SessionState):
            inner = object.__getattribute__(inner, "_state")
        return dict(inner.filtered_state) | dict(inner._old_state) | dict(inner._new_session_state)

    def frame(self, *columns: str) -> Any:
        """The first table that has these columns."""
        for table in self.at.dataframe:
            if set(columns) <= set(table.value.columns):
                return table.value
        raise AssertionError(f"no table has {columns}")


def run_work() -> None:
    import streamlit as st

    try:
        st.session_state["result"] = st.session_state["work"]()
    except Exception as error:
        st.session_state["result"] = error


@pytest.fixture
def in_session() -> Callable[[Callable[[], Any]], Any]:
    """Do some work as a page would, where the caches of a session are; returns its result."""

    def do(work: Callable[[], Any]) -> Any:
        at = AppTest.from_function(run_work, default_timeout=60)
        at.session_state["work"] = work
        result = at.run().session_state["result"]
        if isinstance(result, Exception):
            raise result
        return result

    return do


@pytest.fixture
def dashboard() -> Dashboard:
    return Dashboard()


@pytest.fixture
def new_dashboard() -> type[Dashboard]:
    """For tests of several sessions."""
    return Dashboard
