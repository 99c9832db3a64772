"""Commands that distributions register: called by annotation, shown, and loaded on call only."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from cli_process import Cli, Result, alone, distribution

from imednet_simulator import Simulator

SOURCE = '''
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Optional

from imednet.errors import NotFoundError
from imednet.models import Site

if TYPE_CHECKING:
    from imednet import ImednetSDK


def typed(
    name: str,
    number: int = 1,
    *,
    ratio: float = 0.5,
    no_browser: bool = False,
    browser: bool = True,
    label: str | None = None,
    most: Optional[int] = None,
    plain=7,
):
    """Tell what came in, but for what is as it was."""
    usual = {"number": 1, "ratio": 0.5, "no_browser": False, "browser": True, "plain": 7}
    given = locals()
    del given["usual"]
    return " ".join(f"{n}={v!r}" for n, v in given.items() if repr(v) != repr(usual.get(n)))


def needs(*, date: str):
    return date


def many(first: str, *rest: int, loud: bool = False):
    return repr((first, rest, loud))


def anything(**options: str):
    return repr(options)


def hidden(number: int = 1, sdk: ImednetSDK | None = None) -> ImednetSDK:
    return repr(number)


async def waits(name: str):
    return f"waited for {name}"


class Group:
    """A group of commands."""

    version = "1.0"
    port = 8501
    served = ["x"]

    def __init__(self):
        self.greeting = "hello"
        self._secret = 1

    def say_hello(self, who: str = "you", *, times: int = 1):
        """Say hello."""
        return " ".join([self.greeting, who] * times)

    @staticmethod
    def fixed():
        return "fixed"

    @property
    def broken(self):
        raise RuntimeError("a property is not to be read")

    def _private(self):
        return "private"


class Outer:
    """Commands within commands."""

    def __init__(self):
        self.inner = Group()


class Callable:
    def __call__(self, number: int):
        return repr(number)


called = Callable()


class Demanding:
    def __init__(self, what):
        self.what = what

    def go(self):
        return self.what


class Failing:
    def __init__(self):
        raise RuntimeError("no database")

    def go(self):
        return "gone"


def rows():
    return [{"a": 1, "b": None}, {"a": 2, "c": "x"}]


def models():
    return [Site(site_id=1, site_name="One"), Site(site_id=2)]


def generated():
    yield {"a": 1}
    yield {"a": 2}


def no_rows():
    return []


def text():
    return "two\\nlines"


def nothing():
    return None


def number():
    return 0


def truth():
    return False


def words():
    return ["one", "two"]


def lists():
    return [[1, 2], [3]]


def letters():
    return "Zo\\xeb"


def fails():
    raise NotFoundError(404, description="there is\\nno such thing")


def lacks():
    raise ImportError("this command needs more.\\n  pip install more")


def os_error():
    open("nowhere/x")


def leaves():
    raise SystemExit(7)


def leaves_quietly():
    raise SystemExit(None)


def leaves_with_words():
    raise SystemExit("that is all")


def interrupted():
    raise KeyboardInterrupt


def bug():
    raise ZeroDivisionError("a bug of the plugin")


no_command = "text"
'''
FUNCTIONS = re.findall(r"^(?:async )?def (\w+)", SOURCE, re.MULTILINE)
CLASSES = {"menu": "Group", "outer": "Outer", "demanding": "Demanding", "failing": "Failing"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The search path of many commands in one distribution, and of another before it."""
    folder = tmp_path_factory.mktemp("plugins")
    commands = {name.replace("_", "-"): f"its_module:{name}" for name in FUNCTIONS}
    commands |= {name: f"its_module:{name_of}" for name, name_of in CLASSES.items()}
    commands |= {
        "called": "its_module:called",
        "no-command": "its_module:no_command",
        "gone": "its_gone:command",
        "lost": "its_module:lost",
        "raising": "its_raising:command",
        "exiting": "its_exiting:command",
        "twice": "its_module:text",
    }
    marked = "import pathlib, sys\npathlib.Path('loaded').write_text('')\n"
    modules = {
        "its_module": SOURCE,
        "its_raising": marked + "raise RuntimeError('first line\\nsecond line')\n",
        "its_exiting": marked + "sys.exit(3)\n",
    }
    distribution(folder, "its-plugin", commands, modules)
    other = tmp_path_factory.mktemp("other")
    distribution(other, "other-plugin", {"twice": "its_module:number"})
    return f"{other}{os.pathsep}{folder}"


@pytest.fixture
def plugged(cli: Cli, installed: str) -> Cli:
    """The command line with those distributions installed."""
    return Cli(cli.folder, {**cli.environ, "PYTHONPATH": installed})


def usage(message: str, command: str) -> Result:
    return Result(2, "", f"imednet: {message}. See imednet {command} --help.\n")


# --- words to arguments --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("typed x", "name='x'", id="defaults"),
        pytest.param("typed 007", "name='007'", id="text"),
        pytest.param("typed --name x", "name='x'", id="by-name"),
        pytest.param("typed x 007", "name='x' number=7", id="word-integer"),
        pytest.param("typed x --number=-3", "name='x' number=-3", id="below-0"),
        pytest.param("typed x --number -3", "name='x' number=-3", id="minus"),
        pytest.param("typed x --ratio 1", "name='x' ratio=1.0", id="float"),
        pytest.param("typed x --no-browser", "name='x' no_browser=True", id="no-is-a-name"),
        pytest.param("typed x --no_browser=true", "name='x' no_browser=True", id="true"),
        pytest.param("typed x --browser=false", "name='x' browser=False", id="false"),
        pytest.param("typed x --label None", "name='x' label='None'", id="None"),
        pytest.param("typed x --label=", "name='x' label=''", id="empty"),
        pytest.param("typed x --label=a=b", "name='x' label='a=b'", id="equals"),
        pytest.param("typed x --label @0", "name='x' label='@0'", id="at"),
        pytest.param("typed x --most 5", "name='x' most=5", id="optional"),
        pytest.param("typed x --plain 5", "name='x' plain='5'", id="unsaid"),
        pytest.param("needs --date 2026-01-01", "2026-01-01", id="required-flag"),
        pytest.param("many a", "('a', (), False)", id="no-more-words"),
        pytest.param("many a 1 2 --loud", "('a', (1, 2), True)", id="more-words"),
        pytest.param("anything --a 1 --b-c x", "{'a': '1', 'b_c': 'x'}", id="any-flag"),
        pytest.param("hidden 3", "3", id="names-for-type-checkers-only"),
        pytest.param("waits me", "waited for me", id="coroutine"),
        pytest.param("called 3", "3", id="callable-object"),
        pytest.param("menu say-hello", "hello you", id="method"),
        pytest.param("menu say_hello me --times 2", "hello me hello me", id="method-with-words"),
        pytest.param("menu fixed", "fixed", id="static-method"),
        pytest.param("outer inner say-hello", "hello you", id="method-within"),
    ],
)
def test_words_become_arguments(line: str, said: str, plugged: Cli) -> None:
    assert plugged(*line.split()) == (0, f"{said}\n", "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("typed", "NAME is missing", id="no-word"),
        pytest.param("typed x 1 2", "'2' is a word too many", id="extra-word"),
        pytest.param("typed x --number y", "--number is 'y': give a whole number", id="integer"),
        pytest.param("typed x y", "NUMBER is 'y': give a whole number", id="integer-word"),
        pytest.param("typed x --ratio y", "--ratio is 'y': give a number", id="float"),
        pytest.param("typed x --most y", "--most is 'y': give a whole number", id="optional"),
        pytest.param("typed x --browser=y", "--browser is 'y': give true or false", id="boolean"),
        pytest.param("typed x --label", "--label needs a value", id="no-value"),
        pytest.param(
            "typed x --lable y", "there is no flag --lable (did you mean --label?)", id="misspelt"
        ),
        pytest.param("needs", "--date is missing", id="required-flag"),
        pytest.param("many a 1 x", "'x': give a whole number", id="more-words"),
        pytest.param("rows 1", "'1' is a word too many", id="no-words-taken"),
    ],
)
def test_lines_that_make_no_sense_run_nothing(line: str, message: str, plugged: Cli) -> None:
    assert plugged(*line.split()) == usage(message, line.split()[0])


def test_a_flag_given_twice_runs_nothing(plugged: Cli) -> None:
    result = plugged("typed", "x", "--label", "a", "--label", "b")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("imednet: --label is given twice")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "result"),
    [
        pytest.param(
            "menu",
            usage("imednet menu needs one of: fixed, say-hello", "menu"),
            id="no-method",
        ),
        pytest.param(
            "menu say-hallo",
            usage("imednet menu has no command 'say-hallo' (did you mean say-hello?)", "menu"),
            id="misspelt",
        ),
        pytest.param(
            "menu port", usage("imednet menu has no command 'port'", "menu"), id="a-number"
        ),
        pytest.param(
            "menu served", usage("imednet menu has no command 'served'", "menu"), id="a-list"
        ),
        pytest.param(
            "menu _private", usage("imednet menu has no command '_private'", "menu"), id="private"
        ),
        pytest.param(
            "menu __init__", usage("imednet menu has no command '__init__'", "menu"), id="dunder"
        ),
        pytest.param(
            "outer inner",
            usage("imednet outer inner needs one of: fixed, say-hello", "outer inner"),
            id="within",
        ),
    ],
)
def test_a_class_offers_its_methods_and_nothing_else(
    line: str, result: Result, plugged: Cli
) -> None:
    assert plugged(*line.split()) == result


def test_help_comes_from_the_docstring(plugged: Cli) -> None:
    result = plugged("typed", "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(
        "NAME\n    imednet typed - Tell what came in, but for what is as it was.\n"
    )
    assert "    imednet typed NAME <flags>\n" in result.out
    for flag in ("number", "ratio", "no-browser", "label"):
        assert f"\n    --{flag}=" in result.out
    menu = plugged("menu", "--help")
    assert (menu.code, menu.err) == (0, "")
    assert "A group of commands." in menu.out
    assert "say-hello\n       Say hello." in menu.out
    assert "port" not in menu.out


def test_the_main_help_lists_commands_without_loading_them(plugged: Cli) -> None:
    result = plugged("--help")
    assert (result.code, result.err) == (0, "")
    listed = re.search(r"Commands of installed plugins: (.*)$", result.out, re.DOTALL)
    assert listed is not None
    names = listed[1].replace("\n", " ").strip().split(", ")
    assert {"typed", "menu", "gone", "raising", "twice", "demo"} <= set(names)
    assert names == sorted(set(names))
    assert not list(plugged.folder.iterdir())


# --- what comes back -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "out", "err"),
    [
        pytest.param("rows", "a  c\n1\n2  x\n", "", id="rows"),
        pytest.param("models", "site_id  site_name\n1        One\n2\n", "", id="models"),
        pytest.param("generated", "a\n1\n2\n", "", id="generator"),
        pytest.param("no-rows", "", "no rows\n", id="no-rows"),
        pytest.param("text", "two\nlines\n", "", id="text"),
        pytest.param("nothing", "", "", id="none"),
        pytest.param("number", "0\n", "", id="number"),
        pytest.param("truth", "False\n", "", id="boolean"),
        pytest.param("words", "one\ntwo\n", "", id="words"),
        pytest.param("lists", "[1, 2]\n[3]\n", "", id="lists-that-are-no-rows"),
        pytest.param("letters", "Zoë\n", "", id="letters"),
    ],
)
def test_what_a_command_returns_is_printed(command: str, out: str, err: str, plugged: Cli) -> None:
    assert plugged(command) == (0, out, err)


def test_an_output_that_is_no_terminal_gets_every_letter(plugged: Cli) -> None:
    result = plugged("letters", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert result == (0, "Zo\u00eb\n", "")


@pytest.mark.parametrize(
    ("command", "code", "err"),
    [
        pytest.param("fails", 1, "imednet: 404: there is no such thing\n", id="imednet-error"),
        pytest.param(
            "lacks", 1, "imednet: this command needs more. pip install more\n", id="import-error"
        ),
        pytest.param(
            "os-error",
            1,
            "imednet: [Errno 2] No such file or directory: 'nowhere/x'\n",
            id="os-error",
        ),
        pytest.param("leaves", 7, "", id="exit-code"),
        pytest.param("leaves-quietly", 0, "", id="exit-none"),
        pytest.param("leaves-with-words", 1, "that is all\n", id="exit-words"),
        pytest.param("interrupted", 130, "", id="ctrl-c"),
    ],
)
def test_how_a_command_may_end(command: str, code: int, err: str, plugged: Cli) -> None:
    assert plugged(command) == (code, "", err)


def test_a_bug_of_a_plugin_keeps_its_traceback(plugged: Cli) -> None:
    """Whoever wrote it needs it; only errors that imednet names become one line."""
    result = plugged("bug")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("Traceback (most recent call last):\n")
    assert result.err.endswith("\nZeroDivisionError: a bug of the plugin\n")


# --- plugins that are broken ---------------------------------------------------------------------

CORRECT = "correct the entry point in its pyproject.toml, and install it again"
BROKEN = [
    pytest.param(
        "gone",
        "its_gone:command",
        "importing it failed: ModuleNotFoundError: No module named 'its_gone'; " + CORRECT,
        id="no-module",
    ),
    pytest.param(
        "lost",
        "its_module:lost",
        "importing it failed: AttributeError: module 'its_module' has no attribute 'lost'; "
        + CORRECT,
        id="no-object",
    ),
    pytest.param(
        "raising",
        "its_raising:command",
        "importing it failed: RuntimeError: first line second line",
        id="raises",
    ),
    pytest.param(
        "exiting", "its_exiting:command", "importing it failed: SystemExit: 3", id="exits"
    ),
    pytest.param(
        "no-command", "its_module:no_command", "it is 'text', which cannot be called", id="text"
    ),
    pytest.param(
        "failing",
        "its_module:Failing",
        "making its commands failed: RuntimeError: no database",
        id="class-that-raises",
    ),
]


@pytest.mark.parametrize(("command", "value", "why"), BROKEN)
def test_a_broken_command_is_named_in_one_line(
    command: str, value: str, why: str, plugged: Cli
) -> None:
    assert plugged(command) == (
        1,
        "",
        f"imednet: the plugin {command!r} of its-plugin 1.0 (imednet.commands: {value}) "
        f"cannot be used: {why}.\n",
    )


def test_a_class_that_wants_arguments_is_named_in_one_line(plugged: Cli) -> None:
    result = plugged("demanding", "go")
    assert (result.code, result.out) == (1, "")
    assert re.fullmatch(
        r"imednet: the plugin 'demanding' of its-plugin 1\.0 \(imednet\.commands: "
        r"its_module:Demanding\) cannot be used: making its commands failed: TypeError: .*"
        r"missing 1 required positional argument: 'what'\.\n",
        result.err,
    )


def test_a_command_registered_twice_names_both(plugged: Cli) -> None:
    assert plugged("twice") == (
        1,
        "",
        "imednet: 2 plugins have a command 'twice': its-plugin, other-plugin.\n",
    )


@pytest.mark.parametrize(
    "words", [["text"], ["--version"], ["sites", "count", "DEMO"]], ids=" ".join
)
def test_a_broken_command_disturbs_no_other(words: list[str], plugged: Cli) -> None:
    result = plugged(*words)
    assert (result.code, result.err) == (0, "")
    assert not list(plugged.folder.iterdir())  # where the broken modules would leave their mark


def test_a_command_is_loaded_when_it_is_called(plugged: Cli) -> None:
    """Or the test above could not fail."""
    assert plugged("raising").code == 1
    assert [path.name for path in plugged.folder.iterdir()] == ["loaded"]


def test_a_broken_workflows_plugin_stops_what_needs_an_sdk_in_one_line(
    cli: Cli, tmp_path: Path
) -> None:
    points = {"workflows": "gone:create"}
    folder = distribution(tmp_path / "packages", "its", points, group="imednet.plugins")
    assert cli("sites", "count", "DEMO", PYTHONPATH=str(folder)) == (
        1,
        "",
        "imednet: the plugin 'workflows' of its 1.0 (imednet.plugins: gone:create) cannot be used: "
        f"importing it failed: ModuleNotFoundError: No module named 'gone'; {CORRECT}.\n",
    )
    assert cli("--version", PYTHONPATH=str(folder)).code == 0


def test_the_cores_own_commands_cannot_be_taken_over(cli: Cli, tmp_path: Path) -> None:
    commands = {"sites": "its:command", "plugins": "its:command", "jobs": "its:command"}
    folder = distribution(tmp_path / "packages", "its", commands, {"its": "command = print\n"})
    for words in (["sites", "count", "DEMO"], ["jobs"]):
        assert cli(*words, PYTHONPATH=str(folder)) == cli(*words)


# --- imednet plugins -----------------------------------------------------------------------------


def test_plugins_lists_each_with_its_state(plugged: Cli) -> None:
    result = plugged("plugins", "--output", "json")
    assert (result.code, result.err) == (0, "")
    found = {(row["name"], row["distribution"]): row for row in json.loads(result.out)}
    assert found["text", "its-plugin"] == {
        "group": "imednet.commands",
        "name": "text",
        "distribution": "its-plugin",
        "version": "1.0",
        "state": "ok",
    }
    assert found["gone", "its-plugin"]["state"] == (
        "the plugin 'gone' of its-plugin 1.0 (imednet.commands: its_gone:command) cannot be used: "
        f"importing it failed: ModuleNotFoundError: No module named 'its_gone'; {CORRECT}."
    )
    assert found["exiting", "its-plugin"]["state"].endswith("SystemExit: 3.")
    assert {name for name, owner in found if owner == "imednet-simulator"} == {"simulate", "demo"}
    assert {owner for name, owner in found if name == "twice"} == {"its-plugin", "other-plugin"}


def test_plugins_lists_all_groups(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    for number, group in enumerate(("imednet.dashboard", "imednet.plugins", "imednet.other")):
        distribution(folder, f"its-{number}", {"page": "builtins:print"}, group=group)
    result = cli("plugins", "--output", "jsonl", PYTHONPATH=str(folder))
    rows = [json.loads(line) for line in result.out.splitlines()]
    ours = [(row["group"], row["state"]) for row in rows if row["name"] == "page"]
    assert ours == [("imednet.plugins", "ok"), ("imednet.dashboard", "ok")]


def test_plugins_as_a_table(cli: Cli, core_alone: Path, tmp_path: Path) -> None:
    folder = distribution(tmp_path / "packages", "its", {"x": "builtins:print", "y": "gone:y"})
    bare = Cli(cli.folder, {}, alone(core_alone, folder))
    why = (
        "the plugin 'y' of its 1.0 (imednet.commands: gone:y) cannot be used: importing it failed: "
        f"ModuleNotFoundError: No module named 'gone'; {CORRECT}."
    )
    table = (
        "group             name  distribution  version  state\n"
        "imednet.commands  x     its           1.0      ok\n"
        f"imednet.commands  y     its           1.0      {why}\n"
    )
    assert bare("plugins") == (0, table, "")


def test_plugins_checked_tells_what_to_change(plugged: Cli) -> None:
    result = plugged("plugins", "--check", "--output", "json")
    assert (result.code, result.err) == (1, "")
    found = {(row["name"], row["distribution"]): row["state"] for row in json.loads(result.out)}
    assert "2 plugins have a command 'twice'" in found["twice", "its-plugin"]
    assert "`imednet rows --help` has nothing to say: give rows a" in found["rows", "its-plugin"]
    assert found["typed", "its-plugin"] == "ok"
    assert found["simulate", "imednet-simulator"] == "ok"


def test_plugins_checked_is_silent_success_where_all_is_well(cli: Cli, server: Simulator) -> None:
    result = cli("plugins", "--check", "--output", "json")
    assert {row["state"] for row in json.loads(result.out)} == {"ok"}
    assert (result.code, result.err, list(server.requests)) == (0, "", [])


def test_plugins_checked_to_a_file_ends_with_the_same_code(plugged: Cli, tmp_path: Path) -> None:
    result = plugged("plugins", "--check", "--to", str(tmp_path / "states.csv"), "--output", "csv")
    assert (result.code, result.out, result.err) == (1, "", "")
    assert "has nothing to say" in (tmp_path / "states.csv").read_text("utf-8")


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
def test_plugins_on_a_narrow_terminal_still_says_why(plugged: Cli) -> None:
    from cli_terminal import on_terminal

    session = on_terminal(plugged, "plugins", output_too=True, columns=60)
    assert session.code == 0
    assert "No module named 'its_gone'" in "".join(session.screen)
