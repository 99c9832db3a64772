"""Records by criteria, the audit trail and query events, joined anew from the raw rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

SITE, OTHER = "Corvane General Hospital", "Aldermoor University Hospital"

RECORD_FILTERS: dict[str, Any] = {
    "any": None,
    "form": ({"form_key": "VS"}, lambda r: r["formKey"] == "VS"),
    "site": ({"site_name": SITE}, lambda r: r["siteId"] == 3),
    "sites": (
        {"site_name": [SITE, OTHER], "deleted": False},
        lambda r: r["siteId"] in (1, 3) and not r["deleted"],
    ),
    "subjects": ({"subject_id": [1, 2, 3]}, lambda r: r["subjectId"] in (1, 2, 3)),
}
SUBJECT_FILTERS: dict[str, Any] = {
    "any": None,
    "all": ({}, lambda s: True),
    "status": ({"subject_status": "Enrolled"}, lambda s: s["subjectStatus"] == "Enrolled"),
    "site": ({"site_name": SITE}, lambda s: s["siteName"] == SITE),
    "nobody": ({"subject_key": "99-999"}, lambda s: False),
}
VISIT_FILTERS: dict[str, Any] = {
    "any": None,
    "interval": ({"interval_name": "Week 2"}, lambda v, s: v["intervalName"] == "Week 2"),
    "site": (
        {"site_name": OTHER, "deleted": False},
        lambda v, s: s["siteName"] == OTHER and not v["deleted"],
    ),
    "dates": (
        {"visit_date": (">=", date(2025, 9, 1))},
        lambda v, s: (v["visitDate"] or "") >= "2025-09-01",
    ),
}


def expected(study: Any, names: tuple[str, str, str]) -> list[int]:
    """The records that match, one by one, and their subjects and visits with them."""
    of_record, of_subject, of_visit = (
        table[name]
        for table, name in zip((RECORD_FILTERS, SUBJECT_FILTERS, VISIT_FILTERS), names, strict=True)
    )
    subjects = {row["subjectId"]: row for row in study.kept("subjects")}
    visits = {row["visitId"]: row for row in study.kept("visits")}
    found = []
    for row in study.kept("records"):
        subject, visit = subjects.get(row["subjectId"]), visits.get(row["visitId"])
        if of_record and not of_record[1](row):
            continue
        if of_subject and (subject is None or not of_subject[1](subject)):
            continue
        if of_visit and (visit is None or not of_visit[1](visit, subjects[visit["subjectId"]])):
            continue
        found.append(row["recordId"])
    return found


@pytest.mark.parametrize(
    "names", list(product(RECORD_FILTERS, SUBJECT_FILTERS, VISIT_FILTERS)), ids="-".join
)
def test_records_by_criteria(study: Any, names: tuple[str, str, str]) -> None:
    tables = (RECORD_FILTERS, SUBJECT_FILTERS, VISIT_FILTERS)
    filters = [(t[name] or [None])[0] for t, name in zip(tables, names, strict=True)]
    found = study.flows.data_extraction.extract_records_by_criteria(study.key, *filters)
    assert [record.record_id for record in found] == expected(study, names)


def test_the_criteria_are_worth_testing(study: Any) -> None:
    sizes = {
        names: len(expected(study, names))
        for names in product(RECORD_FILTERS, SUBJECT_FILTERS, VISIT_FILTERS)
    }
    assert sizes["any", "any", "any"] == len(study.kept("records"))
    assert 0 < sizes["form", "status", "interval"] < sizes["form", "status", "any"]
    assert sizes["any", "all", "any"] < sizes["any", "any", "any"]  # those without a subject
    assert sum(size > 0 for size in sizes.values()) > 50


@pytest.mark.parametrize("names", [("form", "all", "any"), ("any", "status", "interval")])
def test_more_subjects_than_are_asked_for(large: Any, names: Any) -> None:
    assert len(large.kept("subjects")) > 200
    test_records_by_criteria(large, names)
    assert expected(large, names)


@pytest.mark.parametrize("status", ["any", "all", "status"])
def test_how_a_list_is_read_changes_nothing_else(large: Any, status: str) -> None:
    told: list[tuple[int, int]] = []
    how = {"limit": 10, "page_size": 50, "on_progress": lambda *seen: told.append(seen)}
    subjects = (SUBJECT_FILTERS[status] or [None])[0]
    found = large.flows.data_extraction.extract_records_by_criteria(
        large.key, {"form_key": "VS", "sort": "record_id,DESC", **how}, subjects
    )
    everything = large.flows.data_extraction.extract_records_by_criteria(
        large.key, {"form_key": "VS"}, subjects
    )
    ids = sorted((record.record_id for record in everything), reverse=True)
    assert [record.record_id for record in found] == ids[:10]
    assert told


def test_two_filters_of_many_do_not_multiply(large: Any) -> None:
    large.server.requests.clear()
    found = large.flows.data_extraction.extract_records_by_criteria(
        large.key, None, {"site_id": 1}, {"interval_name": "Week 2"}
    )
    asked = len(large.server.requests)
    subjects = {r["subjectId"] for r in large.kept("subjects") if r["siteId"] == 1}
    visits = {r["visitId"] for r in large.kept("visits") if r["intervalName"] == "Week 2"}
    assert 20 < len(subjects) <= 200
    assert [r.record_id for r in found] == [
        row["recordId"]
        for row in large.kept("records")
        if row["subjectId"] in subjects and row["visitId"] in visits
    ]
    assert asked <= 30


def test_filters_are_left_as_they_are(study: Any) -> None:
    filters = [{"site_name": SITE}, {"site_name": SITE}, {"site_name": SITE}]
    study.flows.data_extraction.extract_records_by_criteria(study.key, *filters)
    assert filters == [{"site_name": SITE}] * 3


@pytest.mark.parametrize("place", range(3), ids=["record", "subject", "visit"])
@pytest.mark.parametrize("spelling", [SITE.upper(), 3, [SITE], f" {SITE}"], ids=repr)
def test_sites_by_name_mean_the_same_in_each_filter(study: Any, place: int, spelling: Any) -> None:
    extract = study.flows.data_extraction.extract_records_by_criteria
    filters: list[Any] = [None, None, None]
    filters[place] = {"site_name": spelling}
    subjects = {r["subjectId"] for r in study.kept("subjects") if r["siteId"] == 3}
    naive = [
        r["recordId"]
        for r in study.kept("records")
        if (r["siteId"] == 3, r["subjectId"] in subjects, r["visitId"] and r["siteId"] == 3)[place]
    ]
    assert naive
    assert [record.record_id for record in extract(study.key, *filters)] == naive


@pytest.mark.parametrize("place", range(3), ids=["record", "subject", "visit"])
def test_an_unknown_site_is_told(study: Any, place: int) -> None:
    filters: list[Any] = [None, None, None]
    filters[place] = {"site_name": "Corvane General Hospitl"}
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        study.flows.data_extraction.extract_records_by_criteria(study.key, *filters)
    said = f"there is no site 'Corvane General Hospitl' in the study: did you mean {SITE!r}?"
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("place", "name"), [(0, "records"), (1, "subjects"), (2, "visits")], ids=str
)
def test_an_unknown_argument_is_told(study: Any, place: int, name: str) -> None:
    filters: list[Any] = [None, None, None]
    filters[place] = {"colour": "red"}
    with pytest.raises(TypeError, match=rf"^{name} have no argument 'colour'; they take "):
        study.flows.data_extraction.extract_records_by_criteria(study.key, *filters)


def test_a_wrong_record_filter_sends_nothing(own: Any) -> None:
    with pytest.raises(TypeError):
        own.flows.data_extraction.extract_records_by_criteria(own.key, {"colour": 1}, {}, {})
    assert not own.server.requests


# --- the audit trail


def trail(study: Any) -> list[dict[str, Any]]:
    """All events, made of the raw revisions: what came before is found record by record."""
    forms = {row["formKey"]: row["formName"] for row in study.kept("forms")}
    intervals = {row["intervalId"]: row["intervalName"] for row in study.kept("intervals")}
    sites = {row["siteId"]: row["siteName"] for row in study.kept("sites")}
    by_record: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in study.kept("recordRevisions"):
        by_record[row["recordId"]].append(row)
    events = []
    for rows in by_record.values():
        rows.sort(key=lambda row: row["recordRevision"])
        for earlier, row in zip([None, *rows], rows, strict=False):
            if row["deleted"]:
                change = "deleted"
            elif earlier is None:
                change = "created"
            else:
                same = row["dataRevision"] == earlier["dataRevision"]
                change = "status" if same else "data"
            events.append(
                {
                    "record_revision_id": row["recordRevisionId"],
                    "date": datetime.fromisoformat(row["dateCreated"]).replace(tzinfo=UTC),
                    "user": row["user"],
                    "role": row["role"],
                    "change": change,
                    "reason_for_change": row["reasonForChange"],
                    "record_id": row["recordId"],
                    "record_oid": row["recordOid"],
                    "record_revision": row["recordRevision"],
                    "data_revision": row["dataRevision"],
                    "record_status": row["recordStatus"],
                    "deleted": row["deleted"],
                    "form_key": row["formKey"],
                    "form_name": forms[row["formKey"]],
                    "interval_id": row["intervalId"],
                    "interval_name": intervals.get(row["intervalId"]),
                    "subject_id": row["subjectId"],
                    "subject_key": row["subjectKey"],
                    "site_id": row["siteId"],
                    "site_name": sites[row["siteId"]],
                }
            )
    return sorted(events, key=lambda e: (e["date"], e["record_revision_id"]))


@pytest.fixture(scope="module")
def history(study: Any) -> list[dict[str, Any]]:
    return trail(study)


def test_the_history_is_worth_testing(history: list[dict[str, Any]]) -> None:
    assert {event["change"] for event in history} == {"created", "data", "status", "deleted"}
    assert None in {event["interval_name"] for event in history}


DAY = date(2025, 10, 6)
NOON = datetime(2025, 10, 6, 12, tzinfo=UTC)
WINDOWS: dict[str, Any] = {
    "all": ({}, lambda e: True),
    "from": ({"start_date": DAY}, lambda e: e["date"].date() >= DAY),
    "to": ({"end_date": DAY}, lambda e: e["date"].date() <= DAY),
    "one day": ({"start_date": DAY, "end_date": DAY}, lambda e: e["date"].date() == DAY),
    "a week": (
        {"start_date": DAY, "end_date": DAY + timedelta(6)},
        lambda e: DAY <= e["date"].date() <= DAY + timedelta(6),
    ),
    "moments": (
        {"start_date": NOON, "end_date": NOON + timedelta(days=20)},
        lambda e: NOON <= e["date"] < NOON + timedelta(days=20),
    ),
    "naive moment": ({"end_date": NOON.replace(tzinfo=None)}, lambda e: e["date"] < NOON),
    "user": ({"user": "morrin1"}, lambda e: e["user"] == "morrin1"),
    "site": ({"site": OTHER}, lambda e: e["site_name"] == OTHER),
    "sites": ({"site": [1, SITE]}, lambda e: e["site_id"] in (1, 3)),
    "form": ({"form_key": "AE"}, lambda e: e["form_key"] == "AE"),
    "deleted": ({"deleted": True}, lambda e: e["deleted"]),
    "later revisions": ({"record_revision": (">=", 3)}, lambda e: e["record_revision"] >= 3),
    "together": (
        {"start_date": DAY, "user": "dkessel2", "site": SITE, "form_key": ["AE", "CM"]},
        lambda e: (
            e["date"].date() >= DAY
            and (e["user"], e["site_id"]) == ("dkessel2", 3)
            and e["form_key"] in ("AE", "CM")
        ),
    ),
    "nothing": ({"start_date": date(2030, 1, 1)}, lambda e: False),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_the_audit_trail(study: Any, history: list[dict[str, Any]], name: str) -> None:
    arguments, matches = WINDOWS[name]
    found = study.flows.data_extraction.extract_audit_trail(study.key, **arguments)
    wanted = [event for event in history if matches(event)]
    assert bool(wanted) == (name != "nothing")
    assert [asdict(event) for event in found] == wanted


def test_both_ends_of_a_window_count(study: Any, history: list[dict[str, Any]]) -> None:
    first, last = history[1000], history[1500]
    extract = study.flows.data_extraction.extract_audit_trail
    found = extract(study.key, first["date"], last["date"] + timedelta(seconds=1))
    assert found[0].date == first["date"]
    assert found[-1].date == last["date"]
    assert {e.record_revision_id for e in found} == {
        e["record_revision_id"] for e in history if first["date"] <= e["date"] <= last["date"]
    }


def test_few_earlier_revisions_are_asked_for_by_record(
    study: Any, history: list[dict[str, Any]]
) -> None:
    study.server.requests.clear()
    study.flows.data_extraction.extract_audit_trail(study.key, DAY, DAY)
    asked = [path for _, path in study.server.requests if "recordRevisions" in path]
    assert sum("recordId" in path.partition("filter=")[2] for path in asked) == len(asked) - 1


def test_the_end_of_a_deleted_record(study: Any) -> None:
    found = study.flows.data_extraction.extract_audit_trail(study.key, deleted=True)
    assert [event.change for event in found] == ["deleted"] * len(found)
    assert found


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"site": "Corvane Hospital"}, ValueError, "there is no site 'Corvane Hospital' in the "),
        ({"colour": "red"}, TypeError, "record_revisions have no argument 'colour'; they take "),
    ],
    ids=["site", "argument"],
)
def test_what_the_trail_cannot_be_asked(
    study: Any, arguments: dict[str, Any], error: Any, said: str
) -> None:
    with pytest.raises(error) as caught:
        study.flows.data_extraction.extract_audit_trail(study.key, **arguments)
    assert str(caught.value).startswith(said)


def test_revisions_full_of_nulls_are_events_as_well(scripted: Any) -> None:
    odd = scripted(
        recordRevisions=[
            {"recordRevisionId": 1},
            {"recordRevisionId": 2, "recordId": 5, "recordRevision": 2, "dataRevision": 2},
            {
                "recordRevisionId": 3,
                "recordId": 5,
                "recordRevision": 3,
                "dataRevision": 2,
                "dateCreated": "2025-01-01 10:00:00",
                "siteId": 9,
                "formKey": "GONE",
                "intervalId": 77,
            },
        ]
    )
    found = odd.flows.data_extraction.extract_audit_trail(odd.key)
    assert [event.record_revision_id for event in found] == [1, 2, 3]
    assert found[2].change == "status"
    assert (found[2].form_name, found[2].interval_name, found[2].site_name) == (None, None, None)


# --- the life of queries


def life(study: Any) -> list[tuple[Any, ...]]:
    """Annotation, sequence, event, date and site of each comment, from the raw rows."""
    sites = {r["subjectId"]: (r["siteId"], r["siteName"]) for r in study.kept("subjects")}
    events = []
    for query in study.kept("queries"):
        comments = sorted(query["queryComments"] or [], key=lambda c: c["sequence"])
        for number, comment in enumerate(comments):
            before = comments[number - 1]["closed"] if number else None
            name = {
                (None, False): "opened",
                (None, True): "closed",
                (False, False): "answered",
                (False, True): "closed",
                (True, False): "reopened",
                (True, True): "commented",
            }[before, comment["closed"]]
            when = datetime.fromisoformat(comment["date"]).replace(tzinfo=UTC)
            site = sites.get(query["subjectId"], (None, None))
            told = (comment["user"], comment["annotationStatus"], comment["comment"])
            told = (*told, comment["closed"], query["annotationType"], query["description"])
            of = (query["subjectId"], query["subjectKey"], *site)
            what = (query["recordId"], query["variable"])
            key = (query["annotationId"], comment["sequence"], name, when)
            events.append((*key, *told, *of, *what))
    return events


def test_query_events(study: Any) -> None:
    found = study.flows.data_extraction.query_events(study.key)
    wanted = life(study)
    assert {event[2] for event in wanted} >= {"opened", "answered", "closed", "reopened"}
    assert [tuple(asdict(event).values()) for event in found] == wanted


def test_query_events_of_a_selection(study: Any) -> None:
    key = next(q["subjectKey"] for q in study.kept("queries") if q["queryComments"])
    found = study.flows.data_extraction.query_events(study.key, subject_key=key)
    wanted = [event for event in life(study) if event[11] == key]
    assert [tuple(asdict(event).values()) for event in found] == wanted
    assert wanted


def comment(sequence: int | None, closed: bool | None) -> dict[str, Any]:
    return {"sequence": sequence, "closed": closed, "comment": f"no. {sequence}"}


@pytest.mark.parametrize(
    ("comments", "events"),
    [
        (None, []),
        ([], []),
        ([comment(1, False)], ["opened"]),
        ([comment(1, True)], ["closed"]),
        ([comment(1, False), comment(2, False)], ["opened", "answered"]),
        ([comment(2, True), comment(1, False)], ["opened", "closed"]),
        (
            [comment(1, False), comment(2, True), comment(3, True), comment(4, False)],
            ["opened", "closed", "commented", "reopened"],
        ),
        ([comment(1, True), comment(None, False)], ["opened", "closed"]),
    ],
    ids=["null", "none", "one", "closed", "answered", "by sequence", "reopened", "no sequence"],
)
def test_events_by_hand(scripted: Any, comments: Any, events: list[str]) -> None:
    odd = scripted(queries=[{"annotationId": 1, "queryComments": comments}])
    found = odd.flows.data_extraction.query_events(odd.key)
    assert [event.event for event in found] == events
    assert {(e.site_id, e.site_name) for e in found} <= {(None, None)}
