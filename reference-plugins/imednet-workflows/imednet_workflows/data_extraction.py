"""Records by criteria, the audit trail, and the life of queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from imednet import ImednetSDK
from imednet.models import Record, RecordRevision
from imednet_workflows.lookups import Name, side_by_side, site_ids, with_site_ids
from imednet_workflows.query_events import QueryEvent, events_of

__all__ = ["AuditEvent", "DataExtraction"]

IDS_A_REQUEST = 200  # about as many fit into one URL
ROWS_A_REQUEST = 500
HOW = ("sort", "page_size", "on_progress")  # how a list is read, not what matches


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One saved change of a record, with the names of what it belongs to.

    `change` is "created" (the record's first revision), "data" (its answers changed),
    "status" (they did not), or "deleted". Names are None where the study no longer
    lists what they name.
    """

    record_revision_id: int | None
    date: datetime | None
    user: str | None
    role: str | None
    change: str
    reason_for_change: str | None
    record_id: int | None
    record_oid: str | None
    record_revision: int | None
    data_revision: int | None
    record_status: str | None
    deleted: bool | None
    form_key: str | None
    form_name: str | None
    interval_id: int | None
    interval_name: str | None
    subject_id: int | None
    subject_key: str | None
    site_id: int | None
    site_name: str | None


class DataExtraction:
    """`sdk.workflows.data_extraction`."""

    def __init__(self, sdk: ImednetSDK) -> None:
        self._sdk = sdk

    def extract_records_by_criteria(
        self,
        study_key: str,
        record_filter: dict[str, Any] | None = None,
        subject_filter: dict[str, Any] | None = None,
        visit_filter: dict[str, Any] | None = None,
    ) -> list[Record]:
        """Return the records that match, and whose subject and visit match as well.

        Each filter is a dict of what the list of that resource takes, and may name
        sites by `site_name`; `limit` in `record_filter` is of the records that match in
        the end. A record without a subject (or visit) does not match
        where a filter for them is given. Raises TypeError for a condition that the
        resource does not have, ValueError for a site that the study does not have.

        Example:
            >>> records = sdk.workflows.data_extraction.extract_records_by_criteria(
            ...     "DEMO", {"form_key": "VS"}, {"subject_status": "Enrolled"},
            ...     {"interval_name": "Week 2"})
            >>> {record.form_key for record in records}
            {'VS'}
        """
        conditions = with_site_ids(self._sdk, study_key, record_filter)
        self._sdk.records.iter(study_key, **conditions)  # checks the conditions, sends nothing
        limit = conditions.pop("limit", None)
        how = {name: conditions.pop(name) for name in HOW if name in conditions}
        subjects = self._subject_ids(study_key, subject_filter)
        visits = self._visit_ids(study_key, visit_filter)
        lists = {"visit_id": visits, "subject_id": subjects}
        short = {n: ids for n, ids in lists.items() if ids is not None and n not in conditions}
        if any(not ids for ids in short.values()):
            return []
        name = min(short, key=lambda n: len(short[n]), default="")
        if name and self._worth_asking("records", study_key, len(short[name]), conditions):
            conditions[name] = sorted(short[name])  # one list only: two would multiply
        if subjects is None and visits is None:  # all that is read matches
            how["limit"] = limit
        matching = (
            record
            for record in self._sdk.records.iter(study_key, **conditions, **how)
            if (subjects is None or record.subject_id in subjects)
            and (visits is None or record.visit_id in visits)
        )
        return list(islice(matching, limit))

    def _worth_asking(
        self, name: str, study_key: str, ids: int, conditions: dict[str, Any]
    ) -> bool:
        """Tell whether asking for these ids takes fewer requests than reading everything."""
        if ids <= IDS_A_REQUEST:
            return True
        rows = getattr(self._sdk, name).count(study_key, **conditions)
        return ids / IDS_A_REQUEST < float(rows) / ROWS_A_REQUEST

    def _subject_ids(self, study_key: str, conditions: dict[str, Any] | None) -> set[int] | None:
        if conditions is None:
            return None
        given = with_site_ids(self._sdk, study_key, conditions)
        subjects = self._sdk.subjects.iter(study_key, **given)
        return {s.subject_id for s in subjects if s.subject_id is not None}

    def _visit_ids(self, study_key: str, conditions: dict[str, Any] | None) -> set[int] | None:
        """Visits name no site: one that is given is looked up through the subjects."""
        if conditions is None:
            return None
        given = with_site_ids(self._sdk, study_key, conditions)
        sites = given.pop("site_id", None)
        of_site = None if sites is None else self._subject_ids(study_key, {"site_id": sites})
        return {
            visit.visit_id
            for visit in self._sdk.visits.iter(study_key, **given)
            if visit.visit_id is not None and (of_site is None or visit.subject_id in of_site)
        }

    def extract_audit_trail(
        self,
        study_key: str,
        start_date: date | datetime | str | None = None,
        end_date: date | datetime | str | None = None,
        user: str | None = None,
        *,
        site: Name | list[Name] | None = None,
        on_progress: Callable[[int, int], object] | None = None,
        **conditions: Any,
    ) -> list[AuditEvent]:
        """Return the saved changes of records, oldest first, one tidy row an event.

        Args:
            start_date: changes made then or later; None is from the beginning.
            end_date: changes made before; a date without a time includes that day.
            user: the login of who saved them; None is everybody.
            site: by name or id, one or several; None is all.
            on_progress: called after each page with revisions so far and in all.
            conditions: what `sdk.record_revisions.list` takes (`form_key="AE"`).

        Raises:
            ValueError: a site that the study does not have, an end before the start, a
                date that is none.

        Example:
            >>> events = sdk.workflows.data_extraction.extract_audit_trail("DEMO", form_key="DM")
            >>> events[0].change, events[0].form_name
            ('created', 'Demographics')
        """
        start, end = _moment(start_date, "start_date"), _moment(end_date, "end_date", ends=True)
        if start is not None and end is not None and end <= start:
            raise ValueError(f"end_date {end_date} is before start_date {start_date}")
        given = dict(conditions)
        for name, meant in (("date_created", end_date), ("site_id", site)):
            if name in given and meant is not None:
                raise ValueError(f"{name} is given beside the argument that means it: give one")
        if user is not None:
            given["user"] = user
        if site is not None:
            given["site_id"] = site_ids(self._sdk, study_key, site)
        if end is not None:
            given["date_created"] = ("<", end)
        sdk = self._sdk
        revisions, forms, intervals, sites = side_by_side(
            lambda: sdk.record_revisions.list(
                study_key, modified_since=start, on_progress=on_progress, **given
            ),
            lambda: {f.form_key: f.form_name for f in sdk.forms.list(study_key)},
            lambda: {i.interval_id: i.interval_name for i in sdk.intervals.list(study_key)},
            lambda: {s.site_id: s.site_name for s in sdk.sites.list(study_key)},
        )
        before = self._earlier(study_key, revisions)
        events = [_audited(r, before, forms, intervals, sites) for r in revisions]
        earliest = datetime.min.replace(tzinfo=UTC)
        return sorted(events, key=lambda event: event.date or earliest)

    def _earlier(
        self, study_key: str, revisions: list[RecordRevision]
    ) -> dict[tuple[int | None, int | None], int | None]:
        """Return the data revision at each record revision, to tell what a change changed.

        The revision before one that is listed may itself fall outside the criteria;
        those are asked for by record, where they are few, or all read.
        """
        known = {(r.record_id, r.record_revision): r.data_revision for r in revisions}
        lacking = {
            r.record_id
            for r in revisions
            if (r.record_revision or 1) > 1
            and (r.record_id, (r.record_revision or 1) - 1) not in known
        }
        if not lacking:
            return known
        asked: dict[str, Any] = {}
        if self._worth_asking("record_revisions", study_key, len(lacking), {}):
            asked["record_id"] = sorted(i for i in lacking if i is not None)
        others = self._sdk.record_revisions.iter(study_key, **asked)
        return known | {(r.record_id, r.record_revision): r.data_revision for r in others}

    def query_events(self, study_key: str, **conditions: Any) -> list[QueryEvent]:
        """Return one row a comment of a query: opened, answered, closed, reopened; by whom, when.

        Queries without comments have no events. Further conditions are those of
        `sdk.queries.list`.

        Example:
            >>> events = sdk.workflows.data_extraction.query_events("DEMO")
            >>> events[0].event, events[0].sequence
            ('opened', 1)
        """
        queries, subjects = side_by_side(
            lambda: self._sdk.queries.list(study_key, **conditions),
            lambda: {s.subject_id: s for s in self._sdk.subjects.list(study_key)},
        )
        return [e for query in queries for e in events_of(query, subjects.get(query.subject_id))]


def _moment(
    given: date | datetime | str | None, name: str, *, ends: bool = False
) -> datetime | None:
    """Return a moment in UTC; of a day its begin, or as an end the begin of the next."""
    if given is None:
        return None
    try:
        if isinstance(given, str):
            whole = datetime.fromisoformat(given)
            given = whole.date() if len(given) == 10 else whole
    except ValueError:
        raise ValueError(f"{name} is {given!r}: give a date or a datetime") from None
    if not isinstance(given, date):
        raise ValueError(f"{name} is {given!r}: give a date or a datetime")
    if isinstance(given, datetime):
        return given.replace(tzinfo=UTC) if given.tzinfo is None else given
    return datetime.combine(given + timedelta(days=int(ends)), time(), UTC)


def _audited(
    revision: RecordRevision,
    data_revisions: dict[tuple[int | None, int | None], int | None],
    forms: dict[str | None, str | None],
    intervals: dict[int | None, str | None],
    sites: dict[int | None, str | None],
) -> AuditEvent:
    earlier = data_revisions.get((revision.record_id, (revision.record_revision or 1) - 1))
    return AuditEvent(
        record_revision_id=revision.record_revision_id,
        date=revision.date_created,
        user=revision.user,
        role=revision.role,
        change=_change(revision, earlier),
        reason_for_change=revision.reason_for_change,
        record_id=revision.record_id,
        record_oid=revision.record_oid,
        record_revision=revision.record_revision,
        data_revision=revision.data_revision,
        record_status=revision.record_status,
        deleted=revision.deleted,
        form_key=revision.form_key,
        form_name=forms.get(revision.form_key),
        interval_id=revision.interval_id,
        interval_name=intervals.get(revision.interval_id),
        subject_id=revision.subject_id,
        subject_key=revision.subject_key,
        site_id=revision.site_id,
        site_name=sites.get(revision.site_id),
    )


def _change(revision: RecordRevision, earlier: int | None) -> str:
    if revision.deleted:
        return "deleted"
    if revision.record_revision == 1:
        return "created"
    return "status" if revision.data_revision == earlier else "data"
