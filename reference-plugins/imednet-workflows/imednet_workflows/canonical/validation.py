"""Canonical tables against a standards profile: what is missing, and how ready they are.

No message holds a value, so that they may be shown whatever is masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from imednet_workflows.canonical.build import Row
from imednet_workflows.canonical.plan import TablePlan
from imednet_workflows.profiling import kind_of
from imednet_workflows.standards import ALLOWED, RECOMMENDED, REQUIRED, Field, Profile

__all__ = ["CHECKS", "FAILURES", "WEIGHTS", "readiness", "validate"]

#: The columns of the two frames.
CHECKS = {
    "domain": "string",
    "target_field": "string",
    "check": "string",
    "mapped": "boolean",
    "rows": "Int64",
    "failed": "Int64",
    "share": "Float64",
    "message": "string",
}
FAILURES = {
    "domain": "string",
    "site_id": "Int64",
    "subject_key": "string",
    "record_id": "Int64",
    "target_field": "string",
    "check": "string",
    "message": "string",
}
#: How much a check counts in the readiness score.
WEIGHTS = {REQUIRED: 3.0, ALLOWED: 2.0, "type": 2.0, RECOMMENDED: 1.0}


class _Check(NamedTuple):
    kind: str
    passes: Callable[[Row], bool | None]  #: None where it does not apply
    words: str


def validate(
    profile: Profile, plans: dict[str, TablePlan], rows: dict[str, list[Row]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return all checks, one row each, and the rows that fail one that is not mere advice."""
    checks: list[tuple[Any, ...]] = []
    failures: list[tuple[Any, ...]] = []
    for table in profile.tables:
        found = rows[table.name]
        for field in table.fields:
            mapped = field.name in plans[table.name].rules
            for check in _checks(field, mapped):
                failed = _failing(check, found) if mapped else []
                checks.append(_summary(table.name, field, check, mapped, found, failed))
                if check.kind != RECOMMENDED:
                    failures += [_failure(table.name, field, check, row) for row in failed]
    return _frame(checks, CHECKS), _frame(failures, FAILURES)


def _checks(field: Field, mapped: bool) -> Iterator[_Check]:
    name = field.name
    if field.level in (REQUIRED, RECOMMENDED):
        yield _Check(field.level, lambda row: _value(row, name) is not None, f"{name} is empty")
    if mapped and field.allowed:
        one_of = ", ".join(field.allowed)
        yield _Check(ALLOWED, lambda row: _allowed(row, field), f"{name} is none of {one_of}")
    if mapped and field.kind != "text":
        yield _Check("type", lambda row: _typed(row, field), f"{name} is no {field.kind}")


def _value(row: Row, name: str) -> Any:
    cell = row.cells.get(name)
    return None if cell is None else cell.value


def _allowed(row: Row, field: Field) -> bool | None:
    value = _value(row, field.name)
    return None if value is None else value in field.allowed


def _typed(row: Row, field: Field) -> bool | None:
    cell = row.cells.get(field.name)
    if cell is None or (cell.value is None and not cell.untyped):
        return None
    if field.kind == "date":
        return kind_of(cell.value) in ("date", "partial date", "datetime")
    return not cell.untyped


def _failing(check: _Check, rows: list[Row]) -> list[Row]:
    return [row for row in rows if check.passes(row) is False]


def _summary(
    table: str, field: Field, check: _Check, mapped: bool, rows: list[Row], failed: list[Row]
) -> tuple[Any, ...]:
    applies = sum(check.passes(row) is not None for row in rows) if mapped else 0
    share = (1 - len(failed) / applies if applies else 1.0) if mapped else 0.0
    words = "no rule fills it" if not mapped else check.words if failed else None
    return (table, field.name, check.kind, mapped, applies, len(failed), share, words)


def _failure(table: str, field: Field, check: _Check, row: Row) -> tuple[Any, ...]:
    keys = row.keys
    return (
        table,
        keys["site_id"],
        keys["subject_key"],
        keys.get("record_id"),
        field.name,
        check.kind,
        check.words,
    )


def _frame(rows: list[tuple[Any, ...]], types: dict[str, str]) -> pd.DataFrame:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=kind)
            for (name, kind), column in zip(types.items(), columns, strict=True)
        }
    )


def readiness(checks: pd.DataFrame) -> float:
    """Return the readiness score, 0 to 100: the weighted mean share of what passes.

    Each check counts with the share of its rows that pass (0 if no rule fills the field,
    1 if it is filled and there are no rows yet), required checks with weight 3, allowed
    values and types with 2, recommended with 1.

    >>> readiness(pd.DataFrame({"check": ["required", "recommended"], "share": [1.0, 0.0]}))
    75.0
    """
    weights = checks["check"].map(WEIGHTS).astype("float64")
    if not weights.sum():
        return 100.0
    passed = (weights * checks["share"].astype("float64")).sum()
    return round(float(100 * passed / weights.sum()), 1)
