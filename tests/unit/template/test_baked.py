"""What comes out of the template, for every set of capabilities: whole, clean, tested."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from baking import PARTS, ROOT, SETS, answers, bake, files, named, run, wheel

EVERY = pytest.mark.parametrize("parts", SETS, ids=named)
ALWAYS = {
    ".github/workflows/tests.yml",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "query_counts/__init__.py",
    "tests/test_plugin.py",
}
OF = {
    "named_plugin": set(),
    "command": {"query_counts/commands.py"},
    "page": {"query_counts/page.py", "tests/test_page.py"},
    "workflows": {"query_counts/workflows.py"},
}
#: What only a project with the capability speaks of.
WORDS = {
    "named_plugin": r"NamedPlugin|sdk\.plugins|def create\b|class QueryCountsPlugin",
    "command": r"[Cc]ommand|only.open",
    "page": r"dashboard|streamlit|\bpage\b",
    "workflows": r"(?<!\.github/)[Ww]orkflows|WORKFLOWS",
}


@EVERY
def test_its_files_are_those_of_the_choices(parts: tuple[str, ...], tmp_path: Path) -> None:
    project = bake(tmp_path, answers(parts))
    assert project == tmp_path / "query-counts"
    found = {path.as_posix() for path in files(project)}
    assert found == ALWAYS.union(*(OF[part] for part in parts))
    assert len(found) <= 12


@EVERY
def test_it_speaks_of_nothing_that_was_not_chosen(parts: tuple[str, ...], tmp_path: Path) -> None:
    project = bake(tmp_path, answers(parts))
    for path in files(project):
        text = (project / path).read_text("utf-8")
        assert "cookiecutter" not in text, path
        assert not re.search(r"\{%|(?<!\$)\{\{", text), path
        for part in PARTS:
            spoken = re.search(WORDS[part], text)
            told_at_large = path.name == "README.md" and part == "command"  # "On the command line"
            assert part in parts or not spoken or told_at_large, (path, spoken)


@EVERY
def test_it_registers_what_was_chosen(parts: tuple[str, ...], tmp_path: Path) -> None:
    project = bake(tmp_path, answers(parts))
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    registered = {
        (group, name, value)
        for group, points in settings["entry-points"].items()
        for name, value in points.items()
    }
    each = {
        "named_plugin": ("imednet.plugins", "query_counts", "query_counts:create"),
        "command": ("imednet.commands", "query-counts", "query_counts.commands:show"),
        "page": ("imednet.dashboard", "query_counts", "query_counts.page"),
        "workflows": ("imednet.plugins", "workflows", "query_counts.workflows:create_workflows"),
    }
    assert registered == {each[part] for part in parts}
    assert settings["dependencies"] == ["imednet>=1,<2"]


@EVERY
def test_it_is_clean(parts: tuple[str, ...], tmp_path: Path) -> None:
    project = bake(tmp_path, answers(parts))
    run("ruff", "check", "--no-cache", cwd=project)
    run("ruff", "format", "--check", "--no-cache", cwd=project)


@pytest.mark.xdist_group("types")  # one worker, which remembers what all projects import
@EVERY
def test_its_types_are_right(parts: tuple[str, ...], tmp_path: Path, types_cache: Path) -> None:
    # Packages of one name would share what mypy remembers of them.
    project = bake(tmp_path, answers(parts, plugin_name=f"Of {named(parts).replace('+', ' ')}"))
    run("mypy", "--cache-dir", types_cache, cwd=project)


@pytest.mark.xdist_group("types")
@pytest.mark.parametrize("name", ["Any", "Counter", "Query"])
def test_a_name_that_its_code_has_too(name: str, tmp_path: Path, types_cache: Path) -> None:
    project = bake(tmp_path, answers(PARTS, plugin_name=name))
    run("ruff", "check", "--no-cache", cwd=project)
    run("mypy", "--cache-dir", types_cache, cwd=project)


@EVERY
def test_its_tests_pass_on_its_wheel(parts: tuple[str, ...], tmp_path: Path) -> None:
    project = bake(tmp_path, answers(parts))
    site = tmp_path / "site"
    built = wheel(project, tmp_path / "dist")
    run("pip", "install", "-q", "--no-deps", "--no-index", "--target", site, built, cwd=tmp_path)
    said = run("pytest", "-q", "-p", "no:cacheprovider", cwd=project, PYTHONPATH=str(site))
    assert re.search(r"^\d+ passed in", said, re.M), said
    chosen = {"IMEDNET_WORKFLOWS": "query-counts"} if "workflows" in parts else {}
    listed = run("imednet", "plugins", "--check", cwd=tmp_path, PYTHONPATH=str(site), **chosen)
    assert len(re.findall(r"query-counts +0\.1\.0 +ok$", listed, re.M)) == len(parts)


@pytest.mark.parametrize(
    "given",
    [
        {"plugin_name": "X"},
        {"plugin_name": "Q" * 40},
        {"plugin_name": "試" * 20, "project_slug": "trial"},
        {"plugin_name": "Żółw's quéries & co. (2)", "author": "Zoë O'Neil <zoe@example.org> 🐢"},
        {"project_slug": "imednet-acme-queries", "package": "acme"},
    ],
    ids=["short", "long", "wide", "letters", "apart"],
)
def test_any_name_gives_a_clean_project(given: dict[str, str], tmp_path: Path) -> None:
    project = bake(tmp_path, answers(PARTS, **given))
    run("ruff", "check", "--no-cache", cwd=project)
    run("ruff", "format", "--check", "--no-cache", cwd=project)
    built = wheel(project, tmp_path / "dist")
    assert built.name.endswith("-0.1.0-py3-none-any.whl")
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert settings["authors"] == [{"name": given.get("author", "Your Name")}]


@pytest.mark.parametrize(
    ("licence", "starts", "holds"),
    [
        ("MIT", "MIT License\n\nCopyright (c) Zoë\n", "Permission is hereby granted, free of"),
        ("Apache-2.0", "\n", "Apache License\n                           Version 2.0, January"),
        (
            "BSD-3-Clause",
            "BSD 3-Clause License\n\nCopyright (c) Zoë\n",
            "3. Neither the name of the copyright holder",
        ),
    ],
    ids=["MIT", "Apache", "BSD"],
)
def test_its_licence_is_the_one_chosen(
    licence: str, starts: str, holds: str, tmp_path: Path
) -> None:
    project = bake(tmp_path, answers(["command"], licence=licence, author="Zoë"))
    text = (project / "LICENSE").read_text("utf-8")
    assert text.startswith(starts)
    assert holds in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert (settings["license"], settings["license-files"]) == (licence, ["LICENSE"])
    assert f"{licence} licence." in (project / "README.md").read_text("utf-8")
    run("build", "--no-isolation", "--outdir", tmp_path / "dist", project, cwd=project)


def test_the_licence_of_this_repository_is_the_same_text() -> None:
    ours = (ROOT / "LICENSE").read_text("utf-8").splitlines()
    theirs = (ROOT / "template" / "templates" / "MIT.txt").read_text("utf-8").splitlines()
    assert [line for line in theirs if not line.startswith("Copyright (c)")] == [
        line for line in ours if not line.startswith("Copyright (c)")
    ]


def test_without_a_licence_there_is_none(tmp_path: Path) -> None:
    project = bake(tmp_path, answers(["command"], licence="none"))
    assert not (project / "LICENSE").exists()
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert not {"license", "license-files"} & set(settings)
    assert "All rights reserved." in (project / "README.md").read_text("utf-8")
    wheel(project, tmp_path / "dist")


def test_no_git_repository_is_made(tmp_path: Path) -> None:
    assert not (bake(tmp_path, {}) / ".git").exists()


def test_the_defaults_are_all_but_the_workflows(tmp_path: Path) -> None:
    found = {path.as_posix() for path in files(bake(tmp_path, {}))}
    assert found == ALWAYS | OF["command"] | OF["page"]
    assert importlib.util.find_spec("query_counts") is None  # nothing of it is installed here
