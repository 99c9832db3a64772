"""Review items: what rules find, who looks at it, what was decided; nothing is overwritten.

An item is known by study, kind and key, so that a run that finds it again makes no second
one. Its status goes new → under review → approved or rejected, and from there back to under
review; each step is kept with a name (declared by the caller, not proven), time and comment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from imednet_workflows.data_folder import Database, StoreError, data_folder, named, stamp, unstamp
from imednet_workflows.triage_items import (
    APPROVED,
    NEW,
    REJECTED,
    SEVERITIES,
    SLA_DAYS,
    UNDER_REVIEW,
    Event,
    Finding,
    Item,
    items_frame,
)

#: What stands for a protected value, as in canonical tables, whose import would bring pandas.
MASK = "***"

__all__ = [
    "APPROVED",
    "NEW",
    "REJECTED",
    "SEVERITIES",
    "SLA_DAYS",
    "UNDER_REVIEW",
    "Event",
    "Finding",
    "IllegalMoveError",
    "Item",
    "Refresh",
    "StoreError",
    "TriageStore",
    "items_frame",
]

_STATUSES = (NEW, UNDER_REVIEW, APPROVED, REJECTED)
_FINDING = "title, detail, severity, site, subject, record_id"
_LAYOUT = (
    """CREATE TABLE items (
        identity TEXT PRIMARY KEY, study_key TEXT NOT NULL, kind TEXT NOT NULL,
        title TEXT NOT NULL, detail TEXT NOT NULL, severity TEXT NOT NULL,
        site TEXT, subject TEXT, record_id INTEGER, status TEXT NOT NULL, assignee TEXT,
        first_found TEXT NOT NULL, last_found TEXT NOT NULL, opened TEXT NOT NULL, gone TEXT)""",
    "CREATE INDEX items_by_study ON items (study_key, kind)",
    """CREATE TABLE events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        identity TEXT NOT NULL REFERENCES items (identity), at TEXT NOT NULL,
        who TEXT NOT NULL, action TEXT NOT NULL, old TEXT, new TEXT, comment TEXT NOT NULL)""",
    "CREATE INDEX events_by_item ON events (identity)",
    *(
        f"""CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table}: what is kept stays'); END"""
        for table, verb in (("events", "UPDATE"), ("events", "DELETE"), ("items", "DELETE"))
    ),
)


class IllegalMoveError(StoreError):
    """The item's status does not allow the step; it may be somebody else has been quicker."""


@dataclass(frozen=True)
class Refresh:
    """What a run did: items new to the store, still found, found again, and gone."""

    new: int
    still: int
    again: int
    gone: int


class TriageStore:
    """The review items in one file, `triage.sqlite3` in imednet's data folder.

    `path` puts the file elsewhere; `sla_days` gives days by severity, the rest as in
    SLA_DAYS. Any number of threads and processes may use it. Errors: StoreError for a file
    that cannot be used and an item that is not there, ValueError for arguments that are wrong.

    Example:
        >>> import tempfile
        >>> store = TriageStore(Path(tempfile.mkdtemp()) / "t.sqlite3")
        >>> found = Finding("DEMO", "serious event", "record 7", "Headache", severity="high")
        >>> store.refresh("DEMO", [found], kinds={"serious event"})
        Refresh(new=1, still=0, again=0, gone=0)
        >>> store.review(found.identity, who="R. Lind").status
        'under review'
        >>> store.approve(found.identity, who="R. Lind", comment="Reported in time").status
        'approved'
        >>> [event.action for event in store.history(found.identity)]
        ['found', 'status', 'status']
    """

    def __init__(
        self, path: str | Path | None = None, *, sla_days: Mapping[str, float] | None = None
    ) -> None:
        where = data_folder(create=False) / "triage.sqlite3" if path is None else Path(path)
        for severity, days in (sla_days or {}).items():
            _check_words("severity", severity, SEVERITIES)
            if not days >= 0:
                raise ValueError(f"sla_days: {days} days for {severity} is no time: give 0 or more")
        self.sla_days = {**SLA_DAYS, **(sla_days or {})}
        self._database = Database(where, application=0x696D7431, layout=1, statements=_LAYOUT)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The file; it is made on first use."""
        return self._database.path

    def refresh(
        self,
        study_key: str,
        findings: Iterable[Finding],
        *,
        kinds: Collection[str],
        who: str = "rules",
        now: datetime | None = None,
    ) -> Refresh:
        """Take in what a run of rules found: all of it, or nothing.

        `kinds` are those the run looked for: items of them that it did not find are marked
        as gone, with others nothing happens. What is found again comes back with its
        history, to be reviewed anew if it had been decided; so is what was decided and has
        become graver. Of two findings with one identity the last counts. ValueError for
        another study, kind or severity, and for a run older than one taken in already.
        """
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        given = {found.identity: found for found in findings}
        for found in given.values():
            _check(found, study_key, kinds)
        who = named(who)
        with self._database.writing() as connection:
            at = stamp(now)  # once it is this run's turn: runs at once come in their order
            marks = ", ".join("?" * len(kinds))
            rows = connection.execute(
                f"SELECT * FROM items WHERE study_key = ? AND kind IN ({marks})",
                (study_key, *kinds),
            ).fetchall()
            there = {row["identity"]: row for row in rows}
            latest = max((row["last_found"] for row in rows), default=at)
            if latest > at:
                raise ValueError(f"now is {at}: a run of {latest} has been taken in already")
            run = _Run(connection, at, who)
            for identity, found in given.items():
                run.take(found, there.get(identity))
            for identity, row in there.items():
                if identity not in given and row["gone"] is None:
                    run.lose(identity)
        return Refresh(run.new, run.still, run.again, run.gone)

    def get(self, identity: str) -> Item:
        """Return an item as it stands; StoreError if there is none of that identity."""
        with self._database.reading() as connection:
            return self._item(_row(connection, identity))

    def items(
        self,
        study_key: str,
        *,
        status: str | Collection[str] | None = None,
        kind: str | Collection[str] | None = None,
        severity: str | Collection[str] | None = None,
        site: str | Collection[str] | None = None,
        subject: str | Collection[str] | None = None,
        assignee: str | Collection[str] | None = None,
        record_id: int | None = None,
        include_gone: bool = False,
        overdue_at: datetime | None = None,
    ) -> list[Item]:
        """Return the items that fit all that is given, the gravest and first due first.

        Each filter is a value or several; None for all. `assignee=""` gives those that are
        nobody's, `overdue_at` only those overdue at that moment. ValueError for a status or
        severity that there is not.
        """
        _check_words("status", status, _STATUSES)
        _check_words("severity", severity, SEVERITIES)
        wanted = {
            "status": status,
            "kind": kind,
            "severity": severity,
            "site": site,
            "subject": subject,
            "coalesce(assignee, '')": assignee,
            "record_id": None if record_id is None else [record_id],
        }
        condition, values = _condition(wanted, include_gone)
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT * FROM items WHERE study_key = ?{condition}", (study_key, *values)
            ).fetchall()
        found = [self._item(row) for row in rows]
        if overdue_at is not None:
            found = [item for item in found if item.overdue(overdue_at)]
        return sorted(found, key=lambda i: (SEVERITIES.index(i.severity), i.due, i.identity))

    def history(self, identity: str) -> list[Event]:
        """Return all that happened to an item, in order."""
        with self._database.reading() as connection:
            _row(connection, identity)
            rows = connection.execute(
                "SELECT * FROM events WHERE identity = ? ORDER BY number", (identity,)
            ).fetchall()
        return [
            Event(unstamp(r["at"]), r["who"], r["action"], r["old"], r["new"], r["comment"])
            for r in rows
        ]

    def review(self, identity: str, *, who: str, comment: str = "") -> Item:
        """Begin to review a new item."""
        return self._change(identity, "status", "status", UNDER_REVIEW, who, comment, (NEW,))

    def approve(self, identity: str, *, who: str, comment: str = "") -> Item:
        """Approve an item under review: it has been dealt with, or is as it should be."""
        return self._change(identity, "status", "status", APPROVED, who, comment, (UNDER_REVIEW,))

    def reject(self, identity: str, *, who: str, comment: str = "") -> Item:
        """Reject an item under review: it is no issue."""
        return self._change(identity, "status", "status", REJECTED, who, comment, (UNDER_REVIEW,))

    def reopen(self, identity: str, *, who: str, comment: str = "") -> Item:
        """Take a decided item back under review; it is due anew."""
        return self._change(
            identity, "status", "status", UNDER_REVIEW, who, comment, (APPROVED, REJECTED)
        )

    def assign(self, identity: str, assignee: str | None, *, who: str, comment: str = "") -> Item:
        """Give an item to somebody, None to nobody."""
        to = None if assignee is None else named(assignee)
        return self._change(identity, "assigned", "assignee", to, who, comment)

    def comment(self, identity: str, text: str, *, who: str) -> Item:
        """Add a comment; ValueError for one that says nothing."""
        if not text.strip():
            raise ValueError(f"text: {text!r} says nothing: write a comment")
        return self._change(identity, "comment", None, None, who, text)

    def _change(
        self,
        identity: str,
        action: str,
        column: str | None,
        new: str | None,
        who: str,
        comment: str,
        allowed: tuple[str, ...] = (),
    ) -> Item:
        """Change one column, and say so in the history, in one transaction."""
        who, at = named(who), stamp(None)
        with self._database.writing() as connection:
            row = _row(connection, identity)
            old = row[column] if column else None
            if allowed and old not in allowed:
                raise IllegalMoveError(
                    f"item {identity} is {old}: only one that is {' or '.join(allowed)} "
                    f"can become {new}"
                )
            if column:
                connection.execute(
                    f"UPDATE items SET {column} = ? WHERE identity = ?", (new, identity)
                )
            if old in (APPROVED, REJECTED) and action == "status":
                connection.execute("UPDATE items SET opened = ? WHERE identity = ?", (at, identity))
            _log(connection, identity, at, who, action, old, new, comment)
            return self._item(_row(connection, identity))

    def _item(self, row: sqlite3.Row) -> Item:
        values: dict[str, Any] = dict(row)
        for name in ("first_found", "last_found", "opened"):
            values[name] = unstamp(values[name])
        values["gone"] = unstamp(values["gone"]) if values["gone"] else None
        due = values["opened"] + timedelta(days=self.sla_days[values["severity"]])
        return Item(**values, due=due)


class _Run:
    """One run of rules, taken in finding by finding."""

    def __init__(self, connection: sqlite3.Connection, at: str, who: str) -> None:
        self._connection, self._at, self._who = connection, at, who
        self.new = self.still = self.again = self.gone = 0

    def take(self, found: Finding, row: sqlite3.Row | None) -> None:
        if row is None:
            self._insert(found)
            return
        told = (found.title, found.detail, found.severity)
        place = (found.site, found.subject, found.record_id)
        self._connection.execute(
            f"UPDATE items SET ({_FINDING}) = (?, ?, ?, ?, ?, ?), last_found = ?, gone = NULL"
            " WHERE identity = ?",
            (*told, *place, self._at, found.identity),
        )
        before = (row["title"], row["detail"], row["severity"])
        if told != before:
            masked = any(MASK in text for text in told)  # what was there is protected by now
            old = MASK if masked else " | ".join(before)
            self._log(found.identity, "changed", old, " | ".join(told))
        decided = row["status"] in (APPROVED, REJECTED)
        graver = SEVERITIES.index(found.severity) < SEVERITIES.index(row["severity"])
        if row["gone"] is None and not (decided and graver):
            self.still += 1
        else:
            self._bring_back(found.identity, row["status"])

    def _insert(self, found: Finding) -> None:
        self.new += 1
        self._connection.execute(
            f"INSERT INTO items (identity, study_key, kind, {_FINDING}, status,"
            " first_found, last_found, opened) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(found.identity, found.study_key, found.kind, found.title, found.detail),
                *(found.severity, found.site, found.subject, found.record_id),
                *(NEW, self._at, self._at, self._at),
            ),
        )
        self._log(found.identity, "found", None, NEW)

    def _bring_back(self, identity: str, status: str) -> None:
        """What was decided before it went is a new case; what was not goes on."""
        self.again += 1
        now = NEW if status in (APPROVED, REJECTED) else status
        self._connection.execute(
            "UPDATE items SET status = ?, opened = ? WHERE identity = ?", (now, self._at, identity)
        )
        self._log(identity, "found again", status, now)

    def lose(self, identity: str) -> None:
        self.gone += 1
        self._connection.execute(
            "UPDATE items SET gone = ? WHERE identity = ?", (self._at, identity)
        )
        self._log(identity, "gone", None, None)

    def _log(self, identity: str, action: str, old: str | None, new: str | None) -> None:
        _log(self._connection, identity, self._at, self._who, action, old, new, "")


def _log(
    connection: sqlite3.Connection,
    identity: str,
    at: str,
    who: str,
    action: str,
    old: str | None,
    new: str | None,
    comment: str,
) -> None:
    connection.execute(
        "INSERT INTO events (identity, at, who, action, old, new, comment)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (identity, at, who, action, old, new, comment),
    )


def _row(connection: sqlite3.Connection, identity: str) -> sqlite3.Row:
    found = connection.execute("SELECT * FROM items WHERE identity = ?", (identity,)).fetchone()
    if found is None:
        raise StoreError(f"there is no review item {identity!r}: refresh the list")
    row: sqlite3.Row = found
    return row


def _several(given: Any) -> list[Any]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


def _check_words(name: str, given: Any, known: Collection[str]) -> None:
    for word in _several(given):
        if word not in known:
            raise ValueError(f"{name}: {word!r} is none of {', '.join(known)}")


def _check(found: Finding, study_key: str, kinds: Collection[str]) -> None:
    _check_words("severity", found.severity, SEVERITIES)
    if found.study_key != study_key:
        raise ValueError(f"study_key: a finding is of {found.study_key!r}, not {study_key!r}")
    if found.kind not in kinds:
        raise ValueError(f"kinds: {found.kind!r} was found and is not among {sorted(kinds)}")


def _condition(wanted: Mapping[str, Any], include_gone: bool) -> tuple[str, list[Any]]:
    """Return the SQL after the study's condition, and its values."""
    condition, values = "" if include_gone else " AND gone IS NULL", []
    for column, given in wanted.items():
        if given is not None:
            several = _several(given)
            condition += f" AND {column} IN ({', '.join('?' * len(several))})"
            values += several
    return condition, values
