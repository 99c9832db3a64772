"""A list of rows that a test changes while a client reads its pages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from scripted import Answer, Request, page, refusal, reply

Change = Callable[["Table"], None]


def sites(*numbers: int) -> list[dict[str, Any]]:
    """Rows with nothing but their keys."""
    return [{"siteId": number} for number in numbers]


class Table:
    """A handler for `scripted.Server`: pages of `rows`, sorted by `key`.

    `before[n]` is called, once, before page n is made; `instead[n]` is sent, once,
    in place of page n. `cap` is the most rows that a page has, whatever is asked for.
    """

    def __init__(self, rows: list[dict[str, Any]], key: str | None = "siteId") -> None:
        self.rows, self.key = rows, key
        self.before: dict[int, Change | list[Change]] = {}
        self.instead: dict[int, Answer] = {}
        self.cap = 500
        self.asked: list[int] = []  #: numbers of the pages, in the order of the requests
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        number, size = request.number("page"), min(request.number("size"), self.cap)
        with self._lock:
            self.asked.append(number)
            change = self.before.get(number)
            if isinstance(change, list):
                change = change.pop(0) if change else None
            elif change is not None:
                del self.before[number]
            if change is not None:
                change(self)
            if number in self.instead:
                return self.instead.pop(number)
            rows = self.rows
            if self.key is not None:
                key = self.key
                rows = sorted(rows, key=lambda row: row[key])
            part = rows[number * size : (number + 1) * size]
            return reply(page(part, total=len(rows), number=number, size=size))


__all__ = ["Change", "Table", "refusal", "sites"]
