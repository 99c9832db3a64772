"""The rules of a configuration, made ready: checked, compiled, and sorted by form.

What is wrong with a rule is noted as a problem; the other rules go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from imednet.models import MappingRule, StudyConfiguration, Variable
from imednet_workflows.canonical.logic import Logic, LogicError
from imednet_workflows.canonical.problems import Problems
from imednet_workflows.profiling import Blinding
from imednet_workflows.standards import Profile, Table, table_name

__all__ = ["EVENT_KEYS", "SUBJECT_KEYS", "Plan", "Rule", "TablePlan", "protected_names"]

#: The columns before the canonical fields: one row a record, one row a subject.
EVENT_KEYS = {
    "study_key": "string",
    "site_id": "Int64",
    "site_name": "string",
    "subject_id": "Int64",
    "subject_key": "string",
    "record_id": "Int64",
    "form_key": "string",
    "interval_id": "Int64",
    "visit_id": "Int64",
}
SUBJECT_KEYS = {
    name: EVENT_KEYS[name]
    for name in ("study_key", "site_id", "site_name", "subject_id", "subject_key")
}
_KINDS = {"integer": "Int64", "number": "Float64"}


@dataclass(frozen=True)
class Rule:
    """One mapping rule, ready to run; `number` is its place in `mappings`, from 0.

    `form` and `variable` are in lower case, empty for any form and for no variable.
    `logic` is None where there is none; `broken` says that it does not compile.
    """

    number: int
    table: str
    target: str
    form: str
    variable: str
    shown: str | None
    fallback: str | None
    logic: Logic | None
    broken: bool
    baseline: bool
    protected: bool
    lookup_name: str | None
    lookup: dict[str, str]


@dataclass
class TablePlan:
    """One canonical table: its fields with their rules, in the configuration's order."""

    name: str
    standard: Table | None
    rules: dict[str, list[Rule]] = field(default_factory=dict)

    @property
    def by_subject(self) -> bool:
        """Whether it has one row a subject, not one a record."""
        return self.name == "subject_level"

    def forms(self) -> set[str]:
        """Return the forms of which each record makes a row, in lower case."""
        every = (rule for rules in self.rules.values() for rule in rules)
        return {rule.form for rule in every if rule.form and not rule.baseline}

    def picked(self) -> Iterator[Rule]:
        """Give the rules whose value is chosen once a subject."""
        for rule in (rule for rules in self.rules.values() for rule in rules):
            if rule.baseline or self.by_subject:
                yield rule

    def column(self, target: str) -> str:
        """Return a field's pandas type: the standard's, else that of its expressions."""
        known = self.standard.field(target) if self.standard else None
        if known is not None:
            return _KINDS.get(known.kind, "string")
        kinds = {rule.logic.column if rule.logic else "string" for rule in self.rules[target]}
        only = kinds.pop() if len(kinds) == 1 else "string"
        translated = any(rule.lookup or rule.fallback for rule in self.rules[target])
        return "string" if translated else only

    def protected(self, target: str) -> bool:
        """Tell whether the field's values must not be shown."""
        return any(rule.protected for rule in self.rules[target])


class Plan:
    """A configuration's rules by table and form."""

    def __init__(
        self,
        configuration: StudyConfiguration,
        profile: Profile,
        variables: Iterable[Variable],
        blinding: Blinding,
        problems: Problems,
    ) -> None:
        self.profile = profile
        self.tables: dict[str, TablePlan] = {
            table.name: TablePlan(table.name, table) for table in profile.tables
        }
        self._configuration, self._blinding, self._problems = configuration, blinding, problems
        self._phi = protected_names(configuration)
        self._lookups = _by_lower_name(configuration.terminology_lookups)
        self._declared = {
            ((v.form_key or "").casefold(), (v.variable_name or "").casefold()) for v in variables
        }
        for number, mapping in enumerate(configuration.mappings):
            self._take(number, mapping)
        self.by_form: dict[str, list[TablePlan]] = {}
        for table in self.tables.values():
            for form in () if table.by_subject else table.forms():
                self.by_form.setdefault(form, []).append(table)

    def _take(self, number: int, mapping: MappingRule) -> None:
        rule = self._rule(number, mapping)
        if rule is None:
            return
        if rule.table not in self.tables:
            self.tables[rule.table] = TablePlan(rule.table, None)
        self.tables[rule.table].rules.setdefault(rule.target, []).append(rule)

    def _rule(self, number: int, mapping: MappingRule) -> Rule | None:
        table, target = table_name(mapping.domain or ""), (mapping.target_field or "").strip()
        fault = self._fault(table, target, mapping)
        if fault is not None:
            self._problems.add(number, table, target, *fault)
            return None
        form = (mapping.source_form_key or "").casefold()
        variable = (mapping.source_variable_name or "").casefold()
        if variable and form and (form, variable) not in self._declared:
            words = f"{mapping.source_form_key} declares no variable {mapping.source_variable_name}"
            self._problems.add(number, table, target, "unknown variable", words)
        logic, broken = self._compile(number, table, target, mapping.business_logic)
        name, lookup = self._lookup_for(table, target, variable)
        return Rule(
            number=number,
            table=table,
            target=target,
            form=form,
            variable=variable,
            shown=mapping.source_variable_name,
            fallback=mapping.fallback_value,
            logic=logic,
            broken=broken,
            baseline=mapping.is_baseline,
            protected=self._protects(table, target, form, variable, mapping.business_logic),
            lookup_name=name,
            lookup=lookup,
        )

    def _fault(self, table: str, target: str, mapping: MappingRule) -> tuple[str, str] | None:
        """Return the kind and words of what makes a rule useless."""
        if not table or not target:
            missing = "domain" if not table else "targetField"
            return "incomplete", f"the rule has no {missing}: it is left out"
        if target in EVENT_KEYS:
            return "incomplete", f"{target} is a column of every table: name the field otherwise"
        if mapping.source_variable_name and not mapping.source_form_key:
            return "incomplete", "the rule names a variable and no sourceFormKey: it is left out"
        form, variable = mapping.source_form_key, mapping.source_variable_name
        if variable and self._blinding.hides(form, variable):
            return "blinded", f"{form}.{variable} is blinded: the rule is left out"
        return None

    def _compile(
        self, number: int, table: str, target: str, source: str | None
    ) -> tuple[Logic | None, bool]:
        if not source or not source.strip():
            return None, False
        try:
            return Logic(source), False
        except LogicError as error:
            self._problems.add(
                number, table, target, "logic", str(error), line=error.line, column=error.column
            )
            return None, True

    def _lookup_for(
        self, table: str, target: str, variable: str
    ) -> tuple[str | None, dict[str, str]]:
        """Return the terminology list named for the field, or else for the variable."""
        for name in (f"{table}.{target}", target, variable):
            if name and name.casefold() in self._lookups:
                return self._lookups[name.casefold()]
        return None, {}

    def _protects(
        self, table: str, target: str, form: str, variable: str, logic: str | None
    ) -> bool:
        """Tell whether a rule's value could show a protected variable.

        An expression does if it names one, or reaches for answers in a way that does not
        tell which.
        """
        names = {variable, f"{form}.{variable}", target.casefold(), f"{table}.{target}".casefold()}
        if names & self._phi:
            return True
        if not logic or not self._phi:
            return False
        words = {word.casefold() for word in re.findall(r"\w+", logic)}
        if words & {name.rpartition(".")[2] for name in self._phi}:
            return True
        plain = re.sub(r"\banswers\s*\.\s*\w+|\banswers\s*\[\s*(['\"])\w+\1\s*\]", "", logic)
        return re.search(r"\banswers\b", plain) is not None


def protected_names(configuration: StudyConfiguration) -> set[str]:
    """Return what `phi_fields` protects, in lower case: as it says, and what fills those fields.

    Names are a variable, form.variable, a field or table.field.
    """
    named = {name.casefold() for name in configuration.phi_fields}
    found = set(named)
    for rule in configuration.mappings:
        table, target = table_name(rule.domain or ""), (rule.target_field or "").casefold()
        if {target, f"{table}.{target}"} & named:
            found |= _sources(rule)
    return found


def _sources(rule: MappingRule) -> set[str]:
    """Return the variables that a rule takes its value from, by form.variable if it has a form."""
    words = re.findall(r"\w+", rule.business_logic or "")
    names = {name.casefold() for name in (rule.source_variable_name, *words) if name}
    form = (rule.source_form_key or "").casefold()
    return {f"{form}.{name}" for name in names} if form else names


def _by_lower_name(lists: dict[str, dict[str, str]]) -> dict[str, tuple[str, dict[str, str]]]:
    """Return each list under its name in lower case; raw values without regard to case."""
    return {
        name.casefold(): (
            name,
            {raw.strip().casefold(): standard for raw, standard in values.items()},
        )
        for name, values in lists.items()
    }
