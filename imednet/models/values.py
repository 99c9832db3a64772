"""One JSON value to one Python value, and back: strict about what it is, lenient about how.

Each reader takes a value that is not None and raises `Unreadable` for one that it
cannot read. Empty text is None wherever a number, a flag or a moment is meant.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

__all__ = [
    "Unreadable",
    "to_boolean",
    "to_date",
    "to_integer",
    "to_number",
    "to_text",
    "to_timestamp",
    "wire",
]

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")


class Unreadable(ValueError):
    """A value that is not what its field promises; `path` leads to it from the row."""

    def __init__(self, value: Any, expected: str, path: str = "") -> None:
        super().__init__(value, expected, path)
        self.value = value
        self.expected = expected
        self.path = path

    def under(self, step: str) -> Unreadable:
        """Return the same error, seen from one level further out."""
        joint = "." if self.path and self.path[0] != "[" else ""
        return Unreadable(self.value, self.expected, f"{step}{joint}{self.path}")

    def __str__(self) -> str:
        shown = repr(self.value)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        return f"{self.path}: {shown} is not {self.expected}"


def to_text(value: Any) -> str:
    """Read text; a plain number is taken as its text."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise Unreadable(value, "text")


def to_integer(value: Any) -> int | None:
    """Read a whole number, also from text ("12") or a whole float (12.0)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        if not value.strip():
            return None
        if _INTEGER.fullmatch(value.strip()):
            return int(value)
    raise Unreadable(value, "a whole number")


def to_number(value: Any) -> float | None:
    """Read a finite number, also from text."""
    if isinstance(value, str) and not value.strip():
        return None
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = float("nan")
        if number - number == 0:
            return number
    raise Unreadable(value, "a number")


def to_boolean(value: Any) -> bool | None:
    """Read true or false, also from text or from 0 and 1."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return value == 1
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("true", "false", ""):
            return word == "true" if word else None
    raise Unreadable(value, "true or false")


def to_timestamp(value: Any) -> datetime | None:
    """Read a moment into an aware UTC datetime.

    Taken are ISO 8601 text with a blank or T between, a fraction, Z or an offset
    (none is UTC), a date alone (midnight), and the array [year, month, day, hour,
    minute, second, nanosecond]; what is finer than a microsecond is cut.
    """
    try:
        if isinstance(value, str):
            if not value.strip():
                return None
            moment = datetime.fromisoformat(value.strip())
        elif isinstance(value, (list, tuple)) and 3 <= len(value) <= 7:
            year, month, day, hour, minute, second, nano = [*_whole(value), 0, 0, 0, 0][:7]
            moment = datetime(year, month, day, hour, minute, second, nano // 1000)
        elif isinstance(value, datetime):
            moment = value
        else:
            raise Unreadable(value, "a timestamp")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(value, "a timestamp") from None


def to_date(value: Any) -> date | None:
    """Read a calendar date; of a timestamp the date as written, whatever its zone."""
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value.strip()).date() if value.strip() else None
        if isinstance(value, (list, tuple)) and 3 <= len(value) <= 7:
            return date(*_whole(value)[:3])
        if isinstance(value, date):
            return value.date() if isinstance(value, datetime) else value
    except (ValueError, OverflowError):
        pass
    raise Unreadable(value, "a date")


def _whole(values: Any) -> list[int]:
    if any(not isinstance(each, int) or isinstance(each, bool) for each in values):
        raise ValueError(values)
    return list(values)


def wire(value: Any) -> Any:
    """Write a moment or date as the API does; everything else passes.

    >>> wire(datetime(2024, 5, 1, 10, 30, tzinfo=UTC))
    '2024-05-01 10:30:00'
    """
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, date) else value
