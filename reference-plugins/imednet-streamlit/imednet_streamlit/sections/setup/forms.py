"""The second step: what the forms and variables really hold."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from imednet_streamlit import answers, tables
from imednet_streamlit.drafts import Draft
from imednet_streamlit.page import Page
from imednet_workflows.profiling import StudyProfile
from imednet_workflows.protection import Protection

__all__ = ["profiled", "render", "shown_variables"]

_FORMS = ["form_key", "form_name", "records", "subjects", "deleted", "variables", "last_entry"]
_LABELS = {
    "deleted": "Deleted records",
    "declared_type": "Type in the study",
    "distinct": "Different answers",
    "fit_rate": "Of which fit (%)",
    "form_key": "Form key",
    "inferred_type": "Type found",
    "last_entry": "Last entry (UTC)",
    "most_frequent": "Most frequent answers",
    "population_rate": "Answered (%)",
    "variable_name": "Variable",
}
#: Types whose answers are few words, not what somebody wrote.
_FEW = ("coded", "yes/no", "integer", "number")


def profiled(page: Page, draft: Draft) -> StudyProfile | None:
    """Return what the records hold, protected answers left out, or say why it is not known."""
    config = draft.config
    found = page.read(lambda tell: answers.profiled(page.here, config.allow_blinded, tell))
    return None if found is None else found.masked(Protection(config, ()).protected)


def render(page: Page, draft: Draft) -> None:
    """Draw the step."""
    st.subheader("What the forms and variables really hold")
    profile = profiled(page, draft)
    if profile is None:
        return
    if profile.forms.empty:
        st.info("This study has no forms yet, so there is nothing to map.")
        return
    tables.show(profile.forms[_FORMS], "forms", labels=_LABELS)
    keys = profile.forms["form_key"].tolist()
    names = dict(zip(keys, profile.forms["form_name"].fillna("").tolist(), strict=True))
    form = st.selectbox(
        "Form", keys, key=draft.key("form"), format_func=lambda key: f"{key} {names[key]}".strip()
    )
    examples = st.toggle(
        "Show what people wrote",
        key=draft.key("examples"),
        help="Also the answers to questions in free text, dates and times.",
    )
    tables.show(shown_variables(profile, form, examples), "variables", labels=_LABELS)


def shown_variables(profile: StudyProfile, form: str, examples: bool) -> pd.DataFrame:
    """Return the variables of a form, with their most frequent answers where those may show."""
    rows = profile.variables[profile.variables["form_key"] == form]
    few = rows["inferred_type"].isin(_FEW)
    answered = [
        ", ".join(f"{value} ({count})" for value, count in values[:5]) if show or examples else ""
        for show, values in zip(few, rows["top_values"], strict=True)
    ]
    table = rows.assign(
        most_frequent=pd.Series(answered, index=rows.index, dtype="string"),
        population_rate=100 * rows["population_rate"],
        fit_rate=100 * rows["fit_rate"],
    )
    columns = ["variable_name", "label", "declared_type", "inferred_type", "fit_rate"]
    return table[[*columns, "population_rate", "distinct", "most_frequent"]]
