"""The four packages, the changelog and the pages speak of the same version."""

from __future__ import annotations

import ast
import re
import tomllib
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from pages import ROOT

FOLDERS = [ROOT, *sorted((ROOT / "reference-plugins").glob("imednet-*"))]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "reference-plugins").glob("*/README.md"),
]
NAMED = re.compile(r"\bimednet(?:-[a-z]+)?(?:\[[a-z,]+\])?((?:[<>=!~]=?[\d.]+,?)+)")


def project(folder: Path) -> dict[str, Any]:
    """The [project] table of a package."""
    table = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert isinstance(table, dict)
    return table


def version(folder: Path) -> str:
    """The `__version__` that a package's source gives, read without importing it."""
    name = project(folder)["name"].replace("-", "_")
    tree = ast.parse((folder / name / "__init__.py").read_text("utf-8"))
    (value,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__"
    )
    return str(ast.literal_eval(value))


def ours(folder: Path) -> list[Requirement]:
    """What a package requires of this repository's packages."""
    asked = map(Requirement, project(folder)["dependencies"])
    return [each for each in asked if each.name.startswith("imednet")]


VERSION = version(ROOT)


def test_there_are_four_packages() -> None:
    names = [project(folder)["name"] for folder in FOLDERS]
    assert names == ["imednet", "imednet-simulator", "imednet-streamlit", "imednet-workflows"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: project(folder)["name"])
def test_all_packages_have_one_version(folder: Path) -> None:
    assert version(folder) == VERSION == str(Version(VERSION))
    assert "version" in project(folder)["dynamic"]


@pytest.mark.parametrize("name", ["imednet", "imednet-simulator"])
def test_what_is_installed_is_that_version(name: str) -> None:
    assert metadata.version(name) == VERSION


def test_the_newest_changes_are_those_of_this_version() -> None:
    heading = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)[0]
    found = re.fullmatch(r"(\S+) \((.+)\)", heading)
    assert found is not None, heading
    assert found[1] == VERSION
    assert found[2] == "unreleased" or date.fromisoformat(found[2])


@pytest.mark.parametrize("folder", FOLDERS[1:], ids=lambda folder: project(folder)["name"])
def test_plugins_ask_for_this_core_and_no_later_major(folder: Path) -> None:
    major = Version(VERSION).major
    assert ours(folder) != []
    for requirement in ours(folder):
        assert VERSION in requirement.specifier, requirement
        assert f"{major + 1}.0" not in requirement.specifier, requirement
        assert f"{major - 1}.9" not in requirement.specifier, requirement


def test_pages_name_ranges_that_hold_this_version() -> None:
    named = [
        (page.name, found[1].rstrip(","))
        for page in PAGES
        for found in NAMED.finditer(page.read_text("utf-8"))
    ]
    assert {"README.md", "first-plugin.md"} <= {page for page, _ in named}
    assert [each for each in named if VERSION not in SpecifierSet(each[1])] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: project(folder)["name"])
def test_each_package_carries_the_licence(folder: Path) -> None:
    assert project(folder)["license-files"] == ["LICENSE"]
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: project(folder)["name"])
def test_the_oldest_python_is_the_one_that_the_readme_names(folder: Path) -> None:
    oldest = project(folder)["requires-python"].removeprefix(">=")
    assert f"Python {oldest} or newer" in (ROOT / "README.md").read_text("utf-8")
