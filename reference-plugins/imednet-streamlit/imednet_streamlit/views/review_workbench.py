"""Review Workbench: what rules found, who looks at it, and what was decided."""

from imednet_streamlit import page
from imednet_streamlit.sections import review

page.show(
    "Review Workbench",
    "What rules found, who looks at it, and what was decided.",
    review.render,
)
