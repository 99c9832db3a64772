"""The charts' specifications: what is told, and that words can be read on any background."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from imednet_streamlit import charts

COUNTS = pd.DataFrame({"site": ["A", "A", "B"], "n": [3, 4, 2], "turn": ["Site", "DM", "Site"]})
SHARES = pd.DataFrame({"site": ["A", "B"], "form": ["X", "X"], "percent": [10.0, None]})
WEEKS = pd.DataFrame({"week": pd.to_datetime(["2026-01-05", "2026-01-12"]), "open": [1, 2]})


def found(spec: Any, name: str) -> list[Any]:
    """All values of a name in a specification, however deep."""
    if isinstance(spec, list):
        return [value for each in spec for value in found(each, name)]
    if not isinstance(spec, dict):
        return []
    here = [spec[name]] if name in spec else []
    return here + [value for each in spec.values() for value in found(each, name)]


def bars(**options: Any) -> Any:
    return charts.bars(
        COUNTS, "Queries", category="site", value="n", names=("Site", "Queries"), **options
    )


MADE = {
    "bars": lambda: bars(),
    "stacked bars": lambda: bars(colour="turn"),
    "lines": lambda: charts.lines(
        WEEKS, "Weeks", x="week", series={"open": "Open"}, names=("Week", "Queries")
    ),
    "heat map": lambda: charts.heat_map(
        *(SHARES, "Pages"), row="site", column="form", value="percent", names=("Site", "Form", "%")
    ),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_chart_has_a_title_names_of_its_axes_and_tooltips(make: Any) -> None:
    spec = make().to_dict()
    assert found(spec, "title")
    assert all(axis.get("title") for name in "xy" for axis in found(spec, name))
    assert found(spec, "tooltip")


def test_single_bars_end_in_their_number_and_have_room_for_it() -> None:
    spec = bars().to_dict()
    (mark,) = [layer for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    assert mark["encoding"]["text"]["field"] == "n"
    assert mark["mark"]["color"] == {"expr": charts.INK.expr}
    assert all(scale["domain"][1] > 7 for scale in found(spec, "scale"))  # A has 3 + 4


@pytest.mark.parametrize(
    ("values", "form"),
    [([3, 1234567], ",.1~f"), ([0.5, 45.71], ",.1~f"), ([0.04, 1.563], ",.3~g"), ([], ",.1~f")],
    ids=["counts", "large", "small", "none"],
)
def test_the_number_at_a_bars_end_is_neither_long_nor_nothing(
    values: list[float], form: str
) -> None:
    assert charts._format(pd.Series(values, dtype="float64")) == form


def test_bars_below_zero_are_not_cut_off() -> None:
    rows = pd.DataFrame({"site": ["A", "B"], "n": [-1.5, 2.0]})
    spec = charts.bars(rows, "Mean", category="site", value="n", names=("Site", "Mean")).to_dict()
    assert not [scale for scale in found(spec, "scale") if "domain" in scale]


def test_bars_of_nothing_are_drawn() -> None:
    none = charts.bars(
        COUNTS.iloc[:0], "Queries", category="site", value="n", names=("Site", "Queries")
    )
    assert none.to_dict()


@pytest.mark.parametrize("colour", [None, "turn"], ids=["single", "stacked"])
def test_bars_that_are_left_to_the_table_are_told_in_the_title(colour: str | None) -> None:
    sites = [f"Site {number:02}" for number in range(charts.MOST + 2) for _ in range(2)]
    rows = pd.DataFrame({"site": sites, "n": 1, "turn": ["Site", "DM"] * (charts.MOST + 2)})
    names = ("Site", "Queries")
    chart = charts.bars(rows, "Queries", category="site", value="n", names=names, colour=colour)
    assert "Queries (the first 40 of 42)" in found(chart.to_dict(), "title")
    assert set(chart.data["site"]) == set(sites[: 2 * charts.MOST])


def test_stacked_bars_have_their_legend_below() -> None:
    (legend,) = [each for each in found(bars(colour="turn").to_dict(), "legend") if each]
    assert legend["orient"] == "bottom"


def test_a_cell_that_is_not_known_is_left_out() -> None:
    spec = MADE["heat map"]().to_dict()
    assert [row["site"] for rows in spec["datasets"].values() for row in rows] == ["A"]
