"""One JSON value to one Python value, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.models.values import (
    Unreadable,
    to_boolean,
    to_date,
    to_integer,
    to_number,
    to_text,
    to_timestamp,
    wire,
)

NOON = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2024-05-01 12:00:00", NOON),
        ("2024-05-01T12:00:00", NOON),
        ("2024-05-01T12:00:00Z", NOON),
        ("2024-05-01 12:00:00Z", NOON),
        ("2024-05-01T12:00:00+00:00", NOON),
        ("2024-05-01T14:00:00+02:00", NOON),
        ("2024-05-01T14:00:00+0200", NOON),
        ("2024-05-01T14:00+02", NOON),
        ("2024-05-01 07:30:00-04:30", NOON),
        ("2024-05-01T12:00", NOON),
        (" 2024-05-01 12:00:00 ", NOON),
        ("2024-05-01 12:00:00.5", NOON.replace(microsecond=500_000)),
        ("2024-05-01T12:00:00.123Z", NOON.replace(microsecond=123_000)),
        ("2024-05-01T12:00:00.123456789Z", NOON.replace(microsecond=123_456)),
        ("2024-05-01", NOON.replace(hour=0)),
        ([2024, 5, 1, 12, 0, 0, 0], NOON),
        ([2024, 5, 1, 12, 0, 0, 123_456_789], NOON.replace(microsecond=123_456)),
        ([2024, 5, 1, 12, 0, 0], NOON),
        ([2024, 5, 1, 12, 0], NOON),
        ([2024, 5, 1], NOON.replace(hour=0)),
        (datetime(2024, 5, 1, 12), NOON),
        (datetime(2024, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))), NOON),
    ],
    ids=repr,
)
def test_a_timestamp_in_every_form(value: Any, moment: datetime) -> None:
    read = to_timestamp(value)
    assert read == moment
    assert read is not None
    assert read.tzinfo is UTC


@pytest.mark.parametrize("reader", [to_timestamp, to_date, to_integer, to_number, to_boolean])
@pytest.mark.parametrize("text", ["", "  "])
def test_empty_text_is_none(reader: Callable[[Any], Any], text: str) -> None:
    assert reader(text) is None


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "2024-13-01 00:00:00",
        "2024-02-30",
        "2024-05-01 25:00:00",
        "0001-01-01T00:00:00+14:00",
        [],
        [2024, 5],
        [2024, 5, 1, 0, 0, 0, 0, 0],
        [2024, 13, 1],
        [2024, 5, 1, 0, 0, 0, 10**12],
        ["2024", 5, 1],
        [2024, 5, True],
        [2024.0, 5, 1],
        5,
        1.5,
        True,
        {},
    ],
    ids=repr,
)
def test_what_is_no_timestamp_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable) as caught:
        to_timestamp(value)
    assert caught.value.value == value
    assert str(caught.value.under("dateCreated")) == f"dateCreated: {value!r} is not a timestamp"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back_from_what_is_written(moment: datetime) -> None:
    assert to_timestamp(wire(moment)) == moment


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2024-05-01", date(2024, 5, 1)),
        (" 2024-05-01 ", date(2024, 5, 1)),
        ("2024-05-01 23:30:00", date(2024, 5, 1)),
        ("2024-05-01T23:30:00-10:00", date(2024, 5, 1)),
        ([2024, 5, 1], date(2024, 5, 1)),
        ([2024, 5, 1, 23, 30, 0, 0], date(2024, 5, 1)),
        (date(2024, 5, 1), date(2024, 5, 1)),
        (datetime(2024, 5, 1, 23), date(2024, 5, 1)),
    ],
    ids=repr,
)
def test_a_date_is_the_date_as_written(value: Any, day: date) -> None:
    read = to_date(value)
    assert read == day
    assert type(read) is date


@pytest.mark.parametrize("value", ["soon", "2024-02-30", [2024, 13, 1], [2024], 5, True, {}])
def test_what_is_no_date_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match="is not a date"):
        to_date(value)


@given(st.dates())
def test_a_date_comes_back_from_what_is_written(day: date) -> None:
    assert to_date(wire(day)) == day


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), (-3, -3), ("12", 12), (" 12 ", 12), ("+3", 3), (12.0, 12), (10**20, 10**20)],
    ids=repr,
)
def test_a_whole_number(value: Any, number: int) -> None:
    assert to_integer(value) == number
    assert type(to_integer(value)) is int


@pytest.mark.parametrize(
    "value", [1.5, "1.5", "x", "1_000", "٣", True, [], {}, float("nan"), float("inf"), "9" * 41]
)
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match="is not a whole number"):
        to_integer(value)


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3.0), (1.5, 1.5), ("1.5", 1.5), (" 2 ", 2.0)], ids=repr
)
def test_a_number(value: Any, number: float) -> None:
    assert to_number(value) == number
    assert type(to_number(value)) is float


@pytest.mark.parametrize(
    "value", ["x", "nan", "inf", float("nan"), float("inf"), 10**400, True, [], {}], ids=str
)
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match="is not a number"):
        to_number(value)


@pytest.mark.parametrize(
    ("value", "flag"),
    [(True, True), (False, False), (1, True), (0, False), ("true", True), (" FALSE ", False)],
    ids=repr,
)
def test_a_flag(value: Any, flag: bool) -> None:
    assert to_boolean(value) is flag


@pytest.mark.parametrize("value", ["yes", 2, -1, 1.0, [], {}], ids=repr)
def test_what_is_no_flag_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match="is not true or false"):
        to_boolean(value)


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), ("", ""), (" a ", " a "), (5, "5"), (1.5, "1.5")], ids=repr
)
def test_text(value: Any, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize("value", [True, [], {}, ["a"]], ids=repr)
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match="is not text"):
        to_text(value)


def test_a_long_value_is_shown_short() -> None:
    said = str(Unreadable("x" * 200, "a date", "dueDate"))
    assert said == f"dueDate: '{'x' * 76}... is not a date"


def test_the_path_grows_from_the_inside() -> None:
    error = Unreadable("x", "a date").under("date").under("[2]").under("comments").under("Query")
    assert error.path == "Query.comments[2].date"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (NOON, "2024-05-01 12:00:00"),
        (NOON.replace(microsecond=5), "2024-05-01 12:00:00.000005"),
        (datetime(2024, 5, 1, 12), "2024-05-01 12:00:00"),
        (datetime(2024, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))), "2024-05-01 12:00:00"),
        (date(2024, 5, 1), "2024-05-01"),
        ("text", "text"),
        (None, None),
        (1.5, 1.5),
    ],
    ids=repr,
)
def test_what_is_written(value: Any, written: Any) -> None:
    assert wire(value) == written
