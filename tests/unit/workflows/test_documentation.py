"""What the plugin's README, how-tos and docstrings show has to run as it stands."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import ROOT, blocks, commands

import imednet_workflows
from imednet import ImednetSDK
from imednet_simulator import Simulator

HOW_TOS = sorted((ROOT / "docs" / "workflows").glob("*.md"))
PAGES = [ROOT / "reference-plugins" / "imednet-workflows" / "README.md", *HOW_TOS]
COMMANDS = commands(*PAGES)
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_on_a_page_runs_in_order(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
    printed = capsys.readouterr()
    assert printed.out
    assert not printed.err
    sdk = names.get("sdk")
    assert isinstance(sdk, ImednetSDK)
    sdk.close()


@pytest.fixture
def files(server: Simulator, tmp_path: Path) -> Path:
    """Write the files that the commands name, with a subject that the study has."""
    with ImednetSDK() as sdk:
        subject = sdk.subjects.list("DEMO", subject_status="Enrolled", limit=1)[0]
    changes = blocks(ROOT / "docs" / "workflows" / "update.md", "csv")[0]
    changes = changes.replace("03-010", str(subject.subject_key))
    (tmp_path / "changes.csv").write_text(changes)
    (tmp_path / "subjects.csv").write_text(f"siteName\n{subject.site_name}\n")
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_on_a_page_run(line: str, files: Path) -> None:
    with ImednetSDK() as sdk:
        subject = sdk.subjects.list("DEMO", subject_status="Enrolled", limit=1)[0].subject_key
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(line.replace("03-010", str(subject)))],
        capture_output=True,
        text=True,
        cwd=files,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) > 15


def test_every_page_is_linked_from_the_readme() -> None:
    text = PAGES[0].read_text("utf-8")
    assert [page.name for page in HOW_TOS if f"docs/workflows/{page.name}" not in text] == []
