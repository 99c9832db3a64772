"""Site Performance: which sites stand out from the others, in what, and since when."""

from imednet_streamlit import page
from imednet_streamlit.sections import sites

page.show(
    "Site Performance",
    "Which sites differ from the others by more than chance explains, and in what.",
    sites.render,
)
