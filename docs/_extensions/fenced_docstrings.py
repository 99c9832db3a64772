"""Sphinx extension: fenced code in docstrings, which reStructuredText does not know."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

FENCE = re.compile(r"( *)```(\w*)")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", change, priority=400)  # before napoleon's turn
    return {"parallel_read_safe": True}


def change(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make a code block of what stands between two fences, in place."""
    changed: list[str] = []
    inside = False
    for line in lines:
        fence = FENCE.fullmatch(line)
        if fence is None:
            changed.append(f"    {line}" if inside and line else line)
            continue
        inside = not inside
        head = f"{fence[1]}.. code-block:: {fence[2] or 'text'}"
        changed += ["", head, ""] if inside else [""]
    lines[:] = changed
