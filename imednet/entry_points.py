"""Entry points: finding them without importing anything, and loading one.

What is registered, and by whom, is told without loading it; what cannot be loaded
is named, with its distribution, the cause, and the cure where one shows.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from imednet.errors import PluginLoadError

if TYPE_CHECKING:
    from importlib import metadata

__all__ = [
    "COMMANDS",
    "DASHBOARD",
    "GROUPS",
    "PLUGINS",
    "broken",
    "called",
    "find",
    "load",
    "owner",
    "plain",
    "said",
]

#: The group of `sdk.workflows` and `sdk.plugins.NAME`.
PLUGINS = "imednet.plugins"
#: The group of commands.
COMMANDS = "imednet.commands"
#: The group of pages of the dashboard.
DASHBOARD = "imednet.dashboard"
#: All groups.
GROUPS = (PLUGINS, COMMANDS, DASHBOARD)


def find(group: str, name: str | None = None) -> list[metadata.EntryPoint]:
    """Return the registered entry points of a group, or those of one name; loads nothing."""
    if not _mentioned(group):
        return []
    from importlib import metadata

    found = metadata.entry_points(group=group)
    return [point for point in found if name is None or point.name == name]


def _mentioned(group: str) -> bool:
    """Tell whether an installed distribution may register anything in a group.

    importlib.metadata takes three times as long to import as everything else that
    an SDK needs, so it is left alone while no entry_points.txt on the path holds
    the group's name. Where that cannot be seen at a glance (a zip file on the path,
    a finder of another kind), the answer is that one may.
    """
    if any(f is not PathFinder and hasattr(f, "find_distributions") for f in sys.meta_path):
        return True
    return any(_mentioned_in(folder or ".", group.encode()) for folder in sys.path)


def _mentioned_in(folder: str, group: bytes) -> bool:
    if not os.path.isdir(folder) or folder.lower().endswith(".egg"):
        return os.path.exists(folder)
    try:
        children = os.listdir(folder)
    except OSError:
        return False  # importlib.metadata passes over it as well
    for child in children:
        if child.lower().endswith((".dist-info", ".egg-info")):
            try:
                with open(os.path.join(folder, child, "entry_points.txt"), "rb") as file:
                    if group in file.read():
                        return True
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                return True
    return False


def load(point: metadata.EntryPoint) -> Any:
    """Import what an entry point stands for.

    Raises PluginLoadError if that fails, or if it is nothing that can be called (of a
    dashboard page: neither a callable nor an object or module with a callable `render`).
    """
    try:
        loaded = point.load()
    except (Exception, SystemExit) as error:
        raise broken(point, f"importing it failed: {said(error)}{_cure(point, error)}") from error
    page = point.group == DASHBOARD and callable(getattr(loaded, "render", None))
    if not callable(loaded) and not page:
        raise broken(point, f"it is {loaded!r}, which cannot be called")
    return loaded


def _cure(point: metadata.EntryPoint, error: BaseException) -> str:
    """Return what to change where an import missed a name; "" where something else went wrong."""
    name = getattr(error, "name", None)
    if isinstance(error, AttributeError):
        wrong = name in point.attr.split(".")
    elif isinstance(error, ModuleNotFoundError) and name:
        wrong = f"{point.module}.".startswith(f"{name}.")
        if not wrong:
            return f"; install {name}, which is to be its dependency, or imported where it is used"
    else:
        return ""
    return "; correct the entry point in its pyproject.toml, and install it again" if wrong else ""


def broken(point: metadata.EntryPoint, why: str) -> PluginLoadError:
    """Return the error for a plugin that cannot be used, naming where it comes from."""
    return PluginLoadError(f"{called(point)} cannot be used: {why}.")


def called(point: metadata.EntryPoint) -> str:
    """Return a plugin's name as messages have it, with where it comes from."""
    name, version = owner(point)
    return f"the plugin {point.name!r} of {name} {version} ({point.group}: {point.value})"


def said(error: BaseException) -> str:
    """Return an error's kind and text, to stand within a sentence."""
    return f"{type(error).__name__}: {error}".rstrip(": .")


def owner(point: metadata.EntryPoint) -> tuple[str, str]:
    """Return the name and version of the distribution that an entry point comes from."""
    dist = point.dist
    if dist is None or "Name" not in dist.metadata:  # one that is only half removed, say
        return "an unknown distribution", "?"
    return dist.name, dist.version


def listed(points: list[metadata.EntryPoint]) -> str:
    """Return the distributions of entry points with their versions, in words."""
    return ", ".join(sorted(" ".join(owner(point)) for point in points))


def plain(name: str) -> str:
    """Return a distribution's name as the package index compares it."""
    return name.strip().lower().replace("_", "-").replace(".", "-")
