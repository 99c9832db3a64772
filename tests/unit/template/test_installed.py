"""A plugin in environments of its own, which hold what it declares and nothing else."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from baking import PARTS, ROOT, answers, bake, named, run, wheel

ALONE = [(part,) for part in PARTS]


class Environment:
    """A Python without packages, and an installer into it from a folder of wheels."""

    def __init__(self, folder: Path, wheelhouse: Path) -> None:
        self.folder, self.wheelhouse = folder, wheelhouse
        run("venv", "--without-pip", folder, cwd=folder.parent)
        inner = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
        self.python = folder / inner

    def install(self, *what: str | Path, cwd: Path | None = None) -> None:
        offline = ["--no-index", "--find-links", self.wheelhouse, "--no-compile"]
        words = ["--python", self.python, "install", "-q", *offline, *what]
        run("pip", *words, cwd=cwd or self.folder)

    def run(self, *words: str | Path, cwd: Path) -> str:
        return run(*words, cwd=cwd, python=self.python)

    def run_with(self, variables: dict[str, str], *words: str | Path, cwd: Path) -> str:
        return run(*words, cwd=cwd, python=self.python, **variables)


@pytest.fixture
def environment(tmp_path: Path, wheelhouse: Path) -> Environment:
    return Environment(tmp_path / "environment", wheelhouse)


@pytest.mark.parametrize("parts", [*ALONE, PARTS], ids=named)
def test_its_wheel_needs_what_it_declares(
    parts: tuple[str, ...], environment: Environment, tmp_path: Path
) -> None:
    project = bake(tmp_path, answers(parts))
    built = wheel(project, tmp_path / "dist")
    extra = "[dashboard]" if "page" in parts else ""
    kit = ["imednet-streamlit[testing]"] if "page" in parts else ["imednet-simulator[testing]"]
    environment.install(f"{built}{extra}", *kit)
    away = tmp_path / "away"
    shutil.copytree(project / "tests", away / "tests")
    shutil.copy(project / "pyproject.toml", away)
    said = environment.run("pytest", "-q", "-p", "no:cacheprovider", cwd=away)
    assert re.search(r"^\d+ passed in", said, re.M), said
    chosen = {"IMEDNET_WORKFLOWS": "query-counts"} if "workflows" in parts else {}
    listed = environment.run_with(chosen, "imednet", "plugins", "--check", cwd=away)
    assert len(re.findall(r"query-counts +0\.1\.0 +ok$", listed, re.M)) == len(parts)


def test_a_newcomer_is_there_in_a_few_lines(environment: Environment, tmp_path: Path) -> None:
    environment.install("imednet", "imednet-simulator[testing]")
    words = ["--directory", "template", "--no-input", "plugin_name=Acme Queries"]
    run("cookiecutter", ROOT, *words, cwd=tmp_path)
    project = tmp_path / "acme-queries"
    environment.install("-e", ".", cwd=project)
    said = environment.run("pytest", "-q", "-rs", cwd=project)
    assert re.search(r"^\d+ passed, 1 skipped in", said, re.M), said
    assert "pages are drawn where the dashboard is installed" in said
    listed = environment.run("imednet", "plugins", "--check", cwd=project)
    assert len(re.findall(r"acme-queries +0\.1\.0 +ok$", listed, re.M)) == 3
