"""Fixtures for tests against a running simulator; pytest finds them by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from imednet import ImednetSDK
    from imednet_simulator.running import Simulator

SUBJECTS, SITES, SEED, ASOF = 40, 6, 1, date(2026, 3, 2)


def _small() -> Simulator:
    from imednet_simulator.running import Simulator

    return Simulator(subjects=SUBJECTS, sites=SITES, seed=SEED, asof=ASOF)


@pytest.fixture(scope="session")
def imednet_simulator() -> Iterator[Simulator]:
    """A simulator for the whole run: 6 sites, 40 subjects, as of 2026-03-02. Only read it."""
    with _small() as simulator:
        yield simulator


@pytest.fixture
def fresh_simulator() -> Iterator[Simulator]:
    """The same study on a server of the test's own, to write to and to break."""
    with _small() as simulator:
        yield simulator


@pytest.fixture
def imednet_sdk(imednet_simulator: Simulator) -> Iterator[ImednetSDK]:
    """An SDK connected to the session's simulator."""
    from imednet import ImednetSDK

    with ImednetSDK(
        imednet_simulator.api_key, imednet_simulator.security_key, imednet_simulator.url
    ) as sdk:
        yield sdk
