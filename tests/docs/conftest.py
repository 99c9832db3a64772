"""A study for the examples, and the settings by which a reader's shell knows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imednet import ImednetSDK
from imednet_simulator import Simulator


@pytest.fixture(scope="package")
def server() -> Iterator[Simulator]:
    with Simulator(subjects=60) as simulator:
        yield simulator


@pytest.fixture
def settings(server: Simulator, tmp_path: Path) -> dict[str, str]:
    return {
        "IMEDNET_API_KEY": server.api_key,
        "IMEDNET_SECURITY_KEY": server.security_key,
        "IMEDNET_BASE_URL": server.url,
        "IMEDNET_DATA_DIR": str(tmp_path / "data"),
    }


@pytest.fixture
def subject(server: Simulator) -> str:
    """A subject to show and to write to."""
    with ImednetSDK(server.api_key, server.security_key, server.url) as sdk:
        found = sdk.subjects.list("DEMO", subject_status="Enrolled", limit=1)[0]
    return str(found.subject_key)
