"""Versions of a study's configuration: who made them, when, what changed, which one holds.

A version never changes and never goes: going back makes a new version with the earlier
content. At most one version of a study is published. Names are what the caller declares;
nothing here proves them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from imednet.models import StudyConfiguration
from imednet_workflows.data_folder import Database, StoreError, data_folder, named, stamp, unstamp

__all__ = [
    "Change",
    "ConfigStore",
    "Publication",
    "StaleVersionError",
    "StoreError",
    "Version",
    "differences",
]

_LAYOUT = (
    """CREATE TABLE versions (
        study_key TEXT NOT NULL, version INTEGER NOT NULL CHECK (version > 0),
        content TEXT NOT NULL, who TEXT NOT NULL, at TEXT NOT NULL, note TEXT NOT NULL,
        content_of INTEGER, PRIMARY KEY (study_key, version))""",
    """CREATE TABLE publications (
        number INTEGER PRIMARY KEY AUTOINCREMENT, study_key TEXT NOT NULL, version INTEGER,
        who TEXT NOT NULL, at TEXT NOT NULL, note TEXT NOT NULL,
        FOREIGN KEY (study_key, version) REFERENCES versions (study_key, version))""",
    *(
        f"""CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table} may only grow'); END"""
        for table in ("versions", "publications")
        for verb in ("UPDATE", "DELETE")
    ),
)


class StaleVersionError(StoreError):
    """Somebody else made a version since the one the caller began from; read it first."""


@dataclass(frozen=True)
class Version:
    """One version, without its content.

    `when` is an aware UTC datetime, `content_of` the earlier version whose content came
    again by rolling back (None for new content), `published` whether it holds now.
    """

    study_key: str
    version: int
    who: str
    when: datetime
    note: str
    content_of: int | None
    published: bool


@dataclass(frozen=True)
class Publication:
    """One decision about what holds: `version` from then on, None for no version at all."""

    study_key: str
    version: int | None
    who: str
    when: datetime
    note: str


@dataclass(frozen=True)
class Change:
    """One difference: where (`mappings[adverse_events.term].businessLogic`), old and new value.

    None stands for what was not there, or was null.
    """

    path: str
    old: Any
    new: Any


class ConfigStore:
    """The versions in one file, `configurations.sqlite3` in imednet's data folder.

    `path` puts the file elsewhere. Any number of threads and processes may use it.
    Errors: StoreError for a file that cannot be used and for versions that are not
    there, ValueError for a name or number that is none.

    Example:
        >>> import tempfile
        >>> store = ConfigStore(Path(tempfile.mkdtemp()) / "c.sqlite3")
        >>> first = store.commit(StudyConfiguration(study_key="DEMO"), who="R. Lind")
        >>> first.version, store.published("DEMO")
        (1, None)
        >>> changed = StudyConfiguration(study_key="DEMO", phi_fields=["BRTHDAT"])
        >>> second = store.commit(changed, who="R. Lind", expected_version=1)
        >>> [(c.path, c.old, c.new) for c in store.diff("DEMO", 1, 2)]
        [('phiFields', [], ['BRTHDAT'])]
        >>> store.publish("DEMO", 2, who="A. Berg").version
        2
    """

    def __init__(self, path: str | Path | None = None) -> None:
        where = data_folder(create=False) / "configurations.sqlite3" if path is None else Path(path)
        self._database = Database(where, application=0x696D6331, layout=1, statements=_LAYOUT)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The file; it is made on first use."""
        return self._database.path

    def commit(
        self,
        configuration: StudyConfiguration,
        *,
        who: str,
        note: str = "",
        expected_version: int | None = None,
    ) -> Version:
        """Keep the configuration as the study's next version, whose number it gets.

        `expected_version` is the version the caller began from (0: there was none yet);
        StaleVersionError if that is no longer the newest. None adds to whatever is there.
        """
        who = named(who)
        if not configuration.study_key:
            raise ValueError("study_key: the configuration names no study: set its study_key")
        study_key, content = configuration.study_key, configuration.to_dict()
        with self._database.writing() as connection:
            newest = _newest(connection, study_key)
            _expect(study_key, newest, expected_version)
            return _add(connection, study_key, newest + 1, content, who, note, None)

    def roll_back(
        self,
        study_key: str,
        version: int,
        *,
        who: str,
        note: str = "",
        expected_version: int | None = None,
    ) -> Version:
        """Make a new version with the content of an earlier one; what lies between stays."""
        who = named(who)
        with self._database.writing() as connection:
            newest = _newest(connection, study_key)
            _expect(study_key, newest, expected_version)
            content = _content(connection, study_key, version)
            return _add(connection, study_key, newest + 1, content, who, note, version)

    def history(self, study_key: str) -> list[Version]:
        """Return all versions of a study, newest first; an empty list if there are none."""
        with self._database.reading() as connection:
            holds = _holding(connection, study_key)
            rows = connection.execute(
                "SELECT * FROM versions WHERE study_key = ? ORDER BY version DESC", (study_key,)
            ).fetchall()
        return [_version(row, holds) for row in rows]

    def studies(self) -> list[str]:
        """Return the keys of all studies that have a version, sorted."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT DISTINCT study_key FROM versions ORDER BY 1")
            return [row[0] for row in rows]

    def get(self, study_key: str, version: int | None = None) -> StudyConfiguration:
        """Return a version's content, None for the newest; StoreError if it is not there."""
        with self._database.reading() as connection:
            number = _newest(connection, study_key) if version is None else version
            return StudyConfiguration.from_dict(_content(connection, study_key, number))

    def diff(self, study_key: str, old: int, new: int) -> list[Change]:
        """Return what `new` says otherwise than `old`, in the order of the paths."""
        with self._database.reading() as connection:
            contents = [_content(connection, study_key, version) for version in (old, new)]
        return list(_differ("", *({**each, "version": None} for each in contents)))

    def publish(self, study_key: str, version: int, *, who: str, note: str = "") -> Publication:
        """Let this version hold from now on, instead of any other."""
        return self._decide(study_key, version, named(who), note)

    def unpublish(self, study_key: str, *, who: str, note: str = "") -> Publication:
        """Let no version hold from now on."""
        return self._decide(study_key, None, named(who), note)

    def published(self, study_key: str) -> StudyConfiguration | None:
        """Return the configuration that holds, with its number as `version`; None for none."""
        with self._database.reading() as connection:
            version = _holding(connection, study_key)
            if version is None:
                return None
            return StudyConfiguration.from_dict(_content(connection, study_key, version))

    def publications(self, study_key: str) -> list[Publication]:
        """Return every decision about what holds, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM publications WHERE study_key = ? ORDER BY number DESC", (study_key,)
            ).fetchall()
        return [
            Publication(study_key, row["version"], row["who"], unstamp(row["at"]), row["note"])
            for row in rows
        ]

    def _decide(self, study_key: str, version: int | None, who: str, note: str) -> Publication:
        at = stamp(None)
        with self._database.writing() as connection:
            if version is not None:
                _content(connection, study_key, version)
            elif _holding(connection, study_key) is None:
                raise StoreError(f"{study_key} has no published version: nothing to take back")
            connection.execute(
                "INSERT INTO publications (study_key, version, who, at, note)"
                " VALUES (?, ?, ?, ?, ?)",
                (study_key, version, who, at, note),
            )
        return Publication(study_key, version, who, unstamp(at), note)


def _newest(connection: sqlite3.Connection, study_key: str) -> int:
    """Return the newest version's number, 0 if there is none."""
    row = connection.execute("SELECT max(version) FROM versions WHERE study_key = ?", (study_key,))
    return int(row.fetchone()[0] or 0)


def _holding(connection: sqlite3.Connection, study_key: str) -> int | None:
    row = connection.execute(
        "SELECT version FROM publications WHERE study_key = ? ORDER BY number DESC LIMIT 1",
        (study_key,),
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _expect(study_key: str, newest: int, expected: int | None) -> None:
    if expected is not None and expected != newest:
        raise StaleVersionError(
            f"{study_key} is at version {newest}, not {expected}: "
            "read the newest version, then make your changes in it"
        )


def _content(connection: sqlite3.Connection, study_key: str, version: int) -> dict[str, Any]:
    row = connection.execute(
        "SELECT content FROM versions WHERE study_key = ? AND version = ?", (study_key, version)
    ).fetchone()
    if row is not None:
        content: dict[str, Any] = json.loads(row[0])
        return content
    newest = _newest(connection, study_key)
    if not newest:
        raise StoreError(f"{study_key} has no version yet: commit one first")
    raise StoreError(f"{study_key} has no version {version}: give one of 1 to {newest}")


def _add(
    connection: sqlite3.Connection,
    study_key: str,
    version: int,
    content: dict[str, Any],
    who: str,
    note: str,
    content_of: int | None,
) -> Version:
    at = stamp(None)
    text = json.dumps({**content, "version": version}, sort_keys=True, allow_nan=False)
    connection.execute(
        "INSERT INTO versions (study_key, version, content, who, at, note, content_of)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (study_key, version, text, who, at, note, content_of),
    )
    return Version(study_key, version, who, unstamp(at), note, content_of, published=False)


def _version(row: sqlite3.Row, holds: int | None) -> Version:
    return Version(
        study_key=row["study_key"],
        version=row["version"],
        who=row["who"],
        when=unstamp(row["at"]),
        note=row["note"],
        content_of=row["content_of"],
        published=row["version"] == holds,
    )


def differences(old: StudyConfiguration, new: StudyConfiguration) -> list[Change]:
    """Return what `new` says otherwise than `old`, in the order of the paths.

    The version numbers are not compared. A mapping is known by domain and target field,
    a widget by its id; one met again has a number (`adverse_events.term #2`).

    Example:
        >>> old = StudyConfiguration(terminology_lookups={"sex": {"1": "M"}})
        >>> new = StudyConfiguration(terminology_lookups={"sex": {"1": "M", "2": "F"}})
        >>> differences(old, new)
        [Change(path='terminologyLookups.sex.2', old=None, new='F')]
    """
    return list(_differ("", *({**each.to_dict(), "version": None} for each in (old, new))))


def _differ(path: str, old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            under = f"{path}.{key}" if path else key
            yield from _differ(under, old.get(key), new.get(key))
    elif path in _KEYS and isinstance(old, list) and isinstance(new, list):
        before, after = _by_key(path, old), _by_key(path, new)
        for key in {**before, **after}:
            yield from _differ(f"{path}[{key}]", before.get(key), after.get(key))
        common = [[key for key in one if key in other] for one, other in _both(before, after)]
        if common[0] != common[1]:
            yield Change(f"{path} (order)", *common)
    else:
        yield Change(path, old, new)


def _both(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[Any, Any]]:
    return [(before, after), (after, before)]


#: What tells one row of a list from another.
_KEYS = {"mappings": ("domain", "targetField"), "widgets": ("widgetId",)}


def _by_key(path: str, rows: list[Any]) -> dict[str, Any]:
    """Return the rows by what names them; a name met again gets a number (`term #2`)."""
    found: dict[str, Any] = {}
    for row in rows:
        key = name = ".".join(str(row.get(part)) for part in _KEYS[path])
        number = 1
        while key in found:
            number += 1
            key = f"{name} #{number}"
        found[key] = row
    return found
