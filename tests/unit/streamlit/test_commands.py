"""`imednet dashboard` as a process: where it listens, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import urllib3

import imednet_streamlit.app
from imednet.errors import ConfigurationError
from imednet_streamlit import commands

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def started(
    folder: Path, port: int, command: str = "dashboard", **environ: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "imednet", command, "--port", str(port), "--no-browser"],
        cwd=folder,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def answer(port: int, path: str = "/_stcore/health", **headers: str) -> Any:
    pool = urllib3.PoolManager(retries=False, timeout=5)
    for _ in range(300):
        try:
            return pool.request("GET", f"http://{HOST}:{port}{path}", headers=headers)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    raise AssertionError("no answer")


def children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(re.findall(r"\) \S (\d+)", (folder / "stat").read_text())[0]) == pid:
                found.append(int(folder.name))
        except (OSError, IndexError):
            continue
    return found


def listening(port: int) -> set[str]:
    """The local addresses of IPv4 and IPv6 on which this port listens, as /proc has them."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A" and int(local.split(":")[1], 16) == port:
                found.add(local.split(":")[0])
    return found


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_it_listens_here_only_and_ends_with_its_child(tmp_path: Path, ending: int) -> None:
    port = free_port()
    process = started(tmp_path, port, IMEDNET_API_KEY="key-of-mine", STREAMLIT_SERVER_ADDRESS="")
    try:
        assert answer(port).data == b"ok"
        assert listening(port) == {"0100007F"}
        (child,) = children(process.pid)
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        environ = Path(f"/proc/{child}/environ").read_text()
        assert "--browser.gatherUsageStats=false" in words
        assert "--server.showEmailPrompt=false" in words
        assert "--client.showErrorDetails=type" in words
        assert "key-of-mine" not in environ
        assert "STREAMLIT_SERVER_ALLOWED_HOSTS=127.0.0.1 localhost" in environ
        os.kill(process.pid, ending)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[ending]
        assert "Traceback" not in out
        assert not Path(f"/proc/{child}").exists()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc")
def test_the_demo_shows_its_study_in_the_dashboard(tmp_path: Path) -> None:
    port = free_port()
    process = started(tmp_path, port, "demo")
    try:
        assert answer(port).data == b"ok"
        (child,) = children(process.pid)
        environ = Path(f"/proc/{child}/environ").read_text().split("\0")
        (address,) = [each for each in environ if each.startswith("IMEDNET_DASHBOARD_DEMO=")]
        os.kill(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "Enrolment by site" in out
        assert f"The server stays up at {address.partition('=')[2]} until Ctrl-C" in out
        assert "Traceback" not in out
    finally:
        process.kill()
        process.communicate()


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = started(tmp_path, port)
        out, _ = process.communicate(timeout=30)

    assert process.returncode == 1
    assert out == (
        f"imednet: port {port} on {HOST} cannot be used (Address already in use); "
        "name another with --port\n"
    )


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none(port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"--port must be from 1 to 65535, not {port}"):
        commands.serve(port=port)


def test_the_childs_exit_code_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    line = [sys.executable, "-c", "raise SystemExit(7)"]
    monkeypatch.setattr(commands, "_line", lambda port, no_browser: line)
    with pytest.raises(SystemExit) as leaving:
        commands.dashboard(port=free_port(), no_browser=True)
    assert leaving.value.code == 7


def test_the_demo_is_told_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", "hidden")
    made = commands._environment("http://127.0.0.1:1")
    assert made["IMEDNET_DASHBOARD_DEMO"] == "http://127.0.0.1:1"
    assert "IMEDNET_SECURITY_KEY" not in made
    assert "--server.headless=false" in commands._line(8501, False)


def test_importing_the_app_does_nothing() -> None:
    code = "import imednet_streamlit.app as app; print(app.__file__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == imednet_streamlit.app.__file__
