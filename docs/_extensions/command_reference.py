"""Sphinx extension: the reference of the command line, made from the commands themselves.

A page gets it where it holds MARK. The commands are those of the installed packages.
"""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

from fire import docstrings
from sphinx.application import Sphinx

from imednet import cli, entry_points
from imednet.listing import RESOURCES
from imednet.words import dashed, signature

MARK = "<!-- commands -->"
#: What a word or flag takes, by the type that its annotation names.
KINDS = {"str": "text", "int": "whole number", "float": "number", "bool": "`true` or `false`"}


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", put)
    return {"parallel_read_safe": True}


def put(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the reference in the place of its mark."""
    if MARK in source[0]:
        source[0] = source[0].replace(MARK, reference())


def reference() -> str:
    """Return the reference of every command as Markdown, a heading each."""
    theirs = sorted({point.name for point in entry_points.find(entry_points.COMMANDS)})
    names = [*map(dashed, RESOURCES), "jobs", "plugins", *theirs]
    return "\n\n".join(described(f"imednet {name}", cli.component(name), 2) for name in names)


def described(called: str, thing: Any, depth: int) -> str:
    """Return what there is to say of a command, or of a menu and all that is in it."""
    about = docstrings.parse(inspect.getdoc(thing) or "")
    parts = [f"{'#' * depth} {called}", f"{about.summary or ''}\n\n{about.description or ''}"]
    if isinstance(thing, cli.Menu):
        parts += [described(f"{called} {n}", getattr(thing, n), depth + 1) for n in dir(thing)]
    else:
        meanings = {arg.name: " ".join(arg.description.split()) for arg in about.args or []}
        parts += usage(called, signature(thing).parameters.values(), meanings)
    return "\n\n".join(part.strip() for part in parts if part.strip())


def usage(called: str, parameters: Any, meanings: dict[str, str]) -> list[str]:
    """Return a command's line, and what its words and flags mean."""
    words = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    flags = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    line = " ".join([called, *(p.name.upper() for p in words), *(["[FLAGS]"] if flags else [])])
    listed = [p for p in [*words, *flags] if p.name in meanings]
    rows = [f"| {spelt(p)} | {taken(p)} | {meanings[p.name]} |" for p in listed]
    table = "\n".join(["| word or flag | takes | meaning |", "|---|---|---|", *rows])
    others = ", ".join(f"`--{dashed(p.name)}`" for p in flags if p.name not in meanings)
    return [
        f"```text\n{textwrap.fill(line, 90)}\n```",
        table if rows else "",
        f"Flags: {others}." if others else "",
    ]


def spelt(parameter: inspect.Parameter) -> str:
    name = parameter.name
    return f"`--{dashed(name)}`" if parameter.kind is parameter.KEYWORD_ONLY else name.upper()


def taken(parameter: inspect.Parameter) -> str:
    """Return what a word or flag takes, and what it is without."""
    kind, default = parameter.annotation, parameter.default
    name = str(getattr(kind, "__name__", kind)).replace(" | None", "")
    if name == "bool" and default is False:
        return "nothing"
    told = "" if default in (None, parameter.empty) else f" ({default})"
    return KINDS.get(name, name) + told
