"""What README, docs and docstrings show has to run as it stands."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import ROOT, blocks, commands

import imednet
from imednet import ImednetSDK
from imednet_simulator import Simulator

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(imednet.__path__, "imednet.")
    if not module.name.endswith("__main__")
)


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    with Simulator(subjects=60) as simulator:
        yield simulator


@pytest.fixture
def environment(server: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment as a reader of the documentation would."""
    monkeypatch.setenv("IMEDNET_API_KEY", server.api_key)
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", server.security_key)
    monkeypatch.setenv("IMEDNET_BASE_URL", server.url)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("name", MODULES)
def test_docstrings_run(name: str) -> None:
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    runner = doctest.DocTestRunner(optionflags=flags)
    with ImednetSDK() as sdk:
        site = sdk.sites.list("DEMO", site_enrollment_status="Enrollment Open", limit=1)[0]
        shown = {**vars(module), "sdk": sdk, "site": site, "ImednetSDK": ImednetSDK}
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=shown):
            runner.run(test)
    assert runner.failures == 0


def test_docstrings_have_examples() -> None:
    found = [
        test
        for name in MODULES
        for test in doctest.DocTestFinder().find(importlib.import_module(name))
        if test.examples
    ]
    assert len(found) > 15


def test_readme_example_runs_with_nothing_set(tmp_path: Path) -> None:
    example = blocks(ROOT / "README.md", "python")[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.stderr == ""
    assert "Aldermoor University Hospital" in done.stdout


def test_readme_example_is_ten_lines() -> None:
    example = blocks(ROOT / "README.md", "python")[0]
    assert len([line for line in example.splitlines() if line.strip()]) == 10


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_on_a_page_runs_in_order(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if page.name == "plugins.md":
        return  # runs below, as an installed plugin
    names: dict[str, object] = {"__name__": "page"}
    with ImednetSDK() as sdk:
        for block in blocks(page, "python"):
            names.setdefault("sdk", sdk)
            if isinstance(names["sdk"], ImednetSDK) and names["sdk"] is not sdk:
                names["sdk"] = sdk  # a `with` of the page has closed its own
            exec(compile(block, page.name, "exec"), names)
    capsys.readouterr()


@pytest.mark.usefixtures("environment")
def test_plugin_of_the_documentation_works(tmp_path: Path) -> None:
    module, command = blocks(ROOT / "docs" / "plugins.md", "python")
    entry_points = blocks(ROOT / "docs" / "plugins.md", "toml")[0]
    package, info = tmp_path / "acme_reports", tmp_path / "acme_reports-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text(module)
    (package / "commands.py").write_text(command)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-reports\nVersion: 1.0\n")
    groups = re.sub(r'project\.entry-points\."(.+?)"', r"\1", entry_points).replace('"', "")
    (info / "entry_points.txt").write_text(groups[groups.index("[imednet.plugins]") :])
    script = textwrap.dedent(
        """
        import asyncio, sys
        sys.path.insert(0, sys.argv[1])
        from imednet import AsyncImednetSDK, ImednetSDK
        from imednet.cli import main

        names = ImednetSDK().plugins.reports.open_sites("DEMO")
        assert names == asyncio.run(AsyncImednetSDK().plugins.reports.open_sites("DEMO"))
        print(len(names))
        main(["report", "DEMO", "--limit", "2"])
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    count, header, *rows = done.stdout.splitlines()
    assert int(count) > 5
    assert header.split() == ["subject", "site"]
    assert len(rows) == 2


COMMANDS = commands(*PAGES)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("line", COMMANDS)
def test_commands_on_a_page_run(line: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(line)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) >= 4


@pytest.mark.parametrize("command", ["python3 noxfile.py demo", "python3 noxfile.py tests"])
def test_readme_gives_each_command_a_line_of_its_own(command: str) -> None:
    assert command in (ROOT / "README.md").read_text("utf-8").splitlines()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
