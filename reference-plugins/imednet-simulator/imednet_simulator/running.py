"""A simulator that runs in the background of a program or a test."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType

import uvicorn

from imednet_simulator.columns import EPOCH_DAY
from imednet_simulator.faults import Fault, Faults
from imednet_simulator.people import DAY
from imednet_simulator.server import Api, application
from imednet_simulator.store import Study

HOST = "127.0.0.1"
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2200, 1, 1)
API_KEY, SECURITY_KEY = "demo-api-key", "demo-security-key"


class Simulator:
    """An iMednet server on loopback for as long as the `with` block lasts.

    `port=0` takes a free one. `asof` is the day on which the study stands (None: today), at noon
    UTC; from there its clock goes on. `latency_ms` delays each answer; `fault_rate` (0 to 1) is
    the share of requests that get an error, a cut or a slow answer; `rate_limit` (requests a
    second, 0: none) answers 429 above it. `from_xpt` serves a folder of XPORT files instead of
    the demo study. ValueError for what cannot be, OSError for a port that is taken.

    Example:
        >>> from imednet import ImednetSDK
        >>> with Simulator(subjects=5, sites=2) as sim:
        ...     sdk = ImednetSDK(sim.api_key, sim.security_key, sim.url)
        ...     sdk.sites.count(sim.study_key)
        2
    """

    def __init__(
        self,
        *,
        subjects: int = 200,
        sites: int = 12,
        seed: int = 1,
        asof: date | None = None,
        latency_ms: int = 0,
        fault_rate: float = 0.0,
        rate_limit: int = 0,
        api_key: str = API_KEY,
        security_key: str = SECURITY_KEY,
        port: int = 0,
        from_xpt: str | Path | None = None,
    ) -> None:
        # The study stands at noon of its day: before noon that of yesterday, so that nothing
        # in it lies ahead of the clock.
        self.asof = asof or (datetime.now(UTC) - timedelta(hours=12)).date()
        _check(subjects, sites, latency_ms, fault_rate, rate_limit, port, self.asof)
        _check_keys(api_key, security_key)
        self.api_key, self.security_key, self.port = api_key, security_key, port
        self.study = _study(subjects, sites, seed, self.asof, from_xpt)
        noon = (self.asof.toordinal() - EPOCH_DAY) * DAY + DAY // 2
        keys, faults = (api_key, security_key), Faults(fault_rate, rate_limit, seed)
        self.api = Api(self.study, keys, noon, faults, latency_ms / 1000)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The server's root, as a client's base URL."""
        return f"http://{HOST}:{self.port}"

    @property
    def study_key(self) -> str:
        """The key of the study served."""
        return self.study.key

    @property
    def now(self) -> datetime:
        """The study's time, which is noon UTC of `asof` and goes on from there."""
        return datetime.fromtimestamp(self.api.now, UTC)

    @property
    def requests(self) -> deque[tuple[str, str]]:
        """The last 10,000 requests as (method, path with query), oldest first; no headers."""
        return self.api.requests

    def fail_next(
        self, kind: str, times: int = 1, *, retry_after: int = 0, seconds: float = 0.5
    ) -> None:
        """Let the next requests fail: 429, 500, 502, 503, cut, slow or html.

        `retry_after` (seconds) goes with 429 and 503, `seconds` is what slow takes.
        """
        self.api.faults.plan(Fault(kind, retry_after, seconds), times)

    def start(self) -> Simulator:
        """Listen, and return once requests are answered; RuntimeError if that fails."""
        listener = _listener(self.port)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            application(self.api),
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",  # or uvicorn imports whatever package for them is installed
            timeout_keep_alive=75,  # long enough that no client meets a connection just closing
            timeout_graceful_shutdown=1,
        )
        self._server = server = _Server(config)
        name = f"imednet-simulator-{self.port}"
        self._thread = threading.Thread(target=server.serve_on, args=[listener], name=name)
        self._thread.daemon = True
        self._thread.start()
        server.ready.wait()
        if server.failure is not None:
            self.stop()
            raise RuntimeError("the simulator's server did not start") from server.failure
        return self

    def stop(self) -> None:
        """Stop listening and wait until the server is gone; harmless when it is already."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _listener(port: int) -> socket.socket:
    """A listening socket. Made as TCP by name: only then does asyncio switch off the delay
    (40 ms with most clients) that small answers otherwise suffer.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere the option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.failure: BaseException | None = None

    def serve_on(self, listener: socket.socket) -> None:
        try:
            self.run(sockets=[listener])
        except BaseException as failure:
            self.failure = failure
            if self.ready.is_set():  # nobody waits for it any more: let it be seen
                raise
        finally:
            listener.close()
            self.ready.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _study(subjects: int, sites: int, seed: int, asof: date, from_xpt: str | Path | None) -> Study:
    if from_xpt is not None:
        from imednet_simulator.xpt import load

        return load(Path(from_xpt))
    from imednet_simulator.story import tell

    return tell(subjects, sites, seed, asof)


def _check(
    subjects: int,
    sites: int,
    latency_ms: int,
    fault_rate: float,
    rate_limit: int,
    port: int,
    asof: date,
) -> None:
    for name, value, low in (
        ("subjects", subjects, 0),
        ("sites", sites, 1),
        ("latency_ms", latency_ms, 0),
        ("rate_limit", rate_limit, 0),
    ):
        if value < low:
            raise ValueError(f"{name} must be {low} or more, not {value}")
    if not 0 <= fault_rate <= 1:
        raise ValueError(f"fault_rate must lie between 0 and 1, not {fault_rate}")
    if not 0 <= port <= 65535:
        raise ValueError(f"port must lie between 0 (any free one) and 65535, not {port}")
    if not FIRST_DAY <= asof <= LAST_DAY:
        raise ValueError(f"asof must lie between {FIRST_DAY} and {LAST_DAY}, not {asof}")


def _check_keys(api_key: str, security_key: str) -> None:
    for name, key in (("api_key", api_key), ("security_key", security_key)):
        if not key or not key.isascii() or not key.isprintable() or key != key.strip():
            raise ValueError(f"{name} must be printable ASCII text without blanks around it")
