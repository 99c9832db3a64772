"""A study's rows: tables of columns, and the pages cut from them."""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from imednet_simulator import filters, schema
from imednet_simulator.columns import KINDS, Answers, Column, Constant
from imednet_simulator.errors import bad_value
from imednet_simulator.schema import Resource

Sort = tuple[str, str]


class Table:
    """The rows of one resource, in the order of its default sort."""

    def __init__(self, resource: Resource, study_key: str) -> None:
        self.resource = resource
        self.columns: dict[str, Column] = {
            name: KINDS[kind]() for name, kind in resource.fields.items()
        }
        if "studyKey" in self.columns and resource is not schema.STUDIES:
            self.columns["studyKey"] = Constant(study_key)
        self.count = 0
        self.version = 0

    def __len__(self) -> int:
        return self.count

    def adder(self, fields: str) -> Callable[..., None]:
        """A quick way in for many rows: values for these fields (names with blanks between, in
        this order); all other fields are null.
        """
        names = fields.split()
        places = [self.columns[name].append for name in names]
        rest = [column.append for name, column in self.columns.items() if name not in set(names)]

        def add(*values: Any) -> None:
            for put, value in zip(places, values, strict=True):
                put(value)
            for put in rest:
                put(None)
            self.count += 1

        return add

    def add(self, **values: Any) -> int:
        """One row; returns its number. Fields not given are null."""
        for name, column in self.columns.items():
            column.append(values.pop(name, None))
        if values:
            raise TypeError(f"{self.resource.name} has no field {', '.join(values)}")
        self.count += 1
        self.version += 1
        return self.count - 1

    def change(self, row: int, **values: Any) -> None:
        """New values for some fields of a row."""
        for name, value in values.items():
            self.columns[name].set(row, value)
        self.version += 1

    def value(self, row: int, name: str) -> Any:
        """A field as the wire shows it."""
        return self.columns[name].get(row)

    def find(self, name: str, wanted: Any) -> list[int]:
        """The rows whose field holds exactly this (moments and days as numbers)."""
        return self.columns[name].select("==", wanted, range(self.count))

    def next_key(self) -> int:
        """The number that a new row's key gets: rows stand in the order of their keys."""
        data = self.columns[self.resource.key].data
        return int(data[-1]) + 1 if data else 1

    def render(self, rows: Iterable[int]) -> list[dict[str, Any]]:
        """The rows as the wire shows them."""
        rows = list(rows)
        names = list(self.columns)
        cells = [column.render(rows) for column in self.columns.values()]
        return [dict(zip(names, values, strict=True)) for values in zip(*cells, strict=True)]

    def matching(self, text: str) -> list[int]:
        """The rows that a filter selects, in order."""
        return _union(
            [self._together(conditions) for conditions in filters.parse(text)], self.count
        )

    def _together(self, conditions: list[filters.Condition]) -> list[int]:
        rows: Iterable[int] = range(self.count)
        for condition in conditions:
            column, wanted = self._operand(condition)
            rows = column.select(condition.operator, wanted, rows)
        return list(rows)

    def _operand(self, condition: filters.Condition) -> tuple[Column, Any]:
        name, value = condition.attribute, condition.value
        if name not in self.resource.scalars:
            raise bad_value(name, value, f"{self.resource.name} cannot be filtered by {name}")
        column, kind = self.columns[name], self.resource.scalars[name]
        if condition.operator not in column.operators:
            raise bad_value(name, value, f"{name} ({kind}) does not allow {condition.operator}")
        try:
            return column, column.parse(value)
        except (ValueError, OverflowError) as error:
            raise bad_value(name, value, f"{name} needs a value of type {kind}") from error

    def matching_questions(self, text: str) -> list[int]:
        """The rows that a filter on question values selects."""
        answers = self.columns["recordData"]
        assert isinstance(answers, Answers)
        groups = []
        for conditions in filters.parse_questions(text):
            rows: Iterable[int] = range(self.count)
            for c in conditions:
                if not answers.knows(c.attribute):
                    raise bad_value(c.attribute, c.value, f"No question is named {c.attribute}")
                test = filters.question_test(c.operator, c.value)
                rows = answers.select_question(c.attribute, test, rows)
            groups.append(list(rows))
        return _union(groups, self.count)

    def sort(self, rows: list[int], sorts: Sequence[Sort]) -> None:
        """By these properties; what ties is in the order of the row key."""
        self.columns[self.resource.key].sort(rows, descending=False)
        for name, direction in reversed(sorts):
            self.columns[name].sort(rows, descending=direction == "DESC")


def _union(groups: list[list[int]], count: int) -> list[int]:
    if len(groups) == 1:
        return groups[0]
    chosen = bytearray(count)
    for group in groups:
        for row in group:
            chosen[row] = 1
    return [row for row, hit in enumerate(chosen) if hit]


@dataclass(frozen=True)
class Selection:
    """What a list request asks for, apart from the page."""

    sorts: tuple[Sort, ...]
    filter: str | None = None
    questions: str | None = None
    active_only: bool = False


class Cache:
    """The last few selections as row numbers; a table that changed is looked at anew."""

    def __init__(self, size: int = 16) -> None:
        self.size = size
        self._kept: OrderedDict[tuple[str, Selection], tuple[int, Sequence[int]]] = OrderedDict()

    def rows(self, table: Table, selection: Selection) -> Sequence[int]:
        """The rows selected, in the order asked for."""
        key = (table.resource.name, selection)
        kept = self._kept.get(key)
        if kept is None or kept[0] != table.version:
            kept = (table.version, _rows(table, selection))
            self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)
        return kept[1]


def _rows(table: Table, selection: Selection) -> Sequence[int]:
    default = selection.sorts == ((table.resource.default_sort, "ASC"),)
    parts = []
    if selection.filter:
        parts.append(table.matching(selection.filter))
    if selection.questions:
        parts.append(table.matching_questions(selection.questions))
    if selection.active_only:
        parts.append(table.find("userActiveInStudy", True))
    if not parts and default:
        return range(len(table))
    rows = list(range(len(table))) if not parts else parts[0]
    for part in parts[1:]:
        wanted = set(part)
        rows = [row for row in rows if row in wanted]
    if not default:
        table.sort(rows, selection.sorts)
    return array("L", rows)


@dataclass
class Question:
    """What the server knows of a variable when values are posted."""

    name: str
    kind: str
    place: int
    closed: str | None = None
    required: bool = False


@dataclass
class Study:
    """All tables of one study, and what is needed to add to them.

    `registration` is the form that registers a subject, `first_status` what a subject then is,
    `anchor` the interval whose visit date the later windows are counted from.
    """

    key: str
    registration: str
    first_status: str
    enrolled_status: str
    anchor: str | None
    questions: dict[int, list[Question]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = {name: Table(r, self.key) for name, r in schema.RESOURCES.items()}
        self.names: dict[int, tuple[str, ...]] = {}
        records = self.tables["records"]
        records.columns["recordData"] = Answers(records.columns["formId"].data, self.names)
        self.cache = Cache()
        self.lock = threading.RLock()

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]

    def ask(self, form_id: int, questions: list[Question], names: Iterable[str]) -> None:
        """Declare a form's questions, and the names under which records show their values."""
        self.questions[form_id] = questions
        self.names[form_id] = tuple(names)
