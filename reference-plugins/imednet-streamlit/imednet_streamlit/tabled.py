"""The tables behind the pages: which lists each needs, and how metrics make it.

Lists come in narrow frames, of the columns that metrics use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, TypeAlias

import pandas as pd

from imednet.models import StudyConfiguration
from imednet_streamlit.naming import form_names
from imednet_workflows import metrics
from imednet_workflows.frames import StudyFrames

__all__ = ["TABLES", "Study", "Table", "site_names", "unnamed"]

Config: TypeAlias = StudyConfiguration | None
_PEOPLE = ("sites", "subjects")
_QUERIES = (*_PEOPLE, "forms", "variables", "intervals", "visits", "records", "queries")
_PAGES = (*_PEOPLE, "forms", "intervals", "visits", "records")
_ALL = (*_QUERIES, "record_revisions")
#: The frames of which what counts of one hangs on the others.
_TOGETHER = ("subjects", "forms", "intervals", "interval_forms", "visits", "records")


class Study:
    """A study as of a moment, and what several tables are made of, worked out once.

    It may see more lists later: what was worked out before stands on those it needs.
    """

    def __init__(self, frames: StudyFrames, config: Config, asof: date) -> None:
        self.frames, self.config, self.asof = frames, config, asof

    def see(self, frames: StudyFrames) -> None:
        """Go on with frames of more lists."""
        before, self.frames = self.frames, frames
        if "counted" not in self.__dict__:  # the one thing that is made of all lists there are
            return
        if all(getattr(before, name) is getattr(frames, name) for name in _TOGETHER):
            known = {name: getattr(self.counted, name) for name in _TOGETHER}
            self.counted = metrics.counted(replace(frames, **known), self.asof)
        else:
            del self.counted

    @cached_property
    def counted(self) -> StudyFrames:
        return metrics.counted(self.frames, self.asof)

    @cached_property
    def visits(self) -> pd.DataFrame:
        return metrics.visit_status(self.counted, self.config, asof=self.asof)

    @cached_property
    def pages(self) -> pd.DataFrame:
        return metrics.expected_pages(self.counted, self.config, asof=self.asof, visits=self.visits)

    @cached_property
    def queries(self) -> pd.DataFrame:
        state = metrics.query_state(self.frames, self.config, asof=self.asof)
        allowed = self.config is not None and self.config.allow_blinded
        return state if allowed else unnamed(state, self.frames.variables)

    @cached_property
    def lag(self) -> pd.DataFrame:
        return metrics.entry_lag(self.counted, self.config, asof=self.asof)

    @cached_property
    def counts(self) -> pd.DataFrame:
        # Of the forms all: an indicator may name one that is disabled, and then counts none.
        frames = replace(self.counted, forms=self.frames.forms)
        return metrics.kri_counts(
            frames, self.config, asof=self.asof, state=self.queries, lag=self.lag
        )


@dataclass(frozen=True)
class Table:
    """A table: the lists it needs, what makes it of a study, and what it is called meanwhile."""

    lists: tuple[str, ...]
    of: Callable[[Study], Any]
    called: str

    def make(self, frames: StudyFrames, config: Config, asof: date) -> Any:
        """Return the table of these frames alone."""
        return self.of(Study(frames, config, asof))


def unnamed(state: pd.DataFrame, variables: pd.DataFrame) -> pd.DataFrame:
    """Return the states of queries with "blinded" in the place of a blinded variable's name.

    A query whose form is not known is taken for one on any form that has such a variable.
    """
    known = variables[variables["blinded"].fillna(False).astype(bool)]
    names = known["variable_name"].str.casefold()
    hidden = set(known["form_key"].str.casefold() + "." + names) | set("." + names)
    form = state["form_key"].astype("string").str.casefold().fillna("")
    theirs = form + "." + state["variable"].astype("string").str.casefold()
    blinded = theirs.isin(hidden).fillna(False).astype(bool)
    return state.assign(variable=state["variable"].mask(blinded, "blinded"))


def site_names(frames: StudyFrames) -> pd.DataFrame:
    """Return `site_id`, `site_name` (its number where it has none) and the site's status."""
    sites = frames.sites.dropna(subset=["site_id"]).drop_duplicates("site_id")
    numbered = "Site " + sites["site_id"].astype("string")
    named = sites["site_name"].fillna(numbered)
    twice = named.duplicated(keep=False)
    named = named.mask(twice, named + " (" + sites["site_id"].astype("string") + ")")
    table = sites[["site_id", "site_enrollment_status"]].assign(site_name=named)
    return table.reset_index(drop=True)


def query_frames(study: Study) -> dict[str, pd.DataFrame]:
    """Return only what the story of queries needs: a filter works on these again and again."""
    frames = study.frames
    records = frames.records[frames.records["record_id"].isin(frames.queries["record_id"].dropna())]
    visits = frames.visits[frames.visits["visit_id"].isin(records["visit_id"].dropna())]
    kept = ("sites", "subjects", "forms", "variables", "intervals", "interval_forms")
    return {
        **{name: getattr(frames, name) for name in (*kept, "queries", "comments")},
        "records": records.reset_index(drop=True),
        "visits": visits.reset_index(drop=True),
    }


def page_sums(study: Study) -> dict[str, pd.DataFrame]:
    """Return the states of pages by site and form, and the pages that are missing."""
    sums = metrics.completion(study.pages, by=("site_id", "form_key"))
    missing = metrics.missing_pages(study.pages)
    return {"site_form": sums, "missing": missing.drop(columns=["interval_id", "form_id"])}


def subject_forms(study: Study) -> pd.DataFrame:
    """Return how many pages each subject has complete and expected on each form."""
    keys, state = ["site_id", "subject_key", "form_key"], study.pages["state"]
    pages = study.pages[keys].assign(
        complete=(state == "complete").astype("Int64"),
        expected=(state != "not due").astype("int64"),
    )
    table = pages.groupby(keys, dropna=False).sum().reset_index()
    return table[table["expected"] > 0].reset_index(drop=True)


def _late(study: Study) -> pd.DataFrame:
    """Return the overdue visits, the longest overdue first."""
    late = study.visits[study.visits["status"] == "overdue"]
    return late.sort_values("days_overdue", ascending=False, kind="stable", ignore_index=True)


def _lag(study: Study) -> pd.DataFrame:
    """Return the entry lag of each page, with no more columns than the page groups by."""
    return study.lag[["site_id", "form_key", "lag_days", "late"]]


def _clean(study: Study) -> pd.DataFrame:
    more = {"pages": study.pages, "visits": study.visits, "state": study.queries}
    return metrics.clean_subjects(study.counted, study.config, asof=study.asof, **more)


def _kris(method: str) -> Callable[[Study], Any]:
    return lambda study: metrics.kri_table(
        study.frames, study.config, asof=study.asof, method=method, counts=study.counts
    )


def _verified(study: Study) -> pd.DataFrame:
    """Return how many records are verified, by site and form."""
    by = ("site_id", "form_key")
    return metrics.sdv_progress(study.counted, study.config, asof=study.asof, by=by)


def _plain(function: Callable[..., Any], **options: Any) -> Callable[[Study], Any]:
    return lambda study: function(study.frames, study.config, asof=study.asof, **options)


TABLES: dict[str, Table] = {
    "sites": Table(("sites",), lambda study: site_names(study.frames), "sites"),
    "forms": Table(("forms",), lambda study: form_names(study.frames.forms), "forms"),
    "funnel": Table(_PEOPLE, _plain(metrics.enrolment_funnel), "enrolment"),
    "funnel_all": Table(_PEOPLE, _plain(metrics.enrolment_funnel, by=None), "enrolment"),
    "curve": Table(_PEOPLE, _plain(metrics.enrolment_curve), "enrolment"),
    "site_curve": Table(_PEOPLE, _plain(metrics.enrolment_curve, by="site_id"), "enrolment"),
    "site_enrolment": Table(_PEOPLE, _plain(metrics.site_enrolment), "enrolment"),
    "subjects": Table(_PEOPLE, lambda study: study.counted.subjects, "subjects"),
    "words": Table(
        _QUERIES, lambda study: metrics.unknown_words(study.frames, study.config), "statuses"
    ),
    "query_state": Table(_QUERIES, lambda study: study.queries, "the states of queries"),
    "query_frames": Table(_QUERIES, query_frames, "the story of queries"),
    "kris": Table(_ALL, _kris("normal"), "the sites' indicators"),
    "kris_alone": Table(_ALL, _kris("leave_one_out"), "the sites' indicators"),
    "trend": Table(_ALL, _plain(metrics.kri_trend), "the indicators of the last months"),
    "visits": Table(_PAGES, lambda study: study.visits, "visits"),
    "page_sums": Table(_PAGES, page_sums, "which pages are complete"),
    "subject_forms": Table(_PAGES, subject_forms, "the pages of each subject"),
    "late_visits": Table(_PAGES, _late, "overdue visits"),
    "lag": Table((*_PAGES, "record_revisions"), _lag, "entry lags"),
    "sdv": Table(_PAGES, _verified, "verification"),
    "clean": Table(_ALL, _clean, "clean subjects"),
}
