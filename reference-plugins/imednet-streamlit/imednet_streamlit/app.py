"""The frame of the dashboard: the sidebar, the pages, and which of them is shown.

Start it with `imednet dashboard`, or `streamlit run` with this file. Importing it does
nothing.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from imednet_streamlit import auth, extensions

VIEWS = Path(__file__).with_name("views")
ICON = Path(__file__).with_name("icon.svg")
#: The pages: section, script, title, icon.
PAGES = (
    ("Study", "home.py", "Home", ":material/home:"),
    ("Study", "query_status.py", "Query Status", ":material/forum:"),
    ("Study", "subject_enrollment.py", "Subject Enrollment", ":material/group_add:"),
    ("Study", "site_performance.py", "Site Performance", ":material/location_on:"),
    ("Study", "data_completeness.py", "Data Completeness", ":material/checklist:"),
    ("Study", "study_report.py", "Study Report", ":material/bar_chart:"),
    ("Workbench", "review_workbench.py", "Review Workbench", ":material/inbox:"),
    ("Workbench", "data_lineage.py", "Data Lineage", ":material/account_tree:"),
    ("Workbench", "setup_wizard.py", "Setup Wizard", ":material/construction:"),
    ("Workbench", "publisher_wizard.py", "Publisher Wizard", ":material/published_with_changes:"),
)


def main() -> None:
    """Draw the sidebar and the page that was asked for."""
    # An icon by name would be asked of Google's server by each browser.
    st.set_page_config("iMednet dashboard", str(ICON), layout="wide")
    sections: dict[str, list[StreamlitPage]] = {}
    for section, script, title, icon in PAGES:
        page = st.Page(VIEWS / script, title=title, icon=icon, default=script == "home.py")
        sections.setdefault(section, []).append(page)
    more = extensions.pages(auth.connection)
    if more.pages:
        sections["More"] = more.pages
    chosen = st.navigation(sections)
    connected = auth.sidebar() is not None
    for problem in more.problems:
        st.sidebar.warning(problem)
    if connected:
        chosen.run()
    else:
        welcome()


def welcome() -> None:
    """Say what to do; the address keeps the page and the filters that were asked for."""
    st.title("iMednet dashboard")
    st.write(
        "Connect in the sidebar with your API key, security key and study key. "
        "The keys stay in this session: they are written nowhere, and forgotten when you "
        "disconnect or close the page."
    )


if __name__ == "__main__":
    main()
