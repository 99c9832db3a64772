"""One rule on one record: the answer, the expression, the terminology, the column's type."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from imednet.models import Record, columns
from imednet_workflows.canonical.logic import Logic, LogicError
from imednet_workflows.canonical.plan import Rule
from imednet_workflows.canonical.problems import Problems
from imednet_workflows.casting import to_integer, to_number

__all__ = ["Outcome", "RecordView", "apply", "as_text", "converted", "is_empty"]


_FIELDS = [(c.name, c.api_name) for c in columns(Record) if c.kind != "nested"]


class RecordView:
    """A record as rules see it: answers by name in any case, blinded ones left out."""

    def __init__(self, record: Record, form: str, answers: dict[str, Any], declared: Sequence[str]):
        self.record, self.form = record, form
        self._sent, self._declared = answers, declared

    @cached_property
    def by_lower_name(self) -> dict[str, Any]:
        """The answers by name in lower case."""
        return {name.casefold(): answer for name, answer in self._sent.items()}

    @cached_property
    def answers(self) -> dict[str, Any]:
        """The answers as expressions see them."""
        found: dict[str, Any] = dict.fromkeys(self._declared)
        for name in self._declared:
            found[name] = self.by_lower_name.get(name.casefold())
        for name, answer in self._sent.items():
            found[name] = found[name.upper()] = found[name.lower()] = answer
        return found

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The record's own fields by their names in the API, moments as RFC 3339 text."""
        found: dict[str, Any] = {}
        for name, field in _FIELDS:
            value = getattr(self.record, name)
            found[field] = value.isoformat() if isinstance(value, datetime) else value
        return found


@dataclass(frozen=True)
class Outcome:
    """What a rule made of a record: the value, the answer, and the steps between.

    `steps` are of answer, fallback, logic, lookup, joined by " > "; `untyped` says that a
    value was lost because its column has another type.
    """

    rule: Rule
    value: Any
    raw: Any
    steps: str
    view: RecordView | None
    untyped: bool = False


def is_empty(answer: Any) -> bool:
    """Tell whether an answer is none: null, or text of nothing but blanks."""
    return answer is None or (isinstance(answer, str) and not answer.strip())


def apply(rule: Rule, view: RecordView | None, column: str, problems: Problems) -> Outcome:
    """Run a rule on a record, or without one (None: there is no record to take it from)."""
    raw = view.by_lower_name.get(rule.variable) if view and rule.variable else None
    value, steps = _mapped(rule, view, raw, problems)
    if rule.lookup and not is_empty(value):
        value, found = _looked_up(rule, value, view, problems)
        steps += [" > lookup"] if found else []
    typed, untyped = converted(value, column)
    if untyped:
        shown = "a value" if rule.protected else repr(as_text(value)[:60])
        _note(rule, view, problems, "type", f"{shown} is no {_TYPE_WORDS[column]}")
    return Outcome(rule, typed, raw, "".join(steps), view, untyped)


def _mapped(
    rule: Rule, view: RecordView | None, raw: Any, problems: Problems
) -> tuple[Any, list[str]]:
    """Return the answer or what stands for it, through the expression."""
    empty, fallback = is_empty(raw), rule.fallback
    if view is None or (rule.variable and empty and fallback is not None):
        return fallback, ["fallback"]
    start = "answer" if rule.variable else ""
    if rule.broken or (rule.logic is None and rule.variable):
        return None if rule.broken else raw, [start]
    if rule.logic is None:
        return fallback, ["fallback"]
    value = _run(rule, rule.logic, view, None if empty else raw, problems)
    if value is None and not rule.variable and fallback is not None:
        return fallback, ["fallback"]
    return value, [f"{start} > logic" if start else "logic"]


def _run(rule: Rule, logic: Logic, view: RecordView, value: Any, problems: Problems) -> Any:
    """Run the expression; without an answer, one that cannot do with null gives null."""
    record = view.fields if logic.uses_record else {}
    try:
        return logic.run(value, record, view.answers if logic.uses_answers else {})
    except LogicError as error:
        if value is not None or not rule.variable:
            # What the library says may hold the value.
            words = "the expression failed" if rule.protected else str(error)
            _note(rule, view, problems, "logic", words)
        return None


def _looked_up(
    rule: Rule, value: Any, view: RecordView | None, problems: Problems
) -> tuple[Any, bool]:
    text = as_text(value).strip()
    found = rule.lookup.get(text.casefold())
    if found is not None:
        return found, True
    if text not in rule.lookup.values():
        shown = "a value" if rule.protected else repr(text[:60])
        _note(rule, view, problems, "terminology", f"{shown} is not in the list {rule.lookup_name}")
    return value, False


def _note(rule: Rule, view: RecordView | None, problems: Problems, kind: str, message: str) -> None:
    record_id = view.record.record_id if view else None
    problems.add(rule.number, rule.table, rule.target, kind, message, record_id=record_id)


def as_text(value: Any) -> str:
    """Write an answer as text: JSON words for true and false, JSON for lists.

    >>> as_text(" a "), as_text(True), as_text(2.5), as_text(["x"])
    (' a ', 'true', '2.5', '["x"]')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


_TYPE_WORDS = {"Int64": "whole number", "Float64": "number", "boolean": "true or false"}
_WORDS: Mapping[str, bool] = {"true": True, "false": False}


def converted(value: Any, column: str) -> tuple[Any, bool]:
    """Return the value in its column's type, and whether that failed; None is None.

    >>> converted("7", "Int64"), converted("7.5", "Int64"), converted("x", "string")
    ((7, False), (None, True), ('x', False))
    """
    if is_empty(value):
        return None, False
    if column == "string":
        return as_text(value).strip(), False
    if column == "boolean":
        found = value if isinstance(value, bool) else _WORDS.get(as_text(value).casefold())
        return found, found is None
    number = to_integer(value) if column == "Int64" else to_number(value)
    return number, number is None
