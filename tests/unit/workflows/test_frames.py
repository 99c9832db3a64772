"""Rows as frames: the same columns and types, whatever the data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from imednet import models
from imednet.errors import ServerError
from imednet.models import columns
from imednet_workflows import frames

MODELS = {
    "sites": models.Site,
    "subjects": models.Subject,
    "forms": models.Form,
    "variables": models.Variable,
    "intervals": models.Interval,
    "visits": models.Visit,
    "queries": models.Query,
    "codings": models.Coding,
    "records": models.Record,
    "recordRevisions": models.RecordRevision,
}
DTYPES = {
    "text": "string",
    "integer": "Int64",
    "number": "Float64",
    "boolean": "boolean",
    "timestamp": "datetime64[us, UTC]",
    "date": "datetime64[us]",
}
EVERY = [*MODELS.values(), models.QueryComment, models.IntervalForm, models.Keyword, models.Job]


def attribute(name: str) -> str:
    return "record_revisions" if name == "recordRevisions" else name


def typed(model: type[Any]) -> dict[str, str]:
    return {c.name: DTYPES[c.kind] for c in columns(model) if c.kind in DTYPES}


def wire(value: Any, kind: str) -> Any:
    """A JSON value as the frame should have it, read without the models."""
    if value is None:
        return None
    if kind == "timestamp":
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return datetime.fromisoformat(value) if kind == "date" else value


def plain(frame: pd.DataFrame) -> list[list[Any]]:
    """The cells of each column, NA as None."""
    return [[None if pd.isna(v) else v for v in frame[name]] for name in frame.columns]


@pytest.mark.parametrize("model", EVERY, ids=lambda model: model.__name__)
def test_types_do_not_depend_on_the_rows(model: Any) -> None:
    for rows in ([], [model()], [model(), model()]):
        made = frames.frame(rows, model)
        assert {name: str(dtype) for name, dtype in made.dtypes.items()} == typed(model)
        assert list(made.columns) == list(typed(model))
        assert len(made) == len(rows)
        assert made.isna().all(axis=None)


@pytest.mark.parametrize("name", MODELS)
def test_cells_are_what_the_wire_shows(study: Any, name: str) -> None:
    model = MODELS[name]
    made = frames.frame(getattr(study.sdk, attribute(name)).list(study.key), model)
    assert {name: str(dtype) for name, dtype in made.dtypes.items()} == typed(model)
    wanted = [c for c in columns(model) if c.kind in DTYPES]
    raw = study.kept(name)
    assert len(raw) > 5
    expected = [[wire(row.get(c.api_name), c.kind) for row in raw] for c in wanted]
    assert plain(made) == expected


def test_long_identifiers_are_exact() -> None:
    made = frames.frame([models.Site(site_id=2**53 + 1), models.Site()], models.Site)
    assert made["site_id"][0] == 2**53 + 1


def test_dates_far_off_are_kept() -> None:
    rows = [models.Visit(visit_date=date(1, 1, 2)), models.Visit(visit_date=date(9999, 12, 31))]
    made = frames.frame(rows, models.Visit)
    assert [d.date() for d in made["visit_date"]] == [row.visit_date for row in rows]


def test_rows_may_come_from_a_generator() -> None:
    made = frames.frame((models.Site(site_id=n) for n in range(3)), models.Site)
    assert made["site_id"].tolist() == [0, 1, 2]


def test_data_points_count_answers() -> None:
    answers = [None, {}, {"A": None, "B": ""}, {"A": "1", "B": "", "C": "x"}, {"A": 0, "B": False}]
    made = frames.records(models.Record(record_data=each) for each in answers)
    assert made["data_points"].tolist() == [0, 0, 0, 2, 2]
    assert str(made["data_points"].dtype) == "Int64"
    assert list(made.columns) == [*typed(models.Record), "data_points"]
    assert str(frames.records([])["data_points"].dtype) == "Int64"


def test_comments_are_rows_of_their_own(study: Any) -> None:
    made = frames.comments(study.sdk.queries.list(study.key))
    expected = [
        (query["annotationId"], comment["sequence"], comment["closed"], comment["comment"])
        for query in study.kept("queries")
        for comment in query["queryComments"] or []
    ]
    found = zip(
        made["annotation_id"], made["sequence"], made["closed"], made["comment"], strict=True
    )
    assert list(found) == expected
    assert made.columns[0] == "annotation_id"


def test_scheduled_forms_are_rows_of_their_own(study: Any) -> None:
    made = frames.interval_forms(study.sdk.intervals.list(study.key))
    expected = [
        (interval["intervalId"], form["formId"], form["formKey"], form["formName"])
        for interval in study.kept("intervals")
        for form in interval["forms"]
    ]
    assert list(made.itertuples(index=False, name=None)) == expected
    assert list(made.columns) == ["interval_id", "form_id", "form_key", "form_name"]


@pytest.mark.parametrize(
    ("make", "key"), [(frames.comments, "annotation_id"), (frames.interval_forms, "interval_id")]
)
def test_nested_rows_of_nothing_have_their_columns(make: Any, key: str) -> None:
    made = make([])
    assert made.empty
    assert made.columns[0] == key
    assert str(made[key].dtype) == "Int64"


def test_a_whole_study(study: Any) -> None:
    told: dict[str, tuple[int, int]] = {}
    found = frames.study_frames(
        study.sdk, study.key, on_progress=lambda name, *counts: told.update({name: counts})
    )
    assert found.study_key == "DEMO"
    for name in MODELS:
        assert len(getattr(found, attribute(name))) == len(study.kept(name))
    assert told == {attribute(n): (len(study.kept(n)),) * 2 for n in MODELS}
    filled = [
        sum(value not in (None, "") for value in row["recordData"].values())
        for row in study.kept("records")
    ]
    assert found.records["data_points"].tolist() == filled
    assert len(found.comments) == sum(len(q["queryComments"] or []) for q in study.kept("queries"))
    assert len(found.interval_forms) == sum(len(i["forms"]) for i in study.kept("intervals"))


@pytest.mark.parametrize("position", range(10))
def test_a_list_that_fails_is_an_error(own: Any, position: int) -> None:
    own.server.fail_next("slow", position, seconds=0)
    own.server.fail_next("500")
    with pytest.raises(ServerError):
        frames.study_frames(own.sdk, own.key)


@pytest.mark.parametrize(
    ("lists", "asked"),
    [
        ((), set()),
        (("queries",), {"queries"}),
        (("records", "sites"), {"records", "variables", "sites"}),
    ],
    ids=["none", "queries", "records"],
)
def test_only_the_lists_wanted_are_read(study: Any, lists: Any, asked: set[str]) -> None:
    told: set[str] = set()
    found = frames.study_frames(
        study.sdk, study.key, lists=lists, on_progress=lambda name, *_: told.add(name)
    )
    whole = frames.study_frames(study.sdk, study.key)
    assert told == asked
    for name in frames.LISTS:
        frame, full = getattr(found, name), getattr(whole, name)
        pd.testing.assert_frame_equal(frame, full if name in asked else full.iloc[:0])


def test_a_list_that_is_none_is_refused(study: Any) -> None:
    with pytest.raises(ValueError, match="there is no list 'query': there are records, "):
        frames.study_frames(study.sdk, study.key, lists=("query",))
