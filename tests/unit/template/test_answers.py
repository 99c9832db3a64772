"""The questions, and answers that are refused before anything is written."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from baking import ROOT, answers, bake
from cookiecutter.exceptions import FailedHookException
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from imednet import entry_points
from imednet.listing import RESOURCES

TEMPLATE = ROOT / "template"
#: Folders that the wheel of cel-expr-python holds and that nothing imports.
LEFT_BY_CEL = {"build-area", "build-deps", "dist", "kokoro", "tmp"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param(
            {"project_slug": "../../x"},
            "project_slug is '../../x': give up to 40 lower-case letters and digits, with single "
            "dashes between, such as query-counts.",
            id="up",
        ),
        pytest.param({"project_slug": "/x/y"}, "project_slug is '/x/y': give up", id="root"),
        pytest.param({"project_slug": ".."}, "project_slug is '..': give up", id="dots"),
        pytest.param({"project_slug": ""}, "project_slug is '': give up", id="no-slug"),
        pytest.param({"project_slug": "Acme_Q"}, "project_slug is 'Acme_Q': give up", id="case"),
        pytest.param({"project_slug": "a--b"}, "project_slug is 'a--b': give up", id="dashes"),
        pytest.param({"project_slug": "a" * 41}, f"project_slug is '{'a' * 41}': ", id="long"),
        pytest.param({"project_slug": "a\nb"}, r"project_slug is 'a\nb': give up", id="lines"),
        pytest.param(
            {"project_slug": "imednet-workflows", "package": "flows"},
            "project_slug is 'imednet-workflows': that is a package of imednet's, choose another "
            "name.",
            id="ours",
        ),
        pytest.param(
            {"project_slug": "pytest", "package": "my_tests"},
            "project_slug is 'pytest': imednet needs another package of this name, choose another.",
            id="replaces",
        ),
        pytest.param(
            {"project_slug": "sites", "package": "my_sites"},
            "project_slug is 'sites': `imednet sites` exists, choose another name.",
            id="command",
        ),
        pytest.param(
            {"package": "../x"},
            "package is '../x': give up to 40 lower-case letters, digits and underscores, a letter "
            "first, such as query_counts.",
            id="package-up",
        ),
        pytest.param({"package": "a-b"}, "package is 'a-b': give up to 40", id="package-dash"),
        pytest.param({"package": "3d"}, "package is '3d': give up to 40", id="digit"),
        pytest.param({"package": "_x"}, "package is '_x': give up to 40", id="underscore"),
        pytest.param({"package": "żółw"}, "package is 'żółw': give up to 40", id="ascii"),
        pytest.param(
            {"package": "class"},
            "package is 'class': that is a word of Python's own, choose another name.",
            id="keyword",
        ),
        pytest.param({"package": "match"}, "package is 'match': that is a word", id="soft"),
        pytest.param(
            {"package": "json"},
            "package is 'json': that is a module of Python's own, choose another name.",
            id="stdlib",
        ),
        pytest.param(
            {"package": "imednet_streamlit"},
            "package is 'imednet_streamlit': that is a package of imednet's, choose another name.",
            id="our-package",
        ),
        pytest.param(
            {"package": "streamlit"},
            "package is 'streamlit': it would hide what imednet needs, choose another name.",
            id="hides",
        ),
        pytest.param({"package": "tests"}, "package is 'tests': it would hide", id="tests"),
        pytest.param({"package": "test"}, "package is 'test': it would hide", id="test"),
        pytest.param(
            {"package": "dataclasses_json"}, "package is 'dataclasses_json': it would", id="dashed"
        ),
        pytest.param(
            {"package": "workflows"},
            "package is 'workflows': `sdk.plugins` has no such name, choose another.",
            id="workflows",
        ),
        pytest.param(
            {"plugin_name": 'My "best"', "project_slug": "best"},
            "plugin_name is 'My \"best\"': give a line of text, without quotation marks and "
            "backslashes.",
            id="quotes",
        ),
        pytest.param({"plugin_name": " ", "project_slug": "x"}, "plugin_name is ' '", id="blank"),
        pytest.param(
            {"plugin_name": "N" * 41, "project_slug": "n"},
            "plugin_name has 41 letters: give 40 at most.",
            id="long-name",
        ),
        pytest.param(
            {"plugin_name": "試" * 21, "project_slug": "n"},
            "plugin_name has 21 letters, 21 of them as wide as two: give 40 at most.",
            id="wide-name",
        ),
        pytest.param({"author": "a\nb"}, r"author is 'a\nb': give a line of text", id="author"),
        pytest.param({"author": "a\\b"}, r"author is 'a\\b': give a line of text", id="slash"),
        pytest.param(
            answers([]),
            "nothing is chosen: say yes to at least one of named_plugin, command, page, workflows.",
            id="nothing",
        ),
    ],
)
def test_an_answer_that_will_not_do(
    given: dict[str, Any], why: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "a" / "b"
    target.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FailedHookException):
        bake(target, given)
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith(why)], lines
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/x").exists()


def test_all_that_is_wrong_is_said_at_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FailedHookException):
        bake(tmp_path, {"project_slug": "X", "package": "import", "author": ""})
    said = capfd.readouterr().err
    assert [line.partition(" is ")[0] for line in said.splitlines()[:3]] == [
        "author",
        "project_slug",
        "package",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"project_slug": "sites", "package": "my_sites", **answers(["page"])},
        {"project_slug": "x", "package": "workflows", **answers(["command"])},
    ],
    ids=["no command", "no plugin"],
)
def test_a_name_is_free_where_nothing_is_called_so(given: dict[str, Any], tmp_path: Path) -> None:
    assert bake(tmp_path, given).name == given["project_slug"]


def constant(name: str) -> set[str]:
    """Return a set of names that the hook has."""
    source = (TEMPLATE / "hooks" / "pre_gen_project.py").read_text("utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return set(eval(compile(ast.Expression(node.value), name, "eval")))
    raise AssertionError(name)


def test_the_commands_that_exist_are_known() -> None:
    theirs = {
        point.name
        for point in entry_points.find(entry_points.COMMANDS)
        if point.dist and point.dist.name.startswith("imednet-")
    }
    own = {name.replace("_", "-") for name in RESOURCES} | {"jobs", "plugins", "help"}
    assert theirs >= {"simulate", "workflows", "dashboard"}
    assert constant("COMMANDS") == own | theirs


def test_the_distributions_of_this_repository_are_known() -> None:
    here = {each.name for each in (ROOT / "reference-plugins").iterdir() if each.is_dir()}
    assert constant("OURS") == {"imednet", *here}
    assert all(metadata.version(name) for name in constant("OURS"))


def needed_by(name: str, extra: str = "") -> set[str]:
    """Return the distributions that one requires, as far as they are installed here."""
    found = set()
    for line in metadata.requires(name) or []:
        requirement = Requirement(line)
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        if applies and list(metadata.distributions(name=requirement.name)):
            found.add(canonicalize_name(requirement.name))
    return found


def test_what_imednet_and_its_tests_need_is_known() -> None:
    # What those need in turn may change with any release of theirs, so it is not held here.
    found = needed_by("imednet") | needed_by("imednet-workflows", "logic")
    found |= needed_by("imednet-simulator", "testing") | needed_by("imednet-streamlit", "testing")
    found = (found | {"flit-core", "mypy", "ruff"}) - constant("OURS")
    assert found > {"urllib3", "pandas", "streamlit", "pytest"}
    packages = {
        package.replace("_", "-")
        for package, owners in metadata.packages_distributions().items()
        if found & set(map(canonicalize_name, owners)) and re.fullmatch("[a-z][a-z0-9_]*", package)
    }
    assert (found | packages) - constant("NEEDED") - LEFT_BY_CEL == set()


# --- the questions


def test_every_question_is_explained() -> None:
    questions = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))
    explained = questions.pop("__prompts__")
    asked = [name for name in questions if not name.startswith("_")]
    assert list(explained) == asked
    licences = explained["licence"]
    assert [*licences] == ["__prompt__", *questions["licence"]]


def test_the_questions_are_asked_and_the_answers_kept(tmp_path: Path) -> None:
    given = ["Acme Visits", "", "", "Zoë", "3", "n", "y", "n", "n"]
    words = [sys.executable, "-m", "cookiecutter", str(ROOT), "--directory", "template"]
    done = subprocess.run(
        [*words, "--output-dir", str(tmp_path)],
        input="\n".join(given) + "\n",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "What is your plugin called? Its title for people" in said
    assert "Under which licence may others use it?" in said
    assert "3 - BSD with three clauses: as MIT, and no advertising with your name" in said
    project = tmp_path / "acme-visits"
    assert (project / "acme_visits" / "commands.py").exists()
    assert not (project / "acme_visits" / "page.py").exists()
    assert "Copyright (c) Zoë" in (project / "LICENSE").read_text("utf-8")


def test_the_hooks_need_nothing_but_python() -> None:
    for hook in sorted((TEMPLATE / "hooks").glob("*.py")):
        tree = ast.parse(hook.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            assert set(names) <= set(sys.stdlib_module_names), hook.name
