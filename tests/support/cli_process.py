"""The command line as its users meet it: a process, its exit code, and what it printed."""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO, Any, NamedTuple

MODULE = (sys.executable, "-m", "imednet")
TIMEOUT = 60  # seconds: far above what any line here takes, so that a hang ends as a failure
BARE = "import sys; sys.path[:0] = sys.argv.pop(1).split('|'); from imednet.cli import main; main()"


class Result(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


class Cli:
    """Runs `imednet WORD ...` in a folder that is not the checkout, with given settings only."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str], program: Sequence[str] = MODULE
    ) -> None:
        self.folder = folder
        self.program = tuple(program)
        self.environ = environment() | dict(settings)

    def __call__(self, *words: str, **environ: str | None) -> Result:
        """Run to the end; a variable that is None is taken away."""
        done = subprocess.run(
            [*self.program, *words],
            cwd=self.folder,
            env=self._environ(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def start(
        self,
        *words: str,
        stdout: int | IO[Any] = subprocess.PIPE,
        stderr: int | IO[Any] = subprocess.PIPE,
        **environ: str | None,
    ) -> subprocess.Popen[str]:
        """Start and leave running."""
        return subprocess.Popen(
            [*self.program, *words],
            cwd=self.folder,
            env=self._environ(environ),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            encoding="utf-8",
        )

    @contextmanager
    def interruptible(self, *words: str, **environ: str | None) -> Iterator[subprocess.Popen[str]]:
        """Start a process that is to be ended by a signal, and see it gone."""
        with self.start(*words, **environ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _environ(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        merged: dict[str, str | None] = {**self.environ, **changes}
        return {name: value for name, value in merged.items() if value is not None}


def until_told(process: subprocess.Popen[str], *patterns: str) -> str:
    """Read what a process prints, on either stream, until it has said all of this."""
    said: queue.Queue[str | None] = queue.Queue()

    def read(stream: IO[str]) -> None:
        for line in stream:
            said.put(line)
        said.put(None)

    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    for stream in streams:
        threading.Thread(target=read, args=[stream], daemon=True).start()
    text = ""
    while not all(re.search(pattern, text) for pattern in patterns):
        line = said.get(timeout=TIMEOUT)
        assert line is not None, f"it ended without saying {patterns}: {text}"
        text += line
    return text


def environment() -> dict[str, str]:
    """The environment without settings, search paths and colours of whoever runs the tests."""
    ours = re.compile(r"IMEDNET_|PYTHON|.*_PROXY$|(FORCE|NO)_COLOR$|COLUMNS$|LINES$", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
    return kept | {"PYTHONUTF8": "1"}


def distribution(
    folder: Path,
    name: str,
    commands: Mapping[str, str],
    modules: Mapping[str, str] | None = None,
    group: str = "imednet.commands",
) -> Path:
    """Make an installed distribution, version 1.0, to be put on the path; returns the folder.

    `commands` maps entry points to "module:object", `modules` module names to their text.
    """
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
    )
    points = "".join(f"{point} = {value}\n" for point, value in commands.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{points}", encoding="utf-8")
    for module, text in (modules or {}).items():
        (folder / f"{module}.py").write_text(text, encoding="utf-8")
    return folder


def copy_core(folder: Path) -> Path:
    """Copy the installed core and what it requires, and nothing else, into a folder."""
    folder.mkdir(parents=True)
    for found in _required("imednet", set()):
        tops = {path.parts[0] for path in found.files or ()}
        for top in tops - {"..", "__pycache__"}:
            source = Path(str(found.locate_file(top)))
            if source.is_dir():
                shutil.copytree(source, folder / top, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.suffix == ".py":
                shutil.copy(source, folder)
    return folder


def _required(name: str, seen: set[str]) -> Iterator[metadata.Distribution]:
    if name in seen:
        return
    seen.add(name)
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return  # of another Python version or system, by its marker
    yield found
    for requirement in found.requires or ():
        if "extra ==" not in requirement:
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            assert match is not None
            yield from _required(match[0].lower().replace("_", "-"), seen)


def alone(*folders: Path) -> tuple[str, ...]:
    """The program that runs the command line with these folders as its only packages.

    -I and -S keep out the environment's PYTHONPATH and site-packages.
    """
    return (sys.executable, "-I", "-S", "-X", "utf8", "-c", BARE, "|".join(map(str, folders)))
