"""A plugin looked at in a Python of its own; `imednet_simulator.testing` runs this as a script.

So nothing is loaded but what the plugin loads, and every connection is seen, whatever
library it goes through.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import traceback
from typing import Any

__all__ = ["called", "main"]


def main(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out an order and return what was seen, with each connection that was tried.

    `lines` (the words of command lines) are run; or else the plugin `make` (a name, ""
    for `sdk.workflows`) is made, and `call` (a method, its arguments) called. `without`
    names modules that cannot be imported, `secrets` texts that no repr may show. An
    `error`, of making or of calling, is its kind ("ImportError" for those below) and message.
    """
    connections: set[str] = set()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            to = arguments[1]
            connections.add(":".join(map(str, to[:2])) if isinstance(to, tuple) else str(to))
        elif event == "socket.getaddrinfo":
            connections.add(str(arguments[0]))

    sys.addaudithook(watch)
    sys.meta_path.insert(0, _Missing(order.get("without", [])))
    if "lines" in order:
        seen: dict[str, Any] = {"lines": [_run(words) for words in order["lines"]]}
    else:
        try:
            seen = _make(order["make"], order.get("secrets", []), order.get("call"))
        except (Exception, SystemExit) as error:
            seen = {"error": [type(error).__name__, str(error)]}
    return {**seen, "connections": sorted(connections)}


class _Missing:
    """A finder by which modules are missing."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _run(words: list[str]) -> dict[str, Any]:
    from imednet.cli import main as imednet

    out, err = io.StringIO(), io.StringIO()
    code: Any = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            imednet(words)
        except SystemExit as leaving:
            code = leaving.code or 0
        except Exception:
            code = 1
            traceback.print_exc()
    return {"words": words, "code": code, "out": out.getvalue(), "err": err.getvalue()}


def _make(name: str, secrets: list[str], call: list[Any] | None) -> dict[str, Any]:
    from imednet import AsyncImednetSDK, ImednetSDK, entry_points
    from imednet.checks import shown

    # This loads importlib.metadata, which is not the plugin's doing.
    entry_points.find(entry_points.PLUGINS)
    made: list[Any] = []
    loaded: set[str] = set()
    seconds = 0.0
    for kind in (ImednetSDK, AsyncImednetSDK):
        before, start = set(sys.modules), time.perf_counter()
        sdk: Any = kind()
        if name:  # the SDK has its own time, and other plugins theirs
            before, start = set(sys.modules), time.perf_counter()
        made.append(getattr(sdk.plugins, name) if name else sdk.workflows)
        seconds += time.perf_counter() - start
        loaded |= {module.partition(".")[0] for module in set(sys.modules) - before}
    return {
        "seconds": seconds,
        "loaded": sorted(loaded - set(sys.stdlib_module_names) - {"imednet"}),
        "shown": sorted({text for each in made for text in shown(each, secrets)}),
        "error": _error_of(made[0], call) if call else None,
    }


def _error_of(made: Any, call: list[Any]) -> list[str] | None:
    """Call a method and return its error, None if there is none."""
    try:
        called(made, *call)
    except ImportError as error:
        return ["ImportError", str(error)]
    except Exception as error:
        return [type(error).__name__, str(error)]
    return None


def called(made: Any, path: str, given: Any) -> Any:
    """Call a method of a plugin, named by its path ("part.method"), and return the result.

    `given` is a sequence of arguments, or a mapping of them by name.
    """
    method = made
    for name in path.split("."):
        method = getattr(method, name)
    return method(**given) if isinstance(given, dict) else method(*given)


if __name__ == "__main__":
    print("\n" + json.dumps(main(json.loads(sys.argv[1]))))
