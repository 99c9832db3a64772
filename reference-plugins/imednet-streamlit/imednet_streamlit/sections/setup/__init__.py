"""Setup Wizard: from the study's forms to a saved configuration, step by step."""

from __future__ import annotations

import streamlit as st

from imednet.errors import ImednetError
from imednet_streamlit import drafts
from imednet_streamlit.drafts import Draft
from imednet_streamlit.page import Page
from imednet_streamlit.sections.setup import check, fields, forms, study, terms, widgets

__all__ = ["STEPS", "render"]

#: The steps in their order: what they are called, and what draws them.
STEPS = {
    "Study": study.render,
    "Forms": forms.render,
    "Fields": fields.render,
    "Terms": terms.render,
    "Widgets": widgets.render,
    "Check and save": check.render,
}
_STEP = "_setup_step"


def render(page: Page) -> None:
    """Draw the page."""
    try:
        draft = drafts.current(page.here.study_key)
    except (ImednetError, ValueError) as error:
        st.error(f"The study's configurations cannot be read: {error}")
        return
    names = list(STEPS)
    if draft.step not in STEPS:
        draft.step = names[0]
    st.session_state[_STEP] = draft.step
    st.radio(
        "Step",
        names,
        key=_STEP,
        horizontal=True,
        format_func=lambda name: f"{names.index(name) + 1}. {name}",
        on_change=lambda: _go(draft, st.session_state[_STEP]),
    )
    _state(draft)
    STEPS[draft.step](page, draft)
    place = names.index(draft.step)
    with st.container(horizontal=True):
        if place:
            st.button("Back", on_click=_go, args=(draft, names[place - 1]))
        if place < len(names) - 1:
            st.button("Next", type="primary", on_click=_go, args=(draft, names[place + 1]))


def _go(draft: Draft, step: str) -> None:
    draft.step = step


def _state(draft: Draft) -> None:
    began = f"on top of version {draft.base}" if draft.base else "of the first version"
    kept = "not saved yet: it is kept in this browser tab until you save or disconnect"
    st.caption(f"Draft {began}" + (f", {kept}." if draft.changed else ", nothing changed."))
