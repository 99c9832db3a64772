"""What a review item is: what a rule found, how it stands, what happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "APPROVED",
    "NEW",
    "REJECTED",
    "SEVERITIES",
    "SLA_DAYS",
    "UNDER_REVIEW",
    "Event",
    "Finding",
    "Item",
    "items_frame",
]

#: What an item can be.
NEW, UNDER_REVIEW, APPROVED, REJECTED = "new", "under review", "approved", "rejected"
#: From the gravest on.
SEVERITIES = ("critical", "high", "medium", "low")
#: Days in which an item of a severity should be decided, unless told otherwise.
SLA_DAYS: Mapping[str, float] = {"critical": 1, "high": 3, "medium": 7, "low": 14}


@dataclass(frozen=True)
class Finding:
    """What a rule found: `key` tells it from others of its kind and stays from run to run.

    `severity` is one of SEVERITIES; `site` and `subject` are the names people see. None:
    it concerns no single site, subject or record.
    """

    study_key: str
    kind: str
    key: str
    title: str
    detail: str = ""
    severity: str = "medium"
    site: str | None = None
    subject: str | None = None
    record_id: int | None = None

    @property
    def identity(self) -> str:
        """The same for the same study, kind and key, whatever else changes."""
        text = "\0".join((self.study_key, self.kind, self.key))
        return sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Item:
    """One review item as it stands; all moments are aware and in UTC.

    `opened` is when it was first found, found again after it had gone, or reopened;
    `due` follows from it and the severity. `gone` is when a run no longer found it, None
    while it is found. `assignee` is None when it is nobody's.
    """

    identity: str
    study_key: str
    kind: str
    title: str
    detail: str
    severity: str
    site: str | None
    subject: str | None
    record_id: int | None
    status: str
    assignee: str | None
    first_found: datetime
    last_found: datetime
    opened: datetime
    gone: datetime | None
    due: datetime

    @property
    def undecided(self) -> bool:
        """Whether it is still found, and neither approved nor rejected."""
        return self.gone is None and self.status in (NEW, UNDER_REVIEW)

    def age_days(self, now: datetime) -> float:
        """Return the days since it was opened."""
        return (now - self.opened) / timedelta(days=1)

    def overdue(self, now: datetime) -> bool:
        """Tell whether it waits for a decision that was due before `now`."""
        return self.undecided and self.due < now


@dataclass(frozen=True)
class Event:
    """One step of an item's history: `action` is one of found, changed, gone, found again,
    status, assigned and comment; `old` and `new` are what it changed, None for nothing.
    """

    when: datetime
    who: str
    action: str
    old: str | None
    new: str | None
    comment: str


def items_frame(items: Iterable[Item], *, now: datetime) -> pd.DataFrame:
    """Return one row an item: its fields, `age_days` (days since opened) and `overdue` at `now`.

    `site`, `subject`, `record_id`, `assignee` and `gone` are NA where the item has None.

    Example:
        >>> from datetime import UTC
        >>> frame = items_frame([], now=datetime(2026, 3, 2, tzinfo=UTC))
        >>> list(frame.columns)[-3:], len(frame)
        (['due', 'age_days', 'overdue'], 0)
    """
    import pandas as pd

    rows = list(items)
    types = {"record_id": "Int64"}
    moments = ("first_found", "last_found", "opened", "gone", "due")
    types |= dict.fromkeys(moments, "datetime64[us, UTC]")
    columns = {
        name: pd.Series([getattr(row, name) for row in rows], dtype=types.get(name, "string"))
        for name in Item.__dataclass_fields__
    }
    columns["age_days"] = pd.Series([row.age_days(now) for row in rows], dtype="Float64")
    columns["overdue"] = pd.Series([row.overdue(now) for row in rows], dtype="boolean")
    return pd.DataFrame(columns)
