"""Starting and stopping, and what cannot be started."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3

from imednet_simulator import Simulator


def test_two_at_once_and_gone_afterwards() -> None:
    before = threading.active_count()
    with Simulator(subjects=1, sites=1) as one, Simulator(subjects=1, sites=1) as other:
        assert one.url != other.url
        assert one.url == f"http://127.0.0.1:{one.port}"
    assert threading.active_count() == before
    for simulator in (one, other):
        with pytest.raises(urllib3.exceptions.HTTPError):
            urllib3.request("GET", simulator.url, retries=False)
    one.stop()  # once more does no harm


def test_a_chosen_port_is_free_again_at_once() -> None:
    with Simulator(subjects=0, sites=1) as first:
        port = first.port
    with Simulator(subjects=0, sites=1, port=port) as second:
        assert second.port == port


def test_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        simulator = Simulator(subjects=0, sites=1, port=taken.getsockname()[1])
        with pytest.raises(OSError, match=r"in use|10048|10013"):
            simulator.start()


def test_stopping_with_a_client_still_connected() -> None:
    with Simulator(subjects=0, sites=1) as simulator:
        pool = urllib3.PoolManager()
        pool.request("GET", simulator.url)
    pool.clear()


def test_clock_starts_at_noon_and_goes_on() -> None:
    simulator = Simulator(subjects=0, sites=1, asof=date(2026, 3, 2))
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    first, second = simulator.now, simulator.now
    assert noon <= first <= second
    assert (second - noon).total_seconds() < 60


def test_the_last_noon_is_the_default() -> None:
    simulator = Simulator(subjects=0, sites=1)
    now = datetime.now(UTC)
    assert simulator.now <= now  # nothing in the study lies ahead of the clock
    assert (now - simulator.now).total_seconds() <= 24 * 3600 + 60


def test_latency() -> None:
    with Simulator(subjects=0, sites=1, latency_ms=80) as simulator:
        start = datetime.now(UTC)
        urllib3.request("GET", simulator.url, retries=False)
        assert (datetime.now(UTC) - start).total_seconds() >= 0.08


def test_small_answers_do_not_wait(api: Any) -> None:
    """Without TCP_NODELAY each of these would take 40 ms."""
    api.get("sites")
    start = datetime.now(UTC)
    for _ in range(10):
        api.get("sites")
    assert (datetime.now(UTC) - start).total_seconds() < 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sites": 0}, "sites must be 1 or more, not 0"),
        ({"subjects": -1}, "subjects must be 0 or more, not -1"),
        ({"latency_ms": -5}, "latency_ms must be 0 or more, not -5"),
        ({"rate_limit": -1}, "rate_limit must be 0 or more, not -1"),
        ({"fault_rate": 1.5}, "fault_rate must lie between 0 and 1, not 1.5"),
        ({"port": 70000}, "port must lie between 0 (any free one) and 65535, not 70000"),
        (
            {"asof": date(1989, 1, 1)},
            "asof must lie between 1990-01-01 and 2200-01-01, not 1989-01-01",
        ),
        (
            {"api_key": ""},
            "api_key must be printable ASCII text without blanks around it",
        ),
        (
            {"security_key": "a\nb"},
            "security_key must be printable ASCII text without blanks around it",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        Simulator(**options)
    assert str(caught.value) == message


def test_importing_is_light() -> None:
    code = (
        "import imednet_simulator.commands, imednet_simulator.pytest_plugin\n"
        "heavy = {'starlette', 'uvicorn', 'pyreadstat', 'numpy', 'asyncio'} & set(sys.modules)\n"
        "print(sorted(heavy - before))"
    )
    code = "import sys, pytest; before = set(sys.modules)\n" + code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_names() -> None:
    import imednet_simulator

    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        _ = imednet_simulator.nope
    assert Path(imednet_simulator.__file__).with_name("py.typed").exists()


def test_a_server_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no loop")

    monkeypatch.setattr("uvicorn.Server.startup", fail)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="did not start") as caught:
        Simulator(subjects=0, sites=1).start()
    assert isinstance(caught.value.__cause__, OSError)
    assert threading.active_count() == before
