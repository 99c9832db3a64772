"""`imednet simulate` and `imednet demo`, as functions and as processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import urllib3

from imednet.errors import ConfigurationError
from imednet_simulator import commands

ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as SIGINT")


def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sites": 0}, "--sites must be 1 or more, not 0"),
        ({"fault_rate": 2.0}, "--fault-rate must lie between 0 and 1, not 2.0"),
        ({"asof": "yesterday"}, "--asof must be a date like 2026-01-31, not 'yesterday'"),
        ({"port": -1}, "--port must lie between 0 (any free one) and 65535, not -1"),
        (
            {"api_key": " x"},
            "--api-key must be printable ASCII text without blanks around it",
        ),
        (
            {"from_xpt": "/no/such"},
            "--from-xpt: /no/such is not a folder; name a folder with the .xpt files of one study",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
@pytest.mark.skipif(os.name == "nt", reason="the path in the message is a POSIX one")
def test_bad_values(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        commands.simulate(**options)
    assert str(caught.value) == message


def test_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError) as caught:
            commands.simulate(port=port, subjects=0)
    assert re.fullmatch(
        rf"port {port} on 127\.0\.0\.1 cannot be used \(.+\); "
        r"name another with --port, or --port 0 for any free one",
        str(caught.value),
    )


def test_simulate_says_how_to_use_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "_until_interrupted", interrupted)
    monkeypatch.setattr("gc.freeze", lambda: None)  # for a process of its own, not for this one
    with pytest.raises(KeyboardInterrupt):
        commands.simulate(port=0, subjects=10, sites=3, asof="2026-03-02", api_key="it's")
    out, err = capsys.readouterr()
    url = re.search(r"http://127\.0\.0\.1:\d+", err)
    assert out == ""
    assert url
    assert "Study DEMO (10 subjects, 3 sites, " in err
    assert f"  export IMEDNET_BASE_URL={url[0]}\n" in err
    assert "  export IMEDNET_API_KEY='it'\"'\"'s'\n" in err
    assert "  export IMEDNET_SECURITY_KEY=demo-security-key\n" in err
    assert f"  $env:IMEDNET_BASE_URL = '{url[0]}'\n" in err
    assert "  $env:IMEDNET_API_KEY = 'it''s'\n" in err
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", url[0], retries=False)


@pytest.mark.parametrize(
    ("system", "path", "line"),
    [
        ("linux", "/opt/my env/bin/imednet", "'/opt/my env/bin/imednet'"),
        ("linux", ".dev/bin/imednet", ".dev/bin/imednet"),
        ("win32", r".dev\Scripts\imednet.exe", r".dev\Scripts\imednet.exe"),
        ("win32", r"C:\it's\imednet.exe", r"& 'C:\it''s\imednet.exe'"),
        ("win32", r"C:\My Env\imednet.exe", r"& 'C:\My Env\imednet.exe'"),
    ],
    ids=["sh-quoted", "sh", "powershell", "powershell-quote", "powershell-blank"],
)
def test_a_line_to_try_begins_as_its_shell_wants_it(
    monkeypatch: pytest.MonkeyPatch, system: str, path: str, line: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert commands._program(path) == line


def test_a_large_study_is_announced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: Any) -> None:
        raise ConfigurationError("enough")

    monkeypatch.setattr(commands, "_make", refuse)
    with pytest.raises(ConfigurationError, match="enough"):
        commands.simulate(subjects=2001)
    assert capsys.readouterr().err == "Making a study of 2001 subjects ...\n"


@pytest.mark.parametrize("name", ["simulate", "demo"])
def test_entry_points(name: str) -> None:
    (entry,) = entry_points(group="imednet.commands", name=name)
    assert entry.load() is getattr(commands, name)


def run(code: str, **environment: str) -> subprocess.Popen[str]:
    code = f"from imednet_simulator.commands import demo, simulate\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
    )


def read_until(stream: Any, what: str) -> str:
    """The lines up to and with the first that holds `what`."""
    lines = []
    for line in stream:
        lines.append(line)
        if what in line:
            return "".join(lines)
    raise AssertionError(f"{what!r} never came in {lines}")


@ON_POSIX
def test_process_from_start_to_ctrl_c(
    record_property: Callable[[str, object], None],
) -> None:
    start = time.monotonic()
    process = run("simulate(port=0)")
    try:
        url = re.search(r"http://\S+(?=;)", read_until(process.stderr, "Ctrl-C"))
        assert url
        record_property("seconds to a server of 200 subjects", round(time.monotonic() - start, 1))
        assert urllib3.request("GET", f"{url[0]}/api/v1/edc/studies").status == 401
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert out == ""
    assert process.returncode == -signal.SIGINT
    traceback = err[err.index("Traceback") :]
    assert traceback.endswith("KeyboardInterrupt\n")  # ours to pass on; the command line eats it
    assert traceback.count("Traceback") == 1


@ON_POSIX
@pytest.mark.parametrize(("encoding", "bar"), [("utf-8", "█"), ("ascii", "#")])
def test_demo(encoding: str, bar: str) -> None:
    without = "import imednet_simulator.commands as c; c._dashboard = lambda: None\n"
    process = run(f"{without}demo(no_browser=True)", PYTHONIOENCODING=encoding)
    try:
        text = read_until(process.stdout, "print(subject.subject_key")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    finally:
        process.kill()
    assert text.startswith("DEMO  SIM-AIR-201")
    assert bar in text
    assert text.isascii() is (encoding == "ascii")
    summary, steps = text.split("The server stays up at ")
    assert max(map(len, summary.splitlines())) <= 100
    for title in ("Enrolment by site", "Open queries by age", "Records by status", "Overdue"):
        assert f"\n{title}" in text
    line = next(line for line in steps.splitlines() if "records list" in line)
    program, _, words = line.strip().partition(" ")
    assert words == "records list DEMO --form-key AE --output csv --to ae.csv"
    assert Path(program).stem == "imednet"
    assert program == "imednet" or Path(program).exists()  # it can be copied and run
