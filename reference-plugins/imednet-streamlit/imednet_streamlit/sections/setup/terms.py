"""The fourth step: the standard word for each value found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from imednet.models import MappingRule
from imednet_streamlit import tables
from imednet_streamlit.drafts import Draft
from imednet_streamlit.page import Page
from imednet_streamlit.sections.setup.forms import profiled
from imednet_workflows.canonical import suggest_terms
from imednet_workflows.profiling import StudyProfile
from imednet_workflows.standards import profile_named, table_name

__all__ = ["found_values", "left_out", "list_name", "render", "translatable"]

AS_IT_IS = ""


def render(page: Page, draft: Draft) -> None:
    """Draw the step."""
    st.subheader("The standard word for each value found")
    profile = profiled(page, draft)
    if profile is None:
        return
    places = translatable(draft, profile)
    if not places:
        st.info("No field takes its value from a variable yet: choose some in the step Fields.")
        return
    names = list(places)
    name = st.selectbox("Field", names, key=draft.key("term_field"), format_func=_said)
    rule, allowed = places[name]
    values = found_values(profile, rule)
    if values is None:
        st.info("This variable is protected, so its values are not shown here.")
        return
    held = list_name(draft.config.terminology_lookups, name, rule)
    terms = draft.config.terminology_lookups.get(held, {})
    if not values and not terms:
        st.info("Nobody has answered this question yet: there are no values to translate.")
        return
    known = {_folded(raw) for raw in terms}
    plain = {
        raw: word
        for raw, word in suggest_terms(allowed, values).items()
        if _folded(raw) not in known
    }
    st.button(
        f"Take the plain ones ({len(plain)})",
        on_click=_take,
        args=(draft, held, plain),
        disabled=not plain,
    )
    _words(draft, held, values, allowed)
    if more := left_out(profile, rule):
        st.caption(f"{more:,} less frequent values are not listed: the JSON file can name them.")


def translatable(draft: Draft, profile: StudyProfile) -> dict[str, tuple[MappingRule, list[str]]]:
    """Return each field of fixed or few values: its first rule, and the words allowed.

    The key is `table.field`; those that allow only some words come first.
    """
    standard = profile_named(draft.config.reporting_profile)
    found: dict[str, tuple[MappingRule, list[str]]] = {}
    for rule in draft.config.mappings:
        table, target = table_name(rule.domain or ""), rule.target_field or ""
        known = standard.table(table)
        field = known.field(target) if known else None
        allowed = list(field.allowed) if field else []
        if rule.source_variable_name and (allowed or _few(profile, rule)):
            found.setdefault(f"{table}.{target}", (rule, allowed))
    return dict(sorted(found.items(), key=lambda item: not item[1][1]))


def _row(profile: StudyProfile, rule: MappingRule) -> dict[Any, Any] | None:
    rows = profile.variables
    form = rows["form_key"].str.casefold() == (rule.source_form_key or "").casefold()
    name = rows["variable_name"].str.casefold() == (rule.source_variable_name or "").casefold()
    found = rows[form & name].to_dict("records")
    return found[0] if found else None


def _few(profile: StudyProfile, rule: MappingRule) -> bool:
    row = _row(profile, rule)
    return row is not None and row["inferred_type"] in ("coded", "yes/no")


def found_values(profile: StudyProfile, rule: MappingRule) -> dict[str, int] | None:
    """Return the values of a rule's variable and how often each is met; None if it is masked.

    Values that differ in case or in blanks around are one, as lookups take them.
    """
    row = _row(profile, rule)
    if row is None:
        return {}
    if row["answered"] and not row["top_values"]:
        return None
    found: dict[str, int] = {}
    spelt: dict[str, str] = {}
    for value, count in row["top_values"]:
        raw = spelt.setdefault(_folded(str(value)), str(value))
        found[raw] = found.get(raw, 0) + int(count)
    return found


def _folded(raw: str) -> str:
    """Return a raw value as lookups compare it."""
    return raw.strip().casefold()


def left_out(profile: StudyProfile, rule: MappingRule) -> int:
    """Return how many different values of a rule's variable are not among those found."""
    row = _row(profile, rule)
    return 0 if row is None else int(row["distinct"]) - len(row["top_values"])


def list_name(lists: Mapping[str, object], place: str, rule: MappingRule) -> str:
    """Return the terminology list that holds for a field (`table.field`), or the one to make.

    As in canonical tables it is named for the field with or without its table, or the variable.
    """
    spelt = {name.casefold(): name for name in lists}
    named = (place, place.partition(".")[2], rule.source_variable_name or "")
    return next((spelt[name.casefold()] for name in named if name.casefold() in spelt), place)


def _said(name: str) -> str:
    table, _, target = name.partition(".")
    return f"{target.replace('_', ' ').capitalize()} of {table.replace('_', ' ')}"


def _take(draft: Draft, name: str, words: Mapping[str, str]) -> None:
    draft.config.terminology_lookups.setdefault(name, {}).update(words)
    draft.generation += 1


def _words(draft: Draft, name: str, values: Mapping[str, int], allowed: list[str]) -> None:
    """Draw a choice for each value found, and keep what is chosen."""
    held = draft.config.terminology_lookups.get(name, {})
    known = [AS_IT_IS, *allowed, *sorted(set(held.values()) - set(allowed))]
    words = {_folded(raw): word for raw, word in held.items()}
    met = {_folded(raw) for raw in values}
    listed = [*values, *(raw for raw in held if _folded(raw) not in met)]
    places = st.columns(3)
    for number, raw in enumerate(listed):
        count = values.get(raw)
        told = "not met any more" if count is None else f"{count:,} times"
        with places[number % 3]:
            st.selectbox(
                f"{tables.plain_text(raw)} ({told})",
                known,
                index=known.index(words.get(_folded(raw), AS_IT_IS)),
                format_func=lambda word: word or "as it is",
                accept_new_options=True,
                **draft.field(f"term_{name}_{raw}", partial(_set, draft, name, raw)),
            )


def _set(draft: Draft, name: str, raw: str, word: str | None) -> None:
    """Put a raw value's word into a list, in the place of one that is spelt otherwise."""
    lists = draft.config.terminology_lookups
    words = {key: kept for key, kept in lists.get(name, {}).items() if _folded(key) != _folded(raw)}
    if word and word.strip():
        words[raw] = word.strip()
    lists[name] = words
    if not words:
        del lists[name]
