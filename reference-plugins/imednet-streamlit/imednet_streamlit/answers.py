"""What the Workbench reads: records with their answers, and what a configuration makes of them.

As in `data`: kept for ten minutes, within one session, under the connection's token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pandas as pd
import streamlit as st

from imednet.errors import ImednetError
from imednet.models import Form, Record, RecordRevision, StudyConfiguration, Variable
from imednet_streamlit import data
from imednet_streamlit.data import TTL, Connection, Tell, Unreadable
from imednet_workflows.canonical import CanonicalStudy, canonicalise, suggest_mappings
from imednet_workflows.profiling import StudyProfile, profile

__all__ = ["OneRecord", "canonical", "clear", "one_record", "profiled", "suggested", "variables"]

#: What rows must be, as `list` of the SDK takes it; hashable, as a part of a cache key.
Conditions: TypeAlias = tuple[tuple[str, Any], ...]
#: Where the session keeps what has been read: cached functions, each with its key.
READ = "_imednet_read"
#: Different answers of a variable that the profile keeps, most frequent first.
TOP = 60


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_rows(
    token: str, study_key: str, name: str, conditions: Conditions, _sdk: Any, _tell: Tell
) -> tuple[list[Any], datetime]:
    moment = datetime.now(UTC)
    wanted = {key: list(value) if isinstance(value, tuple) else value for key, value in conditions}
    return list(_rows(_sdk, study_key, name, _tell, **wanted)), moment


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_profile(
    token: str, study_key: str, include_blinded: bool, _sdk: Any, _tell: Tell
) -> tuple[StudyProfile, datetime]:
    moment = datetime.now(UTC)
    forms, known = (list(_rows(_sdk, study_key, name, _tell)) for name in ("forms", "variables"))
    records = _rows(_sdk, study_key, "records", _tell)
    return profile(records, forms, known, include_blinded=include_blinded, top=TOP), moment


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_suggestions(
    token: str,
    study_key: str,
    include_blinded: bool,
    standard: str | None,
    _here: Connection,
    _tell: Tell,
) -> tuple[pd.DataFrame, datetime]:
    found, moment = profiled(_here, include_blinded, _tell)
    return suggest_mappings(found, standard), moment


@st.cache_data(ttl=TTL, scope="session", show_spinner=False)
def _fetch_canonical(
    token: str,
    study_key: str,
    digest: str,
    _here: Connection,
    _configuration: StudyConfiguration,
    _tell: Tell,
) -> tuple[CanonicalStudy, datetime]:
    names = ("forms", "variables", "subjects", "visits")
    lists = {name: _fetch(_here, name, _tell) for name in names}
    records, moment = _mapped_records(_here, _configuration, lists["forms"][0], _tell)
    made = canonicalise(
        _configuration,
        records,
        lists["variables"][0],
        subjects=lists["subjects"][0],
        visits=lists["visits"][0],
    )
    return made, min(moment, *(read_at for _, read_at in lists.values()))


def canonical(
    here: Connection, configuration: StudyConfiguration, tell: Tell
) -> tuple[CanonicalStudy, datetime]:
    """Return what a configuration makes of the study, protected values masked; and when read.

    Raises Unreadable, and the errors of `canonicalise`.
    """
    apart = StudyConfiguration.from_dict(configuration.to_dict())
    apart.widgets, apart.targets, apart.statuses, apart.version = [], {}, {}, None
    digest = data.digest(apart)  # what tables are made of
    made: tuple[CanonicalStudy, datetime] = _kept(
        _fetch_canonical, here, digest, rest=(here, configuration, tell)
    )
    return made


def profiled(here: Connection, include_blinded: bool, tell: Tell) -> tuple[StudyProfile, datetime]:
    """Return the profile of all records, and when they were read; raises Unreadable."""
    made: tuple[StudyProfile, datetime] = _kept(
        _fetch_profile, here, include_blinded, rest=(here.sdk, tell)
    )
    return made


def variables(here: Connection, tell: Tell) -> tuple[list[Variable], datetime]:
    """Return the study's variables, and when they were read; raises Unreadable."""
    return _fetch(here, "variables", tell)


def suggested(
    here: Connection, include_blinded: bool, standard: str | None, tell: Tell
) -> tuple[pd.DataFrame, datetime]:
    """Return what could fill the fields of a standard, as `suggest_mappings` gives it."""
    made: tuple[pd.DataFrame, datetime] = _kept(
        _fetch_suggestions, here, include_blinded, standard, rest=(here, tell)
    )
    return made


@dataclass(frozen=True)
class OneRecord:
    """A record with its answers (None if there is none), and its revisions, oldest first."""

    record: Record | None
    revisions: list[RecordRevision]


def one_record(here: Connection, record_id: int, tell: Tell) -> tuple[OneRecord, datetime]:
    """Return a record and what happened to it, and when they were read; raises Unreadable."""
    records, moment = _fetch(here, "records", tell, record_id=record_id)
    revisions, later = _fetch(here, "record_revisions", tell, record_id=record_id)
    revisions.sort(key=lambda each: (each.record_revision or 0, each.record_revision_id or 0))
    return OneRecord(records[0] if records else None, revisions), min(moment, later)


def clear(here: Connection) -> None:
    """Forget what this connection has read for the Workbench, and nothing else."""
    read: set[tuple[Any, ...]] = st.session_state.get(READ, set())
    for function, *key in list(read):
        if key[0] == here.token:
            function.clear(*key)
            read.discard((function, *key))


def _kept(function: Any, here: Connection, *key: Any, rest: tuple[Any, ...]) -> Any:
    """Return what a cached function gives, and note under which key, for `clear`."""
    whole = (here.token, here.study_key, *key)
    st.session_state.setdefault(READ, set()).add((function, *whole))
    return function(*whole, *rest)


def _fetch(
    here: Connection, name: str, tell: Tell, **conditions: Any
) -> tuple[list[Any], datetime]:
    key = tuple(sorted(conditions.items()))
    made: tuple[list[Any], datetime] = _kept(_fetch_rows, here, name, key, rest=(here.sdk, tell))
    return made


def _rows(sdk: Any, study_key: str, name: str, tell: Tell, **conditions: Any) -> Iterator[Any]:
    """Give a list's rows; raises Unreadable, so that no failure looks empty."""
    resource = getattr(sdk, name, None)
    what = name.replace("_", " ")
    if resource is None:
        raise Unreadable(what, f"this connection has no {what}")

    def progress(done: int, total: int) -> None:
        tell(name, done, total)

    try:
        yield from resource.iter(study_key, on_progress=progress, **conditions)
    except ImednetError as error:
        raise Unreadable(what, str(error)) from error


def _mapped_records(
    here: Connection, configuration: StudyConfiguration, forms: list[Form], tell: Tell
) -> tuple[list[Record], datetime]:
    """Return the records of the forms that rules name, all if a rule names none."""
    named = {rule.source_form_key or "" for rule in configuration.mappings}
    if "" in named:
        return _fetch(here, "records", tell)
    found: list[Record] = []
    moments = [datetime.now(UTC)]
    for key in sorted({_spelt(key, forms) for key in named}):
        ids = sorted({form.form_id for form in forms if form.form_key == key and form.form_id})
        # A form that is in no list any more may still have records, which name it by its key.
        wanted: dict[str, Any] = {"form_id": tuple(ids)} if ids else {"form_key": key}
        rows, moment = _fetch(here, "records", tell, **wanted)
        found += rows
        moments.append(moment)
    return found, min(moments)


def _spelt(key: str, forms: list[Form]) -> str:
    """Return a form's key as the study spells it, or as it is given if the study has none."""
    spelt = (form.form_key for form in forms if form.form_key)
    return next((known for known in spelt if known.casefold() == key.casefold()), key)
