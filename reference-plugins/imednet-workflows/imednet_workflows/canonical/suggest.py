"""Which variable could fill which canonical field, by its name, label, form and content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from imednet_workflows.profiling import StudyProfile
from imednet_workflows.standards import Field, Table, profile_named

__all__ = ["SUGGESTIONS", "suggest_mappings", "suggest_terms"]

#: The columns of the suggestions.
SUGGESTIONS = {
    "domain": "string",
    "target_field": "string",
    "level": "string",
    "form_key": "string",
    "variable_name": "string",
    "label": "string",
    "score": "Float64",
    "reason": "string",
}
_FITTING = {
    "date": ("date", "partial date", "datetime"),
    "integer": ("integer",),
    "number": ("integer", "number"),
}
_SAME_WORDS = {"Y": {"yes", "y", "true", "1"}, "N": {"no", "n", "false", "0"}}


def suggest_mappings(
    profile: StudyProfile,
    reporting_profile: str | None = None,
    *,
    per_field: int = 3,
    minimum: float = 0.4,
) -> pd.DataFrame:
    """Return candidates for each field of a standards profile (None: general), best first.

    Columns: `domain`, `target_field`, `level`, `form_key`, `variable_name`, `label`, `score`
    (0 to 1) and `reason`. The score adds 0.45 for a usual name, 0.25 for the label's words,
    0.15 for the form, 0.15 for content of the field's type or values; content that does not
    fit takes 0.3 away. At most `per_field` candidates of at least `minimum` a field; a field
    without candidates has no row.

    Example:
        >>> from imednet.models import Form, Record, Variable
        >>> from imednet_workflows.profiling import profile
        >>> sex = Variable(form_key="DM", variable_name="SEX", label="Sex at birth")
        >>> one = Record(form_key="DM", record_data={"SEX": "Male"})
        >>> found = suggest_mappings(profile([one], [Form(form_key="DM")], [sex])).iloc[0]
        >>> found["domain"], found["target_field"], found["variable_name"], found["reason"]
        ('subject_level', 'sex', 'SEX', 'usual name; label says sex; form DM; values fit')
    """
    if per_field < 1:
        raise ValueError(f"per_field: {per_field} is below 1: give how many candidates to keep")
    variables = [row for row in profile.variables.to_dict("records") if not row["disabled"]]
    found: list[tuple[Any, ...]] = []
    for table in profile_named(reporting_profile).tables:
        for field in table.fields:
            best = [each for each in _candidates(table, field, variables) if each[6] >= minimum]
            found += sorted(best, key=lambda row: (-row[6], row[3], row[4]))[:per_field]
    columns = list(zip(*found, strict=True)) if found else [()] * len(SUGGESTIONS)
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=kind)
            for (name, kind), column in zip(SUGGESTIONS.items(), columns, strict=True)
        }
    )


def suggest_terms(allowed: Iterable[str], values: Iterable[str]) -> dict[str, str]:
    """Return the standard word for each raw value that is plainly one, in the values' order.

    A value is taken for an allowed word that it equals or abbreviates to (Yes for Y, Male for
    M), in any case; one that fits none, or several, has no entry.

    Example:
        >>> suggest_terms(["MILD", "SEVERE"], ["Mild", "3", "severe"])
        {'Mild': 'MILD', 'severe': 'SEVERE'}
    """
    words = list(allowed)
    found: dict[str, str] = {}
    for value in values:
        alike = [word for word in words if _alike(value, word)]
        if len(alike) == 1:
            found[value] = alike[0]
    return found


def _candidates(
    table: Table, field: Field, variables: list[dict[Any, Any]]
) -> Iterator[tuple[Any, ...]]:
    for variable in variables:
        named, name_words = _by_name(field, variable)
        labelled, label_words = _by_label(field, variable)
        if not named and not labelled:
            continue
        formed, form_words = _by_form(table, variable)
        content, content_words = _by_content(field, variable)
        score = round(min(1.0, max(0.0, named + labelled + formed + content)), 2)
        words = "; ".join(filter(None, (name_words, label_words, form_words, content_words)))
        place = table.name, field.name, field.level
        told = variable["form_key"], variable["variable_name"], variable["label"]
        yield (*place, *told, score, words)


def _words(text: Any) -> str:
    """Return the text in lower case with single blanks between and around its words."""
    plain = "" if pd.isna(text) else str(text)
    return f" {' '.join(re.findall(r'[a-z0-9]+', plain.casefold()))} "


def _by_name(field: Field, variable: dict[Any, Any]) -> tuple[float, str]:
    name = re.sub(r"[^a-z0-9]", "", str(variable["variable_name"]).casefold())
    if name in field.names or name == field.name.replace("_", ""):
        return 0.45, "usual name"
    if any(len(usual) > 3 and usual in name for usual in field.names):
        return 0.3, "name like a usual one"
    return 0.0, ""


def _by_label(field: Field, variable: dict[Any, Any]) -> tuple[float, str]:
    label = _words(variable["label"])
    said = next((words for words in field.words if f" {words} " in label), None)
    return (0.0, "") if said is None else (0.25, f"label says {said}")


def _by_form(table: Table, variable: dict[Any, Any]) -> tuple[float, str]:
    form = _words(variable["form_key"]) + _words(variable["form_name"])
    if any(f" {words} " in form for words in table.form_words):
        return 0.15, f"form {variable['form_key']}"
    return 0.0, ""


def _by_content(field: Field, variable: dict[Any, Any]) -> tuple[float, str]:
    kind = variable["inferred_type"]
    if pd.isna(kind):
        return 0.0, "no answers yet"
    if field.allowed:
        return _by_values(field, [str(value) for value, _ in variable["top_values"]])
    if field.kind in _FITTING:
        if kind in _FITTING[field.kind]:
            return 0.15, f"content is {kind}"
        return -0.3, f"content is {kind}, not {field.kind}"
    return 0.15 if kind in ("coded", "text") else 0.0, f"content is {kind}"


def _by_values(field: Field, values: list[str]) -> tuple[float, str]:
    """Count the values that are an allowed one, or begin like it."""
    fitting = sum(any(_alike(value, allowed) for allowed in field.allowed) for value in values)
    if 2 * fitting >= len(values):
        return 0.15, "values fit"
    return -0.3, "values do not fit"


def _alike(value: str, allowed: str) -> bool:
    plain = value.strip().casefold()
    if allowed in _SAME_WORDS:
        return plain in _SAME_WORDS[allowed]
    return plain == allowed.casefold() or (len(allowed) == 1 and plain[:1] == allowed.casefold())
