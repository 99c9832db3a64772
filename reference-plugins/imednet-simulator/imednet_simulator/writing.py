"""Orders carried out: subjects registered, records made and changed, with their revisions."""

from __future__ import annotations

import re
from typing import Any

from imednet_simulator.columns import day_number
from imednet_simulator.orders import Order
from imednet_simulator.people import DAY
from imednet_simulator.protocol import COMPLETE, INCOMPLETE
from imednet_simulator.scaffold import API_ROLE, API_USER
from imednet_simulator.store import Question, Study
from imednet_simulator.values import fits

Cell = dict[str, str | None] | tuple[str | None, ...]


class UnfitError(Exception):
    """A value that its variable's type does not allow; nothing of the batch is applied."""


def carry_out(study: Study, orders: list[Order], now: int) -> None:
    """The whole batch or, when a value does not fit, none of it."""
    for order in orders:
        for question, value in order.answers:
            if not fits(question.kind, value):
                raise UnfitError(f"{question.name} ({question.kind}) cannot be {value!r}")
    for order in orders:
        _carry_out(study, order, now)


def _carry_out(study: Study, order: Order, now: int) -> None:
    forms = study["forms"]
    registers = forms.value(order.form, "formKey") == study.registration
    if order.record is not None:
        _update(study, order, order.record, now)
        return
    if order.subject is None and registers:
        order.subject = _register(study, order, now)
        order.interval = _registration_interval(study, order)
    record = _scheduled(study, order)
    if record is None:
        _create(study, order, now)
    else:
        _update(study, order, record, now)


def _registration_interval(study: Study, order: Order) -> int | None:
    intervals = study["intervals"]
    for row in range(len(intervals)):
        keys = {form["formKey"] for form in intervals.value(row, "forms")}
        if study.registration in keys and not intervals.value(row, "disabled"):
            return row
    return None


def _scheduled(study: Study, order: Order) -> int | None:
    """The record that stands already where a scheduled item points."""
    if order.subject is None or order.interval is None:
        return None
    columns = study["records"].columns
    wanted = {
        "subjectId": study["subjects"].value(order.subject, "subjectId"),
        "intervalId": study["intervals"].value(order.interval, "intervalId"),
        "formId": study["forms"].value(order.form, "formId"),
        "deleted": False,
    }
    rows: Any = range(len(study["records"]))
    for name, value in wanted.items():
        rows = columns[name].select("==", value, rows)
    return rows[0] if rows else None


def _register(study: Study, order: Order, now: int) -> int:
    """A new subject at the order's site, with a visit for each interval."""
    sites, subjects = study["sites"], study["subjects"]
    assert order.site is not None
    site_id, number = sites.value(order.site, "siteId"), subjects.next_key()
    row = subjects.add(
        subjectId=number,
        subjectOid=f"OID-{number}",
        subjectKey=_subject_key(study, site_id),
        subjectStatus=study.first_status,
        siteId=site_id,
        siteName=sites.value(order.site, "siteName"),
        deleted=False,
        dateCreated=now,
        dateModified=now,
    )
    intervals = study["intervals"]
    for interval in range(len(intervals)):
        if not intervals.value(interval, "disabled"):
            _plan(study, row, interval, now)
    return row


def _subject_key(study: Study, site_id: int) -> str:
    """The site's number and the subject's number at the site: `03-041`."""
    pattern = re.compile(rf"{site_id:02d}-(\d+)")
    keys = study["subjects"].columns["subjectKey"].data
    used = [int(match[1]) for key in keys if (match := pattern.fullmatch(key))]
    return f"{site_id:02d}-{max(used, default=0) + 1:03d}"


def _plan(study: Study, subject: int, interval: int, now: int) -> None:
    intervals, subjects, visits = study["intervals"], study["subjects"], study["visits"]
    visits.add(
        visitId=visits.next_key(),
        intervalId=intervals.value(interval, "intervalId"),
        intervalName=intervals.value(interval, "intervalName"),
        subjectId=subjects.value(subject, "subjectId"),
        subjectKey=subjects.value(subject, "subjectKey"),
        visitDateForm=intervals.value(interval, "actualDateForm"),
        visitDateQuestion=intervals.value(interval, "actualDate"),
        deleted=False,
        dateCreated=now,
        dateModified=now,
    )


def _create(study: Study, order: Order, now: int) -> None:
    records, forms = study["records"], study["forms"]
    form_id, number = forms.value(order.form, "formId"), records.next_key()
    cell = _filled((None,) * len(study.names[form_id]), study.names[form_id], order)
    where = _place(study, order)
    row = records.add(
        formId=form_id,
        formKey=forms.value(order.form, "formKey"),
        recordId=number,
        recordOid=f"REC-{number}",
        recordType="SITE" if order.subject is None else "SUBJECT",
        recordStatus=_status(study.questions[form_id], study.names[form_id], cell),
        deleted=False,
        dateCreated=now,
        dateModified=now,
        recordData=cell,
        **where,
    )
    _revise(study, row, now, None)
    _date_visit(study, row, order, now)


def _place(study: Study, order: Order) -> dict[str, Any]:
    """The subject, site, interval and visit that a new record belongs to."""
    if order.subject is None:
        return {"siteId": study["sites"].value(order.site or 0, "siteId")}
    subjects = study["subjects"]
    names = ("subjectId", "subjectOid", "subjectKey", "siteId")
    place = {name: subjects.value(order.subject, name) for name in names}
    if order.interval is None:
        return place
    place["intervalId"] = study["intervals"].value(order.interval, "intervalId")
    visit = _visit(study, place["subjectId"], place["intervalId"])
    if visit is not None:
        place["visitId"] = study["visits"].value(visit, "visitId")
    return place


def _visit(study: Study, subject_id: int, interval_id: int | None) -> int | None:
    columns = study["visits"].columns
    rows = columns["subjectId"].select("==", subject_id, range(len(study["visits"])))
    rows = [r for r in rows if columns["intervalId"].get(r) == interval_id]
    return next((row for row in rows if not columns["deleted"].get(row)), None)


def _update(study: Study, order: Order, row: int, now: int) -> None:
    records = study["records"]
    form_id = records.value(row, "formId")
    old = records.columns["recordData"].data[row]
    cell = _filled(old, study.names[form_id], order)
    if cell == old:
        return
    status = _status(study.questions[form_id], study.names[form_id], cell)
    records.change(row, recordData=cell, recordStatus=status, dateModified=now)
    _revise(study, row, now, "Changed through the API")
    _date_visit(study, row, order, now)


def _filled(cell: Cell, names: tuple[str, ...], order: Order) -> Cell:
    """The cell with the order's answers in it."""
    answers = {names[question.place]: value for question, value in order.answers}
    if isinstance(cell, dict):
        return {**cell, **answers}
    return tuple(answers.get(name, old) for name, old in zip(names, cell, strict=True))


def _status(questions: list[Question], names: tuple[str, ...], cell: Cell) -> str:
    shown = cell if isinstance(cell, dict) else dict(zip(names, cell, strict=True))
    required = (names[question.place] for question in questions if question.required)
    return COMPLETE if all(shown.get(name) for name in required) else INCOMPLETE


def _revise(study: Study, row: int, now: int, reason: str | None) -> None:
    """One more line in the record's history."""
    records, revisions = study["records"], study["recordRevisions"]
    record_id = records.value(row, "recordId")
    earlier = revisions.find("recordId", record_id)
    last = {
        name: max((revisions.value(r, name) for r in earlier), default=0)
        for name in ("recordRevision", "dataRevision")
    }
    shared = "recordId recordOid recordStatus subjectId subjectOid subjectKey siteId formKey"
    names = [*shared.split(), "intervalId"]
    revisions.add(
        recordRevisionId=revisions.next_key(),
        recordRevision=last["recordRevision"] + 1,
        dataRevision=last["dataRevision"] + 1,
        role=API_ROLE,
        user=API_USER,
        reasonForChange=reason,
        deleted=False,
        dateCreated=now,
        **{name: records.value(row, name) for name in names},
    )


def _date_visit(study: Study, row: int, order: Order, now: int) -> None:
    """A visit's date is the answer to the question that its interval names."""
    records, visits = study["records"], study["visits"]
    visit_id = records.value(row, "visitId")
    if visit_id is None:
        return
    (visit,) = visits.find("visitId", visit_id)
    form = study["forms"].value(order.form, "formName")
    question = visits.value(visit, "visitDateQuestion")
    given = {q.name: value for q, value in order.answers}
    if visits.value(visit, "visitDateForm") != form or question not in given:
        return
    try:
        day = day_number(given[question] or "")
    except ValueError:  # emptied, or a partial date: no day to go by
        return
    visits.change(visit, visitDate=day, dateModified=now)
    _shift_windows(study, visit, day, now)


def _shift_windows(study: Study, visit: int, day: int, now: int) -> None:
    """Later visits' windows follow from this date; the anchor's date enrols the subject."""
    visits, intervals = study["visits"], study["intervals"]
    subject_id, name = visits.value(visit, "subjectId"), visits.value(visit, "intervalName")
    for interval in intervals.find("definedUsingInterval", name):
        later = _visit(study, subject_id, intervals.value(interval, "intervalId"))
        if later is not None:
            due = day + intervals.value(interval, "dueDateWillBeIn")
            start = due - intervals.value(interval, "negativeSlack")
            end = due + intervals.value(interval, "positiveSlack")
            visits.change(later, dueDate=due, startDate=start, endDate=end, dateModified=now)
    (subject,) = study["subjects"].find("subjectId", subject_id)
    is_first = study["subjects"].value(subject, "subjectStatus") == study.first_status
    if name == study.anchor and is_first:
        start = day * DAY + 10 * 3600
        status = study.enrolled_status
        study["subjects"].change(
            subject, subjectStatus=status, enrollmentStartDate=start, dateModified=now
        )
