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
from functools import cache
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
from imednet_workflows.metrics import narrow

__all__ = [
    "TTL",
    "Connection",
    "Tell",
    "Unreadable",
    "clear",
    "configuration",
    "digest",
    "fetch",
    "opened",
    "study_frames",
]

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
def _fetch_list(token: str, study_key: str, name: str, _sdk: Any, _tell: Tell) -> Reading:
    if name != "records":
        return _read(name, study_key, _sdk, _tell)
    found, before = _fetch_list(token, study_key, "variables", _sdk, _tell)
    frames, moment = _read(name, study_key, _sdk, _tell, _variables(found["variables"]))
    return frames, min(before, moment)


def fetch(here: Connection, name: str, tell: Tell) -> Reading:
    """Return a list's frames and when it was read, from the cache or now; raises Unreadable.

    The frames have only the columns that metrics use: of a large study's longest lists
    that is a fraction to keep and to unpack.
    """
    reading: Reading = _fetch_list(here.token, here.study_key, name, here.sdk, tell)
    return reading


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
    from imednet_streamlit import answers
    from imednet_streamlit.tabled import TABLES

    answers.clear(here)
    opened.clear(here.token, here.study_key)
    for name in made.LISTS:
        _fetch_list.clear(here.token, here.study_key, name)
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
    return found, digest(found)


def digest(configuration: StudyConfiguration) -> str:
    """Return a text that is the same for configurations that hold the same."""
    text = json.dumps(configuration.to_dict(), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def study_frames(study_key: str, found: dict[str, pd.DataFrame]) -> StudyFrames:
    """Return the study as metrics want it; lists that were not read are without rows."""
    every: dict[str, pd.DataFrame] = {}
    for name in made.LISTS:
        every |= {} if name in found else _without_rows(name)
    return StudyFrames(study_key=study_key, **(every | found))


@cache
def _without_rows(name: str) -> dict[str, pd.DataFrame]:
    return made.list_frames(name, [])


def _read(
    name: str,
    study_key: str,
    sdk: Any,
    tell: Tell,
    variables: Iterable[models.Variable] = (),
) -> Reading:
    """Read a list into frames, in chunks; raises Unreadable, so that no failure looks empty."""
    moment = datetime.now(UTC)
    parts: list[dict[str, pd.DataFrame]] = []
    try:
        resource = getattr(sdk, name, None)
        if resource is None:
            raise Unreadable(_said(name), f"this connection has no {_said(name)}")
        rows = resource.iter(study_key, on_progress=lambda done, total: tell(name, done, total))
        while chunk := list(islice(rows, CHUNK)):
            parts.append(_made(name, chunk, variables))
    except ImednetError as error:
        raise Unreadable(_said(name), str(error)) from error
    return _joined(parts or [_made(name, [])]), moment


def _made(
    name: str, rows: list[Any], variables: Iterable[models.Variable] = ()
) -> dict[str, pd.DataFrame]:
    frames = made.list_frames(name, rows, variables)
    return {part: narrow(part, frame) for part, frame in frames.items()}


def _variables(frame: pd.DataFrame) -> list[models.Variable]:
    """Return the variables that a frame was made of, as far as counting data points needs them."""
    wanted = frame[["form_id", "variable_name", "disabled", "deleted"]].astype(object)
    rows = wanted.where(wanted.notna(), None).to_dict("records")
    return [models.Variable(**{str(key): value for key, value in row.items()}) for row in rows]


def _said(name: str) -> str:
    return name.replace("_", " ")


def _joined(parts: list[dict[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    if len(parts) == 1:
        return parts[0]
    return {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}
