"""A study of two sites and three subjects, small enough to check by hand.

The examples in this package's docstrings are computed from it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from imednet import models
from imednet_workflows import frames as made
from imednet_workflows.frames import StudyFrames

__all__ = ["example_study"]


def _at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def _comment(sequence: int, status: str, at: datetime) -> models.QueryComment:
    closed = status == "Query Closed"
    return models.QueryComment(sequence=sequence, annotation_status=status, closed=closed, date=at)


def example_study() -> StudyFrames:
    """Return the frames of the study, as it stands on 2 March 2026.

    Example:
        >>> example_study().subjects["subject_status"].tolist()
        ['Enrolled', 'Withdrawn', 'Screen Failure']
    """
    intervals = _intervals()
    queries = _queries()
    return StudyFrames(
        study_key="EXAMPLE",
        sites=made.frame(_sites(), models.Site),
        subjects=made.frame(_subjects(), models.Subject),
        forms=made.frame(_forms(), models.Form),
        variables=made.frame((), models.Variable),
        intervals=made.frame(intervals, models.Interval),
        interval_forms=made.interval_forms(intervals),
        visits=made.frame(_visits(), models.Visit),
        records=made.records(_records()),
        record_revisions=made.frame(_revisions(), models.RecordRevision),
        queries=made.frame(queries, models.Query),
        comments=made.comments(queries),
        codings=made.frame((), models.Coding),
    )


def _sites() -> list[models.Site]:
    return [
        models.Site(
            site_id=number,
            site_name=name,
            site_enrollment_status="Enrollment Open",
            date_created=_at(1, 1),
        )
        for number, name in ((1, "Northfield"), (2, "Southgate"))
    ]


def _subjects() -> list[models.Subject]:
    rows = (
        (1, 1, "Enrolled", _at(1, 15)),
        (2, 2, "Withdrawn", _at(1, 20)),
        (3, 2, "Screen Failure", None),
    )
    return [
        models.Subject(
            subject_id=number,
            subject_key=f"S-{number}",
            subject_status=status,
            site_id=site,
            deleted=False,
            enrollment_start_date=begun,
            date_created=_at(1, 10),
        )
        for number, site, status, begun in rows
    ]


def _forms() -> list[models.Form]:
    return [
        models.Form(form_id=10, form_key="VS", form_name="Vitals", disabled=False),
        models.Form(form_id=20, form_key="AE", form_name="Adverse Event", disabled=False),
    ]


def _intervals() -> list[models.Interval]:
    vitals = [models.IntervalForm(form_id=10, form_key="VS", form_name="Vitals")]
    return [
        models.Interval(
            interval_id=number, interval_name=name, positive_slack=3, disabled=False, forms=vitals
        )
        for number, name in ((1, "Baseline"), (2, "Week 2"), (3, "Week 4"))
    ]


def _visits() -> list[models.Visit]:
    rows = (
        (1, 1, 1, date(2026, 1, 15), date(2026, 1, 15)),
        (2, 1, 2, date(2026, 1, 29), date(2026, 2, 4)),  # 3 days late
        (3, 1, 3, date(2026, 2, 12), None),  # overdue
        (4, 2, 1, date(2026, 1, 20), date(2026, 1, 20)),
        (5, 2, 2, date(2026, 2, 3), None),  # withdrawn before
    )
    return [
        models.Visit(
            visit_id=number,
            subject_id=subject,
            subject_key=f"S-{subject}",
            interval_id=interval,
            interval_name=("Baseline", "Week 2", "Week 4")[interval - 1],
            due_date=due,
            start_date=due,
            visit_date=seen,
            deleted=False,
        )
        for number, subject, interval, due, seen in rows
    ]


def _records() -> list[models.Record]:
    answers = {f"Q{n}": "1" for n in range(8)}
    rows = (
        (1, 1, 10, 1, "Verified", _at(1, 16), False),
        (2, 1, 10, 2, "Ready For SDV", _at(2, 20), False),
        (3, 2, 10, 1, "Record Incomplete", _at(1, 20), False),
        (4, 1, 20, None, "Record Complete", _at(2, 1), False),
        (5, 2, 20, None, "Record Complete", _at(2, 1), False),
        (6, 1, 20, None, "Record Complete", _at(2, 3), False),
        (7, 2, 20, None, "Record Complete", _at(2, 5), False),
        (8, 2, 20, None, "Record Complete", _at(2, 5), True),
    )
    return [
        models.Record(
            record_id=number,
            subject_id=subject,
            site_id=subject,
            form_id=form,
            form_key={10: "VS", 20: "AE"}[form],
            interval_id=interval,
            record_status=status,
            date_created=at,
            deleted=deleted,
            record_data=answers if number < 6 else {},
        )
        for number, subject, form, interval, status, at, deleted in rows
    ]


def _revisions() -> list[models.RecordRevision]:
    rows = ((1, 1, _at(1, 16)), (1, 2, _at(1, 17)), (2, 1, _at(2, 20)), (3, 1, _at(1, 20)))
    return [
        models.RecordRevision(record_id=record, data_revision=number, date_created=at)
        for record, number, at in rows
    ]


def _queries() -> list[models.Query]:
    lives = (
        [_comment(1, "Query Open", _at(1, 21))],
        [_comment(1, "Query Open", _at(2, 1)), _comment(2, "Query Closed", _at(2, 10))],
        [
            _comment(1, "Query Open", _at(2, 1)),
            _comment(2, "Query Closed", _at(2, 20)),
            _comment(3, "Query Reopened", _at(2, 27)),
        ],
        None,
    )
    return [
        models.Query(
            annotation_id=number,
            subject_id=1 if number < 3 else 2,
            record_id=number,
            date_created=_at(1, 21),
            query_comments=comments,
        )
        for number, comments in enumerate(lives, start=1)
    ]
