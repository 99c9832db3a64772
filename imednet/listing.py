"""One list call: its arguments understood, its URL split where it is too long, its rows merged.

What a caller writes becomes a `Selection` before anything is sent; `Lists` turns
one into rows, a count, or a single row.
"""

from __future__ import annotations

import builtins
import heapq
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cmp_to_key, partial
from itertools import islice
from operator import index
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast
from urllib.parse import quote

from imednet.config import PAGE_SIZE_LIMIT
from imednet.errors import NotFoundError

if TYPE_CHECKING:
    from imednet.filters import Attribute
    from imednet.models import Model
    from imednet.sdk import ImednetSDK

    Progress = Callable[[int, int], object]

__all__ = ["COMPARABLE", "PLAIN", "RESOURCES", "Lists", "Selection", "segment"]

M = TypeVar("M", bound="Model")
URL_LIMIT = 6000  # characters; beyond, an "any of" is asked for in several requests
LEAST_ROOM = 1000  # characters of a filter, however long the rest of the URL is
RESTARTS = 2  # times that a list starts over because rows moved
COMPARABLE = ("text", "integer", "number", "boolean", "timestamp", "date")
FILTERING = ("filter", "modified_since")
PLAIN = ("filter", "sort", "limit", "page_size", "modified_since", "on_progress")


class Spec(NamedTuple):
    """What sets one resource apart."""

    path: str
    model: str
    key: str  #: the row key
    modified: str | None = None  #: what `modified_since` compares
    filterable: bool = True
    special: Mapping[str, str] = MappingProxyType({})  #: arguments that become query parameters


RESOURCES = {
    "studies": Spec("studies", "Study", "study_key", "date_modified"),
    "sites": Spec("sites", "Site", "site_id", "date_modified"),
    "forms": Spec("forms", "Form", "form_id", "date_modified"),
    "intervals": Spec("intervals", "Interval", "interval_id", "date_modified"),
    "visits": Spec("visits", "Visit", "visit_id", "date_modified"),
    "subjects": Spec("subjects", "Subject", "subject_id", "date_modified"),
    "users": Spec(
        "users",
        "User",
        "user_id",
        filterable=False,
        special={"include_inactive": "includeInactive"},
    ),
    "variables": Spec("variables", "Variable", "variable_id", "date_modified"),
    "codings": Spec("codings", "Coding", "coding_id", "date_coded"),
    "queries": Spec("queries", "Query", "annotation_id", "date_modified"),
    "record_revisions": Spec(
        "recordRevisions", "RecordRevision", "record_revision_id", "date_created"
    ),
    "records": Spec(
        "records",
        "Record",
        "record_id",
        "date_modified",
        special={"record_data_filter": "recordDataFilter"},
    ),
}


def segment(value: Any, what: str) -> str:
    """Return a key or id percent-encoded for a path; raises ValueError for one that is none."""
    number = hasattr(value, "__index__") and not isinstance(value, bool)
    text = value if isinstance(value, str) else str(index(value)) if number else ""
    try:
        if text.strip() and text not in (".", ".."):
            return quote(text, safe="")
    except UnicodeEncodeError:  # half of a character
        pass
    raise ValueError(f"{what} is {value!r}: give the key or id that the API knows it by")


class Selection(NamedTuple):
    """A list call, understood and checked before anything is sent."""

    path: str
    params: dict[str, Any]
    filters: builtins.list[str | None]  #: a request series each; empty: nothing can match
    order: builtins.list[tuple[str, bool]]  #: names here, and whether descending
    rising: bool
    size: int
    limit: int | None
    progress: Progress | None


class Lists(Generic[M]):
    """What `Resource` and `Studies` share: everything but whether there is a study key."""

    def __init__(self, sdk: ImednetSDK, name: str) -> None:
        self._sdk = sdk
        self._name = name
        self._spec = RESOURCES[name]

    def __repr__(self) -> str:
        return f"<{self._name} of {self._sdk!r}>"

    def _model(self) -> type[M]:
        from imednet import models

        return cast("type[M]", getattr(models, self._spec.model))

    def _known(self) -> dict[str, Attribute]:
        from imednet.filters import Attribute
        from imednet.models.decoding import columns

        return {c.name: Attribute(*c[:3]) for c in columns(self._model()) if c.kind in COMPARABLE}

    def _select(self, path: str, arguments: dict[str, Any], *, counting: bool = False) -> Selection:
        from imednet.filters import alternatives, sort_order

        spec, known = self._spec, self._known()
        plain = {name: arguments.pop(name, None) for name in PLAIN}
        special = {name: arguments.pop(name) for name in spec.special if name in arguments}
        self._refuse_unknown(arguments, plain, known, counting)
        _check_special(special)
        conditions = [(known[name], value) for name, value in arguments.items()]
        if plain["modified_since"] is not None and spec.modified is not None:
            compared = known[spec.modified]._replace(name="modified_since")
            conditions.append((compared, (">=", plain["modified_since"])))
        size = _within(plain["page_size"], "page_size", 1, PAGE_SIZE_LIMIT)
        limit = _within(plain["limit"], "limit", 0, None)
        size = size or self._sdk.settings.page_size
        key = known[spec.key]
        order = sort_order(
            [] if plain["sort"] is None else plain["sort"],
            {n: a.api_name for n, a in known.items()},
        )
        rising = key.kind == "integer" and order in ([], [(key.api_name, False)])
        if key.api_name not in (name for name, _ in order):
            order.append((key.api_name, False))  # ties in any order would move between pages
        params = {spec.special[name]: value for name, value in special.items()}
        params["sort"] = [f"{name},{'DESC' if down else 'ASC'}" for name, down in order]
        names = {a.api_name: n for n, a in known.items()}
        return Selection(
            path=path,
            params=params,
            filters=self._filters(path, params, alternatives(plain["filter"], conditions)),
            order=[(names[name], down) for name, down in order if name in names],
            rising=rising,
            size=size if not limit else min(size, limit),
            limit=limit,
            progress=plain["on_progress"],
        )

    def _refuse_unknown(
        self,
        conditions: dict[str, Any],
        plain: dict[str, Any],
        known: dict[str, Attribute],
        counting: bool,
    ) -> None:
        spec = self._spec
        has = [name for name in PLAIN if name in FILTERING or not counting]
        has += [*spec.special, *known]
        if not spec.filterable:
            has = [name for name in has if name not in FILTERING and name not in known]
        given = [*conditions, *(name for name, value in plain.items() if value is not None)]
        for name in given:
            if name not in has:
                raise TypeError(
                    f"{self._name} have no argument {name!r}; they take {', '.join(has)}"
                )

    def _filters(
        self, path: str, params: dict[str, Any], texts: Iterator[str] | None
    ) -> builtins.list[str | None]:
        if texts is None:
            return [None]
        from imednet.filters import packed
        from imednet.http import url_length

        taken = url_length(self._sdk.settings, path, {**params, "page": 10**6, "size": 500})
        return list(packed(texts, max(URL_LIMIT - taken - len("&filter="), LEAST_ROOM)))

    # --- reading

    def _iter(self, selection: Selection) -> Iterator[M]:
        """Rows of all request series, merged in order; raises PaginationError if rows move."""
        if selection.limit == 0:
            return
        parts = [self._pages(*series) for series in self._series(selection)]
        if len(parts) == 1:
            for rows in parts[0]:
                yield from rows
            return
        series = [(row for rows in part for row in rows) for part in parts]
        yield from islice(self._merged(series, selection), selection.limit)

    def _list(self, selection: Selection) -> builtins.list[M]:
        """The same as a list, starting over where rows moved."""
        if selection.limit == 0:
            return []
        parts = [self._whole(*series) for series in self._series(selection)]
        if len(parts) == 1:
            return parts[0]
        return list(islice(self._merged(parts, selection), selection.limit))

    def _series(self, selection: Selection) -> Iterator[tuple[Selection, str | None]]:
        """Give each filter, with progress that counts the rows of all of them."""
        told: dict[int, tuple[int, int]] = {}

        def progress(number: int, done: int, total: int) -> None:
            told[number] = (done, total)
            if selection.progress is not None:
                most = selection.limit or sys.maxsize
                sums = map(sum, zip(*told.values(), strict=True))
                selection.progress(*(min(rows, most) for rows in sums))

        for number, text in enumerate(selection.filters):
            told[number] = (0, 0)
            yield selection._replace(progress=partial(progress, number)), text

    def _whole(self, selection: Selection, text: str | None) -> builtins.list[M]:
        from imednet.paging import RowsMoved

        for left in range(RESTARTS, -1, -1):
            found: builtins.list[M] = []
            try:
                for rows in self._pages(selection, text):
                    if found:
                        found += rows
                    else:
                        found = rows
                self._check_distinct(found, selection)
            except RowsMoved:
                if not left:
                    raise
            else:
                return found
        raise AssertionError("the last try returns or raises")

    def _check_distinct(self, rows: builtins.list[M], selection: Selection) -> None:
        """In another order than that of its key a row can come twice, and one not at all."""
        from imednet.paging import AGAIN, RowsMoved

        if selection.rising:
            return  # each key was higher than the one before
        keys = [key for row in rows if (key := getattr(row, self._spec.key)) is not None]
        if len(set(keys)) < len(keys):
            raise RowsMoved(
                f"GET {selection.path}: {len(keys) - len(set(keys))} of {len(rows)} rows came "
                f"twice: rows moved while the list was read, and as many may be missing. {AGAIN}"
            )

    def _pages(self, selection: Selection, text: str | None) -> Iterator[builtins.list[M]]:
        from imednet.models.decoding import decoder
        from imednet.paging import Listing, pages

        transport, key = self._sdk.transport, self._known()[self._spec.key]
        params = {**selection.params, "filter": text, "size": selection.size}
        listing = Listing(
            fetch=lambda page: transport.send("GET", selection.path, {"page": page, **params}),
            size=selection.size,
            key=key.api_name,
            rising=selection.rising,
            prefetch=self._sdk.settings.prefetch,
            limit=selection.limit,
            progress=selection.progress,
        )
        with transport.reading():
            yield from pages(listing, decoder(self._model()))

    def _merged(self, series: Iterable[Iterable[M]], selection: Selection) -> Iterator[M]:
        def compare(one: M, other: M) -> int:
            for name, down in selection.order:
                a, b = getattr(one, name), getattr(other, name)
                if a != b:
                    less = b is None or (a is not None and a < b)  # null comes last
                    return -1 if less != down else 1
            return 0

        before: Any = None
        for row in heapq.merge(*series, key=cmp_to_key(compare)):
            key = getattr(row, self._spec.key)
            if key is None or key != before:  # one that two of the requests brought
                yield row
            before = key

    def _count(self, selection: Selection) -> int:
        from imednet.paging import total_of

        transport = self._sdk.transport
        params = {name: value for name, value in selection.params.items() if name != "sort"}
        params |= {"page": 0, "size": 1}
        with transport.reading():
            return sum(
                total_of(transport.send("GET", selection.path, {"filter": text, **params}))
                for text in selection.filters
            )

    def _get(self, path: str, key: Any) -> M:
        segment(key, f"the {self._spec.key}")
        if self._spec.filterable:
            wanted: dict[str, Any] = {self._spec.key: key, "limit": 2}
        else:
            wanted = dict.fromkeys(self._spec.special, True)
        text = key.strip() if isinstance(key, str) else str(index(key))
        if self._known()[self._spec.key].kind == "integer":
            whole = re.fullmatch(r"[+-]?[0-9]+", text)
            text = str(int(text)) if whole else ""
        for row in self._list(self._select(path, wanted)) if text else ():
            found = getattr(row, self._spec.key)
            if found is not None and str(found) == text:
                return row
        description = f"there is no {self._spec.key} {key!r} among the {self._name}"
        raise NotFoundError(404, description=description, method="GET", path=path)


def _check_special(special: dict[str, Any]) -> None:
    from imednet.filters import whole

    for name, value in special.items():
        wanted: Any = bool if name.startswith("include") else str
        if value is not None and not isinstance(value, wanted):
            kind = "True or False" if wanted is bool else "text, in the API's own words"
            raise TypeError(f"{name} is {value!r}: give {kind}")
        if isinstance(value, str):
            whole(value, name)


def _within(value: Any, name: str, low: int, high: int | None) -> int | None:
    if value is None:
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"from {low} up"
        raise ValueError(f"{name} is {value!r}: give a whole number {span}")
    return int(value)
