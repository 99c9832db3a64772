"""The async SDK: the same as the other, awaited."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted import Answer, page, refusal, reply
from tables import Table, sites

from imednet import AsyncImednetSDK, ImednetSDK, aio
from imednet.aio import awaited
from imednet.errors import ConfigurationError, ImednetError, NotFoundError, ServerError
from imednet.listing import RESOURCES
from imednet.plugins import PARTS, WorkflowsNamespaceProtocol


@pytest.fixture
def aconnect(stack: Any) -> Callable[..., AsyncImednetSDK]:
    """Make an async SDK on a server, outside of any loop."""

    def connected(server: Any, **options: Any) -> AsyncImednetSDK:
        options = {"retries": 0, "backoff_factor": 0, **options}
        sdk = AsyncImednetSDK("api-key-4711", "security-key-0815", server.url, **options)
        stack.callback(sdk.sync.close)
        return sdk

    return connected


async def taken(rows: AsyncIterator[Any]) -> list[Any]:
    return [row async for row in rows]


# --- parity: each public method, on both

RECORD = [{"formKey": "REG", "siteId": 1, "data": {}}]


def calls() -> Iterator[tuple[str, str, tuple[Any, ...], dict[str, Any]]]:
    """Give resource, method and arguments of every public method of every resource."""
    for name, spec in RESOURCES.items():
        study = () if name == "studies" else ("DEMO",)
        key = "DEMO" if name == "studies" else "1" if spec.key == "user_id" else 1
        yield name, "list", study, {"limit": 3, "page_size": 2}
        yield name, "iter", study, {"limit": 3, "sort": spec.key}
        yield name, "count", study, {}
        yield name, "get", (*study, key), {}
        yield name, "list", ("..",) if study else (), {"no_such": 1}
    yield "records", "create", ("DEMO", RECORD), {"email_notify": "me@a.test"}
    yield "jobs", "get", ("DEMO", "none"), {}
    yield "jobs", "wait", ("DEMO", "none"), {"timeout": 0}


def outcome(resource: Any, method: str, arguments: Any, options: Any) -> Any:
    try:
        found = getattr(resource, method)(*arguments, **options)
        return list(found) if inspect.isgenerator(found) else found
    except (ImednetError, TypeError, ValueError) as error:
        return type(error), str(error)


async def aoutcome(resource: Any, method: str, arguments: Any, options: Any) -> Any:
    try:
        found = getattr(resource, method)(*arguments, **options)
        return await (taken(found) if hasattr(found, "__anext__") else found)
    except (ImednetError, TypeError, ValueError) as error:
        return type(error), str(error)


def test_every_method_of_one_works_on_the_other(fresh_simulator: Any, stack: Any) -> None:
    """Also: nothing public stands on one of the two alone, nor in `calls` without a call."""
    sim = fresh_simulator
    keys = (sim.api_key, sim.security_key, sim.url)
    plain = stack.enter_context(ImednetSDK(*keys, retries=0))
    other = AsyncImednetSDK(*keys, retries=0)
    stack.callback(other.sync.close)

    public = {
        (name, method)
        for name in (*RESOURCES, "jobs")
        for method in dir(getattr(plain, name))
        if not method.startswith("_")
    }
    assert public == {(name, method) for name, method, *_ in calls()}
    assert public == {
        (name, method) for name in (*RESOURCES, "jobs") for method in dir(getattr(other, name))
    }
    names = {n for n in dir(ImednetSDK) if not n.startswith("_")} - {"transport"}
    assert names == {n for n in dir(AsyncImednetSDK) if not n.startswith("_")}

    async def compare() -> None:
        for name, method, arguments, options in calls():
            pairs = [(getattr(plain, name), getattr(other, name), arguments)]
            if arguments and arguments[0] == "DEMO" and name != "studies":
                bound, abound = plain.study("DEMO"), other.study("DEMO")
                pairs.append((getattr(bound, name), getattr(abound, name), arguments[1:]))
            for here, there, given in pairs:
                expected = outcome(here, method, given, options)
                found = await aoutcome(there, method, given, options)
                if method == "create":  # each call makes a job of its own
                    expected, found = expected.state, found.state
                assert found == expected, (here, method)
        raw = plain.request("GET", "studies", params={"size": 1})["data"]
        assert (await other.request("GET", "studies", params={"size": 1}))["data"] == raw

    asyncio.run(compare())


def test_both_are_made_with_the_same_arguments() -> None:
    plain = inspect.signature(ImednetSDK.__init__).parameters
    other = inspect.signature(AsyncImednetSDK.__init__).parameters
    assert [(p.name, p.default, p.kind) for p in plain.values()] == [
        (p.name, p.default, p.kind) for p in other.values()
    ]


def test_the_arguments_of_a_method_can_be_looked_up(aconnect: Any, serve: Any) -> None:
    sdk = aconnect(serve())
    assert list(inspect.signature(sdk.sites.list).parameters)[:2] == ["study_key", "filter"]
    assert sdk.sites.list.__doc__ == sdk.sync.sites.list.__doc__


# --- the object


def test_made_outside_a_loop_and_used_in_several(serve: Any, aconnect: Any) -> None:
    sdk = aconnect(serve(Table(sites(1, 2))))
    for _ in range(2):
        assert [site.site_id for site in asyncio.run(sdk.sites.list("S"))] == [1, 2]


def test_a_setting_that_is_wrong_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="api_key is missing"):
        AsyncImednetSDK()


def test_reprs_hold_no_key(aconnect: Any, serve: Any) -> None:
    server = serve()
    sdk = aconnect(server)
    assert repr(sdk) == f"<AsyncImednetSDK {server.url}/api/v1/edc>"
    assert repr(sdk.sites) == f"<awaited <sites of {sdk.sync!r}>>"
    assert "key-" not in f"{vars(sdk)} {sdk.study('S')!r} {sdk.study('S').sites!r}"


def test_async_with_closes(serve: Any, aconnect: Any) -> None:
    async def main() -> None:
        async with aconnect(serve(reply(page([])))) as sdk:
            assert await sdk.sites.list("S") == []
        await sdk.close()
        with pytest.raises(RuntimeError, match="is closed"):
            await sdk.sites.list("S")

    asyncio.run(main())


def test_calls_run_side_by_side(serve: Any, aconnect: Any) -> None:
    together = threading.Barrier(3)

    def handler(_: Any) -> Answer:
        together.wait(5)
        return reply(page(sites(1)))

    async def main() -> list[Any]:
        sdk = aconnect(serve(handler))
        return await asyncio.gather(*(sdk.sites.list(f"S{n}") for n in range(3)))

    assert [len(rows) for rows in asyncio.run(main())] == [1, 1, 1]


def test_the_loop_goes_on_meanwhile(serve: Any, aconnect: Any) -> None:
    asked, released = threading.Event(), threading.Event()

    def handler(_: Any) -> Answer:
        asked.set()
        released.wait(5)
        return reply(page([]))

    async def main() -> bool:
        call = asyncio.ensure_future(aconnect(serve(handler)).sites.list("S"))
        while not asked.is_set():  # the loop turns, or this never ends
            await asyncio.sleep(0.001)
        done = call.done()
        released.set()
        await call
        return done

    assert asyncio.run(main()) is False


# --- async for


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1000, 1234])
def test_every_row_comes_in_order(serve: Any, aconnect: Any, count: int) -> None:
    rows = aconnect(serve(Table(sites(*range(count))))).sites.iter("S")
    assert [site.site_id for site in asyncio.run(taken(rows))] == list(range(count))


def test_an_early_break_asks_for_no_more(serve: Any, aconnect: Any) -> None:
    table = Table(sites(*range(5000)))

    async def main() -> list[int]:
        found = []
        async for site in aconnect(serve(table), prefetch=1).sites.iter("S"):
            found.append(site.site_id)
            if len(found) == 3:
                break
        return found

    assert asyncio.run(main()) == [0, 1, 2]
    assert len(table.asked) <= 2


def test_rows_before_an_error_are_given_out(serve: Any, aconnect: Any) -> None:
    table = Table(sites(*range(10)))
    table.instead[2] = refusal(500)
    found: list[int] = []

    async def main() -> None:
        async for site in aconnect(serve(table), page_size=3).sites.iter("S"):
            found.append(site.site_id)

    with pytest.raises(ServerError):
        asyncio.run(main())
    assert found == [0, 1, 2, 3, 4, 5]


def test_a_wrong_argument_surfaces(serve: Any, aconnect: Any) -> None:
    with pytest.raises(TypeError, match="sites have no argument 'site_nmae'"):
        asyncio.run(taken(aconnect(serve()).sites.iter("S", site_nmae=1)))


def test_an_error_in_the_body_of_the_loop_closes_the_rows(serve: Any, aconnect: Any) -> None:
    async def main() -> None:
        async for _ in aconnect(serve(Table(sites(*range(2000))))).sites.iter("S"):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        asyncio.run(main())


@pytest.mark.parametrize("way", ["list", "iter"])
def test_a_call_can_be_cancelled(serve: Any, aconnect: Any, way: str) -> None:
    asked, released = threading.Event(), threading.Event()

    def handler(_: Any) -> Answer:
        asked.set()
        released.wait(5)
        return reply(page(sites(1)))

    async def main() -> None:
        sdk = aconnect(serve(handler))
        work = sdk.sites.list("S") if way == "list" else taken(sdk.sites.iter("S"))
        call = asyncio.ensure_future(work)
        while not asked.is_set():
            await asyncio.sleep(0.001)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(call, 4)  # though its request still runs
        released.set()
        assert [site.site_id for site in await sdk.sites.list("S")] == [1]  # it still works

    asyncio.run(main())


def test_callbacks_are_called(serve: Any, aconnect: Any) -> None:
    told: list[tuple[int, int]] = []
    sdk = aconnect(serve(Table(sites(1, 2, 3))), page_size=2)
    asyncio.run(sdk.sites.list("S", on_progress=lambda *numbers: told.append(numbers)))
    assert told == [(2, 3), (3, 3)]


def test_errors_are_the_same(serve: Any, aconnect: Any) -> None:
    with pytest.raises(NotFoundError, match="there is no site_id 7 among the sites"):
        asyncio.run(aconnect(serve(reply(page([])))).sites.get("S", 7))


# --- awaited(), of anything


class Part:
    def double(self, number: int) -> int:
        return 2 * number


class Thing:
    """What a plugin might be."""

    label = "plain"
    price = Decimal("1.5")
    when = date(2024, 5, 1)
    where = Path("x")
    nothing = None
    kind = Part

    def __init__(self) -> None:
        self.part = Part()
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.closed = False

    def thread(self) -> str:
        """Tell the thread."""
        return threading.current_thread().name

    def add(self, one: int, *, other: int = 1) -> int:
        return one + other

    def numbers(self, count: int) -> Iterator[int]:
        return iter(range(count))

    def generated(self, count: int) -> Generator[int, None, None]:
        yield from range(count)

    def kept(self, count: int) -> Iterator[int]:
        """Give a generator that is not closed by being forgotten."""
        self.stream = self._waited(count)
        return self.stream

    def _waited(self, count: int) -> Generator[int, None, None]:
        try:
            self.begun.set()
            self.go_on.wait(5)
            yield from range(count)
        finally:
            self.closed = True

    def halted(self, count: int) -> Iterator[int]:
        """Give so many rows, and wait before the next one."""
        yield from range(count)
        yield from self.kept(1)

    def listed(self) -> list[int]:
        return [1, 2]

    def fail(self) -> None:
        raise LookupError("mine")

    def stop(self) -> Iterator[int]:
        yield 1
        raise LookupError("mine")


def test_methods_run_on_another_thread() -> None:
    name = asyncio.run(awaited(Thing()).thread())
    assert name != threading.current_thread().name


def test_arguments_and_results_go_through() -> None:
    thing = awaited(Thing())
    assert asyncio.run(thing.add(1, other=2)) == 3
    assert asyncio.run(thing.listed()) == [1, 2]
    assert thing.thread.__doc__ == "Tell the thread."


@pytest.mark.parametrize("name", ["numbers", "generated"])
@pytest.mark.parametrize("count", [0, 3, 500, 1001])
def test_iterators_become_async(name: str, count: int) -> None:
    assert asyncio.run(taken(getattr(awaited(Thing()), name)(count))) == list(range(count))


def test_a_slow_iterator_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "CHUNK_SECONDS", -1)  # every item takes longer than a hop may
    assert asyncio.run(taken(awaited(Thing()).numbers(5))) == [0, 1, 2, 3, 4]


def test_an_iterator_of_a_cancelled_loop_is_closed() -> None:
    thing = Thing()

    async def main() -> None:
        call = asyncio.ensure_future(taken(awaited(thing).kept(10_000)))
        while not thing.begun.is_set():
            await asyncio.sleep(0.001)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(call, 4)  # though its worker still waits
        assert not thing.closed
        thing.go_on.set()

    asyncio.run(main())
    assert thing.closed


def hop_of(call: asyncio.Task[Any]) -> asyncio.Task[Any]:
    """The task by which a call waits for its worker."""
    (hop,) = asyncio.all_tasks() - {call, asyncio.current_task()}
    return hop


def test_an_iterator_is_left_to_its_worker_where_the_loop_cancels_all_that_runs() -> None:
    thing = Thing()

    async def main() -> None:
        call = asyncio.ensure_future(taken(awaited(thing).halted(aio.CHUNK_ROWS)))
        while not thing.begun.is_set():
            await asyncio.sleep(0.001)
        hop_of(call).cancel()  # as asyncio.run does, in any order
        with pytest.raises(asyncio.CancelledError):
            await call
        assert not thing.closed
        thing.go_on.set()

    asyncio.run(main())
    assert thing.closed


def test_an_iterator_whose_first_rows_come_as_it_is_cancelled_is_closed() -> None:
    thing = Thing()

    async def main() -> None:
        call = asyncio.ensure_future(taken(awaited(thing).kept(10_000)))
        while not thing.begun.is_set():
            await asyncio.sleep(0.001)
        hop_of(call).add_done_callback(lambda _: call.cancel())
        thing.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert thing.closed

    asyncio.run(main())


def test_a_generator_left_early_is_closed() -> None:
    thing = Thing()
    thing.go_on.set()

    async def main() -> None:
        stream = awaited(thing).kept(10_000)
        async for _ in stream:
            break
        await stream.aclose()

    asyncio.run(main())
    assert thing.closed


def test_errors_go_through() -> None:
    with pytest.raises(LookupError, match="mine"):
        asyncio.run(awaited(Thing()).fail())
    with pytest.raises(LookupError, match="mine"):
        asyncio.run(taken(awaited(Thing()).stop()))


@pytest.mark.parametrize("name", ["label", "price", "when", "where", "nothing", "kind"])
def test_plain_values_are_given_as_they_are(name: str) -> None:
    assert getattr(awaited(Thing()), name) is getattr(Thing, name)


def test_objects_inside_are_awaited_too() -> None:
    assert asyncio.run(awaited(Thing()).part.double(4)) == 8


class Doubler:
    def __call__(self, number: int) -> int:
        return 2 * number


def test_it_fulfils_the_protocols_that_the_object_does() -> None:
    parts = dict.fromkeys(PARTS, "here")
    for whole in (type("Namespace", (), parts)(), SimpleNamespace(**parts)):
        assert isinstance(awaited(whole), WorkflowsNamespaceProtocol)
        # As Python asks from 3.12 on: without a look at what only `__getattr__` knows.
        assert all(inspect.getattr_static(awaited(whole), part) for part in PARTS)
        assert awaited(whole).record_mapper == "here"
    assert not isinstance(awaited(SimpleNamespace()), WorkflowsNamespaceProtocol)


def test_a_callable_object_is_called_on_a_thread() -> None:
    thing = Thing()
    thing.double = Doubler()  # type: ignore[attr-defined]
    thing.partly = partial(thing.add, 1)  # type: ignore[attr-defined]
    assert asyncio.run(awaited(thing).double(4)) == 8
    assert asyncio.run(awaited(thing).partly(other=4)) == 5


class Colour(Enum):
    RED = 1


def test_an_enumerated_value_is_plain() -> None:
    thing = Thing()
    thing.colour = Colour.RED  # type: ignore[attr-defined]
    assert awaited(thing).colour is Colour.RED


def test_what_is_private_stays_so() -> None:
    thing = awaited(Thing())
    with pytest.raises(AttributeError):
        thing._hidden  # noqa: B018
    with pytest.raises(AttributeError):
        thing.no_such  # noqa: B018
    assert "add" in dir(thing)
    assert not [name for name in dir(thing) if name.startswith("_")]


# --- waiting for a job


def test_a_wait_that_is_cancelled_ends_and_holds_no_thread(serve: Any, aconnect: Any) -> None:
    seen: list[str] = []
    server = serve(lambda _: reply({"jobId": "j", "batchId": "b", "state": "running"}))
    sdk = aconnect(server)

    async def main() -> None:
        started = asyncio.Event()

        def looked(job: Any) -> None:
            seen.append(job.state)
            started.set()

        waiting = asyncio.create_task(
            sdk.jobs.wait("S", "b", interval=3600, timeout=None, on_update=looked)
        )
        await started.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())  # would not come back while a worker thread slept
    assert seen == ["running"]


def test_a_wait_of_one_study_is_awaited_likewise(serve: Any, aconnect: Any) -> None:
    states = iter(["created", "running", "completed"])
    server = serve(lambda _: reply({"jobId": "j", "batchId": "b", "state": next(states)}))
    job = asyncio.run(aconnect(server).study("S").jobs.wait("b", interval=0.001))
    assert job.state == "completed"
