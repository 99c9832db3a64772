"""The demo study: the same each time, consistent in itself, and with its points in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

import pytest

from imednet_simulator.protocol import INTERVALS
from imednet_simulator.schema import RESOURCES
from imednet_simulator.store import Study
from imednet_simulator.story import tell

ASOF = date(2026, 3, 2)
NOON = "2026-03-02 12:00:00"
Rows = list[dict[str, Any]]


def everything(study: Study) -> dict[str, Rows]:
    return {name: table.render(range(len(table))) for name, table in study.tables.items()}


@pytest.fixture(scope="module")
def story() -> dict[str, Rows]:
    return everything(tell(200, 12, 1, ASOF))


def test_same_seed_and_day_same_study() -> None:
    assert everything(tell(20, 6, 7, ASOF)) == everything(tell(20, 6, 7, ASOF))


def test_another_seed_another_study() -> None:
    one, other = (everything(tell(20, 6, seed, ASOF)) for seed in (1, 2))
    assert one["records"] != other["records"]
    assert one["studies"][0]["studyKey"] == other["studies"][0]["studyKey"] == "DEMO"


@pytest.mark.parametrize("sites", [1, 2, 3, 4, 5, 6, 7, 40])
@pytest.mark.parametrize("subjects", [0, 1, 30])
def test_any_size(sites: int, subjects: int) -> None:
    study = tell(subjects, sites, 1, ASOF)
    assert (len(study["sites"]), len(study["subjects"])) == (sites, subjects)


def test_subjects_belong_to_their_sites(story: dict[str, Rows]) -> None:
    names = {site["siteId"]: site["siteName"] for site in story["sites"]}
    opened = {site["siteId"]: site["dateCreated"] for site in story["sites"]}
    for subject in story["subjects"]:
        assert subject["siteName"] == names[subject["siteId"]]
        assert subject["subjectKey"].startswith(f"{subject['siteId']:02d}-")
        assert subject["dateCreated"] >= opened[subject["siteId"]]
        assert subject["dateModified"] >= subject["dateCreated"]
    for name in ("subjectId", "subjectKey", "subjectOid"):
        assert len({subject[name] for subject in story["subjects"]}) == 200


def test_records_point_to_what_is_there(story: dict[str, Rows]) -> None:
    subjects = {row["subjectId"]: row for row in story["subjects"]}
    visits = {row["visitId"]: row for row in story["visits"]}
    forms = {row["formId"]: row for row in story["forms"]}
    records = {row["recordId"]: row for row in story["records"]}
    scheduled = {i["intervalId"]: {f["formKey"] for f in i["forms"]} for i in story["intervals"]}
    for record in records.values():
        form = forms[record["formId"]]
        assert (record["formKey"], form["disabled"]) == (form["formKey"], False)
        if record["subjectId"] is None:
            assert (record["recordType"], form["formType"]) == ("SITE", "Site")
            continue
        subject = subjects[record["subjectId"]]
        for name in ("subjectKey", "subjectOid", "siteId"):
            assert record[name] == subject[name]
        assert record["dateCreated"] >= subject["dateCreated"]
        if record["visitId"] is not None:
            visit = visits[record["visitId"]]
            assert visit["subjectId"] == record["subjectId"]
            assert visit["intervalId"] == record["intervalId"]
            assert record["formKey"] in scheduled[record["intervalId"]]
        if record["parentRecordId"] is not None:
            assert records[record["parentRecordId"]]["subjectId"] == record["subjectId"]


def test_one_record_for_each_page_of_the_schedule(story: dict[str, Rows]) -> None:
    pages = Counter(
        (r["subjectId"], r["intervalId"], r["formKey"]) for r in story["records"] if r["visitId"]
    )
    assert set(pages.values()) == {1}


def test_revisions_lead_to_the_record(story: dict[str, Rows]) -> None:
    trails: dict[int, Rows] = defaultdict(list)
    for revision in story["recordRevisions"]:
        trails[revision["recordId"]].append(revision)
    logins = {user["login"] for user in story["users"]}
    for record in story["records"]:
        trail = trails.pop(record["recordId"])
        assert [r["recordRevision"] for r in trail] == list(range(1, len(trail) + 1))
        dates = [r["dateCreated"] for r in trail]
        assert dates == sorted(dates)
        assert (dates[0], dates[-1]) == (record["dateCreated"], record["dateModified"])
        data = [r["dataRevision"] for r in trail]
        assert data[0] == 1
        assert data == sorted(data)
        last = trail[-1]
        shared = set(record) & set(last) - {"dateCreated"}
        assert {name: record[name] for name in shared} == {name: last[name] for name in shared}
        assert {r["user"] for r in trail} <= logins
    assert trails == {}


def test_answers_follow_the_variables(story: dict[str, Rows]) -> None:
    variables: dict[str, set[str]] = defaultdict(set)
    for variable in story["variables"]:
        if not variable["disabled"]:
            variables[variable["formKey"]].add(variable["variableName"])
    odd = set()
    for record in story["records"]:
        names = {name.upper() for name in record["recordData"]}
        if names != variables[record["formKey"]]:
            odd |= names - variables[record["formKey"]]
        values = record["recordData"].values()
        assert all(value is None or isinstance(value, str) for value in values)
    assert odd == {"DATECREATED", "DATEMODIFIED", "UNVNUM"}


def test_queries_are_told_in_order(story: dict[str, Rows]) -> None:
    records = {row["recordId"]: row for row in story["records"]}
    for query in story["queries"]:
        comments = query["queryComments"]
        assert [c["sequence"] for c in comments] == list(range(1, len(comments) + 1))
        dates = [c["date"] for c in comments]
        assert dates == sorted(dates)
        if comments:
            assert (dates[0], dates[-1]) == (query["dateCreated"], query["dateModified"])
        if query["recordId"] is not None:
            record = records[query["recordId"]]
            assert query["subjectKey"] == record["subjectKey"]
            assert query["dateCreated"] >= record["dateCreated"]
            if query["variable"]:
                assert query["variable"] in record["recordData"]
        assert (query["annotationType"] == "question") == (query["variable"] is not None)


def test_codings_repeat_the_record(story: dict[str, Rows]) -> None:
    records = {row["recordId"]: row for row in story["records"]}
    for coding in story["codings"]:
        record = records[coding["recordId"]]
        data = {name.upper(): value for name, value in record["recordData"].items()}
        assert coding["value"] == data[coding["variable"]]
        assert (coding["siteId"], coding["formKey"]) == (record["siteId"], record["formKey"])
        assert (coding["code"] is None) == (coding["dateCoded"] is None)


def test_windows_follow_from_the_anchor(story: dict[str, Rows]) -> None:
    intervals = {interval.id: interval for interval in INTERVALS}
    made = {
        (v["subjectId"], v["intervalName"]): v["visitDate"]
        for v in story["visits"]
        if v["visitDate"] and not v["deleted"]
    }
    for visit in story["visits"]:
        if visit["dueDate"] is None:
            continue
        interval = intervals[visit["intervalId"]]
        due = date.fromisoformat(visit["dueDate"])
        if anchor := made.get((visit["subjectId"], interval.anchor)):
            assert due == date.fromisoformat(anchor) + timedelta(interval.due or 0)
        assert visit["startDate"] == str(due - timedelta(interval.before))
        assert visit["endDate"] == str(due + timedelta(interval.after))


def test_visit_dates_are_those_entered(story: dict[str, Rows]) -> None:
    entered = {
        r["visitId"]: r["recordData"]["SVSTDAT"] for r in story["records"] if r["formKey"] == "SV"
    }
    for visit in story["visits"]:
        if visit["visitDate"] and not visit["deleted"]:
            assert entered[visit["visitId"]] == visit["visitDate"]
            assert visit["visitDate"] <= str(ASOF)


def test_statuses_and_visits_agree(story: dict[str, Rows]) -> None:
    visits = defaultdict(dict)
    for visit in story["visits"]:
        if not visit["deleted"]:
            visits[visit["subjectId"]][visit["intervalName"]] = visit["visitDate"]
    for subject in story["subjects"]:
        if subject["deleted"]:
            continue
        course, status = visits[subject["subjectId"]], subject["subjectStatus"]
        begun = status in ("Enrolled", "Completed", "Withdrawn")
        assert course["Screening"]
        assert (course["Baseline"] is not None) is begun
        assert (subject["enrollmentStartDate"] is not None) is begun
        assert (course["End of Study"] is not None) is (status in ("Completed", "Withdrawn"))


def test_nothing_is_later_than_now(story: dict[str, Rows]) -> None:
    for name, rows in story.items():
        kinds = RESOURCES[name].fields
        moments = [field for field, kind in kinds.items() if kind == "timestamp"]
        for row in rows:
            assert all((row[field] or "") <= NOON for field in moments), (name, row)
    for row in [*story["records"], *story["subjects"]]:
        assert all(word["dateAdded"] <= NOON for word in row["keywords"])


def by_site(story: dict[str, Rows], rows: Rows) -> Counter[int]:
    sites = {row["subjectId"]: row["siteId"] for row in story["subjects"]}
    return Counter(sites[row["subjectId"]] for row in rows if row["subjectId"])


def test_one_site_is_fast_and_dirty(story: dict[str, Rows]) -> None:
    points: Counter[int] = Counter()
    for record in story["records"]:
        values = record["recordData"].values()
        points[record["siteId"]] += sum(value is not None for value in values)
    queries = by_site(story, story["queries"])
    rates = {site: queries[site] / points[site] for site in queries}
    others = sorted(rate for site, rate in rates.items() if site != 3)
    assert rates[3] > 2 * others[-1]
    sizes = by_site(story, story["subjects"])
    assert sizes.most_common(1)[0][0] == 3
    deviations = by_site(story, [r for r in story["records"] if r["formKey"] == "DV"])
    assert deviations.most_common(1)[0][0] == 3


def test_one_site_is_silent(story: dict[str, Rows]) -> None:
    events = by_site(story, [r for r in story["records"] if r["formKey"] == "AE"])
    sizes = by_site(story, story["subjects"])
    assert {site for site in sizes if not events[site]} == {7}
    assert sizes[7] >= 10


def test_one_site_waits_and_one_is_closed(story: dict[str, Rows]) -> None:
    statuses = {site["siteId"]: site["siteEnrollmentStatus"] for site in story["sites"]}
    assert statuses[12] == "Not Yet Active"
    assert statuses[11] == "Enrollment Closed"
    assert set(statuses.values()) == {"Not Yet Active", "Enrollment Closed", "Enrollment Open"}
    assert by_site(story, story["subjects"])[12] == 0


def test_subjects_take_every_course(story: dict[str, Rows]) -> None:
    counts = Counter(subject["subjectStatus"] for subject in story["subjects"])
    assert set(counts) == {"Screening", "Screen Failure", "Enrolled", "Completed", "Withdrawn"}
    assert 0.08 < counts["Screen Failure"] / 200 < 0.25
    assert 0.03 < counts["Withdrawn"] / 200 < 0.2
    assert sum(subject["deleted"] for subject in story["subjects"]) == 1


def test_visits_are_late_missed_and_deleted(story: dict[str, Rows]) -> None:
    active = {
        s["subjectId"] for s in story["subjects"] if s["subjectStatus"] in ("Enrolled", "Screening")
    }
    today = str(ASOF)
    overdue = stray = 0
    for visit in story["visits"]:
        if visit["deleted"] or visit["endDate"] is None:
            continue
        made = visit["visitDate"]
        overdue += made is None and visit["endDate"] < today and visit["subjectId"] in active
        stray += made is not None and not visit["startDate"] <= made <= visit["endDate"]
    assert overdue > 5
    assert stray > 20
    assert 0 < sum(visit["deleted"] for visit in story["visits"]) < 40


def test_queries_are_in_every_state(story: dict[str, Rows]) -> None:
    last = Counter(
        query["queryComments"][-1]["annotationStatus"] if query["queryComments"] else None
        for query in story["queries"]
    )
    assert set(last) >= {"Query Open", "Site Answered", "Query Closed", None}
    words = {c["annotationStatus"] for q in story["queries"] for c in q["queryComments"]}
    assert "Query Reopened" in words
    kinds = {query["annotationType"] for query in story["queries"]}
    assert kinds == {"question", "record", "subject"}


def test_records_are_in_every_state(story: dict[str, Rows]) -> None:
    assert {record["recordStatus"] for record in story["records"]} == {
        "Record Incomplete",
        "Record Complete",
        "Ready For SDV",
        "Partially Verified",
        "Verified",
    }
    assert any(record["deleted"] for record in story["records"])
    assert any(record["keywords"] for record in story["records"])
    assert any(record["parentRecordId"] for record in story["records"])


def test_small_traps(story: dict[str, Rows]) -> None:
    names = {variable["variableName"] for variable in story["variables"]}
    answers = [r["recordData"] for r in story["records"] if r["formKey"] == "AE"]
    assert "AETERM" in names
    assert all("aeterm" in data for data in answers)
    values = [value for r in story["records"] for value in r["recordData"].values()]
    assert any(value and value.endswith("-UN-UN") for value in values)
    assert "" in values
    assert None in values
    blinded = {v["variableName"] for v in story["variables"] if v["blinded"]}
    assert blinded == {"ARM", "EXKIT"}
    assert any(coding["code"] is None for coding in story["codings"])
    assert [form["formKey"] for form in story["forms"] if form["disabled"]] == ["PK"]
    assert [i["intervalName"] for i in story["intervals"] if i["disabled"]] == ["Week 20"]
