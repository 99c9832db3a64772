"""What a configuration makes of the study, judged: problems, checks, readiness."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from imednet_streamlit import tables
from imednet_streamlit.page import card
from imednet_workflows.canonical import CanonicalStudy
from imednet_workflows.standards import REQUIRED

__all__ = ["broken_rules", "show", "unfilled"]

_PROBLEMS = ["domain", "target_field", "kind", "message", "records", "record_id"]
_CHECKS = ["domain", "target_field", "check", "mapped", "rows", "failed", "message"]
_LABELS = {
    "check": "Check",
    "domain": "Table",
    "failed": "Rows that fail",
    "kind": "Problem",
    "mapped": "Filled by a rule",
    "message": "What is wrong",
    "record_id": "First record",
    "records": "Records",
    "rows": "Rows",
    "target_field": "Field",
}


def broken_rules(found: CanonicalStudy) -> pd.DataFrame:
    """Return the problems of rules themselves, which no record can mend."""
    return found.problems[found.problems["records"] == 0]


def unfilled(found: CanonicalStudy) -> pd.DataFrame:
    """Return the required fields that no rule fills."""
    checks = found.checks
    return checks[(checks["check"] == REQUIRED) & ~checks["mapped"].fillna(False)]


def show(found: CanonicalStudy, name: str) -> None:
    """Draw the readiness score, what is wrong with rules, and the checks that do not pass."""
    failing = found.checks[(found.checks["failed"] > 0) | ~found.checks["mapped"].fillna(False)]
    with st.container(horizontal=True):
        card(
            "Readiness",
            f"{found.readiness:.0f} %",
            "How much of the profile's checks passes. Required ones count three times, "
            "allowed values and types twice, recommended ones once.",
        )
        card("Problems of rules", f"{len(found.problems):,}")
        card("Checks not passed", f"{len(failing):,} of {len(found.checks):,}")
    if found.problems.empty:
        st.success("Every rule works on every record.")
    else:
        tables.show(found.problems[_PROBLEMS], f"{name}_problems", labels=_LABELS)
    if len(failing):
        with st.expander("The checks that do not pass"):
            tables.show(failing[_CHECKS], f"{name}_checks", labels=_LABELS)
