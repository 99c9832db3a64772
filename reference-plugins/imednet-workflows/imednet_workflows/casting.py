"""Answers to typed columns: whole columns at once, and one by one only where that fails.

An answer is text on the wire. Null and empty text become NA. What cannot be cast
becomes NA and is reported; a partial date (`2024-UN-UN`, `2024-05-UN`) is not a
failure but is given beside the column, as text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Cast", "cast", "kind_of"]

_WHOLE = re.compile(r"[+-]?[0-9]+")
_PARTIAL = re.compile(
    r"([0-9]{4}|U[NK]{1,3})(-([0-9]{2}|U[NK]{1,2})(-([0-9]{2}|U[NK]{1,2}))?)?([ T].*)?"
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


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    elif isinstance(value, (str, float)) and not isinstance(value, bool):
        number = _number(value)
        value = int(number) if number is not None and number.is_integer() else None
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and -(2**63) <= value < 2**63 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    plain = not isinstance(value, str) or "_" not in value
    return number if plain and math.isfinite(number) else None


def _integers(values: Sequence[Any]) -> Cast:
    return _numbers(values, "Int64", _integer)


def _floats(values: Sequence[Any]) -> Cast:
    return _numbers(values, "Float64", _number)


def _moments(values: Sequence[Any], form: str, one: Callable[[str], datetime | None]) -> Cast:
    texts = _texts(values) or [value if isinstance(value, str) else None for value in values]
    array = np.array(texts, dtype=object)
    column = pd.Series(pd.to_datetime(array, format=form, errors="coerce")).astype("datetime64[us]")
    partial: dict[int, str] = {}
    failed: list[int] = []
    for position in map(int, np.flatnonzero(column.isna().to_numpy())):
        value = values[position]
        if _missing(value):
            continue
        moment = one(value) if isinstance(value, str) else None
        if moment is not None:
            column.iloc[position] = pd.Timestamp(moment)
        elif isinstance(value, str) and _PARTIAL.fullmatch(value.strip().upper()):
            partial[position] = value
        else:
            failed.append(position)
    beside = np.full(len(values), pd.NA, dtype=object)
    beside[list(partial)] = list(partial.values())
    return Cast(column, pd.array(beside, dtype="string"), failed)


def _date(text: str) -> datetime | None:
    """Read a date that comes with a time of day, if that is midnight."""
    moment = _moment(text)
    plain = moment is not None and (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return moment if plain else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    # A zone would have to be dropped or the clock moved: neither is what was entered.
    return moment if moment.tzinfo is None and moment.date() > date(1, 1, 1) else None


_CASTS: dict[str, Callable[[Sequence[Any]], Cast]] = {
    "text": _text,
    "integer": _integers,
    "number": _floats,
    "date": lambda values: _moments(values, "%Y-%m-%d", _date),
    "moment": lambda values: _moments(values, "%Y-%m-%d %H:%M", _moment),
}
