"""Runs Python afresh, with the path of this one and with none of its settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

from imednet_simulator import Simulator, probe

__all__ = ["KEYS", "Ended", "fail", "imednet", "look", "nowhere", "server"]

#: Keys that no server accepts, and that are recognised where they show.
KEYS = ("api-key-of-the-kit", "security-key-of-the-kit")
SETTINGS = ("IMEDNET_API_KEY", "IMEDNET_SECURITY_KEY", "IMEDNET_BASE_URL")
TIMEOUT = 120  # seconds, far more than anything here takes


class Ended(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str


def fail(message: str) -> NoReturn:
    """End a test with what to change: no traceback of the kit's own code, no error before."""
    raise pytest.fail.Exception(message, pytrace=False) from None


def look(order: Mapping[str, Any], **settings: str) -> dict[str, Any]:
    """Let a fresh Python carry out an order, see `imednet_simulator.probe.main`."""
    script = ["-P", str(Path(probe.__file__)), json.dumps(order)]
    ended = _python(script, settings)
    try:
        seen: dict[str, Any] = json.loads(ended.out.splitlines()[-1])
    except (IndexError, ValueError):
        fail(f"trying it in a Python of its own broke off:\n{ended.err or ended.out}")
    return seen


def imednet(*words: str, **settings: str) -> Ended:
    """Run a line of the command `imednet` to its end."""
    return _python(["-P", "-m", "imednet", *words], settings)


def server(simulator: Simulator, keys: tuple[str, str] | None = None) -> dict[str, str]:
    """Return the settings that connect to a simulator, with its own keys or others."""
    return _settings(keys or (simulator.api_key, simulator.security_key), simulator.url)


def nowhere() -> dict[str, str]:
    """Return the settings of a server that does not exist; nothing leaves this machine."""
    return _settings(KEYS, "http://127.0.0.1:9")


def _settings(keys: tuple[str, str], url: str) -> dict[str, str]:
    return dict(zip(SETTINGS, (*keys, url), strict=True))


def _python(words: list[str], settings: Mapping[str, str]) -> Ended:
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, *words],
        env={**kept, "PYTHONPATH": path, "PYTHONUTF8": "1", **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
