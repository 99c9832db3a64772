"""Home: the study at a glance, and what needs attention today."""

from imednet_streamlit import page
from imednet_streamlit.sections import home

page.show("Home", "The study at a glance, and what needs attention today.", home.render)
