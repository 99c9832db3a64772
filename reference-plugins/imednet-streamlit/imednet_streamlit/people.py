"""Who decides: a name typed once, which is a declaration and no proof."""

from __future__ import annotations

import streamlit as st

__all__ = ["COMMENTS", "NAME", "declared", "name"]

#: Where the session keeps the name, whatever page is shown.
NAME = "_imednet_name"
#: Where it keeps comments that are written and not given yet.
COMMENTS = "_imednet_comments"
_FIELD = "_declared_name"


def declared() -> str:
    """Let the reader say who they are, once for all pages; empty until they have."""
    st.text_input(
        "Your name",
        value=st.session_state.get(NAME, ""),
        key=_FIELD,
        on_change=_keep,
        placeholder="First name and surname",
        help="It is kept with what you decide here, and with your comments.",
    )
    st.caption("The name is your declaration: the dashboard does not check who you are.")
    return name()


def name() -> str:
    """Return the name as it stands in the field now, which callbacks need; empty for none."""
    typed: str = st.session_state.get(_FIELD, st.session_state.get(NAME, ""))
    return typed.strip()


def _keep() -> None:
    st.session_state[NAME] = name()
