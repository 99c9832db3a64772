"""Tables that can be searched, and downloads in which no text can run as a formula."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from imednet.output import cell, guarded
from imednet_workflows.config_store import Change

__all__ = [
    "LABELS",
    "as_csv",
    "as_excel",
    "changes",
    "label",
    "labelled",
    "matching",
    "plain_text",
    "readable",
    "show",
]

#: Rows shown at once; downloads hold them all.
SHOWN = 1000
#: What an Excel sheet holds, without its head.
EXCEL_ROWS = 1_048_575
#: How columns are called where their own name is not words enough.
LABELS = {
    "age_days": "Age (days)",
    "annotation_id": "Query",
    "annotation_type": "Type",
    "closed_at": "Closed at (UTC)",
    "completion_percent": "Complete (%)",
    "days_due": "Days since due",
    "discontinuation_percent": "Discontinued (% of enrolled)",
    "form_key": "Form",
    "form_name": "Form",
    "interval_name": "Visit",
    "kri": "Indicator",
    "last_opened": "Last opened (UTC)",
    "late_percent": "Late (%)",
    "median_days": "Median (days)",
    "opened": "Opened (UTC)",
    "p90_days": "90th percentile (days)",
    "planned": "Target",
    "reopened": "Times reopened",
    "screen_failure_percent": "Screen failures (% of screened)",
    "sdv_percent": "Verified (%)",
    "site_enrollment_status": "Site status",
    "site_name": "Site",
    "state_name": "State",
    "status": "Status",
    "subject_key": "Subject",
    "subject_status": "Status",
    "target_percent": "Of target (%)",
    "total_age_days": "Age since first opened (days)",
    "turn": "Whose turn",
    "turn_name": "Whose turn",
    "turn_days": "Waiting (days)",
    "weeks_of_work": "Weeks of work",
}


def label(name: str, labels: Mapping[str, str] | None = None) -> str:
    """Return what a column is called on a page."""
    given = (labels or {}).get(name) or LABELS.get(name)
    if given is None and name != name.lower():  # words already
        return name
    return given or name.replace("_", " ").capitalize()


def labelled(frame: pd.DataFrame, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the frame with its columns called as on a page, each by a name of its own."""
    names: list[str] = []
    for column in map(str, frame.columns):
        called = label(column, labels)
        names.append(f"{called} ({column})" if called in names else called)
    return frame.set_axis(names, axis="columns")


def show(
    frame: pd.DataFrame,
    name: str,
    *,
    labels: Mapping[str, str] | None = None,
    search: bool = False,
) -> None:
    """Draw a table with its downloads; `name` names its files and is unique on the page.

    With `search` rows can be narrowed to those that hold a text.
    """
    named = labelled(frame, labels)
    if search:
        text = st.text_input(
            "Show only rows that contain", key=f"_search_{name}", placeholder="any text"
        )
        named = matching(named, text)
    shown = readable(named.head(SHOWN))
    st.dataframe(shown, hide_index=True, width="stretch", placeholder="-")
    if len(named) > SHOWN:
        st.caption(f"The first {SHOWN:,} of {len(named):,} rows are shown; the downloads hold all.")
    with st.container(horizontal=True):
        st.download_button(
            "CSV", lambda: as_csv(named), f"{name}.csv", "text/csv", key=f"_csv_{name}"
        )
        st.download_button(
            "Excel",
            lambda: as_excel(named),
            f"{name}.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            key=f"_excel_{name}",
            disabled=len(named) > EXCEL_ROWS,
        )


def changes(found: Sequence[Change], name: str) -> None:
    """Draw the differences of two configurations, or say that there are none."""
    if not found:
        st.info("Nothing.")
        return
    rows = [(each.path, _value(each.old), _value(each.new)) for each in found]
    show(pd.DataFrame(rows, columns=["Where", "Before", "After"], dtype="string"), name)


def _value(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def plain_text(text: str) -> str:
    """Return text that Markdown shows as it stands: nothing in it is a link, a picture, a sum."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|$:~])", r"\\\1", text)


def matching(frame: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return the rows in which any cell contains the text, without regard to case."""
    wanted = text.strip()
    if not wanted or frame.empty:
        return frame
    hits = pd.Series(False, index=frame.index)
    for column in frame.columns:
        words = frame[column].astype("string").fillna("")
        hits |= words.str.contains(re.escape(wanted), case=False).astype(bool)
    return frame[hits]


def as_csv(frame: pd.DataFrame) -> bytes:
    """Return CSV in UTF-8, with the mark by which Excel knows it."""
    safe = pd.DataFrame(
        [[guarded(cell(value)) for value in row] for row in _rows(frame)],
        columns=[guarded(str(column)) for column in frame.columns],
    )
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def as_excel(frame: pd.DataFrame) -> bytes:
    """Return an Excel workbook of one sheet: numbers as numbers, all else as text."""
    import xlsxwriter  # type: ignore[import-untyped]

    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet("Data")
        bold = book.add_format({"bold": True})
        for place, column in enumerate(frame.columns):
            sheet.write_string(0, place, guarded(str(column)), bold)
        for line, row in enumerate(_rows(frame), start=1):
            for place, value in enumerate(row):
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    sheet.write_number(line, place, value)
                elif value is not None:
                    sheet.write_string(line, place, guarded(cell(value))[:32767])
        sheet.freeze_panes(1, 0)
    return out.getvalue()


def _rows(frame: pd.DataFrame) -> list[list[Any]]:
    """Return the rows as plain Python values, None for what is not known."""
    columns = [
        [None if pd.isna(value) else _python(value) for value in frame[column].tolist()]
        for column in frame.columns
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _python(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        plain = value.to_pydatetime()
        midnight = value.tzinfo is None and value == value.normalize()
        return plain.date() if midnight else plain
    return value


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with dates as dates, and fractions cut to what can be read.

    Texts are guarded as in our downloads, as Streamlit's own download of what is shown
    writes them as they are.
    """
    shown = frame.rename(columns=guarded)
    for column in shown.columns:
        kind = shown[column].dtype
        if pd.api.types.is_datetime64_any_dtype(kind):
            has_zone = isinstance(kind, pd.DatetimeTZDtype)
            form = "%Y-%m-%d %H:%M" if has_zone else "%Y-%m-%d"
            shown[column] = shown[column].dt.strftime(form)
        elif pd.api.types.is_float_dtype(kind):
            large = bool((shown[column].abs() >= 10).fillna(False).any())
            shown[column] = shown[column].round(1 if large else 4)
        elif pd.api.types.is_string_dtype(kind) or pd.api.types.is_object_dtype(kind):
            shown[column] = shown[column].map(
                lambda value: guarded(value) if isinstance(value, str) else value
            )
    return shown
