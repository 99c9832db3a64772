"""What the plugin's docstrings show has to run as it stands."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import imednet_workflows
from imednet import ImednetSDK
from imednet_simulator import Simulator

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(imednet_workflows.__path__, "imednet_workflows.")
)


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def environment(server: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set the environment as a reader of the documentation would."""
    monkeypatch.setenv("IMEDNET_API_KEY", server.api_key)
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", server.security_key)
    monkeypatch.setenv("IMEDNET_BASE_URL", server.url)
    monkeypatch.setenv("IMEDNET_DATA_DIR", str(tmp_path / "data"))


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_run(name: str) -> None:
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    runner = doctest.DocTestRunner(optionflags=flags)
    with ImednetSDK() as sdk:
        site = sdk.sites.list("DEMO", site_enrollment_status="Enrollment Open", limit=1)[0]
        subject_key = sdk.subjects.list("DEMO", subject_status="Enrolled", limit=1)[0].subject_key
        shown = {"sdk": sdk, "site": site, "subject_key": subject_key}
        for test in doctest.DocTestFinder(exclude_empty=True).find(module):
            test.globs.update(shown)
            runner.run(test)
    assert runner.failures == 0
