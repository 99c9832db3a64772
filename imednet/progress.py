"""Rows so far and in all, on one line of standard error: for commands, also those of plugins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Self

__all__ = ["Progress"]


class Progress:
    """What lists take as `on_progress`: shows it while standard error is a terminal.

    `shown` overrules that. The line is wiped at the end of the `with`, or by `close`,
    which has to come before anything else is written.

    Example:
        >>> with Progress() as progress:
        ...     subjects = sdk.subjects.list("DEMO", on_progress=progress)
    """

    def __init__(self, shown: bool | None = None) -> None:
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._parts: dict[str, tuple[int, int]] = {}
        self._width = 0  # wiped with blanks: not every console of Windows takes escape codes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, done: int, total: int) -> None:
        """Show the rows so far and in all of the only list."""
        self.of("", done, total)

    def of(self, name: str, done: int, total: int) -> None:
        """Take note of one list's rows, and show the sum of all."""
        self._parts[name] = (done, total)
        if self._shown:
            so_far, in_all = map(sum, zip(*self._parts.values(), strict=True))
            text = f"{so_far:,} of {in_all:,} rows"
            sys.stderr.write("\r" + text.ljust(self._width))
            sys.stderr.flush()
            self._width = len(text)

    def until_last(self, rows: Iterator[Any]) -> Iterator[Any]:
        """Give the rows, and wipe the line behind the last."""
        yield from rows
        self.close()

    def close(self) -> None:
        """Wipe the line."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0
