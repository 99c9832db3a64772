"""Python in a process of its own, with the same path as this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import imednet


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python, warnings being errors; `variables` are added to the environment."""
    paths = [str(Path(imednet.__file__).parents[1]), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **variables}
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
