"""One record: its answers, as far as they may be shown, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from imednet.models import StudyConfiguration, Variable
from imednet_streamlit import tables
from imednet_streamlit.answers import OneRecord
from imednet_workflows.protection import Protection

__all__ = ["show"]

_REVISIONS = {
    "date_created": "When (UTC)",
    "record_revision": "Revision",
    "record_status": "Status",
    "user": "Who",
    "role": "Role",
    "reason_for_change": "Reason",
    "deleted": "Deleted",
}


def show(one: OneRecord, known: Iterable[Variable], config: StudyConfiguration | None) -> None:
    """Draw a record: blinded answers are absent, protected ones masked."""
    record = one.record
    if record is None:
        st.info("The study has no such record, or these keys may not read it.")
        return
    facts = [f"Record {record.record_id}", f"form {record.form_key}", record.record_status]
    gone = ["deleted"] if record.deleted else []
    st.markdown("**" + tables.plain_text(" · ".join(filter(None, [*facts, *gone]))) + "**")
    answers = Protection(config, known).answers(record)
    if answers:
        frame = pd.DataFrame(answers, columns=["Variable", "Question", "Answer"], dtype="string")
        tables.show(frame, f"record_{record.record_id}")
    else:
        st.info("The record has no answers that may be shown.")
    with st.expander(f"What happened to the record ({len(one.revisions)} revisions)"):
        rows = [[getattr(each, name) for name in _REVISIONS] for each in one.revisions]
        frame = pd.DataFrame(rows, columns=list(_REVISIONS))
        frame["date_created"] = pd.to_datetime(frame["date_created"], utc=True)
        tables.show(frame, f"revisions_{record.record_id}", labels=_REVISIONS)
