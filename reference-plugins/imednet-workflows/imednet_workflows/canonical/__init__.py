"""Canonical tables: adverse events, deviations, device deficiencies, subjects; from raw records.

A StudyConfiguration says how: its `mappings` take answers from forms, `business_logic`
(CEL) works on them, `terminology_lookups` put them into standard words, and a standards
profile checks the result. Every value can be traced to its record and back.
"""

from __future__ import annotations

from imednet_workflows.canonical.logic import Logic, LogicError, LogicUnavailableError
from imednet_workflows.canonical.suggest import suggest_mappings, suggest_terms
from imednet_workflows.canonical.tables import MASK, CanonicalStudy, canonicalise
from imednet_workflows.canonical.widgets import widget_table

__all__ = [
    "MASK",
    "CanonicalStudy",
    "Logic",
    "LogicError",
    "LogicUnavailableError",
    "canonicalise",
    "suggest_mappings",
    "suggest_terms",
    "widget_table",
]
