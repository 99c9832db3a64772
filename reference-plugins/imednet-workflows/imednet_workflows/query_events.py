"""The life of queries, told by their comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from imednet.models import Query, QueryComment, Subject

__all__ = ["QueryEvent", "events_of", "is_open", "ordered"]


@dataclass(frozen=True, slots=True)
class QueryEvent:
    """One comment of a query, and what it did.

    `event` is "opened", "answered", "closed", "reopened", or "commented" (said after
    the query was closed, without reopening it). `site_id` and `site_name` are the
    subject's, None where the query has none.
    """

    annotation_id: int | None
    sequence: int | None
    event: str
    date: datetime | None
    user: str | None
    annotation_status: str | None
    comment: str | None
    closed: bool | None
    annotation_type: str | None
    description: str | None
    subject_id: int | None
    subject_key: str | None
    site_id: int | None
    site_name: str | None
    record_id: int | None
    variable: str | None


def ordered(query: Query) -> list[QueryComment]:
    """Return a query's comments by sequence; those without one come first."""
    return sorted(
        query.query_comments or [], key=lambda c: -1 if c.sequence is None else c.sequence
    )


def is_open(query: Query) -> bool | None:
    """Tell whether a query is open: by its last comment, None (unknown) where it has none."""
    comments = ordered(query)
    if not comments or comments[-1].closed is None:
        return None
    return not comments[-1].closed


def events_of(query: Query, subject: Subject | None) -> Iterator[QueryEvent]:
    """Yield the events of one query, in order."""
    was_closed: bool | None = None
    for comment in ordered(query):
        yield QueryEvent(
            annotation_id=query.annotation_id,
            sequence=comment.sequence,
            event=_event(was_closed, comment.closed),
            date=comment.date,
            user=comment.user,
            annotation_status=comment.annotation_status,
            comment=comment.comment,
            closed=comment.closed,
            annotation_type=query.annotation_type,
            description=query.description,
            subject_id=query.subject_id,
            subject_key=query.subject_key,
            site_id=subject.site_id if subject else None,
            site_name=subject.site_name if subject else None,
            record_id=query.record_id,
            variable=query.variable,
        )
        was_closed = was_closed if comment.closed is None else comment.closed


def _event(was_closed: bool | None, closed: bool | None) -> str:
    if closed is None:  # it does not say
        return "opened" if was_closed is None else "commented" if was_closed else "answered"
    if was_closed is None:
        return "closed" if closed else "opened"
    if closed:
        return "commented" if was_closed else "closed"
    return "reopened" if was_closed else "answered"
