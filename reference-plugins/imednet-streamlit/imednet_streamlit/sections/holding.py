"""The configuration that holds, and what it makes of the study."""

from __future__ import annotations

import streamlit as st

from imednet.models import StudyConfiguration
from imednet_streamlit import answers, data
from imednet_streamlit.page import Page
from imednet_workflows.canonical import CanonicalStudy
from imednet_workflows.config_store import ConfigStore

__all__ = ["canonical", "narrowed", "published"]


def published(page: Page, what: str) -> StudyConfiguration | None:
    """Return the published configuration, or say that `what` needs one and return None."""
    try:
        config, _ = data.configuration(page.here.study_key)
    except data.Unreadable as problem:
        st.error(f"{problem.what.capitalize()} cannot be read: {problem.why}")
        return None
    if config is None:
        st.info(
            f"No configuration of this study is published yet, and {what} needs one: make one "
            "in the Setup Wizard, and publish it in the Publisher Wizard."
        )
        with st.container(horizontal=True):
            st.page_link("views/setup_wizard.py", label="Setup Wizard")
            st.page_link("views/publisher_wizard.py", label="Publisher Wizard")
    return config


def canonical(page: Page, config: StudyConfiguration) -> CanonicalStudy | None:
    """Return what a configuration makes of the study, or say why that is not known."""
    return page.read(lambda tell: answers.canonical(page.here, config, tell))


def narrowed(study_key: str, config: StudyConfiguration | None) -> bool:
    """Tell whether answers that were shown once may be protected by what holds now.

    So it is where variables are protected, and where blinded ones are not shown any more.
    """
    if config is not None and (config.phi_fields or config.allow_blinded):
        return bool(config.phi_fields)
    store = ConfigStore()
    decisions = store.publications(study_key) if store.path.exists() else []
    versions = {decision.version for decision in decisions if decision.version is not None}
    return any(store.get(study_key, version).allow_blinded for version in versions)
