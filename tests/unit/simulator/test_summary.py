"""The demo's summary: the figures, against the rows on the wire, and how they are drawn."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace as Row
from typing import Any

import pytest

from imednet_simulator import summary


def comment(sequence: int, status: str, day: int, *, closed: bool = False) -> Row:
    date = datetime(2026, 3, day, tzinfo=UTC)
    return Row(sequence=sequence, annotation_status=status, closed=closed, date=date)


OPEN, ANSWER = comment(1, "Query Open", 1), comment(2, "Site Answered", 5)
CLOSED = comment(3, "Query Closed", 7, closed=True)


@pytest.mark.parametrize(
    ("comments", "bucket"),
    [
        ([OPEN], "15-30"),
        ([OPEN, ANSWER], "15-30"),
        ([ANSWER, OPEN], "15-30"),
        ([OPEN, ANSWER, comment(3, "Query Reopened", 12)], "8-14"),
        ([OPEN, CLOSED, comment(4, "Query Open", 15)], "0-7 days"),
        ([OPEN, ANSWER, CLOSED], None),
        ([], None),
        (None, None),
    ],
    ids=["open", "answered", "any-order", "reopened", "after-close", "closed", "none", "null"],
)
def test_age_of_a_query(comments: list[Row] | None, bucket: str | None) -> None:
    asof = datetime(2026, 3, 20, tzinfo=UTC)
    counts, closed = summary._ages([Row(query_comments=comments)], asof)
    assert {name for name, number in counts.items() if number} == ({bucket} if bucket else set())
    assert closed == (1 if comments and comments[-1] is CLOSED else 0)


def test_figures_agree_with_the_wire(imednet_sdk: Any, imednet_simulator: Any, api: Any) -> None:
    figures = summary.gather(imednet_sdk, "DEMO", imednet_simulator.now)
    subjects = [row for row in api.rows("subjects") if not row["deleted"]]
    assert sum(line.screened for line in figures.sites) == len(subjects)
    begun = [row for row in subjects if row["enrollmentStartDate"]]
    assert sum(line.enrolled for line in figures.sites) == len(begun)
    records = [row for row in api.rows("records") if not row["deleted"]]
    assert sum(figures.records.values()) == len(records)
    queries = [row["queryComments"] for row in api.rows("queries") if row["queryComments"]]
    still_open = [comments for comments in queries if not comments[-1]["closed"]]
    assert sum(figures.query_ages.values()) == len(still_open)
    assert figures.closed_queries == len(queries) - len(still_open)


ROW = "%9d%9d%10d%10d"


def test_drawing() -> None:
    asof = datetime(2026, 3, 2, 12, tzinfo=UTC)
    sites = [
        summary.SiteLine("A site with a name that is much too long", "Enrollment Open", 8, 6, 2, 1),
        summary.SiteLine("Other", "Not Yet Active"),
    ]
    figures = summary.Summary("S", "A study", asof, sites, {"0-7 days": 4, "8-14": 2})
    text = summary.render(figures, plain=True)
    assert text.splitlines()[:7] == [
        "S  A study",
        "as of 2026-03-02 12:00 UTC   screened 8   enrolled 6   completed 2   withdrawn 1",
        "",
        "Enrolment by site " + "-" * 62,
        "  # enrolled . screened only" + 32 * " " + "screened enrolled completed withdrawn",
        "  A site with a name that is much  " + 18 * "#" + 6 * "." + ROW % (8, 6, 2, 1),
        "  Other" + 28 * " " + "  Not Yet Active" + 8 * " " + ROW % (0, 0, 0, 0),
    ]
    assert "  0-7 days                              4  ########################" in text
    assert text.isascii()
    assert not summary.render(figures).isascii()


def test_an_empty_study() -> None:
    asof = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert "Overdue visits (0)" in summary.render(summary.Summary("S", "A study", asof))
