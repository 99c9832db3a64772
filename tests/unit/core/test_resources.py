"""All twelve resources against the simulator; records written, jobs followed."""

from __future__ import annotations

import inspect
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scripted import Answer, refusal, reply

from imednet import models
from imednet.errors import (
    JobFailedError,
    JobTimeoutError,
    NotFoundError,
    ResponseError,
    ValidationError,
)
from imednet.listing import RESOURCES
from imednet.models import Job, Model
from imednet.models.decoding import columns

NAMES = list(RESOURCES)
FILTERABLE = [name for name in NAMES if RESOURCES[name].filterable]
IN_STUDY = [name for name in FILTERABLE if name != "studies"]
NUMBERED = [name for name in IN_STUDY if name != "users"]


def study(name: str) -> list[str]:
    return [] if name == "studies" else ["DEMO"]


def key_of(name: str, row: Model) -> Any:
    return getattr(row, RESOURCES[name].key)


@pytest.fixture
def resource(imednet_sdk: Any) -> Any:
    return lambda name: getattr(imednet_sdk, name)


# --- the four ways to read


@pytest.mark.parametrize("name", NAMES)
def test_list_iter_and_count_agree(resource: Any, name: str) -> None:
    rows = resource(name).list(*study(name))
    assert rows
    assert list(resource(name).iter(*study(name))) == rows
    assert resource(name).count(*study(name)) == len(rows)


@pytest.mark.parametrize("name", NUMBERED)
def test_rows_come_in_the_order_of_their_keys(resource: Any, name: str) -> None:
    keys = [key_of(name, row) for row in resource(name).list("DEMO", page_size=97, limit=500)]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("name", NAMES)
def test_get_finds_each_row_by_its_key(resource: Any, name: str) -> None:
    rows = resource(name).list(*study(name))
    for row in (rows[0], rows[len(rows) // 2], rows[-1]):
        assert resource(name).get(*study(name), key_of(name, row)) == row


@pytest.mark.parametrize("name", NUMBERED)
def test_get_takes_the_key_as_text(resource: Any, name: str) -> None:
    row = resource(name).list("DEMO", limit=1)[0]
    assert resource(name).get("DEMO", str(key_of(name, row))) == row


@pytest.mark.parametrize("name", NAMES)
def test_get_of_what_is_not_there(resource: Any, name: str) -> None:
    key = "no-such-key" if name in ("studies", "users") else 10**9
    spec = RESOURCES[name]
    with pytest.raises(NotFoundError) as caught:
        resource(name).get(*study(name), key)
    path = "/studies" if name == "studies" else f"/studies/DEMO/{spec.path}"
    assert (
        str(caught.value) == f"404 on GET {path}: there is no {spec.key} {key!r} among the {name}"
    )


# --- arguments


@pytest.mark.parametrize("name", NAMES)
def test_limit_and_page_size(resource: Any, name: str) -> None:
    rows = resource(name).list(*study(name))
    assert resource(name).list(*study(name), limit=3, page_size=2) == rows[:3]
    assert list(resource(name).iter(*study(name), limit=3, page_size=2)) == rows[:3]


@pytest.mark.parametrize("name", NAMES)
def test_sort_down(resource: Any, name: str) -> None:
    key = RESOURCES[name].key
    rows = resource(name).list(*study(name), sort=f"{key},DESC", page_size=500)
    assert rows == sorted(rows, key=lambda row: key_of(name, row), reverse=True)


@pytest.mark.parametrize("name", FILTERABLE)
def test_raw_filter(resource: Any, name: str) -> None:
    row = resource(name).list(*study(name), limit=1)[0]
    (column,) = (c for c in columns(type(row)) if c.name == RESOURCES[name].key)
    text = f"{column.api_name}=={key_of(name, row)}"
    assert resource(name).list(*study(name), filter=text) == [row]


@pytest.mark.parametrize("name", FILTERABLE)
def test_modified_since(resource: Any, name: str) -> None:
    field = RESOURCES[name].modified
    assert field is not None
    moments = [getattr(r, field) for r in resource(name).list(*study(name))]
    since = sorted(m for m in moments if m is not None)[len(moments) // 3]
    rows = resource(name).list(*study(name), modified_since=since)
    assert len(rows) == sum(m is not None and m >= since for m in moments) > 0
    assert resource(name).count(*study(name), modified_since=since) == len(rows)


@pytest.mark.parametrize("name", NAMES)
def test_progress(resource: Any, name: str) -> None:
    told: list[tuple[int, int]] = []
    rows = resource(name).list(*study(name), on_progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (len(rows), len(rows))


SCALARS = [
    (name, column.name)
    for name in FILTERABLE
    for column in columns(getattr(models, RESOURCES[name].model))
    if column.kind != "nested" and (column.name != "study_key" or name == "studies")
]


@pytest.mark.parametrize(("name", "field"), SCALARS, ids=lambda v: v)
def test_every_scalar_field_is_a_condition(resource: Any, name: str, field: str) -> None:
    rows = resource(name).list(*study(name), limit=400)
    held = [getattr(row, field) for row in rows]
    value = next((each for each in held if each not in (None, "")), None)
    if value is None:  # nobody filled it in here: at least it is a field that can be asked for
        probe: Any = {"text": "x", "timestamp": datetime(2024, 5, 1)}
        kinds = {c.name: c.kind for c in columns(type(rows[0]))}
        asked = probe.get(kinds[field], 1)
        assert resource(name).count(*study(name), **{field: asked}) == 0
        return
    found = resource(name).list(*study(name), limit=400, **{field: value})
    assert found
    assert {getattr(row, field) for row in found} == {value}
    assert found[: held.count(value)][0] == rows[held.index(value)]


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("==", lambda n: n == 3),
        ("!=", lambda n: n != 3),
        ("<", lambda n: n < 3),
        ("<=", lambda n: n <= 3),
        (">", lambda n: n > 3),
        (">=", lambda n: n >= 3),
    ],
)
def test_operators(resource: Any, operator: str, holds: Any) -> None:
    found = resource("subjects").list("DEMO", site_id=(operator, 3))
    everyone = resource("subjects").list("DEMO")
    assert found == [subject for subject in everyone if holds(subject.site_id)] != []


def test_any_of_beside_other_conditions_means_what_it_says(resource: Any) -> None:
    everyone = resource("subjects").list("DEMO")
    statuses = sorted({s.subject_status for s in everyone})[:2]
    wanted = [
        s
        for s in everyone
        if s.site_id in (1, 3) and s.subject_status in statuses and s.subject_id > 2
    ]
    found = resource("subjects").list(
        "DEMO", site_id=[1, 3], subject_status=statuses, filter="subjectId>2"
    )
    assert found == wanted != []


@pytest.mark.parametrize("value", ['a"b', "a;b", "a,b", "x==1", "", " ", "\\", "Ä\n", '";siteId>0'])
def test_no_value_is_more_than_a_value(resource: Any, value: str) -> None:
    assert resource("sites").list("DEMO", site_name=value) == []
    assert resource("sites").list("DEMO", site_name=("!=", value)) == resource("sites").list("DEMO")


def test_dates_of_visits(resource: Any) -> None:
    visits = [visit for visit in resource("visits").list("DEMO") if visit.due_date is not None]
    day = sorted(visit.due_date for visit in visits)[len(visits) // 2]
    found = resource("visits").list("DEMO", due_date=("<", day))
    assert found == [visit for visit in visits if visit.due_date < day] != []


def test_a_condition_on_answers(resource: Any) -> None:
    demography = resource("records").list("DEMO", form_key="DM", limit=1)[0]
    name, answer = next((n, v) for n, v in demography.record_data.items() if v and v.isalnum())
    found = resource("records").list("DEMO", form_key="DM", record_data_filter=f"{name}=={answer}")
    assert {record.record_data[name] for record in found} == {answer}


def test_users_who_left(resource: Any) -> None:
    active, everyone = (
        resource("users").list("DEMO"),
        resource("users").list("DEMO", include_inactive=True),
    )
    assert len(active) < len(everyone)
    assert {user.user_active_in_study for user in active} == {True}
    assert resource("users").count("DEMO", include_inactive=True) == len(everyone)
    gone = next(user for user in everyone if not user.user_active_in_study)
    assert resource("users").get("DEMO", gone.user_id) == gone


def test_roles_have_dates_from_arrays(resource: Any) -> None:
    role = resource("users").list("DEMO")[0].roles[0]
    assert role.date_created.tzinfo is UTC


def test_a_wrong_study_key(resource: Any) -> None:
    with pytest.raises(Exception, match=r"^403 \(code 9001\) on GET /studies/NO/sites: .* study"):
        resource("sites").list("NO")


def test_a_refused_filter_names_attribute_and_value(resource: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        resource("sites").list("DEMO", filter="nonsense==1")
    assert (caught.value.status_code, caught.value.code) == (400, "1000")
    assert caught.value.attribute
    assert "nonsense" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["list", "iter"])
def test_arguments_can_be_looked_up(resource: Any, name: str, method: str) -> None:
    found = list(inspect.signature(getattr(resource(name), method)).parameters)
    named = ["filter", "sort", "limit", "page_size", "modified_since", "on_progress", "conditions"]
    assert found == ([] if name == "studies" else ["study_key"]) + named


# --- writing


@pytest.fixture
def writer(fresh_simulator: Any, stack: Any) -> Any:
    from imednet import ImednetSDK

    sim = fresh_simulator
    return stack.enter_context(ImednetSDK(sim.api_key, sim.security_key, sim.url, retries=0))


def settled(writer: Any, records: list[dict[str, Any]]) -> Job:
    job = writer.records.create("DEMO", records)
    assert job.state == "created"
    found: Job = writer.jobs.wait("DEMO", job.batch_id, interval=0.01)
    return found


def test_a_subject_is_registered(writer: Any) -> None:
    site = writer.sites.list("DEMO", limit=1)[0]
    before = writer.subjects.count("DEMO")
    job = settled(writer, [{"formKey": "REG", "siteName": site.site_name, "data": {}}])
    assert job.state == "completed"
    assert writer.subjects.count("DEMO") == before + 1
    newest = writer.subjects.list("DEMO", sort="subject_id,DESC", limit=1)[0]
    assert newest.site_id == site.site_id


def test_a_scheduled_record_is_updated_and_the_change_is_kept(writer: Any) -> None:
    record = writer.records.list("DEMO", form_key="VS", interval_id=101, limit=1)[0]
    name = next(n for n, v in record.record_data.items() if v and v.isdigit())
    value = str(int(record.record_data[name]) + 1)
    changed = settled(
        writer,
        [
            {
                "formKey": "VS",
                "subjectKey": record.subject_key,
                "intervalId": record.interval_id,
                "data": {name: value},
            }
        ],
    )
    assert changed.date_finished is not None
    assert writer.records.get("DEMO", record.record_id).record_data[name] == value
    last = writer.record_revisions.list("DEMO", record_id=record.record_id)[-1]
    assert last.reason_for_change == "Changed through the API"


def test_a_new_unscheduled_record(writer: Any) -> None:
    subject = writer.subjects.list("DEMO", limit=1)[0]
    before = writer.records.count("DEMO", form_key="AE")
    settled(writer, [{"formKey": "AE", "subjectKey": subject.subject_key, "data": {}}])
    assert writer.records.count("DEMO", form_key="AE") == before + 1


def test_a_job_that_fails_is_an_error_with_the_job(writer: Any) -> None:
    record = writer.records.list("DEMO", form_key="VS", interval_id=101, limit=1)[0]
    name = next(n for n, v in record.record_data.items() if v and v.isdigit())
    where = {"subjectKey": record.subject_key, "intervalId": record.interval_id}
    item = {"formKey": "VS", **where, "data": {name: "no number"}}
    job = writer.records.create("DEMO", [item])
    with pytest.raises(JobFailedError) as caught:
        writer.jobs.wait("DEMO", job.batch_id, interval=0.01)
    assert str(caught.value) == f"job {job.batch_id} failed: none of its records stand."
    assert caught.value.job is not None
    assert (caught.value.job.batch_id, caught.value.job.state) == (job.batch_id, "failed")


def test_a_batch_that_is_refused(writer: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        writer.records.create("DEMO", [{"formKey": "NONE", "data": {}}])
    assert (caught.value.attribute, caught.value.value) == ("formKey", "NONE")
    assert caught.value.method == "POST"


def test_a_job_that_is_not_there(writer: Any) -> None:
    with pytest.raises(NotFoundError, match=r"^404 \(code 9000\) on GET /studies/DEMO/jobs/none"):
        writer.jobs.get("DEMO", "none")


# --- what is sent

CREATED = {"jobId": "j", "batchId": "b", "state": "created"}


def test_records_are_sent_as_they_are(serve: Any, connect: Any) -> None:
    server = serve(reply(CREATED, 202))
    records = ({"formKey": "REG", "siteName": "Köln", "data": {"A": None, "B": 1}},)
    job = connect(server).records.create("S", records, email_notify="me@a.test")
    assert job == Job(job_id="j", batch_id="b", state="created")
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/v1/edc/studies/S/records")
    assert request.json == list(records)
    assert request.headers["x-email-notify"] == "me@a.test"
    assert request.headers["content-type"] == "application/json"


def test_nobody_is_told_unless_asked(serve: Any, connect: Any) -> None:
    server = serve(reply(CREATED, 202))
    connect(server).records.create("S", [{}])
    assert "x-email-notify" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("records", "kind", "said"),
    [
        ({}, TypeError, "records is a dict: give a list of dicts"),
        ("x", TypeError, "records is a str: give a list of dicts"),
        (None, TypeError, "records is a NoneType: give a list of dicts"),
        ([], ValueError, "records is empty: there is nothing to send"),
        ([{}, "x"], TypeError, "records[1] is a str: give a dict"),
    ],
    ids=repr,
)
def test_records_that_are_none(connect: Any, records: Any, kind: type, said: str) -> None:
    with pytest.raises(kind) as caught:
        connect("https://a.test").records.create("S", records)
    assert str(caught.value) == said


@pytest.mark.parametrize("address", ["", "me", "me@a.test\r\nx: y", "me @a.test", "ä@a.test", 5])
def test_an_address_that_is_none(connect: Any, address: Any) -> None:
    with pytest.raises(ValueError, match="email_notify is") as caught:
        connect("https://a.test").records.create("S", [{}], email_notify=address)
    assert str(caught.value) == f"email_notify is {address!r}: give one e-mail address"


# --- jobs


def states(*words: str) -> list[Answer]:
    return [reply({**CREATED, "state": word}) for word in words]


@pytest.mark.parametrize("word", ["completed", "COMPLETED", " Completed "])
def test_a_job_is_done(serve: Any, connect: Any, word: str) -> None:
    seen: list[str] = []
    sdk = connect(serve(*states("created", "PENDING", "on holiday", "Running", word)))
    job = sdk.jobs.wait("S", "b", interval=0.001, on_update=lambda job: seen.append(job.state))
    assert job.state == word
    assert seen == ["created", "PENDING", "on holiday", "Running", word]


@pytest.mark.parametrize("word", ["failed", "FAILED"])
def test_a_job_failed(serve: Any, connect: Any, word: str) -> None:
    with pytest.raises(JobFailedError) as caught:
        connect(serve(*states("running", word))).jobs.wait("S", "b", interval=0.001)
    assert caught.value.job is not None
    assert caught.value.job.state == word


def test_a_job_that_does_not_end_in_time(serve: Any, connect: Any) -> None:
    server = serve(lambda _: states("running")[0])
    with pytest.raises(JobTimeoutError) as caught:
        connect(server).jobs.wait("S", "b", interval=0.01, timeout=0.05)
    assert str(caught.value) == (
        "job b is still 'running' after 0.05 s; it may yet end: wait again, or look with jobs.get."
    )
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.job is not None
    assert caught.value.job.batch_id == "b"
    assert len(server.requests) > 1


def test_a_timeout_of_0_looks_once(serve: Any, connect: Any) -> None:
    server = serve(*states("running", "completed"))
    with pytest.raises(JobTimeoutError):
        connect(server).jobs.wait("S", "b", timeout=0)
    assert len(server.requests) == 1


def test_waits_never_go_beyond_the_end(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    sdk = connect(serve(*states("running", "completed")))
    sdk.jobs.wait("S", "b", interval=60, timeout=5)
    assert len(waits) == 1
    assert 4 < waits[0] <= 5


def test_without_a_timeout_it_waits_the_interval(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    sdk = connect(serve(*states("a", "b", "completed")))
    sdk.jobs.wait("S", "b", interval=9, timeout=None)
    assert waits == [9, 9]


@pytest.mark.parametrize(
    ("interval", "timeout"),
    [(0, 1), (-1, 1), (float("nan"), 1), (1, -1), (1, float("nan"))],
)
def test_times_that_make_no_sense(connect: Any, interval: float, timeout: float) -> None:
    with pytest.raises(ValueError, match="interval is") as caught:
        connect("https://a.test").jobs.wait("S", "b", interval=interval, timeout=timeout)
    assert str(caught.value) == (
        f"interval is {interval!r}, timeout {timeout!r}: give seconds, an interval above 0, and a "
        "timeout of 0 or more, or None"
    )


@pytest.mark.parametrize("timeout", [None, 1e301, float("inf")], ids=str)
def test_ages_between_two_looks_are_a_day(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, timeout: float | None
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    sdk = connect(serve(*states("a", "completed")))
    sdk.jobs.wait("S", "b", interval=1e300, timeout=timeout)
    assert waits == [86400]


def test_an_error_while_waiting_surfaces(serve: Any, connect: Any) -> None:
    sdk = connect(serve(*states("running"), refusal(404)))
    with pytest.raises(NotFoundError):
        sdk.jobs.wait("S", "b", interval=0.001)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "GET /studies/S/jobs/b answered without batchId or state."),
        ({"batchId": "b"}, "GET /studies/S/jobs/b answered without batchId or state."),
        ({"batchId": "", "state": "x"}, "GET /studies/S/jobs/b answered without batchId or state."),
        ([], "Job: [] is not an object, as the API sent it"),
        (
            {**CREATED, "dateCreated": "soon"},
            "Job.dateCreated: 'soon' is not a timestamp, as the API sent it",
        ),
    ],
    ids=repr,
)
def test_a_job_that_is_none(serve: Any, connect: Any, content: Any, said: str) -> None:
    with pytest.raises(ResponseError) as caught:
        connect(serve(reply(content))).jobs.get("S", "b")
    assert str(caught.value) == said


def test_the_moments_of_a_job(writer: Any) -> None:
    site = writer.sites.list("DEMO", limit=1)[0]
    job = settled(writer, [{"formKey": "REG", "siteName": site.site_name, "data": {}}])
    assert job.date_created <= job.date_started <= job.date_finished  # type: ignore[operator]
    assert job.date_finished - job.date_created < timedelta(seconds=30)  # type: ignore[operator]
