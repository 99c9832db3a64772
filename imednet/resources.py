"""The API's resources: what can be listed, found, counted, and written.

Every list takes the same arguments (`Resource.list` explains them) and gives
dataclasses of `imednet.models`. An empty list means that there are no rows,
never that a call failed: every failure is an error of `imednet.errors`.
"""

from __future__ import annotations

import builtins
import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cmp_to_key
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast
from urllib.parse import quote

from imednet.config import PAGE_SIZE_LIMIT
from imednet.errors import JobFailedError, JobTimeoutError, NotFoundError, ResponseError
from imednet.filters import Attribute, alternatives, packed, sort_order

if TYPE_CHECKING:
    from imednet.models import Coding, Form, Interval, Job, Model, Query, Record
    from imednet.models import RecordRevision, Site, Study, Subject, User, Variable, Visit
    from imednet.sdk import ImednetSDK

    Progress = Callable[[int, int], object]

__all__ = ["RESOURCES", "Jobs", "Records", "Resource", "Studies", "segment"]

M = TypeVar("M", bound="Model")
URL_LIMIT = 6000  # characters; beyond, an "any of" is asked for in several requests
RESTARTS = 2  # times that a list starts over because rows moved
COMPARABLE = ("text", "integer", "number", "boolean", "timestamp", "date")
_PLAIN = ("filter", "sort", "limit", "page_size", "modified_since", "on_progress")


class Spec(NamedTuple):
    """What sets one resource apart."""

    path: str
    model: str
    key: str  #: the row key
    modified: str | None = None  #: what `modified_since` compares
    filterable: bool = True
    special: dict[str, str] = {}  #: further arguments, and the query parameters they become


RESOURCES = {
    "studies": Spec("studies", "Study", "study_key", "date_modified"),
    "sites": Spec("sites", "Site", "site_id", "date_modified"),
    "forms": Spec("forms", "Form", "form_id", "date_modified"),
    "intervals": Spec("intervals", "Interval", "interval_id", "date_modified"),
    "visits": Spec("visits", "Visit", "visit_id", "date_modified"),
    "subjects": Spec("subjects", "Subject", "subject_id", "date_modified"),
    "users": Spec(
        "users", "User", "user_id", filterable=False, special={"include_inactive": "includeInactive"}
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
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not text.strip() or text in (".", ".."):
        raise ValueError(f"{what} is {value!r}: give the key or id that the API knows it by")
    return quote(text, safe="")


class _Selection(NamedTuple):
    """A list call, understood and checked before anything is sent."""

    path: str
    params: dict[str, Any]
    filters: builtins.list[str | None]  #: a request series each; empty: nothing can match
    order: builtins.list[tuple[str, bool]]  #: names here, and whether descending
    rising: bool
    size: int
    limit: int | None
    progress: Progress | None


class _Lists(Generic[M]):
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
        from imednet.models.decoding import columns

        return {c.name: Attribute(*c[:3]) for c in columns(self._model()) if c.kind in COMPARABLE}

    def _select(self, path: str, arguments: dict[str, Any]) -> _Selection:
        spec, known = self._spec, self._known()
        plain = {name: arguments.pop(name, None) for name in _PLAIN}
        special = {name: arguments.pop(name) for name in spec.special if name in arguments}
        self._refuse_unknown(arguments, plain, known)
        conditions = [(known[name], value) for name, value in arguments.items()]
        if plain["modified_since"] is not None and spec.modified is not None:
            conditions.append((known[spec.modified], (">=", plain["modified_since"])))
        size = _within(plain["page_size"], "page_size", 1, PAGE_SIZE_LIMIT)
        limit = _within(plain["limit"], "limit", 0, None)
        size = size or self._sdk.settings.page_size
        key = known[spec.key]
        order = sort_order(plain["sort"] or [], {n: a.api_name for n, a in known.items()})
        rising = key.kind == "integer" and order in ([], [(key.api_name, False)])
        if key.api_name not in (name for name, _ in order):
            order.append((key.api_name, False))  # ties in any order would move between pages
        params = {spec.special[name]: value for name, value in special.items()}
        params["sort"] = [f"{name},{'DESC' if down else 'ASC'}" for name, down in order]
        names = {a.api_name: n for n, a in known.items()}
        return _Selection(
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
        self, conditions: dict[str, Any], plain: dict[str, Any], known: dict[str, Attribute]
    ) -> None:
        spec = self._spec
        has = [name for name in _PLAIN if spec.filterable or name not in ("filter", "modified_since")]
        has += [*spec.special, *(known if spec.filterable else ())]
        given = [*conditions, *(name for name, value in plain.items() if value is not None)]
        for name in given:
            if name not in has:
                raise TypeError(f"{self._name} have no argument {name!r}; they take {', '.join(has)}")

    def _filters(
        self, path: str, params: dict[str, Any], texts: Iterator[str] | None
    ) -> builtins.list[str | None]:
        if texts is None:
            return [None]
        from imednet.http import url_length

        taken = url_length(self._sdk.settings, path, {**params, "page": 10**6, "size": 500})
        return list(packed(texts, URL_LIMIT - taken - len("&filter=")))

    # --- reading

    def _iter(self, selection: _Selection) -> Iterator[M]:
        """Rows of all request series, merged in order; raises PaginationError if rows move."""
        if selection.limit == 0:
            return
        parts = [self._pages(selection, text) for text in selection.filters]
        if len(parts) == 1:
            for rows in parts[0]:
                yield from rows
            return
        series = [(row for rows in part for row in rows) for part in parts]
        yield from islice(self._merged(series, selection), selection.limit)

    def _list(self, selection: _Selection) -> builtins.list[M]:
        """The same as a list, starting over where rows moved."""
        if selection.limit == 0:
            return []
        parts = [self._whole(selection, text) for text in selection.filters]
        if len(parts) == 1:
            return parts[0]
        return list(islice(self._merged(parts, selection), selection.limit))

    def _whole(self, selection: _Selection, text: str | None) -> builtins.list[M]:
        from imednet.paging import RowsMoved

        for left in range(RESTARTS, -1, -1):
            found: builtins.list[M] = []
            try:
                for rows in self._pages(selection, text):
                    if found:
                        found += rows
                    else:
                        found = rows
            except RowsMoved:
                if not left:
                    raise
            else:
                return found
        raise AssertionError("the last try returns or raises")

    def _pages(self, selection: _Selection, text: str | None) -> Iterator[builtins.list[M]]:
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
        return pages(listing, decoder(self._model()))

    def _merged(self, series: Iterable[Iterable[M]], selection: _Selection) -> Iterator[M]:
        def compare(one: M, other: M) -> int:
            for name, down in selection.order:
                a, b = getattr(one, name), getattr(other, name)
                if a != b:
                    less = b is None or (a is not None and a < b)  # null comes last
                    return -1 if less != down else 1
            return 0

        return heapq.merge(*series, key=cmp_to_key(compare))

    def _count(self, selection: _Selection) -> int:
        from imednet.paging import total_of

        send = self._sdk.transport.send
        params = {name: value for name, value in selection.params.items() if name != "sort"}
        return sum(
            total_of(send("GET", selection.path, {"page": 0, "size": 1, "filter": f, **params}))
            for f in selection.filters
        )

    def _get(self, path: str, key: Any) -> M:
        segment(key, f"the {self._spec.key}")
        if self._spec.filterable:
            wanted: dict[str, Any] = {self._spec.key: key, "limit": 2}
        else:
            wanted = dict.fromkeys(self._spec.special, True)
        for row in self._list(self._select(path, wanted)):
            if str(getattr(row, self._spec.key)) == str(key):
                return row
        description = f"there is no {self._spec.key} {key!r} among the {self._name}"
        raise NotFoundError(404, description=description, method="GET", path=path)


def _within(value: Any, name: str, low: int, high: int | None) -> int | None:
    if value is None:
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"from {low} up"
        raise ValueError(f"{name} is {value!r}: give a whole number {span}")
    return int(value)


class Resource(_Lists[M]):
    """The rows of one kind in a study.

    Example:
        >>> sites = sdk.sites.list("DEMO", site_enrollment_status="Enrollment Open")
        >>> sdk.sites.get("DEMO", sites[0].site_id) == sites[0]
        True
        >>> sdk.subjects.count("DEMO", site_id=[1, 2], deleted=False) > 0
        True
    """

    def list(
        self,
        study_key: str,
        *,
        filter: str | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        modified_since: datetime | date | str | None = None,
        on_progress: Progress | None = None,
        **conditions: Any,
    ) -> builtins.list[M]:
        """Return all rows that meet every condition, in the order of their keys.

        Any scalar field of the model is an argument: a value is equality,
        `(operator, value)` a comparison (`== != < <= > >=`), a list is "any of"
        (an empty one matches nothing). A naive datetime is UTC. There is no way to
        ask for null: None as a condition is a TypeError.

        Args:
            study_key: the study.
            filter: a condition in the API's own words, beside the others.
            sort: a field, or "field,DESC", or a list of those; None is the row key.
            limit: at most so many rows; None is all, 0 none (and nothing is sent).
            page_size: rows a request, 1 to 500; None is the SDK's.
            modified_since: rows changed then or later (created, of revisions; coded,
                of codings). Users have no such argument.
            on_progress: called after each page with rows so far and rows in all.
            conditions: fields of the model. `records` also take `record_data_filter`
                (a condition on answers, in the API's words); `users` take
                `include_inactive` (True or False) and no conditions.

        Raises:
            TypeError: for an argument that this resource does not have.
            ValueError: for a value that makes no sense, such as page_size=0.
            PaginationError: rows moved while the list was read, three times over.
            ImednetError: for everything else that can go wrong (see imednet.errors).
        """
        given = _given(filter, sort, limit, page_size, modified_since, on_progress)
        return self._list(self._select(self._path(study_key), given | conditions))

    def iter(
        self,
        study_key: str,
        *,
        filter: str | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        modified_since: datetime | date | str | None = None,
        on_progress: Progress | None = None,
        **conditions: Any,
    ) -> Iterator[M]:
        """Yield the same rows as `list`, page by page, in constant memory.

        Arguments are checked at once, requests are sent as rows are taken. Since
        rows given out cannot be taken back, PaginationError comes at the first sign
        that rows moved.
        """
        given = _given(filter, sort, limit, page_size, modified_since, on_progress)
        return self._iter(self._select(self._path(study_key), given | conditions))

    def count(
        self,
        study_key: str,
        *,
        filter: str | None = None,
        modified_since: datetime | date | str | None = None,
        **conditions: Any,
    ) -> int:
        """Return the number of rows that meet every condition, in one request.

        An "any of" too long for one URL takes several.
        """
        given = _given(filter, None, None, None, modified_since, None)
        return self._count(self._select(self._path(study_key), given | conditions))

    def get(self, study_key: str, id: str | int) -> M:
        """Return the row with this key; raises NotFoundError where there is none.

        For users, the inactive among them, the whole list is searched.
        """
        return self._get(self._path(study_key), id)

    def _path(self, study_key: str) -> str:
        return f"/studies/{segment(study_key, 'study_key')}/{self._spec.path}"


class Studies(_Lists["Study"]):
    """The studies that the keys may read: like `Resource`, but without a study key.

    Example:
        >>> [study.study_key for study in sdk.studies.list()]
        ['DEMO']
    """

    def list(
        self,
        *,
        filter: str | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        modified_since: datetime | date | str | None = None,
        on_progress: Progress | None = None,
        **conditions: Any,
    ) -> builtins.list[Study]:
        """Return the studies; for the arguments see `Resource.list`."""
        given = _given(filter, sort, limit, page_size, modified_since, on_progress)
        return self._list(self._select("/studies", given | conditions))

    def iter(
        self,
        *,
        filter: str | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        modified_since: datetime | date | str | None = None,
        on_progress: Progress | None = None,
        **conditions: Any,
    ) -> Iterator[Study]:
        """Yield the studies; for the arguments see `Resource.list`."""
        given = _given(filter, sort, limit, page_size, modified_since, on_progress)
        return self._iter(self._select("/studies", given | conditions))

    def count(
        self,
        *,
        filter: str | None = None,
        modified_since: datetime | date | str | None = None,
        **conditions: Any,
    ) -> int:
        """Return the number of studies that meet every condition."""
        given = _given(filter, None, None, None, modified_since, None)
        return self._count(self._select("/studies", given | conditions))

    def get(self, study_key: str) -> Study:
        """Return the study; raises NotFoundError where the keys see none of that key."""
        return self._get("/studies", study_key)


def _given(*values: Any) -> dict[str, Any]:
    return dict(zip(_PLAIN, values, strict=True))


class Records(Resource["Record"]):
    """Records, and the only thing that the API lets a client write."""

    def create(
        self,
        study_key: str,
        records: Sequence[dict[str, Any]],
        *,
        email_notify: str | None = None,
    ) -> Job:
        """Send records to be registered, updated or newly made, as one batch job.

        Each is a dict in the API's own names with a form (`formKey` or `formId`) and
        `data` (variable name to value), and: a site (`siteName`, `siteId`) to
        register a subject; a subject and an interval to update a scheduled record; a
        subject alone to make a new unscheduled one.

        The job is only begun when this returns: follow it with `sdk.jobs.wait`. A
        write is never sent twice unless its connection failed before anything went
        out; on RequestError look at the study before sending it again.

        Args:
            email_notify: an address that the server tells when the job has ended.

        Raises:
            TypeError, ValueError: for records that are not a list of dicts.
            ValidationError: the API refused the batch, and took nothing of it.

        Example:
            >>> job = sdk.records.create("DEMO", [
            ...     {"formKey": "REG", "siteName": site.site_name, "data": {}}])
            >>> sdk.jobs.wait("DEMO", job.batch_id, interval=0.1).state
            'completed'
        """
        path = self._path(study_key)
        _check_records(records)
        headers = {} if email_notify is None else {"x-email-notify": _address(email_notify)}
        answer = self._sdk.transport.send("POST", path, body=list(records), headers=headers)
        return _job(answer)


def _check_records(records: Any) -> None:
    if not isinstance(records, (list, tuple)):
        raise TypeError(f"records is a {type(records).__name__}: give a list of dicts")
    if not records:
        raise ValueError("records is empty: there is nothing to send")
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            raise TypeError(f"records[{index}] is a {type(record).__name__}: give a dict")


def _address(text: str) -> str:
    if not isinstance(text, str) or "@" not in text or any(not "!" <= c <= "~" for c in text):
        raise ValueError(f"email_notify is {text!r}: give one e-mail address")
    return text


def _job(answer: Any) -> Job:
    from imednet.http import parsed
    from imednet.models import Job
    from imednet.models.decoding import decoder

    job = decoder(Job)(parsed(answer))
    if not job.batch_id or not job.state:
        raise ResponseError(f"{answer.method} {answer.path} answered without batchId or state.")
    return job


class Jobs:
    """Batch jobs: how the records that were sent are getting on."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def __repr__(self) -> str:
        return f"<jobs of {self._sdk!r}>"

    def get(self, study_key: str, batch_id: str) -> Job:
        """Return the job as it is now; raises NotFoundError where there is none."""
        path = f"/studies/{segment(study_key, 'study_key')}/jobs/{segment(batch_id, 'batch_id')}"
        return _job(self._sdk.transport.send("GET", path))

    def wait(
        self,
        study_key: str,
        batch_id: str,
        *,
        interval: float = 2.0,
        timeout: float | None = 600.0,
        on_update: Callable[[Job], object] | None = None,
    ) -> Job:
        """Wait for a job to end, and return it once it is completed.

        States are compared without regard to case; one that is neither
        "completed" nor "failed" means that the job goes on.

        Args:
            interval: seconds between two looks, above 0.
            timeout: seconds to wait in all; None waits for ever, 0 looks once.
            on_update: called with the job after each look.

        Raises:
            JobFailedError: the job failed; `error.job` is the job.
            JobTimeoutError: it has not ended in time; `error.job` is as last seen.
        """
        if not interval > 0 or (timeout is not None and not timeout >= 0):
            raise ValueError(f"interval is {interval!r}, timeout {timeout!r}: give seconds")
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            job = self.get(study_key, batch_id)
            if on_update is not None:
                on_update(job)
            state = (job.state or "").strip().lower()
            if state == "completed":
                return job
            if state == "failed":
                raise JobFailedError(f"job {batch_id} failed: none of its records stand.", job)
            left = interval if end is None else end - time.monotonic()
            if left <= 0:
                raise JobTimeoutError(
                    f"job {batch_id} is still {job.state!r} after {timeout:g} s; it may yet end: "
                    "wait again, or look with jobs.get.",
                    job,
                )
            time.sleep(min(interval, left))
