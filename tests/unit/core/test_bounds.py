"""Answers that drip, never end, or are too long."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest
from calls import failure, names
from scripted import Answer, page, reply

from imednet import bodies, bounds
from imednet.errors import RequestError, ResponseError

HANG = Answer(hang=True)


def test_a_server_that_drips_is_cut_off(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "DEADLINE", 3)
    server = serve(reply(page([]), drip=0.02))
    started = time.monotonic()
    error = failure(RequestError, lambda: names(connect(server, timeout=0.1)))
    assert "no answer in time (timeout is 0.1 s; see timeout=)" in str(error)
    assert 0.2 < time.monotonic() - started < 2


def test_the_deadline_is_ten_times_the_timeout() -> None:
    assert bounds.DEADLINE == 10


def test_a_slow_answer_within_the_deadline_is_read(serve: Any, connect: Any) -> None:
    body = json.dumps(page([{"siteId": 1}])).encode()
    assert names(connect(serve(reply(body, drip=0.001)), timeout=0.5)) == [1]


def test_a_head_that_drips_is_cut_off(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "DEADLINE", 1)
    error = failure(RequestError, lambda: names(connect(serve(HANG), timeout=0.1)))
    assert "no answer in time" in str(error)


TOO_LONG = (
    "the answer is longer than 256 MiB and was refused: ask for fewer rows a page (page_size=)"
)


def test_the_limit_is_256_mib() -> None:
    assert bodies.BODY_LIMIT == 256 * 2**20


@pytest.mark.parametrize(
    "answer",
    [
        reply(b" " * 5001),
        reply(b" ", length=2**40),
        reply(b" " * 5001, unsized=True),
        reply(b" " * 5001, chunked=True),
        reply(b" " * 4096, endless=True),
        reply(gzip.compress(b" " * 5001), headers={"Content-Encoding": "gzip"}),
    ],
    ids=["long", "claims", "unsized", "chunked", "endless", "gzip bomb"],
)
def test_a_body_over_the_limit_is_refused(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr(bodies, "BODY_LIMIT", 5000)
    server = serve(answer)
    error = failure(ResponseError, lambda: names(connect(server, retries=2)))
    assert str(error) == TOO_LONG
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", ["sized", "unsized", "chunked"])
def test_a_body_within_the_limit_is_read(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(bodies, "BODY_LIMIT", 5000)
    body = json.dumps(page([{"siteId": 1}])).encode().ljust(4000)
    options = {} if way == "sized" else {way: True}
    assert names(connect(serve(reply(body, **options)))) == [1]


def test_a_cut_body_that_only_its_json_betrays_is_tried_again(serve: Any, connect: Any) -> None:
    whole = json.dumps(page([{"siteId": 1}])).encode()
    server = serve(reply(whole[:-9], unsized=True), reply(whole, unsized=True))
    assert names(connect(server, retries=1)) == [1]
    assert len(server.requests) == 2
