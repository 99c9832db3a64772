"""Subject Enrollment: who was screened, enrolled and lost, and when the target is reached."""

from imednet_streamlit import page
from imednet_streamlit.sections import enrolment

page.show(
    "Subject Enrollment",
    "How many were screened, enrolled and lost, and when the target may be reached.",
    enrolment.render,
)
