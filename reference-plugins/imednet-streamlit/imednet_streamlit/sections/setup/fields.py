"""The third step: which variable fills which field of the canonical tables."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from imednet.models import MappingRule
from imednet_streamlit import answers
from imednet_streamlit.drafts import Draft
from imednet_streamlit.page import Page
from imednet_streamlit.sections.setup.forms import profiled
from imednet_workflows.canonical import Logic, LogicError, LogicUnavailableError
from imednet_workflows.profiling import StudyProfile
from imednet_workflows.standards import Field, Table, profile_named

__all__ = ["plain_enough", "render", "with_source"]

#: A suggestion of at least so much is taken by the button.
GOOD = 0.6
_NOTHING = ""


def render(page: Page, draft: Draft) -> None:
    """Draw the step."""
    config = draft.config
    st.subheader("Which variable fills which field")
    st.write(
        "Suggestions come from names, labels and content; they are a beginning, not an answer. "
        "Fields that are required count most in the readiness score."
    )
    profile = profiled(page, draft)
    suggestions = page.read(
        lambda tell: answers.suggested(
            page.here, config.allow_blinded, config.reporting_profile, tell
        )
    )
    if profile is None or suggestions is None:
        return
    good = plain_enough(draft, suggestions)
    st.button(
        f"Take the {len(good)} best suggestions for fields that nothing fills",
        on_click=_take,
        args=(draft, good),
        disabled=not good,
    )
    standard = profile_named(config.reporting_profile)
    names = [table.name for table in standard.tables]
    name = st.selectbox("Table", names, key=draft.key("table"), format_func=_said)
    table = standard.table(name) or standard.tables[0]
    for field in table.fields:
        with st.container():  # what is said of one field does not move the others
            _field(draft, table, field, profile, suggestions)
    _own(draft, table, profile)


def plain_enough(draft: Draft, suggestions: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the best suggestion for each field that nothing fills, where it is a good one."""
    best = suggestions.drop_duplicates(["domain", "target_field"])
    return [
        row
        for row in best[best["score"] >= GOOD].to_dict("records")
        if not draft.rules(row["domain"], row["target_field"])
    ]


def _take(draft: Draft, rows: list[dict[Any, Any]]) -> None:
    for row in rows:
        source = (row["form_key"], row["variable_name"])
        draft.fill(row["domain"], row["target_field"], MappingRule(*_place(row), *source))
    draft.generation += 1


def _place(row: dict[Any, Any]) -> tuple[str, str]:
    return row["domain"], row["target_field"]


def _said(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _field(
    draft: Draft, table: Table, field: Field, profile: StudyProfile, suggestions: pd.DataFrame
) -> None:
    theirs = suggestions[
        (suggestions["domain"] == table.name) & (suggestions["target_field"] == field.name)
    ]
    told = {
        f"{row['form_key']}.{row['variable_name']}": f"fits {row['score']:.0%}, {row['reason']}"
        for row in theirs.to_dict("records")
    }
    note = f"{field.level}, {field.kind}"
    note += f", one of {', '.join(field.allowed)}" if field.allowed else ""
    _source(draft, table.name, field.name, profile, told, note)


def _source(
    draft: Draft,
    table: str,
    target: str,
    profile: StudyProfile,
    told: dict[str, str],
    note: str,
) -> None:
    """Draw the choice of a field's variable, and keep it in the draft."""
    rule = draft.rule(table, target)
    held = _written(rule)
    every = (profile.variables["form_key"] + "." + profile.variables["variable_name"]).tolist()
    labels = dict(zip(every, profile.variables["label"].fillna("").tolist(), strict=True))
    options = list(dict.fromkeys([_NOTHING, *told, *every, held]))
    left, right = st.columns([6, 1], vertical_alignment="bottom")

    def write(chosen: str) -> None:
        known = draft.rule(table, target)
        draft.fill(table, target, with_source(known, table, target, chosen))

    with left:
        st.selectbox(
            f"{_said(target)} ({note})",
            options,
            index=options.index(held),
            format_func=lambda name: _option(name, labels.get(name, ""), told.get(name, ""), rule),
            **draft.field(f"source_{table}_{target}", write),
        )
    if rule is not None:
        with right:
            _more(draft, table, target, rule)


def _written(rule: MappingRule | None) -> str:
    if rule is None or not rule.source_variable_name:
        return _NOTHING
    return f"{rule.source_form_key}.{rule.source_variable_name}"


def _option(name: str, label: str, why: str, rule: MappingRule | None) -> str:
    if name == _NOTHING:
        return "its expression alone" if rule and rule.business_logic else "nothing"
    return " - ".join(filter(None, (name, label, why)))


def with_source(
    rule: MappingRule | None, table: str, target: str, chosen: str
) -> MappingRule | None:
    """Return the rule with another variable (`FORM.VARIABLE`), None if nothing is left of it."""
    form, _, variable = chosen.partition(".")
    if rule is None:
        return MappingRule(table, target, form, variable) if chosen else None
    if not chosen and not rule.business_logic:
        return None
    changed = MappingRule.from_dict(rule.to_dict())
    changed.source_form_key = form if chosen else rule.source_form_key
    changed.source_variable_name = variable if chosen else None
    return changed


def _more(draft: Draft, table: str, target: str, rule: MappingRule) -> None:
    """Draw what else a rule may say, and keep it in the draft."""
    used = any((rule.fallback_value, rule.business_logic, rule.is_baseline))
    others = len(draft.rules(table, target)) - 1
    with st.popover("More", icon=":material/edit:" if used else None, width="stretch"):
        _text(
            draft,
            f"logic_{table}_{target}",
            "Expression (CEL) that makes the value; `value` is the answer",
            rule,
            "business_logic",
        )
        _text(
            draft,
            f"fallback_{table}_{target}",
            "Value where there is no answer",
            rule,
            "fallback_value",
        )
        st.checkbox(
            "The baseline value: the last on or before enrolment, once a subject",
            value=rule.is_baseline,
            **draft.field(
                f"baseline_{table}_{target}", lambda chosen: setattr(rule, "is_baseline", chosen)
            ),
        )
        if others:
            st.caption(f"{others} more rules for this field come after it; they stay as they are.")
    _check(rule.business_logic)


def _text(draft: Draft, name: str, label: str, rule: MappingRule, part: str) -> None:
    st.text_input(
        label,
        value=getattr(rule, part) or "",
        **draft.field(name, lambda typed: setattr(rule, part, typed.strip() or None)),
    )


def _check(source: str | None) -> None:
    if source is None:
        return
    try:
        Logic(source)
    except LogicError as error:
        st.error(f"The expression does not work: {error}")
    except LogicUnavailableError as error:
        st.error(str(error))


def _own(draft: Draft, table: Table, profile: StudyProfile) -> None:
    """Draw the study's own fields of a table, and the way to add one."""
    known = {field.name for field in table.fields}
    own = [
        rule.target_field
        for rule in draft.config.mappings
        if rule.target_field not in known and draft.rules(table.name, rule.target_field or "")
    ]
    for target in dict.fromkeys(own):
        if target:
            _source(draft, table.name, target, profile, {}, "the study's own")
    with st.expander("Add a field of the study's own"):
        name_field, source_field = f"own_{table.name}", f"own_source_{table.name}"
        typed = draft.typed.get(name_field, "")
        name = st.text_input("Name", value=typed, **draft.field(name_field)).strip()
        options = (
            profile.variables["form_key"] + "." + profile.variables["variable_name"]
        ).tolist()
        source = st.selectbox("Variable", options, key=draft.key(source_field))
        st.button(
            "Add the field",
            on_click=_add,
            args=(draft, table.name, name_field, source_field),
            disabled=not (source and _free(draft, table.name, name)),
            help="A name of letters, digits and _ that the table does not have yet.",
        )


def _free(draft: Draft, table: str, name: str) -> bool:
    return name.isidentifier() and not draft.rules(table, name)


def _add(draft: Draft, table: str, name_field: str, source_field: str) -> None:
    """Add a field, named as the page says it now."""
    name = st.session_state[draft.key(name_field)].strip()
    source = st.session_state[draft.key(source_field)]
    if _free(draft, table, name):
        draft.fill(table, name, with_source(None, table, name, source))
        draft.typed.pop(name_field, None)
        draft.generation += 1
