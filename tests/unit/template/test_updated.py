"""A project that keeps up with its template, by cruft; and the template by its address."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from baking import ROOT, answers, bake, run


def git(*words: str, cwd: Path) -> str:
    done = subprocess.run(
        ["git", *words], cwd=cwd, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def committed(folder: Path, message: str) -> None:
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "-m", message, cwd=folder)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository that holds the template."""
    folder = tmp_path / "origin"
    shutil.copytree(ROOT / "template", folder / "template")
    git("init", "--quiet", "--initial-branch", "main", cwd=folder)
    committed(folder, "Add the template")
    return folder


def test_the_template_is_found_by_a_url(origin: Path, tmp_path: Path) -> None:
    project = bake(tmp_path / "made", answers(["command"]), f"git+file://{origin}")
    assert (project / "query_counts" / "commands.py").exists()


def test_cruft_carries_a_changed_template_over(origin: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    given = json.dumps(answers(["named_plugin"], plugin_name="Acme Queries"))
    words = ["--directory", "template", "--no-input", "--extra-context", given]
    run("cruft", "create", origin, *words, cwd=made)
    project = made / "acme-queries"
    assert not (project / ".git").exists()

    git("init", "--quiet", cwd=project)
    plugin = project / "acme_queries" / "__init__.py"
    plugin.write_text(plugin.read_text("utf-8") + "\n\nMINE = 1\n", "utf-8")
    committed(project, "Begin")
    run("cruft", "check", cwd=project)

    folder = origin / "template" / "{{cookiecutter.__folder}}"
    ignored = folder / ".gitignore"
    ignored.write_text(ignored.read_text("utf-8") + ".coverage\n", "utf-8")
    source = folder / "{{cookiecutter.package}}" / "__init__.py"
    changed = source.read_text("utf-8").replace("Count the queries", "Count all queries")
    source.write_text(changed, "utf-8")
    committed(origin, "Change the template")
    run("cruft", "check", cwd=project, code=1)
    run("cruft", "update", "--skip-apply-ask", cwd=project)

    assert (project / ".gitignore").read_text("utf-8").endswith(".coverage\n")
    text = plugin.read_text("utf-8")
    assert "Count all queries" in text
    assert "MINE = 1" in text
    assert not list(project.rglob("*.rej"))
    assert not (project / "acme_queries" / "commands.py").exists()
    run("cruft", "check", cwd=project)
