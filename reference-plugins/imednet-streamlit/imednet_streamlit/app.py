"""The frame of the dashboard: the sidebar, the pages, and which of them is shown.

Start it with `imednet dashboard`, or `streamlit run` with this file. Importing it does
nothing.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from imednet_streamlit import auth, extensions

VIEWS = Path(__file__).with_name("views")
#: The pages: script, title, icon.
PAGES = (
    ("home.py", "Home", ":material/home:"),
    ("query_status.py", "Query Status", ":material/forum:"),
    ("subject_enrollment.py", "Subject Enrollment", ":material/group_add:"),
    ("site_performance.py", "Site Performance", ":material/location_on:"),
    ("data_completeness.py", "Data Completeness", ":material/checklist:"),
)


def main() -> None:
    """Draw the sidebar and the page that was asked for."""
    st.set_page_config("iMednet dashboard", ":material/monitoring:", layout="wide")
    sections = {
        "Study": [
            st.Page(VIEWS / script, title=title, icon=icon, default=script == "home.py")
            for script, title, icon in PAGES
        ]
    }
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
