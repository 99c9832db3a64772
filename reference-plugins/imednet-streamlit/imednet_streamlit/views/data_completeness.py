"""Data Completeness: which pages and visits are missing, late, or not yet verified."""

from imednet_streamlit import page
from imednet_streamlit.sections import completeness

page.show(
    "Data Completeness",
    "Which pages and visits are missing, how late data arrive, and what is verified.",
    completeness.render,
)
