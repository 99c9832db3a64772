"""What pages and docstrings name in passing is there, and does what they say."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest
from pages import ROOT

import imednet_simulator
import imednet_streamlit
from imednet import ImednetSDK, cli

MOVED = (ROOT / "docs" / "coming-from-0.5.md").read_text("utf-8")
#: The right column of the page's tables: what things are called now.
NOW = re.findall(r"^\| .* \| (.+) \|$", MOVED, re.M)
CODE = [code for cell in NOW for code in re.findall(r"`([^`]+)`", cell)]
PATHS = sorted({path for code in CODE for path in re.findall(r"\bsdk((?:\.[a-z_]+)+)", code)})
COMMANDS = sorted({code for code in CODE if code.startswith("imednet ")})
MODULES = [
    found.name
    for package in (imednet_simulator, imednet_streamlit)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if "views" not in found.name
]


@pytest.mark.parametrize("path", PATHS)
def test_a_new_name_is_one(path: str) -> None:
    with ImednetSDK("a", "b", "http://127.0.0.1:9") as sdk:
        thing: object = sdk
        for name in path.split(".")[1:]:
            if inspect.isroutine(thing):  # a field of what `list()[0]` gives
                break
            thing = getattr(thing, name)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_new_command_is_one(line: str) -> None:
    words = [word for word in line.split()[1:] if re.fullmatch(r"[a-z-]+", word)]
    thing = cli.component(words.pop(0))
    while isinstance(thing, cli.Menu):
        thing = getattr(thing, words.pop(0))
    known = {name.replace("_", "-") for name in inspect.signature(thing).parameters}
    assert set(re.findall(r"--([a-z-]+)", line)) <= known


def test_new_names_are_found() -> None:
    assert {".jobs.wait", ".workflows.study_structure.get", ".request"} <= set(PATHS)
    assert "imednet workflows subject DEMO SUBJECT" in COMMANDS


def test_docstrings_run() -> None:
    finder, runner = doctest.DocTestFinder(exclude_empty=True), doctest.DocTestRunner()
    for name in MODULES:
        for test in finder.find(importlib.import_module(name)):
            runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries > 0
