"""Queries by state, subject and site, counted anew from the raw rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from imednet.errors import NotFoundError


def state(row: dict[str, Any]) -> str:
    """Open or closed as the comment with the highest sequence says, or unknown."""
    comments = row["queryComments"]
    if not comments:
        return "unknown"
    last = max(comments, key=lambda c: c["sequence"])
    return "closed" if last["closed"] else "open"


def ids(queries: list[Any]) -> list[int]:
    return [query.annotation_id for query in queries]


def test_open_queries(study: Any) -> None:
    found = study.flows.query_management.get_open_queries(study.key)
    assert ids(found) == [r["annotationId"] for r in study.kept("queries") if state(r) == "open"]
    assert found


def test_open_queries_of_a_selection(study: Any) -> None:
    found = study.flows.query_management.get_open_queries(study.key, variable=["SYSBP", "HGB"])
    rows = [r for r in study.kept("queries") if r["variable"] in ("SYSBP", "HGB")]
    assert ids(found) == [r["annotationId"] for r in rows if state(r) == "open"]


def test_counts_of_each_state(study: Any) -> None:
    counts = study.flows.query_management.get_query_state_counts(study.key)
    assert counts == Counter(map(state, study.kept("queries")))
    assert min(counts.values()) > 0
    assert list(counts) == ["open", "closed", "unknown"]


def test_counts_of_a_selection_and_of_nothing(study: Any) -> None:
    count = study.flows.query_management.get_query_state_counts
    key = next(r["subjectKey"] for r in study.kept("queries"))
    rows = [r for r in study.kept("queries") if r["subjectKey"] == key]
    expected = {"open": 0, "closed": 0, "unknown": 0} | Counter(map(state, rows))
    assert count(study.key, subject_key=key) == expected
    assert count(study.key, annotation_id=-1) == {"open": 0, "closed": 0, "unknown": 0}


@pytest.mark.parametrize(
    ("comments", "expected"),
    [
        (None, "unknown"),
        ([], "unknown"),
        ([{"sequence": 1, "closed": False}], "open"),
        ([{"sequence": 1, "closed": True}], "closed"),
        ([{"sequence": 1, "closed": None}], "unknown"),
        ([{"sequence": 2, "closed": True}, {"sequence": 1, "closed": False}], "closed"),
        ([{"sequence": 10, "closed": False}, {"sequence": 9, "closed": True}], "open"),
        ([{"sequence": None, "closed": True}, {"sequence": 1, "closed": False}], "open"),
        ([{"sequence": 1, "closed": False}, {"sequence": None, "closed": True}], "open"),
    ],
    ids=["null", "none", "open", "closed", "not said", "order", "ten", "first", "last"],
)
def test_state_by_hand(scripted: Any, comments: Any, expected: str) -> None:
    odd = scripted(queries=[{"annotationId": 1, "queryComments": comments}])
    counts = odd.flows.query_management.get_query_state_counts(odd.key)
    assert counts == {"open": 0, "closed": 0, "unknown": 0} | {expected: 1}
    found = odd.flows.query_management.get_open_queries(odd.key)
    assert ids(found) == ([1] if expected == "open" else [])


def test_queries_for_a_subject(study: Any) -> None:
    for key in {r["subjectKey"] for r in study.kept("queries")}:
        found = study.flows.query_management.get_queries_for_subject(study.key, key)
        rows = [r for r in study.kept("queries") if r["subjectKey"] == key]
        assert ids(found) == [r["annotationId"] for r in rows]
    with pytest.raises(NotFoundError, match="there is no subject '99-999' in the study"):
        study.flows.query_management.get_queries_for_subject(study.key, "99-999")


@pytest.mark.parametrize(
    ("site", "names"),
    [
        ("Corvane General Hospital", {"Corvane General Hospital"}),
        ("corvane general hospital", {"Corvane General Hospital"}),
        (3, {"Corvane General Hospital"}),
        ("3", {"Corvane General Hospital"}),
        (
            [2, "Dunmere Respiratory Centre"],
            {"Bexley Falls Lung Clinic", "Dunmere Respiratory Centre"},
        ),
        ("Ferrisburg University Hospital", set()),
        ([], set()),
    ],
    ids=["name", "case", "id", "id as text", "several", "no subjects", "none"],
)
def test_queries_by_site_go_through_the_subject(study: Any, site: Any, names: set[str]) -> None:
    subjects = {r["subjectId"]: r["siteName"] for r in study.kept("subjects")}
    found = study.flows.query_management.get_queries_by_site(study.key, site)
    rows = [r for r in study.kept("queries") if subjects.get(r["subjectId"]) in names]
    assert ids(found) == [r["annotationId"] for r in rows]
    assert bool(rows) == bool(names)


def test_all_sites_together_have_all_queries_of_subjects(large: Any) -> None:
    get = large.flows.query_management.get_queries_by_site
    rows = large.kept("queries")
    parts = [ids(get(large.key, row["siteId"])) for row in large.kept("sites")]
    assert sorted(number for part in parts for number in part) == [
        row["annotationId"] for row in rows if row["subjectId"] is not None
    ]


def test_queries_by_site_are_not_asked_for_subject_by_subject(large: Any) -> None:
    large.server.requests.clear()
    large.flows.query_management.get_queries_by_site(large.key, 1)
    pages = len(large.kept("queries")) // 500 + 1
    assert len(large.server.requests) == 2 + pages
    assert max(len(path) for _, path in large.server.requests) < 200


def test_further_conditions_of_a_site(study: Any) -> None:
    subjects = {r["subjectId"] for r in study.kept("subjects") if r["siteId"] == 3}
    found = study.flows.query_management.get_queries_by_site(study.key, 3, variable="SYSBP")
    rows = [r for r in study.kept("queries") if r["subjectId"] in subjects]
    assert ids(found) == [r["annotationId"] for r in rows if r["variable"] == "SYSBP"]


def test_queries_on_no_subject_belong_to_no_site(scripted: Any) -> None:
    odd = scripted(
        sites=[{"siteId": 1, "siteName": "A"}],
        subjects=[{"subjectId": 5, "siteId": 1}],
        queries=[{"annotationId": 1}, {"annotationId": 2, "subjectId": 5}],
    )
    assert ids(odd.flows.query_management.get_queries_by_site(odd.key, "A")) == [2]


def test_an_unknown_site_is_told(study: Any) -> None:
    with pytest.raises(ValueError, match=r"^there is no site 'Corvane' in the study: there are "):
        study.flows.query_management.get_queries_by_site(study.key, "Corvane")


@pytest.mark.parametrize(
    "call",
    [
        lambda m, key: m.get_open_queries(key, colour=1),
        lambda m, key: m.get_query_state_counts(key, colour=1),
        lambda m, key: m.get_queries_for_subject(key, "x", colour=1),
        lambda m, key: m.get_queries_by_site(key, 1, colour=1),
    ],
    ids=["open", "counts", "subject", "site"],
)
def test_an_unknown_condition_is_told(study: Any, call: Any) -> None:
    with pytest.raises(TypeError, match=r"^queries have no argument 'colour'; they take "):
        call(study.flows.query_management, study.key)
