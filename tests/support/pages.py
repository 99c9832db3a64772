"""Code that the pages of documentation show, to be run as it stands."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "plugins"
#: A subject that the pages name; one that the study has takes its place.
SUBJECT = "03-010"
TIMEOUT = 120  # seconds: far above what any example takes, so that a hang ends as a failure
#: Lines that set up a machine: what CI does itself, and what would need the network.
SETUP = re.compile(
    r"(git clone|python3? -m (venv|pip)|\. \S+/activate|pip install|python3 noxfile\.py"
    r"|cookiecutter|cruft (create|update))"
)
#: Pages whose lines for a shell are run by a test of their own, or publish.
APART = {"docs/how-to/serverless.md", "docs/plugins/template.md", "docs/releasing.md"}
#: Lines that serve until Ctrl-C.
SERVING = re.compile(r"imednet (simulate|demo|dashboard)\b")


def pages() -> list[Path]:
    """Return every page of documentation, those of the packages too."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted([*found, *(ROOT / "reference-plugins").glob("*/README.md")])


def called(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


def needs_plugins(page: Path) -> bool:
    """Tell whether a page's examples need imednet-workflows or imednet-streamlit."""
    shown = "\n".join(blocks(page, "python") + lines(page))
    return bool(re.search(r"workflows|streamlit|dashboard", shown)) or GUIDE in page.parents


def lines(page: Path) -> list[str]:
    """Return a page's lines for a shell that can be run here."""
    if called(page) in APART:
        return []
    every = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in every if line.strip() and not SETUP.match(line)]


def setup_lines(page: Path) -> Iterator[str]:
    """Yield a page's lines that set up a machine."""
    for block in blocks(page, "sh"):
        yield from (line for line in block.splitlines() if SETUP.match(line))


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a reader: these settings, and the programs of this Python."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": programs, "PYTHONWARNINGS": "error", **settings}


def run_python(page: Path, folder: Path, settings: Mapping[str, str]) -> str:
    """Run a page's Python in order, as one program (tests by pytest); returns what it printed."""
    shown = blocks(page, "python")
    program = folder / "page.py"
    program.write_text("\n\n".join(b for b in shown if not is_test(b)), "utf-8")
    done = run([sys.executable, str(program)], folder, settings)
    tests = [block for block in shown if is_test(block)]
    for number, block in enumerate(tests):
        (folder / f"test_page_{number}.py").write_text(block, "utf-8")
    if tests:
        run_tests(folder, settings)
    return done


def run_tests(folder: Path, settings: Mapping[str, str]) -> str:
    """Run the tests in a folder; returns what pytest said."""
    # Not by PYTHONWARNINGS: what Streamlit leaves to the interpreter's end is not theirs.
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "--import-mode=importlib"]
    program = [sys.executable, "-m", "pytest", *options, "."]
    return run(program, folder, {**settings, "PYTHONWARNINGS": "default"})


def is_test(block: str) -> bool:
    return "\ndef test_" in f"\n{block}"


def run_shell(page: Path, folder: Path, settings: Mapping[str, str], subject: str) -> None:
    """Run a page's lines for a shell in order; what serves is stopped once it says so.

    The folder is the reader's home, too: whoever runs the tests has files of their own there.
    """
    settings = {**settings, "HOME": str(folder)}
    script = [line.replace(SUBJECT, subject) for line in lines(page)]
    serving = [line for line in script if SERVING.match(line) and "--help" not in line]
    rest = "\n".join(line for line in script if line not in serving)
    run(["sh", "-eu", "-c", rest], folder, settings)
    for line in serving:
        serve(line, folder, settings)


def serve(line: str, folder: Path, settings: Mapping[str, str]) -> None:
    """Start what serves until Ctrl-C on a free port, and see it tell its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    quiet = ["--no-browser"] if "simulate" not in line else []
    with subprocess.Popen(
        [sys.executable, "-m", *line.split(), "--port", port, *quiet],
        cwd=folder,
        env=environment(settings) | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "default"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            assert any(f"http://127.0.0.1:{port}" in said for said in process.stdout), line
        finally:
            process.terminate()
            process.communicate(timeout=TIMEOUT)


def run(command: list[str], folder: Path, settings: Mapping[str, str]) -> str:
    """Run a program to its end; returns what it printed, and fails with what it complained of."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout
