"""The commands of the core: each resource listed, counted or shown; jobs; plugins."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

from imednet import ImednetSDK, models, plugins
from imednet.errors import ImednetError
from imednet.listing import COMPARABLE, RESOURCES
from imednet.output import FORMATS, destination, write
from imednet.progress import Progress

__all__ = ["Usage", "installed_plugins", "jobs", "resource"]

Flags = list[tuple[str, Any]]


class Usage(Exception):
    """The line makes no sense: exit code 2, and nothing was run."""


def resource(name: str) -> dict[str, Callable[..., Any]]:
    """Return the commands of one resource, with a flag for every attribute that compares."""
    words: Flags = [] if name == "studies" else [("study", str)]
    conditions = _conditions(name)
    paging: Flags = [("sort", str | None), ("limit", int | None), ("page_size", int | None)]
    to: Flags = [("output", str), ("to", str | None)]

    def list_rows(*keys: str, output: str, to: str | None, **arguments: Any) -> None:
        def rows(sdk: ImednetSDK, progress: Any) -> Iterator[Any]:
            found: Iterator[Any] = getattr(sdk, name).iter(
                *keys, on_progress=progress, **_given(arguments)
            )
            return found

        _write(rows, output, to, RESOURCES[name].model)

    def count_rows(*keys: str, **arguments: Any) -> int:
        with ImednetSDK() as sdk:
            return int(_checked(lambda: getattr(sdk, name).count(*keys, **_given(arguments))))

    def get_row(*keys: str, output: str, to: str | None) -> None:
        _show(lambda sdk: getattr(sdk, name).get(*keys), output, to)

    one: Flags = [("study", str)] if name == "studies" else [("study", str), ("id", str)]
    about = "--ATTRIBUTE VALUE compares for equality, --filter takes the API's own words."
    return {
        "list": _signed(list_rows, words, [*conditions, *paging, *to], f"List {name}. {about}"),
        "count": _signed(count_rows, words, conditions, f"Count {name}. {about}"),
        "get": _signed(get_row, one, to, f"Show one of the {name} by its key."),
    }


def _conditions(name: str) -> Flags:
    from imednet.models.decoding import columns

    spec = RESOURCES[name]
    special: Flags = [
        (n, bool | None if n.startswith("include") else str | None) for n in spec.special
    ]
    if not spec.filterable:
        return special
    kinds = {"boolean": bool | None, "integer": int | None}
    flags: Flags = [
        (column.name, kinds.get(column.kind, str | None))
        for column in columns(getattr(models, spec.model))
        if column.kind in COMPARABLE and (column.name != "study_key" or name == "studies")
    ]
    return [("filter", str | None), ("modified_since", str | None), *special, *flags]


def _signed(run: Callable[..., Any], words: Flags, flags: Flags, about: str) -> Callable[..., Any]:
    """Give a function the signature that the command line reads: words, then flags."""

    kind = inspect.Parameter
    parameters = [kind(n, kind.POSITIONAL_OR_KEYWORD, annotation=a) for n, a in words]
    for name, annotation in flags:
        default = "table" if name == "output" else None
        parameters.append(kind(name, kind.KEYWORD_ONLY, annotation=annotation, default=default))
    signature = inspect.Signature(parameters)

    def command(*args: Any, **options: Any) -> Any:
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        return run(*bound.args, **bound.kwargs)

    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__doc__ = about
    return command


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _write(
    rows: Callable[[ImednetSDK, Any], Iterator[Any]],
    output: str,
    to: str | None,
    model: str | None = None,
    table: str = "table",
) -> None:
    if output not in FORMATS:
        raise Usage(f"--output is {output!r}: give one of {', '.join(FORMATS)}")
    if to is not None and not to.strip():
        raise Usage("--to is empty: give a file's name")
    # Of JSON rows come one by one: on a terminal they are progress enough.
    streams = output.startswith("json") and to is None and sys.stdout.isatty()
    shown = False if streams else None
    with ImednetSDK() as sdk, destination(to) as out, Progress(shown) as progress:
        found = _checked(lambda: rows(sdk, progress))
        form = table if output == "table" else output
        kept = [] if model is None else models.columns(getattr(models, model))
        names = [column.name for column in kept if column.name != "record_data"]
        write(progress.until_last(found), form, out, names)


def _show(row: Callable[[ImednetSDK], Any], output: str, to: str | None) -> None:
    """Write one row: as a table would not, with every field and answer."""
    _write(lambda sdk, _: iter([row(sdk)]), output, to, table="detail")


def _checked(call: Callable[[], Any]) -> Any:
    """Run what checks its arguments before anything is sent: what it refuses is usage."""
    try:
        return call()
    except ImednetError:
        raise
    except (TypeError, ValueError) as error:
        raise Usage(str(error)) from None


def _get_job(study: str, batch: str, *, output: str = "table", to: str | None = None) -> None:
    """Show a batch job as it is now."""
    _show(lambda sdk: sdk.jobs.get(study, batch), output, to)


def _wait_for_job(
    study: str,
    batch: str,
    *,
    interval: float = 2.0,
    timeout: float = 600.0,
    output: str = "table",
    to: str | None = None,
) -> None:
    """Wait for a batch job to end (interval and timeout in seconds); exit code 1 if it failed."""

    states: list[str] = []

    def tell(job: Any) -> None:
        if sys.stderr.isatty() and job.state not in states[-1:]:
            print(f"{batch}: {job.state}", file=sys.stderr)
        states.append(job.state)

    options: Any = {"interval": interval, "timeout": timeout, "on_update": tell}
    _show(lambda sdk: sdk.jobs.wait(study, batch, **options), output, to)


jobs = {"get": _get_job, "wait": _wait_for_job}


def installed_plugins(*, check: bool = False, output: str = "table", to: str | None = None) -> None:
    """List every plugin, command and dashboard page that is installed, and whether it loads.

    Args:
        check: look closely (each is made with an SDK, nothing is sent); exit code 1 if one fails
        output: table, csv, json or jsonl
        to: a file to write instead
    """
    if output not in FORMATS:
        raise Usage(f"--output is {output!r}: give one of {', '.join(FORMATS)}")
    found = plugins.installed(checked=check)
    rows: list[dict[str, Any]] = []
    for plugin in found:
        row = plugin._asdict()
        row["state"] = row.pop("error") or "ok"
        rows.append(row)
    with destination(to) as out:
        write(rows, "wide" if output == "table" else output, out)
    if check and any(plugin.error for plugin in found):
        raise SystemExit(1)
