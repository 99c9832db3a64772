"""Draw how the packages stand on each other, as an SVG.

    python docs/images/architecture.py

It brings its own ground, so that it is as legible on a dark page as on a light one.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
GROUND, INK, SOFT, LINE = "#f7f9fb", "#16202b", "#4a5a68", "#5b6b79"
WIDTH, HEIGHT = 840, 566
CORE, PLUGIN, YOURS, WORLD = "#cfe3f5", "#d8efdf", "#fdeccb", "#e6e9ed"

#: Each box: left, top, width, height, colour, title, and lines below it.
BOXES = (
    (30, 60, 180, 74, YOURS, "Your code", ("scripts, notebooks,", "functions, schedules")),
    (230, 60, 180, 74, CORE, "Command line", ("imednet, with fire", "tables, CSV, JSON")),
    (430, 60, 180, 74, PLUGIN, "imednet-streamlit", ("the dashboard", "imednet dashboard")),
    (630, 60, 180, 74, YOURS, "acme-reports", ("a plugin of yours", "sdk.plugins.reports")),
    (
        430,
        178,
        230,
        74,
        PLUGIN,
        "imednet-workflows",
        ("sdk.workflows: frames,", "checked writes, metrics"),
    ),
    (30, 310, 780, 108, CORE, "imednet (core)", ()),
    (50, 346, 140, 56, "#ffffff", "resources", ("list, count, get",)),
    (210, 346, 140, 56, "#ffffff", "paging", ("pages, checked",)),
    (370, 346, 140, 56, "#ffffff", "http", ("one request, urllib3",)),
    (530, 346, 120, 56, "#ffffff", "models", ("typed rows",)),
    (670, 346, 120, 56, "#ffffff", "errors", ("one tree",)),
    (30, 476, 380, 62, WORLD, "iMednet EDC REST API", ("https",)),
    (430, 476, 380, 62, PLUGIN, "imednet-simulator", ("the same API on 127.0.0.1",)),
)
#: Arrows: who calls whom, as points.
ARROWS = (
    ((120, 134), (120, 310)),
    ((320, 134), (320, 310)),
    ((520, 134), (520, 178)),
    ((760, 134), (760, 310)),
    ((545, 252), (545, 310)),
    ((220, 418), (220, 476)),
    ((620, 418), (620, 476)),
)
NOTES = (
    (30, 38, "arrows: who calls whom", "start"),
    (810, 38, "green: plugins of this project", "end"),
    (130, 296, "plain or async", "start"),
    (750, 278, "plugins enter", "end"),
    (750, 296, "by entry points", "end"),
)


def box(
    left: int, top: int, width: int, height: int, colour: str, title: str, lines: tuple[str, ...]
) -> str:
    """Return a box with a title and smaller lines."""
    middle = left + width / 2
    first = top + 22
    parts = [
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="8" fill="{colour}" '
        f'stroke="{LINE}" stroke-width="1"/>',
        f'<text x="{middle}" y="{first}" text-anchor="middle" font-size="15" font-weight="600" '
        f'fill="{INK}">{escape(title)}</text>',
    ]
    for number, line in enumerate(lines, start=1):
        parts.append(
            f'<text x="{middle}" y="{first + 19 * number}" text-anchor="middle" font-size="12.5" '
            f'fill="{SOFT}">{escape(line)}</text>'
        )
    return "\n".join(parts)


def arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return an arrow that ends just before what it points at."""
    (x, y), (to_x, to_y) = start, end
    return (
        f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y - 3}" stroke="{LINE}" stroke-width="1.6" '
        f'marker-end="url(#head)"/>'
    )


def note(x: int, y: int, text: str, anchor: str) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="12.5" font-style="italic" '
        f'fill="{SOFT}">{escape(text)}</text>'
    )


def draw() -> str:
    """Return the drawing."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" font-family="{FONT}">',
        "<title>How the packages stand on each other</title>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{LINE}"/></marker>',
        "</defs>",
        f'<rect width="100%" height="100%" rx="10" fill="{GROUND}"/>',
        *(arrow(*each) for each in ARROWS),
        *(box(*each) for each in BOXES),
        *(note(*each) for each in NOTES),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("architecture.svg").write_text(draw(), "utf-8")
