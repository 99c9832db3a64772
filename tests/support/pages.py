"""Code that a page of documentation shows, to be run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


def commands(*pages: Path) -> list[str]:
    """Return the lines that call imednet on the study DEMO, each once."""
    lines = {line for page in pages for block in blocks(page, "sh") for line in block.splitlines()}
    return sorted(line for line in lines if re.match(r"imednet .*\bDEMO\b", line))
