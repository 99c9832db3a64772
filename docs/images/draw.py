"""Draw the picture of the README: what `imednet demo` prints, as an SVG.

    python docs/images/draw.py

Needs imednet and imednet-simulator installed; the study is of a fixed day, so that
the picture changes only when the summary does.
"""

from __future__ import annotations

from datetime import date
from html import escape
from pathlib import Path

from imednet import ImednetSDK
from imednet_simulator import Simulator, summary

WIDTH, LINE, MARGIN = 8.43, 18, 18  # pixels a character, pixels a line, pixels around
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def draw(text: str) -> str:
    """Return a terminal that shows a text."""
    lines = ["$ python3 noxfile.py demo", "", *text.rstrip().splitlines()]
    width = max(map(len, lines)) * WIDTH + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + (n + 0.75) * LINE}" '
        f'textLength="{len(line) * WIDTH:.1f}" xml:space="preserve">{escape(line)}</text>'
        for n, line in enumerate(lines)
        if line
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" role="img">\n'
        "<title>A summary of the simulated study, in a terminal</title>\n"
        f'<rect width="100%" height="100%" rx="10" fill="#16202b"/>\n'
        f'<g font-family="{FONT}" font-size="14" fill="#dbe7f0">\n{rows}\n</g>\n</svg>\n'
    )


if __name__ == "__main__":
    with (
        Simulator(asof=date(2026, 11, 2)) as server,
        ImednetSDK(server.api_key, server.security_key, server.url) as sdk,
    ):
        study = summary.gather(sdk, server.study_key, server.now)
    Path(__file__).with_name("demo.svg").write_text(draw(summary.render(study)), "utf-8")
