"""A command on a terminal of its own (POSIX), and what is left on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from typing import NamedTuple

from cli_process import TIMEOUT, Cli


class Session(NamedTuple):
    """How a command on a terminal ended. `raw` is all that the terminal got."""

    code: int
    raw: str
    out: str  #: standard output, where that was no terminal; else empty

    @property
    def screen(self) -> list[str]:
        """The lines that a reader sees in the end."""
        return shown(self.raw)


def on_terminal(cli: Cli, *words: str, output_too: bool, columns: int = 80) -> Session:
    """Run with standard error on a terminal, and standard output too if so told."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        out = theirs if output_too else subprocess.PIPE
        process = cli.start(*words, stdout=out, stderr=theirs, TERM="xterm")
    finally:
        os.close(theirs)
    try:
        piped = "" if process.stdout is None else process.stdout.read()
        raw = _drained(ours)
        code = process.wait(TIMEOUT)
    finally:
        os.close(ours)
        if process.stdout is not None:
            process.stdout.close()
        process.kill()
        process.wait()
    return Session(code, raw, piped)


def _drained(terminal: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux: the other side is gone
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()


def shown(raw: str) -> list[str]:
    """Play text with carriage returns and "erase to the end of the line" as a terminal does.

    Blanks at the end of a line are not seen.
    """
    lines = []
    for line in raw.replace("\r\n", "\n").split("\n"):
        screen, column = "", 0
        for piece in re.split(r"(\r|\x1b\[K)", line):
            if piece == "\r":
                column = 0
            elif piece == "\x1b[K":
                screen = screen[:column]
            else:
                screen = screen[:column] + piece + screen[column + len(piece) :]
                column += len(piece)
        lines.append(screen.rstrip())
    return lines
