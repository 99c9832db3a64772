"""The package's make: thin views, no HTTP library near them, small modules."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import imednet_streamlit
from imednet_streamlit import app

HOME = Path(imednet_streamlit.__file__).parent
VIEWS = sorted((HOME / "views").glob("*.py"))
HTTP = {"urllib3", "requests", "httpx", "aiohttp", "http", "socket", "urllib"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_frame_names_every_view() -> None:
    assert {path.name for path in VIEWS} == {script for _, script, _, _ in app.PAGES}


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.stem)
def test_a_view_is_thin_and_imports_no_http(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 20
    assert not HTTP & {name.partition(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", sorted((HOME / "sections").glob("*.py")), ids=lambda p: p.stem)
def test_what_a_view_shows_imports_no_http(path: Path) -> None:
    assert not HTTP & {name.partition(".")[0] for name in imported(path)}


def test_no_module_beside_the_app_hides_one_of_pythons() -> None:
    beside = {path.stem for path in HOME.glob("*.py")} | {p.name for p in HOME.glob("*/")}
    assert not beside & set(sys.stdlib_module_names)
    assert "pages" not in beside
