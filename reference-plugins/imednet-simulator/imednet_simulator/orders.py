"""A posted batch, read and checked against the study: what each item asks to be done.

What cannot be meant (an unknown form, a subject that is not there) is refused at once with a
400; whether values fit their types is found out later, when the job runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imednet_simulator.errors import bad_value
from imednet_simulator.store import Question, Study, Table
from imednet_simulator.values import as_text

Item = dict[str, Any]


@dataclass
class Order:
    """One item, resolved to row numbers. No subject and no record: somebody or something new."""

    form: int
    site: int | None = None
    subject: int | None = None
    interval: int | None = None
    record: int | None = None
    answers: list[tuple[Question, str | None]] = field(default_factory=list)


def read(study: Study, body: Any) -> list[Order]:
    """All items of a batch, or a refusal that names the first thing wrong."""
    if not isinstance(body, list) or not body:
        raise bad_value("body", _brief(body), "The body must be an array of records")
    return [_order(study, item) for item in body]


def _order(study: Study, item: Any) -> Order:
    if not isinstance(item, dict):
        raise bad_value("body", _brief(item), "Each record must be an object")
    order = Order(_form(study, item))
    order.record = _record(study, item, order.form)
    order.subject = _subject(study, item)
    order.interval = _interval(study, item, order)
    order.site = _site(study, item, order)
    order.answers = _answers(study, item, order.form)
    return order


def _brief(value: Any) -> str:
    return str(value)[:100]


def _one_of(table: Table, item: Item, names: tuple[str, ...], what: str) -> int | None:
    """The row that the item's attributes name; they must agree when several are given."""
    found: int | None = None
    for name in names:
        if item.get(name) is None:
            continue
        rows = _rows(table, name, item[name])
        if not rows or (found is not None and found not in rows):
            raise bad_value(name, item[name], f"No such {what}")
        found = rows[0]
    return found


def _rows(table: Table, name: str, value: Any) -> list[int]:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return []
    try:
        rows = table.find(name, table.columns[name].parse(str(value)))
    except ValueError:
        return []
    gone = table.columns.get("deleted")
    return rows if gone is None else [row for row in rows if not gone.get(row)]


def _form(study: Study, item: Item) -> int:
    form = _one_of(study["forms"], item, ("formKey", "formId"), "form")
    if form is None:
        raise bad_value("formKey", None, "Each record needs a formKey or formId")
    if study["forms"].value(form, "disabled"):
        raise bad_value("formKey", study["forms"].value(form, "formKey"), "The form is disabled")
    return form


def _subject(study: Study, item: Item) -> int | None:
    names = ("subjectKey", "subjectId", "subjectOid")
    return _one_of(study["subjects"], item, names, "subject")


def _record(study: Study, item: Item, form: int) -> int | None:
    record = _one_of(study["records"], item, ("recordId", "recordOid"), "record")
    if record is None:
        return None
    key = study["forms"].value(form, "formKey")
    if study["records"].value(record, "formKey") != key:
        raise bad_value("formKey", key, "The record belongs to another form")
    return record


def _interval(study: Study, item: Item, order: Order) -> int | None:
    table = study["intervals"]
    interval = _one_of(table, item, ("intervalName", "intervalId"), "interval")
    if interval is None:
        return None
    name = table.value(interval, "intervalName")
    if table.value(interval, "disabled"):
        raise bad_value("intervalName", name, "The interval is disabled")
    key = study["forms"].value(order.form, "formKey")
    if key not in {form["formKey"] for form in table.value(interval, "forms")}:
        raise bad_value("formKey", key, f"The form is not part of interval {name}")
    if order.subject is None and order.record is None and key != study.registration:
        raise bad_value("subjectKey", None, "A scheduled record needs a subject")
    return interval


def _site(study: Study, item: Item, order: Order) -> int | None:
    site = _one_of(study["sites"], item, ("siteName", "siteId"), "site")
    if order.record is not None:
        return None
    if order.subject is not None:
        _agree(study, order.subject, site)
        if study["forms"].value(order.form, "formType") == "Site":
            key = study["forms"].value(order.form, "formKey")
            raise bad_value("formKey", key, "A site form takes no subject")
        return None
    _check_without_subject(study, order, site)
    return site


def _agree(study: Study, subject: int, site: int | None) -> None:
    if site is None:
        return
    name = study["sites"].value(site, "siteName")
    if study["subjects"].value(subject, "siteName") != name:
        raise bad_value("siteName", name, "The subject belongs to another site")


def _check_without_subject(study: Study, order: Order, site: int | None) -> None:
    """Only a registration and a site's own form do without a subject; both need a site."""
    forms = study["forms"]
    key, kind = forms.value(order.form, "formKey"), forms.value(order.form, "formType")
    if key != study.registration and kind != "Site":
        raise bad_value("subjectKey", None, f"Form {key} needs a subject")
    if site is None:
        raise bad_value("siteName", None, "A record without a subject needs a siteName or siteId")


def _answers(study: Study, item: Item, form: int) -> list[tuple[Question, str | None]]:
    data = item.get("data")
    if not isinstance(data, dict):
        raise bad_value("data", _brief(data), "Each record needs a data object")
    known = {q.name.casefold(): q for q in study.questions[study["forms"].value(form, "formId")]}
    answers = []
    for name, value in data.items():
        question = known.get(name.casefold())
        if question is None:
            raise bad_value(name, _brief(value), f"The form has no variable {name}")
        if question.closed:
            raise bad_value(name, _brief(value), f"Variable {name} is {question.closed}")
        try:
            answers.append((question, as_text(value)))
        except TypeError:
            raise bad_value(name, _brief(value), f"Variable {name} takes one value") from None
    return answers
