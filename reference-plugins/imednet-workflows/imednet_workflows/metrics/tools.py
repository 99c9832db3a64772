"""Small tools that the metrics share: checks, moments, joins, sums a group, ratios."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Column: TypeAlias = "pd.Series[Any]"

DAY = pd.Timedelta(days=1)


def moment(asof: date) -> pd.Timestamp:
    """Return the moment meant by `asof`, in UTC.

    A datetime is that moment (UTC if it has no zone); a date is the last instant
    of that day, so that ages in whole days are differences of calendar days.
    Raises ValueError for anything else.

    Example:
        >>> moment(datetime(2026, 3, 2, 12))
        Timestamp('2026-03-02 12:00:00+0000', tz='UTC')
        >>> moment(date(2026, 3, 2))
        Timestamp('2026-03-02 23:59:59.999999+0000', tz='UTC')
    """
    if not isinstance(asof, date) or pd.isna(asof):
        raise ValueError(f"asof: {asof!r} is not a date; give a date or a datetime")
    stamp = pd.Timestamp(asof).as_unit("us")
    stamp = stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")
    if isinstance(asof, datetime):
        return stamp
    return stamp + (DAY - pd.Timedelta(microseconds=1))


def calendar_day(now: pd.Timestamp) -> pd.Timestamp:
    """Return the UTC day of a moment, as frames hold dates: midnight, without a zone."""
    return now.tz_localize(None).normalize()


def calendar_days(stamps: Column) -> Column:
    """Return the UTC days of timestamps, as frames hold dates."""
    return stamps.dt.tz_localize(None).dt.normalize()


def whole_days(spans: Column) -> Column:
    """Return how many full days each span has (Int64; rounded down, also below zero)."""
    return spans.dt.days.astype("Int64")


def days_in(spans: Column) -> Column:
    """Return how many days each span has, with fractions (NaN for NaT)."""
    return spans.dt.total_seconds() / 86400


def need(frame: pd.DataFrame, names: Iterable[str], what: str) -> None:
    """Raise ValueError if the frame lacks one of these columns."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ValueError(
            f"{what}: column {', '.join(missing)} is missing; it has {', '.join(frame.columns)}"
        )


def one_of(value: object, allowed: Iterable[object], what: str) -> None:
    """Raise ValueError if the value is none of those allowed."""
    choices = list(allowed)
    if value not in choices:
        raise ValueError(f"{what}: {value!r} is not known; use {' or '.join(map(repr, choices))}")


def true(column: Column) -> Column:
    """Return where a nullable boolean is True."""
    return column.fillna(False).astype(bool)


def not_later(column: Column, now: pd.Timestamp) -> Column:
    """Return where a timestamp is not after that moment; unknown ones count as before."""
    return ~(column > now).fillna(False).astype(bool)


def lookup(keys: Column, table: pd.DataFrame, key: str, value: str) -> Column:
    """Return the table's value for each key, NA where there is none; the first of several."""
    known = table[[key, value]].dropna(subset=[key]).drop_duplicates(key)
    return known.set_index(key)[value].reindex(pd.Index(keys)).set_axis(keys.index)


def filled(values: Column, keys: Column, table: pd.DataFrame, key: str, value: str) -> Column:
    """Return the values, NA ones replaced by what `lookup` finds for their keys."""
    gaps = values.isna() & keys.notna()
    if not gaps.any():
        return values
    found = values.copy()
    found[gaps] = lookup(keys[gaps], table, key, value).array
    return found


def places(rows: pd.DataFrame, table: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Return where in the table each row stands: -1 if nowhere, or if part of it is NA.

    Both have the same columns; no row of the table is there twice, and none has an NA.
    """
    both = pd.concat([table, rows], ignore_index=True)
    keys, known = np.zeros(len(both), dtype=np.intp), np.ones(len(both), dtype=bool)
    for _, column in both.items():
        codes, values = pd.factorize(column)
        known &= codes >= 0
        keys, _ = pd.factorize(keys * len(values) + codes)
    # Numbers are given in the order of appearance, so those of the table are its own places.
    return np.where(known & (keys < len(table)), keys, -1)[len(table) :]


def only(frame: pd.DataFrame, kept: Column) -> pd.DataFrame:
    """Return the rows that are kept: the frame itself, not a copy, where that is all of them."""
    return frame if kept.all() else frame[kept]


def worded(words: Sequence[str], places: Column) -> Column:
    """Return the word at each place in `words`, as text."""
    taken = pd.array(list(words), dtype="string").take(places.to_numpy(dtype="int64"))
    return pd.Series(taken, index=places.index)


def within(keys: Column, members: Column) -> Column:
    """Return where a key is known and among the members."""
    wanted = members.dropna()
    if wanted.empty:
        return pd.Series(False, index=keys.index)
    return keys.isin(wanted).astype(bool) & keys.notna()


def tally(values: Mapping[str, Column], by: Column | list[Column] | None) -> pd.DataFrame:
    """Return the sums of the columns: a row a group (also for NA), or one row if `by` is None.

    The group is the first column, in rising order.
    """
    frame = pd.DataFrame(dict(values))
    if by is None:
        return pd.DataFrame({name: [column.sum()] for name, column in frame.items()})
    return frame.groupby(by, dropna=False).sum().reset_index()


def sizes(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return `rows`: how many there are of each combination of the keys, also of NA.

    What is counted by words is counted by these few, not by every row.
    """
    return frame.groupby(keys, dropna=False, sort=False).size().reset_index(name="rows")


def counts(frame: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Return the frame with these columns as Int64, NA as 0."""
    return frame.assign(**{name: frame[name].astype("Int64").fillna(0) for name in names})


def ratio(over: Column, under: Column, factor: float = 1.0) -> Column:
    """Return factor times over / under as Float64, NA where `under` is 0 or NA."""
    bottom = under.astype("Float64")
    return factor * over.astype("Float64") / bottom.where((bottom != 0).fillna(False))


def every_site(table: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a row for each site of the study, in its order, then any others."""
    known = sites["site_id"].dropna().drop_duplicates()
    others = table.loc[~within(table["site_id"], known), "site_id"]
    order = pd.Series([*known, *others], dtype="Int64")
    return table.set_index("site_id").reindex(pd.Index(order, name="site_id")).reset_index()
