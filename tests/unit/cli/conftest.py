"""A study for the command line to read, and the command line, pointed at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from cli_process import Cli, copy_core

from imednet import ImednetSDK
from imednet_simulator import Simulator

API_KEY, SECURITY_KEY = "api-key-nobody-may-see", "security-key-nobody-may-see"


@pytest.fixture(scope="session")
def study_server() -> Iterator[Simulator]:
    """40 subjects at 6 sites; its list of requests is this folder's alone, to clear and compare."""
    with Simulator(
        subjects=40,
        sites=6,
        seed=1,
        asof=date(2026, 3, 2),
        api_key=API_KEY,
        security_key=SECURITY_KEY,
    ) as simulator:
        yield simulator


@pytest.fixture
def server(study_server: Simulator) -> Simulator:
    """The study's server, with no requests noted yet."""
    study_server.requests.clear()
    return study_server


@pytest.fixture
def sdk(study_server: Simulator) -> Iterator[ImednetSDK]:
    """What the command line stands above, to compare with."""
    with ImednetSDK(API_KEY, SECURITY_KEY, study_server.url) as sdk:
        yield sdk


@pytest.fixture
def settings(study_server: Simulator) -> dict[str, str]:
    return {
        "IMEDNET_BASE_URL": study_server.url,
        "IMEDNET_API_KEY": API_KEY,
        "IMEDNET_SECURITY_KEY": SECURITY_KEY,
    }


@pytest.fixture
def cli(tmp_path: Path, settings: dict[str, str]) -> Cli:
    """`imednet`, in an empty folder, connected to the study's server."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Cli(folder, settings)


@pytest.fixture(scope="session")
def core_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the core and what it requires: no plugin is installed there."""
    return copy_core(tmp_path_factory.mktemp("core-alone") / "packages")
