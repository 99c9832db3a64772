"""Queries: their state, age and turn, how many there are, and their flux.

A query's life is told by its comments in the order of `sequence`: it is open from
its first comment on, closed from one with `closed` on, and reopened by one
without. A comment without a date is taken at the time of the one before.
Functions over the result of `query_state` count only rows that are `counted`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from imednet.models import StudyConfiguration
from imednet_workflows.frames import StudyFrames
from imednet_workflows.metrics.counted import (
    by_subject_key,
    check_frames,
    counted_records,
    form_ids,
    live,
    of_counted,
)
from imednet_workflows.metrics.terms import terms
from imednet_workflows.metrics.tools import (
    DAY,
    Column,
    calendar_day,
    calendar_days,
    counts,
    every_site,
    filled,
    lookup,
    moment,
    need,
    not_later,
    one_of,
    ratio,
    tally,
    true,
    whole_days,
    within,
)

__all__ = [
    "BUCKETS",
    "query_ageing",
    "query_flux",
    "query_rates",
    "query_state",
]

#: The age buckets of open queries, in whole days.
BUCKETS = ("0-7", "8-14", "15-30", "31-60", ">60")
_STARTS = (0, 8, 15, 31, 61)
_WEEKS = 8
_WHEN = ["annotation_id", "date"]

_COLUMNS = [
    *("annotation_id", "subject_id", "subject_key", "site_id", "record_id", "form_key"),
    *("variable", "annotation_type", "state", "status", "opened", "last_opened", "closed_at"),
    *("reopened", "age_days", "total_age_days", "bucket", "turn", "turn_days", "counted"),
]


def query_state(
    frames: StudyFrames, config: StudyConfiguration | None = None, *, asof: date
) -> pd.DataFrame:
    """Return one row a query that existed by `asof`, with its state, age and whose turn it is.

    Columns beside identifiers: `state` ("open", "closed", "unknown": no comments,
    or a last comment that does not tell); `status` (the last comment's
    `annotation_status`, as the study spells it, NA without one); `opened` and `last_opened` (UTC; a
    reopened query was last opened when it was reopened); `closed_at` (UTC, NA
    unless closed now); `reopened` (times); `age_days` since it was last opened and
    `total_age_days` since it was first (whole days, NA unless open); `bucket` of
    the age ("0-7", "8-14", "15-30", "31-60", ">60"); `turn` ("site", "data
    management", "unknown" for a word of neither; NA once closed) and `turn_days`
    since the last comment; `site_id` of its subject (of its record, where the
    subject is not known) and `form_key` of its record; `counted` (False: on a
    deleted subject or record, a disabled form, interval or variable; shown, never
    counted).

    Raises ValueError if a frame lacks a column or `asof` is no date.
    Source: the life of a query as its comments tell it.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> state = query_state(example_study(), asof=date(2026, 3, 2))
        >>> state[["state", "age_days", "bucket"]].head(1).to_numpy().tolist()
        [['open', 40, '31-60']]
    """
    check_frames(frames)
    now = moment(asof)
    queries = _existing(frames, now)
    story = _story(frames, queries, now)
    ids = queries["annotation_id"]
    last = story.drop_duplicates("annotation_id", keep="last")
    shut = lookup(ids, last, "annotation_id", "closed")
    is_open, is_closed = true(~shut), true(shut)
    opened = lookup(ids, story.loc[story["opens"], _WHEN], "annotation_id", "date")
    last_opened = _latest(ids, story, "opens")
    word = lookup(ids, last, "annotation_id", "annotation_status")
    touched = lookup(ids, last, "annotation_id", "date")
    age = whole_days(now - last_opened).where(is_open)
    made = queries.assign(
        state=pd.Series("unknown", index=ids.index, dtype="string")
        .mask(is_open, "open")
        .mask(is_closed, "closed"),
        status=word,
        opened=opened.fillna(queries["date_created"]),
        last_opened=last_opened.fillna(queries["date_created"]),
        closed_at=_latest(ids, story, "closes").where(is_closed),
        reopened=_times(ids, story, "reopens"),
        age_days=age,
        total_age_days=whole_days(now - opened).where(is_open),
        bucket=_buckets(age),
        turn=_turn(word, config).mask(is_closed),
        turn_days=whole_days(now - touched).mask(is_closed),
    )
    return made[_COLUMNS].reset_index(drop=True)


def _turn(word: Column, config: StudyConfiguration | None) -> Column:
    """Return whose turn it is after a comment with this `annotation_status`."""
    words = terms(config)
    turn: Column = pd.Series("unknown", index=word.index, dtype="string")
    turn = turn.mask(words.mean(word, "awaiting_site"), "site")
    return turn.mask(words.mean(word, "awaiting_data_management"), "data management")


def _existing(frames: StudyFrames, now: pd.Timestamp) -> pd.DataFrame:
    """Return the queries there were, with site, form, and whether they count."""
    queries, comments = frames.queries, frames.comments
    asked = frames.records[within(frames.records["record_id"], queries["record_id"])]
    frames = replace(frames, records=asked)  # of a large study's records few have a query
    early = comments.loc[not_later(comments["date"], now), "annotation_id"]
    ids = queries["annotation_id"]
    told = within(ids, early) | ~within(ids, comments["annotation_id"])
    queries = queries[told & not_later(queries["date_created"], now)]
    subjects, record = frames.subjects, queries["record_id"]
    keys, named = queries["subject_key"], by_subject_key(subjects)
    placed = queries.assign(
        subject_id=filled(queries["subject_id"], keys, named, "subject_key", "subject_id")
    )
    theirs = lookup(placed["subject_id"], subjects, "subject_id", "site_id")
    placed["site_id"] = filled(theirs, record, frames.records, "record_id", "site_id")
    forms = frames.records[["record_id", "form_key"]].assign(
        form_id=form_ids(frames.records, frames.forms)
    )
    for name in ("form_key", "form_id"):
        placed[name] = lookup(record, forms, "record_id", name)
    given = frames.records["record_id"]
    gone = given[~within(given, counted_records(frames, now)["record_id"])]
    there = of_counted(placed, frames, now) & ~within(record, gone)
    placed["counted"] = there & ~_on_shut_variable(placed, frames)
    return placed


def _on_shut_variable(queries: pd.DataFrame, frames: StudyFrames) -> Column:
    variables = frames.variables
    gone = variables[true(variables["disabled"]) | true(variables["deleted"])]
    gone = gone.dropna(subset=["form_id", "variable_name"])
    shut = set(zip(gone["form_id"], gone["variable_name"].str.casefold(), strict=True))
    names = queries["variable"].fillna("").str.casefold()
    on_shut = names.isin({name for _, name in shut}).astype(bool)
    pairs = zip(queries.loc[on_shut, "form_id"].fillna(-1), names[on_shut], strict=True)
    on_shut[on_shut] = np.array([pair in shut for pair in pairs], dtype=bool)
    return on_shut


def _story(frames: StudyFrames, queries: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Return the comments of these queries in order, and what each does: opens, closes, reopens."""
    comments = frames.comments
    kept = not_later(comments["date"], now)
    kept &= within(comments["annotation_id"], queries["annotation_id"])
    story = comments[kept].sort_values(
        ["annotation_id", "sequence"], na_position="first", kind="stable"
    )
    ids = story["annotation_id"]
    shut = true(story.groupby(ids)["closed"].ffill())
    before = shut.groupby(ids).shift(fill_value=False).astype(bool)
    created = lookup(ids, queries, "annotation_id", "date_created")
    return pd.DataFrame(
        {
            "annotation_id": ids,
            "annotation_status": story["annotation_status"],
            "closed": story["closed"],
            "date": story.groupby(ids)["date"].ffill().fillna(created),
            "opens": ~ids.duplicated() | (before & ~shut),
            "closes": shut & ~before,
            "reopens": before & ~shut,
        }
    )


def _latest(ids: Column, story: pd.DataFrame, event: str) -> Column:
    last = story.loc[story[event], _WHEN].drop_duplicates("annotation_id", keep="last")
    return lookup(ids, last, "annotation_id", "date")


def _times(ids: Column, story: pd.DataFrame, event: str) -> Column:
    sums = tally({event: story[event].astype("Int64")}, story["annotation_id"])
    return lookup(ids, sums, "annotation_id", event).astype("Int64").fillna(0)


def _buckets(age: Column) -> Column:
    place = np.searchsorted(_STARTS, age.to_numpy(dtype=float, na_value=0.0), side="right") - 1
    labels = pd.array(np.array(BUCKETS, dtype=object)[place.clip(0)], dtype="string")
    return pd.Series(labels, index=age.index).where(age.notna())


def by_column(state: pd.DataFrame, by: str | None) -> Column | None:
    if by is None:
        return None
    need(state, [by], "state")
    return state[by]


def query_ageing(state: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Return how many open queries there are in each bucket of age.

    `state` is the result of `query_state`; `by` one of its columns ("site_id",
    "turn", "form_key" ...), None for all together. Columns: `by`, then `bucket`
    (whole days since last opened) and `queries`; each group has all five buckets.
    Raises ValueError for a column that is not there.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> query_ageing(query_state(example_study(), asof=date(2026, 3, 2)))["queries"].tolist()
        [1, 0, 0, 1, 0]
    """
    need(state, ["state", "bucket", "counted"], "state")
    live = state[state["counted"] & (state["state"] == "open")]
    held = {name: (live["bucket"] == name).astype("Int64") for name in BUCKETS}
    table = tally(held, by_column(live, by))
    if by is None:
        return _numbered(table.melt(var_name="bucket", value_name="queries"))
    table["place"] = range(len(table))
    long = table.melt(id_vars=[by, "place"], var_name="bucket", value_name="queries")
    return _numbered(long.sort_values("place", kind="stable").drop(columns="place"))


def _numbered(long: pd.DataFrame) -> pd.DataFrame:
    return long.astype({"bucket": "string", "queries": "Int64"}).reset_index(drop=True)


def query_rates(
    frames: StudyFrames,
    config: StudyConfiguration | None = None,
    *,
    asof: date,
    by: str | None = None,
) -> pd.DataFrame:
    """Return how many queries there are per 100 data points, per record and per subject.

    `by` is None (one row) or "site_id" (a row each site of the study, and one with
    NA for what has no site). A query belongs to the site of its subject.
    Columns: `queries` of any state, `data_points` (answers that are neither null
    nor empty), `records`, `subjects`, `per_100_data_points`, `per_record`,
    `per_subject`; NA where there is nothing to divide by.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> rates = query_rates(example_study(), asof=date(2026, 3, 2))
        >>> rates[["queries", "data_points", "per_100_data_points"]].iloc[0].tolist()
        [4.0, 40.0, 10.0]
    """
    one_of(by, (None, "site_id"), "by")
    state = query_state(frames, config, asof=asof)
    kept = live(frames, asof)
    asked = state[state["counted"]]
    parts = [
        _count("queries", asked, by),
        tally({"data_points": kept.records["data_points"]}, by_column(kept.records, by)),
        _count("records", kept.records, by),
        _count("subjects", kept.subjects, by),
    ]
    if by:
        merged = parts[0]
        for part in parts[1:]:
            merged = merged.merge(part, on=by, how="outer")
        merged = every_site(merged, frames.sites)
    else:
        merged = pd.concat(parts, axis=1)
    table = counts(merged, ["queries", "data_points", "records", "subjects"])
    return table.assign(
        per_100_data_points=ratio(table["queries"], table["data_points"], 100),
        per_record=ratio(table["queries"], table["records"]),
        per_subject=ratio(table["queries"], table["subjects"]),
    )


def _count(name: str, frame: pd.DataFrame, by: str | None) -> pd.DataFrame:
    ones: Column = pd.Series(1, index=frame.index, dtype="Int64")
    return tally({name: ones}, by_column(frame, by))


def query_flux(
    frames: StudyFrames, config: StudyConfiguration | None = None, *, asof: date
) -> pd.DataFrame:
    """Return for each week how many queries were opened and closed, and how many stood open.

    Columns: `week` (its Monday, UTC), `opened` (with reopenings), `closed`,
    `backlog` (open at the week's end, or at `asof`), `full` (the week is over),
    `weeks_of_work`: the backlog over the mean closes of the last 8 full weeks (or
    of all there are), NA where there were none. Weeks without events are there
    too; queries of unknown state are not counted. Empty if no query was ever opened.

    Example:
        >>> from imednet_workflows.metrics.example import example_study
        >>> flux = query_flux(example_study(), asof=date(2026, 3, 2))
        >>> flux[["opened", "closed"]].sum().tolist(), int(flux["backlog"].iloc[-1])
        ([4, 2], 2)
    """
    check_frames(frames)
    terms(config)  # no word matters here, but a misspelt key is refused as everywhere
    now = moment(asof)
    queries = _existing(frames, now)
    story = _story(frames, queries[queries["counted"]], now)
    last = story.drop_duplicates("annotation_id", keep="last")
    unknown = last.loc[last["closed"].isna(), "annotation_id"]
    story = story[story["date"].notna() & ~story["annotation_id"].isin(unknown)]
    days = calendar_days(story["date"])
    mondays = days - pd.to_timedelta(days.dt.day_of_week, unit="D")
    weeks = story[["opens", "closes"]].astype(int).groupby(mondays).sum()
    today = calendar_day(now)
    this = today - DAY * today.weekday()
    start = weeks.index.min() if len(weeks) else this + 7 * DAY
    index = pd.date_range(start, this, freq="7D", name="week").as_unit("us")
    weeks = weeks.reindex(index, fill_value=0).astype("Int64")
    table = pd.DataFrame({"opened": weeks["opens"], "closed": weeks["closes"]})
    table["backlog"] = (table["opened"] - table["closed"]).cumsum()
    ended = now.tz_localize(None) + pd.Timedelta(1, unit="us")  # a date is its last microsecond
    table["full"] = pd.Series(index + 7 * DAY <= ended, index=index).astype(bool)
    pace = table["closed"].astype(float).rolling(_WEEKS, min_periods=1).mean()
    pace = pace.where(table["full"], pace.shift())
    table["weeks_of_work"] = ratio(table["backlog"], pace.astype("Float64"))
    return table.reset_index()
