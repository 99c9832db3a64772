"""Posted records: what is refused, what a job does, and what is then to be seen."""

from __future__ import annotations

import threading
from typing import Any

import pytest

NEW = {"formKey": "REG", "siteName": "Corvane General Hospital", "data": {"RFICDAT": "2026-03-02"}}


def latest(own: Any, path: str = "records") -> dict[str, Any]:
    key = {"records": "recordId", "recordRevisions": "recordRevisionId", "subjects": "subjectId"}
    (row,) = own.page(path, sort=f"{key[path]},DESC", size=1)["data"]
    return row


def counts(own: Any) -> dict[str, int]:
    names = ("subjects", "visits", "records", "recordRevisions", "queries", "codings")
    return {name: own.page(name, size=1)["pagination"]["totalElements"] for name in names}


def enrolled(own: Any) -> dict[str, Any]:
    return own.page("subjects", filter="subjectStatus==Enrolled;siteId==3")["data"][0]


def test_receipt_and_steps(own: Any) -> None:
    answer = own.post([NEW])
    receipt = answer.json()
    assert answer.status == 202
    assert set(receipt) == {"jobId", "batchId", "state"}
    assert receipt["state"] == "created"
    jobs = [own.get(f"jobs/{receipt['batchId']}").json() for _ in range(3)]
    assert [job["state"] for job in jobs] == ["running", "completed", "completed"]
    assert jobs[0] == {**receipt, **jobs[0]}
    dates = ("dateCreated", "dateStarted", "dateFinished")
    assert [job[name] is None for job in jobs for name in dates] == [False, False, True] + 6 * [
        False
    ]
    assert jobs[1] == jobs[2]


def test_nothing_before_the_job_is_done(own: Any) -> None:
    before = counts(own)
    batch = own.post([NEW]).json()["batchId"]
    own.simulator.api.jobs.by_batch[batch].created += 3600  # the clock must not settle it
    assert counts(own) == before
    assert own.get(f"jobs/{batch}").json()["state"] == "running"
    assert counts(own) == before
    assert own.get(f"jobs/{batch}").json()["state"] == "completed"
    assert counts(own) != before


def test_time_alone_settles_a_job(own: Any) -> None:
    before = counts(own)["subjects"]
    batch = own.post([NEW]).json()["batchId"]
    own.simulator.api.jobs.by_batch[batch].created -= 1  # as if a second had passed
    assert counts(own)["subjects"] == before + 1
    assert own.get(f"jobs/{batch}").json()["state"] == "completed"


def test_registration(own: Any) -> None:
    before = counts(own)
    keys = [row["subjectKey"] for row in own.rows("subjects", filter="siteId==3")]
    assert own.done([NEW]) == "completed"
    subject, record = latest(own, "subjects"), latest(own)
    expected = f"03-{max(int(key[3:]) for key in keys) + 1:03d}"
    assert (subject["subjectKey"], subject["subjectStatus"]) == (expected, "Screening")
    assert (subject["siteId"], subject["siteName"]) == (3, "Corvane General Hospital")
    assert subject["enrollmentStartDate"] is None
    assert record["recordData"] == {
        "RFICDAT": "2026-03-02",
        "PROTVER": None,
        "RFICTIM": None,
        "REGNOTE": None,
    }
    assert (record["subjectKey"], record["recordStatus"]) == (expected, "Record Complete")
    visits = own.rows("visits", filter=f"subjectId=={subject['subjectId']}")
    assert [visit["intervalName"] for visit in visits] == [
        "Screening",
        "Baseline",
        *(f"Week {week}" for week in (2, 4, 8, 12, 16, 24)),
        "End of Study",
    ]
    assert record["visitId"] == visits[0]["visitId"]
    assert record["intervalId"] == visits[0]["intervalId"]
    revision = latest(own, "recordRevisions")
    assert (revision["recordId"], revision["dataRevision"]) == (record["recordId"], 1)
    assert (revision["user"], revision["reasonForChange"]) == ("api-client", None)
    after = {"subjects": 1, "visits": 9, "records": 1, "recordRevisions": 1}
    assert counts(own) == {name: n + after.get(name, 0) for name, n in before.items()}


def test_registration_by_ids_and_in_any_case(own: Any) -> None:
    assert own.done([{"formId": 1001, "siteId": 1, "data": {"ProtVer": "3.0"}}]) == "completed"
    assert latest(own)["recordData"]["PROTVER"] == "3.0"
    assert latest(own)["siteId"] == 1


def test_several_registrations_in_one_batch(own: Any) -> None:
    before = counts(own)["subjects"]
    assert own.done([NEW, NEW, {**NEW, "siteName": "Dunmere Respiratory Centre"}]) == "completed"
    assert counts(own)["subjects"] == before + 3
    keys = [row["subjectKey"] for row in own.rows("subjects")]
    assert len(set(keys)) == len(keys)


def test_scheduled_update_of_an_existing_record(own: Any) -> None:
    subject = enrolled(own)
    where = f"subjectId=={subject['subjectId']};formKey==VS;intervalId==102"
    (old,) = own.rows("records", filter=where)
    own_item = {
        "formKey": "VS",
        "subjectKey": subject["subjectKey"],
        "intervalName": "Baseline",
        "data": {"sysbp": 181, "TEMP": "36.5"},
    }
    before = counts(own)
    assert own.done([own_item]) == "completed"
    (new,) = own.rows("records", filter=where)
    assert new["recordData"] == {**old["recordData"], "SYSBP": "181", "TEMP": "36.5"}
    assert new["dateModified"] > old["dateModified"]
    revisions = own.rows("recordRevisions", filter=f"recordId=={old['recordId']}")
    assert revisions[-1]["dataRevision"] == revisions[-2]["dataRevision"] + 1
    assert revisions[-1]["recordRevision"] == len(revisions)
    assert revisions[-1]["reasonForChange"] == "Changed through the API"
    assert counts(own) == {**before, "recordRevisions": before["recordRevisions"] + 1}


def test_an_update_that_changes_nothing_leaves_no_trace(own: Any) -> None:
    record = own.page("records", filter="formKey==DM")["data"][0]
    before = counts(own)
    item = {"formKey": "DM", "recordId": record["recordId"]}
    assert own.done([{**item, "data": {"SEX": record["recordData"]["SEX"]}}]) == "completed"
    assert counts(own) == before


def test_update_by_record_id_and_status(own: Any) -> None:
    record = own.page("records", filter="formKey==DM;recordStatus==Verified")["data"][0]
    item = {"formKey": "DM", "recordId": record["recordId"]}
    for value, status in (("", "Record Incomplete"), ("Female", "Record Complete")):
        assert own.done([{**item, "data": {"SEX": value}}]) == "completed"
        (now,) = own.rows("records", filter=f"recordId=={record['recordId']}")
        assert (now["recordData"]["SEX"], now["recordStatus"]) == (value, status)


def test_new_unscheduled_record(own: Any) -> None:
    subject = enrolled(own)
    item = {"formKey": "AE", "subjectOid": subject["subjectOid"], "data": {"AETERM": "Rash"}}
    before = counts(own)
    assert own.done([item, item]) == "completed"
    assert counts(own)["records"] == before["records"] + 2
    record = latest(own)
    assert record["recordData"]["aeterm"] == "Rash"
    assert record["recordStatus"] == "Record Incomplete"
    assert (record["intervalId"], record["visitId"]) == (None, None)
    assert (record["subjectId"], record["siteId"]) == (subject["subjectId"], subject["siteId"])


def test_site_record(own: Any) -> None:
    data = {"MONDAT": "2026-03-01", "MONTYPE": "Interim", "MONFIND": 2}
    assert own.done([{"formKey": "MON", "siteId": 2, "data": data}]) == "completed"
    record = latest(own)
    assert (record["subjectId"], record["siteId"], record["recordType"]) == (None, 2, "SITE")
    assert record["recordData"] == {**data, "MONFIND": "2", "MONNOTE": None}


def test_a_record_that_does_not_follow_its_form_can_be_changed(own: Any) -> None:
    (odd,) = own.rows("records", filter="recordId==400")
    assert "dateCreated" in odd["recordData"]
    name = next(iter(set(odd["recordData"]) - {"dateCreated", "dateModified", "unvnum"}))
    item = {"formKey": odd["formKey"], "recordId": 400, "data": {name: None}}
    assert own.done([item]) == "completed"
    (now,) = own.rows("records", filter="recordId==400")
    assert now["recordData"] == {**odd["recordData"], name: None}


def test_visit_dates_move_windows_and_enrol(own: Any) -> None:
    own.done([NEW])
    subject = latest(own, "subjects")
    for interval, day in (("Screening", "2026-03-02"), ("Baseline", "2026-03-16")):
        item = {"formKey": "SV", "subjectKey": subject["subjectKey"], "intervalName": interval}
        assert own.done([{**item, "data": {"SVSTDAT": day}}]) == "completed"
    rows = own.rows("visits", filter=f"subjectId=={subject['subjectId']}")
    visits = {row["intervalName"]: row for row in rows}
    assert visits["Screening"]["visitDate"] == "2026-03-02"
    assert (visits["Baseline"]["dueDate"], visits["Baseline"]["endDate"]) == (
        "2026-03-16",
        "2026-03-23",
    )
    assert (visits["Week 2"]["startDate"], visits["Week 2"]["endDate"]) == (
        "2026-03-28",
        "2026-04-01",
    )
    now = latest(own, "subjects")
    assert now["subjectStatus"] == "Enrolled"
    assert now["enrollmentStartDate"] == "2026-03-16 10:00:00"


def test_partial_visit_date_dates_no_visit(own: Any) -> None:
    own.done([NEW])
    subject = latest(own, "subjects")
    item = {"formKey": "SV", "subjectId": subject["subjectId"], "intervalId": 101}
    assert own.done([{**item, "data": {"SVSTDAT": "2026-03-UN"}}]) == "completed"
    visit = own.rows("visits", filter=f"subjectId=={subject['subjectId']}")[0]
    assert visit["visitDate"] is None


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("VS", {"SYSBP": "high"}),
        ("VS", {"SYSBP": "120.5"}),
        ("VS", {"TEMP": "36,6"}),
        ("VS", {"VSTIM": "25:00"}),
        ("AE", {"AESTDAT": "2026-02-30"}),
        ("AE", {"AESTDAT": "02/03/2026"}),
        ("AE", {"AESTDAT": "2026-13-UN"}),
        ("LB", {"LBDTM": "yesterday"}),
    ],
    ids=lambda value: str(value),
)
def test_a_value_that_does_not_fit_fails_the_whole_batch(
    own: Any, form: str, data: dict[str, str]
) -> None:
    before = counts(own)
    subject = enrolled(own)
    bad = {"formKey": form, "subjectKey": subject["subjectKey"], "data": data}
    assert own.done([NEW, bad]) == "failed"
    assert counts(own) == before
    assert latest(own, "subjects")["subjectId"] == before["subjects"]


@pytest.mark.parametrize("value", ["2024-UN-UN", "2024-05-UN", "2024-05-31", "", None])
def test_dates_may_be_partial_or_empty(own: Any, value: str | None) -> None:
    subject = enrolled(own)
    item = {"formKey": "CM", "subjectKey": subject["subjectKey"], "data": {"CMSTDAT": value}}
    assert own.done([item]) == "completed"
    assert latest(own)["recordData"]["CMSTDAT"] == value


SUBJECT = {"formKey": "AE", "subjectKey": "03-001", "data": {}}
REFUSALS: list[Any] = [
    ("object", {}, "body", "{}", "The body must be an array of records"),
    ("empty", [], "body", "[]", "The body must be an array of records"),
    ("text-item", ["x"], "body", "x", "Each record must be an object"),
    ("no-form", [{"data": {}}], "formKey", None, "Each record needs a formKey or formId"),
    ("unknown-form", [{"formKey": "XX", "data": {}}], "formKey", "XX", "No such form"),
    ("unknown-form-id", [{"formId": 7, "data": {}}], "formId", 7, "No such form"),
    ("forms-differ", [{"formKey": "AE", "formId": 1001}], "formId", 1001, "No such form"),
    ("disabled-form", [{"formKey": "PK", "data": {}}], "formKey", "PK", "The form is disabled"),
    (
        "unknown-site",
        [{**NEW, "siteName": "Nowhere"}],
        "siteName",
        "Nowhere",
        "No such site",
    ),
    (
        "no-site",
        [{"formKey": "REG", "data": {}}],
        "siteName",
        None,
        "A record without a subject needs a siteName or siteId",
    ),
    (
        "no-subject",
        [{"formKey": "AE", "siteId": 3, "data": {}}],
        "subjectKey",
        None,
        "Form AE needs a subject",
    ),
    (
        "unknown-subject",
        [{**SUBJECT, "subjectKey": "99-001"}],
        "subjectKey",
        "99-001",
        "No such subject",
    ),
    (
        "site-of-another",
        [{**SUBJECT, "siteId": 1}],
        "siteName",
        "Aldermoor University Hospital",
        "The subject belongs to another site",
    ),
    (
        "unknown-interval",
        [{**SUBJECT, "intervalName": "Week 99"}],
        "intervalName",
        "Week 99",
        "No such interval",
    ),
    (
        "disabled-interval",
        [{**SUBJECT, "intervalName": "Week 20"}],
        "intervalName",
        "Week 20",
        "The interval is disabled",
    ),
    (
        "form-not-in-interval",
        [{**SUBJECT, "intervalName": "Week 2"}],
        "formKey",
        "AE",
        "The form is not part of interval Week 2",
    ),
    (
        "interval-without-subject",
        [{"formKey": "VS", "intervalName": "Week 2", "data": {}}],
        "subjectKey",
        None,
        "A scheduled record needs a subject",
    ),
    (
        "site-form-with-subject",
        [{**SUBJECT, "formKey": "MON"}],
        "formKey",
        "MON",
        "A site form takes no subject",
    ),
    (
        "unknown-record",
        [{"formKey": "AE", "recordId": 999999, "data": {}}],
        "recordId",
        999999,
        "No such record",
    ),
    (
        "record-of-another-form",
        [{"formKey": "AE", "recordId": 1, "data": {}}],
        "formKey",
        "AE",
        "The record belongs to another form",
    ),
    (
        "no-data",
        [{"formKey": "AE", "subjectKey": "03-001"}],
        "data",
        "None",
        "Each record needs a data object",
    ),
    (
        "unknown-variable",
        [{**SUBJECT, "data": {"NOPE": 1}}],
        "NOPE",
        "1",
        "The form has no variable NOPE",
    ),
    (
        "blinded-variable",
        [{**SUBJECT, "formKey": "DM", "data": {"ARM": "A"}}],
        "ARM",
        "A",
        "Variable ARM is blinded",
    ),
    (
        "disabled-variable",
        [{**SUBJECT, "formKey": "DM", "data": {"oldid": "A"}}],
        "oldid",
        "A",
        "Variable oldid is disabled",
    ),
    (
        "list-as-value",
        [{**SUBJECT, "data": {"AETERM": [1]}}],
        "AETERM",
        "[1]",
        "Variable AETERM takes one value",
    ),
]


@pytest.mark.parametrize(
    ("items", "attribute", "value", "description"),
    [pytest.param(*case[1:], id=case[0]) for case in REFUSALS],
)
def test_refused_at_once(
    api: Any, items: Any, attribute: str, value: Any, description: str
) -> None:
    batch = [*([NEW] if isinstance(items, list) and items else []), *items] if items else items
    before = counts(api)
    answer = api.post(batch)
    assert answer.status == 400
    assert answer.json()["metadata"]["error"] == {
        "code": "1000",
        "description": description,
        "field": {"attribute": attribute, "value": value},
    }
    assert counts(api) == before
    assert not api.simulator.api.jobs.by_batch


def test_body_that_is_no_json(api: Any) -> None:
    path = "/api/v1/edc/studies/DEMO/records"
    answer = api.request("POST", path, body=b"{", headers=api.pool.headers)
    assert answer.status == 400
    assert answer.json()["metadata"]["error"] == {
        "code": "1000",
        "description": "The body must be JSON",
        "field": {"attribute": "body", "value": None},
    }


def test_unknown_job(api: Any) -> None:
    assert api.error("jobs/no-such-batch") == (
        404,
        {
            "code": "9000",
            "description": "No such job",
            "field": {"attribute": "batchId", "value": "no-such-batch"},
        },
    )


def test_readers_never_see_half_a_batch(own: Any) -> None:
    """While batches of ten are applied, a reader only ever counts tens."""
    before = counts(own)["subjects"]
    seen, done = [], threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(own.page("subjects", size=1)["pagination"]["totalElements"] - before)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        own.done([NEW] * 10)
    done.set()
    reader.join()
    assert {number % 10 for number in seen} == {0}
    assert counts(own)["subjects"] == before + 50
