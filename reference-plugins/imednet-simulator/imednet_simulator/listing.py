"""List requests: the query string read, the page cut, the envelope put around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imednet_simulator.errors import bad_value
from imednet_simulator.schema import Resource
from imednet_simulator.store import Selection, Sort, Study

DEFAULT_SIZE, MAX_SIZE = 25, 500
Query = Sequence[tuple[str, str]]


def answer(study: Study, resource: Resource, query: Query) -> dict[str, Any]:
    """`pagination` and `data` of the page asked for."""
    given = dict(reversed(query))
    page = _number(given, "page", 0, low=0)
    size = _number(given, "size", DEFAULT_SIZE, low=1, high=MAX_SIZE)
    sorts = _sorts(resource, [value for name, value in query if name == "sort"])
    table = study[resource.name]
    rows = study.cache.rows(table, _selection(resource, given, sorts))
    return {
        "pagination": {
            "currentPage": page,
            "size": size,
            "totalPages": -(-len(rows) // size),
            "totalElements": len(rows),
            "sort": [{"property": name, "direction": direction} for name, direction in sorts],
        },
        "data": table.render(rows[page * size : (page + 1) * size]),
    }


def _selection(resource: Resource, given: dict[str, str], sorts: tuple[Sort, ...]) -> Selection:
    if not resource.filterable:
        inactive = given.get("includeInactive", "false")
        if inactive not in ("true", "false"):
            raise bad_value("includeInactive", inactive, "includeInactive is true or false")
        return Selection(sorts, active_only=inactive == "false")
    questions = given.get("recordDataFilter") if resource.name == "records" else None
    return Selection(sorts, given.get("filter") or None, questions or None)


def _number(
    given: dict[str, str], name: str, default: int, *, low: int, high: int | None = None
) -> int:
    text = given.get(name)
    if text is None:
        return default
    digits = text.isascii() and text.isdigit() and len(text) < 10
    if not digits or int(text) < low or (high is not None and int(text) > high):
        allowed = f"{low} to {high}" if high is not None else f"{low} or more"
        raise bad_value(name, text, f"{name} must be a whole number, {allowed}")
    return int(text)


def _sorts(resource: Resource, texts: Sequence[str]) -> tuple[Sort, ...]:
    if not texts:
        return ((resource.default_sort, "ASC"),)
    sorts = []
    for text in texts:
        name, _, direction = text.partition(",")
        direction = direction.upper() or "ASC"
        if name not in resource.scalars:
            raise bad_value("sort", text, f"{resource.name} cannot be sorted by {name}")
        if direction not in ("ASC", "DESC"):
            raise bad_value("sort", text, "The direction is ASC or DESC")
        sorts.append((name, direction))
    return tuple(sorts)
