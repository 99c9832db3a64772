"""Answers to typed columns: whole columns at once, and one by one only where that fails.

An answer is text on the wire. Null and empty text become NA. What cannot be cast
becomes NA and is reported; a partial date (`2024-UN-UN`, `2024-05-UN`; a date
alone where a time belongs) is not a failure but is given beside the column, as text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Cast", "cast", "kind_of", "to_integer", "to_number"]

_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")  # of bounded size
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")
_PARTIAL = re.compile(
    r"([0-9]{4}|U[NK]{1,3})(?:-([0-9]{2}|U[NK]{1,2})(?:-([0-9]{2}|U[NK]{1,2}))?)?([ T].*)?"
)
_KINDS = {
    "INTEGER": "integer",
    "INT": "integer",
    "NUMBER": "number",
    "NUMERIC": "number",
    "FLOAT": "number",
    "DECIMAL": "number",
    "DOUBLE": "number",
    "DATE": "date",
    "DATETIME": "moment",
    "DATE_TIME": "moment",
    "TIMESTAMP": "moment",
}


class Cast(NamedTuple):
    """A column, the column of partial dates (None: not a kind that has any), the failures."""

    column: Any
    partial: Any
    failed: list[int]  #: positions of the answers that could not be cast


def kind_of(variable_type: str | None) -> str:
    """Return what a variable's answers become: integer, number, date, moment, or text.

    A type that is not known here is text, so that nothing is lost.

    >>> kind_of("Integer"), kind_of("DATE"), kind_of("RADIO"), kind_of(None)
    ('integer', 'date', 'text', 'text')
    """
    return _KINDS.get((variable_type or "").strip().upper().replace(" ", "_"), "text")


def cast(values: Sequence[Any], kind: str) -> Cast:
    """Cast one column's answers; a value that is NA in it was missing, partial, or failed."""
    return _CASTS[kind](values)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _texts(values: Sequence[Any]) -> list[str | None] | None:
    """Return the answers with empty ones as None; None if one is something else than text."""
    if set(map(type, values)) <= {str, type(None)}:
        return [value or None for value in values]
    return None


def _text(values: Sequence[Any]) -> Cast:
    texts = _texts(values)
    if texts is None:
        texts = [_as_text(value) for value in values]
    return Cast(pd.array(texts, dtype="string"), None, [])


def _as_text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _numbers(values: Sequence[Any], dtype: str, one: Callable[[Any], Any]) -> Cast:
    """Cast numbers in one go where all of them are plainly such, else one by one.

    Whole numbers never pass through floats, which would round long ones.
    """
    texts = _texts(values)
    numbers = None if texts is None else _parsed([t for t in texts if t is not None], dtype)
    if texts is not None and numbers is not None:
        blank = np.array([text is None for text in texts], dtype=bool)
        data = np.zeros(len(texts), numbers.dtype)
        data[~blank] = numbers
        kind = pd.arrays.IntegerArray if dtype == "Int64" else pd.arrays.FloatingArray
        return Cast(kind(data, blank), None, [])
    made: list[Any] = []
    failed: list[int] = []
    for position, value in enumerate(values):
        number = None if _missing(value) else one(value)
        if number is None and not _missing(value):
            failed.append(position)
        made.append(number)
    return Cast(pd.Series(made, dtype=dtype).array, None, failed)


def _parsed(texts: list[str], dtype: str) -> Any:
    """Return all numbers at once; None where one is none, or is one to Python alone (1_000)."""
    everything = "".join(texts)
    if "_" in everything or not everything.isascii():
        return None
    try:
        if dtype == "Int64":
            return np.fromiter(map(int, texts), np.int64, len(texts))
        numbers = np.fromiter(map(float, texts), np.float64, len(texts))
    except (ValueError, OverflowError):
        return None
    return numbers if np.isfinite(numbers).all() else None


def to_integer(value: Any) -> int | None:
    """Return the whole number that an answer is, exactly; None if it is none, or over 64 bits."""
    if isinstance(value, str):
        text = value.strip()
        if _WHOLE.fullmatch(text):
            value = int(text)
        elif _DECIMAL.fullmatch(text):
            exact = Decimal(text)  # not a float, which would round a long number
            value = int(exact) if exact == exact.to_integral_value() else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and -(2**63) <= value < 2**63 else None


def to_number(value: Any) -> float | None:
    """Return the finite number that an answer is; None if it is none."""
    if isinstance(value, str):
        value = float(value) if _FLOAT.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _integers(values: Sequence[Any]) -> Cast:
    return _numbers(values, "Int64", to_integer)


def _floats(values: Sequence[Any]) -> Cast:
    return _numbers(values, "Float64", to_number)


def _moments(values: Sequence[Any], form: str, size: int, shape: re.Pattern[str]) -> Cast:
    """Cast dates or date-times: those of the usual shape at once, the others one by one."""
    usual = [
        v if isinstance(v, str) and len(v) == size and v[:1].isdigit() else None for v in values
    ]
    array = np.array(usual, dtype=object)
    column = pd.Series(pd.to_datetime(array, format=form, errors="coerce")).astype("datetime64[us]")
    partial: dict[int, str] = {}
    failed: list[int] = []
    for position in map(int, np.flatnonzero(column.isna().to_numpy())):
        value = values[position]
        if _missing(value):
            continue
        moment = _read(value, shape)
        if moment is not None:
            column.iloc[position] = pd.Timestamp(moment)
        elif isinstance(value, str) and _is_partial(value, timed=shape is _MOMENT):
            partial[position] = value
        else:
            failed.append(position)
    beside = np.full(len(values), pd.NA, dtype=object)
    beside[list(partial)] = list(partial.values())
    return Cast(column, pd.array(beside, dtype="string"), failed)


def _read(value: Any, shape: re.Pattern[str]) -> datetime | None:
    """Read one moment; of a date that comes with a time, only midnight will do."""
    text = value.strip() if isinstance(value, str) else ""
    if not (shape.fullmatch(text) or _MOMENT.fullmatch(text)):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if shape is _MOMENT or moment.time() == time() else None


def _is_partial(text: str, *, timed: bool) -> bool:
    """Tell whether a text is a date of which something is not known (`timed`: also the time)."""
    found = _PARTIAL.fullmatch(text.strip().upper())
    if found is None:
        return False
    year, month, day, clock = found.groups()
    if month and month[0] != "U" and not 1 <= int(month) <= 12:
        return False
    if day and day[0] != "U" and not 1 <= int(day) <= 31:
        return False
    unknown = not month or not day or "U" in year + month + day
    if timed and not unknown:  # the day is known, and the time may not be
        exists = _read(f"{year}-{month}-{day}", _DAY) is not None
        return exists and (clock is None or "U" in clock)
    return unknown


_CASTS: dict[str, Callable[[Sequence[Any]], Cast]] = {
    "text": _text,
    "integer": _integers,
    "number": _floats,
    "date": lambda values: _moments(values, "%Y-%m-%d", 10, _DAY),
    "moment": lambda values: _moments(values, "%Y-%m-%d %H:%M", 16, _MOMENT),
}
