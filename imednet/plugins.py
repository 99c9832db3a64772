"""The one door for plugins: entry points in three groups.

- `imednet.plugins`: `workflows` becomes `sdk.workflows` when an SDK is made; any
  other name becomes `sdk.plugins.NAME` on first use. Each is a callable that takes
  the SDK.
- `imednet.commands`: a command of `imednet` on the command line.
- `imednet.dashboard`: a page of the dashboard.

A plugin that is broken is named, with its distribution and the cause, and stops
nothing else.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol, TypeAlias, runtime_checkable

from imednet.entry_points import (
    GROUPS,
    PLUGINS,
    broken,
    find,
    listed,
    load,
    owner,
    plain,
    said,
)
from imednet.errors import PluginLoadError

if TYPE_CHECKING:
    from importlib import metadata

    from imednet.aio import AsyncImednetSDK
    from imednet.sdk import ImednetSDK

    AnySDK: TypeAlias = ImednetSDK | AsyncImednetSDK

__all__ = [
    "InstalledPlugin",
    "PluginProtocol",
    "Plugins",
    "WorkflowsNamespaceProtocol",
    "check",
    "chosen",
    "installed",
]

WORKFLOWS = "workflows"
PARTS = ("data_extraction", "query_management", "record_mapper", "record_update", "subject_data")


@runtime_checkable
class WorkflowsNamespaceProtocol(Protocol):
    """What the factory of a `workflows` plugin returns."""

    @property
    def data_extraction(self) -> Any:
        """Records by criteria, and the audit trail."""

    @property
    def query_management(self) -> Any:
        """Queries by state, subject and site."""

    @property
    def record_mapper(self) -> Any:
        """Records as tables."""

    @property
    def record_update(self) -> Any:
        """Records written."""

    @property
    def subject_data(self) -> Any:
        """Everything about one subject."""


@runtime_checkable
class PluginProtocol(Protocol):
    """A `workflows` plugin: a factory that gets the SDK, plain or async, and sends nothing.

    Example:
        >>> def create_workflows(sdk): ...
        >>> isinstance(create_workflows, PluginProtocol)
        True
    """

    def __call__(self, sdk: Any, /) -> WorkflowsNamespaceProtocol: ...


class InstalledPlugin(NamedTuple):
    """One registered entry point; `error` is None where loading it works."""

    group: str
    name: str
    distribution: str
    version: str
    error: str | None


def installed(*, checked: bool = False) -> list[InstalledPlugin]:
    """List every registered plugin, command and page, and whether it loads.

    With `checked` the error is all that `check` finds, not only why it does not load.

    Example:
        >>> ("imednet.commands", "simulate") in [plugin[:2] for plugin in installed()]
        True
    """
    return [_looked_at(point, checked) for group in GROUPS for point in find(group)]


def _looked_at(point: metadata.EntryPoint, checked: bool) -> InstalledPlugin:
    found = []
    if checked:
        from imednet.checks import problems

        found = problems(point)
    else:
        try:
            load(point)
        except PluginLoadError as failure:
            found = [str(failure)]
    name, version = owner(point)
    return InstalledPlugin(point.group, point.name, name, version, " ".join(found) or None)


def check(name: str) -> list[str]:
    """Return what is wrong with a plugin, as far as it shows without a server; [] if nothing.

    `name` is that of an entry point (in any group) or of a distribution. Each finding
    says what to change. The plugin is imported, and made with a plain and an async
    SDK; nothing is sent. That nothing of this name is installed is a finding too.

    Example:
        >>> check("simulate")
        []
        >>> print(check("simulator")[0])
        no plugin or distribution 'simulator' is installed...
    """
    from imednet.checks import problems

    points = [point for group in GROUPS for point in find(group)]
    wanted = [p for p in points if name == p.name or plain(name) == plain(owner(p)[0])]
    if not wanted:
        known = ", ".join(sorted({point.name for point in points})) or "none"
        return [
            f"no plugin or distribution {name!r} is installed; installed: {known}. An entry point "
            "that is new in pyproject.toml is there once its package is installed again."
        ]
    found = [problem for point in wanted for problem in problems(point)]
    return list(dict.fromkeys(found))


def workflows(sdk: AnySDK, wanted: str | None) -> Any:
    """Make what becomes `sdk.workflows`: the plugin's namespace, or a placeholder.

    `wanted` names the distribution to take it from, None for the only one. Raises
    PluginLoadError where it cannot be told which, or the one is broken.
    """
    point = chosen(wanted)
    if point is None:
        return Placeholder("sdk.workflows", "imednet-workflows")
    namespace = _made(point, sdk)
    try:
        lacking = [part for part in PARTS if _lacks(namespace, part)]
    except Exception as error:
        raise broken(point, f"what it returned cannot be used: {said(error)}") from error
    if lacking:
        raise broken(point, f"what it returned has no {', '.join(lacking)}")
    return namespace


def _lacks(namespace: Any, part: str) -> bool:
    """Tell whether it has no such part; raises what a part raises that cannot be made."""
    try:
        getattr(namespace, part)
    except AttributeError as error:
        from inspect import getattr_static

        if error.name != part or getattr_static(namespace, part, None) is not None:
            raise
        return True
    return False


def chosen(wanted: str | None) -> metadata.EntryPoint | None:
    """Return the workflows plugin to use: that of a distribution, or the only one; None if none.

    Raises PluginLoadError where it cannot be told which.
    """
    points = find(PLUGINS, WORKFLOWS)
    if wanted is not None:
        named = [point for point in points if plain(owner(point)[0]) == plain(wanted)]
        if not named:
            raise PluginLoadError(
                f"no workflows plugin comes from {wanted!r}, which workflows= or "
                f"IMEDNET_WORKFLOWS names; installed: {listed(points) or 'none'}."
            )
        points = named
    if len(points) > 1:
        raise PluginLoadError(
            f"{len(points)} workflows plugins are installed, {listed(points)}: uninstall all but "
            "one, or name the distribution to use in workflows= or IMEDNET_WORKFLOWS."
        )
    return points[0] if points else None


def _made(point: metadata.EntryPoint, sdk: AnySDK) -> Any:
    factory = load(point)
    try:
        return factory(sdk)
    except (Exception, SystemExit) as error:
        raise broken(point, f"calling it with the SDK failed: {said(error)}") from error


class Plugins:
    """`sdk.plugins.NAME`: each plugin made with the SDK on first use, then kept."""

    def __init__(self, sdk: AnySDK) -> None:
        self._sdk = sdk
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<plugins: {', '.join(self.__dir__()) or 'none'}>"

    def __dir__(self) -> list[str]:
        return sorted({point.name for point in find(PLUGINS)} - {WORKFLOWS})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == WORKFLOWS:
            raise AttributeError(name)
        with self._lock:
            if name not in vars(self):
                setattr(self, name, self._make(name))
        return vars(self)[name]

    def _make(self, name: str) -> Any:
        points = find(PLUGINS, name)
        if not points:
            known = ", ".join(self.__dir__()) or "none"
            raise AttributeError(f"no plugin {name!r} is installed; installed: {known}")
        if len(points) > 1:
            raise PluginLoadError(
                f"{len(points)} plugins are called {name!r}, {listed(points)}: "
                "uninstall all but one."
            )
        return _made(points[0], self._sdk)


class Placeholder:
    """Stands where a plugin would: any use of it says what to install."""

    __slots__ = ("_message", "_what")

    def __init__(self, what: str, package: str) -> None:
        object.__setattr__(self, "_what", what)
        object.__setattr__(
            self,
            "_message",
            f"{what} comes from a plugin that is not installed. Install it with:\n"
            f"  pip install {package}",
        )

    def __repr__(self) -> str:
        return f"<{self._what}: not installed>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise ImportError(self._message)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise ImportError(self._message)

    __call__ = __getitem__ = __iter__ = __len__ = __contains__ = __bool__ = _refuse
    __setattr__ = __delattr__ = _refuse
