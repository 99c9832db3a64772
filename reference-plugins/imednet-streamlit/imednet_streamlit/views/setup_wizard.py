"""Setup Wizard: which variable means what, in which words, and what the report shows."""

from imednet_streamlit import page
from imednet_streamlit.sections import setup

page.show(
    "Setup Wizard",
    "Which variable means what, in which words, and what the study report shows.",
    setup.render,
)
