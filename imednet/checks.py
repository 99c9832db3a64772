"""What can be told of a plugin without a server: behind `imednet.plugins.check`.

Each finding is a sentence that says what is wrong and what to change.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from imednet import entry_points, plugins
from imednet.aio import AsyncImednetSDK
from imednet.errors import PluginLoadError, RequestError
from imednet.listing import RESOURCES
from imednet.sdk import ImednetSDK

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["commands", "page", "problems", "shown"]

#: Nobody listens there, and nothing leaves this machine.
NOWHERE = "http://127.0.0.1:9"
KEYS = ("api-key-of-a-check", "security-key-of-a-check")
SENDS_NOTHING = "making a plugin must send nothing: leave requests to its methods"


def problems(point: EntryPoint) -> list[str]:
    """Return what is wrong with a plugin, command or page; nothing where all is well.

    A plugin is made with a plain and with an async SDK, whose server does not exist.
    """
    look = {
        entry_points.PLUGINS: _plugin,
        entry_points.COMMANDS: _command,
        entry_points.DASHBOARD: _page,
    }
    found: list[str] = []
    try:
        entry_points.load(point)
        for what in look[point.group](point):
            found.append(f"{entry_points.called(point)}: {what}.")
    except PluginLoadError as error:
        found.append(str(error))
    return found


def _plugin(point: EntryPoint) -> Iterator[str]:
    owner = None
    if point.name == plugins.WORKFLOWS:
        plugins.chosen(os.environ.get("IMEDNET_WORKFLOWS") or None)
        owner = entry_points.owner(point)[0]
    elif not point.name.isidentifier() or iskeyword(point.name) or point.name.startswith("_"):
        yield f"`sdk.plugins.{point.name}` is no Python: choose a name such as acme_reports"
        return
    yield from _made_with("a plain SDK", ImednetSDK, point, owner)
    yield from _made_with("an async SDK", AsyncImednetSDK, point, owner)


def _made_with(
    kind: str, make: Callable[..., Any], point: EntryPoint, owner: str | None
) -> Iterator[str]:
    try:
        sdk = make(*KEYS, NOWHERE, timeout=1, retries=0, workflows=owner)
        made = sdk.workflows if owner is not None else getattr(sdk.plugins, point.name)
    except PluginLoadError as error:
        sends = isinstance(error.__cause__, RequestError)
        why = f"; {SENDS_NOTHING}" if sends else f" (tried with {kind})"
        raise PluginLoadError(f"{str(error)[:-1]}{why}.") from error
    plain = getattr(sdk, "sync", sdk)
    if plain._transport is not None:
        yield f"made with {kind} it opens the connections at once; {SENDS_NOTHING}"
    plain.close()
    if made is None:
        yield f"called with {kind} it returned None: return the object that people are to use"
    secrets = [*KEYS, *map(os.environ.get, ("IMEDNET_API_KEY", "IMEDNET_SECURITY_KEY"))]
    yield from shown(made, [secret for secret in secrets if secret])


def shown(made: Any, secrets: list[str]) -> list[str]:
    """Return what is wrong with the repr of a plugin, and of what stands in it by name.

    `secrets` are texts that may not occur there.
    """
    found = []
    names = [name for name in dir(made) if not name.startswith("_")]
    static = {name: inspect.getattr_static(made, name, None) for name in names}
    values = {name: value for name, value in static.items() if not hasattr(value, "__get__")}
    for where, thing in {"": made, **values}.items():
        called = f"its {where}" if where else "it"
        try:
            text = f"{thing!r} {thing}"
        except Exception as error:
            found.append(f"the repr of {called} raises {type(error).__name__}: {error}")
            continue
        if any(secret in text for secret in secrets):
            found.append(
                f"the repr of {called} shows an API key: keep no key, and give the class a "
                "__repr__ without one"
            )
    return found


def commands(point: EntryPoint) -> dict[str, Callable[..., Any]]:
    """Return a plugin's commands by the words that call them.

    A function is one, `{"report": report}`; a class is one a method, `{"report sites": ...}`.
    Raises PluginLoadError if they cannot be made.
    """
    from imednet.cli import component

    return dict(_leaves(point.name, component(point.name)))


def _leaves(words: str, thing: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    from imednet.cli import Menu

    if not isinstance(thing, Menu):
        yield words, thing
        return
    for name in dir(thing):
        yield from _leaves(f"{words} {name}", getattr(thing, name))


def _command(point: EntryPoint) -> Iterator[str]:
    if point.name.replace("-", "_") in RESOURCES or point.name in ("jobs", "plugins", "help"):
        yield f"`imednet {point.name}` is imednet's own command: choose another name"
        return
    if point.name.startswith("-") or not point.name.isprintable() or " " in point.name:
        yield "a command's name is one word: letters, digits and dashes"
        return
    found = commands(point)
    if not found:
        yield "it has no commands: give the class public methods, or register a function"
    for words, command in found.items():
        if not (inspect.getdoc(command) or "").strip():
            yield (
                f"`imednet {words} --help` has nothing to say: give {_name(command)} a docstring, "
                "what it does in the first line and each argument under Args:"
            )


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


def _page(point: EntryPoint) -> Iterator[str]:
    rivals = entry_points.find(entry_points.DASHBOARD, point.name)
    if len(rivals) > 1:
        yield f"{len(rivals)} pages are called {point.name!r}: uninstall all but one"
    yield from page(point.load())


def page(thing: Any) -> list[str]:
    """Return what keeps a thing from being a page of the dashboard.

    Example:
        >>> page(lambda sdk, study_key: None)
        ['it has no title: give it one, a line of text']
    """
    found = []
    render = getattr(thing, "render", thing)
    title, icon = getattr(thing, "title", None), getattr(thing, "icon", None)
    if not isinstance(title, str) or not title.strip():
        found.append("it has no title: give it one, a line of text")
    if icon is not None and not isinstance(icon, str):
        found.append(f"its icon is {icon!r}: give an emoji, :material/name: or None")
    if not callable(render):
        return [*found, "it has no render(sdk, study_key) that can be called: define it"]
    try:
        inspect.signature(render).bind(None, "")
    except (TypeError, ValueError) as error:
        found.append(f"its render is called as render(sdk, study_key), and cannot be: {error}")
    return found
