"""The command line: python-fire over the SDK, and over what plugins register.

Data goes to standard output and everything else to standard error. Exit codes: 0;
1 for an error that imednet names (one line); 2 for a line that makes no sense
(nothing is run); 130 for Ctrl-C, 143 for a request to end (SIGTERM), 129 for a
terminal that was closed.
"""

from __future__ import annotations

import errno
import functools
import inspect
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from imednet import __version__, entry_points
from imednet.errors import ImednetError, PluginLoadError
from imednet.listing import RESOURCES

__all__ = ["Menu", "component", "main"]

#: Commands of packages that may not be there: what they are called, and the package.
ABSENT = {
    "dashboard": ("Dashboard", "imednet-streamlit"),
    "demo": ("Simulator", "imednet-simulator"),
    "simulate": ("Simulator", "imednet-simulator"),
    "workflows": ("Workflows", "imednet-workflows"),
}
HELP = """\
imednet: study data from the iMednet EDC, on the command line.

  imednet RESOURCE list STUDY [--ATTRIBUTE VALUE ...] [--filter TEXT] [--sort FIELD,DESC]
                              [--limit N] [--modified-since DATE]
                              [--output table|csv|json|jsonl] [--to FILE]
  imednet RESOURCE count STUDY [--ATTRIBUTE VALUE ...] [--filter TEXT]
  imednet RESOURCE get STUDY ID [--output ...] [--to FILE]
  imednet jobs get|wait STUDY BATCH
  imednet plugins [--check]
  imednet --version

RESOURCE is one of
  {resources}
(studies take no STUDY; `imednet RESOURCE list --help` tells every flag).

The keys come from IMEDNET_API_KEY and IMEDNET_SECURITY_KEY, the server from
IMEDNET_BASE_URL where it is not iMednet's own.

Commands of installed plugins: {commands}"""


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit; `argv` is without the program's name, None for sys.argv."""
    sys.exit(_guarded(sys.argv[1:] if argv is None else list(argv)))


def _guarded(words: list[str]) -> Any:
    """Run a line; every way it can end becomes an exit code."""
    from imednet.commands import Usage

    _prepare_streams()
    _prepare_signals()
    try:
        code = _exit_code(words)
        sys.stdout.flush()
    except Usage as error:
        return _complain(error, 2)
    except KeyboardInterrupt as stopped:
        return stopped.code if isinstance(stopped, _ToldToEnd) else 130
    except BrokenPipeError:  # the reader of our output has left (`| head`): no error
        _let_go_of_stdout()
        return 0
    except (ImednetError, ImportError, OSError) as error:
        _let_go_of_stdout()
        if sys.platform == "win32" and _of_a_reader_gone(error):
            return 0
        return _complain(error, 1)
    return code


def _of_a_reader_gone(error: Exception) -> bool:
    """Tell what Windows says of a reader that has left from what it says of a file's bad name."""
    return isinstance(error, OSError) and error.errno == errno.EINVAL and error.filename is None


def _let_go_of_stdout() -> None:
    """Write what can still be written, and keep Python from complaining at its exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit_code(words: list[str]) -> Any:
    try:
        _run(words)
    except SystemExit as leaving:  # fire's after help, a command's own
        return leaving.code
    return 0


def _prepare_streams() -> None:
    """Make do with a missing stream, and with a console that lacks a letter."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # as under pythonw and some schedulers
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (open till the end)
        elif hasattr(getattr(sys, name), "reconfigure"):
            stream = getattr(sys, name)
            # A file or program gets UTF-8 and line ends as they are written, whatever the
            # system's habit: no letter is lost, and no line end within a cell becomes another.
            changes = {} if stream.isatty() else {"encoding": "utf-8", "newline": ""}
            stream.reconfigure(errors="backslashreplace", **changes)


def _prepare_signals() -> None:
    """Have a scheduler's or a closed terminal's order to end unwind: no draft is left behind."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores the latter
            signal.signal(number, _leave)


class _ToldToEnd(KeyboardInterrupt):
    """A signal to end: like Ctrl-C, and unlike SystemExit, no failure of the plugin it meets."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


def _leave(number: int, _: object) -> NoReturn:
    raise _ToldToEnd(number)


def _complain(error: Exception, code: int) -> int:
    from imednet.output import one_line

    print(f"imednet: {one_line(str(error)) or type(error).__name__}", file=sys.stderr)
    return code


def _run(words: list[str]) -> None:
    from imednet.commands import Usage

    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
    elif words[0] == "--version":
        if words[1:]:
            raise Usage(f"--version stands alone, and {words[1]!r} came after it.")
        print(f"imednet {__version__}")
    else:
        _fire(component(words[0]), words)


def _help() -> str:
    from imednet.words import dashed

    names = [dashed(name) for name in RESOURCES]
    theirs = sorted({point.name for point in entry_points.find(entry_points.COMMANDS)})
    rows = ", ".join(names[:7]) + ",\n  " + ", ".join(names[7:])
    return HELP.format(resources=rows, commands=", ".join(theirs) or "none")


def component(name: str) -> Any:
    """Return what a command's first word stands for: a function or a menu of them."""
    from imednet import commands

    if name.replace("-", "_") in RESOURCES:
        return Menu(f"List, count or show {name}.", commands.resource(name.replace("-", "_")))
    if name == "jobs":
        return Menu("Batch jobs of records that were sent.", commands.jobs)
    if name == "plugins":
        return commands.installed_plugins
    return _plugin_command(name)


def _plugin_command(name: str) -> Any:
    from imednet.commands import Usage
    from imednet.words import dashed, suggestion

    points = entry_points.find(entry_points.COMMANDS, name)
    if len(points) > 1:
        owners = ", ".join(sorted(point.dist.name for point in points if point.dist))
        raise PluginLoadError(f"{len(points)} plugins have a command {name!r}: {owners}.")
    if points:
        command = entry_points.load(points[0])
        try:
            return _from_plugin(command)
        except Exception as error:
            why = f"making its commands failed: {type(error).__name__}: {error}"
            raise entry_points.broken(points[0], why) from error
    if name in ABSENT:
        title, package = ABSENT[name]
        print(f"{title} plugin not found. Install it with:", file=sys.stderr)
        print(f"  pip install {package}", file=sys.stderr)
        raise SystemExit(1)
    known = [*map(dashed, RESOURCES), "jobs", "plugins", *ABSENT]
    known += [point.name for point in entry_points.find(entry_points.COMMANDS)]
    hint = suggestion(name, known, "imednet ")
    raise Usage(f"there is no command {name!r}{hint}. See imednet --help.")


def _from_plugin(thing: Any) -> Any:
    """Return a plugin's callable as it is, and a class or object as a menu of its methods.

    Properties are not read, and plain values (a version, a port) are no commands.
    """
    if inspect.isroutine(thing):
        return thing
    made: Any = thing() if inspect.isclass(thing) else thing
    menu: dict[str, Any] = {}
    for name in dir(made):
        if name.startswith("_") or isinstance(inspect.getattr_static(made, name), property):
            continue
        part = getattr(made, name)
        home = type(part).__module__.partition(".")[0]
        if callable(part) and not inspect.isclass(part):
            menu[name] = part
        elif inspect.isclass(part) or home not in sys.stdlib_module_names:
            menu[name] = _from_plugin(part)
    alone = not menu and callable(made)
    return made.__call__ if alone else Menu(inspect.getdoc(thing) or "", menu)


class Menu:
    """What fire finds commands in: these names, and no attribute of any Python object."""

    def __init__(self, about: str, commands: dict[str, Any]) -> None:
        self.__doc__ = about
        self._commands = {name.replace("_", "-"): part for name, part in commands.items()}

    def __dir__(self) -> list[str]:
        return list(self._commands)

    def __getattr__(self, name: str) -> Any:
        commands: dict[str, Any] = vars(self).get("_commands", {})
        if name.replace("_", "-") not in commands:
            raise AttributeError(name)
        return commands[name.replace("_", "-")]


def _fire(component: Any, words: list[str]) -> None:
    """Account for every word, and let fire make the call, or the help."""
    from imednet.commands import Usage
    from imednet.words import arguments, dashed, suggestion

    asked = bool({"-h", "--help"} & set(words))
    rest = [word for word in words[1:] if word not in ("-h", "--help")]
    path, top = [dashed(words[0])], Menu("", {words[0]: component})
    while isinstance(component, Menu) and rest and not rest[0].startswith("-"):
        word = rest.pop(0)
        if dashed(word) not in dir(component):
            near = suggestion(word, dir(component))
            called = " ".join(["imednet", *path])
            raise Usage(f"{called} has no command {word!r}{near}. See {called} --help.")
        component = getattr(component, word)
        path.append(dashed(word))
    called = " ".join(["imednet", *path])
    if asked:
        _call(top, [*path, "--", "--help"])
    elif isinstance(component, Menu):
        choices = ", ".join(dir(component))
        raise Usage(f"{called} needs one of: {choices}. See {called} --help.")
    else:
        given = arguments(component, rest, called)
        _call(top, path, given)


def _call(top: Menu, path: list[str], given: dict[str, Any] | None = None) -> None:
    """Hand fire a line that it cannot misread: names, and for arguments where they are kept."""
    import fire
    import fire.parser

    kept: dict[str, Any] = {}

    def keep(value: Any) -> str:
        kept[f"@{len(kept)}"] = value
        return f"@{len(kept) - 1}"

    line = list(path)
    for name, value in (given or {}).items():
        if isinstance(value, list):  # the words of a command that takes any number of them
            line += map(keep, value)
        else:
            line.append(f"--{name}={keep(value)}")
    fire.core.Display = lambda lines, out: print(_plain("\n".join(lines)))
    fire.parser.DefaultParseValue = lambda text: kept.get(text, text)
    fire.Fire(_printing(top), command=line, name="imednet", serialize=lambda _: None)


def _printing(component: Any) -> Any:
    """Return a menu whose commands print what they return."""
    if isinstance(component, Menu):
        parts = {name: _printing(part) for name, part in component._commands.items()}
        return Menu(component.__doc__ or "", parts)
    return _with_output(component)


def _with_output(command: Callable[..., Any]) -> Callable[..., Any]:
    from imednet.words import signature

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        _print(command(*args, **options))

    run.__signature__ = signature(command)  # type: ignore[attr-defined]
    return run


def _print(result: Any) -> None:
    """Print what a command returned: rows as a table, nothing for None, all else as it is."""
    if inspect.isawaitable(result):
        import asyncio

        result = asyncio.run(_awaited(result))
    if isinstance(result, (list, tuple, Iterator)):
        from imednet.output import is_row, write

        items = list(result)
        if all(map(is_row, items)):
            write(items, "table", sys.stdout)
        else:
            print(*items, sep="\n")
    elif result is not None:
        print(result)


async def _awaited(result: Any) -> Any:
    return await result


def _plain(text: str) -> str:
    """Return fire's help without escape codes, spelt as this command line spells things."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"-\w, --", "--", text)
    text = re.sub(r"--[a-z_]+", lambda match: match[0].replace("_", "-"), text)
    text = re.sub(r"Optional\[(\w+) \| None\]", r"\1", text)
    return re.sub(r"\n +Default: None(?=\n|$)", "", text)
