"""A study from the simulator, read once, and processes that start at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from hypothesis import settings

from imednet import ImednetSDK
from imednet.models import Form, Record, Subject, Variable, Visit
from imednet_simulator import Simulator

# A slow machine is no failure, and no examples are kept beside the checkout.
settings.register_profile("engine", deadline=None, database=None, max_examples=60)
settings.load_profile("engine")

ASOF = date(2026, 3, 2)


@dataclass(frozen=True)
class Demo:
    """The lists of a simulated study that the engine takes."""

    study_key: str
    forms: list[Form]
    variables: list[Variable]
    records: list[Record]
    subjects: list[Subject]
    visits: list[Visit]
    frames: Any


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """A study of 60 subjects at 6 sites as of 2 March 2026. Only for reading."""
    from imednet_workflows.frames import study_frames

    with (
        Simulator(subjects=60, sites=6, seed=1, asof=ASOF) as sim,
        ImednetSDK(sim.api_key, sim.security_key, sim.url) as sdk,
    ):
        key = sim.study_key
        names = ("forms", "variables", "records", "subjects", "visits")
        lists = {name: getattr(sdk, name).list(key) for name in names}
        yield Demo(key, **lists, frames=study_frames(sdk, key))


@pytest.fixture
def together() -> Callable[..., list[str]]:
    """Run a script in several processes that begin at the same moment; gives their outputs.

    Each gets its number and the arguments in `sys.argv`, and must call `go()` first.
    """

    def run(script: str, processes: int, *arguments: object) -> list[str]:
        head = "import sys\ndef go():\n    print('ready', flush=True)\n    sys.stdin.readline()\n"
        started = [
            subprocess.Popen(
                [sys.executable, "-c", head + script, str(number), *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            for number in range(processes)
        ]
        for process in started:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line == "ready\n", process.communicate(timeout=60)
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        outputs = [process.communicate(timeout=120) for process in started]
        assert [process.returncode for process in started] == [0] * processes, outputs
        return [output for output, _ in outputs]

    return run
