"""Study Report: the widgets of the published configuration, drawn from canonical tables."""

from __future__ import annotations

import streamlit as st

from imednet_streamlit import widgets
from imednet_streamlit.page import Page
from imednet_streamlit.sections import holding

__all__ = ["render"]


def render(page: Page) -> None:
    """Draw the page."""
    config = holding.published(page, "the report")
    if config is None:
        return
    if not config.widgets:
        st.info("The published configuration has no widgets: add some in the Setup Wizard.")
        return
    found = holding.canonical(page, config)
    if found is None:
        return
    st.caption(
        f"Configuration version {config.version} · readiness {found.readiness:.0f} % · "
        f"profile {found.profile}"
    )
    if len(found.problems):
        st.warning(
            f"{len(found.problems):,} problems of rules may leave values out here; "
            "the Publisher Wizard lists them."
        )
    widgets.grid(config.widgets, found.tables)
