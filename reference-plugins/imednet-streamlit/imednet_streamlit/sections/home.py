"""Home: the study at a glance, and what needs attention today, with links to where."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import streamlit as st

from imednet_streamlit import tables
from imednet_streamlit.page import Page, card
from imednet_workflows import metrics

__all__ = ["Matter", "render"]

#: An open query that is older is overdue, in days.
OLD = 30


class Matter(NamedTuple):
    """Something that needs attention: how many, of what, and the page that shows which."""

    number: int
    text: str
    view: str
    link: str


QUERIES = ("views/query_status.py", "Query Status")
SITES = ("views/site_performance.py", "Site Performance")
COMPLETENESS = ("views/data_completeness.py", "Data Completeness")
ENROLMENT = ("views/subject_enrollment.py", "Subject Enrollment")


def render(page: Page) -> None:
    """Draw the page: first what is quick to read, then what takes the whole study."""
    people = page.load("sites", "funnel_all", "site_enrolment")
    if people is not None:
        _glance(people["funnel_all"], people["sites"], people["site_enrolment"])
    st.subheader("What needs attention today")
    matters: list[Matter] = []
    answered = [
        _add(matters, of_queries(page)),
        _add(matters, of_pages(page)),
        _add(matters, of_sites(page)),
    ]
    if matters:
        for matter in matters:
            _draw(matter)
    elif all(answered):
        st.success("Nothing: no old queries, no overdue visits, no missing pages, no site flagged.")
    _words(page)


def _glance(funnel: pd.DataFrame, sites: pd.DataFrame, enrolment: pd.DataFrame) -> None:
    row = funnel.iloc[0]
    active = int(enrolment["open"].sum())
    share = row["target_percent"]
    with st.container(horizontal=True):
        card("Sites enrolling", f"{active:,} of {len(sites):,}")
        card("Screened", f"{int(row['screened']):,}", "Subjects, of whom some may have failed.")
        card("Enrolled", f"{int(row['enrolled']):,}")
        card("Completed", f"{int(row['completed']):,}")
        note = (
            "Enrolled of planned, at sites with a target. Targets stand in the study's "
            "configuration."
        )
        card("Of target", "none" if pd.isna(share) else f"{share:.0f} %", note)
    if not int(row["screened"]):
        st.info("This study has no subjects yet.")


def _add(matters: list[Matter], found: list[Matter] | None) -> bool:
    """Keep what needs attention; tells whether that could be read."""
    matters += [matter for matter in found or [] if matter.number]
    return found is not None


def _draw(matter: Matter) -> None:
    with st.container(
        border=True,
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
    ):
        st.markdown(f"**{matter.number:,}** {matter.text}")
        st.page_link(matter.view, label=matter.link, icon=":material/arrow_forward:")


def of_queries(page: Page) -> list[Matter] | None:
    """Return what queries ask for, None if they cannot be read."""
    loaded = page.load("query_state")
    if loaded is None:
        return None
    state = loaded["query_state"]
    waiting = state[state["counted"] & (state["state"] == "open")]
    old = int((waiting["age_days"] > OLD).sum())
    ours = int((waiting["turn"] == "data management").sum())
    return [
        Matter(old, f"open {_s(old, 'query', 'queries')} older than {OLD} days", *QUERIES),
        Matter(ours, f"{_s(ours, 'query', 'queries')} waiting for data management", *QUERIES),
    ]


def of_pages(page: Page) -> list[Matter] | None:
    """Return what visits and pages ask for, None if they cannot be read."""
    loaded = page.load("late_visits", "page_sums")
    if loaded is None:
        return None
    late, missing = len(loaded["late_visits"]), len(loaded["page_sums"]["missing"])
    return [
        Matter(late, f"overdue {_s(late, 'visit', 'visits')}", *COMPLETENESS),
        Matter(missing, f"missing {_s(missing, 'page', 'pages')}", *COMPLETENESS),
    ]


def of_sites(page: Page) -> list[Matter] | None:
    """Return which sites are flagged, None if that cannot be told."""
    loaded = page.load("kris")
    if loaded is None:
        return None
    scores = metrics.risk_scores(loaded["kris"]) if len(loaded["kris"]) else None
    if scores is None:
        return []
    flagged = scores[scores["flagged"] > 0].sort_values("rank")
    names = list(map(tables.plain_text, flagged["site_name"].fillna("without a name").astype(str)))
    listed = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
    text = f"{_s(len(names), 'site', 'sites')} with flags, highest risk first: {listed}"
    return [Matter(len(names), text, *SITES)]


def _s(number: int, one: str, many: str) -> str:
    return one if number == 1 else many


def _words(page: Page) -> None:
    loaded = page.load("words")
    if loaded is None or loaded["words"].empty:
        return
    with st.expander(f"{len(loaded['words'])} statuses of this study have no meaning yet"):
        st.write(
            "They count as nothing: such a subject is active, such a record is not complete. "
            "The study's configuration can give them a meaning."
        )
        labels = {"column": "Where", "word": "Status", "rows": "Rows"}
        tables.show(loaded["words"], "unknown_words", labels=labels)
