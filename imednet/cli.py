"""The command line: python-fire over the SDK, and over what plugins register.

fire is kept on a lead: words stay text unless an annotation says otherwise, a
command runs only once every word on the line is accounted for, help is plain
text, and data goes to standard output alone. Exit codes: 0; 1 for an error that
imednet names (one line); 2 for a line that makes no sense; 130 for Ctrl-C.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import os
import re
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, get_args

from imednet import ImednetSDK, __version__, plugins
from imednet.errors import ImednetError, PluginLoadError
from imednet.listing import RESOURCES

__all__ = ["main"]

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
  imednet plugins
  imednet --version

RESOURCE: {resources}
(studies take no STUDY). Keys come from IMEDNET_API_KEY and IMEDNET_SECURITY_KEY, the
server from IMEDNET_BASE_URL. `imednet RESOURCE list --help` lists every flag.

Commands of plugins: {commands}"""


class Usage(Exception):
    """The line makes no sense: exit code 2, and nothing was run."""


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit; `argv` is without the program's name, None for sys.argv."""
    words = sys.argv[1:] if argv is None else list(argv)
    sys.exit(_guarded(words))


def _guarded(words: list[str]) -> int | str | None:
    """Run a line; every way it can end becomes an exit code."""
    try:
        _run(words)
        sys.stdout.flush()
    except Usage as error:
        return _complain(error, 2)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has left (`| head`): no error, and no more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ImednetError, ImportError, OSError) as error:
        return _complain(error, 1)
    except SystemExit as leaving:
        return leaving.code
    return 0


def _complain(error: Exception, code: int) -> int:
    text = " ".join(str(error).split()) or type(error).__name__
    print(f"imednet: {text}", file=sys.stderr)
    return code


def _run(words: list[str]) -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that lacks a letter is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
    elif words == ["--version"]:
        print(f"imednet {__version__}")
    else:
        _dispatch(words[0], words[1:])


def _help() -> str:
    theirs = sorted({point.name for point in plugins.find(plugins.COMMANDS)})
    return HELP.format(
        resources=", ".join(map(_dashed, RESOURCES)), commands=", ".join(theirs) or "none"
    )


def _dispatch(name: str, words: list[str]) -> None:
    resource = name.replace("-", "_")
    if resource in RESOURCES:
        component: Any = _resource(resource)
    elif name == "jobs":
        component = _Menu("jobs", "Batch jobs.", {"get": _job_get, "wait": _job_wait})
    elif name == "plugins":
        component = _plugins
    else:
        component = _plugin_command(name)
    _fire(component, name, words)


def _plugin_command(name: str) -> Any:
    points = plugins.find(plugins.COMMANDS, name)
    if len(points) > 1:
        owners = ", ".join(point.dist.name for point in points if point.dist)
        raise PluginLoadError(f"{len(points)} plugins have a command {name!r}: {owners}.")
    if points:
        return _component(plugins.load(points[0]), name)
    if name in ABSENT:
        title, package = ABSENT[name]
        print(
            f"{title} plugin not found. Install it with:\n  pip install {package}", file=sys.stderr
        )
        raise SystemExit(1)
    known = [*map(_dashed, RESOURCES), "jobs", "plugins", *ABSENT]
    known += [point.name for point in plugins.find(plugins.COMMANDS)]
    near = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else " See imednet --help."
    raise Usage(f"there is no command {name!r}.{hint}")


# --- fire, tamed -------------------------------------------------------------------------------


class _Menu:
    """What fire finds commands in: these names, and no attribute of any Python object."""

    def __init__(self, name: str, about: str, commands: dict[str, Any]) -> None:
        self.__doc__ = about
        self.__name__ = name
        self._commands = commands

    def __dir__(self) -> list[str]:
        return list(self._commands)

    def __getattr__(self, name: str) -> Any:
        commands = vars(self).get("_commands", {})
        if name not in commands:
            raise AttributeError(name)
        return commands[name]


class _Pending:
    """A call that waits until every word on the line has been accounted for."""

    def __init__(self, call: Callable[[], Any]) -> None:
        vars(self)["call"] = call

    def __dir__(self) -> list[str]:
        return []


def _component(thing: Any, name: str) -> Any:
    """Return what fire should see of a plugin's command: a function, or a menu of methods."""
    if inspect.isroutine(thing):
        return thing
    made = thing() if inspect.isclass(thing) else thing
    about = inspect.getdoc(thing) or ""
    parts = {n: getattr(made, n) for n in dir(made) if not n.startswith("_")}
    menus = {
        n: p if inspect.isroutine(p) else _component(p, n) for n, p in parts.items() if _runs(p)
    }
    return _Menu(name, about, menus) if menus or not callable(made) else made.__call__


def _runs(part: Any) -> bool:
    return callable(part) or any(callable(getattr(part, n)) for n in dir(part) if n[0] != "_")


def _fire(component: Any, name: str, words: list[str]) -> None:
    """Let fire find the call that a line means, and run it once the line makes sense."""
    import fire
    import fire.parser

    asked = bool({"-h", "--help"} & set(words))
    if asked:
        words = [word for word in words if word not in ("-h", "--help")] + ["--", "--help"]
    fire.core.Display = lambda lines, out: print(_unstyled("\n".join(lines)), file=_where(asked))
    fire.parser.DefaultParseValue = str  # "007", "None" and "1e5" are words, not Python
    _refuse_repeats(words)
    menu = _Menu("imednet", "", {name: _tamed(component, words)})
    pending = fire.Fire(menu, command=[name, *words], name="imednet", serialize=lambda _: None)
    if isinstance(pending, _Pending):
        _show(pending.call())  # type: ignore[attr-defined]
    elif not asked:
        choices = ", ".join(dir(pending))
        raise Usage(f"imednet {name} needs one of: {choices}. See imednet {name} --help.")


def _where(asked: bool) -> Any:
    return sys.stdout if asked else sys.stderr


def _unstyled(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _refuse_repeats(words: list[str]) -> None:
    """fire would take the last of two equal flags and say nothing."""
    flags = [w.split("=")[0].lstrip("-").replace("-", "_") for w in words if re.match(r"--\w", w)]
    for flag in flags:
        if flags.count(flag) > 1:
            raise Usage(f"--{_dashed(flag)} is given twice; for one of several values use --filter")


def _tamed(component: Any, words: list[str]) -> Any:
    if isinstance(component, _Menu):
        tamed = {name: _tamed(part, words) for name, part in component._commands.items()}
        return _Menu(component.__name__, component.__doc__ or "", tamed)
    return _tamed_function(component, words)


def _tamed_function(function: Callable[..., Any], words: list[str]) -> Callable[..., Any]:
    """Wrap a command: text in, coerced by annotation, and a pending call out."""
    from fire.core import FireError

    signature = inspect.signature(function, eval_str=True)

    @functools.wraps(function)
    def pend(*args: Any, **options: Any) -> _Pending:
        bound = signature.bind(*args, **options)
        try:
            for name, value in bound.arguments.items():
                bound.arguments[name] = _coerced(name, value, signature.parameters[name], words)
        except ValueError as error:
            raise FireError(str(error)) from None
        bound.apply_defaults()
        return _Pending(lambda: function(*bound.args, **bound.kwargs))

    pend.__signature__ = signature  # type: ignore[attr-defined]
    return pend


def _coerced(name: str, value: Any, parameter: inspect.Parameter, words: list[str]) -> Any:
    if not isinstance(value, str):
        return value
    kind = _plain_type(parameter.annotation)
    flag = f"--{_dashed(name)}"
    if kind is bool:
        if value.lower() not in ("true", "false"):
            raise ValueError(f"{flag} is {value!r}: give true or false")
        return value.lower() == "true"
    if value == "True" and not any(word == "True" or word.endswith("=True") for word in words):
        raise ValueError(f"{flag} needs a value")  # fire's own word for a flag without one
    if kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise ValueError(f"{flag} is {value!r}: give {wanted}") from None
    return value


def _plain_type(annotation: Any) -> Any:
    if isinstance(annotation, types.UnionType):
        return next((each for each in get_args(annotation) if each is not type(None)), str)
    return annotation


def _dashed(name: str) -> str:
    return name.replace("_", "-")


# --- the commands of the core ------------------------------------------------------------------


def _show(result: Any) -> None:
    """Print what a command returned: nothing for None, rows as a table."""
    if isinstance(result, list) and result and not isinstance(result[0], (str, int, float)):
        from imednet.output import write

        write(result, "table", sys.stdout)
    elif result is not None:
        print(result)


def _resource(name: str) -> _Menu:
    """The menu of one resource, with a flag for every attribute that can be compared."""
    studies = name == "studies"
    attributes = _attributes(name)
    study = [] if studies else [("study", str)]
    common = [("filter", str | None), ("modified_since", str | None), *attributes]
    if name == "users":
        common = attributes
    listing = [*common, ("sort", str | None), ("limit", int | None), ("page_size", int | None)]

    def run_list(
        *keys: str, output: str = "table", to: str | None = None, **arguments: Any
    ) -> None:
        _write(
            lambda sdk, say: getattr(sdk, name).iter(*keys, on_progress=say, **arguments),
            output,
            to,
        )

    def run_count(*keys: str, **arguments: Any) -> int:
        with ImednetSDK() as sdk:
            return int(_checked(lambda: getattr(sdk, name).count(*keys, **arguments)))

    def run_get(*keys: str, output: str, to: str | None = None) -> None:
        _write(lambda sdk, _: iter([_checked(lambda: getattr(sdk, name).get(*keys))]), output, to)

    written: list[tuple[str, Any]] = [("output", str), ("to", str | None)]
    given = f"--ATTRIBUTE VALUE compares for equality; --filter takes the API's own words. ({name})"
    identity = [("study", str)] if studies else [("study", str), ("id", str)]
    return _Menu(
        name,
        f"List, count or get {name}.",
        {
            "list": _signed(run_list, study, [*listing, *written], f"List {name}. {given}"),
            "count": _signed(run_count, study, common, f"Count {name}. {given}"),
            "get": _signed(run_get, identity, written, f"Show one of the {name}."),
        },
    )


def _attributes(name: str) -> list[tuple[str, Any]]:
    from imednet import models
    from imednet.listing import COMPARABLE
    from imednet.models.decoding import columns

    spec = RESOURCES[name]
    special = [(n, bool | None if n.startswith("include") else str | None) for n in spec.special]
    if not spec.filterable:
        return special
    fields = [c for c in columns(getattr(models, spec.model)) if c.kind in COMPARABLE]
    if name != "studies":  # the study is the command's first word
        fields = [c for c in fields if c.name != "study_key"]
    kinds = [(c.name, bool | None if c.kind == "boolean" else str | None) for c in fields]
    return special + kinds


def _signed(
    run: Callable[..., Any],
    words: list[tuple[str, Any]],
    flags: list[tuple[str, Any]],
    about: str,
) -> Callable[..., Any]:
    """Give a function the signature that fire reads: words, then flags that may be left out."""

    def command(*args: Any, **options: Any) -> Any:
        given = {name: value for name, value in options.items() if value is not None}
        return run(*args, **given)

    kind = inspect.Parameter
    defaults = {"output": "table"}
    parameters = [kind(n, kind.POSITIONAL_OR_KEYWORD, annotation=a) for n, a in words]
    parameters += [
        kind(n, kind.KEYWORD_ONLY, annotation=a, default=defaults.get(n)) for n, a in flags
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__doc__ = about
    return command


def _write(rows: Callable[..., Iterator[Any]], output: str, to: str | None) -> None:
    from imednet.output import FORMATS, destination, write

    if output not in FORMATS:
        raise Usage(f"--output is {output!r}: give one of {', '.join(FORMATS)}")
    with ImednetSDK() as sdk, _Progress() as say:
        found = _checked(lambda: rows(sdk, say))
        with destination(to) as out:
            write(found, output, out)


def _checked(call: Callable[[], Any]) -> Any:
    """Run what checks its arguments before anything is sent: what it refuses is usage."""
    try:
        return call()
    except ImednetError:
        raise
    except (TypeError, ValueError) as error:
        raise Usage(str(error)) from None


class _Progress:
    """Rows so far and in all, on standard error while that is a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        if self._shown:
            sys.stderr.write(f"\r{done:,} of {total:,} rows\x1b[K")
            sys.stderr.flush()

    def __enter__(self) -> Callable[[int, int], None]:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")


def _job_get(study: str, batch: str, *, output: str = "table", to: str | None = None) -> None:
    """Show a batch job as it is now."""
    _write(lambda sdk, _: iter([_checked(lambda: sdk.jobs.get(study, batch))]), output, to)


def _job_wait(
    study: str,
    batch: str,
    *,
    interval: float = 2.0,
    timeout: float = 600.0,
    output: str = "table",
    to: str | None = None,
) -> None:
    """Wait for a batch job to end (interval and timeout in seconds); exit code 1 if it failed."""

    def tell(job: Any) -> None:
        print(f"{batch}: {job.state}", file=sys.stderr)

    def wait(sdk: ImednetSDK, _: object) -> Iterator[Any]:
        options: dict[str, Any] = {"interval": interval, "timeout": timeout, "on_update": tell}
        return iter([_checked(lambda: sdk.jobs.wait(study, batch, **options))])

    _write(wait, output, to)


def _plugins(*, output: str = "table", to: str | None = None) -> None:
    """List every plugin, command and dashboard page that is installed, and whether it loads."""
    from imednet.output import FORMATS, destination, write

    if output not in FORMATS:
        raise Usage(f"--output is {output!r}: give one of {', '.join(FORMATS)}")
    rows: list[dict[str, Any]] = []
    for plugin in plugins.installed():
        row = plugin._asdict()
        row["state"] = row.pop("error") or "ok"
        rows.append(row)
    with destination(to) as out:
        write(rows, output, out)
