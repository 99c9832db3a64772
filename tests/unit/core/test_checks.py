"""What a check finds without a server, on distributions that are really on the path."""

from __future__ import annotations

from textwrap import indent

import pytest
from isolated import python
from wheels import WHOLE, Wheels

from imednet.checks import commands, page, problems
from imednet.entry_points import find
from imednet.plugins import InstalledPlugin, check, installed

FLOWS = "imednet.plugins: workflows"
THINGS = "imednet.plugins: things"
DO = "imednet.commands: do"
LOOK = "imednet.dashboard: look"
GOOD = """
class Thing:
    sites = 3

    def __init__(self, sdk):
        self.sdk = sdk

def do(study: str):
    'Do it.'

class page:
    title, icon = "Look", "🔍"

    @staticmethod
    def render(sdk, study_key): ...
"""
SENDS = "making a plugin must send nothing: leave requests to its methods"


def found(wheels: Wheels, source: str, place: str, reference: str = "f") -> list[str]:
    """Install a module and check what it registers, by its name."""
    wheels.install("some-things", source, {place: reference}, "2.5")
    return check(place.rpartition(" ")[2])


def named(place: str, reference: str = "f") -> str:
    group, _, name = place.partition(": ")
    return f"the plugin {name!r} of some-things 2.5 ({group}: some_things:{reference})"


@pytest.mark.parametrize(
    ("source", "place", "reference"),
    [
        (WHOLE, FLOWS, "create_workflows"),
        (GOOD, THINGS, "Thing"),
        (GOOD, DO, "do"),
        (GOOD, LOOK, "page"),
    ],
    ids=["workflows", "named", "command", "page"],
)
def test_a_good_one(wheels: Wheels, source: str, place: str, reference: str) -> None:
    assert found(wheels, source, place, reference) == []


def test_by_distribution_all_that_it_registers(wheels: Wheels) -> None:
    places = {THINGS: "Thing", DO: "gone", LOOK: "page"}
    wheels.install("some-things", GOOD, places, "2.5")
    (problem,) = check("Some.Things")
    assert problem.startswith(named(DO, "gone"))
    assert check("things") == []


@pytest.mark.parametrize("name", ["thnigs", "no-things", ""])
def test_what_is_not_installed_is_a_finding(wheels: Wheels, name: str) -> None:
    wheels.install("some-things", GOOD, {THINGS: "Thing"})
    (problem,) = check(name)
    assert problem.startswith(f"no plugin or distribution {name!r} is installed; installed: ")
    assert " things" in problem
    assert problem.endswith("is there once its package is installed again.")


def test_one_that_cannot_be_loaded_is_said_once_as_elsewhere(wheels: Wheels) -> None:
    (problem,) = found(wheels, "1 / 0", THINGS)
    assert problem == (
        f"{named(THINGS)} cannot be used: importing it failed: ZeroDivisionError: division by zero."
    )


def test_installed_looks_closely_if_asked(wheels: Wheels) -> None:
    wheels.install("some-things", "def f(sdk): ...\n", {THINGS: "f"}, "2.5")

    def seen(**options: bool) -> InstalledPlugin:
        return next(p for p in installed(**options) if p.distribution == "some-things")

    assert seen().error is None
    assert seen(checked=True).error == " ".join(check("things")) != ""


# --- plugins


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            "raise KeyError('x')",
            " cannot be used: calling it with the SDK failed: KeyError: 'x' "
            "(tried with a plain SDK).",
        ),
        (
            "return sdk.sync",
            " cannot be used: calling it with the SDK failed: AttributeError: 'ImednetSDK' object "
            "has no attribute 'sync' (tried with a plain SDK).",
        ),
        (
            "sdk.settings; return sdk",
            " cannot be used: calling it with the SDK failed: AttributeError: 'AsyncImednetSDK' "
            "object has no attribute 'settings' (tried with an async SDK).",
        ),
        (
            "return getattr(sdk, 'sync', sdk).sites.list('DEMO')",
            f"; {SENDS}.",
        ),
        (
            "return getattr(sdk, 'sync', sdk).transport and sdk",
            f": made with a plain SDK it opens the connections at once; {SENDS}.",
        ),
        (
            "try: getattr(sdk, 'sync', sdk).sites.list('DEMO')\nexcept Exception: return sdk",
            f": made with an async SDK it opens the connections at once; {SENDS}.",
        ),
        (
            "pass",
            ": called with a plain SDK it returned None: return the object that people are to use.",
        ),
        (
            "return Plain() if hasattr(sdk, 'sync') else Shows(sdk)",
            ": the repr of it shows an API key: keep no key, and give the class a __repr__ "
            "without one.",
        ),
        (
            "return Holds(sdk)",
            ": the repr of its inner shows an API key: keep no key, and give the class a __repr__ "
            "without one.",
        ),
        (
            "return Unseen()",
            ": the repr of it raises ZeroDivisionError: division by zero.",
        ),
    ],
    ids=[
        "raises",
        "async only",
        "plain only",
        "sends",
        "opens",
        "sends in silence",
        "none",
        "key",
        "key within",
        "repr",
    ],
)
def test_a_plugin_that_is_not_as_it_should_be(wheels: Wheels, body: str, why: str) -> None:
    source = f"""
class Plain: ...

class Shows:
    def __init__(self, sdk):
        self.key = getattr(sdk, 'sync', sdk)._credentials.headers()['x-api-key']
    def __repr__(self): return self.key

class Holds(Plain):
    def __init__(self, sdk):
        self.inner = Shows(sdk)

class Unseen:
    def __repr__(self): 1 / 0

def f(sdk):
{indent(body, "    ")}
"""
    problems = found(wheels, source, THINGS)
    assert [problem for problem in problems if problem.endswith(why)], problems
    assert all(problem.startswith(named(THINGS)) for problem in problems)


def test_a_key_of_the_environment_is_looked_for(
    wheels: Wheels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", "a-key-from-outside")
    source = """
        import os

        class f:
            def __init__(self, sdk): ...
            def __repr__(self): return os.environ["IMEDNET_SECURITY_KEY"]
        """
    problems = found(wheels, source, THINGS)
    assert len(problems) == 1
    assert "shows an API key" in problems[0]
    assert "a-key-from-outside" not in problems[0]


def test_a_namespace_lacks_a_part(wheels: Wheels) -> None:
    (problem,) = found(wheels, WHOLE.replace("record_mapper = ", ""), FLOWS, "create_workflows")
    assert problem == (
        f"{named(FLOWS, 'create_workflows')} cannot be used: what it returned has no "
        "record_mapper (tried with a plain SDK)."
    )


def test_two_namespaces_need_a_choice(wheels: Wheels, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("her-flows", "his-flows"):
        wheels.install(name, WHOLE, {FLOWS: "create_workflows"})
    assert check("workflows") == [
        "2 workflows plugins are installed, her-flows 1.0, his-flows 1.0: uninstall all but one, "
        "or name the distribution to use in workflows= or IMEDNET_WORKFLOWS."
    ]
    monkeypatch.setenv("IMEDNET_WORKFLOWS", "his-flows")
    assert check("workflows") == []


def test_the_one_not_chosen_is_looked_at_too(
    wheels: Wheels, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.install("her-flows", WHOLE, {FLOWS: "create_workflows"})
    wheels.install("his-flows", "1 / 0", {FLOWS: "create_workflows"})
    monkeypatch.setenv("IMEDNET_WORKFLOWS", "her-flows")
    assert check("her-flows") == []
    (problem,) = check("his-flows")
    assert "ZeroDivisionError" in problem


def test_two_plugins_of_one_name(wheels: Wheels) -> None:
    for name in ("her-things", "his-things"):
        wheels.install(name, GOOD, {THINGS: "Thing"})
    (problem,) = check("things")
    assert problem.startswith("2 plugins are called 'things', her-things 1.0, his-things 1.0: ")


@pytest.mark.parametrize("name", ["some-things", "_things", "class"])
def test_a_name_that_python_cannot_write(wheels: Wheels, name: str) -> None:
    (problem,) = found(wheels, GOOD, f"imednet.plugins: {name}", "Thing")
    assert problem.endswith(
        f": `sdk.plugins.{name}` is no Python: choose a name such as acme_reports."
    )


# --- commands


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        (
            "do",
            "def f(study: str): ...",
            "`imednet do --help` has nothing to say: give f a docstring, what it does in the "
            "first line and each argument under Args:",
        ),
        (
            "do",
            "class f:\n    def one(self):\n        'One.'\n    def two_three(self): ...",
            "`imednet do two-three --help` has nothing to say: give f.two_three a docstring, what "
            "it does in the first line and each argument under Args:",
        ),
        (
            "do",
            "class f: ...",
            "it has no commands: give the class public methods, or register a function",
        ),
        (
            "sites",
            "def f():\n    'F.'",
            "`imednet sites` is imednet's own command: choose another name",
        ),
        (
            "record-revisions",
            "def f():\n    'F.'",
            "`imednet record-revisions` is imednet's own command: choose another name",
        ),
        (
            "do this",
            "def f():\n    'F.'",
            "a command's name is one word: letters, digits and dashes",
        ),
    ],
    ids=["no help", "no help of one", "no commands", "taken", "taken dashed", "words"],
)
def test_a_command_that_is_not_as_it_should_be(
    wheels: Wheels, name: str, source: str, why: str
) -> None:
    place = f"imednet.commands: {name}"
    wheels.install("some-things", source, {place: "f"}, "2.5")
    (problem,) = check("some-things")
    assert problem == f"{named(place)}: {why}."


def test_commands_that_cannot_be_made(wheels: Wheels) -> None:
    (problem,) = found(wheels, "class f:\n    def __init__(self): 1 / 0", DO)
    assert problem == (
        f"{named(DO)} cannot be used: making its commands failed: ZeroDivisionError: "
        "division by zero."
    )


def test_commands_by_their_words(wheels: Wheels) -> None:
    source = "class f:\n    def one(self): ...\n    def two_three(self): ...\ndef g(): ..."
    wheels.install("some-things", source, {DO: "f", "imednet.commands: go": "g"})
    (menu,) = find("imednet.commands", "do")
    (alone,) = find("imednet.commands", "go")
    assert {words: c.__name__ for words, c in commands(menu).items()} == {
        "do one": "one",
        "do two-three": "two_three",
    }
    assert list(commands(alone)) == ["go"]


# --- pages


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def f(sdk, study_key): ...", "it has no title: give it one, a line of text"),
        (
            "class f:\n    title, icon = 'F', 3\n    render = lambda sdk, study_key: 1",
            "its icon is 3: give an emoji, :material/name: or None",
        ),
        (
            "class f:\n    title, render = 'F', 3",
            "it has no render(sdk, study_key) that can be called: define it",
        ),
        (
            "class f:\n    title = 'F'\n    def render(self, sdk, study_key): ...",
            "its render is called as render(sdk, study_key), and cannot be: missing a required "
            "argument: 'study_key'",
        ),
    ],
    ids=["title", "icon", "render", "arguments"],
)
def test_a_page_that_is_not_as_it_should_be(wheels: Wheels, source: str, why: str) -> None:
    assert found(wheels, source, LOOK) == [f"{named(LOOK)}: {why}."]


def test_two_pages_of_one_name(wheels: Wheels) -> None:
    for name in ("her-things", "his-things"):
        wheels.install(name, GOOD, {LOOK: "page"})
    assert [problem.partition("): ")[2] for problem in check("look")] == [
        "2 pages are called 'look': uninstall all but one."
    ] * 2


def test_a_module_is_a_page() -> None:
    class Module:
        title, icon = "Look", None

        @staticmethod
        def render(sdk: object, study_key: str) -> None: ...

    assert page(Module) == []


# --- what ships with imednet, and what a check costs


def test_what_is_installed_here_is_in_order() -> None:
    points = find("imednet.commands") + find("imednet.plugins")
    assert {point.name for point in points} >= {"simulate", "demo"}
    assert [problem for point in points for problem in problems(point)] == []


def test_nothing_of_it_is_loaded_until_it_is_asked_for() -> None:
    code = (
        "import sys, imednet\nimednet.ImednetSDK('a', 'b')\nprint('imednet.checks' in sys.modules)"
    )
    assert python("-c", code).stdout == "False\n"
