"""Projects made from the template, and programs run in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("named_plugin", "command", "page", "workflows")
#: Every set of capabilities: 15.
SETS = list(chain.from_iterable(combinations(PARTS, n) for n in range(1, len(PARTS) + 1)))
TIMEOUT = 280  # seconds, below the time after which pytest breaks off


def named(parts: Iterable[str]) -> str:
    """Return a set of capabilities as a test's id."""
    return "+".join(part.partition("_")[0] for part in parts)


def answers(parts: Iterable[str], **others: Any) -> dict[str, Any]:
    """Return the answers that choose these capabilities."""
    chosen = set(parts)
    return {**{part: part in chosen for part in PARTS}, **others}


def bake(folder: Path, given: dict[str, Any], template: str | Path = ROOT) -> Path:
    """Make a project in a folder, with defaults for what is not given; returns its folder."""
    made = cookiecutter(
        str(template),
        directory="template",
        no_input=True,
        output_dir=str(folder),
        extra_context=given,
    )
    return Path(made)


def files(project: Path) -> Iterator[Path]:
    """Yield the files of a project, as paths from its folder."""
    for path in sorted(project.rglob("*")):
        if path.is_file():
            yield path.relative_to(project)


def run(
    *words: str | Path,
    cwd: Path,
    python: str | Path = sys.executable,
    code: int = 0,
    **variables: str,
) -> str:
    """Run a module of Python's (`run("ruff", "check")`); returns all that it printed.

    It sees nothing of the checkout, and of the environment's settings only what is given.
    """
    ours = ("IMEDNET_", "PYTHON", "PYTEST_", "COVERAGE", "MYPY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [str(python), "-P", "-m", *map(str, words)],
        cwd=cwd,
        env={**kept, "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == code, f"{' '.join(map(str, words))}\n{done.stdout}"
    return done.stdout


def wheel(project: Path, out: Path) -> Path:
    """Build a project's sdist, and its wheel from that; returns the wheel."""
    run("build", "--no-isolation", "--outdir", out, project, cwd=project)
    (built,) = out.glob("*.whl")
    return built
