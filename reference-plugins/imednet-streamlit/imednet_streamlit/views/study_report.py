"""Study Report: what the published configuration shows of the study."""

from imednet_streamlit import page
from imednet_streamlit.sections import report

page.show(
    "Study Report",
    "What the published configuration shows of the study.",
    report.render,
)
