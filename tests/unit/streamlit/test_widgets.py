"""Widgets on the page's grid."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from imednet.models import WidgetConfig
from imednet_streamlit.widgets import rows_of


def widths(*columns: int | None) -> list[list[int | None]]:
    rows = rows_of([WidgetConfig(layout_cols=each) for each in columns])
    return [[widget.layout_cols for widget in row] for row in rows]


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ((), []),
        ((6, 6), [[6, 6]]),
        ((6, 7), [[6], [7]]),
        ((3, 3, 3, 3, 3), [[3, 3, 3, 3], [3]]),
        ((None, 4), [[None], [4]]),
        ((0, 99, -3), [[0], [99], [-3]]),
    ],
    ids=["none", "two", "too wide", "five", "whole", "odd"],
)
def test_widgets_stand_side_by_side_as_far_as_they_fit(
    columns: tuple[int | None, ...], rows: list[list[int | None]]
) -> None:
    assert widths(*columns) == rows


def page() -> None:
    import pandas as pd

    from imednet.models import WidgetConfig
    from imednet_streamlit.widgets import grid

    events = pd.DataFrame(
        {
            "subject_key": pd.Series(["1", "2"], dtype="string"),
            "severity": pd.Series(["MILD", None], dtype="string"),
            "start_date": pd.Series(["2026-01-05", "2026"], dtype="string"),
            "days": pd.Series([2, 4], dtype="Int64"),
            "dose": pd.Series([0.5, None], dtype="Float64"),
        }
    )
    empty = events.iloc[:0]
    widgets = [
        WidgetConfig("n", "number", "*Days*", "ae", None, "days", 2),
        WidgetConfig("b", "bar", "B", "ae", "severity", "rows", 4),
        WidgetConfig("l", "line", "L", "ae", "start_date", "subjects", 6),
        WidgetConfig("s", "scatter", "S", "ae", "days", "dose", 6),
        WidgetConfig("t", "table", "[T](x)", "ae", None, None, 6),
        WidgetConfig("e", "bar", None, "dv", "severity", "rows", 12),
    ]
    grid(widgets, {"adverse_events": events, "protocol_deviations": empty})


def test_every_kind_is_drawn_with_a_table_behind_it() -> None:
    at = AppTest.from_function(page).run()
    assert not at.exception
    assert (at.metric[0].label, at.metric[0].value) == ("\\*Days\\*", "3.0")
    assert len(at.get("vega_lite_chart")) == 3
    frames = [set(table.value.columns) for table in at.dataframe]
    assert {"Severity", "Rows"} in frames
    assert {"Month", "Subjects"} in frames
    assert {"Days", "Dose"} in frames
    assert "\\[T\\]\\(x\\)" in "".join(text.value for text in at.markdown)
    assert "1 row has no value to stand at" in "".join(text.value for text in at.caption)
    assert "nothing to show here yet" in at.info[0].value
