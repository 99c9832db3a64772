"""Trouble on demand: one by one, by chance, and by a limit."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest
import urllib3

from imednet_simulator import Simulator
from imednet_simulator.faults import RANDOM_KINDS, Fault, Faults

NEW = [{"formKey": "REG", "siteId": 3, "data": {}}]


@pytest.mark.parametrize(
    ("kind", "status", "wait"),
    [("429", 429, "2"), ("500", 500, None), ("502", 502, None), ("503", 503, "2")],
)
def test_statuses(own: Any, kind: str, status: int, wait: str | None) -> None:
    own.simulator.fail_next(kind, times=2, retry_after=2)
    answers = [own.get("sites") for _ in range(3)]
    assert [answer.status for answer in answers] == [status, status, 200]
    assert answers[0].headers.get("retry-after") == wait
    assert answers[0].json()["metadata"]["error"]["code"] == "9000"


def test_cut(own: Any) -> None:
    own.simulator.fail_next("cut")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        own.get("sites")
    assert own.get("sites").status == 200


def test_slow(own: Any) -> None:
    own.simulator.fail_next("slow", seconds=0.2)
    start = time.monotonic()
    assert own.get("sites").status == 200
    assert time.monotonic() - start >= 0.2


def test_html(own: Any) -> None:
    own.simulator.fail_next("html")
    answer = own.get("sites")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.data.startswith(b"<!DOCTYPE html>")


def test_unknown_kind(own: Any) -> None:
    message = "no fault '418'; there are 429, 500, 502, 503, cut, slow, html"
    with pytest.raises(ValueError, match=message):
        own.simulator.fail_next("418")


@pytest.mark.parametrize("kind", ["429", "500", "502", "503", "cut", "html"])
def test_a_post_that_fails_changes_nothing(own: Any, kind: str) -> None:
    own.simulator.fail_next(kind)
    try:
        own.post(NEW)
    except urllib3.exceptions.HTTPError:
        assert kind == "cut"
    assert not own.simulator.api.jobs.by_batch


def test_a_slow_post_counts(own: Any) -> None:
    own.simulator.fail_next("slow", seconds=0)
    assert own.post(NEW).status == 202
    assert len(own.simulator.api.jobs.by_batch) == 1


def test_chance_is_seeded_and_keeps_to_its_rate() -> None:
    def drawn(seed: int) -> list[Fault | None]:
        faults = Faults(rate=0.25, seed=seed)
        return [faults.draw() for _ in range(2000)]

    assert drawn(1) == drawn(1) != drawn(2)
    hits = [fault for fault in drawn(1) if fault]
    assert 400 < len(hits) < 600
    assert set(Counter(fault.kind for fault in hits)) == set(RANDOM_KINDS)
    assert {fault.retry_after for fault in hits} == {0, 1}


def test_rate_limit() -> None:
    with Simulator(subjects=0, sites=1, rate_limit=5) as sim:
        headers = {"x-api-key": sim.api_key, "x-imn-security-key": sim.security_key}
        with urllib3.PoolManager(headers=headers, retries=False) as pool:
            url = f"{sim.url}/api/v1/edc/studies"
            answers = [pool.request("GET", url) for _ in range(8)]
            assert [answer.status for answer in answers] == [200] * 5 + [429] * 3
            assert answers[-1].headers["retry-after"] == "1"
            error = json.loads(answers[-1].data)["metadata"]["error"]
            assert error["description"] == "Too Many Requests"


def test_the_limit_is_of_any_one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    faults = Faults(limit=2)
    assert [faults.draw() for _ in range(3)] == [None, None, Fault("429", retry_after=1)]
    now = 101.0
    assert faults.draw() is None
