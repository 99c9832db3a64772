"""The SDK object: bound studies, plain requests, closing, and many threads at once."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from scripted import Answer, Request, page, refusal, reply
from tables import Table, sites

from imednet import AsyncImednetSDK, ImednetSDK, http
from imednet.errors import (
    ConfigurationError,
    ImednetError,
    ResponseError,
    ServerError,
    ValidationError,
)
from imednet.listing import RESOURCES
from imednet.models import Job

EMPTY = reply(page([]))


def test_every_resource_is_an_attribute(connect: Any) -> None:
    sdk = connect("https://a.test")
    assert {name for name in vars(sdk) if not name.startswith("_")} == {
        *RESOURCES,
        "jobs",
        "plugins",
        "settings",
        "workflows",
    }


def test_reprs(connect: Any) -> None:
    sdk = connect("https://a.test")
    assert repr(sdk) == "<ImednetSDK https://a.test/api/v1/edc>"
    assert repr(sdk.sites) == "<sites of <ImednetSDK https://a.test/api/v1/edc>>"
    assert repr(sdk.jobs) == "<jobs of <ImednetSDK https://a.test/api/v1/edc>>"
    assert repr(sdk.study("S")) == "<study S of <ImednetSDK https://a.test/api/v1/edc>>"
    assert repr(sdk.study("S").sites) == f"<{sdk.sites!r} bound to S>"


def test_settings_are_checked_when_it_is_made() -> None:
    with pytest.raises(ConfigurationError, match="prefetch is 0"):
        ImednetSDK("a", "b", prefetch=0)


def test_making_one_sends_nothing(serve: Any, connect: Any) -> None:
    server = serve(EMPTY)
    sdk = connect(server)
    sdk.study("S")
    assert server.connections == 0


# --- one study


def test_a_study_has_every_resource_but_studies(connect: Any) -> None:
    bound = connect("https://a.test").study("S")
    names = {name for name in vars(bound) if not name.startswith("_")}
    assert names == {*RESOURCES, "jobs", "study_key"} - {"studies"}
    assert bound.study_key == "S"
    with pytest.raises(AttributeError):
        bound.studies  # noqa: B018


@pytest.mark.parametrize("name", [name for name in RESOURCES if name != "studies"])
def test_a_bound_resource_gives_what_the_other_gives(imednet_sdk: Any, name: str) -> None:
    bound, whole = getattr(imednet_sdk.study("DEMO"), name), getattr(imednet_sdk, name)
    rows = bound.list(limit=3)
    assert rows == whole.list("DEMO", limit=3) == list(bound.iter(limit=3)) != []
    assert bound.count() == whole.count("DEMO")
    assert bound.get(getattr(rows[0], RESOURCES[name].key)) == rows[0]


def test_bound_writing_and_jobs(serve: Any, connect: Any) -> None:
    created = {"jobId": "j", "batchId": "b", "state": "completed"}
    server = serve(reply(created, 202), reply(created), reply(created))
    bound = connect(server).study("S")
    job = Job(job_id="j", batch_id="b", state="completed")
    assert bound.records.create([{}], email_notify="me@a.test") == job
    assert bound.jobs.get("b") == bound.jobs.wait("b", interval=0.01) == job
    assert [request.path.removeprefix("/api/v1/edc") for request in server.requests] == [
        "/studies/S/records",
        "/studies/S/jobs/b",
        "/studies/S/jobs/b",
    ]


def test_a_bound_resource_can_be_explored(connect: Any) -> None:
    bound = connect("https://a.test").study("S")
    assert dir(bound.sites) == ["count", "get", "iter", "list"]
    assert dir(bound.records) == ["count", "create", "get", "iter", "list"]
    with pytest.raises(AttributeError):
        bound.sites.lisst  # noqa: B018
    with pytest.raises(AttributeError):
        bound.sites._private  # noqa: B018


# --- request


def test_a_plain_request(serve: Any, connect: Any) -> None:
    server = serve(reply({"any": ["thing"]}))
    sdk = connect(server)
    found = sdk.request("get", "studies/S/sites", params={"size": 1, "x": None, "sort": ["a", "b"]})
    assert found == {"any": ["thing"]}
    (request,) = server.requests
    assert (request.method, request.target) == (
        "GET",
        "/api/v1/edc/studies/S/sites?size=1&sort=a&sort=b",
    )
    assert request.headers["x-api-key"] == "api-key-4711"


def test_a_plain_request_with_a_body(serve: Any, connect: Any) -> None:
    server = serve(reply([1], 201))
    assert connect(server).request("POST", "/studies/S/things", body={"a": None}) == [1]
    assert (server.requests[0].method, server.requests[0].json) == ("POST", {"a": None})


@pytest.mark.parametrize("answer", [Answer(status=204), Answer(status=200)], ids=["204", "200"])
def test_an_empty_answer_is_none(serve: Any, connect: Any, answer: Answer) -> None:
    assert connect(serve(answer)).request("DELETE", "studies/S/things/1") is None


def test_a_plain_request_has_the_same_errors(serve: Any, connect: Any) -> None:
    sdk = connect(serve(refusal(400), reply(b"<html>")))
    with pytest.raises(ValidationError, match=r"^400 \(code 1000\) on PUT /x: no good"):
        sdk.request("PUT", "x", body=[])
    with pytest.raises(ResponseError, match=r"^GET /x answered with 6 bytes"):
        sdk.request("GET", "x")


def test_only_reads_are_tried_again(serve: Any, connect: Any) -> None:
    server = serve(lambda _: refusal(503))
    sdk = connect(server, retries=2)
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        with pytest.raises(ServerError):
            sdk.request(method, "x")
    assert [r.method for r in server.requests] == ["GET"] * 3 + ["PUT", "DELETE", "PATCH"]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("studies/a%2Fb/sites", "/api/v1/edc/studies/a%2Fb/sites"),
        ("/studies/", "/api/v1/edc/studies"),
        ("studies/ä b", "/api/v1/edc/studies/%C3%A4%20b"),
        ("a;b,c@d:e", "/api/v1/edc/a;b,c@d:e"),
    ],
)
def test_paths_are_below_the_root(serve: Any, connect: Any, path: str, target: str) -> None:
    server = serve(reply({}))
    connect(server).request("GET", path)
    assert server.requests[0].target == target


@pytest.mark.parametrize(
    ("path", "params", "what"),
    [
        ("stud\udce4", None, "path is 'stud\\udce4', which holds"),
        ("a", {"b": "\udce4"}, "params hold"),
    ],
    ids=["path", "params"],
)
def test_half_a_character_is_refused_by_its_argument(
    serve: Any, connect: Any, path: str, params: Any, what: str
) -> None:
    server = serve({})
    with pytest.raises(ValueError, match="bytes that are no text") as caught:
        connect(server).request("GET", path, params=params)
    assert str(caught.value).startswith(what)
    assert server.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "a//b",
        "../x",
        "a/../../x",
        "a/./b",
        "a?b=1",
        "a#b",
        "https://evil.test/x",
        "//evil",
        5,
        None,
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(serve: Any, connect: Any, path: Any) -> None:
    server = serve(reply({}))
    if path == "//evil":  # the slashes go: a path like any other
        connect(server).request("GET", path)
        assert server.requests[0].target == "/api/v1/edc/evil"
        return
    with pytest.raises(ValueError, match="path is") as caught:
        connect(server).request("GET", path)
    assert str(caught.value) == (
        f"path is {path!r}: give one below the API's root, such as 'studies/DEMO/sites', "
        "and the query in params="
    )
    assert server.requests == []


@pytest.mark.parametrize("method", ["", "GET ", "G\r\n", "1", None, 5], ids=repr)
def test_a_method_that_is_none(connect: Any, method: Any) -> None:
    with pytest.raises(ValueError, match="method is") as caught:
        connect("https://a.test").request(method, "x")
    assert str(caught.value) == f"method is {method!r}: give GET, POST ..."


# --- closing


@pytest.mark.parametrize("used", [False, True])
def test_a_closed_sdk_says_so(serve: Any, connect: Any, used: bool) -> None:
    sdk = connect(serve(EMPTY))
    if used:
        sdk.sites.list("S")
    sdk.close()
    sdk.close()
    with pytest.raises(RuntimeError) as caught:
        sdk.sites.list("S")
    assert str(caught.value) == "this ImednetSDK is closed: make a new one"


def test_with_closes(serve: Any, connect: Any) -> None:
    with connect(serve(EMPTY)) as sdk:
        assert sdk.sites.list("S") == []
    with pytest.raises(RuntimeError, match="is closed"):
        sdk.request("GET", "x")


def test_closing_ends_the_connections(serve: Any, connect: Any) -> None:
    ended = threading.Event()
    server = serve(EMPTY)
    talk = server._talk

    def watched(connection: Any) -> None:
        talk(connection)
        ended.set()

    server._talk = watched
    sdk = connect(server)
    sdk.sites.list("S")
    assert not ended.is_set()
    sdk.close()
    assert ended.wait(5)


# --- threads


def test_many_threads_on_one_sdk(serve: Any, connect: Any) -> None:
    tables = {f"S{n}": Table(sites(*range(n * 100, n * 100 + 40))) for n in range(12)}
    server = serve(lambda request: tables[request.path.split("/")[5]](request))
    sdk = connect(server, page_size=7)

    def read(key: str) -> list[int]:
        return [site.site_id for site in sdk.sites.list(key)]

    with ThreadPoolExecutor(12) as pool:
        found = dict(zip(tables, pool.map(read, tables), strict=True))
    assert found == {f"S{n}": list(range(n * 100, n * 100 + 40)) for n in range(12)}


def test_the_first_requests_of_many_threads_share_one_transport(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SlowToMake(http.Transport):
        def __init__(self, *arguments: Any) -> None:
            threading.Event().wait(0.02)
            super().__init__(*arguments)

    monkeypatch.setattr(http, "Transport", SlowToMake)
    sdk = connect(serve())
    start = threading.Barrier(8)

    def first(_: int) -> Any:
        start.wait(5)
        return sdk.transport

    with ThreadPoolExecutor(8) as pool:
        assert len(set(map(id, pool.map(first, range(8))))) == 1


def test_as_many_requests_at_once_as_there_are_threads(serve: Any, connect: Any) -> None:
    together = threading.Barrier(6)

    def handler(_: Request) -> Answer:
        together.wait(5)
        return EMPTY

    sdk = connect(serve(handler))
    call: Callable[[int], list[Any]] = lambda n: sdk.sites.list(f"S{n}")  # noqa: E731
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(call, range(6))) == [[]] * 6


def test_two_sdks_keep_their_keys_apart(serve: Any, stack: Any) -> None:
    server = serve(lambda _: EMPTY)
    for number in range(2):
        sdk = stack.enter_context(ImednetSDK(f"key-{number}", "hush", server.url))
        sdk.sites.list("S")
    assert [request.headers["x-api-key"] for request in server.requests] == ["key-0", "key-1"]


# --- no key in a traceback that shows local variables


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"base_url": "http://example.com"}, id="url"),
        pytest.param({"timeout": -1}, id="timeout"),
        pytest.param({"workflows": "no-such-plugin"}, id="plugin"),
        pytest.param({"security_key": "security-key-0815\n"}, id="line-break"),
        pytest.param({"security_key": "  "}, id="blank"),
    ],
)
@pytest.mark.parametrize("kind", [ImednetSDK, AsyncImednetSDK])
def test_no_frame_of_ours_shows_a_key(kind: Any, wrong: dict[str, Any]) -> None:
    keys = {"api_key": "api-key-4711", "security_key": "security-key-0815"}
    try:
        kind(**{**keys, **wrong})
    except ImednetError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in shown.stack if "imednet" in str(frame.filename)]
    frames = [frame for frame in frames if "test_sdk" not in frame.filename]
    assert frames
    text = "".join(str(frame.locals) for frame in frames)
    assert "4711" not in text
    assert "0815" not in text
