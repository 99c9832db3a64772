"""Rows of the SDK as data frames: the same columns and types, whatever the data.

Every frame has one column for each scalar field of its model, in the model's
order and with its snake-case name. Types are nullable: Int64, boolean, string,
UTC timestamps, and dates as timestamps at midnight without a zone. An empty list
gives an empty frame with all columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any

import pandas as pd

from imednet import ImednetSDK, models
from imednet.models import Model, columns

__all__ = [
    "StudyFrames",
    "comments",
    "frame",
    "interval_forms",
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


def records(rows: Iterable[models.Record]) -> pd.DataFrame:
    """Return the frame of records, with `data_points`: answers that are neither null nor empty."""
    found = list(rows)
    made = frame(found, models.Record)
    counts = [sum(v not in (None, "") for v in (row.record_data or {}).values()) for row in found]
    made["data_points"] = pd.Series(counts, dtype="Int64")
    return made


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


_LISTS = (
    "sites",
    "subjects",
    "forms",
    "variables",
    "intervals",
    "visits",
    "queries",
    "codings",
    "records",
    "record_revisions",
)


def study_frames(
    sdk: ImednetSDK,
    study_key: str,
    *,
    on_progress: Callable[[str, int, int], object] | None = None,
) -> StudyFrames:
    """Read a study into frames, several lists side by side.

    `on_progress` is called with the list's name, rows so far and rows in all, from
    worker threads. Raises whatever a list raises: a failed list is never an empty frame.
    """

    def fetch(name: str) -> list[Any]:
        def told(done: int, total: int) -> None:
            if on_progress is not None:
                on_progress(name, done, total)

        found: list[Any] = getattr(sdk, name).list(study_key, on_progress=told)
        return found

    with ThreadPoolExecutor(max_workers=4) as pool:
        rows = dict(zip(_LISTS, pool.map(fetch, _LISTS), strict=True))
    return StudyFrames(
        study_key=study_key,
        sites=frame(rows["sites"], models.Site),
        subjects=frame(rows["subjects"], models.Subject),
        forms=frame(rows["forms"], models.Form),
        variables=frame(rows["variables"], models.Variable),
        intervals=frame(rows["intervals"], models.Interval),
        interval_forms=interval_forms(rows["intervals"]),
        visits=frame(rows["visits"], models.Visit),
        records=records(rows["records"]),
        record_revisions=frame(rows["record_revisions"], models.RecordRevision),
        queries=frame(rows["queries"], models.Query),
        comments=comments(rows["queries"]),
        codings=frame(rows["codings"], models.Coding),
    )
