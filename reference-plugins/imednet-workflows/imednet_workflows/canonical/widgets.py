"""What a widget shows: the rows behind it, from a canonical table.

`type` is one of TYPES. `y_axis` says what is counted: `rows` (also when it is None), `subjects`
(different ones), or a numeric field, of which the mean is taken. `x_axis` is the field counted
by; a line counts by the month of a date.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from imednet.errors import ConfigurationError
from imednet.models import WidgetConfig
from imednet_workflows.standards import table_name

__all__ = ["COUNTS", "TYPES", "value_column", "widget_table"]

#: What a widget can be, and what is said of it.
TYPES = {
    "number": "one number",
    "bar": "a bar for each value of a field",
    "line": "a line over the months of a date",
    "scatter": "a point for each row, two numeric fields against each other",
    "table": "the rows themselves",
}
#: What can be counted without naming a field.
COUNTS = ("rows", "subjects")
NOT_GIVEN = "not given"
MOST_MONTHS = 1200


def widget_table(widget: WidgetConfig, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows that a widget shows, from the `tables` of a CanonicalStudy.

    Columns: of a number `value_column(widget)`; of a bar the field of `x_axis` (text, `not
    given` where it is NA) and that column, largest first; of a line `month` (YYYY-MM, every
    month from first to last unless those are 100 years apart) and that column; of a scatter
    both fields, without rows that lack one; of a table the two fields if any is named, else
    all columns. A mean is NA where no row has a number. `frame.attrs["left_out"]` says how
    many rows have no value to stand at. Raises ConfigurationError that says what is wrong
    with the widget.

    Example:
        >>> events = pd.DataFrame({"subject_key": ["1", "1", "2"], "severity": ["MILD"] * 3})
        >>> widget = WidgetConfig(type="bar", domain="AE", x_axis="severity", y_axis="subjects")
        >>> widget_table(widget, {"adverse_events": events}).values.tolist()
        [['MILD', 2]]
    """
    frame = _frame(widget, tables)
    if widget.type == "table":
        named = [name for name in (widget.x_axis, widget.y_axis) if name]
        return frame[[_field(widget, frame, name) for name in named]] if named else frame
    if widget.type == "scatter":
        return _points(widget, frame)
    if widget.type == "number":
        whole = pd.Series("all", index=frame.index, dtype="string")
        counted = _counted(widget, frame, whole, "all").drop(columns="all")
        empty = 0 if value_column(widget) in COUNTS else pd.NA
        return counted if len(counted) else pd.DataFrame({value_column(widget): [empty]})
    name = _field(widget, frame, widget.x_axis)
    return _by_month(widget, frame, name) if widget.type == "line" else _bars(widget, frame, name)


def value_column(widget: WidgetConfig) -> str:
    """Return the name of the column with a widget's numbers: rows, subjects or `mean FIELD`."""
    counted = widget.y_axis or "rows"
    return counted if counted in COUNTS else f"mean {counted}"


def _frame(widget: WidgetConfig, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    if widget.type not in TYPES:
        raise ConfigurationError(f"type: {widget.type!r} is no widget: give {', '.join(TYPES)}")
    frame = tables.get(table_name(widget.domain or ""))
    if frame is None:
        known = ", ".join(sorted(tables))
        raise ConfigurationError(f"domain: {widget.domain!r} is no canonical table: give {known}")
    return frame


def _field(widget: WidgetConfig, frame: pd.DataFrame, name: str | None) -> str:
    if name in frame.columns:
        return str(name)
    known = ", ".join(map(str, frame.columns))
    what = "no field is named" if not name else f"{name!r} is no field of {widget.domain}"
    raise ConfigurationError(f"{widget.type}: {what}: give one of {known}")


def _number(widget: WidgetConfig, frame: pd.DataFrame, name: str | None) -> str:
    found = _field(widget, frame, name)
    if not pd.api.types.is_numeric_dtype(frame[found].dtype):
        raise ConfigurationError(
            f"{widget.type}: {found} holds text, not numbers: name a numeric field, "
            "or count rows or subjects"
        )
    return found


def _counted(
    widget: WidgetConfig, frame: pd.DataFrame, by: pd.Series[str], name: str
) -> pd.DataFrame:
    """Return what is counted for each value of `by`."""
    column = value_column(widget)
    grouped = frame.assign(**{name: by}).groupby(name, sort=True)
    if column == "rows":
        result = grouped.size()
    elif column == "subjects":
        result = grouped["subject_key"].nunique()
    else:
        result = grouped[_number(widget, frame, widget.y_axis)].mean()
    whole = column in COUNTS
    typed = result.astype("Int64") if whole else result.astype("Float64")
    return typed.rename(column).reset_index()


def _bars(widget: WidgetConfig, frame: pd.DataFrame, name: str) -> pd.DataFrame:
    words = frame[name].astype("string").fillna(NOT_GIVEN)
    counted = _counted(widget, frame, words, name)
    return counted.sort_values(
        value_column(widget), ascending=False, kind="stable", ignore_index=True
    )


def _by_month(widget: WidgetConfig, frame: pd.DataFrame, name: str) -> pd.DataFrame:
    words = frame[name].astype("string")
    months = words.where(words.str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])(-.*)?")).str[:7]
    known = frame[months.notna()]
    counted = _counted(widget, known, months.dropna(), "month")
    if len(counted):
        counted = _filled(counted, value_column(widget) in COUNTS)
    counted.attrs["left_out"] = len(frame) - len(known)
    return counted


def _filled(counted: pd.DataFrame, whole: bool) -> pd.DataFrame:
    """Return the months with those between them that have no rows, 0 where rows are counted."""
    first, last = (_ordinal(counted["month"].iloc[place]) for place in (0, -1))
    if last - first > MOST_MONTHS:  # a year mistyped: no row for each month since then
        return counted
    every = [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(first, last + 1)]
    months = pd.Index(every, dtype="string", name="month")
    filled = counted.set_index("month").reindex(months)
    return (filled.fillna(0) if whole else filled).reset_index()


def _ordinal(month: str) -> int:
    year, number = month.split("-")
    return 12 * int(year) + int(number) - 1


def _points(widget: WidgetConfig, frame: pd.DataFrame) -> pd.DataFrame:
    fields = [_number(widget, frame, name) for name in (widget.x_axis, widget.y_axis)]
    found = frame[list(dict.fromkeys(fields))].dropna().reset_index(drop=True)
    found.attrs["left_out"] = len(frame) - len(found)
    return found
