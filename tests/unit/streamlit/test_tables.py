"""Tables: what is shown, found, and downloaded, which can run no formula."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pandas as pd
import pytest

from imednet_streamlit import tables

BAD = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\uff1d1", "https://example.com/x", "fine"]


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "=name": pd.array(BAD, dtype="string"),
            "number": pd.array([1, None, 3, 4, 5, 6, 7, 8], dtype="Int64"),
            "share": pd.array([0.5] * 8, dtype="Float64"),
            "when": pd.Series([pd.Timestamp("2026-03-02 10:30", tz="UTC")] * 8),
            "day": pd.Series([pd.Timestamp("2026-03-02"), pd.NaT] * 4),
            "clean": pd.array([True, None] * 4, dtype="boolean"),
        }
    )


def test_csv_runs_no_formula(frame: pd.DataFrame) -> None:
    rows = list(csv.reader(io.StringIO(tables.as_csv(frame).decode("utf-8-sig"))))
    assert rows[0] == ["'=name", "number", "share", "when", "day", "clean"]
    assert [row[0] for row in rows[1:]] == [f"'{text}" for text in BAD[:6]] + BAD[6:]
    assert rows[1][1:] == ["1", "0.5", "2026-03-02T10:30:00Z", "2026-03-02", "true"]
    assert rows[2][1:] == ["", "0.5", "2026-03-02T10:30:00Z", "", ""]


def test_excel_runs_no_formula_and_has_no_links(frame: pd.DataFrame) -> None:
    with zipfile.ZipFile(io.BytesIO(tables.as_excel(frame))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        strings = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert "'=1+1" in strings
    assert "<v>0.5</v>" in sheet  # numbers stay numbers


def test_what_is_empty_downloads_too() -> None:
    empty = pd.DataFrame({"a": pd.Series([], dtype="string")})
    assert tables.as_csv(empty).decode("utf-8-sig") == "a\r\n"
    assert tables.as_excel(empty)[:2] == b"PK"


def test_matching_looks_in_every_cell_and_takes_text_as_it_is(frame: pd.DataFrame) -> None:
    assert tables.matching(frame, "")["number"].notna().sum() == 7
    assert tables.matching(frame, "=1+1")["=name"].tolist() == ["=1+1"]
    assert tables.matching(frame, " FINE ")["=name"].tolist() == ["fine"]
    assert len(tables.matching(frame, "2026-03-02 10:30")) == 8
    assert tables.matching(frame, "(").index.tolist() == [3]
    assert tables.matching(frame.head(0), "x").empty


def test_a_large_table_says_what_it_shows(
    monkeypatch: pytest.MonkeyPatch, dashboard: Any, ordinary: Any
) -> None:
    monkeypatch.setattr(tables, "SHOWN", 5)
    dashboard.connect(ordinary).open("data_completeness.py")
    assert "The first 5 of " in dashboard.said("caption")
    assert len(dashboard.frame("Days since due")) == 5


def test_a_search_narrows_a_table(dashboard: Any, ordinary: Any) -> None:
    dashboard.connect(ordinary).open("data_completeness.py")
    dashboard.at.text_input(key="_search_clean_subjects").input("withdrawn").run()
    shown = dashboard.frame("Clean")
    assert set(shown["Status"]) == {"Withdrawn"}


def test_labels_are_words() -> None:
    assert tables.label("site_name") == "Site"
    assert tables.label("risk_score") == "Risk score"
    assert tables.label("asof", {"asof": "As of"}) == "As of"


def test_what_is_shown_runs_no_formula_when_streamlit_itself_downloads_it(
    frame: pd.DataFrame,
) -> None:
    shown = tables.readable(frame)
    assert shown.columns[0] == "'=name"
    assert shown["'=name"].tolist() == [f"'{text}" for text in BAD[:6]] + BAD[6:]
    assert shown["number"].dropna().tolist() == [1, 3, 4, 5, 6, 7, 8]
    odd = pd.DataFrame({"mixed": ["=1", -1, None]}, dtype=object)
    assert tables.readable(odd)["mixed"].tolist() == ["'=1", -1, None]
