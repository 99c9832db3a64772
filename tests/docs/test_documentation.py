"""What README, docs and docstrings show has to run as it stands."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, SETUP, blocks, called, lines, needs_plugins, pages, run_python, run_shell
from pages import setup_lines as set_up

import imednet
from imednet import ImednetSDK

PAGES = pages()
OURS = [page for page in PAGES if not needs_plugins(page)]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(imednet.__path__, "imednet.")
    if not module.name.endswith("__main__")
)
#: What a fenced block may be; `text` is for output, settings and drawings.
LANGUAGES = {"python", "sh", "toml", "csv", "json", "sql", "text"}


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_run(
    name: str, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in settings.items():
        monkeypatch.setenv(variable, value)
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


@pytest.mark.parametrize("page", [p for p in OURS if blocks(p, "python")], ids=called)
def test_python_on_a_page_runs(page: Path, settings: dict[str, str], tmp_path: Path) -> None:
    run_python(page, tmp_path, settings)


@pytest.mark.parametrize("page", [p for p in OURS if lines(p)], ids=called)
def test_commands_on_a_page_run(
    page: Path, settings: dict[str, str], subject: str, tmp_path: Path
) -> None:
    run_shell(page, tmp_path, settings, subject)


def test_there_are_examples_to_run() -> None:
    assert len([page for page in OURS if blocks(page, "python")]) >= 8
    assert sum(len(lines(page)) for page in OURS) >= 10


@pytest.mark.parametrize("page", PAGES, ids=called)
def test_no_example_hides_from_these_tests(page: Path) -> None:
    fences = re.findall(r"^( *)```([^\n]*)$", page.read_text("utf-8"), re.M)
    opened = fences[::2]
    assert [indent for indent, _ in fences if indent] == []
    assert {word for _, word in opened if not word.startswith("{")} <= LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=called)
def test_what_is_to_be_installed_or_started_is_there(page: Path) -> None:
    names = {path.parent.name for path in (ROOT / "reference-plugins").glob("*/pyproject.toml")}
    for line in set_up(page):
        if " -e " in line:
            continue  # a plugin of the reader's own
        for word in re.sub(r"[\"']", "", line).split():
            path, _, extra = word.partition("[")
            home = ROOT / path if path.startswith(".") else ROOT / "reference-plugins" / path
            if line.startswith("python3 noxfile.py") and word == line.split()[2]:
                assert f"\ndef {word}(session" in (ROOT / "noxfile.py").read_text("utf-8"), line
            elif line.startswith("pip install") and (path.startswith("./") or path in names):
                assert (home / "pyproject.toml").exists(), line
            if extra:
                assert f"\n{extra.rstrip(']')} = [" in (home / "pyproject.toml").read_text(), line


def test_setting_up_is_all_that_is_not_run() -> None:
    assert not SETUP.match("imednet sites list DEMO")
    assert not SETUP.match("printf x")


@pytest.mark.parametrize("command", ["python3 noxfile.py demo", "python3 noxfile.py tests"])
def test_readme_gives_each_command_a_line_of_its_own(command: str) -> None:
    assert command in (ROOT / "README.md").read_text("utf-8").splitlines()


def test_a_session_that_is_not_there_is_said() -> None:
    program = [sys.executable, str(ROOT / "noxfile.py")]
    done = subprocess.run([*program, "nope"], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("There is no session 'nope'.\n\nEverything there is to run")
    asked = subprocess.run([*program, "--help"], capture_output=True, encoding="utf-8", check=False)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith("Everything there is to run")


@pytest.mark.parametrize("page", PAGES, ids=called)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_readme_leads_to_every_page() -> None:
    text = "".join((ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md"))
    shown = [ROOT / "docs" / name for name in re.findall(r"\(docs/([^)#]+)\)", text)]
    # Guides are entered at their first page; the rest is for Sphinx to put together.
    within = {"plugins", "reference"}
    includes = [page for page in PAGES if page.read_text("utf-8").startswith("```{include}")]
    every = [p for p in (ROOT / "docs").rglob("*.md") if p.parent.name not in within]
    made = {ROOT / "docs" / "index.md", ROOT / "docs" / "explanation" / "security.md", *includes}
    assert [called(page) for page in every if page not in made and page not in shown] == []
