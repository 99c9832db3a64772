"""Study metrics: pure functions from a study's frames to tables.

Most take `StudyFrames` (see `imednet_workflows.frames`), a `StudyConfiguration` or
None, and `asof`: a date (its end, UTC) or a datetime (UTC if it has no zone). They
never look at the clock, change nothing they are given, and return new frames
whose columns are the same whatever the data; pandas' NA means "not known" or
"nothing to divide by" and is never 0. What is deleted, disabled or later than
`asof` does not count. The words for statuses are those of `terms`.
"""

from __future__ import annotations

from imednet_workflows.metrics.counted import counted, narrow
from imednet_workflows.metrics.enrolment import enrolment_curve, enrolment_funnel, site_enrolment
from imednet_workflows.metrics.forecast import Forecast, forecast, forecast_enrolment
from imednet_workflows.metrics.indicators import INDICATORS, Indicator
from imednet_workflows.metrics.kri_counts import kri_counts
from imednet_workflows.metrics.kris import kri_table, kri_trend, risk_scores
from imednet_workflows.metrics.lag import entry_lag, entry_lag_summary
from imednet_workflows.metrics.pages import (
    clean_subjects,
    completion,
    expected_pages,
    missing_pages,
    sdv_progress,
)
from imednet_workflows.metrics.queries import (
    query_ageing,
    query_flux,
    query_rates,
    query_state,
)
from imednet_workflows.metrics.resolution import (
    kaplan_meier,
    median_time_to_resolve,
    reopen_rate,
    time_to_resolve,
)
from imednet_workflows.metrics.scores import THRESHOLDS, funnel_bounds, score_sites
from imednet_workflows.metrics.terms import DEFAULT_WORDS, Terms, terms, unknown_words
from imednet_workflows.metrics.visits import visit_status

__all__ = [
    "DEFAULT_WORDS",
    "INDICATORS",
    "THRESHOLDS",
    "Forecast",
    "Indicator",
    "Terms",
    "clean_subjects",
    "completion",
    "counted",
    "enrolment_curve",
    "enrolment_funnel",
    "entry_lag",
    "entry_lag_summary",
    "expected_pages",
    "forecast",
    "forecast_enrolment",
    "funnel_bounds",
    "kaplan_meier",
    "kri_counts",
    "kri_table",
    "kri_trend",
    "median_time_to_resolve",
    "missing_pages",
    "narrow",
    "query_ageing",
    "query_flux",
    "query_rates",
    "query_state",
    "reopen_rate",
    "risk_scores",
    "score_sites",
    "sdv_progress",
    "site_enrolment",
    "terms",
    "time_to_resolve",
    "unknown_words",
    "visit_status",
]
