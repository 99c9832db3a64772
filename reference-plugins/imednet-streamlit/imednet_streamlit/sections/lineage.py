"""Data Lineage: from a canonical value back to its record, and forward from a record."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from imednet.models import StudyConfiguration
from imednet_streamlit import answers, filters, tables
from imednet_streamlit.page import Page
from imednet_streamlit.sections import holding, record
from imednet_workflows.canonical import CanonicalStudy

__all__ = ["render", "with_rules"]

_LABELS = {
    "domain": "Table",
    "masked": "Protected",
    "raw_value": "Answer in the record",
    "record_id": "Record",
    "result": "Value in the table",
    "row": "Row",
    "rule": "Rule",
    "says": "What the rule says",
    "steps": "How it came about",
    "target_field": "Field",
    "variable": "Variable",
}
#: Key columns that say nothing to a reader.
_UNSHOWN = ["study_key", "site_id", "subject_id", "interval_id", "visit_id"]
_BACK = ["target_field", "result", "raw_value", "variable", "form_key", "record_id", "steps"]
_FORWARD = ["domain", "row", "subject_key", "target_field", "result", "raw_value", "variable"]


def render(page: Page) -> None:
    """Draw the page."""
    config = holding.published(page, "lineage")
    if config is None:
        return
    found = holding.canonical(page, config)
    if found is None:
        return
    filled = {name: table for name, table in found.tables.items() if len(table)}
    if not filled:
        st.info("No canonical table has a row yet: nothing has come from any record.")
        return
    st.caption(f"Configuration version {config.version}. *** stands for values that are protected.")
    _back(found, filled, config)
    _forward(page, found, config)


def with_rules(lineage: pd.DataFrame, config: StudyConfiguration) -> pd.DataFrame:
    """Return the lineage with `says`: what each rule does, in words."""
    words = []
    for number in lineage["rule"]:
        rule = config.mappings[int(number)]
        source = f"{rule.source_form_key}.{rule.source_variable_name}"
        parts = [source if rule.source_variable_name else rule.source_form_key or "any form"]
        parts += [f"then {rule.business_logic}"] if rule.business_logic else []
        parts += [f"else {rule.fallback_value}"] if rule.fallback_value else []
        words.append(", ".join(parts) + (", at baseline" if rule.is_baseline else ""))
    return lineage.assign(says=pd.Series(words, index=lineage.index, dtype="string"))


def _back(
    found: CanonicalStudy, filled: dict[str, pd.DataFrame], config: StudyConfiguration
) -> None:
    st.subheader("Back: where a value comes from")
    names = {name: name.replace("_", " ").capitalize() for name in filled}
    name = filters.option("Table", "table", names)
    table = filled[name].drop(columns=_UNSHOWN, errors="ignore")
    row = filters.picked_row(table, "row", [f"{name}-{place}" for place in range(len(table))])
    if row is None:
        st.caption("Choose a row of the table to see where its values come from.")
        return
    lineage = with_rules(found.trace_back(name, row), config)
    st.markdown(f"**Row {row} of {names[name]}**")
    if lineage.empty:
        st.info("No rule has found a value for this row.")
    else:
        tables.show(lineage[[*_BACK, "says"]], "lineage_back", labels=_LABELS)


def _forward(page: Page, found: CanonicalStudy, config: StudyConfiguration) -> None:
    st.subheader("Forward: what a record fills")
    record_id = filters.number("Record", "record", help="The number of a record.")
    if record_id is None:
        st.caption("Give a record's number to see which values come from it.")
        return
    lineage = with_rules(found.trace_forward(record_id), config)
    if lineage.empty:
        st.info("No value of a canonical table comes from this record.")
    else:
        tables.show(lineage[[*_FORWARD, "says"]], "lineage_forward", labels=_LABELS)
    one = page.read(lambda tell: answers.one_record(page.here, record_id, tell))
    known = page.read(lambda tell: answers.variables(page.here, tell))
    if one is not None and known is not None:
        record.show(one, known, config)
