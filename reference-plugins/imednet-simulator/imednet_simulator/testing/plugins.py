"""Tests of what becomes `sdk.plugins.NAME`, and of what becomes `sdk.workflows`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from imednet import AsyncImednetSDK, ImednetSDK, entry_points, plugins
from imednet_simulator import Simulator
from imednet_simulator.testing.calling import Arguments, Call, same, short
from imednet_simulator.testing.fresh import KEYS, fail, look, nowhere, server
from imednet_simulator.testing.registered import RegisteredTests

__all__ = ["NamedPluginTests", "WorkflowsPluginTests"]


class NamedPluginTests(RegisteredTests):
    """Tests of a plugin `sdk.plugins.NAME`.

    Attributes:
        name: the plugin's name.
        calls: methods that read, and their arguments (a sequence, or a mapping by
            name), for the study "DEMO" of the fixture `imednet_simulator`; a dotted
            name for the method of a part. Each is called with a plain SDK, with an
            async one, and with keys that the server refuses. {} if there are none.
        optional: modules that the plugin can do without, and for each the method that
            cannot, with its arguments: `{"pandas": ("as_frame", ["DEMO"])}`.
        seconds: what importing and making it may take, for both kinds of SDK together.

    Example:
        ```python
        class TestReports(NamedPluginTests):
            name = "reports"
            calls = {"open_sites": ("DEMO",)}
        ```
    """

    group = entry_points.PLUGINS
    calls: ClassVar[Mapping[str, Arguments] | None] = None
    seconds: ClassVar[float] = 1.0

    def made(self, sdk: Any) -> Any:
        """Return the plugin as an SDK has it."""
        return getattr(sdk.plugins, self.point.name)

    def test_making_it_sends_nothing(self) -> None:
        self._looked_at()

    def test_making_it_takes_little_time(self) -> None:
        seen = self._looked_at()
        for _ in range(2):  # a busy machine makes it slow, too
            if seen["seconds"] > self.seconds:
                seen = min(seen, self._looked_at(), key=lambda each: float(each["seconds"]))
        if seen["seconds"] > self.seconds:
            fail(
                f"importing and making {self.shown_as} takes {seen['seconds']:.1f} s, more than "
                f"{self.seconds:g} s, and every program that uses it waits. It loads "
                f"{', '.join(seen['loaded'])}: import what is large inside the methods that need "
                "it, and leave all work to them."
            )

    def test_its_repr_shows_no_key(self) -> None:
        shown = self._looked_at()["shown"]
        if shown:
            fail(f"{self.shown_as}: {'; '.join(shown)}.")

    def test_its_methods_work_with_a_plain_sdk(self, imednet_simulator: Simulator) -> None:
        for call in self._all_calls():
            with _plain(imednet_simulator) as sdk:
                call.plain(self.made(sdk))

    def test_its_methods_work_with_an_async_sdk(self, imednet_simulator: Simulator) -> None:
        async def result(call: Call) -> tuple[Any, Any]:
            keys = imednet_simulator.api_key, imednet_simulator.security_key
            async with AsyncImednetSDK(*keys, imednet_simulator.url) as sdk:
                made = self.made(sdk)
                return await call.awaited(made), call.plain(self.made(sdk.sync))

        for call in self._all_calls():
            other, plain = asyncio.run(result(call))
            if not same(plain, other):
                fail(
                    f"{call} gives {short(plain)} with a plain SDK and {short(other)} with an "
                    "async one: let one implementation serve both, with `imednet.aio.awaited`."
                )

    def test_a_refusal_of_the_server_is_an_error(self, imednet_simulator: Simulator) -> None:
        for call in self._all_calls():
            with ImednetSDK(*KEYS, imednet_simulator.url) as sdk:
                call.refused(self.made(sdk))

    def without(self, module: str, call: Any, simulator: Simulator) -> None:
        """See that a call says what to install where a module is missing."""
        method, given = call
        order = {**self._order(), "without": [module], "call": [method, given]}
        kind, said = look(order, **server(simulator))["error"] or ("", "")
        line = f"without {module} {Call(method, given)}"
        if not kind:
            fail(f"{line} works as with it: take it out of `optional`.")
        if kind != "ImportError" or "pip install" not in said:
            fail(
                f"{line} ends in {kind}: {said}. Import it in the method that needs it, and turn "
                "a ModuleNotFoundError into an ImportError that says what to type, "
                "`pip install ...`."
            )

    @property
    def shown_as(self) -> str:
        """What users write to get it."""
        return f"`sdk.plugins.{self.name}`"

    def _order(self) -> dict[str, Any]:
        return {"make": self.point.name, "secrets": KEYS}

    def _looked_at(self) -> dict[str, Any]:
        seen = look(self._order(), **nowhere())
        if seen["connections"]:
            fail(
                f"making {self.shown_as} connects to {', '.join(seen['connections'])}. Importing "
                "and making a plugin must send nothing: leave that to its methods."
            )
        if seen["error"]:
            fail(f"making {self.shown_as} ends in {': '.join(seen['error'])}")
        return seen

    def _all_calls(self) -> list[Call]:
        if self.calls is None:
            fail(
                f"set `calls` in {type(self).__name__}: the methods to try, with their arguments, "
                'such as calls = {"open_sites": ("DEMO",)}; {} if there are none that read'
            )
        for method, given in self.calls.items():
            if isinstance(given, str):
                fail(
                    f"the arguments of {method} in `calls` of {type(self).__name__} are a text, "
                    f"{given!r}: give a tuple, ({given!r},) with its comma"
                )
        return [Call(method, given) for method, given in self.calls.items()]


class WorkflowsPluginTests(NamedPluginTests):
    """Tests of a plugin that becomes `sdk.workflows`; it is chosen by IMEDNET_WORKFLOWS.

    Attributes:
        distribution: the distribution that registers it.
        calls, optional, seconds: as of `NamedPluginTests`; methods stand in a part.

    Example:
        ```python
        class TestWorkflows(WorkflowsPluginTests):
            distribution = "acme-workflows"
            calls = {"query_management.get_query_state_counts": ("DEMO",)}
        ```
    """

    name = plugins.WORKFLOWS
    example = "your_package:create_workflows"

    @pytest.fixture(autouse=True)
    def chosen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this distribution's be the one, where several are installed."""
        if self.distribution is None:
            fail(f"set `distribution` in {type(self).__name__}: the one whose namespace it tests")
        monkeypatch.setenv("IMEDNET_WORKFLOWS", self.distribution)

    def made(self, sdk: Any) -> Any:
        """Return the namespace as an SDK has it."""
        return sdk.workflows

    @property
    def shown_as(self) -> str:
        """What users write to get it."""
        return "`sdk.workflows`"

    def _order(self) -> dict[str, Any]:
        return {"make": "", "secrets": KEYS}


def _plain(simulator: Simulator) -> ImednetSDK:
    return ImednetSDK(simulator.api_key, simulator.security_key, simulator.url)
