"""The conformance kit: good plugins pass it, and a broken one is told what to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd
import pytest
from isolated import python
from wheels import WHOLE, Wheels, wheels  # noqa: F401

from imednet_simulator import Simulator
from imednet_simulator.testing import (
    CommandPluginTests,
    NamedPluginTests,
    RegisteredTests,
    WorkflowsPluginTests,
)
from imednet_simulator.testing.calling import same

pytest_plugins = ["pytester"]

THINGS = "imednet.plugins: things"
FLOWS = "imednet.plugins: workflows"
DO = "imednet.commands: do"
GOOD = '''
class Things:
    """What a good plugin is like."""

    def __init__(self, sdk):
        self._sdk = sdk

    def open_sites(self, study_key: str) -> list[str]:
        status = "Enrollment Open"
        return [s.site_name for s in self._sdk.sites.list(study_key, site_enrollment_status=status)]

    def each(self, study_key: str):
        yield from self._sdk.sites.iter(study_key)

    def drawn(self, study_key: str):
        try:
            import colorsys
        except ModuleNotFoundError as error:
            raise ImportError("colours are missing. pip install 'things[colours]'") from error
        return colorsys.rgb_to_hsv(0, 0, 0)


def create(sdk):
    plain = getattr(sdk, "sync", None)
    if plain is None:
        return Things(sdk)
    from imednet.aio import awaited

    return awaited(Things(plain))


def do(study: str, *, limit: int = 10, colours: bool = False):
    """Show open sites.

    Args:
        study: the study's key
    """
    from imednet import ImednetSDK

    if colours:
        try:
            import colorsys
        except ModuleNotFoundError as error:
            raise ImportError("colours are missing. pip install 'things[colours]'") from error
    with ImednetSDK() as sdk:
        return create(sdk).open_sites(study)[:limit]
'''
FLOWING = (
    GOOD
    + '''
class Namespace:
    """A namespace whose parts are all alike."""

    def __init__(self, sdk):
        things = Things(sdk)
        self.data_extraction = self.query_management = self.record_mapper = things
        self.record_update = self.subject_data = things


def create_workflows(sdk):
    from imednet.aio import awaited

    plain = getattr(sdk, "sync", None)
    return Namespace(sdk) if plain is None else awaited(Namespace(plain))
'''
)
TESTS = """
from imednet_simulator.testing import CommandPluginTests, NamedPluginTests, WorkflowsPluginTests

class TestThings(NamedPluginTests):
    name = "things"
    calls = {"open_sites": ["DEMO"], "each": {"study_key": "DEMO"}}
    optional = {"colorsys": ("drawn", ["DEMO"])}

class TestFlows(WorkflowsPluginTests):
    distribution = "good-things"
    calls = {"query_management.open_sites": ["DEMO"]}

class TestDo(CommandPluginTests):
    name = "do"
    calls = ["DEMO", "DEMO --limit 2"]
    optional = {"colorsys": "DEMO --colours"}
"""


class TestSimulate(CommandPluginTests):
    name = "simulate"
    calls = ()


class TestDemo(CommandPluginTests):
    name = "demo"
    calls = ()


def test_a_good_plugin_passes_with_a_test_file_of_a_few_lines(
    pytester: pytest.Pytester,
    wheels: Wheels,  # noqa: F811
) -> None:
    places = {THINGS: "create", FLOWS: "create_workflows", DO: "do"}
    wheels.install("good-things", FLOWING, places)
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("-W", "error", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=9 + 9 + 5)


def test_what_is_optional_is_tested_where_something_is() -> None:
    name = "test_without_what_is_optional_it_says_what_to_install"
    assert getattr(TestSimulate, name) is None
    assert getattr(CommandPluginTests, name) is None

    some = kit(CommandPluginTests, optional={"pandas": "DEMO"})
    more = kit(TestSimulate, optional={"pandas": "DEMO"})
    shared = getattr(RegisteredTests, name)
    assert getattr(type(some), name) is getattr(type(more), name) is shared


def test_without_pytest_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['pytest'] = None\nimport imednet_simulator.testing"
    done = python("-c", code)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "ImportError: imednet_simulator.testing needs pytest. Install it with:\n"
        "  pip install 'imednet-simulator[testing]'\n"
    )


def test_the_simulator_needs_no_pytest() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from imednet_simulator import Simulator\nimport imednet_simulator.probe\n"
        "with Simulator(subjects=1, sites=1): pass"
    )
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


# --- what the tests say


def kit(kind: type[RegisteredTests], **attributes: Any) -> Any:
    """Return the tests of a plugin, as its author would write them."""
    return type("TestIt", (kind,), attributes)()


def said(test: Callable[..., None], *arguments: Any) -> str:
    """Run a test that fails; returns what its author reads, with an error's notes."""
    with pytest.raises((pytest.fail.Exception, Exception)) as caught:
        test(*arguments)
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def things(wheels: Wheels, source: str, reference: str = "create", **attributes: Any) -> Any:  # noqa: F811
    wheels.install("some-things", source, {THINGS: reference})
    return kit(NamedPluginTests, **{"name": "things", "calls": {}} | attributes)


def replaced(old: str, new: str) -> str:
    """Return the good plugin with a fault."""
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.usefixtures("wheels")
def test_one_that_is_not_installed() -> None:
    text = said(kit(NamedPluginTests, name="things").test_it_is_registered_once)
    start, _, rest = text.partition(" (there: ")
    assert start == "nothing is registered as 'things' in the group imednet.plugins"
    assert rest.endswith(
        "). Put this into pyproject.toml, and install the package again with "
        '`pip install -e .`:\n\n[project.entry-points."imednet.plugins"]\n'
        'things = "your_package:create"'
    )


def test_one_that_another_distribution_registers(wheels: Wheels) -> None:  # noqa: F811
    tests = things(wheels, GOOD, distribution="other-things")
    text = said(tests.test_it_is_registered_once)
    assert text.startswith(
        "other-things does not register 'things' in the group imednet.plugins (there: "
    )
    kit(NamedPluginTests, name="things", distribution="Some_Things").test_it_is_registered_once()


def test_one_that_two_register(wheels: Wheels) -> None:  # noqa: F811
    for name in ("her-things", "his-things"):
        wheels.install(name, GOOD, {THINGS: "create"})
    assert said(kit(NamedPluginTests, name="things").test_it_is_registered_once) == (
        "2 distributions register 'things' in imednet.plugins: her-things, his-things. Uninstall "
        "all but one, or choose a name of your own."
    )


@pytest.mark.parametrize(
    ("kind", "attributes", "test", "text"),
    [
        (
            NamedPluginTests,
            {},
            "test_it_is_registered_once",
            "set `name` in TestIt: the entry point's name in imednet.plugins",
        ),
        (
            NamedPluginTests,
            {"name": "things"},
            "test_its_methods_work_with_a_plain_sdk",
            "set `calls` in TestIt: the methods to try, with their arguments, such as calls = "
            '{"open_sites": ("DEMO",)}; {} if there are none that read',
        ),
        (
            CommandPluginTests,
            {"name": "do"},
            "test_it_runs_and_shows_no_key",
            "set `calls` in TestIt: what to type after `imednet do`, such as calls = "
            '["DEMO --limit 5"]; [] if no command ends by itself',
        ),
        (
            NamedPluginTests,
            {"name": "things", "calls": {"open_sites": ("DEMO")}},
            "test_its_methods_work_with_a_plain_sdk",
            "the arguments of open_sites in `calls` of TestIt are a text, 'DEMO': give a tuple, "
            "('DEMO',) with its comma",
        ),
        (
            CommandPluginTests,
            {"name": "do", "calls": "DEMO"},
            "test_it_runs_and_shows_no_key",
            "`calls` of TestIt is a text, 'DEMO': give a list of such texts, ['DEMO']",
        ),
    ],
    ids=["name", "calls", "lines", "a text", "a line"],
)
def test_an_attribute_that_will_not_do(
    kind: type[RegisteredTests],
    attributes: dict[str, Any],
    test: str,
    text: str,
    imednet_simulator: Simulator,
) -> None:
    needs = [] if test == "test_it_is_registered_once" else [imednet_simulator]
    assert said(getattr(kit(kind, **attributes), test), *needs) == text


def test_what_the_core_finds_is_said(wheels: Wheels) -> None:  # noqa: F811
    tests = things(wheels, "def create(sdk): ...")
    text = said(tests.test_the_check_of_the_core_finds_nothing)
    assert [line.partition("): ")[2] for line in text.splitlines()] == [
        f"called with {kind} SDK it returned None: return the object that people are to use."
        for kind in ("a plain", "an async")
    ]


def test_one_that_connects_by_a_library_of_its_own(wheels: Wheels) -> None:  # noqa: F811
    source = replaced(
        "self._sdk = sdk",
        "self._sdk = sdk\n"
        "        import socket\n"
        "        try: socket.create_connection(('127.0.0.1', 9), 1)\n"
        "        except OSError: pass",
    )
    assert said(things(wheels, source).test_making_it_sends_nothing) == (
        "making `sdk.plugins.things` connects to 127.0.0.1, 127.0.0.1:9. Importing and making "
        "a plugin must send nothing: leave that to its methods."
    )


def test_one_that_cannot_be_made_without_a_server(
    wheels: Wheels,  # noqa: F811
    pytester: pytest.Pytester,
) -> None:
    connects = "self._sdk = sdk\n        import socket\n"
    connects += "        socket.create_connection(('127.0.0.1', 9), 1)"
    wheels.install("some-things", replaced("self._sdk = sdk", connects), {THINGS: "create"})
    pytester.makepyfile(
        "from imednet_simulator.testing import NamedPluginTests\n"
        "class TestThings(NamedPluginTests): name, calls = 'things', {}"
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "making_it_sends")
    report = result.stdout.str()
    assert "making `sdk.plugins.things` connects to 127.0.0.1, 127.0.0.1:9. Importing" in report
    assert "Traceback" not in report
    assert "During handling" not in report


def test_one_that_cannot_be_made(wheels: Wheels) -> None:  # noqa: F811
    tests = things(wheels, replaced("self._sdk = sdk", "1 / 0"))
    for test in (tests.test_making_it_sends_nothing, tests.test_its_repr_shows_no_key):
        assert said(test) == (
            "making `sdk.plugins.things` ends in PluginLoadError: the plugin 'things' of "
            "some-things 1.0 (imednet.plugins: some_things:create) cannot be used: calling it with "
            "the SDK failed: ZeroDivisionError: division by zero."
        )


def test_one_that_takes_long(wheels: Wheels) -> None:  # noqa: F811
    slow = "import time, iniconfig\nuntil = time.perf_counter() + 0.3\n"
    slow += "while time.perf_counter() < until: pass\n"
    tests = things(wheels, slow + GOOD, seconds=0.25)
    assert fnmatchcase(
        said(tests.test_making_it_takes_little_time),
        "importing and making `sdk.plugins.things` takes ?.? s, more than 0.25 s, and every "
        "program that uses it waits. It loads iniconfig, some_things: import what is large inside "
        "the methods that need it, and leave all work to them.",
    )


def test_one_that_shows_a_key(wheels: Wheels) -> None:  # noqa: F811
    source = replaced(
        "    def each(",
        "    def __repr__(self):\n"
        "        import os\n"
        "        return os.environ['IMEDNET_API_KEY']\n\n    def each(",
    )
    assert said(things(wheels, source).test_its_repr_shows_no_key) == (
        "`sdk.plugins.things`: the repr of it shows an API key: keep no key, and give the class a "
        "__repr__ without one."
    )


def test_one_that_cannot_even_be_tried(wheels: Wheels) -> None:  # noqa: F811
    text = said(things(wheels, "import os; os._exit(3)").test_making_it_sends_nothing)
    assert text == "trying it in a Python of its own broke off:\n"


IGNORES = ('plain = getattr(sdk, "sync", None)', "plain = None")
SITES = {"open_sites": ("DEMO",)}


@pytest.mark.parametrize(
    ("source", "test", "text"),
    [
        (
            replaced("def open_sites", "async def open_sites"),
            "test_its_methods_work_with_a_plain_sdk",
            "open_sites('DEMO') is to be awaited with a plain SDK: define it with def, and serve "
            "the async SDK with `imednet.aio.awaited`.",
        ),
        (
            replaced("sdk.sites.list", "sdk.sights.list"),
            "test_its_methods_work_with_a_plain_sdk",
            "'ImednetSDK' object has no attribute 'sights'\nThis is open_sites('DEMO') with a "
            "plain SDK, on the study of the simulator.",
        ),
        (
            replaced(*IGNORES),
            "test_its_methods_work_with_an_async_sdk",
            "'coroutine' object is not iterable\nThis is open_sites('DEMO') with an async SDK, "
            "whose methods are awaited: make the plugin of its plain SDK, and return that as "
            "`imednet.aio.awaited(Plugin(sdk.sync))`.",
        ),
        (
            replaced("        status =", "        1 / 0\n        status ="),
            "test_its_methods_work_with_an_async_sdk",
            "division by zero\nThis is open_sites('DEMO') with an async SDK, on the study of the "
            "simulator.",
        ),
        (
            replaced("awaited(Things(plain))", "Things(plain)"),
            "test_its_methods_work_with_an_async_sdk",
            "open_sites('DEMO') is not to be awaited with an async SDK, it gives ['Aldermoor "
            "University Hospital', 'Bexley Falls Lung Clin... at once: there, return "
            "`imednet.aio.awaited(Plugin(sdk.sync))`, or define it with async def.",
        ),
        (
            replaced(
                "return awaited(Things(plain))",
                "other = Things(plain)\n"
                "    other.open_sites = lambda study_key: []\n"
                "    return awaited(other)",
            ),
            "test_its_methods_work_with_an_async_sdk",
            "open_sites('DEMO') gives ['Aldermoor University Hospital', 'Bexley Falls Lung Clin... "
            "with a plain SDK and [] with an async one: let one implementation serve both, with "
            "`imednet.aio.awaited`.",
        ),
        (
            replaced(
                "        status =",
                "        try: self._sdk.sites.count(study_key)\n"
                "        except Exception: return []\n"
                "        status =",
            ),
            "test_a_refusal_of_the_server_is_an_error",
            "open_sites('DEMO') returned [] although the server refused the keys: nobody can tell "
            "that from an answer. Let ImednetError through. (If it sends nothing, take it out of "
            "`calls`.)",
        ),
        (
            replaced(
                "        status =",
                "        try: self._sdk.sites.count(study_key)\n"
                "        except Exception: raise ValueError('no') from None\n"
                "        status =",
            ),
            "test_a_refusal_of_the_server_is_an_error",
            "no\nThis is open_sites('DEMO') with keys that the server refuses: let the "
            "ImednetError through, or raise your own `from` it.",
        ),
    ],
    ids=[
        "async",
        "raises",
        "ignores async",
        "raises awaited",
        "not awaited",
        "differs",
        "swallows",
        "hides",
    ],
)
@pytest.mark.filterwarnings("ignore:.*never awaited")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_method_that_is_not_as_it_should_be(
    wheels: Wheels,  # noqa: F811
    imednet_simulator: Simulator,
    source: str,
    test: str,
    text: str,
) -> None:
    assert said(getattr(things(wheels, source, calls=SITES), test), imednet_simulator) == text


class Plain:
    """A thing that tells nothing of its value."""


@dataclass
class Row:
    value: Any


NAN = float("nan")


def kinds(nan: float, last: int) -> list[Any]:
    """Return results of every kind that end in a number; NaN and plain things are made anew."""
    frame = pd.DataFrame({"a": [nan, last]})
    array = np.array([nan, last])
    return [
        last,
        [nan, last],
        ({"a": nan}, {"a": last}),
        {"a": frame, "b": [frame]},
        [Plain(), last],
        array,
        {"a": array},
        np.array([nan, last, "x"], dtype=object),
        np.float64(last),
        [Row(nan), Row(last)],
        [Row(frame)],
        {last},
    ]


PAIRS = list(zip(kinds(NAN, 1), kinds(float("nan"), 1), kinds(NAN, 2), strict=True))


@pytest.mark.parametrize(("one", "equal", "other"), PAIRS, ids=range(12))
def test_what_is_alike_and_what_is_not(one: Any, equal: Any, other: Any) -> None:
    assert same(one, equal)
    assert not same(one, other)


def test_what_cannot_be_compared_is_alike_by_its_type() -> None:
    assert same(pd.NA, pd.NA)
    assert same({"a": Plain()}, {"a": Plain()})
    assert not same([Plain()], [NAN])
    assert not same([1], [1, 2])
    assert not same({"a": 1}, {"b": 1})
    assert same([NAN, pd.NaT, Decimal("NaN")], [float("nan"), pd.NaT, Decimal("NaN")])


def optional(wheels: Wheels, source: str) -> Any:  # noqa: F811
    return things(wheels, source, optional={"colorsys": ("drawn", ["DEMO"])})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            replaced("except ModuleNotFoundError", "except ZeroDivisionError"),
            "without colorsys drawn('DEMO') ends in ImportError: No module named 'colorsys'. "
            "Import it in the method that needs it, and turn a ModuleNotFoundError into an "
            "ImportError that says what to type, `pip install ...`.",
        ),
        (
            replaced("raise ImportError", "raise ValueError"),
            "without colorsys drawn('DEMO') ends in ValueError: colours are missing. pip install "
            "'things[colours]'. Import it in the method that needs it, and turn a "
            "ModuleNotFoundError into an ImportError that says what to type, `pip install ...`.",
        ),
        (
            replaced("        return colorsys.rgb_to_hsv(0, 0, 0)", "").replace(
                "            import colorsys", "            pass"
            ),
            "without colorsys drawn('DEMO') works as with it: take it out of `optional`.",
        ),
    ],
    ids=["bare", "another error", "not needed"],
)
def test_a_method_without_what_is_optional(
    wheels: Wheels,  # noqa: F811
    imednet_simulator: Simulator,
    source: str,
    text: str,
) -> None:
    tests = optional(wheels, source)
    test = tests.test_without_what_is_optional_it_says_what_to_install
    assert said(test, imednet_simulator) == text


def test_a_plugin_that_imports_at_once_what_is_optional(
    wheels: Wheels,  # noqa: F811
    imednet_simulator: Simulator,
) -> None:
    tests = optional(wheels, "import colorsys\n" + GOOD)
    text = said(tests.test_without_what_is_optional_it_says_what_to_install, imednet_simulator)
    assert "importing it failed: ModuleNotFoundError: No module named 'colorsys'" in text
    assert "Import it in the method that needs it" in text


# --- workflows


def test_a_namespace_without_a_distribution_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "from imednet_simulator.testing import WorkflowsPluginTests\n"
        "class TestFlows(WorkflowsPluginTests): calls = {}"
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "registered")
    result.stdout.fnmatch_lines(
        ["set `distribution` in TestFlows: the one whose namespace it tests"]
    )


def test_a_namespace_that_lacks_a_part(
    wheels: Wheels,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = WHOLE.replace("record_mapper = ", "")
    wheels.install("some-flows", source, {FLOWS: "create_workflows"})
    monkeypatch.setenv("IMEDNET_WORKFLOWS", "some-flows")
    tests = kit(WorkflowsPluginTests, distribution="some-flows", calls={})
    assert "what it returned has no record_mapper" in said(
        tests.test_the_check_of_the_core_finds_nothing
    )


def test_the_namespace_is_that_of_its_distribution(
    wheels: Wheels,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    imednet_simulator: Simulator,
) -> None:
    wheels.install("other-flows", WHOLE, {FLOWS: "create_workflows"})
    wheels.install("good-things", FLOWING, {FLOWS: "create_workflows"})
    monkeypatch.setenv("IMEDNET_WORKFLOWS", "good-things")
    tests = kit(
        WorkflowsPluginTests,
        distribution="good-things",
        calls={"subject_data.open_sites": ["DEMO"]},
    )
    tests.test_its_methods_work_with_a_plain_sdk(imednet_simulator)
    tests.test_its_repr_shows_no_key()


# --- commands


def command(wheels: Wheels, source: str, **attributes: Any) -> Any:  # noqa: F811
    wheels.install("some-things", source, {DO: "do"})
    return kit(CommandPluginTests, **{"name": "do", "calls": ["DEMO"]} | attributes)


@pytest.mark.parametrize(
    ("source", "test", "text"),
    [
        (
            replaced("    from imednet import", "    1 / 0\n    from imednet import"),
            "test_it_runs_and_shows_no_key",
            "`imednet do DEMO` ended with 1, and said\nTraceback *ZeroDivisionError: *",
        ),
        (
            replaced("    from imednet import", "    raise SystemExit(4)\n    import"),
            "test_it_runs_and_shows_no_key",
            "`imednet do DEMO` ended with 4, and said\n",
        ),
        (
            replaced(
                "    from imednet import",
                "    import os, sys\n"
                "    print(os.environ['IMEDNET_SECURITY_KEY'], file=sys.stderr)\n"
                "    from imednet import",
            ),
            "test_it_runs_and_shows_no_key",
            "`imednet do DEMO` prints an API key: print no settings that hold one.",
        ),
        (
            replaced("    with ImednetSDK() as sdk:", "    if False:"),
            "test_a_refusal_of_the_server_is_a_sentence",
            "`imednet do DEMO` ended with 0 although the server refused the keys, and printed\n\n"
            "Let ImednetError through: it becomes one line and exit code 1.",
        ),
        (
            replaced(
                "        return create(sdk).open_sites(study)[:limit]",
                "        try: sdk.sites.count(study)\n"
                "        except Exception as error: raise ValueError('no') from error",
            ),
            "test_a_refusal_of_the_server_is_a_sentence",
            "`imednet do DEMO` ended with 1 as the server refused the keys. Let the ImednetError "
            "through, which becomes one line, or raise SystemExit with a sentence. It said\n"
            "Traceback *ValueError: no\n",
        ),
        (
            replaced(
                "        return create(sdk).open_sites(study)[:limit]",
                "        try: sdk.sites.count(study)\n"
                "        except Exception as error: raise SystemExit(2)",
            ),
            "test_a_refusal_of_the_server_is_a_sentence",
            "`imednet do DEMO` ended with 2 as *It said\nnothing",
        ),
    ],
    ids=["raises", "code", "key", "refusal", "traceback", "silent"],
)
def test_a_command_that_is_not_as_it_should_be(
    wheels: Wheels,  # noqa: F811
    imednet_simulator: Simulator,
    source: str,
    test: str,
    text: str,
) -> None:
    assert fnmatchcase(said(getattr(command(wheels, source), test), imednet_simulator), text)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "import os\nos.environ['IMEDNET_API_KEY']\n",
            "`imednet do --help` is to print help and end with 0, with nothing set and no server: "
            "it ended with 1 and said\nimednet: the plugin 'do' of some-things 1.0 *KeyError*",
        ),
        (
            "import socket\n"
            "try: socket.create_connection(('127.0.0.1', 9), 1)\n"
            "except OSError: pass\n",
            "asking `imednet do` for help connects to 127.0.0.1, 127.0.0.1:9: leave that to the "
            "commands.",
        ),
    ],
    ids=["settings", "server"],
)
def test_help_that_needs_more_than_it_should(
    wheels: Wheels,  # noqa: F811
    source: str,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IMEDNET_API_KEY", "set where the plugin's author works")
    tests = command(wheels, source + GOOD)
    assert fnmatchcase(said(tests.test_help_needs_no_settings_and_no_server), text)


def test_help_of_a_command_that_cannot_be_imported(wheels: Wheels) -> None:  # noqa: F811
    tests = command(wheels, "1 / 0")
    with pytest.raises(pytest.fail.Exception) as caught:
        tests.test_help_needs_no_settings_and_no_server()
    assert str(caught.value) == (
        "the plugin 'do' of some-things 1.0 (imednet.commands: some_things:do) cannot be used: "
        "importing it failed: ZeroDivisionError: division by zero."
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            replaced("raise ImportError", "raise ValueError"),
            "without colorsys `imednet do DEMO --colours` is to say what to install. Import it in "
            "the command that needs it, and turn a ModuleNotFoundError into an ImportError that "
            "says what to type, `pip install ...`. It said\nTraceback *",
        ),
        (
            replaced("            import colorsys", "            pass"),
            "without colorsys `imednet do DEMO --colours` works as with it: take it out of "
            "`optional`.",
        ),
    ],
    ids=["another error", "not needed"],
)
def test_a_command_without_what_is_optional(
    wheels: Wheels,  # noqa: F811
    imednet_simulator: Simulator,
    source: str,
    text: str,
) -> None:
    tests = command(wheels, source, optional={"colorsys": "DEMO --colours"})
    test = tests.test_without_what_is_optional_it_says_what_to_install
    assert fnmatchcase(said(test, imednet_simulator), text)
