"""The tables behind the pages: which lists each needs, and how metrics make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

import pandas as pd

from imednet.models import StudyConfiguration
from imednet_streamlit.naming import form_names
from imednet_workflows import metrics
from imednet_workflows.frames import StudyFrames

__all__ = ["TABLES", "Table", "site_names"]

Config: TypeAlias = StudyConfiguration | None
_PEOPLE = ("sites", "subjects")
_QUERIES = (*_PEOPLE, "forms", "variables", "intervals", "visits", "records", "queries")
_PAGES = (*_PEOPLE, "forms", "intervals", "visits", "records")
_ALL = (*_QUERIES, "record_revisions")


@dataclass(frozen=True)
class Table:
    """A table: the lists it needs, and what makes it of frames, configuration and moment."""

    lists: tuple[str, ...]
    make: Callable[[StudyFrames, Config, date], Any]


def site_names(frames: StudyFrames) -> pd.DataFrame:
    """Return `site_id`, `site_name` (its number where it has none) and the site's status."""
    sites = frames.sites.dropna(subset=["site_id"]).drop_duplicates("site_id")
    numbered = "Site " + sites["site_id"].astype("string")
    named = sites["site_name"].fillna(numbered)
    twice = named.duplicated(keep=False)
    named = named.mask(twice, named + " (" + sites["site_id"].astype("string") + ")")
    table = sites[["site_id", "site_enrollment_status"]].assign(site_name=named)
    return table.reset_index(drop=True)


def query_frames(frames: StudyFrames, config: Config, asof: date) -> dict[str, pd.DataFrame]:
    """Return only what the story of queries needs: a filter works on these again and again."""
    asked = frames.queries["record_id"].dropna()
    records = frames.records[frames.records["record_id"].isin(asked)]
    slim = replace(frames, records=records.reset_index(drop=True))
    return {name: value for name, value in vars(slim).items() if name != "study_key"}


def page_sums(frames: StudyFrames, config: Config, asof: date) -> dict[str, pd.DataFrame]:
    """Return the states of pages by site and form, and the pages that are missing."""
    pages = metrics.expected_pages(frames, config, asof=asof)
    parts = [
        metrics.completion(part, by="form_key").assign(site_id=site)
        for site, part in pages.groupby("site_id", dropna=False)
    ]
    none = metrics.completion(pages.iloc[:0], by="form_key").assign(site_id=None)
    sums = pd.concat(parts, ignore_index=True) if parts else none
    return {
        "site_form": sums.astype({"site_id": "Int64"}),
        "missing": metrics.missing_pages(pages).drop(columns=["interval_id", "form_id"]),
    }


def subject_forms(frames: StudyFrames, config: Config, asof: date) -> pd.DataFrame:
    """Return how many pages each subject has complete and expected on each form."""
    pages = metrics.expected_pages(frames, config, asof=asof)
    due = pages[pages["state"] != "not due"]
    due = due.assign(complete=(due["state"] == "complete").astype("Int64"), expected=1)
    keys = ["site_id", "subject_key", "form_key"]
    return due.groupby(keys, dropna=False)[["complete", "expected"]].sum().reset_index()


def lags(frames: StudyFrames, config: Config, asof: date) -> pd.DataFrame:
    """Return the entry lag of each page, with no more columns than the page groups by."""
    lag = metrics.entry_lag(frames, config, asof=asof)
    return lag[["subject_id", "site_id", "form_key", "lag_days", "late"]]


def _plain(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    return lambda frames, config, asof: function(frames, config, asof=asof, **options)


def _late(frames: StudyFrames, config: Config, asof: date) -> pd.DataFrame:
    """Return the overdue visits, the longest overdue first."""
    visits = metrics.visit_status(frames, config, asof=asof)
    late = visits[visits["status"] == "overdue"]
    return late.sort_values("days_overdue", ascending=False, kind="stable", ignore_index=True)


TABLES: dict[str, Table] = {
    "sites": Table(("sites",), lambda frames, config, asof: site_names(frames)),
    "forms": Table(("forms",), lambda frames, config, asof: form_names(frames.forms)),
    "funnel": Table(_PEOPLE, _plain(metrics.enrolment_funnel)),
    "funnel_all": Table(_PEOPLE, _plain(metrics.enrolment_funnel, by=None)),
    "curve": Table(_PEOPLE, _plain(metrics.enrolment_curve)),
    "site_curve": Table(_PEOPLE, _plain(metrics.enrolment_curve, by="site_id")),
    "site_enrolment": Table(_PEOPLE, _plain(metrics.site_enrolment)),
    "subjects": Table(_PEOPLE, lambda frames, config, asof: metrics.counted(frames, asof).subjects),
    "words": Table(_QUERIES, lambda frames, config, asof: metrics.unknown_words(frames, config)),
    "query_state": Table(_QUERIES, _plain(metrics.query_state)),
    "query_frames": Table(_QUERIES, query_frames),
    "kris": Table(_ALL, _plain(metrics.kri_table)),
    "kris_alone": Table(_ALL, _plain(metrics.kri_table, method="leave_one_out")),
    "trend": Table(_ALL, _plain(metrics.kri_trend)),
    "visits": Table(_PAGES, _plain(metrics.visit_status)),
    "page_sums": Table(_PAGES, page_sums),
    "subject_forms": Table(_PAGES, subject_forms),
    "late_visits": Table(_PAGES, _late),
    "lag": Table((*_PAGES, "record_revisions"), lags),
    "sdv_site": Table(_PAGES, _plain(metrics.sdv_progress, by="site_id")),
    "sdv_form": Table(_PAGES, _plain(metrics.sdv_progress, by="form_key")),
    "clean": Table(_ALL, _plain(metrics.clean_subjects)),
}
