"""Studies to measure: one built by hand, row by row, and the simulator's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from imednet import ImednetSDK, models
from imednet_simulator import Simulator
from imednet_workflows import frames as made
from imednet_workflows.frames import StudyFrames, study_frames
from imednet_workflows.metrics.example import example_study

Rows = list[dict[str, Any]]

MODELS: dict[str, type[models.Model]] = {
    "sites": models.Site,
    "subjects": models.Subject,
    "forms": models.Form,
    "variables": models.Variable,
    "visits": models.Visit,
    "record_revisions": models.RecordRevision,
    "codings": models.Coding,
}


def build_study(**rows: Rows) -> StudyFrames:
    """Frames of a study with these rows; `intervals` and `queries` with what is nested in them."""
    intervals = [models.Interval(**row) for row in rows.pop("intervals", [])]
    queries = [models.Query(**row) for row in rows.pop("queries", [])]
    records = [models.Record(**row) for row in rows.pop("records", [])]
    plain = {
        name: made.frame([model(**row) for row in rows.pop(name, [])], model)
        for name, model in MODELS.items()
    }
    assert not rows, rows
    return StudyFrames(
        study_key="HAND",
        intervals=made.frame(intervals, models.Interval),
        interval_forms=made.interval_forms(intervals),
        records=made.records(records),
        queries=made.frame(queries, models.Query),
        comments=made.comments(queries),
        **plain,
    )


@pytest.fixture
def build() -> Callable[..., StudyFrames]:
    """A function that makes frames from rows: `build(sites=[{"site_id": 1}], ...)`."""
    return build_study


@pytest.fixture
def at() -> Callable[..., datetime]:
    """A function that makes moments in UTC of 2026: `at(3, 2, 12)`."""
    return lambda month, day, hour=0: datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.fixture
def query(at: Callable[..., datetime]) -> Callable[..., dict[str, Any]]:
    """A function that makes a query from comments `(status, closed, month, day)`."""

    def make(number: int, *comments: tuple[str | None, bool | None, int, int], **more: Any) -> Any:
        told = [
            models.QueryComment(
                sequence=n, annotation_status=status, closed=closed, date=at(month, day)
            )
            for n, (status, closed, month, day) in enumerate(comments, start=1)
        ]
        return {"annotation_id": number, "query_comments": told or None, **more}

    return make


@pytest.fixture
def example() -> StudyFrames:
    return example_study()


@pytest.fixture(scope="session")
def story() -> StudyFrames:
    """The demo study of the simulator: 12 sites, 200 subjects, as of 2 March 2026."""
    with (
        Simulator(subjects=200, sites=12, seed=1, asof=date(2026, 3, 2)) as simulator,
        ImednetSDK(simulator.api_key, simulator.security_key, simulator.url) as sdk,
    ):
        return study_frames(sdk, simulator.study_key)


@pytest.fixture
def empty() -> StudyFrames:
    return build_study()


@pytest.fixture
def blank() -> StudyFrames:
    """A study in which every row of every frame is null throughout."""
    nothing: dict[str, Any] = {}
    study = build_study(
        **{name: [nothing, nothing] for name in MODELS},
        intervals=[{"forms": [models.IntervalForm()]}, nothing],
        records=[nothing, nothing],
        queries=[{"query_comments": [models.QueryComment()]}, nothing],
    )
    return replace(study, study_key="BLANK")
