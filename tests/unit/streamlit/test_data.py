"""What is read, by whom, how often, and for whose eyes."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from imednet import ImednetSDK
from imednet.models import StudyConfiguration
from imednet_simulator import Simulator
from imednet_streamlit import answers, data, tabled
from imednet_workflows import frames, metrics
from imednet_workflows.config_store import ConfigStore
from imednet_workflows.frames import study_frames


def asked(simulator: Any) -> int:
    return len(simulator.requests)


CACHED = {
    data: {"_fetch_list", "opened", "kept"},
    answers: {"_fetch_rows", "_fetch_profile", "_fetch_suggestions", "_fetch_canonical"},
}


@pytest.mark.parametrize("module", CACHED, ids=lambda module: module.__name__)
def test_no_cache_sees_a_key_and_all_end_after_ten_minutes(module: Any) -> None:
    tree = ast.parse(inspect.getsource(module))
    cached = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and "cache_data" in ast.unparse(node.decorator_list[:1])
        if node.decorator_list
    ]
    assert {node.name for node in cached} == CACHED[module]
    for node in cached:
        decorator = ast.unparse(node.decorator_list[0])
        assert "ttl=TTL" in decorator
        assert 'scope="session"' in decorator or "scope='session'" in decorator
        assert "persist" not in decorator
        hashed = [a.arg for a in node.args.args if not a.arg.startswith("_")]
        assert hashed[:2] == ["token", "study_key"], node.name
        assert not any("api" in name or "security" in name for name in hashed)
    assert data.TTL == 600


def test_a_page_reads_only_what_it_needs_and_only_once(dashboard: Any, own: Any) -> None:
    needed = {name for name, table in tabled.TABLES.items() if "records" in table.lists}
    assert "funnel" not in needed
    dashboard.at.switch_page("views/subject_enrollment.py").run()
    dashboard.connect(own)
    paths = {path.split("?")[0].rsplit("/", 1)[-1] for _, path in own.requests}
    assert paths == {"sites", "subjects"}

    before = asked(own)
    dashboard.at.run()
    dashboard.at.multiselect(key="_filter_site").select("1").run()
    assert asked(own) == before


def test_every_list_is_read_once_for_all_pages(dashboard: Any, own: Any) -> None:
    dashboard.connect(own)
    for view in ("query_status.py", "site_performance.py", "data_completeness.py", "home.py"):
        dashboard.open(view)
    first = [path for _, path in own.requests if "page=" not in path or "page=0" in path]
    lists = [path.split("?")[0].rsplit("/", 1)[-1] for path in first]
    assert {name: lists.count(name) for name in set(lists)} == {
        "sites": 2,  # one of them is the look at connecting
        "subjects": 1,
        "forms": 1,
        "variables": 1,
        "intervals": 1,
        "visits": 1,
        "records": 1,
        "recordRevisions": 1,
        "queries": 1,
    }


def test_two_connections_never_mix(new_dashboard: Any, own: Any) -> None:
    with Simulator(sites=2, subjects=30, seed=8, api_key="other-key") as second:
        first, other = new_dashboard(), new_dashboard()
        first.connect(own)
        other.connect(second)
        mine, theirs = first.metrics, other.metrics
        assert mine["Screened"] != theirs["Screened"]
        for _ in range(2):
            first.at.run()
            other.at.run()
            assert first.metrics == mine
            assert other.metrics == theirs

        # One person, one session, another study: nothing of the first is left.
        first.at.sidebar.button[0].click().run()
        first.connect(second)
        assert first.metrics == theirs
        assert first.state["_imednet_token"] != other.state["_imednet_token"]


@pytest.mark.parametrize("button", [0, 1], ids=["disconnect", "refresh"])
def test_clearing_is_for_this_connection_only(
    new_dashboard: Any, own: Any, single: Any, button: int
) -> None:
    first, other = new_dashboard(), new_dashboard()
    first.connect(own)
    other.connect(single)
    before = asked(single)
    seen = asked(own)
    first.at.sidebar.button[button].click().run()
    other.at.run()

    assert asked(single) == before
    if button == 1:
        assert asked(own) > seen  # all read anew


def test_refresh_shows_what_is_new(dashboard: Any, own: Any) -> None:
    dashboard.connect(own)
    before = int(dashboard.metrics["Screened"])
    own.study["subjects"].change(0, deleted=True)
    dashboard.at.run()
    assert int(dashboard.metrics["Screened"]) == before

    dashboard.at.sidebar.button[1].click().run()
    assert int(dashboard.metrics["Screened"]) == before - 1


def test_a_published_configuration_counts_at_once(dashboard: Any, own: Any) -> None:
    dashboard.connect(own)
    assert dashboard.metrics["Of target"] == "none"
    name = own.study["sites"].value(0, "siteName")
    store = ConfigStore()
    made = StudyConfiguration.from_dict({"studyKey": "DEMO", "targets": {name: {"planned": 1000}}})
    store.commit(made, who="R. Lind")
    store.publish("DEMO", 1, who="R. Lind")

    dashboard.at.run()
    assert dashboard.metrics["Of target"].endswith(" %")


def test_a_configuration_that_cannot_be_read_is_said(dashboard: Any, own: Any) -> None:
    path = ConfigStore().path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not a database, and long enough not to be taken for an empty one" * 20)

    dashboard.connect(own)

    assert not dashboard.at.exception
    assert "the study's configuration could not be read" in dashboard.said("error")


FRAMES = """
import streamlit as st
from imednet import ImednetSDK
from imednet_streamlit import data
from imednet_workflows.frames import LISTS

sdk = ImednetSDK("demo-api-key", "demo-security-key", {url!r})
told = st.session_state.setdefault("told", [])
found = st.session_state.setdefault("found", {{}})
for name in LISTS:
    here = data.Connection(sdk, "DEMO", "token")
    found |= data.fetch(here, name, lambda *seen: told.append(seen))[0]
"""


def test_lists_are_read_in_parts_and_are_the_same_frames(
    own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "CHUNK", 50)
    (pulse,) = own.study["variables"].find("variableName", "PULSE")
    own.study["variables"].change(pulse, disabled=True)
    at = AppTest.from_string(FRAMES.format(url=own.url), default_timeout=60).run()
    assert not at.exception
    with ImednetSDK(own.api_key, own.security_key, own.url) as sdk:
        whole = study_frames(sdk, "DEMO")
        counted = frames.records(sdk.records.list("DEMO"))["data_points"].sum()
    for name, frame in at.session_state["found"].items():
        pd.testing.assert_frame_equal(frame, metrics.narrow(name, getattr(whole, name)))
    assert at.session_state["found"].keys() == vars(whole).keys() - {"study_key"}
    assert whole.records["data_points"].sum() < counted  # the answers to PULSE are not among them
    assert ("sites", 3, 3) in at.session_state["told"]


def test_lists_that_were_not_read_have_all_columns() -> None:
    none = data.study_frames("DEMO", {})
    assert all(frame.empty and len(frame.columns) for frame in list(vars(none).values())[1:])


PROGRESS = """
import streamlit as st
from imednet import ImednetSDK
from imednet_streamlit import loading
from imednet_streamlit.data import Connection

sdk = ImednetSDK("demo-api-key", "demo-security-key", {url!r}, page_size=1)
shown = st.session_state.setdefault("shown", [])

class Place:
    def progress(self, share, text):
        shown.append((share, text))

    def empty(self):
        shown.append("gone")

plain, st.empty = st.empty, Place
try:
    loaded = loading.Source(Connection(sdk, "DEMO", "token")).load("funnel")
finally:
    st.empty = plain
"""


def test_progress_is_shown_in_rows() -> None:
    with Simulator(sites=2, subjects=40, latency_ms=100) as slow:
        at = AppTest.from_string(PROGRESS.format(url=slow.url), default_timeout=60).run()
    assert not at.exception
    *steps, last = at.session_state["shown"]
    assert last == "gone"
    assert all(0 <= share <= 1 for share, _ in steps)
    assert any(re.fullmatch(r"Reading subjects: \d+ of \d+", text) for _, text in steps)
