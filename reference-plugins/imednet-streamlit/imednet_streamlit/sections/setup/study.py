"""The first step: what to begin from, the reporting profile, what must not be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import streamlit as st

from imednet.errors import ImednetError
from imednet.models import StudyConfiguration, Variable
from imednet_streamlit import answers, drafts, tables
from imednet_streamlit.drafts import Draft
from imednet_streamlit.page import Page
from imednet_workflows.config_store import ConfigStore
from imednet_workflows.protection import Protection
from imednet_workflows.standards import PROFILES

__all__ = ["identifying", "render"]

#: What a label says of a variable that identifies a person.
_IDENTIFYING = re.compile(
    r"\b(date of birth|birth ?date|initials|first name|last name|full name|surname|address"
    r"|phone|e-?mail|passport|social security|national id)",
    re.IGNORECASE,
)
_ABOUT = {
    "general": "General: adverse events, deviations, subjects",
    "drug": "Drug: with relation and action taken of each adverse event",
    "device": "Device: with device deficiencies and relation to device and procedure",
}


def render(page: Page, draft: Draft) -> None:
    """Draw the step."""
    st.subheader("What the study is, and what must not be shown")
    config, names = draft.config, list(PROFILES)
    held = config.reporting_profile or names[0]
    st.selectbox(
        "Reporting profile",
        names,
        index=names.index(held) if held in names else 0,
        format_func=lambda name: _ABOUT.get(name, name),
        help="Which tables and fields the study should have.",
        **draft.field("profile", lambda chosen: setattr(config, "reporting_profile", chosen)),
    )
    known = page.read(lambda tell: answers.variables(page.here, tell))
    if known is not None:
        _protected(draft, known)
        _blinded(draft, known)
    _start_over(draft)


def _protected(draft: Draft, known: list[Variable]) -> None:
    config = draft.config
    options = sorted({_named(each) for each in known if not each.blinded} | set(config.phi_fields))
    st.multiselect(
        "Protected variables (their values are masked on every page of the Workbench)",
        options,
        default=list(dict.fromkeys(config.phi_fields)),
        placeholder="None",
        **draft.field("phi", lambda chosen: setattr(config, "phi_fields", chosen)),
    )
    held = Protection(config, ())
    missing = [name for name in identifying(known) if not held.masks(*name.split(".", 1))]
    if missing:
        told = tables.plain_text(", ".join(missing))
        st.warning(f"These look as if they identified a person: {told}.")
        st.button("Protect these", on_click=_protect, args=(draft, missing))


def _protect(draft: Draft, names: list[str]) -> None:
    draft.config.phi_fields = [*draft.config.phi_fields, *names]
    draft.generation += 1


def identifying(known: Iterable[Variable]) -> list[str]:
    """Return the variables whose label looks as if they identified a person."""
    return sorted(
        _named(each)
        for each in known
        if not each.blinded and not each.deleted and _IDENTIFYING.search(each.label or "")
    )


def _named(variable: Variable) -> str:
    return f"{variable.form_key}.{variable.variable_name}"


def _blinded(draft: Draft, known: list[Variable]) -> None:
    number = sum(bool(each.blinded) for each in known)
    if not number and not draft.config.allow_blinded:
        st.caption("No variable of this study is blinded.")
        return
    config = draft.config
    st.checkbox(
        f"Use and show the {number} blinded variables of this study",
        value=config.allow_blinded,
        help="Leave this off unless everyone who opens this dashboard may be unblinded.",
        **draft.field("blinded", lambda chosen: setattr(config, "allow_blinded", chosen)),
    )
    if draft.config.allow_blinded:
        st.warning("Published like this, everyone who opens the dashboard sees blinded answers.")


def _start_over(draft: Draft) -> None:
    with st.expander("Begin from another version, or from a file"):
        history = ConfigStore().history(draft.study_key) if draft.base else []
        words = {0: "nothing"} | {each.version: f"version {each.version}" for each in history}
        chosen = st.selectbox(
            "Begin from", list(words), key=draft.key("from"), format_func=lambda each: words[each]
        )
        st.button(
            "Begin from it (this draft is dropped)",
            on_click=_begin,
            args=(draft.study_key, chosen),
        )
        text = json.dumps(draft.config.to_dict(), indent=2, ensure_ascii=False)
        st.download_button(
            "Download this draft as JSON",
            text,
            "configuration.json",
            "application/json",
            help="It also holds what no step shows: statuses, targets of sites, indicators.",
        )
        sent = st.file_uploader("A configuration as JSON", "json", key=draft.key("file"))
        if sent is not None and st.button("Use the file (this draft is dropped)"):
            _use(draft, sent.getvalue())


def _begin(study_key: str, version: int) -> None:
    drafts.begin(study_key, version)


def _use(draft: Draft, content: bytes) -> None:
    try:
        config = StudyConfiguration.from_json(content)
    except (ImednetError, ValueError) as error:
        st.error(f"The file cannot be used: {error}")
        return
    if config.study_key not in (None, draft.study_key):
        st.error(f"The file is the configuration of another study, {config.study_key}.")
        return
    drafts.load(draft.study_key, config)
    st.rerun()
