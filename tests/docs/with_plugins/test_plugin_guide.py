"""The plugin that the Plugin Authoring Guide writes: installed, used, tested, as it stands."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pages import GUIDE, ROOT, blocks, called, is_test, lines, run, run_tests

PAGES = sorted(GUIDE.glob("*.md"))
FIRST = GUIDE / "first-plugin.md"
FILE = re.compile(r"# (\w+/\w+\.py)\n")


def entry_points(text: str) -> dict[str, dict[str, str]]:
    points: dict[str, dict[str, str]] = tomllib.loads(text)["project"]["entry-points"]
    return points


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The guide's files in their folders, and what installing them leaves behind."""
    for page in PAGES:
        for block in blocks(page, "python"):
            if named := FILE.match(block):
                path = tmp_path / named[1]
                path.parent.mkdir(exist_ok=True)
                path.write_text(block, "utf-8")
    info = tmp_path / "acme_reports-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-reports\nVersion: 1.0\n")
    groups = entry_points(blocks(FIRST, "toml")[0])
    listed = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(listed), "utf-8")
    return tmp_path


@pytest.fixture
def installed(project: Path, settings: dict[str, str]) -> dict[str, str]:
    return {**settings, "PYTHONPATH": str(project)}


def test_the_guide_writes_the_whole_plugin(project: Path) -> None:
    files = {path.relative_to(project).as_posix() for path in project.rglob("*.py")}
    package = {f"acme_reports/{name}.py" for name in ("__init__", "commands", "pages")}
    assert files == package | {f"tests/test_{n}.py" for n in ("conformance", "pages", "reports")}


@pytest.mark.parametrize("page", PAGES, ids=called)
def test_python_on_a_page_runs(page: Path, project: Path, installed: dict[str, Any]) -> None:
    shown = [b for b in blocks(page, "python") if not FILE.match(b) and not is_test(b)]
    (project / "page.py").write_text("\n\n".join(shown), "utf-8")
    run([sys.executable, "page.py"], project, installed)


@pytest.mark.parametrize("page", [page for page in PAGES if lines(page)], ids=called)
def test_commands_on_a_page_run(page: Path, project: Path, installed: dict[str, Any]) -> None:
    run(["sh", "-eu", "-c", "\n".join(lines(page))], project, installed)


def test_the_command_shows_rows(project: Path, installed: dict[str, Any]) -> None:
    line = ["-m", "imednet", "report", "DEMO", "--limit", "2"]
    header, *rows = run([sys.executable, *line], project, installed).splitlines()
    assert header.split() == ["subject", "site"]
    assert len(rows) == 2


def test_the_tests_of_the_guide_pass(project: Path, installed: dict[str, Any]) -> None:
    said = run_tests(project, installed)
    assert re.search(r"^\d+ passed", said.splitlines()[-1]), said


def test_every_build_backend_registers_the_same() -> None:
    flit, poetry, setuptools = blocks(FIRST, "toml")
    assert set(entry_points(flit)) == {"imednet.plugins", "imednet.commands", "imednet.dashboard"}
    assert entry_points(flit) == entry_points(poetry) == entry_points(setuptools)
    backends = [tomllib.loads(each)["build-system"]["build-backend"] for each in (flit, poetry)]
    assert backends == ["flit_core.buildapi", "poetry.core.masonry.api"]


def test_the_guide_explains_every_question_of_the_template() -> None:
    asked = json.loads((ROOT / "template" / "cookiecutter.json").read_text("utf-8"))
    page = (GUIDE / "template.md").read_text("utf-8")
    explained = re.findall(r"^\| `(\w+)` \|", page, re.M)
    assert explained == [name for name in asked if not name.startswith("_")]
