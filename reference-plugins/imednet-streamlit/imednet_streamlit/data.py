"""What the pages show, read once a connection: lists as frames, and tables made from them.

Everything is cached for ten minutes within one session and under the connection's
random token, so that neither two people nor two connections of one person ever meet
each other's rows. No key is part of any cache entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeAlias

import pandas as pd
import streamlit as st

from imednet import models
from imednet.errors import ImednetError
from imednet.models import StudyConfiguration
from imednet_workflows import frames as made
from imednet_workflows.config_store import ConfigStore
from imednet_workflows.frames import StudyFrames

__all__ = ["FETCHERS", "Connection", "Unreadable", "clear", "configuration", "empty", "opened"]

Tell: TypeAlias = Callable[[str, int, int], object]
Reading: TypeAlias = tuple[dict[str, pd.DataFrame], datetime]
#: Rows turned into a frame at a time: a large study's answers are never all in memory.
CHUNK = 20_000
TTL = 600


@dataclass(frozen=True)
class Connection:
    """Who reads: the SDK, the study, and the random token that stands for both in caches."""

    sdk: Any
    study_key: str
    token: str


class Unreadable(Exception):
    """A list, or the study's configuration, that could not be read: what, and why."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what, self.why = what, why


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_sites(token: str, study_key: str, _sdk: Any, _tell: Tell) -> Reading:
    return _read("sites", study_key, _sdk, _tell)


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_subjects(token: str, study_key: str, _sdk: Any, _tell: Tell) -> Reading:
    return _read("subjects", study_key, _sdk, _tell)


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_forms(token: str, study_key: str, _sdk: Any, _tell: Tell) -> Reading:
    return _read("forms", study_key, _sdk, _tell)


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_variables(token: str, study_key: str, _sdk: Any, _tell: Tell) -> Reading:
    return _read("variables", study_key, _sdk, _tell)


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_intervals(token: str, study_key: str, _sdk: Any, _tell: Tell) -> Reading:
    return _read("intervals", study_key, _sdk, _tell)


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_visits(token: str, study_key: str, _sdk: Any, _tell: Tell) -> Reading:
    return _read("visits", study_key, _sdk, _tell)


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_records(token: str, study_key: str, _sdk: Any, _tell: Tell) -> Reading:
    return _read("records", study_key, _sdk, _tell)


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_record_revisions(token: str, study_key: str, _sdk: Any, _tell: Tell) -> Reading:
    return _read("record_revisions", study_key, _sdk, _tell)


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_queries(token: str, study_key: str, _sdk: Any, _tell: Tell) -> Reading:
    return _read("queries", study_key, _sdk, _tell)


#: How each list is read; all take token, study key, SDK and whom to tell the progress.
FETCHERS: dict[str, Any] = {
    "sites": _fetch_sites,
    "subjects": _fetch_subjects,
    "forms": _fetch_forms,
    "variables": _fetch_variables,
    "intervals": _fetch_intervals,
    "visits": _fetch_visits,
    "records": _fetch_records,
    "record_revisions": _fetch_record_revisions,
    "queries": _fetch_queries,
}
_MODELS: dict[str, type[models.Model]] = {
    "sites": models.Site,
    "subjects": models.Subject,
    "forms": models.Form,
    "variables": models.Variable,
    "intervals": models.Interval,
    "visits": models.Visit,
    "records": models.Record,
    "record_revisions": models.RecordRevision,
    "queries": models.Query,
    "codings": models.Coding,
}


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def opened(token: str, study_key: str) -> datetime:
    """Return the moment as of which all pages of this connection are shown."""
    return datetime.now(UTC)


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def kept(token: str, study_key: str, name: str, _make: Callable[[], Any]) -> Any:
    """Return a table made from the lists, made once; see `tabled`."""
    return _make()


def clear(here: Connection) -> None:
    """Forget what this connection has read, and nothing else."""
    from imednet_streamlit.tabled import TABLES

    for fetch in (*FETCHERS.values(), opened):
        fetch.clear(here.token, here.study_key)
    for name in TABLES:
        kept.clear(here.token, here.study_key, name)


def configuration(study_key: str) -> tuple[StudyConfiguration | None, str]:
    """Return the study's published configuration, or None, and a digest of what it holds.

    Raises Unreadable if there is one that cannot be read.
    """
    try:
        store = ConfigStore()
        found = store.published(study_key) if store.path.exists() else None
    except (ImednetError, ValueError) as error:
        raise Unreadable("the study's configuration", str(error)) from error
    if found is None:
        return None, ""
    text = json.dumps(found.to_dict(), sort_keys=True, default=str)
    return found, hashlib.sha256(text.encode()).hexdigest()


def empty(name: str) -> dict[str, pd.DataFrame]:
    """Return the frames of a list without rows: all columns, for lists that are not needed."""
    return _framed(name, [])


def study_frames(study_key: str, found: dict[str, pd.DataFrame]) -> StudyFrames:
    """Return the study as metrics want it; lists that were not read are without rows."""
    every: dict[str, pd.DataFrame] = {}
    for name in _MODELS:
        every |= {} if name in found else empty(name)
    return StudyFrames(study_key=study_key, **(every | found))


def _read(name: str, study_key: str, sdk: Any, tell: Tell) -> Reading:
    """Read a list into frames, in chunks; raises Unreadable, so that no failure looks empty."""
    moment = datetime.now(UTC)
    parts: list[dict[str, pd.DataFrame]] = []
    try:
        resource = getattr(sdk, name, None)
        if resource is None:
            raise Unreadable(_said(name), f"this connection has no {_said(name)}")
        rows = resource.iter(study_key, on_progress=lambda done, total: tell(name, done, total))
        while chunk := list(islice(rows, CHUNK)):
            parts.append(_framed(name, chunk))
    except ImednetError as error:
        raise Unreadable(_said(name), str(error)) from error
    return _joined(parts or [empty(name)]), moment


def _said(name: str) -> str:
    return name.replace("_", " ")


def _framed(name: str, rows: Iterable[Any]) -> dict[str, pd.DataFrame]:
    rows = list(rows)
    if name == "records":
        return {name: made.records(rows)}
    framed = {name: made.frame(rows, _MODELS[name])}
    if name == "queries":
        framed["comments"] = made.comments(rows)
    if name == "intervals":
        framed["interval_forms"] = made.interval_forms(rows)
    return framed


def _joined(parts: list[dict[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    if len(parts) == 1:
        return parts[0]
    return {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}
