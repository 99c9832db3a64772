"""Publisher Wizard: which version of the configuration holds, and how it came to."""

from imednet_streamlit import page
from imednet_streamlit.sections import publisher

page.show(
    "Publisher Wizard",
    "Which version of the configuration holds, and what would change with another.",
    publisher.render,
)
