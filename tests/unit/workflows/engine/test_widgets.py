"""What widgets show, counted by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from imednet.errors import ConfigurationError
from imednet.models import WidgetConfig
from imednet_workflows.canonical import widget_table

EVENTS = pd.DataFrame(
    {
        "subject_key": pd.Series(["1", "1", "2", "3"], dtype="string"),
        "severity": pd.Series(["MILD", "MILD", "SEVERE", None], dtype="string"),
        "start_date": pd.Series(["2026-01-05", "2026-01-UN", "2026-03-01", "2026"], dtype="string"),
        "days": pd.Series([2, 4, None, 9], dtype="Int64"),
        "dose": pd.Series([0.5, 1.0, 2.0, None], dtype="Float64"),
    }
)
TABLES = {"adverse_events": EVENTS}


def shown(**fields: Any) -> pd.DataFrame:
    return widget_table(WidgetConfig(domain="AE", **fields), TABLES)


def plain(frame: pd.DataFrame) -> list[list[Any]]:
    rows = frame.astype(object)
    return rows.where(rows.notna(), None).values.tolist()


@pytest.mark.parametrize(
    ("fields", "columns", "rows"),
    [
        ({"type": "number"}, ["rows"], [[4]]),
        ({"type": "number", "y_axis": "subjects"}, ["subjects"], [[3]]),
        ({"type": "number", "y_axis": "days"}, ["mean days"], [[5.0]]),
        (
            {"type": "bar", "x_axis": "severity"},
            ["severity", "rows"],
            [["MILD", 2], ["SEVERE", 1], ["not given", 1]],
        ),
        (
            {"type": "bar", "x_axis": "severity", "y_axis": "subjects"},
            ["severity", "subjects"],
            [["MILD", 1], ["SEVERE", 1], ["not given", 1]],
        ),
        (
            {"type": "bar", "x_axis": "severity", "y_axis": "days"},
            ["severity", "mean days"],
            [["not given", 9.0], ["MILD", 3.0], ["SEVERE", None]],
        ),
        (
            {"type": "line", "x_axis": "start_date"},
            ["month", "rows"],
            [["2026-01", 2], ["2026-02", 0], ["2026-03", 1]],
        ),
        (
            {"type": "line", "x_axis": "start_date", "y_axis": "dose"},
            ["month", "mean dose"],
            [["2026-01", 0.75], ["2026-02", None], ["2026-03", 2.0]],
        ),
        (
            {"type": "scatter", "x_axis": "days", "y_axis": "dose"},
            ["days", "dose"],
            [[2, 0.5], [4, 1.0]],
        ),
        (
            {"type": "table", "x_axis": "subject_key", "y_axis": "days"},
            ["subject_key", "days"],
            [["1", 2], ["1", 4], ["2", None], ["3", 9]],
        ),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_it_is_counted(fields: dict[str, Any], columns: list[str], rows: list[Any]) -> None:
    found = shown(**fields)
    assert list(found.columns) == columns
    assert plain(found) == rows


def test_a_table_of_no_fields_shows_all() -> None:
    assert list(shown(type="table").columns) == list(EVENTS.columns)


@pytest.mark.parametrize(
    ("fields", "left_out"),
    [
        ({"type": "line", "x_axis": "start_date"}, 1),
        ({"type": "scatter", "x_axis": "days", "y_axis": "dose"}, 2),
    ],
    ids=["line", "scatter"],
)
def test_what_has_no_place_is_counted(fields: dict[str, Any], left_out: int) -> None:
    assert shown(**fields).attrs["left_out"] == left_out


def test_a_mistyped_year_makes_no_row_for_each_month_since() -> None:
    events = pd.DataFrame({"start_date": ["0202-01-05", "2026-01-05"]})
    widget = WidgetConfig(type="line", domain="AE", x_axis="start_date")
    found = widget_table(widget, {"adverse_events": events})
    assert found["month"].tolist() == ["0202-01", "2026-01"]


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({"type": "number"}, [[0]]),
        ({"type": "number", "y_axis": "days"}, [[None]]),
        ({"type": "bar", "x_axis": "severity"}, []),
        ({"type": "line", "x_axis": "start_date"}, []),
        ({"type": "scatter", "x_axis": "days", "y_axis": "dose"}, []),
        ({"type": "table"}, []),
    ],
    ids=lambda value: str(value.get("type")) if isinstance(value, dict) else None,
)
def test_no_rows_at_all(fields: dict[str, Any], rows: list[Any]) -> None:
    widget = WidgetConfig(domain="AE", **fields)
    assert plain(widget_table(widget, {"adverse_events": EVENTS.iloc[:0]})) == rows


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"type": "pie"}, r"^type: 'pie' is no widget: give number, bar, line, scatter, table$"),
        ({}, r"^type: None is no widget"),
        ({"type": "table", "domain": "XY"}, r"^domain: 'XY' is no canonical table: give adverse_"),
        ({"type": "bar"}, r"^bar: no field is named: give one of subject_key, severity"),
        ({"type": "bar", "x_axis": "size"}, r"^bar: 'size' is no field of AE: give one of"),
        ({"type": "scatter", "x_axis": "days"}, r"^scatter: no field is named"),
        (
            {"type": "number", "y_axis": "severity"},
            r"^number: severity holds text, not numbers: name a numeric field",
        ),
    ],
    ids=["type", "no type", "domain", "no field", "field", "one field", "text"],
)
def test_what_cannot_be_shown_says_why(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        widget_table(WidgetConfig(**{"domain": "AE", **fields}), TABLES)
