"""Tables: rows kept in columns, changed, selected and sorted."""

from __future__ import annotations

import contextlib
import tracemalloc
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet_simulator import schema
from imednet_simulator.columns import KINDS, day_number, moment_text
from imednet_simulator.store import Cache, Selection, Table
from imednet_simulator.story import tell

BY_ID = (("siteId", "ASC"),)


def sites() -> Table:
    table = Table(schema.SITES, "S")
    for number, name in ((1, "b"), (2, None), (3, "a")):
        table.add(siteId=number, siteName=name, dateCreated=number * 60)
    return table


def test_rows_are_shown_as_on_the_wire() -> None:
    assert sites().render([2]) == [
        {
            "studyKey": "S",
            "siteId": 3,
            "siteName": "a",
            "siteEnrollmentStatus": None,
            "dateCreated": "1970-01-01 00:03:00",
            "dateModified": None,
        }
    ]


def test_unknown_field() -> None:
    with pytest.raises(TypeError, match="sites has no field nope"):
        sites().add(siteId=4, nope=1)


def test_rows_can_be_changed_and_found() -> None:
    table = sites()
    table.change(1, siteName="c", dateCreated=None)
    assert table.find("siteName", "c") == [1]
    assert table.value(1, "dateCreated") is None
    assert table.next_key() == 4


def test_cache_sees_changes() -> None:
    table, cache = sites(), Cache(size=2)
    wanted = Selection(BY_ID, filter="siteName==a")
    assert list(cache.rows(table, wanted)) == [2]
    table.change(0, siteName="a")
    assert list(cache.rows(table, wanted)) == [0, 2]
    table.add(siteId=4, siteName="a")
    assert list(cache.rows(table, wanted)) == [0, 2, 3]


def test_cache_is_small() -> None:
    table, cache = sites(), Cache(size=2)
    for number in range(5):
        cache.rows(table, Selection(BY_ID, filter=f"siteId=={number}"))
    assert len(cache._kept) == 2


def test_default_order_costs_nothing() -> None:
    assert Cache().rows(sites(), Selection(BY_ID)) == range(3)


def test_days_and_moments() -> None:
    assert day_number("1970-01-02") == 1
    assert moment_text(-1) == "1969-12-31 23:59:59"
    with pytest.raises(ValueError, match="not a date"):
        day_number("1970-1-2")


@given(st.text(max_size=25), st.sampled_from(sorted(KINDS)))
def test_a_value_is_read_or_refused(text: str, kind: str) -> None:
    column = KINDS[kind]()
    with contextlib.suppress(ValueError, OverflowError):
        for op in column.operators:
            column.select(op, column.parse(text), [])


def test_a_record_takes_few_bytes() -> None:
    """With its revisions, queries and coding; 20,000 subjects are a million records."""
    tell(1, 12, 1, date(2026, 3, 2))  # what is shared between studies is made here
    tracemalloc.start()
    try:
        study = tell(200, 12, 1, date(2026, 3, 2))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept / len(study["records"]) < 1500
