"""Does a posted value fit its variable's type?"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_PARTIAL = re.compile(r"(\d{4})-(UN|\d\d)-UN")
_CLOCK = re.compile(r"\d\d:\d\d(:\d\d)?")


def as_text(value: Any) -> str | None:
    """A posted scalar as it is kept; TypeError for lists and objects."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(f"not a scalar: {type(value).__name__}")


def fits(kind: str, value: str | None) -> bool:
    """True when the value is empty, or what its type (INTEGER, DATE ...) asks for."""
    check = _CHECKS.get(kind)
    return not value or check is None or check(value)


def _date(value: str) -> bool:
    partial = _PARTIAL.fullmatch(value)
    if partial:
        return int(partial[1]) > 0 and (partial[2] == "UN" or 1 <= int(partial[2]) <= 12)
    return len(value) == 10 and _parses(date.fromisoformat, value)


def _moment(value: str) -> bool:
    day, _, clock = value.replace("T", " ").partition(" ")
    if not clock:
        return _date(day)
    return _time(clock) and _parses(datetime.fromisoformat, value)


def _time(value: str) -> bool:
    return bool(_CLOCK.fullmatch(value)) and _parses(time.fromisoformat, value)


def _parses(parser: Callable[[str], Any], value: str) -> bool:
    try:
        parser(value)
    except ValueError:
        return False
    return True


_CHECKS: dict[str, Callable[[str], bool]] = {
    "INTEGER": lambda value: bool(_INTEGER.fullmatch(value)),
    "FLOAT": lambda value: bool(_NUMBER.fullmatch(value)),
    "DATE": _date,
    "DATETIME": _moment,
    "TIME": _time,
}
