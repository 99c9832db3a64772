"""Query Status: which queries are open, for how long, and whose turn it is."""

from imednet_streamlit import page
from imednet_streamlit.sections import queries

page.show(
    "Query Status",
    "Which queries are open, how old they are, and who has to answer.",
    queries.render,
)
