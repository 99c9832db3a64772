"""Conditions to filter text: read back by the simulator's own parser, which shares no code."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.filters import Attribute, alternatives, packed, sort_order, value_text
from imednet_simulator.filters import Condition, parse

TEXT = Attribute("site_name", "siteName", "text")
NUMBER = Attribute("site_id", "siteId", "integer")
MOMENT = Attribute("date_modified", "dateModified", "timestamp")
DAY = Attribute("due_date", "dueDate", "date")
FLAG = Attribute("deleted", "deleted", "boolean")


class Scalar:
    """Stands in for NumPy's scalars, which give Python's with `item()`."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def item(self) -> Any:
        return self._value


def written(*conditions: tuple[Attribute, Any], raw: str | None = None) -> list[str]:
    found = alternatives(raw, conditions)
    assert found is not None
    return list(found)


# --- quoting


@given(st.text())
def test_no_text_can_change_what_a_filter_means(text: str) -> None:
    (filter_text,) = written((TEXT, text), (NUMBER, 3))
    assert parse(filter_text) == [
        [Condition("siteName", "==", text), Condition("siteId", "==", "3")]
    ]


@given(st.lists(st.text(alphabet='";,\\=<>!~ \n\ta1'), min_size=1, unique=True))
def test_no_text_of_an_any_of_can_change_what_it_means(texts: list[str]) -> None:
    joined = ",".join(written((TEXT, texts), (FLAG, False)))
    assert parse(joined) == [
        [Condition("siteName", "==", text), Condition("deleted", "==", "false")] for text in texts
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("S-01", "S-01"),
        ("a.b:c_d", "a.b:c_d"),
        ("Chicago Hope", '"Chicago Hope"'),
        ("", '""'),
        ('say "no"', r'"say \"no\""'),
        ("a\\b", r'"a\\b"'),
        ("a;b,c", '"a;b,c"'),
        ("x==1", '"x==1"'),
        ("Köln", '"Köln"'),
        ("-1", "-1"),
        ("a\nb", '"a\nb"'),
    ],
    ids=repr,
)
def test_text_is_quoted_where_needed(value: str, text: str) -> None:
    assert value_text(value) == text


# --- numbers, flags


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (-3, "-3"),
        (10**20, "100000000000000000000"),
        (3.0, "3"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e16, "10000000000000000"),
        (Decimal("1.50"), "1.50"),
        (True, "true"),
        (False, "false"),
        (Scalar(7), "7"),
        (Scalar(7.5), "7.5"),
        (Scalar(True), "true"),
        (Scalar(datetime(2024, 5, 1)), "2024-05-01T00:00:00Z"),
    ],
    ids=lambda v: repr(v) if not isinstance(v, Scalar) else f"item-{v.item()}",
)
def test_numbers_and_flags(value: Any, text: str) -> None:
    assert value_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_as_itself(value: float) -> None:
    text = value_text(value)
    assert float(text) == value
    assert "e" not in text


def test_numpys_own_scalars() -> None:
    texts = [value_text(numpy.int64(3)), value_text(numpy.float32(0.5)), value_text(numpy.True_)]
    assert texts == ["3", "0.5", "true"]


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), float("inf"), Decimal("NaN"), Scalar(None), Scalar(float("nan")), {}, []],
    ids=lambda v: repr(v) if not isinstance(v, Scalar) else f"item-{v.item()}",
)
def test_what_cannot_be_compared_is_refused(value: Any) -> None:
    shown = repr(value.item() if isinstance(value, Scalar) else value)
    with pytest.raises(TypeError) as caught:
        value_text(value)
    assert str(caught.value) == (
        f"{shown} cannot be compared with: give text, a number, True or False, a date or a "
        "datetime; leave the argument out to set no condition"
    )


@pytest.mark.parametrize("kind", ["timestamp", "date"])
@pytest.mark.parametrize("value", [5, 1.5, True, Decimal(1), Scalar(1_714_521_600_000_000_000)])
def test_a_number_is_no_moment(value: Any, kind: str) -> None:
    """NumPy gives its nanoseconds as a whole number: compared as one, it would match nothing."""
    shown = value.item() if isinstance(value, Scalar) else value
    with pytest.raises(TypeError) as caught:
        value_text(value, kind)
    assert str(caught.value) == (
        f"{shown!r} is no moment: give a datetime, a date, or text in ISO 8601"
    )


class NotATime(datetime):
    """As pandas' NaT: a datetime that does not equal itself."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = datetime.__hash__


def test_a_datetime_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be compared with"):
        value_text(NotATime(2024, 5, 1))


# --- moments and dates


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (datetime(2024, 5, 1, 10, 30), "timestamp", "2024-05-01T10:30:00Z"),
        (datetime(2024, 5, 1, 10, 30, tzinfo=UTC), "timestamp", "2024-05-01T10:30:00Z"),
        (
            datetime(2024, 5, 1, 10, 30, tzinfo=timezone(timedelta(hours=-5))),
            "timestamp",
            "2024-05-01T15:30:00Z",
        ),
        (datetime(2024, 5, 1, 0, 0, 0, 500), "timestamp", "2024-05-01T00:00:00.000500Z"),
        (date(2024, 5, 1), "timestamp", "2024-05-01T00:00:00Z"),
        (date(2024, 5, 1), "date", "2024-05-01"),
        (datetime(2024, 5, 1), "date", "2024-05-01"),
        (datetime(2024, 5, 1, 2, tzinfo=timezone(timedelta(hours=2))), "date", "2024-05-01"),
        ("2024-05-01", "date", "2024-05-01"),
        ("2024-05-01T10:00:00+02:00", "timestamp", "2024-05-01T08:00:00Z"),
        ("2024-05-01 10:00:00", "timestamp", "2024-05-01T10:00:00Z"),
        ("2024-05-01", "timestamp", "2024-05-01T00:00:00Z"),
        ("2024-05-01T10:00:00", "date", "2024-05-01"),
        ("007", "integer", "7"),
        ("True", "boolean", "true"),
        (" FALSE ", "boolean", "false"),
        ("yes", "boolean", "yes"),
        (1, "boolean", "true"),
        (0.0, "boolean", "false"),
        (2, "boolean", "2"),
        ("True", "text", "True"),
    ],
    ids=str,
)
def test_moments_and_dates(value: Any, kind: str, text: str) -> None:
    assert value_text(value, kind) == text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            (">=", "01/02/2026"),
            "date_created: '01/02/2026' is not a timestamp: give a date or a datetime, or text "
            "such as 2026-01-31 or 2026-01-31T10:00:00Z",
        ),
        (
            (">=", " "),
            "date_created: ' ' is not a timestamp: give a date or a datetime, or text such as "
            "2026-01-31 or 2026-01-31T10:00:00Z",
        ),
        (
            datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
            "date_created: date value out of range",
        ),
    ],
    ids=["no-moment", "blank", "beyond-the-calendar"],
)
def test_a_moment_that_cannot_be_read_is_refused_by_the_arguments_name(
    value: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=r"^date_created: ") as caught:
        written((Attribute("date_created", "dateCreated", "timestamp"), value))
    assert str(caught.value) == said


def test_a_time_of_day_in_a_date_field_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^due_date: ") as caught:
        written((DAY, datetime(2024, 5, 1, 10)))
    assert str(caught.value) == (
        "due_date: 2024-05-01 10:00:00+00:00 has a time of day, and the field is a date: "
        "give a date"
    )


# --- conditions


@pytest.mark.parametrize(
    ("conditions", "filters"),
    [
        ([(NUMBER, 1)], ["siteId==1"]),
        ([(NUMBER, ("!=", 1))], ["siteId!=1"]),
        ([(NUMBER, (">=", 1)), (FLAG, False)], ["siteId>=1;deleted==false"]),
        ([(NUMBER, [1, 2])], ["siteId==1", "siteId==2"]),
        ([(NUMBER, [1, 2, 1])], ["siteId==1", "siteId==2"]),
        ([(NUMBER, [1])], ["siteId==1"]),
        ([(NUMBER, {7})], ["siteId==7"]),
        ([(NUMBER, frozenset({7}))], ["siteId==7"]),
        ([(NUMBER, [])], []),
        ([(NUMBER, []), (FLAG, False)], []),
        (
            [(NUMBER, [1, 2]), (TEXT, "x")],
            ["siteId==1;siteName==x", "siteId==2;siteName==x"],
        ),
        (
            [(NUMBER, [1, 2]), (TEXT, ["x", "y"])],
            [
                "siteId==1;siteName==x",
                "siteId==1;siteName==y",
                "siteId==2;siteName==x",
                "siteId==2;siteName==y",
            ],
        ),
        ([(MOMENT, (">", datetime(2024, 5, 1)))], ["dateModified>2024-05-01T00:00:00Z"]),
    ],
    ids=str,
)
def test_conditions_are_written_out(
    conditions: list[tuple[Attribute, Any]], filters: list[str]
) -> None:
    assert written(*conditions) == filters


def test_no_condition_is_no_filter() -> None:
    assert alternatives(None, []) is None


def test_a_raw_filter_stands_alone_as_it_is() -> None:
    assert written(raw='a==1,b=="x,y"') == ['a==1,b=="x,y"']


def test_a_raw_filter_stands_before_other_conditions() -> None:
    assert written((NUMBER, [1, 2]), raw='a=="x,y"') == [
        'a=="x,y";siteId==1',
        'a=="x,y";siteId==2',
    ]


@pytest.mark.parametrize("raw", ["a==1,b==2", 'a=="x\\"",b==2', "a==1,"])
def test_a_raw_filter_with_or_beside_conditions_says_how_to_write_it(raw: str) -> None:
    with pytest.raises(ValueError, match="holds ','") as caught:
        alternatives(raw, [(NUMBER, 1)])
    assert str(caught.value) == (
        f"filter={raw!r} holds ',' (or), which binds looser than the ';' (and) that would "
        "join it to the other conditions. Give the alternatives as a list (site_id=[1, 2]), "
        "or write everything in filter=, with the other conditions in each alternative: "
        "'siteId==1;deleted==false,siteId==2;deleted==false'"
    )


@pytest.mark.parametrize("raw", ['a=="x', 'a=="x\\"', 'a==x"'])
def test_a_raw_filter_with_an_open_quote_would_swallow_what_follows(raw: str) -> None:
    with pytest.raises(ValueError, match="never closed") as caught:
        alternatives(raw, [(NUMBER, 1)])
    assert str(caught.value) == f"filter={raw!r} has a double quote that is never closed"


@pytest.mark.parametrize("raw", ["", "  ", 5, ["a==1"]], ids=repr)
def test_a_raw_filter_is_text(raw: Any) -> None:
    with pytest.raises(ValueError, match="filter is") as caught:
        alternatives(raw, [])
    assert str(caught.value) == (
        f"filter is {raw!r}: give text such as 'siteId==3', or leave it out"
    )


@pytest.mark.parametrize(
    "value",
    [("~", 1), ("=", 1), (1, 2), (">",), (">", 1, 2), (), ("==", [1, 2]), ("==", (1,))],
    ids=repr,
)
def test_a_tuple_that_is_no_comparison_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="site_id is") as caught:
        written((NUMBER, value))
    assert str(caught.value) == (
        f"site_id is {value!r}: a comparison is (operator, value) with one of == != < <= > >=; "
        "for any of several values give a list"
    )


@pytest.mark.parametrize("value", [None, [1, None], (">", None), {"a": 1}], ids=repr)
def test_a_value_that_cannot_be_compared_names_the_argument(value: Any) -> None:
    with pytest.raises(TypeError, match=r"^site_id: .* cannot be compared with: give text"):
        written((NUMBER, value))


# --- packing


@given(st.lists(st.text(alphabet='a1"; é', min_size=1), max_size=40), st.integers(1, 60))
def test_packing_loses_nothing_and_keeps_within_the_room(texts: list[str], room: int) -> None:
    filters = list(packed(texts, room))
    assert ",".join(filters) == ",".join(texts)
    counts = [sum(1 for _ in part) for part in _parts(texts, filters)]
    for filter_text, count in zip(filters, counts, strict=True):
        assert len(quote(filter_text, safe="")) <= room or count == 1


def _parts(texts: list[str], filters: list[str]) -> list[list[str]]:
    """Find which of the texts went into which filter."""
    left, parts = list(texts), []
    for filter_text in filters:
        part: list[str] = []
        while ",".join(part) != filter_text:
            part.append(left.pop(0))
        parts.append(part)
    assert left == []
    return parts


@given(st.lists(st.integers(0, 10**6), min_size=2), st.integers(10, 60))
def test_packing_wastes_no_room(numbers: list[int], room: int) -> None:
    texts = [f"a=={n}" for n in numbers]
    filters = list(packed(texts, room))
    for filter_text, later in itertools.pairwise(filters):
        first = later.split(",")[0]
        assert len(quote(f"{filter_text},{first},", safe="")) > room


# --- sort


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("site_name", [("siteName", False)]),
        ("siteName", [("siteName", False)]),
        ("site_name,DESC", [("siteName", True)]),
        (" site_name , desc ", [("siteName", True)]),
        (["site_name,ASC", "site_id,DESC"], [("siteName", False), ("siteId", True)]),
        (("site_id",), [("siteId", False)]),
        ("somethingNew,DESC", [("somethingNew", True)]),
        ([], []),
    ],
    ids=str,
)
def test_sort(sort: Any, order: list[tuple[str, bool]]) -> None:
    assert sort_order(sort, {"site_name": "siteName", "site_id": "siteId"}) == order


@pytest.mark.parametrize("sort", ["", " ", ",DESC", "site_name,up", "a,ASC,b", 5])
def test_a_sort_that_makes_no_sense_is_refused(sort: Any) -> None:
    with pytest.raises(ValueError, match="sort is") as caught:
        sort_order(sort, {})
    assert str(caught.value) == (
        f"sort is {sort!r}: give 'site_name', 'site_name,DESC', or a list of those"
    )
