"""What holds for every method: the same awaited, and an outage is an error."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from imednet import AsyncImednetSDK
from imednet.errors import ResponseError, ServerError
from imednet_workflows import Workflows, create_workflows
from imednet_workflows.record_update import UpdateError, UpdateResult

Call = Callable[[Any, str, str], Any]
FAST: dict[str, Any] = {"verify": True, "poll_interval": 0.01}
CM = {"formKey": "CM", "data": {"CMTRT": "Paracetamol"}}
SITE = "Corvane General Hospital"

READS: dict[str, Call] = {
    "data_extraction.extract_records_by_criteria": lambda w, key, s: (
        w.data_extraction.extract_records_by_criteria(
            key, {"site_name": SITE}, {"deleted": False}, {"site_name": SITE}
        )
    ),
    "data_extraction.extract_audit_trail": lambda w, key, s: w.data_extraction.extract_audit_trail(
        key, site=SITE, record_revision=[2, 3]
    ),
    "data_extraction.query_events": lambda w, key, s: w.data_extraction.query_events(key),
    "query_management.get_open_queries": lambda w, key, s: w.query_management.get_open_queries(key),
    "query_management.get_queries_for_subject": lambda w, key, s: (
        w.query_management.get_queries_for_subject(key, s)
    ),
    "query_management.get_queries_by_site": lambda w, key, s: (
        w.query_management.get_queries_by_site(key, SITE)
    ),
    "query_management.get_query_state_counts": lambda w, key, s: (
        w.query_management.get_query_state_counts(key)
    ),
    "record_mapper.dataframe": lambda w, key, s: w.record_mapper.dataframe(
        key, "VS", "Week 2", site=SITE
    ),
    "record_mapper.iter_dataframes": lambda w, key, s: w.record_mapper.iter_dataframes(
        key, "VS", batch_size=50
    ),
    "record_update.preview": lambda w, key, s: w.record_update.preview(
        key, [{**CM, "formKey": "VS", "subjectKey": s, "intervalId": 102, "data": {"PULSE": 1}}]
    ),
    "register_subjects.records": lambda w, key, s: w.register_subjects.records(
        key, [{"siteId": 3}], form="REG"
    ),
    "study_structure.get": lambda w, key, s: w.study_structure.get(key),
    "subject_data.get_all_subject_data": lambda w, key, s: w.subject_data.get_all_subject_data(
        key, s
    ),
}
WRITES: dict[str, Call] = {
    "record_update.create_or_update_records": lambda w, key, s: (
        w.record_update.create_or_update_records(
            key, [{**CM, "subjectKey": s}, {**CM, "subjectKey": s}], batch_size=1, **FAST
        )
    ),
    "record_update.register_subject": lambda w, key, s: w.record_update.register_subject(
        key, "REG", SITE, {"PROTVER": "3.0"}, **FAST
    ),
    "record_update.update_scheduled_record": lambda w, key, s: (
        w.record_update.update_scheduled_record(key, "VS", s, "Baseline", {"PULSE": 71}, **FAST)
    ),
    "record_update.create_new_record": lambda w, key, s: w.record_update.create_new_record(
        key, "CM", s, {"CMTRT": "x"}, **FAST
    ),
    "register_subjects.register_subjects": lambda w, key, s: w.register_subjects.register_subjects(
        key, [{"siteId": 3}] * 2, form="REG", **FAST
    ),
}
EVERY = READS | WRITES


def test_no_method_is_left_out(study: Any) -> None:
    parts = [name for name in vars(Workflows) if not name.startswith("_")]
    methods = {
        f"{part}.{name}"
        for part in parts
        for name, _ in inspect.getmembers(type(getattr(study.flows, part)), callable)
        if not name.startswith("_")
    }
    assert methods == set(EVERY)


@pytest.fixture(autouse=True)
def jobs_take_a_step_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of the simulator go on when they are looked at, and not by the clock as well."""
    monkeypatch.setattr("imednet_simulator.jobs.SETTLES_AFTER", 3600)


def plainly(result: Any) -> Any:
    """A result without what differs from run to run, generators taken to their end."""
    if isinstance(result, UpdateResult):
        outcomes = [replace(outcome, batch_id="") for outcome in result.records]
        return [job.state for job in result.jobs], outcomes
    return list(result) if inspect.isgenerator(result) else result


async def finished(result: Any) -> Any:
    if inspect.isasyncgen(result):
        return [each async for each in result]
    return plainly(await result)


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, list) and one and isinstance(one[0], pd.DataFrame):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
        assert one.attrs == other.attrs
    else:
        assert type(one) is type(other)
        assert one == other


def on_async(server: Any, call: Callable[[Any], Any]) -> Any:
    async def main() -> Any:
        keys = (server.api_key, server.security_key, server.url)
        async with AsyncImednetSDK(*keys, retries=0, timeout=10) as sdk:
            return await finished(call(create_workflows(sdk)))

    return asyncio.run(main())


@pytest.mark.parametrize("name", READS)
def test_awaited_it_is_the_same(study: Any, name: str) -> None:
    subject = study.enrolled()
    plain = plainly(READS[name](study.flows, study.key, subject))
    assert len(plain) > 0 if isinstance(plain, (list, dict, pd.DataFrame)) else plain
    other = on_async(study.server, lambda flows: READS[name](flows, study.key, subject))
    assert_same(plain, other)


@pytest.mark.parametrize("name", WRITES)
def test_awaited_it_writes_the_same(own: Any, stack: ExitStack, name: str) -> None:
    from imednet_simulator import Simulator

    twin = stack.enter_context(Simulator(subjects=40, sites=6, seed=1, asof=own.server.asof))
    subject = own.enrolled()
    plain = plainly(WRITES[name](own.flows, own.key, subject))
    other = on_async(twin, lambda flows: WRITES[name](flows, own.key, subject))
    assert_same(plain, other)
    assert all(outcome.stands for outcome in plain[1])


@pytest.mark.parametrize("name", EVERY)
def test_an_outage_of_any_request_is_an_error(own: Any, name: str) -> None:
    subject = own.enrolled()
    own.server.requests.clear()
    plainly(EVERY[name](own.flows, own.key, subject))
    requests = len(own.server.requests)
    assert requests >= 1
    for position in range(requests):
        own.server.fail_next("slow", position, seconds=0)
        own.server.fail_next("500")
        with pytest.raises((ServerError, UpdateError)) as caught:
            plainly(EVERY[name](own.flows, own.key, subject))
        if isinstance(caught.value, UpdateError):
            assert isinstance(caught.value.__cause__, ServerError)
            assert caught.value.result.records


@pytest.mark.parametrize("kind", ["html", "cut", "429"])
@pytest.mark.parametrize("name", EVERY)
def test_an_outage_is_an_error_awaited_as_well(own: Any, name: str, kind: str) -> None:
    from imednet.errors import RateLimitError, RequestError

    subject = own.enrolled()
    own.server.fail_next(kind, 50)
    with pytest.raises((ResponseError, RequestError, RateLimitError)):
        on_async(own.server, lambda flows: EVERY[name](flows, own.key, subject))


@pytest.mark.parametrize("name", EVERY)
def test_a_server_that_is_gone_is_an_error(own: Any, name: str) -> None:
    from imednet.errors import RequestError

    subject = own.enrolled()
    own.server.stop()
    with pytest.raises(RequestError):
        plainly(EVERY[name](own.flows, own.key, subject))


@pytest.mark.parametrize("name", EVERY)
def test_another_study_is_refused(own: Any, name: str) -> None:
    from imednet.errors import AuthorizationError

    with pytest.raises(AuthorizationError):
        plainly(EVERY[name](own.flows, "OTHER", own.enrolled()))
    assert own.posts() == 0


@pytest.mark.parametrize("name", EVERY)
def test_every_method_is_documented(study: Any, name: str) -> None:
    part, _, method = name.partition(".")
    assert inspect.getdoc(getattr(getattr(study.flows, part), method))
