"""The way from records to canonical tables, their lineage, problems and readiness.

A value is the answer to the rule's variable, else its fallback; then through its expression
(not run on a fallback); then through the terminology list named `table.field`, `field` or as
the variable, raw values compared without case. Of several rules for a field the first with a
value holds. Deleted records, and those of deleted subjects, do not count.

What counts once a subject (rules with `is_baseline`, and all of `subject_level`): a baseline
value is the last answer on or before the day of the subject's `enrollment_start_date`, by
visit date (by day of entry for records without one); failing that, the earliest answer.
Without `is_baseline` it is the latest answer. In event tables a baseline value stands in each
of the subject's rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from imednet.models import Record, StudyConfiguration, Subject, Variable, Visit
from imednet_workflows.canonical.build import Builder, Row
from imednet_workflows.canonical.plan import EVENT_KEYS, SUBJECT_KEYS, Plan, TablePlan
from imednet_workflows.canonical.problems import Problems
from imednet_workflows.canonical.validation import readiness, validate
from imednet_workflows.canonical.values import Outcome, as_text, is_empty
from imednet_workflows.profiling import Blinding
from imednet_workflows.standards import profile_named, table_name

__all__ = ["LINEAGE", "MASK", "CanonicalStudy", "canonicalise"]

#: What stands for a protected value.
MASK = "***"

#: The columns of the lineage.
LINEAGE = {
    "domain": "string",
    "row": "Int64",
    "subject_key": "string",
    "target_field": "string",
    "record_id": "Int64",
    "form_key": "string",
    "variable": "string",
    "rule": "Int64",
    "raw_value": "string",
    "result": "string",
    "steps": "string",
    "masked": "boolean",
}


@dataclass(frozen=True)
class CanonicalStudy:
    """What a configuration makes of a study's records.

    `tables`: a frame by canonical name, all of the profile's and all that rules name. Event
    tables have one row a record and begin with `study_key`, `site_id`, `site_name`,
    `subject_id`, `subject_key`, `record_id`, `form_key`, `interval_id`, `visit_id`;
    `subject_level` has one row a subject and the first five. The fields follow, in the
    configuration's order: text (dates too, ISO 8601 and maybe partial), Int64 or Float64
    where the profile says so, and for fields of the study's own the type of their
    expression. NA: no answer, or none that the rule could use.

    `lineage`, one row a value: `domain`, `row` (its position in the table, from 0),
    `subject_key`, `target_field`, `record_id`, `form_key`, `variable` (NA if the rule has
    none), `rule` (its position in `mappings`, from 0), `raw_value` and `result` as text,
    `steps` (of answer, fallback, logic, lookup), `masked`.

    `problems`, one row each: `rule` (as above), `domain`, `target_field`, `kind`
    (incomplete, unknown variable, blinded, logic, terminology, type), `line` and `column`
    in the expression (from 1, NA if not known), `message`, `records` (how many have it, 0
    for a problem of the rule itself), `record_id` (of the first).

    `checks`, one row a check of the profile: `domain`, `target_field`, `check` (required,
    recommended, allowed, type), `mapped`, `rows` it applies to, `failed`, `share` (0 to 1),
    `message`. `failures`, one row a failed row of a check that is not mere advice: `domain`,
    `site_id`, `subject_key`, `record_id`, `target_field`, `check`, `message`.

    `readiness` is 0 to 100, see `validation.readiness`.
    """

    study_key: str | None
    profile: str
    tables: dict[str, pd.DataFrame]
    lineage: pd.DataFrame
    problems: pd.DataFrame
    checks: pd.DataFrame
    failures: pd.DataFrame
    readiness: float

    def trace_back(self, domain: str, row: int, target_field: str | None = None) -> pd.DataFrame:
        """Return the lineage of a row of a table, or of one value in it."""
        name, lineage = table_name(domain), self.lineage
        found = lineage[(lineage["domain"] == name) & (lineage["row"] == row)]
        if target_field is not None:
            found = found[found["target_field"] == target_field]
        return found.reset_index(drop=True)

    def trace_forward(self, record_id: int) -> pd.DataFrame:
        """Return the lineage of all values that came from a record."""
        found = self.lineage[self.lineage["record_id"] == record_id]
        return found.reset_index(drop=True)


def canonicalise(
    configuration: StudyConfiguration,
    records: Iterable[Record],
    variables: Iterable[Variable],
    *,
    subjects: Iterable[Subject] = (),
    visits: Iterable[Visit] = (),
    profile: str | None = None,
    mask: bool = True,
    allow_blinded: bool | None = None,
) -> CanonicalStudy:
    """Make the canonical tables of a study from its records, in one pass.

    How a value comes about is said at the head of this module. `variables` tells what is
    blinded: such answers come nowhere, not even to expressions, unless `allow_blinded` (None:
    as the configuration says). With `mask`, values of `phi_fields` (a variable,
    FORM.VARIABLE, a field or table.field) show as MASK. `profile` overrides the
    configuration's `reporting_profile` (None: general). Raises ConfigurationError for an
    unknown profile, LogicUnavailableError if there are expressions and no CEL library.

    Example:
        >>> from imednet.models import MappingRule
        >>> found = canonicalise(
        ...     StudyConfiguration(mappings=[MappingRule("AE", "term", "AE", "AETERM")]),
        ...     [Record(record_id=5, form_key="AE", record_data={"aeterm": "Cough"})],
        ...     [Variable(form_key="AE", variable_name="AETERM")])
        >>> found.tables["adverse_events"]["term"].tolist()
        ['Cough']
        >>> found.trace_back("AE", 0, "term")[["record_id", "rule"]].values.tolist()
        [[5, 0]]
    """
    standard, known = profile_named(profile or configuration.reporting_profile), list(variables)
    allowed = configuration.allow_blinded if allow_blinded is None else allow_blinded
    blinding, problems = Blinding(known, allow=allowed), Problems()
    plan = Plan(configuration, standard, known, blinding, problems)
    builder = Builder(plan, known, subjects, visits, blinding, problems)
    for record in records:
        builder.add(record)
    rows = {name: builder.rows(table) for name, table in plan.tables.items()}
    checks, failures = validate(standard, plan.tables, rows)
    return CanonicalStudy(
        study_key=configuration.study_key,
        profile=standard.name,
        tables={name: _table(plan.tables[name], found, mask) for name, found in rows.items()},
        lineage=_lineage(plan, rows, mask),
        problems=problems.frame(),
        checks=checks,
        failures=failures,
        readiness=readiness(checks),
    )


def _table(table: TablePlan, rows: list[Row], mask: bool) -> pd.DataFrame:
    keys = SUBJECT_KEYS if table.by_subject else EVENT_KEYS
    columns = {
        name: pd.Series([row.keys.get(name) for row in rows], dtype=kind)
        for name, kind in keys.items()
    }
    for target in table.rules:
        cells = (row.cells.get(target) for row in rows)
        values = [None if cell is None else cell.value for cell in cells]
        masked = mask and table.protected(target)
        kind = "string" if masked else table.column(target)
        shown = [v if v is None else MASK for v in values] if masked else values
        columns[target] = pd.Series(shown, dtype=kind)
    return pd.DataFrame(columns)


def _lineage(plan: Plan, rows: dict[str, list[Row]], mask: bool) -> pd.DataFrame:
    found: list[tuple[Any, ...]] = []
    for name, table in plan.tables.items():
        masked = {target: mask and table.protected(target) for target in table.rules}
        for number, row in enumerate(rows[name]):
            for target in table.rules:
                cell = row.cells.get(target)
                if cell is not None:
                    found.append(_origin(name, number, row, target, cell, masked[target]))
    columns = list(zip(*found, strict=True)) if found else [()] * len(LINEAGE)
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=kind)
            for (name, kind), column in zip(LINEAGE.items(), columns, strict=True)
        }
    )


def _origin(
    name: str, number: int, row: Row, target: str, cell: Outcome, masked: bool
) -> tuple[Any, ...]:
    record = cell.view.record if cell.view else None
    return (
        name,
        number,
        row.keys["subject_key"],
        target,
        record.record_id if record else None,
        record.form_key if record else None,
        cell.rule.shown,
        cell.rule.number,
        _shown(cell.raw, masked),
        _shown(cell.value, masked),
        cell.steps,
        masked,
    )


def _shown(value: Any, masked: bool) -> str | None:
    if is_empty(value):
        return None
    return MASK if masked else as_text(value)
