"""Data Lineage: where each value comes from, and where it goes."""

from imednet_streamlit import page
from imednet_streamlit.sections import lineage

page.show(
    "Data Lineage",
    "Where each value of a canonical table comes from, and what a record fills.",
    lineage.render,
)
