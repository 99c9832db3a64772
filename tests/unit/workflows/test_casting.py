"""Answers to typed columns, one by one by hand and any by hypothesis."""

from __future__ import annotations

import json
import math
import sys
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imednet_workflows.casting import cast, kind_of

KINDS = ["text", "integer", "number", "date", "moment"]
DTYPES = {
    "text": "string",
    "integer": "Int64",
    "number": "Float64",
    "date": "datetime64[us]",
    "moment": "datetime64[us]",
}


def plainly(value: Any) -> Any:
    return None if value is pd.NA or value is pd.NaT else value


def one(value: Any, kind: str) -> tuple[Any, Any, bool]:
    """Cast a value alone and between two others, to the same effect: value, partial, failed."""
    other = {"text": "x", "integer": "5", "number": "5", "date": "2020-01-01"}
    good = other.get(kind, "2020-01-01 01:00")
    alone, among = cast([value], kind), cast([good, value, None, good], kind)
    told = []
    for done, place in ((alone, 0), (among, 1)):
        column = pd.Series(done.column)
        beside = None if done.partial is None else plainly(done.partial[place])
        told.append((plainly(column.iloc[place]), beside, done.failed == [place]))
        assert done.failed in ([], [place])
        assert str(column.dtype) == DTYPES[kind]
    assert str(told[0]) == str(told[1])
    return told[0]


@pytest.mark.parametrize(
    ("variable_type", "kind"),
    [
        ("INTEGER", "integer"),
        ("Integer", "integer"),
        (" int ", "integer"),
        ("FLOAT", "number"),
        ("NUMBER", "number"),
        ("Numeric", "number"),
        ("DECIMAL", "number"),
        ("DOUBLE", "number"),
        ("DATE", "date"),
        ("DATETIME", "moment"),
        ("Date Time", "moment"),
        ("DATE_TIME", "moment"),
        ("TIMESTAMP", "moment"),
        ("TIME", "text"),
        ("TEXT", "text"),
        ("RADIO", "text"),
        ("CHECKBOX", "text"),
        ("MEMO", "text"),
        ("a type of next year", "text"),
        ("", "text"),
        (None, "text"),
    ],
    ids=repr,
)
def test_kind_of(variable_type: str | None, kind: str) -> None:
    assert kind_of(variable_type) == kind


# --- what becomes a value


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("7", "integer", 7),
        (" 7 ", "integer", 7),
        ("+7", "integer", 7),
        ("-7", "integer", -7),
        ("007", "integer", 7),
        ("12.0", "integer", 12),
        (7, "integer", 7),
        (7.0, "integer", 7),
        ("9007199254740993", "integer", 2**53 + 1),
        (9007199254740993, "integer", 2**53 + 1),
        ("-9223372036854775808", "integer", -(2**63)),
        ("9223372036854775807", "integer", 2**63 - 1),
        ("7", "number", 7.0),
        (" 7.5 ", "number", 7.5),
        (".5", "number", 0.5),
        ("1e3", "number", 1000.0),
        (7, "number", 7.0),
        (7.25, "number", 7.25),
        ("2024-05-01", "date", datetime(2024, 5, 1)),
        (" 2024-05-01 ", "date", datetime(2024, 5, 1)),
        ("2024-02-29", "date", datetime(2024, 2, 29)),
        ("0999-05-01", "date", datetime(999, 5, 1)),
        ("9999-12-31", "date", datetime(9999, 12, 31)),
        ("2024-05-01T00:00:00", "date", datetime(2024, 5, 1)),
        ("2024-05-01 00:00", "date", datetime(2024, 5, 1)),
        ("2024-05-01 10:30", "moment", datetime(2024, 5, 1, 10, 30)),
        ("2024-05-01 10:30:15", "moment", datetime(2024, 5, 1, 10, 30, 15)),
        ("2024-05-01T10:30", "moment", datetime(2024, 5, 1, 10, 30)),
        ("1850-05-01 10:30", "moment", datetime(1850, 5, 1, 10, 30)),
        ("9999-12-31 23:59", "moment", datetime(9999, 12, 31, 23, 59)),
        ("a", "text", "a"),
        (" a ", "text", " a "),
        ("nan", "text", "nan"),
        ("NA", "text", "NA"),
        ("today", "text", "today"),
        (True, "text", "true"),
        (False, "text", "false"),
        (0, "text", "0"),
        (1.5, "text", "1.5"),
        ([1, "ä"], "text", '[1, "ä"]'),
        ({"a": None}, "text", '{"a": null}'),
    ],
    ids=repr,
)
def test_what_is_a_value(value: Any, kind: str, expected: Any) -> None:
    assert one(value, kind) == (expected, None, False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, ""], ids=["null", "empty"])
def test_nothing_is_missing_and_no_failure(value: Any, kind: str) -> None:
    assert one(value, kind) == (None, None, False)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_blanks_are_missing_where_text_is_not_meant(kind: str) -> None:
    assert one("  ", kind) == (None, None, False)


def test_blanks_stay_in_a_text() -> None:
    assert one("  ", "text") == ("  ", None, False)


# --- what is none

NO_NUMBERS = [
    "1e400",
    "-1e400",
    "1_000",
    "nan",
    "inf",
    "-Infinity",
    "0x1F",
    "7,5",
    "x",
    "1 2",
    "--1",
]
NO_SCALARS: list[Any] = [True, False, [1], [], {}, {"a": 1}]
FAILURES = [
    *((value, kind) for kind in ("integer", "number") for value in NO_NUMBERS + NO_SCALARS),
    *((value, kind) for kind in ("date", "moment") for value in NO_SCALARS),
    *((value, "integer") for value in ("1.5", 1.5, "9223372036854775808", 2**63, -(2**63) - 1)),
    *((value, "integer") for value in ("9" * 5000, math.inf, math.nan)),
    *((value, "number") for value in ("9" * 5000, 10**400, math.inf, math.nan)),
    *((v, "date") for v in ("2024-13-01", "2024-02-30", "2023-02-29", "2024-05-32", "2024-00-10")),
    *((v, "date") for v in ("2024-05-01T10:00:00Z", "2024-05-01 10:00", "2024-05-01T00:00:00Z")),
    *((v, "date") for v in ("2024-13-UN", "2024-05-01T00:00:00.5", "01/05/2024", "1 May 2024")),
    *((v, "date") for v in ("today", "now", "NaT", "nan", "x", 20240501, 5.5)),
    *((v, "moment") for v in ("2024-05-01T10:00:00Z", "2024-05-01 10:00+02:00")),
    *((v, "moment") for v in ("2024-13-01 10:00", "2024-02-30 10:00", "2024-05-01 25:00")),
    *((v, "moment") for v in ("today", "now", "NaT", "10:00", "x", 1714557600)),
]


@pytest.mark.parametrize(
    ("value", "kind"), FAILURES, ids=[f"{kind} {value!r:.30}" for value, kind in FAILURES]
)
def test_what_cannot_be_cast_is_told(value: Any, kind: str) -> None:
    assert one(value, kind) == (None, None, True)


def test_a_whole_number_with_a_point_is_exact_or_told() -> None:
    value, _, failed = one("9007199254740993.0", "integer")
    assert failed or value == 2**53 + 1


PARTIAL = ["2024-UN-UN", "2024-05-UN", "2024-un-un", "2024-05-UNK", "UN-UN-UN", "UNK-UN-UN"]
PARTIAL += ["2024", "2024-05", " 2024-05-UN "]


@pytest.mark.parametrize("kind", ["date", "moment"])
@pytest.mark.parametrize("value", PARTIAL)
def test_a_partial_date_stands_beside(value: str, kind: str) -> None:
    assert one(value, kind) == (None, value, False)


@pytest.mark.parametrize("value", ["2024-05-UN 10:00", "2024-05-01 UN:UN", "2024-UN-UN UN:UN"])
def test_a_moment_may_be_partial_as_well(value: str) -> None:
    assert one(value, "moment") == (None, value, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_without_answers_has_its_type(kind: str) -> None:
    for values in ([], [None], ["", None]):
        done = cast(values, kind)
        assert str(pd.Series(done.column).dtype) == DTYPES[kind]
        assert len(done.column) == len(values)
        assert done.failed == []
        if kind in ("date", "moment"):
            assert str(done.partial.dtype) == "string"
            assert len(done.partial) == len(values)
        else:
            assert done.partial is None


def test_failures_are_told_by_position() -> None:
    done = cast(["1", "x", None, "2", "y", ""], "integer")
    assert done.failed == [1, 4]
    assert [plainly(v) for v in done.column] == [1, None, None, 2, None, None]


def test_one_odd_value_does_not_change_the_others() -> None:
    column = cast([str(2**53 + 1), None, "x"], "integer").column
    assert column[0] == 2**53 + 1


@pytest.mark.parametrize("text", ["1e0001", "1e-1000"])
@pytest.mark.parametrize("beside", ["2", "x"], ids=["a number", "no number"])
def test_a_long_exponent_is_read_alike_whatever_stands_beside(text: str, beside: str) -> None:
    done = cast([text, beside], "number")
    assert (done.column[0], 0 in done.failed) == (float(text), False)


# --- anything at all


def naive(value: Any, kind: str) -> Any:
    """What a number or text becomes, by Python alone: the value, or None if it has to fail."""
    if kind == "text":
        if isinstance(value, bool):
            return str(value).lower()
        return (
            json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value)
        )
    if isinstance(value, (bool, list, dict)) or (isinstance(value, str) and "_" in value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


DIGITS = st.text("0123456789-+.:_TZ UNKeE ", max_size=20)
DATES = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda m: m.isoformat(" ", "minutes")),
    st.datetimes().map(lambda m: m.isoformat()),
    st.from_regex(r"[0-9]{4}-([0-9]{2}|UN)-([0-9]{2}|UN)( [0-9]{2}:[0-9]{2})?", fullmatch=True),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(2**53, 2**64),
    st.floats(),
    st.text(max_size=12),
    DIGITS,
    DATES,
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["today", "now", "NaT", "nan", "1e400", "1_0", " ", "0001-01-01"]),
)
VALUES = st.lists(
    st.one_of(
        SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.text(max_size=3), SCALARS)
    ),
    max_size=8,
)


@pytest.mark.parametrize("kind", KINDS)
@given(values=VALUES)
@example(values=["0001-01-01", "9999-12-31"])
@example(values=["0001-01-01 00:00"])
@example(values=["9" * (sys.get_int_max_str_digits() + 1)])
def test_each_answer_is_a_value_or_partial_or_failed_or_missing(kind: str, values: Any) -> None:
    done = cast(values, kind)
    column = pd.Series(done.column)
    assert str(column.dtype) == DTYPES[kind]
    assert len(column) == len(values)
    assert done.failed == sorted(set(done.failed))
    for position, value in enumerate(values):
        blank = value is None or value == "" or (kind != "text" and str(value).isspace())
        told = {
            "value": bool(column.notna().iloc[position]),
            "partial": done.partial is not None and plainly(done.partial[position]) is not None,
            "failed": position in done.failed,
            "missing": blank,
        }
        assert sum(told.values()) == 1, (value, told)
        if told["partial"]:
            assert done.partial[position] == value


@pytest.mark.parametrize("kind", ["text", "number"])
@given(values=VALUES)
def test_values_are_those_that_python_reads(kind: str, values: Any) -> None:
    column = pd.Series(cast(values, kind).column)
    for position, value in enumerate(values):
        if value is None or value == "" or (kind == "number" and str(value).isspace()):
            continue
        assert plainly(column.iloc[position]) == naive(value, kind), value


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=8))
def test_whole_numbers_are_exact(numbers: Any) -> None:
    texts = [None if n is None else str(n) for n in numbers]
    for values in (numbers, texts, ["x", *texts]):
        done = cast(values, "integer")
        assert [plainly(v) for v in done.column][-len(numbers) or len(values) :] == numbers
        assert done.failed == [0] * (values[:1] == ["x"])


@given(st.lists(st.dates(date(1, 1, 2)), max_size=8))
def test_dates_are_as_entered(days: Any) -> None:
    column = pd.Series(cast([str(day) for day in days], "date").column)
    assert [moment.date() for moment in column] == days
    assert all(moment == moment.normalize() for moment in column)


@given(st.lists(st.datetimes(datetime(1, 1, 2)).map(lambda m: m.replace(second=0, microsecond=0))))
def test_moments_are_as_entered(moments: Any) -> None:
    texts = [moment.isoformat(" ", "minutes") for moment in moments]
    column = pd.Series(cast(texts, "moment").column)
    assert [moment.to_pydatetime() for moment in column] == moments


def test_the_column_does_not_share_memory_with_the_answers() -> None:
    values = ["1", None, "3"]
    done = cast(values, "integer")
    values[0] = "9"
    assert np.array_equal(done.column.to_numpy("float64", na_value=0), [1, 0, 3])
