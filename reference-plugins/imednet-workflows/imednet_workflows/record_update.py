"""Records written safely: checked first, sent in batches, followed to their end, read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from imednet import ImednetSDK
from imednet.errors import (
    ApiError,
    ImednetError,
    JobFailedError,
    JobTimeoutError,
)
from imednet.models import Job, Record, Subject
from imednet_workflows.lookups import Name, find_form, find_interval, find_site
from imednet_workflows.record_checks import StudyChecker, Target, as_sent, to_decimal

__all__ = ["Change", "Difference", "RecordOutcome", "RecordUpdate", "UpdateError", "UpdateResult"]

ALWAYS_NEW = ("new", "site")  # kinds of items that each make a record of their own


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that does not stand: what was sent, and what reading back found (None: nothing)."""

    variable: str
    sent: Any
    found: Any


@dataclass(slots=True)
class RecordOutcome:
    """What became of one record.

    `kind` is what it was meant to do: "register" a subject, write a "scheduled" or a "new"
    record of one, make a record of a "site", or "change" the one it names.
    `batch_id` is None while it was not sent. `state` is that of its batch's job as
    last seen ("created", "running", "completed", "failed"), or "not sent", "refused"
    by the server, or "unknown" where the sending itself broke off. With
    `verify=True`, and where its job did not fail, `differences` are the values that
    do not stand, `record_id` is the record that was read back and, for a registration,
    `subject_key` the key that the system gave; all None otherwise.
    """

    position: int
    kind: str
    batch_id: str | None = None
    state: str = "not sent"
    record_id: int | None = None
    subject_key: str | None = None
    differences: list[Difference] | None = None

    @property
    def stands(self) -> bool | None:
        """Whether reading back found every value; None where it was not read back."""
        return None if self.differences is None else not self.differences


@dataclass(slots=True)
class UpdateResult:
    """What became of all records, in the order they were given, and the jobs of the batches."""

    records: list[RecordOutcome] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    @property
    def failed(self) -> list[RecordOutcome]:
        """The records whose job failed."""
        return [outcome for outcome in self.records if outcome.state.lower() == "failed"]


class UpdateError(ImednetError):
    """Sending or following the batches broke off; `result` says how far it came.

    The cause is the error that broke it off.
    """

    def __init__(self, message: str, result: UpdateResult | None = None) -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True, slots=True)
class Change:
    """One value that a record would change: `old` is None where there is no such record yet."""

    position: int
    kind: str
    form_key: str | None
    subject_key: str | None
    interval_name: str | None
    record_id: int | None
    variable: str
    old: Any
    new: Any


class RecordUpdate:
    """`sdk.workflows.record_update`."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def create_or_update_records(
        self,
        study_key: str,
        records: Iterable[Mapping[str, Any]],
        wait_for_completion: bool = False,
        *,
        verify: bool = False,
        batch_size: int = 100,
        timeout: float | None = 600.0,
        poll_interval: float = 2.0,
        email_notify: str | None = None,
        on_progress: Callable[[int, int], object] | None = None,
    ) -> UpdateResult:
        """Write records: all are checked, then sent in batches, then followed if asked for.

        Records are dicts in the API's own names, as `sdk.records.create` takes them.
        Values may be text, numbers, True, False, dates, or None to clear an answer.

        Args:
            wait_for_completion: wait for each batch's job to end. A job that failed is
                told in the result, not raised: the API says no more than that.
            verify: read back what stands afterwards (waits in any case).
            batch_size: records a request.
            timeout: seconds to wait for each job; None waits for ever.
            poll_interval: seconds between two looks at a job.
            email_notify: an address that the server tells when each job has ended.
            on_progress: called with records sent so far and records in all.

        Raises:
            RecordsRefused: records do not fit the study; nothing was sent.
            UpdateError: sending or following broke off, or a job did not end in time;
                `error.result` says how far it came.
            ValueError: for a batch_size below 1.

        Example:
            >>> result = sdk.workflows.record_update.create_or_update_records("DEMO", [
            ...     {"formKey": "VS", "subjectKey": subject_key, "data": {"PULSE": 71}}],
            ...     verify=True, poll_interval=0.05)
            >>> result.records[0].state, result.records[0].stands
            ('completed', True)
        """
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size!r}: give a whole number from 1 up")
        if not poll_interval > 0 or (timeout is not None and not timeout >= 0):
            raise ValueError(
                f"poll_interval is {poll_interval!r}, timeout {timeout!r}: give seconds"
            )
        given = list(records)
        targets = StudyChecker.read(self._sdk, study_key, given).check(given)
        result = UpdateResult([RecordOutcome(t.position, t.kind) for t in targets])
        reader = _Reader.before(self._sdk, study_key) if verify else None
        try:
            self._send(study_key, targets, result, batch_size, email_notify, on_progress)
            if wait_for_completion or verify:
                self._follow(study_key, result, timeout, poll_interval)
            if reader is not None:
                reader.verify(targets, result)
        except BaseException as error:
            sent = sum(outcome.batch_id is not None for outcome in result.records)
            unknown = sum(outcome.state == "unknown" for outcome in result.records)
            maybe = f", and of {unknown} it is not known" if unknown else ""
            far = f"{sent} of {len(targets)} records were sent when it broke off{maybe}"
            if not isinstance(error, ImednetError):  # Ctrl-C, or a callback that failed
                batches = ", ".join(str(job.batch_id) for job in result.jobs) or "none"
                error.add_note(f"{far}; batches sent before this: {batches}")
                raise
            raise UpdateError(
                f"{far} ({error}). "
                "error.result says which, and by which batch: look at the study before sending "
                "any again.",
                result,
            ) from error
        return result

    def register_subject(
        self,
        study_key: str,
        form: Name,
        site: Name,
        data: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> UpdateResult:
        """Register a subject at a site; form and site by key, name or id.

        `options` are those of `create_or_update_records`; with `verify=True` the result
        has the subject key that the system gave.
        """
        found = find_site(self._sdk.sites.list(study_key), site)
        item = {
            "siteName": found.site_name,
            **self._form(study_key, form),
            "data": {} if data is None else data,
        }
        return self.create_or_update_records(study_key, [item], **options)

    def update_scheduled_record(
        self,
        study_key: str,
        form: Name,
        subject: Name,
        interval: Name,
        data: Mapping[str, Any],
        **options: Any,
    ) -> UpdateResult:
        """Write a subject's record in an interval; form and interval by key, name or id.

        `subject` is the subject's key, or its id as a number. `options` are those of
        `create_or_update_records`.
        """
        found = find_interval(self._sdk.intervals.list(study_key), interval)
        item = {
            **self._form(study_key, form),
            **_subject(subject),
            "intervalId": found.interval_id,
            "data": data,
        }
        return self.create_or_update_records(study_key, [item], **options)

    def create_new_record(
        self,
        study_key: str,
        form: Name,
        subject: Name,
        data: Mapping[str, Any],
        **options: Any,
    ) -> UpdateResult:
        """Write a new unscheduled record of a subject; the form by key, name or id."""
        item = {**self._form(study_key, form), **_subject(subject), "data": data}
        return self.create_or_update_records(study_key, [item], **options)

    def preview(self, study_key: str, records: Iterable[Mapping[str, Any]]) -> list[Change]:
        """Return what records would change, old and new, and send nothing.

        Values that stand already are left out. Raises RecordsRefused as writing would.
        """
        given = list(records)
        targets = StudyChecker.read(self._sdk, study_key, given).check(given)
        reader = _Reader(self._sdk, study_key)
        reader.expect(targets)
        return [change for target in targets for change in _changes(target, reader.current(target))]

    def _form(self, study_key: str, form: Name) -> dict[str, Any]:
        return {"formKey": find_form(self._sdk.forms.list(study_key), form).form_key}

    def _send(
        self,
        study_key: str,
        targets: Sequence[Target],
        result: UpdateResult,
        batch_size: int,
        email_notify: str | None,
        on_progress: Callable[[int, int], object] | None,
    ) -> None:
        for start in range(0, len(targets), batch_size):
            batch = targets[start : start + batch_size]
            outcomes = result.records[start : start + batch_size]
            for outcome in outcomes:
                outcome.state = "unknown"
            try:
                job = self._sdk.records.create(
                    study_key, [target.item for target in batch], email_notify=email_notify
                )
            except ApiError as error:
                for outcome in outcomes if error.status_code < 500 else []:
                    outcome.state = "refused"
                raise
            result.jobs.append(job)
            for outcome in outcomes:
                outcome.batch_id, outcome.state = job.batch_id, str(job.state)
            if on_progress is not None:
                on_progress(start + len(batch), len(targets))

    def _follow(
        self, study_key: str, result: UpdateResult, timeout: float | None, poll_interval: float
    ) -> None:
        for position, job in enumerate(result.jobs):
            try:
                ended = self._sdk.jobs.wait(
                    study_key, str(job.batch_id), interval=poll_interval, timeout=timeout
                )
            except JobFailedError as error:
                ended = error.job or job
            except JobTimeoutError as error:
                _note(result, position, error.job or job)
                raise  # what is still running must not be taken for what did not stand
            _note(result, position, ended)


def _note(result: UpdateResult, position: int, job: Job) -> None:
    result.jobs[position] = job
    for outcome in result.records:
        if outcome.batch_id == job.batch_id:
            outcome.state = str(job.state)


def _subject(subject: Name) -> dict[str, Any]:
    return {"subjectId": subject} if isinstance(subject, int) else {"subjectKey": subject}


def _changes(target: Target, current: Record | None) -> Iterable[Change]:
    answers = {str(k).casefold(): v for k, v in ((current and current.record_data) or {}).items()}
    for variable, new in target.item["data"].items():
        old = answers.get(variable.casefold())
        if not _alike(target, variable, new, old):
            yield Change(
                position=target.position,
                kind=target.kind,
                form_key=target.form.form_key,
                subject_key=target.subject.subject_key if target.subject else None,
                interval_name=target.interval.interval_name if target.interval else None,
                record_id=current.record_id if current else None,
                variable=variable,
                old=_shown(target, variable, old),
                new=new,
            )


class _Reader:
    """Finds the record that each item was meant for, and compares what stands in it.

    `subject` and `record` are the newest ids before anything was sent: what is to
    be new has to be newer.
    """

    def __init__(self, sdk: ImednetSDK, study_key: str, subject: int = 0, record: int = 0) -> None:
        self._sdk, self._study_key = sdk, study_key
        self._newest_subject, self._newest_record = subject, record
        self._used: set[int | None] = set()
        self._subjects: set[int] = set()
        self._named: set[int] = set()
        self._changed: dict[int | None, Record] | None = None
        self._read: dict[tuple[str | None, bool], dict[int | None, list[Record]]] = {}

    @classmethod
    def before(cls, sdk: ImednetSDK, study_key: str) -> _Reader:
        subjects = sdk.subjects.list(study_key, sort="subject_id,DESC", limit=1)
        records = sdk.records.list(study_key, sort="record_id,DESC", limit=1)
        newest = [rows[0].subject_id or 0 if rows else 0 for rows in (subjects,)]
        newest += [rows[0].record_id or 0 if rows else 0 for rows in (records,)]
        return cls(sdk, study_key, *newest)

    def verify(self, targets: Sequence[Target], result: UpdateResult) -> None:
        """Fill in what reading back shows, of the records whose job did not fail."""
        done = [
            (target, outcome)
            for target, outcome in zip(targets, result.records, strict=True)
            if outcome.batch_id is not None and outcome.state.lower() != "failed"
        ]
        self.expect([target for target, _ in done])
        registered = self._registered([target for target, _ in done])
        for target, outcome in done:
            subject = registered.get(target.position, target.subject)
            record = self.current(target, subject, written=True)
            if target.kind == "register" and subject is not None:
                outcome.subject_key = subject.subject_key
            if record is not None:
                outcome.record_id = record.record_id
            outcome.differences = _differences(target, record)

    def current(
        self, target: Target, subject: Subject | None = None, *, written: bool = False
    ) -> Record | None:
        """Return the record that an item writes to; of a new one, only once it is `written`."""
        subject = subject or target.subject
        if target.record is not None:
            return self._written().get(target.record.record_id) if written else target.record
        if target.kind in ALWAYS_NEW and not written:
            return None
        if target.kind == "site":
            site_id = target.site.site_id if target.site else None
            return self._meant(target, [r for r in self._of_form(target) if r.site_id == site_id])
        if subject is None:
            return None
        found = self._of_form(target, subject)
        if target.interval is not None:
            found = [r for r in found if r.interval_id == target.interval.interval_id]
        return self._meant(target, found)

    def _written(self) -> dict[int | None, Record]:
        """Return the named records as they are now; read for all of the call at once."""
        if self._changed is None:
            ids = sorted(self._named)
            found = self._sdk.records.iter(self._study_key, record_id=ids) if ids else ()
            self._changed = {record.record_id: record for record in found}
        return self._changed

    def _of_form(self, target: Target, subject: Subject | None = None) -> list[Record]:
        """Return a subject's records of a form, or those of none; read for the call at once."""
        key = (target.form.form_key, target.kind == "scheduled")
        if key not in self._read:
            conditions: dict[str, Any] = {"form_key": target.form.form_key, "deleted": False}
            if target.kind == "scheduled":
                conditions["subject_id"] = sorted(self._subjects)
            else:  # what was registered or newly made came since
                conditions["record_id"] = (">", self._newest_record)
            by_subject = self._read.setdefault(key, {})
            for record in self._sdk.records.iter(self._study_key, **conditions):
                by_subject.setdefault(record.subject_id, []).append(record)
        return self._read[key].get(subject.subject_id if subject else None, [])

    def expect(self, targets: Sequence[Target]) -> None:
        """Take note of the records, and of whose records, that will be asked for."""
        self._read.clear()
        self._changed = None
        named = {t.record.record_id for t in targets if t.record is not None}
        self._named = {each for each in named if each is not None}
        ids = {t.subject.subject_id for t in targets if t.subject is not None}
        self._subjects = {each for each in ids if each is not None}

    def _meant(self, target: Target, records: list[Record]) -> Record | None:
        """Of several new records of one form, the first that holds the values and is free."""
        free = [
            r for r in records if target.kind not in ALWAYS_NEW or r.record_id not in self._used
        ]
        if not free:
            return None
        best = min(free, key=lambda record: len(_differences(target, record)))
        self._used.add(best.record_id)
        return best

    def _registered(self, targets: Sequence[Target]) -> dict[int, Subject]:
        """Match registrations with the subjects that have come since, in order, site by site."""
        wanted = [target for target in targets if target.kind == "register"]
        if not wanted:
            return {}
        come = self._sdk.subjects.list(self._study_key, subject_id=(">", self._newest_subject))
        free: dict[int | None, list[Subject]] = {}
        for subject in come:
            free.setdefault(subject.site_id, []).append(subject)
        found: dict[int, Subject] = {}
        for target in wanted:
            here = free.get(target.site.site_id if target.site else None)
            if here:
                fits = (not _differences(target, self.current(target, each)) for each in here)
                place = next((place for place, fit in enumerate(fits) if fit), 0)
                found[target.position] = here.pop(place)
        return found


def _differences(target: Target, record: Record | None) -> list[Difference]:
    answers = {str(k).casefold(): v for k, v in ((record and record.record_data) or {}).items()}
    sent = target.item["data"]
    if record is None:
        return [Difference(name, value, None) for name, value in sent.items()] or [
            Difference("record", "a record", None)
        ]
    return [
        Difference(name, value, _shown(target, name, answers.get(name.casefold())))
        for name, value in sent.items()
        if not _alike(target, name, value, answers.get(name.casefold()))
    ]


def _alike(target: Target, variable: str, sent: Any, found: Any) -> bool:
    """Tell whether a value stands: numbers by what they are, all else by its text."""
    one, other = sent or None, as_sent(found) or None
    if one is None or other is None or variable not in target.numbers:
        return bool(one == other)
    numbers = to_decimal(one), to_decimal(other)
    return bool(one == other or (None not in numbers and numbers[0] == numbers[1]))


def _shown(target: Target, variable: str, found: Any) -> Any:
    return "(blinded)" if variable in target.blinded and found is not None else found
