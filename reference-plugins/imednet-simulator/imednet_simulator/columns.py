"""Columns: how a million rows fit into memory and still answer a page in milliseconds.

A table keeps each field in one flat sequence (numbers in an `array`, texts as references to
shared strings). Rows become dictionaries only when a page is served.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from imednet_simulator import schema

NULL = -(2**63)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
EPOCH_DAY = date(1970, 1, 1).toordinal()
ORDERINGS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def moment_text(seconds: float) -> str:
    """Seconds since 1970 in the wire's form: `2025-06-05 21:12:08`, UTC."""
    return (EPOCH + timedelta(seconds=int(seconds))).isoformat(" ")


def day_text(day: int) -> str:
    """Days since 1970 as `2025-06-05`."""
    return date.fromordinal(day + EPOCH_DAY).isoformat()


def day_number(text: str) -> int:
    """`2025-06-05` as days since 1970; ValueError for anything else."""
    if len(text) != 10:
        raise ValueError(f"not a date: {text!r}")
    return date.fromisoformat(text).toordinal() - EPOCH_DAY


class Column:
    """The values of one field, by row number. Subclasses say how they are kept and read."""

    null: Any = None
    operators = frozenset({"==", "!=", "<", "<=", ">", ">="})

    def __init__(self) -> None:
        self.data: Any = []

    def append(self, value: Any) -> None:
        self.data.append(self.null if value is None else value)

    def set(self, row: int, value: Any) -> None:
        self.data[row] = self.null if value is None else value

    def get(self, row: int) -> Any:
        value = self.data[row]
        return None if value == self.null else value

    def render(self, rows: Iterable[int]) -> list[Any]:
        """What these rows show on the wire."""
        return [self.get(row) for row in rows]

    def parse(self, text: str) -> Any:
        """The value that a filter means; ValueError when it is none of this column's kind."""
        return text

    def select(self, op: str, wanted: Any, rows: Iterable[int]) -> list[int]:
        """Those of the rows for which `field op wanted` holds; null satisfies only `!=`."""
        data, null = self.data, self.null
        if op == "==":
            return [row for row in rows if data[row] == wanted]
        if op == "!=":
            return [row for row in rows if data[row] != wanted]
        holds = ORDERINGS[op]
        return [row for row in rows if (v := data[row]) != null and holds(v, wanted)]

    def sort(self, rows: list[int], *, descending: bool) -> None:
        """Stable sort in place; null after every value (so first when descending)."""
        data, null = self.data, self.null
        filler = next((v for v in data if v != null), null)
        rows.sort(
            key=lambda row: (True, filler) if (v := data[row]) == null else (False, v),
            reverse=descending,
        )


class Text(Column):
    """Text, or null."""

    def render(self, rows: Iterable[int]) -> list[Any]:
        data = self.data
        return [data[row] for row in rows]


class Integer(Column):
    """Whole numbers, or null."""

    null = NULL

    def __init__(self) -> None:
        self.data = array("q")

    def render(self, rows: Iterable[int]) -> list[Any]:
        data = self.data
        return [None if (v := data[row]) == NULL else v for row in rows]

    def parse(self, text: str) -> Any:
        number = int(text) if text.isascii() else NULL
        if "_" in text or text != text.strip() or not NULL < number < -NULL:
            raise ValueError(f"not an integer: {text!r}")
        return number


class Boolean(Column):
    """true or false, or null."""

    null = -1
    operators = frozenset({"==", "!="})

    def __init__(self) -> None:
        self.data = array("b")

    def get(self, row: int) -> Any:
        value = self.data[row]
        return None if value == -1 else bool(value)

    def parse(self, text: str) -> Any:
        if text not in ("true", "false"):
            raise ValueError(f"neither true nor false: {text!r}")
        return text == "true"


class Timestamp(Integer):
    """Moments, kept as seconds since 1970 UTC."""

    def get(self, row: int) -> Any:
        value = self.data[row]
        return None if value == NULL else moment_text(value)

    def render(self, rows: Iterable[int]) -> list[Any]:
        return [self.get(row) for row in rows]

    def parse(self, text: str) -> Any:
        if len(text) < 10 or text[4] != "-":
            raise ValueError(f"not a moment: {text!r}")
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class Date(Integer):
    """Calendar days, kept as days since 1970."""

    def get(self, row: int) -> Any:
        value = self.data[row]
        return None if value == NULL else day_text(value)

    def render(self, rows: Iterable[int]) -> list[Any]:
        return [self.get(row) for row in rows]

    def parse(self, text: str) -> Any:
        return day_number(text)


class Nested(Column):
    """Lists of objects, kept as they are shown; a null is shown as an empty list."""

    def get(self, row: int) -> Any:
        value = self.data[row]
        return [] if value is None else value


class Constant(Column):
    """One text that every row shares: the study's key."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self.value = value

    def append(self, value: Any) -> None:
        """Every row has the same value: there is nothing to keep."""

    def get(self, row: int) -> Any:
        return self.value

    def render(self, rows: Iterable[int]) -> list[Any]:
        return [self.value for _ in rows]

    def select(self, op: str, wanted: Any, rows: Iterable[int]) -> list[int]:
        test = {"==": operator.eq, "!=": operator.ne, **ORDERINGS}[op]
        return list(rows) if test(self.value, wanted) else []

    def sort(self, rows: list[int], *, descending: bool) -> None:
        """All equal: nothing to do."""


class Answers(Column):
    """The question values of records: a tuple beside its form's question names.

    A cell may be a dictionary instead, for a record that does not follow its form.
    """

    def __init__(self, form_ids: Sequence[int], questions: dict[int, tuple[str, ...]]) -> None:
        super().__init__()
        self.form_ids = form_ids
        self.questions = questions

    def get(self, row: int) -> dict[str, str | None]:
        cell = self.data[row]
        if isinstance(cell, dict):
            return cell
        return dict(zip(self.questions[self.form_ids[row]], cell, strict=True))

    def knows(self, question: str) -> bool:
        """Is there a question of that name (in any case) anywhere in the study?"""
        wanted = question.casefold()
        if any(wanted == name.casefold() for names in self.questions.values() for name in names):
            return True
        odd = (cell for cell in self.data if isinstance(cell, dict))
        return any(wanted == name.casefold() for cell in odd for name in cell)

    def select_question(
        self, question: str, holds: Callable[[str | None], bool], rows: Iterable[int]
    ) -> list[int]:
        """The rows whose answer satisfies; rows whose form lacks the question never do."""
        wanted = question.casefold()
        places = {
            form: next((i for i, name in enumerate(names) if name.casefold() == wanted), -1)
            for form, names in self.questions.items()
        }
        chosen = []
        for row in rows:
            cell = self.data[row]
            if isinstance(cell, dict):
                if any(k.casefold() == wanted and holds(v) for k, v in cell.items()):
                    chosen.append(row)
            elif (place := places[self.form_ids[row]]) >= 0 and holds(cell[place]):
                chosen.append(row)
        return chosen


KINDS: dict[str, type[Column]] = {
    schema.TEXT: Text,
    schema.INTEGER: Integer,
    schema.BOOLEAN: Boolean,
    schema.TIMESTAMP: Timestamp,
    schema.DATE: Date,
    schema.NESTED: Nested,
}
