"""Pages in order, ahead and checked: rows that come, go and move while a list is read."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from scripted import Answer, Request, page, refusal, reply
from tables import Change, Table, sites

from imednet import paging
from imednet.errors import (
    PaginationError,
    RateLimitError,
    RequestError,
    ResponseError,
    ServerError,
)
from imednet.paging import RowsMoved

TEN = range(1, 11)


@pytest.fixture
def study(serve: Any, connect: Any) -> Callable[..., Any]:
    """An SDK on a handler, three rows a page, no page asked for ahead."""
    return lambda handler, **options: connect(
        serve(handler), **{"page_size": 3, "prefetch": 1, **options}
    )


def listed(sdk: Any, **arguments: Any) -> list[int]:
    return [site.site_id for site in sdk.sites.list("S", **arguments)]


def iterated(sdk: Any, **arguments: Any) -> list[int]:
    return [site.site_id for site in sdk.sites.iter("S", **arguments)]


both = pytest.mark.parametrize("read", [listed, iterated], ids=["list", "iter"])


def add(*numbers: int) -> Change:
    return lambda table: table.rows.extend(sites(*numbers))


def remove(*numbers: int) -> Change:
    def change(table: Table) -> None:
        table.rows = [row for row in table.rows if row["siteId"] not in numbers]

    return change


def swap(out: int, new: int) -> Change:
    def change(table: Table) -> None:
        remove(out)(table)
        add(new)(table)

    return change


# --- plain reading


@both
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 10])
def test_all_rows_come_in_order(study: Any, read: Any, count: int) -> None:
    table = Table(sites(*range(1, count + 1)))
    assert read(study(table)) == list(range(1, count + 1))
    assert table.asked == list(range(max(1, -(-count // 3))))


@both
@pytest.mark.parametrize(
    ("limit", "asked"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (6, 2), (10, 4), (99, 4)]
)
def test_a_limit_stops_early(study: Any, read: Any, limit: int, asked: int) -> None:
    table = Table(sites(*TEN))
    assert read(study(table), limit=limit) == list(TEN)[:limit]
    assert len(table.asked) == asked


def test_a_small_limit_asks_for_small_pages(serve: Any, connect: Any) -> None:
    server = serve(Table(sites(*TEN)))
    assert listed(connect(server), limit=4) == [1, 2, 3, 4]
    assert [request.query["size"] for request in server.requests] == [["4"]]


def test_page_size_of_a_call_wins(serve: Any, connect: Any) -> None:
    server = serve(Table(sites(*TEN)))
    assert listed(connect(server, page_size=3), page_size=5) == list(TEN)
    assert [request.query["size"] for request in server.requests] == [["5"], ["5"]]


@both
def test_a_server_that_gives_smaller_pages_is_followed(study: Any, read: Any) -> None:
    table = Table(sites(*TEN))
    table.cap = 2
    assert read(study(table)) == list(TEN)
    assert table.asked == [0, 1, 2, 3, 4]


def test_a_limit_on_a_server_that_gives_smaller_pages(study: Any) -> None:
    table = Table(sites(*TEN))
    table.cap = 2
    assert listed(study(table), limit=5) == [1, 2, 3, 4, 5]
    assert table.asked == [0, 1, 2]


def test_progress_is_told_after_each_page(study: Any) -> None:
    told: list[tuple[int, int]] = []
    listed(study(Table(sites(*TEN))), on_progress=lambda *numbers: told.append(numbers))
    assert told == [(3, 10), (6, 10), (9, 10), (10, 10)]


def test_progress_with_a_limit_counts_to_the_limit(study: Any) -> None:
    told: list[tuple[int, int]] = []
    sdk = study(Table(sites(*TEN)))
    listed(sdk, limit=5, on_progress=lambda *numbers: told.append(numbers))
    assert told == [(3, 5), (5, 5)]


def test_an_error_in_the_callback_surfaces(study: Any) -> None:
    def refuse(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listed(study(Table(sites(*TEN))), on_progress=refuse)


# --- rows that come


@both
@pytest.mark.parametrize("at", [1, 2, 3])
def test_rows_added_come_last(study: Any, read: Any, at: int) -> None:
    table = Table(sites(*TEN))
    table.before[at] = add(11, 12, 13, 14)
    assert read(study(table)) == list(range(1, 15))
    assert len(table.asked) == 5  # nothing was asked for twice


@both
def test_rows_added_before_every_page(study: Any, read: Any) -> None:
    table = Table(sites(*TEN))
    table.before = {n: add(10 + n) for n in range(1, 4)}
    assert read(study(table)) == list(range(1, 14))


def test_rows_that_come_after_the_last_page_are_of_no_concern(study: Any) -> None:
    table = Table(sites(1, 2, 3))
    sdk = study(table)
    assert listed(sdk) == [1, 2, 3]
    table.rows += sites(4)
    assert listed(sdk) == [1, 2, 3, 4]


# --- rows that go


def test_a_list_starts_over_when_rows_went(study: Any) -> None:
    table = Table(sites(*TEN))
    table.before[2] = remove(1)
    assert listed(study(table)) == list(range(2, 11))
    assert table.asked == [0, 1, 2, 0, 1, 2]


def test_a_list_starts_over_twice_at_most(study: Any) -> None:
    table = Table(sites(*TEN))
    table.before[1] = [remove(1), remove(2), remove(3)]
    with pytest.raises(PaginationError) as caught:
        listed(study(table))
    assert str(caught.value) == (
        "GET /studies/S/sites: the number of rows went from 8 to 7 before page 1: rows moved while "
        "the list was read, and one may be missing. Read it again."
    )
    assert table.asked == [0, 1] * 3


def test_two_new_starts_are_enough_when_rows_went_twice(study: Any) -> None:
    table = Table(sites(*TEN))
    table.before[1] = [remove(1), remove(2)]
    assert listed(study(table)) == list(range(3, 11))


def test_iter_cannot_start_over(study: Any) -> None:
    table = Table(sites(*TEN))
    table.before[2] = remove(1)
    rows = study(table).sites.iter("S")
    assert [next(rows).site_id for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(RowsMoved) as caught:
        next(rows)
    assert str(caught.value) == (
        "GET /studies/S/sites: the number of rows went from 10 to 9 before page 2: rows moved "
        "while the list was read, and one may be missing. Read it again."
    )
    assert table.asked == [0, 1, 2]


# --- rows that move


def test_one_out_in_front_and_more_in_behind(study: Any) -> None:
    """The total does not shrink, and a row slipped through: seen by nothing, so documented."""
    table = Table(sites(*TEN))
    table.before[1] = swap(1, 11)
    assert listed(study(table)) == [1, 2, 3, *range(5, 12)]  # 4 is the row that was lost


def test_a_key_that_does_not_rise_is_seen(study: Any) -> None:
    table = Table(sites(1, 3, 5, 7, 9, 11))
    table.before[1] = swap(11, 2)  # the total stands still, and 5 comes again
    assert listed(study(table)) == [1, 2, 3, 5, 7, 9]
    assert table.asked == [0, 1, 0, 1]


def test_iter_raises_when_a_key_does_not_rise(study: Any) -> None:
    table = Table(sites(1, 3, 5, 7, 9, 11))
    table.before[1] = swap(11, 2)
    with pytest.raises(RowsMoved) as caught:
        iterated(study(table))
    assert str(caught.value) == (
        "GET /studies/S/sites: page 1 begins at siteId 5, and the page before it ended at 5: "
        "rows moved while the list was read. Read it again."
    )


# --- the caller's own sort, and keys that are text


@pytest.mark.parametrize("change", [add(11), remove(1)], ids=["more", "fewer"])
def test_with_the_callers_sort_any_change_of_the_total_counts(study: Any, change: Change) -> None:
    table = Table(sites(*TEN))
    table.before[1] = [change]
    sdk = study(table)
    found = listed(sdk, sort="site_name")
    assert found == sorted(row["siteId"] for row in table.rows)
    assert table.asked[:4] == [0, 1, 0, 1]
    table.before[1] = [lambda t: t.rows.pop()]
    with pytest.raises(RowsMoved, match="the number of rows went from"):
        iterated(sdk, sort="site_name")


@pytest.mark.parametrize("sort", ["site_id", "siteId,ASC", ["site_id"]], ids=str)
def test_sorted_by_the_key_as_it_is_anyway_more_rows_are_fine(study: Any, sort: Any) -> None:
    table = Table(sites(*TEN))
    table.before[1] = add(11)
    assert listed(study(table), sort=sort) == list(range(1, 12))
    assert table.asked == [0, 1, 2, 3]


def test_falling_keys_are_no_sign_of_movement_when_asked_for(serve: Any, connect: Any) -> None:
    def handler(request: Request) -> Answer:
        number = request.number("page")
        rows = sites(*range(10, 0, -1))[number * 3 : number * 3 + 3]
        return reply(page(rows, total=10, number=number, size=3))

    sdk = connect(serve(handler), page_size=3)
    assert listed(sdk, sort="site_id,DESC") == list(range(10, 0, -1))


def studies(*keys: str) -> list[dict[str, Any]]:
    return [{"studyKey": key} for key in keys]


def test_text_keys_do_not_have_to_rise(study: Any) -> None:
    # A server may sort "b" before "A", or by a collation of its own.
    table = Table(studies(*"aBcDeFg"), key=None)
    found = [each.study_key for each in study(table).studies.list()]
    assert "".join(found) == "aBcDeFg"


def test_with_text_keys_any_change_of_the_total_counts(study: Any) -> None:
    table = Table(studies(*"abcdefg"), key=None)
    table.before[1] = lambda t: t.rows.insert(0, {"studyKey": "0"})
    sdk = study(table)
    assert [each.study_key for each in sdk.studies.list()] == list("0abcdefg")
    assert table.asked == [0, 1, 0, 1, 2]


# --- pages that do not add up


def script(*pages: tuple[list[dict[str, Any]], int]) -> Callable[[Request], Answer]:
    """Answer page n with the n-th of the given (rows, total), and the last for ever."""

    def handler(request: Request) -> Answer:
        number = request.number("page")
        rows, total = pages[min(number, len(pages) - 1)]
        return reply(page(rows, total=total, number=number, size=request.number("size")))

    return handler


def test_a_repeated_page_of_numbered_rows(study: Any) -> None:
    with pytest.raises(PaginationError, match="page 1 begins at siteId 1, and the page before"):
        iterated(study(script((sites(1, 2, 3), 10))))


def test_a_repeated_page_of_rows_in_another_order(study: Any) -> None:
    with pytest.raises(PaginationError) as caught:
        iterated(study(script((sites(1, 2, 3), 10))), sort="site_name")
    assert str(caught.value) == "GET /studies/S/sites: page 1 repeats page 0."


def test_a_repeated_page_is_refused_by_list_too(study: Any) -> None:
    with pytest.raises(PaginationError):
        listed(study(script((sites(1, 2, 3), 10))))


@pytest.mark.parametrize("read", [listed, iterated], ids=["list", "iter"])
@pytest.mark.parametrize("rows", [[], sites(4), sites(4, 5)], ids=["empty", "one", "two"])
def test_a_short_page_before_the_end(study: Any, read: Any, rows: list[Any]) -> None:
    with pytest.raises(PaginationError) as caught:
        read(study(script((sites(1, 2, 3), 10), (rows, 10))))
    left = 10 - 3 - len(rows)
    assert str(caught.value) == (
        f"GET /studies/S/sites: page 1 holds {len(rows)} rows where 3 were due, and {left} of 10 "
        "are still to come: rows would be lost."
    )


def test_a_first_page_that_is_short(study: Any) -> None:
    with pytest.raises(PaginationError) as caught:
        listed(study(script((sites(1, 2), 10))))
    assert str(caught.value) == (
        "GET /studies/S/sites: page 0 holds 2 rows where 3 were due, and 8 of 10 are still to "
        "come: rows would be lost."
    )


@both
@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([(sites(1, 2, 3, 4), 10)], "page 0 holds 4 rows where 3 were due, and 6 of 10"),
        ([(sites(1, 2, 3), 2)], "page 0 brought row 3 of 2: "),
        ([(sites(1), 0)], "page 0 brought row 1 of 0: "),
        ([(sites(1, 2, 3), 4), (sites(4, 5), 4)], "page 1 brought row 5 of 4: "),
    ],
    ids=["over the size", "over the total", "none in all", "last page"],
)
def test_rows_that_outnumber_what_was_said(
    study: Any, read: Any, pages: list[Any], said: str
) -> None:
    with pytest.raises(PaginationError, match=said):
        read(study(script(*pages)))


def test_pages_without_end_are_refused(study: Any) -> None:
    """A total that grows with every page, though no row is new."""

    def handler(request: Request) -> Answer:
        number = request.number("page")
        return reply(page(sites(1, 2, 3), total=10 * (number + 1), number=number, size=3))

    with pytest.raises(PaginationError, match="begins at siteId 1"):
        iterated(study(handler))


# --- envelopes


def bare(rows: list[Any], **pagination: Any) -> Callable[[Request], Answer]:
    return lambda _: reply({"data": rows, **({"pagination": pagination} if pagination else {})})


@both
@pytest.mark.parametrize("count", [0, 1, 2])
def test_without_pagination_a_page_that_is_not_full_is_whole(
    study: Any, read: Any, count: int
) -> None:
    assert read(study(bare(sites(*range(count))))) == list(range(count))


@both
@pytest.mark.parametrize("count", [3, 4])
def test_without_pagination_a_full_page_is_refused(study: Any, read: Any, count: int) -> None:
    with pytest.raises(ResponseError) as caught:
        read(study(bare(sites(*range(count)))))
    assert str(caught.value) == (
        f"GET /studies/S/sites answered {count} rows without a pagination block: whether more "
        "follow cannot be known."
    )


@both
def test_pagination_may_not_go_missing_later(study: Any, read: Any) -> None:
    table = Table(sites(*TEN))
    table.instead[3] = reply({"data": sites(10)})
    with pytest.raises(ResponseError, match="answered 1 rows without a pagination block"):
        read(study(table))


@pytest.mark.parametrize("total", [None, -1, "3", 1.0, True, [3]], ids=repr)
def test_a_total_that_is_none(study: Any, total: Any) -> None:
    with pytest.raises(ResponseError) as caught:
        listed(study(bare(sites(1), totalElements=total, size=3)))
    assert str(caught.value) == (
        f"GET /studies/S/sites answered {total!r} as the number of rows (totalElements)."
    )


@pytest.mark.parametrize("size", [None, 0, -1, "3", 99, True], ids=repr)
def test_a_size_that_makes_no_sense_is_not_believed(study: Any, size: Any) -> None:
    def handler(request: Request) -> Answer:
        number = request.number("page")
        rows = sites(*TEN)[number * 3 : number * 3 + 3]
        return reply({"data": rows, "pagination": {"totalElements": 10, "size": size}})

    assert listed(study(handler)) == list(TEN)


def test_rows_without_their_key_are_read(study: Any) -> None:
    named = [{"siteName": name} for name in "abcde"]
    pages = script((named[:3], 6), ([*named[3:], {"siteId": None}], 6))
    assert listed(study(pages)) == [None] * 6


def test_a_repeated_page_of_rows_without_their_key_is_refused(study: Any) -> None:
    named = [{"siteName": name} for name in "abc"]
    with pytest.raises(PaginationError, match=r"^GET /studies/S/sites: page 1 repeats page 0\.$"):
        listed(study(script((named, 6), (named, 6))))


def test_another_page_than_asked_for_is_refused(study: Any) -> None:
    rows = [{"siteId": number} for number in range(1, 7)]

    def handler(request: Request) -> Answer:
        asked = request.number("page")
        return reply(page(rows[3 * asked : 3 * asked + 3], total=6, size=3, number=0))

    with pytest.raises(PaginationError, match="answered page 0 where page 1 was asked for"):
        listed(study(handler))


def test_a_row_that_is_no_object_is_refused(study: Any) -> None:
    with pytest.raises(ResponseError, match=r"^Site: 5 is not an object"):
        listed(study(script(([5, 6, 7], 3))))


# --- errors on the way


@both
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(429), RateLimitError),
        (refusal(500), ServerError),
        (Answer(silent=True), RequestError),
        (reply(b"{"), ResponseError),
    ],
    ids=["429", "500", "broken", "cut"],
)
@pytest.mark.parametrize("prefetch", [1, 4])
def test_an_error_in_a_later_page_surfaces(
    study: Any, read: Any, answer: Answer, kind: type[Exception], prefetch: int
) -> None:
    table = Table(sites(*TEN))
    table.instead[2] = answer
    with pytest.raises(kind):
        read(study(table, prefetch=prefetch))


def test_rows_before_the_error_are_given_out(study: Any) -> None:
    table = Table(sites(*TEN))
    table.instead[2] = refusal(500)
    rows = study(table).sites.iter("S")
    assert [next(rows).site_id for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ServerError):
        next(rows)


# --- ahead


class Gate:
    """Holds requests for pages after the first until `width` have come, and lets a further one
    show itself; after that everything goes through.
    """

    def __init__(self, table: Table, width: int) -> None:
        self.table, self.width = table, width
        self.most = 0
        self._enough = threading.Event()
        self._more = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        if request.number("page") == 0:
            threading.Event().wait(0.2)  # waiting outweighs decoding by far, also on a busy day
            return self.table(request)
        if not self._more.is_set():
            with self._lock:
                self.most += 1
                if self.most == self.width:
                    self._enough.set()
                elif self.most > self.width:
                    self._more.set()
            assert self._enough.wait(5), f"only {self.most} of {self.width} came"
            self._more.wait(0.1)
            self._more.set()
        return self.table(request)


@both
@pytest.mark.parametrize("width", [2, 3, 8])
def test_a_slow_server_gets_so_many_requests_at_once(study: Any, read: Any, width: int) -> None:
    rows = range(3 + 6 * width)
    gate = Gate(Table(sites(*rows)), width)
    assert read(study(gate, prefetch=width)) == list(rows)
    assert gate.most == width


def test_one_at_a_time_starts_no_thread(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Counted(threading.Thread):
        def start(self) -> None:
            started.append(1)
            super().start()

    class Threads:
        Thread = Counted

    monkeypatch.setattr(paging, "threading", Threads)
    table = Slow(Table(sites(*TEN)))
    assert listed(study(table, prefetch=1)) == list(TEN)
    assert started == []
    assert listed(study(table, prefetch=2)) == list(TEN)
    assert started != []  # so the count does count


class Slow:
    """A handler that takes its time."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler

    def __call__(self, request: Request) -> Answer:
        threading.Event().wait(0.02)
        answer: Answer = self.handler(request)
        return answer


def test_fewer_at_once_after_a_429(study: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The first page is refused once: of eight at once four are left."""
    table = Table(sites(*range(3 + 3 * 8)))
    gate = Gate(table, 4)
    refused = [refusal(429)]

    def handler(request: Request) -> Answer:
        return refused.pop() if refused else gate(request)

    with caplog.at_level(logging.WARNING, "imednet"):
        assert listed(study(handler, prefetch=8, retries=1)) == list(range(27))
    assert len(caplog.records) == 1
    assert gate.most == 4


def test_nothing_is_asked_for_beyond_the_end_or_the_limit(study: Any) -> None:
    table = Table(sites(*range(30)))
    assert listed(study(Slow(table), prefetch=8), limit=10) == list(range(10))
    assert sorted(table.asked) == [0, 1, 2, 3]


class Stale:
    """Early pages are made before the study grows, and only then is the one before answered."""

    def __init__(self, table: Table, grow: Change, early: int) -> None:
        self.table, self.grow = table, grow
        self.left = early
        self.grown = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        number = request.number("page")
        if number == 0:
            threading.Event().wait(0.1)
            return self.table(request)
        with self._lock:
            first_time = not self.grown.is_set()
        if number == 1 and first_time:
            self.grown.wait(5)
            return self.table(request)
        answer = self.table(request)
        with self._lock:
            self.left -= 1
            if self.left == 0:
                self.grow(self.table)
                self.grown.set()
        return answer


@both
def test_growth_makes_early_pages_stale_and_they_are_asked_for_again(study: Any, read: Any) -> None:
    table = Table(sites(*TEN))
    handler = Stale(table, add(11, 12, 13), early=2)
    assert read(study(handler, prefetch=8)) == list(range(1, 14))
    assert sorted(table.asked) == [0, 1, 2, 2, 3, 3, 4]


def test_early_pages_that_a_removal_made_stale_start_the_list_over(study: Any) -> None:
    table = Table(sites(*TEN))
    handler = Stale(table, remove(1), early=2)
    assert listed(study(handler, prefetch=8)) == list(range(2, 11))


def test_a_generator_closed_early_asks_for_no_more(study: Any) -> None:
    table = Table(sites(*range(300)))
    rows = study(table).sites.iter("S")
    assert next(rows).site_id == 0
    rows.close()
    assert table.asked == [0]
    assert list(rows) == []


def test_a_generator_closed_early_leaves_the_sdk_usable(study: Any) -> None:
    table = Table(sites(*range(60)))
    sdk = study(Slow(table), prefetch=8)
    rows = sdk.sites.iter("S")
    assert [next(rows).site_id for _ in range(4)] == [0, 1, 2, 3]
    rows.close()
    assert listed(sdk, limit=5) == [0, 1, 2, 3, 4]


def test_nothing_is_sent_before_the_first_row_is_taken(study: Any) -> None:
    table = Table(sites(*TEN))
    study(table).sites.iter("S")
    assert table.asked == []
