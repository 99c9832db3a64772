"""Rows of the SDK as data frames: the same columns and types, whatever the data.

Every frame has one column for each scalar field of its model, in the model's
order and with its snake-case name. Types are nullable: Int64, boolean, string,
UTC timestamps, and dates as timestamps at midnight without a zone. An empty list
gives an empty frame with all columns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any

import pandas as pd

from imednet import ImednetSDK, models
from imednet.models import Model, columns

__all__ = [
    "LISTS",
    "StudyFrames",
    "comments",
    "frame",
    "interval_forms",
    "list_frames",
    "records",
    "series",
    "study_frames",
]

#: The pandas type of each kind of field.
TYPES = {
    "text": "string",
    "integer": "Int64",
    "number": "Float64",
    "boolean": "boolean",
    "timestamp": "datetime64[us, UTC]",
    "date": "datetime64[us]",
}


def frame(rows: Iterable[Model], model: type[Model]) -> pd.DataFrame:
    """Return one row a model instance, one column a scalar field.

    Example:
        >>> from imednet.models import Site
        >>> frame([Site(site_id=1, site_name="Northfield")], Site)["site_name"].tolist()
        ['Northfield']
    """
    return pd.DataFrame(series(rows, model))


def series(rows: Iterable[Model], model: type[Model]) -> dict[str, Any]:
    """Return the columns of `frame` by name, for frames that have further columns."""
    found = list(rows)
    wanted = [column for column in columns(model) if column.kind in TYPES]
    take = attrgetter(*(column.name for column in wanted))
    cells = list(chain.from_iterable(map(take, found)))
    return {
        column.name: pd.Series(cells[position :: len(wanted)], dtype=TYPES[column.kind])
        for position, column in enumerate(wanted)
    }


def records(
    rows: Iterable[models.Record], variables: Iterable[models.Variable] = ()
) -> pd.DataFrame:
    """Return the frame of records, with `data_points`: answers that are neither null nor empty.

    Answers to disabled or deleted `variables` are not counted.
    """
    found = list(rows)
    off: dict[int | None, set[str]] = {}
    for variable in variables:
        if (variable.disabled or variable.deleted) and variable.variable_name:
            off.setdefault(variable.form_id, set()).add(variable.variable_name.casefold())
    made = frame(found, models.Record)
    counts = [_data_points(row.record_data or {}, off.get(row.form_id)) for row in found]
    made["data_points"] = pd.Series(counts, dtype="Int64")
    return made


def _data_points(answers: dict[str, Any], off: set[str] | None) -> int:
    if off:
        return sum(v not in (None, "") and k.casefold() not in off for k, v in answers.items())
    return sum(value not in (None, "") for value in answers.values())


def comments(queries: Iterable[models.Query]) -> pd.DataFrame:
    """Return one row a comment of a query, with the query's `annotation_id` first."""
    pairs = [(q.annotation_id, c) for q in queries for c in q.query_comments or ()]
    made = frame([comment for _, comment in pairs], models.QueryComment)
    made.insert(0, "annotation_id", pd.Series([key for key, _ in pairs], dtype="Int64"))
    return made


def interval_forms(intervals: Iterable[models.Interval]) -> pd.DataFrame:
    """Return one row a form that an interval schedules, with the interval's id first."""
    pairs = [(i.interval_id, f) for i in intervals for f in i.forms or ()]
    made = frame([form for _, form in pairs], models.IntervalForm)
    made.insert(0, "interval_id", pd.Series([key for key, _ in pairs], dtype="Int64"))
    return made


@dataclass(frozen=True)
class StudyFrames:
    """A study as frames, each read once; what metrics are computed from.

    `records` lacks the answers themselves (`record_mapper` gives those) and has
    their number as `data_points`.
    """

    study_key: str
    sites: pd.DataFrame
    subjects: pd.DataFrame
    forms: pd.DataFrame
    variables: pd.DataFrame
    intervals: pd.DataFrame
    interval_forms: pd.DataFrame
    visits: pd.DataFrame
    records: pd.DataFrame
    record_revisions: pd.DataFrame
    queries: pd.DataFrame
    comments: pd.DataFrame
    codings: pd.DataFrame


#: The lists that a study's frames are made from, longest first, and what their rows are.
LISTS: dict[str, type[Model]] = {
    "records": models.Record,
    "record_revisions": models.RecordRevision,
    "queries": models.Query,
    "visits": models.Visit,
    "codings": models.Coding,
    "subjects": models.Subject,
    "sites": models.Site,
    "forms": models.Form,
    "variables": models.Variable,
    "intervals": models.Interval,
}


def list_frames(
    name: str, rows: Iterable[Any], variables: Iterable[models.Variable] = ()
) -> dict[str, pd.DataFrame]:
    """Return what one of `LISTS` becomes in StudyFrames: its frame, and those of its parts.

    Records need the study's `variables`, as `records` does. Raises KeyError for a
    name that is not in `LISTS`.

    Example:
        >>> from imednet.models import Interval
        >>> list(list_frames("intervals", [Interval(interval_id=1)]))
        ['intervals', 'interval_forms']
    """
    found = list(rows)
    if name == "records":
        return {name: records(found, variables)}
    made = {name: frame(found, LISTS[name])}
    if name == "queries":
        made["comments"] = comments(found)
    if name == "intervals":
        made["interval_forms"] = interval_forms(found)
    return made


def study_frames(
    sdk: ImednetSDK,
    study_key: str,
    *,
    lists: Collection[str] = tuple(LISTS),
    on_progress: Callable[[str, int, int], object] | None = None,
) -> StudyFrames:
    """Read a study into frames, several lists side by side.

    Of `lists` that are left out the frames are without rows (variables are read
    wherever records are). `on_progress` is called with the list's name, rows so far
    and rows in all, from worker threads. Raises whatever a list raises: a failed list
    is never an empty frame; ValueError for a name that is not in `LISTS`.
    """
    unknown = sorted(set(lists) - LISTS.keys())
    if unknown:
        raise ValueError(f"there is no list {unknown[0]!r}: there are {', '.join(LISTS)}")

    def fetch(name: str) -> list[Any]:
        def told(done: int, total: int) -> None:
            if on_progress is not None:
                on_progress(name, done, total)

        found: list[Any] = getattr(sdk, name).list(study_key, on_progress=told)
        return found

    needed = {"records", "variables"} & set(lists)
    variables: list[models.Variable] = fetch("variables") if needed else []

    def made(name: str) -> dict[str, pd.DataFrame]:
        if name == "variables":
            return list_frames(name, variables)
        return list_frames(name, fetch(name) if name in lists else [], variables)

    frames: dict[str, pd.DataFrame] = {}
    with ThreadPoolExecutor(max_workers=3) as pool:  # each list's rows are freed with its frame
        for part in pool.map(made, LISTS):
            frames |= part
    return StudyFrames(study_key=study_key, **frames)
