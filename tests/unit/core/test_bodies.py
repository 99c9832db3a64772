"""What goes out and comes in: JSON, whichever reader is installed, and gzip."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from calls import failure, names
from scripted import page, reply

from imednet import bodies
from imednet.errors import ResponseError

# --- what goes out


def test_a_body_that_is_no_json_is_refused_before_it_is_sent(serve: Any, connect: Any) -> None:
    server = serve(reply({}))
    sdk = connect(server)
    for body in ({"a": float("nan")}, {"a": object()}, {"a": "\ud800"}):
        error = failure(
            (TypeError, ValueError), lambda body=body: sdk.request("POST", "x", body=body)
        )
        assert str(error).startswith("the body cannot be sent as JSON: ")
    assert server.requests == []


def test_a_body_is_utf8(serve: Any, connect: Any) -> None:
    server = serve(reply({}))
    connect(server).request("POST", "x", body={"name": "Köln"})
    assert server.requests[0].body == '{"name": "Köln"}'.encode()


# --- gzip

PACKED = gzip.compress(json.dumps(page([{"siteId": 1}])).encode())


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_gzip_is_undone(serve: Any, connect: Any, encoding: str) -> None:
    assert names(connect(serve(reply(PACKED, headers={"Content-Encoding": encoding})))) == [1]


def test_identity_is_no_encoding(serve: Any, connect: Any) -> None:
    answer = reply(page([{"siteId": 1}]), headers={"Content-Encoding": "identity"})
    assert names(connect(serve(answer))) == [1]


@pytest.mark.parametrize(
    ("body", "encoding", "said"),
    [
        (PACKED[:-9], "gzip", "whose gzip is cut short."),
        (b"{}", "gzip", "whose gzip is broken: Error -3 while decompressing data: "),
        (PACKED[:20] + b"\xff" * 9 + PACKED[29:], "gzip", "whose gzip is broken: "),
        (b"{}", "br", "encoded as 'br', which was not asked for."),
        (b"{}", "deflate", "encoded as 'deflate', which was not asked for."),
    ],
    ids=["cut", "none", "broken", "br", "deflate"],
)
def test_a_body_that_cannot_be_unpacked(
    serve: Any, connect: Any, body: bytes, encoding: str, said: str
) -> None:
    answer = reply(body, headers={"Content-Encoding": encoding})
    error = failure(ResponseError, lambda: names(connect(serve(answer))))
    assert str(error).startswith(f"GET /studies/S/sites answered with a body {said}")


# --- one JSON, whichever reader is installed

LONG = b'{"id": 18446744073709551617, "text": "12345678901234567890123"}'


@pytest.mark.parametrize(
    ("body", "content"),
    [
        pytest.param(LONG, {"id": 2**64 + 1, "text": "12345678901234567890123"}, id="long-number"),
        *(
            pytest.param(b" " * at + b"[-9223372036854775809]", [-(2**63) - 1], id=f"long-at-{at}")
            for at in range(4)
        ),
        pytest.param(b'{"a": "\\ud800"}', {"a": "\ud800"}, id="half-a-character"),
        pytest.param(b'{"a": 1.5, "a": 2}', {"a": 2}, id="doubled-key"),
    ],
)
def test_json_is_read_alike(body: bytes, content: Any) -> None:
    assert bodies._loads(body) == content


@pytest.mark.parametrize(
    "body",
    [b"[NaN]", b"[1e999]", b"[-Infinity]", b'{"a"', b"\xff", b"[" * 200_001 + b"]" * 200_001],
    ids=["nan", "too-large", "infinity", "cut", "no-utf-8", "too-deep"],
)
def test_what_is_no_json_is_refused_alike(serve: Any, connect: Any, body: bytes) -> None:
    with pytest.raises(ResponseError, match="are not whole JSON"):
        names(connect(serve(reply(body))))
