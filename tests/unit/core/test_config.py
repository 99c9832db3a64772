"""Settings and keys: where they come from, what is refused, and that no key can be seen."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Server, page, refusal, reply

from imednet import ImednetSDK
from imednet.config import Keys, credentials, is_loopback, settings
from imednet.errors import ApiError, ConfigurationError, ImednetError, RequestError, ResponseError

API, SECURITY = "api-key-4711", "security-key-0815"
ROOT = "give the server's root, such as https://edc.prod.imednetapi.com."


def refused(**arguments: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings(**arguments)
    return str(caught.value)


# --- where a setting comes from


def test_defaults() -> None:
    assert settings() == (
        "https://edc.prod.imednetapi.com/api/v1/edc",
        30.0,
        3,
        1.0,
        500,
        8,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("IMEDNET_BASE_URL", "https://a.test", "base_url", "https://a.test/api/v1/edc"),
        ("IMEDNET_TIMEOUT", "2.5", "timeout", 2.5),
        ("IMEDNET_CA_BUNDLE", __file__, "ca_bundle", __file__),
        ("IMEDNET_WORKFLOWS", "mine", "workflows", "mine"),
    ],
)
def test_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, name: str, value: Any
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(settings(), name) == value


@pytest.mark.parametrize(
    ("variable", "text", "name", "given", "value"),
    [
        (
            "IMEDNET_BASE_URL",
            "https://a.test",
            "base_url",
            "https://b.test",
            "https://b.test/api/v1/edc",
        ),
        ("IMEDNET_TIMEOUT", "2.5", "timeout", 7, 7.0),
        ("IMEDNET_CA_BUNDLE", "/nowhere", "ca_bundle", __file__, __file__),
        ("IMEDNET_WORKFLOWS", "mine", "workflows", "yours", "yours"),
    ],
)
def test_an_argument_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, name: str, given: Any, value: Any
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(settings(**{name: given}), name) == value


@pytest.mark.parametrize(
    "variable", ["IMEDNET_BASE_URL", "IMEDNET_TIMEOUT", "IMEDNET_CA_BUNDLE", "IMEDNET_WORKFLOWS"]
)
def test_a_blank_variable_is_as_good_as_none(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "  ")
    assert settings() == settings("https://edc.prod.imednetapi.com", timeout=30)


def test_the_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMEDNET_API_KEY", "one")
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", "two")
    assert credentials(Keys(None, None)).headers() == {
        "x-api-key": "one",
        "x-imn-security-key": "two",
    }


def test_keys_given_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMEDNET_API_KEY", "one")
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", "two")
    assert credentials(Keys("a", "b")).headers() == {"x-api-key": "a", "x-imn-security-key": "b"}


def test_the_sdk_reads_keys_and_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, serve: Any
) -> None:
    server = serve(reply(page([{"siteId": 1}])))
    monkeypatch.setenv("IMEDNET_API_KEY", "one")
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", "two")
    monkeypatch.setenv("IMEDNET_BASE_URL", server.url)
    with ImednetSDK() as sdk:
        assert [site.site_id for site in sdk.sites.list("S")] == [1]
    sent = server.requests[0].headers
    assert (sent["x-api-key"], sent["x-imn-security-key"]) == ("one", "two")


# --- keys that are none


@pytest.mark.parametrize(
    ("name", "variable", "keys"),
    [
        ("api_key", "IMEDNET_API_KEY", (None, SECURITY)),
        ("api_key", "IMEDNET_API_KEY", ("", SECURITY)),
        ("api_key", "IMEDNET_API_KEY", ("  ", SECURITY)),
        ("security_key", "IMEDNET_SECURITY_KEY", (API, None)),
        ("security_key", "IMEDNET_SECURITY_KEY", (API, "")),
    ],
)
def test_a_missing_key_names_the_setting_and_the_cure(
    name: str, variable: str, keys: tuple[str, str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ImednetSDK(*keys)
    assert str(caught.value) == (
        f"{name} is missing: pass {name}=... or set {variable} to the key that iMednet gave you."
    )


@pytest.mark.parametrize("bad", ["\n", "\r", "\0", "ä", "\x7f", "\t", "\u2028"])
@pytest.mark.parametrize("name", ["api_key", "security_key"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(name: str, bad: str) -> None:
    keys = {"api_key": API, "security_key": SECURITY, name: f"hush{bad}hush"}
    with pytest.raises(ConfigurationError) as caught:
        ImednetSDK(**keys)
    assert str(caught.value) == (
        f"{name} holds a line break or another character that no HTTP header can carry "
        f"(was it read from a file with its line end?): pass {name}=... or set "
        f"IMEDNET_{name.upper()} to the key that iMednet gave you."
    )
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_a_key_that_is_no_text_is_refused_unseen() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ImednetSDK(4711, SECURITY)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "api_key is a int, not text: pass api_key=... or set IMEDNET_API_KEY to the key that "
        "iMednet gave you."
    )


def test_a_key_with_a_line_end_in_the_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IMEDNET_API_KEY", f"{API}\n")
    with pytest.raises(ConfigurationError, match=r"^api_key holds a line break"):
        ImednetSDK(None, SECURITY)


# --- base_url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://a.test", "https://a.test/api/v1/edc"),
        ("https://a.test/", "https://a.test/api/v1/edc"),
        ("https://a.test/api/v1/edc", "https://a.test/api/v1/edc"),
        ("https://a.test/api/v1/edc/", "https://a.test/api/v1/edc"),
        ("https://a.test:8443", "https://a.test:8443/api/v1/edc"),
        ("https://a.test/gateway", "https://a.test/gateway/api/v1/edc"),
        ("HTTPS://a.test", "https://a.test/api/v1/edc"),
        ("http://localhost:8600", "http://localhost:8600/api/v1/edc"),
        ("http://127.0.0.1:8600", "http://127.0.0.1:8600/api/v1/edc"),
        ("http://127.9.9.9", "http://127.9.9.9/api/v1/edc"),
        ("http://[::1]:8600", "http://[::1]:8600/api/v1/edc"),
    ],
)
def test_base_url_is_the_root_with_or_without_the_path(given: str, url: str) -> None:
    assert settings(given).base_url == url


@pytest.mark.parametrize(
    "given",
    [
        "http://a.test",
        "http://localhost.a.test",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "ftp://a.test",
        "file://localhost/etc",
        "//a.test",
    ],
)
def test_any_scheme_but_https_is_refused(given: str) -> None:
    assert refused(base_url=given) == (
        f"base_url is {given!r}: keys and patient data go over https only (plain http is for "
        f"this machine's own loopback address): {ROOT}"
    )


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a.test",
        "https://",
        "https:a.test",
        "https://a.test?x=1",
        "https://a.test#x",
        "https://a.test/a b",
        "https://a.test:0",
        "https://a.test/\n",
        "https://ä.test",
        "https://a.test/{x}",
    ],
)
def test_a_malformed_base_url_is_refused(given: str) -> None:
    assert refused(base_url=given) == (
        f"base_url is {given!r}, which is not a server's URL: {ROOT}"
    )


@pytest.mark.parametrize(
    "given", ["https://[::1", "https://a.test:99999", "https://a.test:port", 5, b"https://a.test"]
)
def test_what_is_no_url_at_all_is_refused(given: Any) -> None:
    assert refused(base_url=given) == f"base_url is not a URL: {ROOT}"


def test_a_password_in_the_base_url_is_refused_unseen() -> None:
    said = refused(base_url="https://me:hush@a.test")
    assert said == f"base_url holds a user name or password: {ROOT}"


def test_an_error_of_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMEDNET_BASE_URL", "a.test")
    assert refused() == f"IMEDNET_BASE_URL is 'a.test', which is not a server's URL: {ROOT}"


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.test", False),
        ("127.0.0.1.test", False),
    ],
)
def test_loopback(host: str, own: bool) -> None:
    assert is_loopback(host) is own


# --- numbers, files


@pytest.mark.parametrize(
    "value", [0, -1, "soon", float("nan"), float("inf"), True, [], "", 1e300], ids=repr
)
def test_timeout_is_a_number_above_0(value: Any) -> None:
    said = refused(timeout=value)
    assert said.startswith(f"timeout is {value!r}: give a number above 0")
    assert "in seconds" in said


@pytest.mark.parametrize("text", ["soon", "0", "-3", "nan", "inf", "30s"])
def test_a_timeout_in_the_environment_that_is_no_number(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("IMEDNET_TIMEOUT", text)
    assert refused().startswith(f"IMEDNET_TIMEOUT is {text!r}: give a number above 0")


@pytest.mark.parametrize("value", [-1, "x", None, float("nan"), True], ids=repr)
def test_backoff_factor_is_a_number_from_0_up(value: Any) -> None:
    said = refused(backoff_factor=value)
    assert said.startswith(f"backoff_factor is {value!r}: give a number from 0 ")
    assert said.endswith(", in seconds.")


@pytest.mark.parametrize(
    ("name", "low", "high"), [("retries", 0, 100), ("page_size", 1, 500), ("prefetch", 1, 64)]
)
@pytest.mark.parametrize("kind", ["below", "above", "text", "float", "flag", "none"])
def test_whole_numbers_have_their_span(name: str, low: int, high: int, kind: str) -> None:
    value = {"below": low - 1, "above": high + 1, "text": "3", "float": 3.0, "flag": True}.get(kind)
    assert refused(**{name: value}) == (
        f"{name} is {value!r}: give a whole number from {low} to {high}."
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("retries", 0), ("page_size", 1), ("page_size", 500), ("prefetch", 1), ("prefetch", 64)],
)
def test_the_ends_of_a_span_are_within(name: str, value: int) -> None:
    assert getattr(settings(**{name: value}), name) == value


def test_a_ca_bundle_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.pem"
    assert refused(ca_bundle=path) == (
        f"ca_bundle is {str(path)!r}, which does not exist: give a PEM file, or a folder of them."
    )


def test_a_ca_bundle_may_be_a_path_object(tmp_path: Path) -> None:
    assert settings(ca_bundle=tmp_path).ca_bundle == str(tmp_path)


# --- no key can be seen


def everything(value: Any, seen: set[int] | None = None) -> str:
    """Return the repr of a value and of all that its attributes lead to."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, type):
        return ""
    seen.add(id(value))
    inside = list(getattr(value, "__dict__", {}).values())
    if isinstance(value, dict):
        inside += [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set)):
        inside += list(value)
    return " ".join([repr(value), *(everything(each, seen) for each in inside)])


def shows_a_key(text: str) -> bool:
    return API in text or SECURITY in text


def test_no_attribute_leads_to_a_key(serve: Any, connect: Any) -> None:
    sdk = connect(serve(reply(page([]))))
    sdk.sites.list("S")  # the transport is there now
    text = everything(sdk)
    assert "127.0.0.1" in text  # the walk did go somewhere
    assert not shows_a_key(text)


@pytest.mark.parametrize(
    "what",
    [
        lambda sdk: sdk,
        lambda sdk: sdk.sites,
        lambda sdk: sdk.jobs,
        lambda sdk: sdk.plugins,
        lambda sdk: sdk.workflows,
        lambda sdk: sdk.study("S"),
        lambda sdk: sdk.study("S").sites,
        lambda sdk: sdk.settings,
        lambda sdk: sdk.transport,
        lambda sdk: vars(sdk),
    ],
    ids=[
        "sdk",
        "sites",
        "jobs",
        "plugins",
        "workflows",
        "study",
        "bound",
        "settings",
        "transport",
        "vars",
    ],
)
def test_no_repr_holds_a_key(connect: Any, what: Any) -> None:
    assert not shows_a_key(repr(what(connect("https://a.test"))))


@pytest.mark.parametrize("keep", [pickle.dumps, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_an_sdk_is_neither_pickled_nor_copied(connect: Any, keep: Any) -> None:
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        keep(connect("https://a.test"))


ECHOES = {
    "description": refusal(400, description=f"what is {API} or {SECURITY}?"),
    "code": refusal(400, code=SECURITY),
    "attribute": refusal(400, attribute=f"x-api-key={API}"),
    "value": refusal(401, attribute="x-api-key", value=API),
    "values": refusal(401, attribute="headers", value=[{"x-api-key": API}]),
    "names": refusal(401, attribute="headers", value={API: 1}),
    "message": reply({"metadata": {"error": {"message": f"bad key {API}"}}}, 500),
    "content type": Answer(b"<html>", headers={"Content-Type": f"text/{API}"}),
    "encoding": Answer(b"<html>", headers={"Content-Encoding": API}),
    "redirect": Answer(status=302, headers={"Location": f"https://{API}.test/{SECURITY}"}),
}


ROWS = {
    "a date": [{"siteId": 1, "dateCreated": API}],
    "a number": [{"siteId": SECURITY}],
    "a row": [API],
    "a name": [{"siteId": 1, "siteName": {API: [SECURITY]}}],
}
READINGS = {
    **{what: (reply(page(rows)), lambda sdk: sdk.sites.list("S")) for what, rows in ROWS.items()},
    "iter": (reply(page(ROWS["a date"])), lambda sdk: next(sdk.sites.iter("S"))),
    "a total": (
        reply({"data": [], "pagination": {"totalElements": API}}),
        lambda sdk: sdk.sites.count("S"),
    ),
    "a job": (
        reply({"batchId": "b", "state": "created", "dateCreated": API}),
        lambda sdk: sdk.jobs.get("S", "b"),
    ),
}


@pytest.mark.parametrize(("answer", "read"), READINGS.values(), ids=READINGS)
def test_rows_that_echo_a_key_and_cannot_be_read_are_scrubbed(
    serve: Any, connect: Any, answer: Answer, read: Any
) -> None:
    with pytest.raises(ResponseError) as caught:
        read(connect(serve(answer)))
    error = caught.value
    assert "***" in str(error)
    assert not shows_a_key("".join(traceback.format_exception(error)))
    assert not shows_a_key(f"{error!r} {vars(error)}")


@pytest.mark.parametrize("echo", ECHOES)
def test_a_server_that_echoes_a_key_is_scrubbed(
    serve: Any, connect: Any, caplog: pytest.LogCaptureFixture, echo: str
) -> None:
    sdk = connect(serve(ECHOES[echo]))
    with caplog.at_level(logging.DEBUG), pytest.raises(ImednetError) as caught:
        sdk.sites.list("S")
    error = caught.value
    assert isinstance(error, (ApiError, ResponseError))
    assert not shows_a_key("".join(traceback.format_exception(error)))
    assert not shows_a_key(f"{error!r} {vars(error)} {caplog.text}")


def test_what_is_left_of_a_scrubbed_text_can_be_read(serve: Any, connect: Any) -> None:
    sdk = connect(serve(refusal(400, description=f"what is {API}?")))
    with pytest.raises(ApiError) as caught:
        sdk.sites.list("S")
    assert caught.value.description == "what is ***?"


@pytest.mark.parametrize(
    ("api", "security"), [("abc", "abcdef"), ("abcdef", "abc"), ("cde", "abcdefg")]
)
def test_keys_that_hold_one_another_are_scrubbed_whole(api: str, security: str) -> None:
    scrubbed = credentials(Keys(api, security)).scrub(f"{api} and {security}")
    assert scrubbed == "*** and ***"


def test_a_traceback_with_local_variables_holds_no_key(connect: Any) -> None:
    closed = Server()  # bound, but not listening: the connection is refused
    try:
        with pytest.raises(RequestError) as caught:
            connect(closed).sites.list("S")
    finally:
        closed.stop()
    assert not shows_a_key("".join(_own_frames_and_causes(caught.value)))


@pytest.mark.parametrize(
    "answer",
    [
        refusal(503),
        Answer(silent=True),
        Answer(b"{", length=9),
        Answer(b"<html>"),
        Answer(b"{}", length=2**40),
        Answer(b"{}" * 9000, unsized=True),
        Answer(status=302, headers={"Location": "https://evil.test/"}),
    ],
    ids=["refused", "silent", "short", "html", "claims", "long", "redirect"],
)
def test_nor_does_one_of_an_answer(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr("imednet.bodies.BODY_LIMIT", 9000)
    with pytest.raises(ImednetError) as caught:
        connect(serve(answer)).sites.list("S")
    assert not shows_a_key("".join(_own_frames_and_causes(caught.value)))


def _own_frames_and_causes(error: BaseException) -> list[str]:
    """Format an error as tools do that show local variables, without this test's frame."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    del told.stack[0]
    return list(told.format())
