"""Records written: checked, sent in batches, followed, read back; held against the raw rows."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import partial
from typing import Any

import numpy as np
import pytest
from scripted import reply

from imednet.errors import (
    ImednetError,
    JobTimeoutError,
    NotFoundError,
    ServerError,
    ValidationError,
)
from imednet_workflows.record_checks import RecordsRefused
from imednet_workflows.record_update import Change, Difference, UpdateError

SITE = "Corvane General Hospital"
FAST: dict[str, Any] = {"poll_interval": 0.01}
VERIFIED: dict[str, Any] = {"verify": True, **FAST}


def ids(study: Any, name: str, key: str) -> set[int]:
    return {row[key] for row in study.rows(name)}


def data_of(study: Any) -> dict[int, dict[str, Any]]:
    return {row["recordId"]: row["recordData"] for row in study.rows("records")}


def new(subject: str, **data: Any) -> dict[str, Any]:
    return {"formKey": "CM", "subjectKey": subject, "data": data}


def vitals(subject: str, interval: str, **data: Any) -> dict[str, Any]:
    return {"formKey": "VS", "subjectKey": subject, "intervalName": interval, "data": data}


def misled(study: Any, name: str) -> None:
    """Let the server list a variable as text, whose type its jobs still hold values against."""
    table = study.server.study["variables"]
    (row,) = table.find("variableName", name)
    table.change(row, variableType="TEXT")


@pytest.fixture(autouse=True)
def jobs_take_a_step_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of the simulator go on when they are looked at, and not by the clock as well."""
    monkeypatch.setattr("imednet_simulator.jobs.SETTLES_AFTER", 3600)


@pytest.fixture
def subject(own: Any) -> str:
    return own.enrolled()


# --- one record


@pytest.mark.parametrize("site", [SITE, SITE.lower(), 3, "3"], ids=repr)
@pytest.mark.parametrize("form", ["REG", "registration", 1001], ids=repr)
def test_a_subject_is_registered(own: Any, site: Any, form: Any) -> None:
    before = ids(own, "subjects", "subjectId")
    result = own.flows.record_update.register_subject(
        own.key, form, site, {"RFICDAT": date(2026, 3, 1)}, **VERIFIED
    )
    (row,) = [row for row in own.rows("subjects") if row["subjectId"] not in before]
    assert row["siteId"] == 3
    (outcome,) = result.records
    assert (outcome.kind, outcome.state, outcome.stands) == ("register", "completed", True)
    assert outcome.subject_key == row["subjectKey"]
    record = own.record(outcome.record_id)
    assert (record["formKey"], record["subjectKey"]) == ("REG", row["subjectKey"])
    assert record["recordData"]["RFICDAT"] == "2026-03-01"


def test_a_subject_is_registered_without_data(own: Any) -> None:
    result = own.flows.record_update.register_subject(own.key, "REG", SITE, **VERIFIED)
    (outcome,) = result.records
    newest = max(own.rows("subjects"), key=lambda row: row["subjectId"])
    assert (outcome.subject_key, outcome.stands) == (newest["subjectKey"], True)


@pytest.mark.parametrize("interval", ["Week 2", "week 2", 103, "103"], ids=repr)
@pytest.mark.parametrize("form", ["VS", "vitals", 1004], ids=repr)
@pytest.mark.parametrize("by_id", [False, True], ids=["key", "id"])
def test_a_scheduled_record_is_written(own: Any, form: Any, interval: Any, by_id: bool) -> None:
    record = next(
        row
        for row in own.rows("records")
        if (row["formKey"], row["intervalId"], row["deleted"]) == ("VS", 103, False)
        and row["recordData"]["PULSE"] not in (None, "", "71")
    )
    before = data_of(own)
    result = own.flows.record_update.update_scheduled_record(
        own.key,
        form,
        record["subjectId" if by_id else "subjectKey"],
        interval,
        {"pulse": 71},
        **VERIFIED,
    )
    (outcome,) = result.records
    assert (outcome.kind, outcome.stands) == ("scheduled", True)
    assert outcome.record_id == record["recordId"]
    assert outcome.subject_key is None
    before[record["recordId"]]["PULSE"] = "71"
    assert data_of(own) == before


@pytest.mark.parametrize("form", ["CM", "concomitant medications", 1013], ids=repr)
def test_a_new_record_is_written(own: Any, subject: str, form: Any) -> None:
    before = data_of(own)
    result = own.flows.record_update.create_new_record(
        own.key, form, subject, {"CMTRT": "Paracetamol", "CMDOSE": 2.5}, **VERIFIED
    )
    (outcome,) = result.records
    after = data_of(own)
    assert set(after) - set(before) == {outcome.record_id}
    assert (outcome.kind, outcome.stands) == ("new", True)
    record = own.record(outcome.record_id)
    assert (record["subjectKey"], record["intervalId"]) == (subject, None)
    found = {name: value for name, value in record["recordData"].items() if value}
    assert found == {"CMTRT": "Paracetamol", "CMDOSE": "2.5"}


@pytest.mark.parametrize("name", ["recordId", "recordOid"])
def test_a_record_that_is_named_is_changed(own: Any, name: str) -> None:
    record = next(row for row in own.rows("records") if row["formKey"] == "CM")
    before = data_of(own)
    item = {"formKey": "CM", name: record[name], "data": {"CMTRT": "Other"}}
    result = own.flows.record_update.create_or_update_records(own.key, [item], **VERIFIED)
    (outcome,) = result.records
    assert (outcome.kind, outcome.record_id) == ("change", record["recordId"])
    assert outcome.stands is True
    before[record["recordId"]]["CMTRT"] = "Other"
    assert data_of(own) == before


@pytest.mark.parametrize(
    ("form", "name", "value", "stored"),
    [
        ("VS", "PULSE", 71, "71"),
        ("VS", "PULSE", np.int64(71), "71"),
        ("VS", "PULSE", None, None),
        ("VS", "PULSE", "", ""),
        ("VS", "PULSE", float("nan"), None),
        ("VS", "TEMP", 36.5, "36.5"),
        ("VS", "VSDAT", date(2026, 2, 1), "2026-02-01"),
        ("VS", "VSDAT", "2026-UN-UN", "2026-UN-UN"),
        ("VS", "VSTIM", time(10, 30), "10:30:00"),
        ("LB", "LBDTM", datetime(2026, 2, 1, 10, 30), "2026-02-01 10:30"),
        ("LB", "LBFAST", True, "true"),
        ("LB", "LBFAST", False, "false"),
        ("PE", "PEFIND", "two\nlines, ä; \"'", "two\nlines, ä; \"'"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_values_of_each_type_stand(
    own: Any, subject: str, form: str, name: str, value: Any, stored: Any
) -> None:
    result = own.flows.record_update.update_scheduled_record(
        own.key, form, subject, "Baseline", {name: value}, **VERIFIED
    )
    (outcome,) = result.records
    assert (outcome.state, outcome.differences) == ("completed", [])
    assert own.record(outcome.record_id)["recordData"][name] == stored


# --- refused before anything is sent


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (
            lambda u, key: u.register_subject(key, "REG", "Nowhere"),
            ValueError,
            "there is no site 'Nowhere' in the study: there are ",
        ),
        (
            lambda u, key: u.register_subject(key, "REGG", 3),
            ValueError,
            "there is no form 'REGG' in the study: did you mean 'REG'?",
        ),
        (
            lambda u, key: u.update_scheduled_record(key, "VS", "x", "Wek 2", {}),
            ValueError,
            "there is no interval 'Wek 2' in the study: did you mean 'Week 2'?",
        ),
        (
            lambda u, key: u.update_scheduled_record(key, "VS", "x", "Week 2", {"PULSE": "y"}),
            RecordsRefused,
            "2 faults in the records, nothing was sent:\n"
            "  record 0: subjectKey is 'x': no such subject\n"
            "  record 0: PULSE is 'y': give a whole number",
        ),
        (
            lambda u, key: u.create_new_record(key, "PK", 1, {}),
            RecordsRefused,
            "1 fault in the records, nothing was sent:\n"
            "  record 0: formKey is 'PK': the form is disabled",
        ),
        (
            lambda u, key: u.create_new_record(key, "VS", 1, None),
            RecordsRefused,
            "1 fault in the records, nothing was sent:\n"
            "  record 0: data is None: give a dict of variable names and values, empty if need be",
        ),
        (
            lambda u, key: u.create_or_update_records(key, [new("x"), {}], batch_size=1),
            RecordsRefused,
            "",
        ),
        (
            lambda u, key: u.create_or_update_records(key, [], batch_size=0),
            ValueError,
            "batch_size is 0: give a whole number from 1 up",
        ),
        (
            lambda u, key: u.create_or_update_records(
                key, [{"formKey": "REG", "siteId": 3, "data": {}}], True, poll_interval=0
            ),
            ValueError,
            "",
        ),
        (
            lambda u, key: u.create_or_update_records(
                key, [{"formKey": "REG", "siteId": 3, "data": {}}], True, timeout=-1
            ),
            ValueError,
            "",
        ),
        (
            lambda u, key: u.create_or_update_records(
                key, [{"formKey": "REG", "siteId": 3, "data": {}}], email_notify="nobody"
            ),
            ValueError,
            "email_notify is 'nobody': give one e-mail address",
        ),
        (lambda u, key: u.preview(key, [new("x")]), RecordsRefused, ""),
    ],
    ids=[
        "site",
        "form",
        "interval",
        "scheduled",
        "disabled",
        "no data",
        "second batch",
        "batch_size",
        "poll_interval",
        "timeout",
        "address",
        "preview",
    ],
)
def test_nothing_is_sent_when_refused(own: Any, call: Any, error: Any, said: str) -> None:
    with pytest.raises(error) as caught:
        call(own.flows.record_update, own.key)
    assert str(caught.value).startswith(said)
    assert own.posts() == 0


def test_no_records_are_no_request(own: Any) -> None:
    result = own.flows.record_update.create_or_update_records(own.key, [], **VERIFIED)
    assert (result.records, result.jobs, result.failed) == ([], [], [])
    assert own.posts() == 0


# --- batches and jobs


@pytest.mark.parametrize(("size", "sizes"), [(3, [3, 3, 1]), (7, [7]), (100, [7]), (1, [1] * 7)])
def test_batches(own: Any, subject: str, size: int, sizes: list[int]) -> None:
    told: list[tuple[int, int]] = []
    items = (new(subject, CMTRT=f"Drug {n}") for n in range(7))
    result = own.flows.record_update.create_or_update_records(
        own.key, items, True, batch_size=size, on_progress=lambda *n: told.append(n), **FAST
    )
    assert own.posts() == len(sizes) == len(result.jobs)
    batches = [job.batch_id for job in result.jobs]
    assert len(set(batches)) == len(sizes)
    expected = [batch for batch, count in zip(batches, sizes, strict=True) for _ in range(count)]
    assert [outcome.batch_id for outcome in result.records] == expected
    assert [outcome.position for outcome in result.records] == list(range(7))
    assert {outcome.state for outcome in result.records} == {"completed"}
    assert {job.state for job in result.jobs} == {"completed"}
    assert told == [(sum(sizes[: n + 1]), 7) for n in range(len(sizes))]
    written = [data["CMTRT"] for data in data_of(own).values() if data.get("CMTRT", "")]
    assert [name for name in written if name.startswith("Drug ")] == [f"Drug {n}" for n in range(7)]


def test_a_hundred_records_a_batch_unless_told(own: Any, subject: str) -> None:
    items = [new(subject, CMTRT="x")] * 101
    result = own.flows.record_update.create_or_update_records(own.key, items)
    assert own.posts() == 2
    assert [outcome.batch_id for outcome in result.records].count(result.jobs[0].batch_id) == 100


def test_without_waiting_no_job_is_looked_at(own: Any, subject: str) -> None:
    result = own.flows.record_update.create_or_update_records(own.key, [new(subject)])
    assert not [path for _, path in own.server.requests if "/jobs/" in path]
    (outcome,) = result.records
    assert (outcome.state, outcome.differences, outcome.stands) == ("created", None, None)
    assert outcome.batch_id == result.jobs[0].batch_id


def test_waiting_reads_nothing_back(own: Any, subject: str) -> None:
    result = own.flows.record_update.create_or_update_records(own.key, [new(subject)], True, **FAST)
    (outcome,) = result.records
    assert (outcome.state, outcome.stands, outcome.record_id) == ("completed", None, None)


def test_a_job_that_failed_is_told_and_not_raised(own: Any, subject: str) -> None:
    misled(own, "PULSE")
    before = data_of(own)
    items = [
        vitals(subject, "Baseline", TEMP=36.1),
        new(subject, CMTRT="first"),
        new(subject, CMTRT="lost"),
        vitals(subject, "Screening", PULSE="fast"),
        new(subject, CMTRT="last"),
    ]
    result = own.flows.record_update.create_or_update_records(
        own.key, items, batch_size=2, **VERIFIED
    )
    states = ["completed", "completed", "failed", "failed", "completed"]
    assert [outcome.state for outcome in result.records] == states
    assert [job.state for job in result.jobs] == ["completed", "failed", "completed"]
    assert [outcome.position for outcome in result.failed] == [2, 3]
    assert [bool(outcome.stands) for outcome in result.records] == [True, True, False, False, True]
    after = data_of(own)
    drugs = [after[number]["CMTRT"] for number in after.keys() - before.keys()]
    assert sorted(drugs) == ["first", "last"]
    assert after[result.records[0].record_id]["TEMP"] == "36.1"


def test_a_job_that_does_not_end_in_time_is_told(own: Any, subject: str) -> None:
    with pytest.raises(UpdateError) as caught:
        own.flows.record_update.create_or_update_records(
            own.key, [new(subject)], True, timeout=0, verify=True, **FAST
        )
    assert isinstance(caught.value.__cause__, JobTimeoutError)
    result = caught.value.result
    assert (result.records[0].state, result.jobs[0].state) == ("running", "running")
    assert result.records[0].differences is None  # what still runs has not failed to stand


# --- read back


def test_a_value_that_does_not_stand_is_told(
    own: Any, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each request finds the jobs made before it at their end, in their order.
    monkeypatch.setattr("imednet_simulator.jobs.SETTLES_AFTER", -1)

    def somebody_else(done: int, total: int) -> None:
        own.sdk.records.create(own.key, [vitals(subject, "Baseline", PULSE="72")])

    items = [vitals(subject, "Baseline", PULSE=71, TEMP=36.6)]
    result = own.flows.record_update.create_or_update_records(
        own.key, items, on_progress=somebody_else, **VERIFIED
    )
    (outcome,) = result.records
    assert outcome.differences == [Difference("PULSE", "71", "72")]
    assert outcome.stands is False


def test_named_records_are_read_back_at_once(own: Any) -> None:
    rows = [r for r in own.rows("records") if r["formKey"] == "VS" and not r["deleted"]][:30]
    items = [{"formKey": "VS", "recordId": r["recordId"], "data": {"PULSE": 70}} for r in rows]
    own.server.requests.clear()
    result = own.flows.record_update.create_or_update_records(own.key, items, **VERIFIED)
    assert [outcome.stands for outcome in result.records] == [True] * 30
    assert [outcome.record_id for outcome in result.records] == [r["recordId"] for r in rows]
    lists = [path for method, path in own.server.requests if method == "GET" and "/records" in path]
    assert len(lists) == 3  # to check them, for the newest, to read them back


def test_numbers_stand_however_they_are_written(own: Any, subject: str) -> None:
    update = own.flows.record_update
    update.create_or_update_records(own.key, [vitals(subject, "Baseline", TEMP="37.0")], **VERIFIED)
    assert update.preview(own.key, [vitals(subject, "Baseline", TEMP=37)]) == []


def test_a_blinded_answer_is_not_shown(own: Any) -> None:
    record = next(row for row in own.rows("records") if (row["recordData"] or {}).get("ARM"))
    item = {"formKey": "DM", "recordId": record["recordId"], "data": {"ARM": "Z"}}
    (change,) = own.flows.record_update.preview(own.key, [item])
    assert (change.variable, change.old, change.new) == ("ARM", "(blinded)", "Z")


def test_what_was_sent_is_told_where_a_callback_fails(own: Any, subject: str) -> None:
    def broken(done: int, total: int) -> None:
        raise RuntimeError("no screen")

    with pytest.raises(RuntimeError, match="no screen") as caught:
        own.flows.record_update.create_or_update_records(
            own.key, [new(subject)], on_progress=broken, **FAST
        )
    (note,) = caught.value.__notes__
    assert note.startswith("1 of 1 records were sent when it broke off; batches sent before this: ")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"formKey": "AE"}, "that record is of another form", id="form"),
        pytest.param({"subjectKey": "another"}, "that record is of another subject", id="subject"),
        pytest.param({"recordId": 99_999_999}, "no such record", id="none"),
    ],
)
def test_a_named_record_is_held_against_what_else_is_named(
    own: Any, changed: dict[str, Any], message: str
) -> None:
    rows = [row for row in own.rows("records") if row["formKey"] == "VS" and not row["deleted"]]
    other = next(r["subjectKey"] for r in rows if r["subjectKey"] != rows[0]["subjectKey"])
    item = {"formKey": "VS", "recordId": rows[0]["recordId"], "data": {}, **changed}
    if "subjectKey" in item:
        item["subjectKey"] = other
    with pytest.raises(RecordsRefused) as caught:
        own.flows.record_update.preview(own.key, [item])
    assert [fault.allowed for fault in caught.value.faults] == [message]


def test_one_record_is_not_written_twice_in_a_call(own: Any, subject: str) -> None:
    row = next(
        row
        for row in own.rows("records")
        if (row["formKey"], row["subjectKey"], row["deleted"]) == ("VS", subject, False)
        and row["intervalId"] == 102
    )
    items = [
        vitals(subject, "Baseline", PULSE=71),
        {"formKey": "VS", "recordId": row["recordId"], "data": {"PULSE": "72"}},
    ]
    with pytest.raises(RecordsRefused, match="record 0 writes the same one"):
        own.flows.record_update.preview(own.key, items)


def test_subject_keys_of_several_registrations_at_once(own: Any) -> None:
    before = ids(own, "subjects", "subjectId")
    wanted = [(3, "1.0"), (1, "2.0"), (3, "3.0"), (3, "2.0"), (1, "1.0"), (2, "3.0")]
    items = [
        {"formKey": "REG", "siteId": site, "data": {"PROTVER": version}} for site, version in wanted
    ]
    result = own.flows.record_update.create_or_update_records(
        own.key, items, batch_size=4, **VERIFIED
    )
    subjects = {row["subjectKey"]: row for row in own.rows("subjects")}
    keys = [outcome.subject_key for outcome in result.records]
    come = {key for key, row in subjects.items() if row["subjectId"] not in before}
    assert len(set(keys)) == 6
    assert set(keys) == come
    for (site, version), outcome in zip(wanted, result.records, strict=True):
        assert subjects[outcome.subject_key]["siteId"] == site
        record = own.record(outcome.record_id)
        assert record["recordData"]["PROTVER"] == version
        assert record["subjectKey"] == outcome.subject_key
        assert outcome.stands is True


def test_registrations_with_the_same_values_get_different_keys(own: Any) -> None:
    items = [{"formKey": "REG", "siteId": 3, "data": {}}] * 3
    result = own.flows.record_update.create_or_update_records(own.key, items, **VERIFIED)
    newest = sorted(row["subjectId"] for row in own.rows("subjects"))[-3:]
    keys = {row["subjectKey"] for row in own.rows("subjects") if row["subjectId"] in newest}
    assert {outcome.subject_key for outcome in result.records} == keys
    assert [outcome.stands for outcome in result.records] == [True] * 3


def test_a_subject_that_somebody_registered_elsewhere_is_not_ours(own: Any) -> None:
    def meanwhile(done: int, total: int) -> None:
        other = {"formKey": "REG", "siteId": 1, "data": {}}
        job = own.sdk.records.create(own.key, [other])
        own.sdk.jobs.wait(own.key, job.batch_id, interval=0.01)

    result = own.flows.record_update.register_subject(
        own.key, "REG", 3, on_progress=meanwhile, **VERIFIED
    )
    theirs, ours = sorted(own.rows("subjects"), key=lambda row: row["subjectId"])[-2:]
    assert (theirs["siteId"], ours["siteId"]) == (1, 3)
    assert result.records[0].subject_key == ours["subjectKey"]
    assert result.records[0].stands is True


def test_a_failed_registration_takes_no_other_subject(own: Any) -> None:
    misled(own, "RFICDAT")
    items = [
        {"formKey": "REG", "siteId": 3, "data": {"RFICDAT": "never"}},
        {"formKey": "REG", "siteId": 3, "data": {"RFICDAT": "2026-03-01"}},
    ]
    result = own.flows.record_update.create_or_update_records(
        own.key, items, batch_size=1, **VERIFIED
    )
    newest = max(own.rows("subjects"), key=lambda row: row["subjectId"])
    failed, done = result.records
    assert (failed.state, failed.subject_key, bool(failed.stands)) == ("failed", None, False)
    assert (done.subject_key, done.stands) == (newest["subjectKey"], True)


def test_several_new_records_of_one_form(own: Any, subject: str) -> None:
    before = ids(own, "records", "recordId")
    drugs = ["A", "B", "A", "C", "A"]
    items = [new(subject, CMTRT=drug) for drug in drugs]
    result = own.flows.record_update.create_or_update_records(
        own.key, items, batch_size=2, **VERIFIED
    )
    found = [outcome.record_id for outcome in result.records]
    assert len(set(found)) == 5
    assert set(found) == ids(own, "records", "recordId") - before
    assert [own.record(number)["recordData"]["CMTRT"] for number in found] == drugs
    assert [outcome.stands for outcome in result.records] == [True] * 5


def test_records_of_a_site_are_read_back(own: Any) -> None:
    before = ids(own, "records", "recordId")
    where = {"formKey": "MON", "siteName": SITE}
    items = [{**where, "data": {"MONFIND": number}} for number in (1, 2, 1)]
    items.append({"formKey": "MON", "siteId": 1, "data": {}})
    shown = own.flows.record_update.preview(own.key, items)
    assert [(c.kind, c.old, c.new) for c in shown] == [("site", None, n) for n in "121"]
    result = own.flows.record_update.create_or_update_records(own.key, items, **VERIFIED)
    found = [outcome.record_id for outcome in result.records]
    assert [(o.kind, o.stands, o.subject_key) for o in result.records] == [("site", True, None)] * 4
    assert set(found) == ids(own, "records", "recordId") - before
    assert [own.record(number)["siteId"] for number in found] == [3, 3, 3, 1]
    assert [own.record(n)["recordData"]["MONFIND"] for n in found] == ["1", "2", "1", None]


def test_an_older_record_does_not_stand_for_a_new_one_that_failed(own: Any, subject: str) -> None:
    update = partial(own.flows.record_update.create_or_update_records, own.key, **VERIFIED)
    (first,) = update([new(subject, CMTRT="Same")]).records
    misled(own, "PULSE")
    outcomes = update([new(subject, CMTRT="Same"), vitals(subject, "Baseline", PULSE="x")]).records
    assert first.stands is True
    assert [(o.state, bool(o.stands), o.record_id) for o in outcomes[:1]] == [
        ("failed", False, None)
    ]


def test_an_older_record_with_the_same_values_is_not_taken_for_the_new_one(
    own: Any, subject: str
) -> None:
    update = partial(own.flows.record_update.create_or_update_records, own.key, **VERIFIED)
    (first,) = update([new(subject, CMTRT="Same")]).records
    (second,) = update([new(subject, CMTRT="Same")]).records
    assert second.stands is True
    assert second.record_id == max(ids(own, "records", "recordId")) != first.record_id


# --- broken off


def many(subject: str) -> list[dict[str, Any]]:
    return [new(subject, CMTRT=f"Drug {n}") for n in range(7)]


def test_an_outage_in_the_middle_tells_how_far_it_came(own: Any, subject: str) -> None:
    def trouble(done: int, total: int) -> None:
        if done == 4:
            own.server.fail_next("500")

    before = ids(own, "records", "recordId")
    with pytest.raises(UpdateError) as caught:
        own.flows.record_update.create_or_update_records(
            own.key, many(subject), True, batch_size=2, on_progress=trouble, **FAST
        )
    error = caught.value
    assert isinstance(error, ImednetError)
    assert isinstance(error.__cause__, ServerError)
    assert str(error) == (
        "4 of 7 records were sent when it broke off, and of 2 it is not known "
        f"({error.__cause__}). error.result says which, and by which batch: look at the study "
        "before sending any again."
    )
    states = [outcome.state for outcome in error.result.records]
    assert states == ["created"] * 4 + ["unknown"] * 2 + ["not sent"]
    sent = [outcome.batch_id for outcome in error.result.records]
    assert sent == [job.batch_id for job in error.result.jobs for _ in range(2)] + [None] * 3
    assert own.posts() == 3
    for job in error.result.jobs:
        own.sdk.jobs.wait(own.key, job.batch_id, interval=0.01)
    assert len(ids(own, "records", "recordId") - before) == 4


@pytest.mark.parametrize("kind", ["500", "429", "cut", "html"])
def test_an_outage_of_the_first_batch(own: Any, subject: str, kind: str) -> None:
    own.server.requests.clear()
    update = partial(own.flows.record_update.create_or_update_records, own.key, batch_size=2)
    update(many(subject), **VERIFIED)
    reads = [method for method, _ in own.server.requests].index("POST")
    own.server.requests.clear()
    own.server.fail_next("slow", reads, seconds=0)
    own.server.fail_next(kind)
    with pytest.raises(UpdateError, match=r"^0 of 7 records were sent when it broke off") as caught:
        update(many(subject), **VERIFIED)
    assert own.posts() == 1
    first = "refused" if kind == "429" else "unknown"
    states = [outcome.state for outcome in caught.value.result.records]
    assert states == [first] * 2 + ["not sent"] * 5
    assert caught.value.result.jobs == []


def test_an_outage_while_jobs_are_followed(own: Any, subject: str) -> None:
    def trouble(done: int, total: int) -> None:
        if done == total:
            own.server.fail_next("slow", 2, seconds=0)
            own.server.fail_next("500")

    with pytest.raises(UpdateError, match=r"^7 of 7 records were sent when it broke ") as caught:
        own.flows.record_update.create_or_update_records(
            own.key, many(subject), True, batch_size=4, on_progress=trouble, **FAST
        )
    states = [outcome.state for outcome in caught.value.result.records]
    assert states == ["completed"] * 4 + ["created"] * 3
    assert own.posts() == 2


def test_an_outage_while_reading_back(own: Any, subject: str) -> None:
    def trouble(done: int, total: int) -> None:
        own.server.fail_next("slow", 2, seconds=0)
        own.server.fail_next("500")

    with pytest.raises(UpdateError, match=r"^7 of 7 records were sent when it broke ") as caught:
        own.flows.record_update.create_or_update_records(
            own.key, many(subject), on_progress=trouble, **VERIFIED
        )
    outcomes = caught.value.result.records
    assert {(outcome.state, outcome.stands) for outcome in outcomes} == {("completed", None)}
    assert own.posts() == 1


def test_an_outage_before_sending_is_itself(own: Any, subject: str) -> None:
    own.server.fail_next("500")
    with pytest.raises(ServerError):
        own.flows.record_update.create_or_update_records(own.key, many(subject))
    assert own.posts() == 0


def test_what_the_api_refuses_is_told_with_the_batch(own: Any, subject: str) -> None:
    of_a_site = {"formKey": "MON", "subjectKey": subject, "data": {}}
    items = [new(subject), of_a_site, new(subject)]
    with pytest.raises(UpdateError) as caught:
        own.flows.record_update.create_or_update_records(own.key, items, batch_size=1)
    assert isinstance(caught.value.__cause__, ValidationError)
    states = [outcome.state for outcome in caught.value.result.records]
    assert states == ["created", "refused", "not sent"]


# --- before writing


def test_a_preview_is_what_then_changes(own: Any, subject: str) -> None:
    rows = [row for row in own.rows("records") if not row["deleted"]]
    scheduled = next(
        r
        for r in rows
        if (r["formKey"], r["subjectKey"]) == ("VS", subject) and r["intervalId"] == 102
    )
    medication = next(row for row in rows if row["formKey"] == "CM")
    data = scheduled["recordData"]
    items = [
        vitals(
            subject, "Baseline", pulse=int(data["PULSE"] or 70) + 1, TEMP=data["TEMP"], RESP=None
        ),
        {"formKey": "CM", "recordId": medication["recordId"], "data": {"CMTRT": "Other"}},
        new(subject, CMTRT="New", CMINDC=""),
        {"formKey": "REG", "siteId": 1, "data": {"PROTVER": "9.0"}},
        vitals(subject, "Screening", PULSE=""),
    ]
    own.server.requests.clear()
    changes = own.flows.record_update.preview(own.key, items)
    assert own.posts() == 0

    before = data_of(own)
    result = own.flows.record_update.create_or_update_records(own.key, items, **VERIFIED)
    assert all(outcome.stands for outcome in result.records)
    happened = []
    for outcome in result.records:
        was = before.get(outcome.record_id, {})
        for name, value in own.record(outcome.record_id)["recordData"].items():
            if (was.get(name) or None) != (value or None):
                happened.append((outcome.position, name, was.get(name), value))
    assert sorted((c.position, c.variable, c.old, c.new) for c in changes) == sorted(happened)
    assert changes[0] == Change(
        position=0,
        kind="scheduled",
        form_key="VS",
        subject_key=subject,
        interval_name="Baseline",
        record_id=scheduled["recordId"],
        variable="PULSE",
        old=data["PULSE"],
        new=str(int(data["PULSE"] or 70) + 1),
    )
    registered = next(change for change in changes if change.kind == "register")
    told = (registered.subject_key, registered.record_id, registered.old, registered.new)
    assert told == (None, None, None, "9.0")


def test_a_preview_of_what_stands_is_empty(own: Any, subject: str) -> None:
    items = [vitals(subject, "Baseline", PULSE=77, TEMP=None)]
    own.flows.record_update.create_or_update_records(own.key, items, True, **FAST)
    assert own.flows.record_update.preview(own.key, items) == []


def scheduled(own: Any, subject: str, interval: int) -> dict[str, Any]:
    wanted = ("VS", subject, interval)
    rows = own.rows("records")
    return next(r for r in rows if (r["formKey"], r["subjectKey"], r["intervalId"]) == wanted)


def test_a_preview_looks_at_the_interval_meant(own: Any, subject: str) -> None:
    screening, baseline = (scheduled(own, subject, number) for number in (101, 102))
    old, new_value = (row["recordData"]["PULSE"] for row in (baseline, screening))
    assert old != new_value
    (change,) = own.flows.record_update.preview(
        own.key, [vitals(subject, "Baseline", PULSE=new_value)]
    )
    assert (change.record_id, change.old) == (baseline["recordId"], old)


def test_a_deleted_record_is_not_written_to(own: Any, subject: str) -> None:
    record = scheduled(own, subject, 102)
    table = own.server.study["records"]
    table.change(table.find("recordId", record["recordId"])[0], deleted=True)
    items = [vitals(subject, "Baseline", PULSE=record["recordData"]["PULSE"])]
    (change,) = own.flows.record_update.preview(own.key, items)
    assert (change.record_id, change.old) == (None, None)
    (outcome,) = own.flows.record_update.create_or_update_records(
        own.key, items, **VERIFIED
    ).records
    assert outcome.stands is True
    assert outcome.record_id == max(ids(own, "records", "recordId"))


# --- servers of another make


def scripted_study(scripted: Any, answers: dict[str, Any], state: str = "completed") -> Any:
    """One subject with one record; every job has this state at once."""

    def before(request: Any) -> Any:
        job = {"jobId": "J", "batchId": "B", "state": state}
        if request.method == "POST":
            return reply(job | {"state": "CREATED"}, 202)
        return reply(job) if "/jobs/" in request.path else None

    record = {"recordId": 3, "formId": 1, "formKey": "F", "subjectId": 5, "recordData": answers}
    return scripted(
        before,
        forms=[{"formId": 1, "formKey": "F"}],
        subjects=[{"subjectId": 5, "subjectKey": "S"}],
        variables=[
            {"variableId": n, "formId": 1, "variableName": name, "variableType": kind}
            for n, (name, kind) in enumerate({"N": "INTEGER", "B": "RADIO", "T": "TEXT"}.items())
        ],
        records=[record],
    )


ITEM = {"formKey": "F", "recordId": 3, "data": {"N": 5, "B": True, "T": None}}


@pytest.mark.parametrize(
    "answers",
    [
        {"N": 5, "B": True, "T": None},
        {"n": "5", "b": "true"},
        {"N": "5", "B": "true", "T": ""},
    ],
    ids=["typed", "small letters", "empty"],
)
def test_what_stands_in_other_types_stands(scripted: Any, answers: dict[str, Any]) -> None:
    odd = scripted_study(scripted, answers)
    (outcome,) = odd.flows.record_update.create_or_update_records(
        odd.key, [ITEM], **VERIFIED
    ).records
    assert outcome.differences == []
    assert odd.flows.record_update.preview(odd.key, [ITEM]) == []


def test_zero_and_false_are_answers(scripted: Any) -> None:
    odd = scripted_study(scripted, {"N": 0, "B": False})
    item = {"formKey": "F", "recordId": 3, "data": {"N": None, "B": "false"}}
    (change,) = odd.flows.record_update.preview(odd.key, [item])
    assert (change.variable, change.old, change.new) == ("N", 0, None)
    (outcome,) = odd.flows.record_update.create_or_update_records(
        odd.key, [item], **VERIFIED
    ).records
    assert outcome.differences == [Difference("N", None, 0)]


def test_values_that_the_server_dropped_are_told(scripted: Any) -> None:
    odd = scripted_study(scripted, {"T": "old"})
    (outcome,) = odd.flows.record_update.create_or_update_records(
        odd.key, [ITEM], **VERIFIED
    ).records
    assert outcome.differences == [
        Difference("N", "5", None),
        Difference("B", "true", None),
        Difference("T", None, "old"),
    ]
    assert outcome.stands is False


@pytest.mark.parametrize("state", ["Failed", "FAILED"])
def test_a_failed_job_in_any_case(scripted: Any, state: str) -> None:
    odd = scripted_study(scripted, {}, state)
    result = odd.flows.record_update.create_or_update_records(odd.key, [ITEM], True, **FAST)
    assert result.failed == result.records
    assert result.records[0].state == state


def test_what_is_sent_and_whom_it_notifies(scripted: Any) -> None:
    odd = scripted_study(scripted, {})
    odd.flows.record_update.create_or_update_records(odd.key, [ITEM], email_notify="a@b.test")
    (post,) = [request for request in odd.server.requests if request.method == "POST"]
    assert post.headers["x-email-notify"] == "a@b.test"
    assert post.json == [
        {"formKey": "F", "recordId": 3, "data": {"N": "5", "B": "true", "T": None}}
    ]


def test_a_record_that_is_gone_when_read_back(scripted: Any) -> None:
    odd = scripted_study(scripted, {})

    def gone(done: int, total: int) -> None:
        odd.server._script[0].rows["records"] = []

    (outcome,) = odd.flows.record_update.create_or_update_records(
        odd.key, [ITEM], on_progress=gone, **VERIFIED
    ).records
    assert [d.variable for d in outcome.differences] == ["N", "B", "T"]
    assert (outcome.record_id, outcome.stands) == (None, False)


def test_a_job_that_is_not_there(scripted: Any) -> None:
    odd = scripted_study(scripted, {})
    inner = odd.server._script[0].before
    odd.server._script[0].before = lambda r: reply({}, 404) if "/jobs/" in r.path else inner(r)
    with pytest.raises(UpdateError) as caught:
        odd.flows.record_update.create_or_update_records(odd.key, [ITEM], True, **FAST)
    assert isinstance(caught.value.__cause__, NotFoundError)
