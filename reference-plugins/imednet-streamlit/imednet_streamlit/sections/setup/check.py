"""The last step: what is wrong, what has changed, and saving it as a version."""

from __future__ import annotations

import streamlit as st

from imednet.errors import ImednetError
from imednet_streamlit import answers, drafts, people, tables
from imednet_streamlit.drafts import Draft
from imednet_streamlit.page import Page
from imednet_streamlit.sections import verdict
from imednet_workflows.config_store import ConfigStore, StaleVersionError, differences

__all__ = ["render"]

_SAID, _NOTE = "_setup_said", "note"


def render(page: Page, draft: Draft) -> None:
    """Draw the step."""
    st.subheader("What is wrong, and what has changed")
    found = page.read(lambda tell: answers.canonical(page.here, draft.config, tell))
    if found is not None:
        verdict.show(found, "draft")
    st.markdown("**What has changed since the newest version**")
    changes = differences(draft.saved, draft.config)
    tables.changes(changes, "draft_changes")
    _save(draft, bool(changes) or not draft.base)


def _save(draft: Draft, worth_it: bool) -> None:
    said = st.session_state.pop(_SAID, None)
    if said is not None:
        getattr(st, said[0])(said[1])
    who = people.declared()
    st.text_input(
        "What this version is for", value=draft.typed.get(_NOTE, ""), **draft.field(_NOTE)
    )
    st.button(
        f"Save as version {draft.base + 1}",
        type="primary",
        on_click=_commit,
        args=(draft,),
        disabled=not (who and worth_it),
        help="Say your name first." if not who else None,
    )
    st.caption("A saved version changes nothing yet: it holds once it is published.")


def _commit(draft: Draft) -> None:
    try:
        made = ConfigStore().commit(
            draft.config,
            who=people.name(),
            note=st.session_state[draft.key(_NOTE)].strip(),
            expected_version=draft.base,
        )
    except StaleVersionError:
        newest = ConfigStore().history(draft.study_key)[0]
        drafts.load(draft.study_key, draft.config)
        words = (
            f"{tables.plain_text(newest.who)} saved version {newest.version} in the meantime. "
            "Nothing of yours is lost: look below at what your draft says otherwise than that "
            "version, and save it on top, or begin from that version in the first step."
        )
        st.session_state[_SAID] = ("warning", words)
    except (ImednetError, ValueError) as error:
        st.session_state[_SAID] = ("error", f"It is not saved: {error}")
    else:
        step = draft.step
        drafts.begin(draft.study_key).step = step
        words = f"Saved as version {made.version}. Publish it in the Publisher Wizard."
        st.session_state[_SAID] = ("success", words)
