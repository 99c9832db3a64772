"""The dashboard's page "{{ cookiecutter.plugin_name }}"."""

from __future__ import annotations

from imednet import ImednetSDK

from {{ cookiecutter.package }} import queries_by_site

title = "{{ cookiecutter.plugin_name }}"
icon = ":material/forum:"


def render(sdk: ImednetSDK, study_key: str) -> None:
    """Draw the page; called with the SDK of whoever is signed in, each time it is shown."""
    import streamlit as st  # not above: the package loads where there is no dashboard, too

    st.title(title)
    rows = queries_by_site(sdk, study_key)
    if not any(row["open"] or row["closed"] or row["unknown"] for row in rows):
        st.info("This study has no queries yet.")
        return
    st.metric("Open queries", sum(row["open"] for row in rows))
    st.dataframe(rows, hide_index=True)
