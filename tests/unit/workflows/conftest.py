"""Studies to work on: simulated ones with their raw rows beside, and ones made row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest
from hypothesis import settings
from scripted import Answer, Request, Server, page, reply

from imednet import ImednetSDK
from imednet_simulator import Simulator
from imednet_workflows import create_workflows

# A slow machine is no failure, and no examples are kept beside the checkout.
settings.register_profile("workflows", deadline=None, database=None)
settings.load_profile("workflows")

Rows = list[dict[str, Any]]
NAMES = (
    "sites",
    "forms",
    "intervals",
    "visits",
    "subjects",
    "variables",
    "codings",
    "queries",
    "recordRevisions",
    "records",
)


class Study:
    """A server's study, an SDK on it, and its workflows."""

    def __init__(self, server: Any, sdk: ImednetSDK, key: str) -> None:
        self.server, self.sdk, self.key = server, sdk, key
        self.flows = create_workflows(sdk)
        self._kept: dict[str, Rows] = {}

    def rows(self, name: str) -> Rows:
        """All rows of a resource as JSON, page by page: no model and no filter of ours."""
        found: Rows = []
        while True:
            params = {"size": 500, "page": len(found) // 500}
            answer = self.sdk.request("GET", f"studies/{self.key}/{name}", params=params)
            found += answer["data"]
            if len(found) >= answer["pagination"]["totalElements"]:
                return found

    def kept(self, name: str) -> Rows:
        """The same, read once; for studies that nobody writes to."""
        if name not in self._kept:
            self._kept[name] = self.rows(name)
        return self._kept[name]

    def posts(self) -> int:
        """How often something was sent to a simulator to be written."""
        return sum(method == "POST" for method, _ in self.server.requests)

    def record(self, record_id: int | None) -> dict[str, Any]:
        return next(row for row in self.rows("records") if row["recordId"] == record_id)

    def enrolled(self) -> str:
        """The key of a subject that visits are made with."""
        wanted = ("Enrolled", False)
        rows = self.rows("subjects")
        return next(r["subjectKey"] for r in rows if (r["subjectStatus"], r["deleted"]) == wanted)


def connected(simulator: Simulator, stack: ExitStack, **options: Any) -> Study:
    options = {"retries": 0, "timeout": 10, "prefetch": 1, **options}
    sdk = ImednetSDK(simulator.api_key, simulator.security_key, simulator.url, **options)
    return Study(simulator, stack.enter_context(sdk), simulator.study_key)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def study(imednet_simulator: Simulator) -> Iterator[Study]:
    """40 subjects at 6 sites as of 2 March 2026. Only for reading."""
    with ExitStack() as stack:
        yield connected(imednet_simulator, stack)


@pytest.fixture(scope="session")
def large() -> Iterator[Study]:
    """260 subjects at 3 sites: more than are asked for by id. Only for reading."""
    with ExitStack() as stack:
        simulator = Simulator(subjects=260, sites=3, seed=2, asof=date(2026, 3, 2))
        yield connected(stack.enter_context(simulator), stack)


@pytest.fixture
def own(fresh_simulator: Simulator, stack: ExitStack) -> Study:
    """The study of 40 subjects on a server of the test's own."""
    return connected(fresh_simulator, stack)


class Script:
    """Answers lists from rows that a test has made, without looking at filters.

    `before` is asked first and may answer instead.
    """

    def __init__(self, rows: dict[str, Rows], before: Callable[[Request], Answer | None]) -> None:
        self.rows, self.before = rows, before

    def __call__(self, request: Request) -> Answer:
        answer = self.before(request)
        if answer is not None:
            return answer
        number, size = request.number("page"), request.number("size")
        rows = self.rows.get(request.path.rpartition("/")[2], [])
        cut = rows[number * size : (number + 1) * size]
        return reply(page(cut, total=len(rows), number=number, size=size))


@pytest.fixture
def scripted(stack: ExitStack) -> Callable[..., Study]:
    """Make a study of given rows (`scripted(forms=[...], records=[...])`); others are empty."""

    def make(
        before: Callable[[Request], Answer | None] = lambda request: None, **rows: Rows
    ) -> Study:
        assert set(rows) <= set(NAMES), rows
        server = stack.enter_context(Server(Script(rows, before)))
        sdk = stack.enter_context(ImednetSDK("a", "b", server.url, retries=0, timeout=10))
        return Study(server, sdk, "HAND")

    return make
