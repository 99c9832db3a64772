"""What holds for all that is registered: it is there once, and the core's check finds nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

from imednet import entry_points
from imednet.checks import problems
from imednet_simulator import Simulator
from imednet_simulator.testing.fresh import fail

__all__ = ["RegisteredTests"]


class RegisteredTests:
    """An entry point of the installed distributions, whatever its group.

    Attributes:
        name: the entry point's name.
        distribution: the distribution that registers it; None: the only one that does.
        group: its group, which each kind of tests sets.
        example: what a value in pyproject.toml looks like, for messages.
        optional: modules that it can do without, and for each a call that cannot.
    """

    name: ClassVar[str] = ""
    distribution: ClassVar[str | None] = None
    group: ClassVar[str] = ""
    example: ClassVar[str] = "your_package:create"
    optional: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        name = "test_without_what_is_optional_it_says_what_to_install"
        setattr(cls, name, getattr(RegisteredTests, name) if cls.optional else None)

    @property
    def point(self) -> EntryPoint:
        """The installed entry point; a test that asks for it fails if there is not just one."""
        if not self.name:
            fail(f"set `name` in {type(self).__name__}: the entry point's name in {self.group}")
        found = entry_points.find(self.group, self.name)
        if self.distribution is not None:
            wanted = entry_points.plain(self.distribution)
            found = [
                point
                for point in found
                if entry_points.plain(entry_points.owner(point)[0]) == wanted
            ]
        if not found:
            fail(self._absent())
        if len(found) > 1:
            owners = ", ".join(sorted(point.dist.name if point.dist else "?" for point in found))
            fail(
                f"{len(found)} distributions register {self.name!r} in {self.group}: {owners}. "
                "Uninstall all but one, or choose a name of your own."
            )
        return found[0]

    def _absent(self) -> str:
        names = {point.name for point in entry_points.find(self.group)}
        there = ", ".join(sorted(names)) or "nothing"
        owner = f"{self.distribution} does not register" if self.distribution else "nothing is"
        verb = "" if self.distribution else " registered as"
        return (
            f"{owner}{verb} {self.name!r} in the group {self.group} (there: {there}). Put this "
            "into pyproject.toml, and install the package again with `pip install -e .`:\n\n"
            f'[project.entry-points."{self.group}"]\n{self.name} = "{self.example}"'
        )

    def test_it_is_registered_once(self) -> None:
        assert self.point.name == self.name

    def test_the_check_of_the_core_finds_nothing(self) -> None:
        found = problems(self.point)
        if found:
            fail("\n".join(found))

    def test_without_what_is_optional_it_says_what_to_install(
        self, imednet_simulator: Simulator
    ) -> None:
        for module, call in self.optional.items():
            self.without(module, call, imednet_simulator)

    def without(self, module: str, call: Any, simulator: Simulator) -> None:
        """See that a call says what to install where a module is missing."""
        fail(f"{type(self).__name__} cannot tell what needs {module}: take it out of `optional`.")
