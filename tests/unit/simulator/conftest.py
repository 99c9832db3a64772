"""A plain HTTP client for the simulator, so that no code of ours stands between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

ROOT = "/api/v1/edc"


class Client:
    """urllib3 with the two keys, and short ways to what the tests ask most."""

    def __init__(self, simulator: Any) -> None:
        self.simulator = simulator
        keys = {
            "x-api-key": simulator.api_key,
            "x-imn-security-key": simulator.security_key,
        }
        self.pool = urllib3.PoolManager(headers=keys, retries=False, timeout=10)

    def request(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        return self.pool.request(method, self.simulator.url + path, **options)

    def get(self, path: str, **query: Any) -> urllib3.BaseHTTPResponse:
        """A list of the study: `get("records", filter="siteId==3")`."""
        text = f"?{urlencode(query, doseq=True)}" if query else ""
        return self.request("GET", f"{ROOT}/studies/{self.simulator.study_key}/{path}{text}")

    def page(self, path: str, **query: Any) -> dict[str, Any]:
        answer = self.get(path, **query)
        assert answer.status == 200, answer.data
        return answer.json()

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All rows, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.page(path, **query, size=500, page=len(found) // 500)
            found += page["data"]
            if len(found) >= page["pagination"]["totalElements"]:
                return found

    def error(self, path: str, **query: Any) -> tuple[int, dict[str, Any]]:
        answer = self.get(path, **query)
        return answer.status, answer.json()["metadata"]["error"]

    def post(self, items: Any) -> urllib3.BaseHTTPResponse:
        path = f"{ROOT}/studies/{self.simulator.study_key}/records"
        return self.request("POST", path, json=items)

    def done(self, items: Any) -> str:
        """Post, look at the job until it has ended, and return its last state."""
        answer = self.post(items)
        assert answer.status == 202, answer.data
        batch = answer.json()["batchId"]
        states = [self.get(f"jobs/{batch}").json()["state"] for _ in range(2)]
        assert states[0] == "running"
        return states[1]


@pytest.fixture(scope="session")
def _reader(imednet_simulator: Any) -> Iterator[Client]:
    client = Client(imednet_simulator)
    yield client
    client.pool.clear()


@pytest.fixture
def api(_reader: Client) -> Client:
    """A client of the session's simulator: 6 sites, 40 subjects. Only for reading."""
    return _reader


@pytest.fixture
def own(fresh_simulator: Any) -> Iterator[Client]:
    """A client of a simulator that belongs to the test."""
    client = Client(fresh_simulator)
    yield client
    client.pool.clear()
