"""What went wrong while canonical tables were made, said once each, with a count."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

__all__ = ["PROBLEM_COLUMNS", "Problems"]

PROBLEM_COLUMNS = {
    "rule": "Int64",
    "domain": "string",
    "target_field": "string",
    "kind": "string",
    "line": "Int64",
    "column": "Int64",
    "message": "string",
    "records": "Int64",
    "record_id": "Int64",
}
#: Different messages kept for one rule; the rest is counted together.
_MESSAGES = 50


@dataclass
class _Problem:
    line: int | None
    column: int | None
    records: int = 0
    record_id: int | None = None


class Problems:
    """A collection that says each problem once, with the records that have it."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str, str, str, str], _Problem] = {}
        self._messages: dict[int, int] = {}

    def add(
        self,
        rule: int,
        domain: str,
        target: str,
        kind: str,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        record_id: int | None = None,
    ) -> None:
        """Note a problem of a rule, on one record or (without `record_id`) in itself."""
        key = (rule, domain, target, kind, message)
        if key not in self._found:
            if self._messages.get(rule, 0) >= _MESSAGES:
                key = (rule, domain, target, kind, "other messages, not kept apart")
            else:
                self._messages[rule] = self._messages.get(rule, 0) + 1
        problem = self._found.setdefault(key, _Problem(line, column, 0, record_id))
        problem.records += record_id is not None

    def frame(self) -> pd.DataFrame:
        """Return one row a problem, by rule."""
        rows = sorted(self._found.items(), key=lambda item: (item[0][0], item[0][3:]))
        columns = {name: [] for name in PROBLEM_COLUMNS}  # type: dict[str, list[object]]
        for (rule, domain, target, kind, message), problem in rows:
            values = (rule, domain, target, kind, problem.line, problem.column, message)
            for name, value in zip(
                PROBLEM_COLUMNS, (*values, problem.records, problem.record_id), strict=True
            ):
                columns[name].append(value)
        return pd.DataFrame(
            {name: pd.Series(columns[name], dtype=kind) for name, kind in PROBLEM_COLUMNS.items()}
        )
