"""The compiled decoder against dataclasses-json, and what rows can do."""

from __future__ import annotations

import copy
import json
import pickle
import typing
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imednet import models
from imednet.errors import ResponseError
from imednet.models.decoding import Column, Model, columns, decoder
from imednet.models.values import Unreadable
from imednet.output import as_json

NAMES = (
    "Study Site Form Interval Visit Subject User Variable Coding Query RecordRevision Record Job"
)
NESTED = "IntervalForm Keyword Role QueryComment"
MODELS = [getattr(models, name) for name in (*NAMES.split(), *NESTED.split())]

# --- what the API might send

MOMENTS = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1))
TIMESTAMPS = st.one_of(
    MOMENTS.map(lambda m: m.replace(microsecond=0).isoformat(" ")),
    MOMENTS.map(lambda m: m.isoformat()),
    MOMENTS.map(lambda m: m.isoformat() + "Z"),
    MOMENTS.map(lambda m: m.strftime("%Y-%m-%dT%H:%M+02")),  # as long as one without a zone
    MOMENTS.map(lambda m: m.strftime("%Y%m%dT%H%M%S.%f")[:19]),
    MOMENTS.map(lambda m: m.isoformat(" ") + "-05:00"),
    MOMENTS.map(lambda m: [*m.timetuple()[:6], m.microsecond * 1000]),
    st.just(""),
)
DATES = st.one_of(
    st.dates().map(date.isoformat),
    st.dates().map(lambda d: f"{d.isocalendar()[0]:04}-W{d.isocalendar()[1]:02}-1"),
    st.dates(max_value=date(9999, 1, 1)).map(lambda d: d.isoformat() + " 10:00:00"),
    st.dates().map(lambda d: [d.year, d.month, d.day]),
    st.just(""),
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.one_of(st.text(), st.integers(), st.floats(allow_nan=False)),
    "integer": st.one_of(st.integers(), st.integers(-(10**9), 10**9).map(str), st.just("")),
    "boolean": st.sampled_from([True, False, 0, 1, "true", "False", ""]),
    "timestamp": TIMESTAMPS,
    "date": DATES,
}
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(), inner, max_size=2)
    ),
    max_leaves=4,
)


def rows(cls: type[Model]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any of the model's fields, and others."""
    known = {column.api_name: st.one_of(st.none(), _value(cls, column)) for column in columns(cls)}
    spelt = {c.name for c in columns(cls)} | {"extra"}  # dataclasses-json takes those as well
    others = st.text(min_size=1).filter(lambda name: name not in known and name not in spelt)
    return st.tuples(
        st.fixed_dictionaries({}, optional=known),
        st.dictionaries(others, JSON, max_size=2),
    ).map(lambda parts: {**parts[0], **parts[1]})


def whole_rows(cls: type[Model]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with all fields and no other: what the compiled lines are for."""
    known = {column.api_name: st.one_of(st.none(), _value(cls, column)) for column in columns(cls)}
    return st.fixed_dictionaries(known)


def _value(cls: type[Model], column: Column) -> st.SearchStrategy[Any]:
    if column.kind in SCALARS:
        return SCALARS[column.kind]
    hint = typing.get_type_hints(cls, localns={"CatchAll": Any})[column.name]
    inner = next(each for each in typing.get_args(hint) if each is not type(None))
    if typing.get_origin(inner) is dict:
        return st.dictionaries(st.text(), JSON, max_size=3)
    return st.lists(st.deferred(lambda: rows(typing.get_args(inner)[0])), max_size=2)


@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("objects", [rows, whole_rows])
@settings(max_examples=25)
@given(data=st.data())
def test_the_decoder_reads_what_from_dict_reads(data: Any, cls: Any, objects: Any) -> None:
    sent = data.draw(objects(cls))
    row = decoder(cls)(copy.deepcopy(sent))
    other = cls.from_dict(copy.deepcopy(sent))
    assert row == other
    assert row.extra == other.extra
    assert [type(getattr(row, n)) for n in cls.names()] == [
        type(getattr(other, n)) for n in cls.names()
    ]


@pytest.mark.parametrize("cls", MODELS)
@settings(max_examples=12)
@given(data=st.data())
def test_a_row_comes_back_from_to_dict(data: Any, cls: Any) -> None:
    row = decoder(cls)(data.draw(rows(cls)))
    assert decoder(cls)(row.to_dict()) == row
    assert cls.from_dict(row.to_dict()) == row


@pytest.mark.parametrize("cls", MODELS)
@settings(max_examples=12)
@given(data=st.data())
def test_as_json_is_to_dict(data: Any, cls: Any) -> None:
    row = decoder(cls)(data.draw(rows(cls)))
    assert as_json(row) == row.to_dict()
    assert json.loads(json.dumps(as_json(row))) == as_json(row)


@pytest.mark.parametrize("cls", MODELS)
def test_what_is_missing_is_none(cls: Any) -> None:
    row = decoder(cls)({})
    assert {name: getattr(row, name) for name in cls.names()} == {
        **dict.fromkeys(cls.names()),
        "extra": {},
    }
    assert row == cls() == cls.from_dict({})


@pytest.mark.parametrize("cls", MODELS)
def test_unknown_fields_are_kept_and_written(cls: Any) -> None:
    row = decoder(cls)({"somethingNew": {"a": [1]}})
    assert row.extra == {"somethingNew": {"a": [1]}}
    assert row.to_dict()["somethingNew"] == {"a": [1]}


def test_unknown_fields_beside_nested_objects() -> None:
    sent = {
        "keywords": [{"keywordId": 1, "colour": "red"}],
        "recordData": {"dateCreated": "kept as it is"},
        "new": 1,
    }
    row = decoder(models.Record)(sent)
    assert row.keywords is not None
    assert (row.keywords[0].keyword_id, row.keywords[0].extra) == (1, {"colour": "red"})
    assert (row.record_data, row.extra) == ({"dateCreated": "kept as it is"}, {"new": 1})
    assert {k: v for k, v in row.to_dict().items() if k in ("recordData", "new")} == {
        "recordData": {"dateCreated": "kept as it is"},
        "new": 1,
    }


def test_the_object_sent_is_not_changed() -> None:
    sent = {"queryComments": [{"sequence": "1", "date": "2024-05-01 00:00:00"}, {}], "x": 1}
    before = copy.deepcopy(sent)
    decoder(models.Query)(sent)
    assert sent == before


# --- what cannot be read


@pytest.mark.parametrize(
    ("cls", "sent", "field", "said"),
    [
        (models.Site, {"siteId": "x"}, "siteId", "'x' is not a whole number"),
        (models.Site, {"siteName": []}, "siteName", "[] is not text"),
        (models.Site, {"dateCreated": "soon"}, "dateCreated", "'soon' is not a timestamp"),
        (models.Visit, {"dueDate": "2024-02-30"}, "dueDate", "'2024-02-30' is not a date"),
        (models.Form, {"disabled": "yes"}, "disabled", "'yes' is not true or false"),
        (models.Record, {"recordData": []}, "recordData", "[] is not an object"),
        (models.Record, {"keywords": {}}, "keywords", "{} is not a list"),
        (models.Record, {"keywords": [{}, 5]}, "keywords[1]", "5 is not an object"),
        (models.Record, {"keywords": [None]}, "keywords[0]", "None is not a value"),
        (
            models.Query,
            {"queryComments": [{}, {"sequence": 1.5}]},
            "queryComments[1].sequence",
            "1.5 is not a whole number",
        ),
        (
            models.User,
            {"roles": [{"dateCreated": [2024]}]},
            "roles[0].dateCreated",
            "[2024] is not a timestamp",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
@pytest.mark.parametrize("whole", [False, True], ids=["alone", "among all fields"])
def test_a_bad_value_names_resource_field_and_value(
    cls: Any, sent: dict[str, Any], field: str, said: str, whole: bool
) -> None:
    if whole:
        sent = {**dict.fromkeys(column.api_name for column in columns(cls)), **sent}
    with pytest.raises(ResponseError) as caught:
        decoder(cls)(sent)
    error = caught.value
    assert str(error) == f"{cls.__name__}.{field}: {said}, as the API sent it"
    assert (error.resource, error.field) == (cls.__name__, field)
    assert repr(error.value) == said.split(" is not ")[0]


@pytest.mark.parametrize("sent", [None, 5, "x", [], [{}]], ids=repr)
def test_a_row_that_is_no_object_is_refused(sent: Any) -> None:
    with pytest.raises(ResponseError) as caught:
        decoder(models.Site)(sent)
    assert str(caught.value) == f"Site: {sent!r} is not an object, as the API sent it"


def test_from_dict_refuses_with_a_value_error() -> None:
    with pytest.raises(Unreadable, match=r"^siteId: 'x' is not a whole number$"):
        models.Site.from_dict({"siteId": "x"})


# --- rows as objects


@pytest.mark.parametrize("cls", MODELS)
def test_a_misspelt_attribute_is_an_error(cls: Any) -> None:
    row = cls()
    with pytest.raises(AttributeError, match="no_such_field"):
        row.no_such_field  # noqa: B018
    with pytest.raises(AttributeError):
        row.no_such_field = 1
    assert not hasattr(row, "__dict__")


@pytest.mark.parametrize("cls", MODELS)
def test_a_misspelt_argument_is_an_error(cls: Any) -> None:
    with pytest.raises(TypeError, match="no_such_field"):
        cls(no_such_field=1)


FULL = {
    "recordId": 7,
    "dateCreated": "2024-05-01 10:30:00",
    "keywords": [{"keywordKey": "SAE", "new": 1}],
    "recordData": {"AGE": "52"},
    "more": [1],
}


@pytest.mark.parametrize(
    "keep",
    [
        copy.copy,
        copy.deepcopy,
        lambda row: pickle.loads(pickle.dumps(row)),
        lambda row: pickle.loads(pickle.dumps(row, 2)),
        lambda row: type(row).from_json(row.to_json()),
    ],
    ids=["copy", "deepcopy", "pickle", "pickle2", "json"],
)
@pytest.mark.parametrize("sent", [{}, FULL], ids=["empty", "full"])
def test_a_row_survives(sent: dict[str, Any], keep: Any) -> None:
    row = decoder(models.Record)(sent)
    again = keep(row)
    assert again == row
    assert again.extra == row.extra
    assert again is not row


def test_a_deep_copy_shares_nothing() -> None:
    row = decoder(models.Record)(copy.deepcopy(FULL))
    again = copy.deepcopy(row)
    again.record_data["AGE"] = "53"
    again.extra["more"].append(2)
    assert row.record_data == {"AGE": "52"}
    assert row.extra == {"more": [1]}


@pytest.mark.parametrize(
    "change", [{"recordId": 8}, {"keywords": []}, {"recordData": {}}, {"more": []}, {"x": 1}]
)
def test_rows_that_differ_are_not_equal(change: dict[str, Any]) -> None:
    assert decoder(models.Record)(FULL) != decoder(models.Record)({**FULL, **change})


def test_rows_of_different_kinds_are_not_equal() -> None:
    assert models.Site() != models.Form()
    assert models.Site() != {}


def test_rows_are_not_hashable_since_they_can_change() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(models.Site())


def test_repr_shows_what_there_is() -> None:
    row = decoder(models.Record)({"recordId": 7, "deleted": False, "recordData": {"A": "1"}})
    assert repr(row) == "Record(record_id=7, deleted=False, record_data={'A': '1'})"
    assert repr(models.Site()) == "Site()"
    assert repr(models.Site.__new__(models.Site)) == "Site()"  # as a traceback may meet it


def test_rows_without_unknown_fields_share_no_extra() -> None:
    one, other = decoder(models.Site)({}), decoder(models.Site)({})
    one.extra["a"] = 1
    assert other.extra == {}


def test_a_row_is_made_by_keyword() -> None:
    site = models.Site(site_id=3, extra={"new": 1})
    assert site.to_dict() == {
        "studyKey": None,
        "siteId": 3,
        "siteName": None,
        "siteEnrollmentStatus": None,
        "dateCreated": None,
        "dateModified": None,
        "new": 1,
    }


def test_json_has_the_apis_own_form() -> None:
    record = decoder(models.Record)(FULL)
    assert record.date_created == datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
    assert json.loads(record.to_json())["dateCreated"] == "2024-05-01 10:30:00"
    visit = decoder(models.Visit)({"dueDate": "2024-05-01"})
    assert json.loads(visit.to_json(indent=1))["dueDate"] == "2024-05-01"
