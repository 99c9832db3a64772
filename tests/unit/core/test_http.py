"""One request: status to error, retries, bounds, redirects, proxies, certificates, logs."""

from __future__ import annotations

import gzip
import json
import logging
import os
import re
import ssl
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from calls import failure, names
from scripted import Answer, Proxy, Server, page, refusal, reply

from imednet import __version__, bodies, errors, http
from imednet.errors import (
    ApiError,
    ConfigurationError,
    RequestError,
    ResponseError,
    ServerError,
)

PATH = "/studies/S/sites"
FINE = reply(page([{"siteId": 1}]))
SILENT, RESET, HANG = Answer(silent=True), Answer(reset=True), Answer(hang=True)
JOB = {"jobId": "j", "batchId": "b", "state": "created"}
RECORD = [{"formKey": "REG", "data": {}}]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for, none of which takes place."""
    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", asked.append)
    return asked


# --- the request


def test_a_request_as_it_arrives(serve: Any, connect: Any) -> None:
    server = serve(FINE)
    assert names(connect(server)) == [1]
    (request,) = server.requests
    assert (request.method, request.body) == ("GET", b"")
    assert request.target == ("/api/v1/edc/studies/S/sites?page=0&sort=siteId%2CASC&size=500")
    version = re.sub(r"Python/3\.\d+$", "Python", request.headers.pop("user-agent"))
    assert version == f"imednet/{__version__} Python"
    assert request.headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "content-type": "application/json",
        "x-api-key": "api-key-4711",
        "x-imn-security-key": "security-key-0815",
    }


def test_connections_are_used_again(serve: Any, connect: Any) -> None:
    server = serve(FINE, FINE, FINE)
    sdk = connect(server)
    assert [names(sdk) for _ in range(3)] == [[1]] * 3
    assert server.connections == 1


# --- status to error

STATUSES = {
    400: (errors.ValidationError, ""),
    401: (errors.AuthenticationError, " Check the API key and the security key."),
    402: (ApiError, ""),
    403: (
        errors.AuthorizationError,
        " Check the study key, and that these API keys may read that study.",
    ),
    404: (errors.NotFoundError, ""),
    405: (ApiError, ""),
    409: (errors.ConflictError, ""),
    429: (errors.RateLimitError, " Wait a while, or lower prefetch."),
    500: (ServerError, ""),
    501: (ServerError, ""),
    502: (ServerError, ""),
    503: (ServerError, ""),
    504: (ServerError, ""),
    507: (ServerError, ""),
}


@pytest.mark.parametrize("status", STATUSES)
def test_the_documented_error_body(serve: Any, connect: Any, status: int) -> None:
    kind, advice = STATUSES[status]
    answer = refusal(status, code="1000", description="no", attribute="siteId", value="x")
    error = failure(ApiError, lambda: names(connect(serve(answer))))
    assert type(error) is kind
    assert vars(error) == {
        "status_code": status,
        "code": "1000",
        "description": "no",
        "attribute": "siteId",
        "value": "x",
        "method": "GET",
        "path": PATH,
    }
    text = f"{status} (code 1000) on GET {PATH}: no [siteId = 'x']"
    assert str(error) == (f"{text}.{advice}" if advice else text)


@pytest.mark.parametrize("status", STATUSES)
def test_the_described_error_body(serve: Any, connect: Any, status: int) -> None:
    kind, _ = STATUSES[status]
    answer = reply({"metadata": {"error": {"message": "no such thing"}}}, status)
    error = failure(ApiError, lambda: names(connect(serve(answer))))
    assert type(error) is kind
    assert (error.description, error.code, error.attribute, error.value) == (
        "no such thing",
        None,
        None,
        None,
    )


NO_REASONS = {
    "empty": b"",
    "html": b"<html>Bad Gateway</html>",
    "list": b"[]",
    "null": b"null",
    "text": b'"no"',
    "no metadata": b"{}",
    "metadata null": b'{"metadata": null}',
    "error null": b'{"metadata": {"error": null}}',
    "error text": b'{"metadata": {"error": "no"}}',
    "error empty": b'{"metadata": {"error": {}}}',
    "not utf-8": b'{"metadata": "\xff"}',
}


@pytest.mark.parametrize("body", NO_REASONS)
def test_an_error_without_reasons_is_still_that_error(serve: Any, connect: Any, body: str) -> None:
    error = failure(ServerError, lambda: names(connect(serve(reply(NO_REASONS[body], 502)))))
    assert str(error) == f"502 on GET {PATH}: the API gave no reason"


@pytest.mark.parametrize(
    "field", [None, {}, {"attribute": None, "value": None}, {"attribute": "a"}], ids=repr
)
def test_an_error_whose_field_is_not_whole(serve: Any, connect: Any, field: Any) -> None:
    answer = reply({"metadata": {"error": {"code": 9000, "field": field}}}, 400)
    error = failure(errors.ValidationError, lambda: names(connect(serve(answer))))
    assert (error.code, error.value) == ("9000", None)
    assert error.attribute == (field or {}).get("attribute")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("br", b"x"), ("gzip", b"x"), ("gzip", gzip.compress(b"x", mtime=0)[:9])],
    ids=["unknown", "not packed", "cut"],
)
def test_an_error_whose_body_cannot_be_unpacked_is_still_that_error(
    serve: Any, connect: Any, encoding: str, body: bytes
) -> None:
    answer = Answer(body, 502, {"Content-Encoding": encoding})
    error = failure(ServerError, lambda: names(connect(serve(answer))))
    assert error.status_code == 502


# --- answers that are no API answers

HTML = Answer(b"<html>Sign in</html>", headers={"Content-Type": "text/html"})
NOT_JSON = (
    "that are not whole JSON: is a proxy or login page in between, or base_url another server's?"
)


BESIDE = (
    "answered with an error (code {}) beside its rows, though with a status of success. "
    "Read it again; if it stays, tell whoever runs the server."
)


def failed(error: Any) -> Answer:
    """A page whose metadata tell of an error, as an empty one with a status of success."""
    return reply({"metadata": {"status": "ERROR", "error": error}, "data": []})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HTML, f"answered with 20 bytes of text/html {NOT_JSON}"),
        (reply(b'{"data": [{"si'), f"answered with 14 bytes of application/json {NOT_JSON}"),
        (reply(b""), f"answered with 0 bytes of application/json {NOT_JSON}"),
        (Answer(b"x"), f"answered with 1 bytes of no content type {NOT_JSON}"),
        (reply(b'{"data": [NaN]}'), f"answered with 15 bytes of application/json {NOT_JSON}"),
        (reply(b'{"data": "\xff"}'), f"answered with 13 bytes of application/json {NOT_JSON}"),
        (reply([]), "answered without a list of rows (data): not an API page."),
        (reply("text"), "answered without a list of rows (data): not an API page."),
        (reply({}), "answered without a list of rows (data): not an API page."),
        (reply({"data": {}}), "answered without a list of rows (data): not an API page."),
        (failed({"code": "9000", "description": "boom"}), BESIDE.format("9000")),
        (failed({"code": 9000}), BESIDE.format("9000")),
        (failed({"message": "boom"}), BESIDE.format("unknown")),
        (failed("boom"), BESIDE.format("unknown")),
    ],
    ids=[
        *("html", "cut", "empty", "untyped", "nan", "bytes", "list", "text", "nothing", "object"),
        *("error", "error of a number", "error of one message", "error in words"),
    ],
)
def test_what_is_no_page(serve: Any, connect: Any, answer: Answer, said: str) -> None:
    error = failure(ResponseError, lambda: names(connect(serve(answer))))
    assert str(error) == f"GET {PATH} {said}"


def test_a_body_that_is_merely_odd_is_read(serve: Any, connect: Any) -> None:
    odd = json.dumps(page([{"siteId": 1}])).replace(" ", "\n\t").encode()
    assert names(connect(serve(Answer(odd, headers={"Content-Type": "text/plain"})))) == [1]


# --- tries


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (1, 2), (3, 4)])
def test_so_many_tries_and_no_more(
    serve: Any, connect: Any, status: int, retries: int, tries: int
) -> None:
    server = serve(lambda _: refusal(status))
    error = failure(ApiError, lambda: names(connect(server, retries=retries)))
    assert error.status_code == status
    assert len(server.requests) == tries


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 501, 505])
def test_other_refusals_are_final(serve: Any, connect: Any, status: int) -> None:
    server = serve(lambda _: refusal(status))
    assert failure(ApiError, lambda: names(connect(server, retries=3))).status_code == status
    assert len(server.requests) == 1


BROKEN = {
    "silent": SILENT,
    "reset": RESET,
    "short": Answer(b'{"data"', length=500),
    "nonsense": Answer(raw=b"\0\0\0\r\n\r\n"),
    "half a chunk": Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{}"),
    "503": refusal(503),
    "429": refusal(429),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_read_that_breaks_is_tried_again(serve: Any, connect: Any, broken: str) -> None:
    server = serve(BROKEN[broken], BROKEN[broken], FINE)
    assert names(connect(server, retries=2)) == [1]
    assert len(server.requests) == 3


@pytest.mark.parametrize("broken", ["silent", "reset", "short", "nonsense", "half a chunk"])
def test_a_read_that_stays_broken_is_given_up(serve: Any, connect: Any, broken: str) -> None:
    server = serve(lambda _: BROKEN[broken])
    error = failure(RequestError, lambda: names(connect(server, retries=2)))
    assert str(error).startswith(f"GET {PATH} got no answer after 3 tries: the connection broke (")
    assert str(error).endswith(").")
    assert len(server.requests) == 3


@pytest.mark.parametrize("broken", ["short", "half a chunk"])
def test_an_answer_that_broke_off_shows_nothing_of_what_came(
    serve: Any, connect: Any, broken: str
) -> None:
    body = b'{"subjectKey": "01-004", "note": "seen"}'
    half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + body
    answer = Answer(body, length=500) if broken == "short" else Answer(raw=half)
    error = failure(RequestError, lambda: names(connect(serve(answer))))
    assert "IncompleteRead(" in str(error)
    told = str(error) + "".join(traceback.format_exception(error))
    assert "01-004" not in told


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SILENT, "ConnectionResetError: the connection closed within the answer's head"),
        (RESET, "ConnectionResetError: Connection reset by peer"),
        (Answer(raw=b"01-004 nonsense\r\n\r\n"), "BadStatusLine"),
    ],
    ids=["silent", "reset", "nonsense"],
)
def test_what_broke_is_told_in_words(serve: Any, connect: Any, answer: Answer, said: str) -> None:
    error = failure(RequestError, lambda: names(connect(serve(answer))))
    assert str(error) == f"GET {PATH} got no answer after 1 try: the connection broke ({said})."


def test_a_server_that_never_answers(serve: Any, connect: Any) -> None:
    server = serve(HANG, HANG)
    error = failure(RequestError, lambda: names(connect(server, timeout=0.1, retries=1)))
    assert str(error) == (
        f"GET {PATH} got no answer after 2 tries: no answer in time "
        "(timeout is 0.1 s; see timeout=)."
    )


def test_nobody_there(connect: Any) -> None:
    server = Server()
    try:
        error = failure(RequestError, lambda: names(connect(server, retries=2)))
    finally:
        server.stop()
    assert re.sub(r"\(.*\)", "(...)", str(error)) == (
        f"GET {PATH} got no answer after 3 tries: no connection to 127.0.0.1 (...). "
        "Check base_url and the network."
    )
    assert "ConnectionRefusedError" in str(error)


@pytest.mark.parametrize("name", ["no-such-host.invalid", "edc..test", "a" * 64 + ".test"])
def test_a_name_that_nobody_has(connect: Any, name: str) -> None:
    error = failure(RequestError, lambda: names(connect(f"https://{name}")))
    assert str(error) == (
        f"GET {PATH} got no answer after 1 try: the name {name} cannot be "
        "resolved. Check base_url and the network."
    )


def test_waits_grow(serve: Any, connect: Any, waits: list[float]) -> None:
    server = serve(*[refusal(503)] * 4, FINE)
    assert names(connect(server, retries=4, backoff_factor=0.5)) == [1]
    assert waits == [1, 2, 4]  # none before the first


@pytest.mark.parametrize(
    ("status", "asked", "waited"),
    [
        (429, "7", [7]),
        (503, "7", [7]),
        (429, " 7 ", [7]),
        (429, "60", [60]),
        (429, "61", [60]),
        (429, "86400", [60]),
        (429, "9" * 400, [60]),
        (429, "Wed, 21 Oct 2199 07:28:00 GMT", [60]),
        (429, "Wed, 21 Oct 2015 07:28:00 GMT", []),
        (429, "0", []),
        (429, "-5", []),
        (429, "soon", []),
        (429, "1.5", []),
        (429, "", []),
        (429, "9" * 5000, []),
        (429, "Wed, 21 Oct 99999999 07:28:00 GMT", []),
        (429, "Wed, 99 Foo 2015 99:99:99 GMT", []),
        (429, "\xb2", []),
    ],
    ids=lambda v: v[:20] if isinstance(v, str) else str(v),
)
def test_retry_after(
    serve: Any, connect: Any, waits: list[float], status: int, asked: str, waited: list[float]
) -> None:
    server = serve(refusal(status, headers={"Retry-After": asked}), FINE)
    assert names(connect(server, retries=1)) == [1]
    assert waits == waited


# --- writes


@pytest.mark.parametrize("broken", ["503", "429", "silent", "reset", "short", "nonsense"])
def test_a_write_is_never_sent_twice(serve: Any, connect: Any, broken: str) -> None:
    server = serve(BROKEN[broken], reply(JOB, 202))
    sdk = connect(server, retries=3)
    failure((RequestError, ApiError), lambda: sdk.records.create("S", RECORD))
    assert len(server.requests) == 1


@pytest.mark.parametrize("broken", ["silent", "reset", "short"])
def test_a_write_that_breaks_says_that_it_may_have_been_taken(
    serve: Any, connect: Any, broken: str
) -> None:
    sdk = connect(serve(BROKEN[broken]), retries=3)
    error = failure(RequestError, lambda: sdk.records.create("S", RECORD))
    assert str(error).startswith("POST /studies/S/records got no answer after 1 try: ")
    assert str(error).endswith(
        "It is not known whether the server took it: look before sending it again."
    )


class AtFirstWarning(logging.Handler):
    """Does something when the logger tells of the first try that failed."""

    def __init__(self, action: Any) -> None:
        super().__init__(logging.WARNING)
        self.action = action

    def emit(self, record: logging.LogRecord) -> None:
        action, self.action = self.action, lambda: None
        action()


def test_a_write_that_never_got_out_is_sent_again(stack: Any, connect: Any) -> None:
    server = Server(reply(JOB, 202))
    stack.callback(server.stop)
    handler = AtFirstWarning(server.start)
    logging.getLogger("imednet").addHandler(handler)
    stack.callback(logging.getLogger("imednet").removeHandler, handler)
    job = connect(server, retries=2).records.create("S", RECORD)
    assert job.batch_id == "b"
    assert len(server.requests) == 1


def test_a_write_that_never_got_out_does_not_alarm(connect: Any, stack: Any) -> None:
    server = Server()
    stack.callback(server.stop)
    sdk = connect(server, retries=1)
    error = failure(RequestError, lambda: sdk.records.create("S", RECORD))
    assert "after 2 tries: no connection to 127.0.0.1" in str(error)
    assert "It is not known" not in str(error)


# --- redirects


def moved(where: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": where})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
def test_a_redirect_on_the_same_server_is_followed(
    serve: Any, connect: Any, status: int, absolute: bool
) -> None:
    there = "/api/v1/edc/moved?page=0"
    server: Server = serve(
        lambda request: (
            FINE
            if "moved" in request.target
            else moved(server.url + there if absolute else there, status)
        )
    )
    assert names(connect(server, retries=3)) == [1]
    _first, second = server.requests
    assert second.target in (there, server.url + there)
    assert "x-api-key" in server.requests[1].headers


@pytest.mark.parametrize("retries", [0, 3])
def test_a_redirect_to_another_server_is_refused_and_no_key_goes_there(
    serve: Any, connect: Any, retries: int
) -> None:
    other = serve(lambda _: FINE)
    server = serve(lambda _: moved(f"{other.url}/api/v1/edc{PATH}?hush=1"))
    error = failure(ResponseError, lambda: names(connect(server, retries=retries)))
    assert other.requests == []
    assert other.connections == 0
    assert str(error) == (
        f"GET {PATH} was redirected to another server (127.0.0.1), and not followed, since "
        "the keys would have gone there: check base_url (IMEDNET_BASE_URL)."
    )


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.test/x",
        "http://evil.test",
        "http://localhost:1/x",
        "ftp://evil.test/x",
    ],
)
def test_other_ways_to_name_another_server(serve: Any, connect: Any, where: str) -> None:
    server = serve(lambda _: moved(where))
    error = failure(ResponseError, lambda: names(connect(server, retries=3)))
    assert "was redirected to another server" in str(error)
    assert len(server.requests) == 1


def test_a_redirect_without_a_scheme_never_leaves_the_server(serve: Any, connect: Any) -> None:
    server = serve(lambda _: moved("//evil.test/x"))
    failure(ResponseError, lambda: names(connect(server, retries=3)))
    assert {request.headers["host"] for request in server.requests} == {f"127.0.0.1:{server.port}"}


def test_redirects_are_no_retries(serve: Any, connect: Any) -> None:
    server = serve(moved("/a"), moved("/b"), refusal(503), moved("/c"), FINE)
    assert names(connect(server, retries=1)) == [1]


def test_a_redirect_in_a_circle_ends(serve: Any, connect: Any) -> None:
    server = serve(lambda _: moved("/api/v1/edc/x"))
    error = failure(ResponseError, lambda: names(connect(server, retries=3)))
    assert str(error) == (
        f"GET {PATH} answered 302, a redirect that leads nowhere: check base_url "
        "(IMEDNET_BASE_URL)."
    )
    assert len(server.requests) == 6


def test_a_redirect_without_a_place_leads_nowhere(serve: Any, connect: Any) -> None:
    error = failure(ResponseError, lambda: names(connect(serve(Answer(status=304)))))
    assert str(error).startswith(f"GET {PATH} answered 304, a redirect that leads nowhere")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_write_follows_no_redirect(serve: Any, connect: Any, status: int) -> None:
    server = serve(moved("/api/v1/edc/studies/S/other", status), reply(JOB, 202))
    sdk = connect(server, retries=3)
    error = failure(ResponseError, lambda: sdk.records.create("S", RECORD))
    assert str(error).startswith(f"POST /studies/S/records answered {status}, a redirect")
    assert len(server.requests) == 1


# --- certificates


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """A PEM file with the authority that nobody else knows."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def secure(authority: trustme.CA, serve: Any) -> Iterator[Any]:
    """Start an HTTPS server: `secure(answer, ..., name=...)`."""

    def started(*answers: Any, name: str = "127.0.0.1") -> Server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        server: Server = serve(*answers, tls=context)
        return server

    return started


def test_an_unknown_authority_names_the_cure_and_is_not_tried_again(
    secure: Any, connect: Any
) -> None:
    server = secure(lambda _: FINE)
    error = failure(RequestError, lambda: names(connect(server, retries=3)))
    assert str(error) == (
        f"GET {PATH} got no answer after 1 try: the certificate of 127.0.0.1 is not trusted "
        "here. Behind a company proxy, give its certificates with ca_bundle= or "
        "IMEDNET_CA_BUNDLE (a PEM file)."
    )
    assert server.requests == []


def test_ca_bundle_makes_it_known(secure: Any, connect: Any, bundle: str) -> None:
    assert names(connect(secure(FINE), ca_bundle=bundle)) == [1]


def test_ca_bundle_from_the_environment(
    secure: Any, connect: Any, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMEDNET_CA_BUNDLE", bundle)
    assert names(connect(secure(FINE))) == [1]


def test_a_certificate_for_another_name_is_refused(secure: Any, connect: Any, bundle: str) -> None:
    server = secure(lambda _: FINE, name="elsewhere.test")
    failure(RequestError, lambda: names(connect(server, ca_bundle=bundle)))
    assert server.requests == []


def test_a_ca_bundle_without_certificates(connect: Any, tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("nothing")
    error = failure(ConfigurationError, lambda: names(connect("https://a.test", ca_bundle=path)))
    assert str(error).startswith(
        f"ca_bundle is {str(path)!r}, which holds no certificates that can be read ("
    )
    assert str(error).endswith("): give a PEM file, or a folder of them.")


def test_a_folder_without_the_authority_does_not_make_it_known(
    secure: Any, connect: Any, tmp_path: Path
) -> None:
    server = secure(lambda _: FINE)
    error = failure(RequestError, lambda: names(connect(server, ca_bundle=tmp_path)))
    assert "the certificate of 127.0.0.1 is not trusted here" in str(error)


def test_bounds_hold_over_tls_too(
    secure: Any, connect: Any, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_LIMIT", 5000)
    server = secure(reply(b" " * 4096, endless=True))
    error = failure(ResponseError, lambda: names(connect(server, ca_bundle=bundle)))
    assert str(error) == bodies.TOO_LONG


def test_a_short_body_over_tls_is_tried_again(secure: Any, connect: Any, bundle: str) -> None:
    server = secure(BROKEN["short"], FINE)
    assert names(connect(server, ca_bundle=bundle, retries=1)) == [1]


# --- proxies

EDC = "https://edc.imednet.test"


@pytest.fixture
def proxy(stack: Any, secure: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Start a proxy, with the server that `EDC` stands for behind it."""

    def started(*answers: Any, login: str = "", **options: Any) -> Proxy:
        target = secure(*answers, name="edc.imednet.test") if answers else None
        server = stack.enter_context(Proxy(target, **options))
        monkeypatch.setenv("HTTPS_PROXY", f"http://{login}127.0.0.1:{server.port}")
        return server

    return started


def test_https_goes_through_the_proxy(proxy: Any, connect: Any, bundle: str) -> None:
    server = proxy(FINE)
    assert names(connect(EDC, ca_bundle=bundle)) == [1]
    assert [(r.method, r.target) for r in server.requests] == [("CONNECT", "edc.imednet.test:443")]
    assert "x-api-key" not in server.requests[0].headers


@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY", "all_proxy"])
def test_other_names_of_the_variable(
    proxy: Any, connect: Any, bundle: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    server = proxy(FINE)
    url = os.environ["HTTPS_PROXY"]
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv(variable, url)
    assert names(connect(EDC, ca_bundle=bundle)) == [1]
    assert len(server.requests) == 1


def test_the_proxy_gets_its_login(proxy: Any, connect: Any, bundle: str) -> None:
    server = proxy(FINE, login="me:hu%40sh@")
    assert names(connect(EDC, ca_bundle=bundle)) == [1]
    assert server.requests[0].headers["proxy-authorization"] == "Basic bWU6aHVAc2g="


def test_retries_go_through_the_proxy(proxy: Any, connect: Any, bundle: str) -> None:
    server = proxy(refusal(503), SILENT, FINE)
    assert names(connect(EDC, ca_bundle=bundle, retries=2)) == [1]
    assert {r.method for r in server.requests} == {"CONNECT"}


def test_a_proxy_that_wants_a_login(
    proxy: Any, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    proxy(login="me:hush@", refuse=Answer(status=407))
    with caplog.at_level(logging.DEBUG):
        error = failure(RequestError, lambda: names(connect(EDC, retries=1)))
    text = str(error)
    assert text.startswith(f"GET {PATH} got no answer after 2 tries: the proxy in HTTPS_PROXY ")
    assert "407" in text
    assert text.endswith("Check it, its user and password, or put edc.imednet.test into NO_PROXY.")
    assert "hush" not in "".join(traceback.format_exception(error)) + caplog.text


def test_a_proxy_that_is_not_there(
    connect: Any, monkeypatch: pytest.MonkeyPatch, stack: Any
) -> None:
    closed = Server()
    stack.callback(closed.stop)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:hush@127.0.0.1:{closed.port}")
    error = failure(RequestError, lambda: names(connect(EDC)))
    assert "after 1 try: the proxy in HTTPS_PROXY failed (" in str(error)
    assert "hush" not in "".join(traceback.format_exception(error))


def test_a_write_that_the_proxy_refused_never_got_out(proxy: Any, connect: Any) -> None:
    proxy(refuse=Answer(status=407))
    sdk = connect(EDC)
    error = failure(RequestError, lambda: sdk.records.create("S", RECORD))
    assert "It is not known" not in str(error)


@pytest.mark.parametrize(
    "listed",
    [
        "edc.imednet.test",
        ".imednet.test",
        "a.test, edc.imednet.test",
        "edc.imednet.test:443",
        ".imednet.test:443",
        "*",
    ],
)
def test_no_proxy(proxy: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    server = proxy(refuse=Answer(status=407))
    monkeypatch.setenv("NO_PROXY", listed)
    failure(RequestError, lambda: names(connect(EDC)))  # the name is nobody's
    assert server.requests == []


def test_loopback_needs_no_proxy(serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert names(connect(serve(FINE))) == [1]


def test_no_proxy_for_another_port_is_for_another_server(
    proxy: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = proxy(refuse=Answer(status=407))
    monkeypatch.setenv("NO_PROXY", "edc.imednet.test:8443")
    failure(RequestError, lambda: names(connect(EDC)))
    assert len(server.requests) == 1


def test_blanks_around_a_proxy_do_no_harm(
    proxy: Any, connect: Any, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = proxy(FINE)
    monkeypatch.setenv("HTTPS_PROXY", f" {os.environ['HTTPS_PROXY']} ")
    assert names(connect(EDC, ca_bundle=bundle)) == [1]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "text",
    [
        "http://me:hush@[bad",
        "socks5://127.0.0.1:1",
        "ftp://127.0.0.1",
        "http://a:port",
        "http://",
        "http://:8080",
        "http://me:hush@",
    ],
)
def test_a_proxy_that_is_none(connect: Any, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", text)
    error = failure(ConfigurationError, lambda: names(connect(EDC)))
    assert str(error) == (
        "HTTPS_PROXY is not a proxy's URL: give http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"
    )


# --- logs

TIMED = re.compile(r"in \d+ ms")


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.levelname, TIMED.sub("in N ms", record.getMessage()))
        for record in caplog.records
        if record.name == "imednet"
    ]


def test_each_try_is_told(serve: Any, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "imednet"):
        names(connect(serve(refusal(503), SILENT, FINE), retries=2))
    assert told(caplog) == [
        ("DEBUG", f"GET {PATH}: 503 in N ms (try 1)"),
        ("WARNING", f"GET {PATH}: 503, trying again (try 2)"),
        ("DEBUG", f"GET {PATH}: ProtocolError in N ms (try 2)"),
        ("WARNING", f"GET {PATH}: ProtocolError, trying again (try 3)"),
        ("DEBUG", f"GET {PATH}: 200 in N ms (try 3)"),
    ]


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("status", [400, 503])
def test_the_last_try_is_told_once(
    serve: Any, connect: Any, caplog: pytest.LogCaptureFixture, retries: int, status: int
) -> None:
    server = serve(lambda _: refusal(status))
    with caplog.at_level(logging.DEBUG, "imednet"):
        failure(ApiError, lambda: names(connect(server, retries=retries)))
    debug = [text for level, text in told(caplog) if level == "DEBUG"]
    tries = len(server.requests)
    assert debug == [f"GET {PATH}: {status} in N ms (try {n + 1})" for n in range(tries)]


def test_a_write_that_breaks_warns_of_no_further_try(
    serve: Any, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sdk = connect(serve(SILENT), retries=3)
    with caplog.at_level(logging.DEBUG, "imednet"):
        failure(RequestError, lambda: sdk.records.create("S", RECORD))
    assert told(caplog) == [("DEBUG", "POST /studies/S/records: ProtocolError in N ms (try 1)")]


SECRETS = ("api-key-4711", "security-key-0815", "NAME-OF-SOMEBODY")
STORIES = {
    "fine": [FINE],
    "retried": [refusal(503), SILENT, FINE],
    "refused": [refusal(400)],
    "given up": [SILENT, SILENT, SILENT],
    "redirected": [moved("/api/v1/edc/x?filter=NAME-OF-SOMEBODY"), FINE],
    "sent away": [moved("https://evil.test/?filter=NAME-OF-SOMEBODY")],
    "html": [HTML],
}


@pytest.mark.parametrize("story", STORIES)
def test_no_logger_tells_keys_or_queries(
    serve: Any, connect: Any, caplog: pytest.LogCaptureFixture, story: str
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "urllib3.util.retry", "imednet"):
        caplog.set_level(logging.DEBUG, name)
    sdk = connect(serve(*STORIES[story]), retries=2)
    error = None
    try:
        sdk.sites.list("S", site_name=SECRETS[2])
    except errors.ImednetError as caught:
        error = caught
    shown = "".join(traceback.format_exception(error)) if error else ""
    shown += "".join(f"{r.name} {r.getMessage()} {r.args}" for r in caplog.records)
    assert f"GET {PATH}" in shown  # something was told
    assert not [secret for secret in SECRETS if secret in shown]


def test_what_urllib3_says_of_others_goes_through(
    serve: Any, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    import urllib3

    names(connect(serve(FINE)))
    with caplog.at_level(logging.DEBUG), urllib3.PoolManager() as manager:
        manager.request("GET", f"{serve(FINE).url}/others", retries=False)
    assert any("/others" in record.getMessage() for record in caplog.records)


# --- queries


@pytest.mark.parametrize(
    ("params", "query"),
    [
        (None, ""),
        ({}, ""),
        ({"a": None}, ""),
        ({"a": 1, "b": None}, "?a=1"),
        ({"a": True, "b": False}, "?a=true&b=false"),
        ({"a": ["x", "y"]}, "?a=x&a=y"),
        ({"a": "x y&z=1/ä+"}, "?a=x%20y%26z%3D1%2F%C3%A4%2B"),
    ],
    ids=str,
)
def test_query(params: Any, query: str) -> None:
    assert http.query(params) == query


def test_a_closed_sdk_says_so_while_a_list_is_read(serve: Any, connect: Any) -> None:
    rows = [{"siteId": number} for number in range(1, 4)]
    server = serve(
        lambda r: reply(page([rows[r.number("page")]], total=3, size=1, number=r.number("page")))
    )
    sdk = connect(server, page_size=1, prefetch=1)
    reading = sdk.sites.iter("S")
    next(reading)
    sdk.close()
    with pytest.raises(RuntimeError, match="this ImednetSDK is closed"):
        next(reading)
