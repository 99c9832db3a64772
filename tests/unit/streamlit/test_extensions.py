"""Pages of other packages: shown where they work, named where they do not."""

from __future__ import annotations

import sys
import types
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from imednet import ImednetSDK, entry_points
from imednet_streamlit.data import Connection

SCRIPT = """
import streamlit as st
from imednet_streamlit import extensions

found = extensions.pages(lambda: st.session_state["here"])
chosen = st.navigation(found.pages)
st.session_state["pages"] = [page.title for page in found.pages]
chosen.run()
"""


def drawn(sdk: Any, study_key: str) -> None:
    import streamlit as st

    st.title("Acme")
    st.write(f"{study_key} has {sdk.sites.count(study_key)} sites")


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Register things as pages by name."""

    def register(**things: Any) -> None:
        module = types.ModuleType("acme_pages")
        for name, thing in things.items():
            setattr(module, name, thing)
        monkeypatch.setitem(sys.modules, "acme_pages", module)
        points = [EntryPoint(name, f"acme_pages:{name}", entry_points.DASHBOARD) for name in things]
        points.append(EntryPoint("gone", "acme_is_not_here:page", entry_points.DASHBOARD))
        monkeypatch.setattr(
            entry_points,
            "find",
            lambda group, name=None: points if group == entry_points.DASHBOARD else [],
        )

    return register


def good(title: str = "Acme visits") -> Any:
    return types.SimpleNamespace(title=title, icon=":material/event:", render=drawn)


def test_a_page_gets_sdk_and_study(registered: Any, single: Any) -> None:
    def plain(sdk: Any, study_key: str) -> None:
        drawn(sdk, study_key)

    plain.title, plain.icon = "Plain", None  # type: ignore[attr-defined]
    registered(visits=good(), plain=plain)
    with ImednetSDK(single.api_key, single.security_key, single.url) as sdk:
        at = AppTest.from_string(SCRIPT, default_timeout=60)
        at.session_state["here"] = Connection(sdk, single.study_key, "token")
        at.run()

    assert not at.exception
    assert at.session_state["pages"] == ["Plain", "Acme visits"]
    assert at.title[0].value == "Acme"
    assert at.main.markdown[0].value == "DEMO has 1 sites"


def test_a_broken_page_is_named_and_hurts_no_other(
    registered: Any, new_dashboard: Any, single: Any
) -> None:
    registered(
        visits=good(),
        untitled=types.SimpleNamespace(icon=None, render=drawn),
        still=types.SimpleNamespace(title="Still", icon=None, render=3),
        ugly=types.SimpleNamespace(title="Ugly", icon="no icon", render=drawn),
    )
    dashboard = new_dashboard().connect(single)

    assert not dashboard.at.exception
    assert dashboard.metrics["Screened"]
    problems = "\n".join(each.value for each in dashboard.at.sidebar.warning)
    for name, why in (
        ("gone", "No module named 'acme_is_not_here'"),
        ("untitled", "it has no title"),
        ("still", "it has no render"),
        ("ugly", "no icon"),
    ):
        assert f"the plugin '{name}'" in problems
        assert why in problems
    assert "'visits'" not in problems
