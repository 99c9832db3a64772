"""The API's resources: what can be listed, found, counted, and written.

Every list takes the same arguments (`Resource.list` explains them) and gives
dataclasses of `imednet.models`. An empty list means that there are no rows,
never that a call failed: every failure is an error of `imednet.errors`.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from imednet.config import DAY
from imednet.errors import JobFailedError, JobTimeoutError, ResponseError
from imednet.listing import PLAIN, Lists, M, segment

if TYPE_CHECKING:
    from imednet.listing import Progress
    from imednet.models import Job, Record, Study  # noqa: F401  (Record: a forward reference)
    from imednet.sdk import ImednetSDK

__all__ = ["Jobs", "Records", "Resource", "Studies", "Waiting"]


class Resource(Lists[M]):
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

        Example:
            >>> rows = sdk.records.list("DEMO", form_key="AE", date_created=(">=", "2020-01-01"))
            >>> {row.form_key for row in rows}
            {'AE'}
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

        Example:
            >>> sum(1 for _ in sdk.visits.iter("DEMO")) == sdk.visits.count("DEMO")
            True
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

        Example:
            >>> sdk.subjects.count("DEMO", deleted=False) <= sdk.subjects.count("DEMO")
            True
        """
        given = _given(filter, None, None, None, modified_since, None)
        selection = self._select(self._path(study_key), given | conditions, counting=True)
        return self._count(selection)

    def get(self, study_key: str, id: str | int) -> M:
        """Return the row with this key; raises NotFoundError where there is none.

        For users, the inactive among them, the whole list is searched.

        Example:
            >>> sdk.sites.get("DEMO", site.site_id).site_name == site.site_name
            True
        """
        return self._get(self._path(study_key), id)

    def _path(self, study_key: str) -> str:
        return f"/studies/{segment(study_key, 'study_key')}/{self._spec.path}"


class Studies(Lists["Study"]):
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
        return self._count(self._select("/studies", given | conditions, counting=True))

    def get(self, study_key: str) -> Study:
        """Return the study; raises NotFoundError where the keys see none of that key."""
        return self._get("/studies", study_key)


def _given(*values: Any) -> dict[str, Any]:
    return dict(zip(PLAIN, values, strict=True))


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
        return _job(self._sdk, answer)


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


def _job(sdk: ImednetSDK, answer: Any) -> Job:
    from imednet.bodies import parsed
    from imednet.models import Job
    from imednet.models.decoding import decoder

    with sdk.transport.reading():
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
        """Return the job as it is now; raises NotFoundError where there is none.

        Example:
            >>> job = sdk.records.create("DEMO", [
            ...     {"formKey": "REG", "siteId": site.site_id, "data": {}}])
            >>> sdk.jobs.get("DEMO", job.batch_id).batch_id == job.batch_id
            True
        """
        path = f"/studies/{segment(study_key, 'study_key')}/jobs/{segment(batch_id, 'batch_id')}"
        return _job(self._sdk, self._sdk.transport.send("GET", path))

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
            interval: seconds between two looks, above 0; more than a day (86400) is a day.
            timeout: seconds to wait in all; None waits for ever, 0 looks once.
            on_update: called with the job after each look.

        Raises:
            JobFailedError: the job failed; `error.job` is the job.
            JobTimeoutError: it has not ended in time; `error.job` is as last seen.
            ValueError: an interval that is not above 0, or a timeout below it.

        Example:
            >>> job = sdk.records.create("DEMO", [
            ...     {"formKey": "REG", "siteId": site.site_id, "data": {}}])
            >>> sdk.jobs.wait("DEMO", job.batch_id, interval=0.1, timeout=30).state
            'completed'
        """
        wait = Waiting(batch_id, interval, timeout, on_update)
        while not wait.ended(job := self.get(study_key, batch_id)):
            time.sleep(wait.pause())
        return job


class Waiting:
    """One wait for a job: what each look means, and how long to pause before the next."""

    def __init__(
        self,
        batch_id: str,
        interval: float,
        timeout: float | None,
        on_update: Callable[[Job], object] | None,
    ) -> None:
        numbers = [interval, 0 if timeout is None else timeout]
        if not all(isinstance(n, (int, float)) and n >= 0 for n in numbers) or not interval:
            raise ValueError(
                f"interval is {interval!r}, timeout {timeout!r}: give seconds, "
                "an interval above 0, and a timeout of 0 or more, or None"
            )
        self._batch_id, self._timeout = batch_id, timeout
        self._interval = min(interval, DAY)  # no system sleeps for ages
        self._end = None if timeout is None else time.monotonic() + timeout
        self._on_update = on_update

    def ended(self, job: Job) -> bool:
        """Tell whether the job is completed; raises if it failed, or time is up."""
        if self._on_update is not None:
            self._on_update(job)
        state = (job.state or "").strip().lower()
        if state == "failed":
            raise JobFailedError(f"job {self._batch_id} failed: none of its records stand.", job)
        if state != "completed" and self._end is not None and time.monotonic() >= self._end:
            raise JobTimeoutError(
                f"job {self._batch_id} is still {job.state!r} after {self._timeout:g} s; it may "
                "yet end: wait again, or look with jobs.get.",
                job,
            )
        return state == "completed"

    def pause(self) -> float:
        """Return the seconds until the next look."""
        if self._end is None:
            return self._interval
        return max(0.0, min(self._interval, self._end - time.monotonic()))
