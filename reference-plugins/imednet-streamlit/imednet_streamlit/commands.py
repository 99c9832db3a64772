"""The command `imednet dashboard`: Streamlit as a child, for this machine only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from imednet.errors import ConfigurationError
from imednet_streamlit.demo import data_folder, with_folder

__all__ = ["DEMO", "dashboard", "serve"]

HOST = "127.0.0.1"
APP = Path(__file__).with_name("app.py")
#: The variable that holds the address of a simulator to be connected to at once.
DEMO = "IMEDNET_DASHBOARD_DEMO"
#: Seconds that Streamlit gets to end by itself.
PATIENCE = 5.0


def dashboard(*, port: int = 8501, no_browser: bool = False) -> None:
    """Open the dashboard in the browser; Ctrl-C ends it.

    Args:
        port: where it listens, on 127.0.0.1 only
        no_browser: only tell the address
    """
    raise SystemExit(serve(port=port, no_browser=no_browser))


def serve(*, port: int = 8501, no_browser: bool = False, demo: str | None = None) -> int:
    """Run the dashboard until it ends, and return its exit code.

    `demo` is the loopback address of a simulator to show at once, with a configuration
    and in a data folder that are gone afterwards; None lets people sign in. Raises
    ConfigurationError for a port that cannot be used, before anything is started.
    Ctrl-C, and on the command line a request to end too, ends the child and comes up as
    KeyboardInterrupt.
    """
    _check_port(port)
    if demo is None:
        return _run(_line(port, no_browser), _environment(None))
    with data_folder() as folder:
        return _run(_line(port, no_browser), with_folder(_environment(demo), folder))


def _run(line: list[str], environment: dict[str, str]) -> int:
    child = subprocess.Popen(line, env=environment)
    try:
        return child.wait()
    finally:
        _end(child)


def _line(port: int, no_browser: bool) -> list[str]:
    return [
        *(sys.executable, "-m", "streamlit", "run", str(APP)),
        f"--server.address={HOST}",
        f"--server.port={port}",
        f"--server.headless={'true' if no_browser else 'false'}",
        "--server.showEmailPrompt=false",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
        "--client.showErrorDetails=type",
        "--client.toolbarMode=viewer",
    ]


def _environment(demo: str | None) -> dict[str, str]:
    """Return the child's environment: without keys, as nobody is signed in by it."""
    dropped = ("IMEDNET_API_KEY", "IMEDNET_SECURITY_KEY")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    kept["STREAMLIT_SERVER_ALLOWED_HOSTS"] = f"{HOST} localhost"
    if demo is not None:
        kept[DEMO] = demo
    return kept


def _check_port(port: int) -> None:
    if not 1 <= port <= 65535:
        raise ConfigurationError(f"--port must be from 1 to 65535, not {port}")
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # a port in TIME_WAIT is free; elsewhere this would share it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigurationError(
            f"port {port} on {HOST} cannot be used ({why}); name another with --port"
        ) from error
    finally:
        probe.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
