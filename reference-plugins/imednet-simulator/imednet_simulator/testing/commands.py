"""Tests of a command `imednet NAME`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from imednet import checks, entry_points
from imednet.errors import PluginLoadError
from imednet_simulator import Simulator
from imednet_simulator.testing.fresh import KEYS, Ended, fail, imednet, look, server
from imednet_simulator.testing.registered import RegisteredTests

__all__ = ["CommandPluginTests"]


class CommandPluginTests(RegisteredTests):
    """Tests of a command, or of a group of them, each run in a process of its own.

    Attributes:
        name: the command's name.
        calls: what to type after it, for commands that read the study "DEMO" of the
            fixture `imednet_simulator`: `["DEMO --limit 5"]`. Each is run, and run again
            with keys that the server refuses. [] if there are none that end by themselves.
        optional: modules that the commands can do without, and for each what to type
            for one that cannot: `{"pandas": "DEMO --as-frame"}`.

    Example:
        ```python
        class TestReport(CommandPluginTests):
            name = "report"
            calls = ["DEMO --limit 5"]
        ```
    """

    group = entry_points.COMMANDS
    example = "your_package.commands:report"
    calls: ClassVar[Sequence[str] | None] = None

    def test_help_needs_no_settings_and_no_server(self) -> None:
        try:
            words = {self.point.name, *checks.commands(self.point)}
        except PluginLoadError as error:
            fail(str(error))
        seen = look({"lines": [[*each.split(), "--help"] for each in sorted(words)]})
        for line in seen["lines"]:
            typed = shlex.join(line["words"])
            if line["code"] or line["err"] or not line["out"].strip():
                fail(
                    f"`imednet {typed}` is to print help and end with 0, with nothing set and no "
                    f"server: it ended with {line['code']} and said\n{line['err'] or line['out']}"
                )
        if seen["connections"]:
            fail(
                f"asking `imednet {self.name}` for help connects to "
                f"{', '.join(seen['connections'])}: leave that to the commands."
            )

    def test_it_runs_and_shows_no_key(self, imednet_simulator: Simulator) -> None:
        for words in self._all_calls():
            line, ended = self._run(words, server(imednet_simulator))
            if ended.code != 0:
                fail(f"{line} ended with {ended.code}, and said\n{ended.err or ended.out}")
            for key in (imednet_simulator.api_key, imednet_simulator.security_key):
                if key in ended.out + ended.err:
                    fail(f"{line} prints an API key: print no settings that hold one.")

    def test_a_refusal_of_the_server_is_a_sentence(self, imednet_simulator: Simulator) -> None:
        for words in self._all_calls():
            line, ended = self._run(words, server(imednet_simulator, KEYS))
            if ended.code == 0:
                fail(
                    f"{line} ended with 0 although the server refused the keys, and printed\n"
                    f"{ended.out}\nLet ImednetError through: it becomes one line and exit code 1."
                )
            if "Traceback" in ended.err or not ended.err.strip():
                fail(
                    f"{line} ended with {ended.code} as the server refused the keys. Let the "
                    "ImednetError through, which becomes one line, or raise SystemExit with a "
                    f"sentence. It said\n{ended.err or 'nothing'}"
                )

    def without(self, module: str, call: Any, simulator: Simulator) -> None:
        """See that a line says what to install where a module is missing."""
        typed = [self.point.name, *shlex.split(call)]
        order = {"lines": [typed], "without": [module]}
        (ended,) = look(order, **server(simulator))["lines"]
        line = f"without {module} `imednet {shlex.join(typed)}`"
        if ended["code"] == 0:
            fail(f"{line} works as with it: take it out of `optional`.")
        if "pip install" not in ended["err"] or "Traceback" in ended["err"]:
            fail(
                f"{line} is to say what to install. Import it in the command that needs it, and "
                "turn a ModuleNotFoundError into an ImportError that says what to type, "
                f"`pip install ...`. It said\n{ended['err']}"
            )

    def _run(self, words: str, settings: Mapping[str, str]) -> tuple[str, Ended]:
        typed = [self.point.name, *shlex.split(words)]
        return f"`imednet {shlex.join(typed)}`", imednet(*typed, **settings)

    def _all_calls(self) -> Sequence[str]:
        if self.calls is None:
            fail(
                f"set `calls` in {type(self).__name__}: what to type after `imednet {self.name}`, "
                'such as calls = ["DEMO --limit 5"]; [] if no command ends by itself'
            )
        if isinstance(self.calls, str):
            fail(
                f"`calls` of {type(self).__name__} is a text, {self.calls!r}: give a list of such "
                f"texts, [{self.calls!r}]"
            )
        return self.calls
