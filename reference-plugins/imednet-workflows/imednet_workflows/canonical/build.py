"""Raw records to canonical tables, with the lineage of every value.

One pass over the records, which may be a stream: what is kept is what tables show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from imednet.models import Record, Subject, Variable, Visit
from imednet_workflows.canonical.plan import EVENT_KEYS, SUBJECT_KEYS, Plan, Rule, TablePlan
from imednet_workflows.canonical.problems import Problems
from imednet_workflows.canonical.values import Outcome, RecordView, apply, is_empty
from imednet_workflows.profiling import Blinding

__all__ = ["Builder", "Row"]

SubjectId = int | str | None


@dataclass
class Row:
    """One row to be: its key columns, and what each field's rule made."""

    keys: dict[str, Any]
    subject: SubjectId
    cells: dict[str, Outcome] = field(default_factory=dict)


@dataclass
class _Pick:
    """The records one rule may take a subject's value from, the best of each sort."""

    earliest: tuple[tuple[date, int], RecordView] | None = None
    latest: tuple[tuple[date, int], RecordView] | None = None
    before: tuple[tuple[date, int], RecordView] | None = None

    def offer(self, place: tuple[date, int], view: RecordView, baseline: date | None) -> None:
        if self.earliest is None or place < self.earliest[0]:
            self.earliest = place, view
        if self.latest is None or place >= self.latest[0]:
            self.latest = place, view
        early = baseline is not None and date.min < place[0] <= baseline
        if early and (self.before is None or place >= self.before[0]):
            self.before = place, view

    def chosen(self, rule: Rule) -> RecordView:
        """Return the record that counts; see `tables` for the rule."""
        found = (self.before or self.earliest) if rule.baseline else self.latest
        assert found is not None  # a pick is made by its first offer
        return found[1]


class Builder:
    """Takes records one by one, then gives the rows of each table."""

    def __init__(
        self,
        plan: Plan,
        variables: Iterable[Variable],
        subjects: Iterable[Subject],
        visits: Iterable[Visit],
        blinding: Blinding,
        problems: Problems,
    ) -> None:
        self._plan, self._blinding, self._problems = plan, blinding, problems
        self._subjects = {_subject_id(subject): subject for subject in subjects}
        self._dates = {visit.visit_id: visit.visit_date for visit in visits if visit.visit_date}
        self._sites = {s.site_id: s.site_name for s in self._subjects.values() if s.site_name}
        self._declared: dict[str, list[str]] = {}
        for variable in variables:
            form, name = variable.form_key or "", variable.variable_name or ""
            if not variable.deleted and not blinding.hides(form, name):
                self._declared.setdefault(form.casefold(), []).append(name)
        self._rows: dict[str, list[Row]] = {name: [] for name in plan.tables}
        self._picking: dict[str, list[Rule]] = {}
        for table in plan.tables.values():
            for rule in table.picked():
                self._picking.setdefault(rule.form, []).append(rule)
        self._picks: dict[tuple[int, SubjectId], _Pick] = {}
        self._seen: dict[SubjectId, dict[str, Any]] = {}

    def add(self, record: Record) -> None:
        """Take a record in; deleted ones, and those of deleted subjects, do not count."""
        form = self._blinding.form_of(record)
        tables, picking = self._plan.by_form.get(form, ()), self._picking.get(form, ())
        if record.deleted or not (tables or picking):
            return
        who = _subject_id(record)
        subject = self._subjects.get(who)
        if subject is not None and subject.deleted:
            return
        view = self._view(record, form)
        for table in tables:
            self._rows[table.name].append(self._row(table, record, view, who))
        if picking and who is not None:
            self._seen.setdefault(who, self._keys(record, SUBJECT_KEYS))
            self._offer(picking, record, view, who, subject)

    def _view(self, record: Record, form: str) -> RecordView:
        sent = record.record_data or {}
        if self._blinding:
            sent = {k: v for k, v in sent.items() if not self._blinding.hides(form, k)}
        return RecordView(record, form, sent, self._declared.get(form, ()))

    def _keys(self, source: Record | Subject, wanted: Iterable[str]) -> dict[str, Any]:
        found = {name: getattr(source, name, None) for name in wanted}
        found["site_name"] = found["site_name"] or self._sites.get(source.site_id)
        return found

    def _row(self, table: TablePlan, record: Record, view: RecordView, who: SubjectId) -> Row:
        row = Row(self._keys(record, EVENT_KEYS), who)
        for target, rules in table.rules.items():
            fitting = [r for r in rules if not r.baseline and r.form in ("", view.form)]
            column = table.column(target)
            self._fill(row, target, (apply(r, view, column, self._problems) for r in fitting))
        return row

    def _fill(self, row: Row, target: str, outcomes: Iterable[Outcome]) -> None:
        """Keep the first outcome with a value; without any, the first that had an answer."""
        for outcome in outcomes:
            if outcome.value is not None:
                row.cells[target] = outcome
                return
            if target not in row.cells and not is_empty(outcome.raw):
                row.cells[target] = outcome

    def _offer(
        self,
        picking: Iterable[Rule],
        record: Record,
        view: RecordView,
        who: SubjectId,
        subject: Subject | None,
    ) -> None:
        begun = subject.enrollment_start_date if subject else None
        baseline = begun.date() if begun else None
        made = record.date_created.date() if record.date_created else date.min
        place = self._dates.get(record.visit_id, made), record.record_id or 0
        for rule in picking:
            if not rule.variable or not is_empty(view.by_lower_name.get(rule.variable)):
                pick = self._picks.setdefault((rule.number, who), _Pick())
                pick.offer(place, view, baseline)

    def rows(self, table: TablePlan) -> list[Row]:
        """Return the table's rows, complete; call it once, after the last record."""
        if table.by_subject and table.rules:
            self._rows[table.name] = list(self._subject_rows())
        picked: dict[str, list[Rule]] = {}
        for rule in table.picked():
            picked.setdefault(rule.target, []).append(rule)
        for row in self._rows[table.name]:
            for target, rules in picked.items():
                if target not in row.cells or row.cells[target].value is None:
                    column = table.column(target)
                    self._fill(row, target, (self._picked(r, row.subject, column) for r in rules))
        return self._rows[table.name]

    def _picked(self, rule: Rule, who: SubjectId, column: str) -> Outcome:
        pick = self._picks.get((rule.number, who))
        return apply(rule, pick.chosen(rule) if pick else None, column, self._problems)

    def _subject_rows(self) -> Iterator[Row]:
        for who, subject in self._subjects.items():
            if not subject.deleted:
                yield Row(self._keys(subject, SUBJECT_KEYS), who)
        for who, keys in self._seen.items():
            if who not in self._subjects:
                yield Row(keys, who)


def _subject_id(source: Record | Subject) -> SubjectId:
    return source.subject_id if source.subject_id is not None else source.subject_key
