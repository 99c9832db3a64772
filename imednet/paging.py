"""Pages in order: fetched ahead where that pays, and checked for rows that moved.

Page 0 tells how many rows there are. What follows is asked for ahead, comes back
in order, and is held against what came before. Sorted by a number that only
grows, new rows come last, so a grown total means further pages and nothing else;
a total that shrinks, or a key that does not rise, means that rows moved, and
that one may be missing. What cannot be seen: one row gone and one row come
between two pages, so that the total stands still and the keys still rise.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeGuard

from imednet.bodies import Answer, parsed
from imednet.errors import PaginationError, ResponseError

__all__ = ["Listing", "RowsMoved", "pages", "total_of"]

Row = dict[str, Any]
AGAIN = "Read it again."


class RowsMoved(PaginationError):
    """Rows moved between two pages: what was read so far may lack one."""


class Listing(NamedTuple):
    """What a list asks for."""

    fetch: Callable[[int], Answer]  #: sends the request for page n
    size: int  #: rows asked for a page
    key: str  #: the row key, as the API names it
    rising: bool  #: sorted by that key, a number: additions come last
    prefetch: int  #: requests under way at once, at most
    limit: int | None  #: stop after so many rows; None for all
    progress: Callable[[int, int], object] | None  #: told rows so far and in all


class _Page(NamedTuple):
    rows: list[Any]
    total: int
    size: int  #: rows a page, as the server cuts them


def pages(listing: Listing, decode: Callable[[Any], Any]) -> Iterator[list[Any]]:
    """Yield the rows of each page, in order, each row decoded in place.

    Raises RowsMoved when rows moved while the list was read, PaginationError for
    pages that never end or do not add up, and ResponseError for an answer that is
    not a page.
    """
    ahead = _Ahead(listing)
    check = _Check(listing)
    number = 0
    try:
        while True:
            answer, early = ahead.take(number)
            started = time.perf_counter()
            rows = check.page(answer, number, ahead.fetch if early else None)
            del answer
            last = number + 1 >= check.wanted_pages
            if not last:
                ahead.run(number + 1, check.wanted_pages, time.perf_counter() - started)
            for index, row in enumerate(rows):
                rows[index] = decode(row)  # in place: the parsed row is freed at once
            ahead.worked(time.perf_counter() - started)
            if listing.limit is not None and check.seen > listing.limit:
                del rows[len(rows) - (check.seen - listing.limit) :]
            if listing.progress is not None:
                listing.progress(min(check.seen, check.wanted), check.wanted)
            if rows:
                yield rows
            if last:
                return
            number += 1
    finally:
        ahead.stop()


def total_of(answer: Answer) -> int:
    """Return how many rows there are, from the answer to a request for one."""
    return _page(answer, 1, 0).total


def _page(answer: Answer, size: int, number: int) -> _Page:
    """Read an envelope; raises ResponseError where it is none."""
    content = parsed(answer)
    where = f"{answer.method} {answer.path}"
    rows = content.get("data") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise ResponseError(f"{where} answered without a list of rows (data): not an API page.")
    _check_metadata(content.get("metadata"), where)
    pagination = content.get("pagination")
    if pagination is None and number == 0 and len(rows) < size:
        return _Page(rows, len(rows), size)  # shorter than asked for: nothing can follow
    if not isinstance(pagination, dict):
        raise ResponseError(
            f"{where} answered {len(rows)} rows without a pagination block: whether more follow "
            "cannot be known."
        )
    current = pagination.get("currentPage")
    if _whole(current) and current != number:
        raise PaginationError(f"{where} answered page {current} where page {number} was asked for.")
    total, cut = pagination.get("totalElements"), pagination.get("size")
    if not _whole(total) or total < 0:
        raise ResponseError(f"{where} answered {total!r} as the number of rows (totalElements).")
    return _Page(rows, total, cut if _whole(cut) and 0 < cut < size else size)


def _check_metadata(metadata: Any, where: str) -> None:
    """Refuse an error that comes with a status of success: its rows are none to rely on."""
    error = metadata.get("error") if isinstance(metadata, dict) else None
    if any(error.values()) if isinstance(error, dict) else error:
        code = str(error.get("code")) if isinstance(error, dict) else ""
        number = code if code.isdecimal() and len(code) < 10 else "unknown"
        raise ResponseError(
            f"{where} answered with an error (code {number}) beside its rows, though with a status "
            "of success. Read it again; if it stays, tell whoever runs the server."
        )


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


class _Check:
    """Holds each page against the ones before."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self.seen = 0  #: rows so far
        self.total = 0  #: rows in all, as last told
        self.size = listing.size
        self._where = ""  # what was asked for, as messages have it
        self._ends: tuple[Any, Any] | None = None  # first and last key of the page before

    @property
    def wanted(self) -> int:
        """Rows that the caller is to get."""
        limit = self._listing.limit
        return self.total if limit is None else min(limit, self.total)

    @property
    def wanted_pages(self) -> int:
        return -(-self.wanted // self.size)

    def page(self, answer: Answer, number: int, again: Callable[[int], Answer] | None) -> list[Any]:
        """Return a page's rows, checked; `again` asks anew for one that was asked for early."""
        self._where = f"{answer.method} {answer.path}"
        page = _page(answer, self._listing.size, number)
        if number == 0:
            self.total, self.size = page.total, page.size
        elif again is not None and self._outdated(page, number):
            # It was asked for before the study grew, so it may be short of what is known now.
            page = _page(again(number), self._listing.size, number)
        self._check_total(page, number)
        self._check_length(page, number)
        self._check_keys(page, number)
        self.seen += len(page.rows)
        return page.rows

    def _outdated(self, page: _Page, number: int) -> bool:
        expected = min(self.size, self.total - number * self.size)
        return self._listing.rising and (page.total < self.total or len(page.rows) < expected)

    def _check_total(self, page: _Page, number: int) -> None:
        if page.total < self.total or (page.total != self.total and not self._listing.rising):
            raise RowsMoved(
                f"{self._where}: the number of rows went from {self.total} to {page.total} before "
                f"page {number}: rows moved while the list was read, and one may be missing. "
                f"{AGAIN}"
            )
        self.total = page.total

    def _check_length(self, page: _Page, number: int) -> None:
        count = len(page.rows)
        if self.seen + count > self.total:
            raise PaginationError(
                f"{self._where}: page {number} brought row {self.seen + count} of {self.total}: "
                "the server's pages do not add up to its own total."
            )
        if count != self.size and self.seen + count < self.total:
            raise PaginationError(
                f"{self._where}: page {number} holds {count} rows where {self.size} were due, "
                f"and {self.total - self.seen - count} of {self.total} are still to come: "
                "rows would be lost."
            )

    def _check_keys(self, page: _Page, number: int) -> None:
        if not page.rows:
            return
        ends = _key(page.rows[0], self._listing.key), _key(page.rows[-1], self._listing.key)
        before, self._ends = self._ends, ends
        if before is None:
            return
        rising = self._listing.rising and _whole(ends[0]) and _whole(before[1])
        if not rising and before == ends:
            raise PaginationError(f"{self._where}: page {number} repeats page {number - 1}.")
        if not rising and ends[0] == before[1]:
            raise RowsMoved(
                f"{self._where}: page {number} begins with the row that page {number - 1} ended "
                f"with: rows moved while the list was read. {AGAIN}"
            )
        if rising and ends[0] <= before[1]:
            raise RowsMoved(
                f"{self._where}: page {number} begins at {self._listing.key} {ends[0]}, and the "
                f"page before it ended at {before[1]}: rows moved while the list was read. {AGAIN}"
            )


def _key(row: Any, key: str) -> Any:
    """Return a row's key, or the row itself where it has none."""
    found = row.get(key) if isinstance(row, dict) else None
    return row if found is None else found


class _Ahead:
    """Requests under way: as many as it takes for waiting not to outweigh decoding.

    On a fast server threads cost more than they bring, and none is started; on a
    slow one up to `prefetch` requests run at once. Both times are the least seen,
    since a busy moment makes either look long.
    """

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._most = listing.prefetch
        self._waiting = self._working = float("inf")
        self._under_way: deque[_Request] = deque()

    def fetch(self, number: int) -> Answer:
        """Ask for a page now, and wait for it."""
        return self._measured(_Request(self._listing.fetch, number).run())

    def take(self, number: int) -> tuple[Answer, bool]:
        """Return a page's answer, and whether it had been asked for before it was due."""
        if not self._under_way:
            return self.fetch(number), False
        return self._measured(self._under_way.popleft()), True

    def _measured(self, request: _Request) -> Answer:
        answer = request.result()
        self._waiting = min(self._waiting, request.seconds)
        if answer.throttled:
            self._most = max(1, self._most // 2)
        return answer

    def run(self, number: int, end: int, parsing: float) -> None:
        """Have the pages from `number` to before `end` asked for, as far as that pays.

        `parsing` (seconds) stands for a page's work as long as none is done.
        """
        working = parsing if self._working == float("inf") else self._working
        depth = int(min(self._most, 1 + self._waiting / max(working, 1e-9)))
        first = number + len(self._under_way)
        if depth > 1:
            for later in range(first, min(end, number + depth)):
                self._under_way.append(_Request(self._listing.fetch, later).begin())

    def worked(self, seconds: float) -> None:
        """Take note of how long one page's parsing and decoding took."""
        self._working = min(self._working, seconds)

    def stop(self) -> None:
        """Forget what is under way: its threads end with their requests."""
        self._under_way.clear()


class _Request:
    """One page's request, here or in a thread of its own (a daemon: it holds up no exit)."""

    def __init__(self, fetch: Callable[[int], Answer], number: int) -> None:
        self._fetch, self._number = fetch, number
        self._thread: threading.Thread | None = None
        self._answer: Answer | None = None
        self._error: BaseException | None = None
        self.seconds = 0.0

    def begin(self) -> _Request:
        self._thread = threading.Thread(target=self.run, name="imednet-page", daemon=True)
        self._thread.start()
        return self

    def run(self) -> _Request:
        started = time.perf_counter()
        try:
            self._answer = self._fetch(self._number)
        except BaseException as error:
            self._error = error
        self.seconds = time.perf_counter() - started
        return self

    def result(self) -> Answer:
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        return self._answer
