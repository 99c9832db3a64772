"""Review Workbench: the queue of what rules found, and the item being looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from imednet.errors import ImednetError
from imednet.models import StudyConfiguration
from imednet_streamlit import data, filters
from imednet_streamlit.loading import Loaded
from imednet_streamlit.page import Page, card
from imednet_streamlit.sections import holding, review_item
from imednet_workflows.canonical import MASK
from imednet_workflows.config_store import ConfigStore
from imednet_workflows.triage_rules import SERIOUS_EVENT, run_rules
from imednet_workflows.triage_store import (
    APPROVED,
    NEW,
    REJECTED,
    SEVERITIES,
    UNDER_REVIEW,
    Item,
    TriageStore,
    items_frame,
)

__all__ = ["queue", "render"]

_COLUMNS = [
    *("severity", "title", "site", "subject", "age_days", "due", "overdue"),
    *("status", "assignee", "kind"),
]
_NOBODY = "nobody"


def render(page: Page) -> None:
    """Draw the page."""
    store = TriageStore()
    try:
        config, _ = data.configuration(page.here.study_key)
        with st.container():  # whatever is said in it, what follows stays where it is
            ready = _look(page, store, config)
        if not ready:
            return
        items = _allowed(page, store.items(page.here.study_key, include_gone=True), config)
        if not items:
            st.success("The rules have found nothing to review in this study.")
            return
        _draw(page, store, items, config)
    except data.Unreadable as problem:
        st.error(f"{problem.what.capitalize()} cannot be read: {problem.why}")
    except (ImednetError, ValueError) as error:
        st.error(f"The review items cannot be used: {error}")


def _look(page: Page, store: TriageStore, config: StudyConfiguration | None) -> bool:
    """Run the rules when it is time to; returns False if they had to run and could not."""
    items = store.items(page.here.study_key, include_gone=True) if store.path.exists() else []
    due = not items or _changed_since(page, items)
    asked = st.button(
        "Run the rules now",
        help="Look for serious adverse events, overdue queries and visits, visits out of their "
        "window, flagged sites and values that fail the standards profile.",
    )
    if not (asked or due):
        return True
    said = _run(page, store, config)
    if said:
        st.caption(said)
    return said is not None or not due


def _changed_since(page: Page, items: list[Item]) -> bool:
    """Tell whether another configuration holds than when the rules last ran.

    It may protect what items tell, so that they must not be shown before the rules run again.
    """
    since = _decided(page)
    return since is not None and since > max(item.gone or item.last_found for item in items)


def _decided(page: Page) -> datetime | None:
    """Return since when what holds holds, None if nothing was ever decided."""
    configurations = ConfigStore()
    if not configurations.path.exists():
        return None
    decisions = configurations.publications(page.here.study_key)
    return decisions[0].when if decisions else None


def _allowed(page: Page, items: list[Item], config: StudyConfiguration | None) -> list[Item]:
    """Return the items, without a record's answers in those not found under what holds now.

    Such answers may be protected by now: only a run of the rules can tell.
    """
    since = _decided(page)
    old = [i for i in items if i.kind == SERIOUS_EVENT and since and i.last_found < since]
    if not old or not holding.narrowed(page.here.study_key, config):
        return items
    title = f"{SERIOUS_EVENT.capitalize()}: {MASK}"
    masked = {item.identity: replace(item, title=title, detail=MASK) for item in old}
    return [masked.get(item.identity, item) for item in items]


def _run(page: Page, store: TriageStore, config: StudyConfiguration | None) -> str | None:
    """Run the rules and take in what they find; nothing is taken in if a list cannot be read."""
    loaded = page.load("sites", "query_state", "visits", "kris")
    if loaded is None:
        return None
    more = _canonical(page, config)
    if more is None:
        return None
    found = run_rules(page.here.study_key, loaded["sites"], **_metrics(loaded), **more)
    done = store.refresh(page.here.study_key, found.findings, kinds=found.kinds)
    return (
        f"The rules have run: {done.new:,} new, {done.still:,} as before, "
        f"{done.again:,} again, {done.gone:,} gone."
    )


def _metrics(loaded: Loaded) -> dict[str, Any]:
    return {
        "queries": loaded["query_state"],
        "visits": loaded["visits"],
        "kris": loaded["kris"],
    }


def _canonical(page: Page, config: StudyConfiguration | None) -> dict[str, Any] | None:
    """Return the canonical frames for the rules; None if they cannot be made."""
    if config is None:
        st.caption(
            "No configuration is published: the rules for serious adverse events and for the "
            "standards profile do not run."
        )
        return {}
    found = holding.canonical(page, config)
    if found is None:
        return None
    events = found.tables.get("adverse_events")
    if events is None or "serious" not in events.columns:
        return {"failures": found.failures}
    if (events["serious"] == MASK).any():
        st.warning(
            "Whether an adverse event is serious is protected (phi_fields), so serious adverse "
            "events cannot be found here. Take its variable out of the protected ones."
        )
        return {"failures": found.failures}
    return {"failures": found.failures, "adverse_events": events}


def _draw(
    page: Page, store: TriageStore, items: list[Item], config: StudyConfiguration | None
) -> None:
    now = datetime.now(UTC)
    _numbers(items, now)
    chosen = queue(store, page.here.study_key, _filters(items), now)
    shown = {item.identity: item for item in items}
    chosen = [shown[item.identity] for item in chosen if item.identity in shown]
    with st.container():
        if not chosen:
            st.info("No item fits these filters.")
        else:
            frame = items_frame(chosen, now=now)[_COLUMNS]
            filters.picked_row(frame, "item", [item.identity for item in chosen])
    asked = st.query_params.get("item") or (chosen[0].identity if chosen else None)
    if asked is None:
        return
    item = next((each for each in items if each.identity == asked), None)
    if item is None:
        st.info("There is no such item in this study any more.")
    else:
        review_item.show(page, store, item, config, now)


def _numbers(items: list[Item], now: datetime) -> None:
    waiting = [item for item in items if item.undecided]
    with st.container(horizontal=True):
        card("To decide", f"{len(waiting):,}")
        card(
            "Overdue",
            f"{sum(item.overdue(now) for item in waiting):,}",
            "Not decided within the days that their severity allows.",
        )
        card("Critical", f"{sum(item.severity == 'critical' for item in waiting):,}")
        card("Decided", f"{sum(i.status in (APPROVED, REJECTED) for i in items):,}")


def _filters(items: list[Item]) -> dict[str, list[str]]:
    places = st.columns(6)
    statuses = ("open", NEW, UNDER_REVIEW, APPROVED, REJECTED, "gone", "all")
    with places[0]:
        status = filters.option("Status", "status", {name: name.capitalize() for name in statuses})
    picks = {"status": [status]}
    known = {
        "severity": SEVERITIES,
        "kind": sorted({item.kind for item in items}),
        "site": sorted({item.site for item in items if item.site}),
        "assignee": [_NOBODY, *sorted({item.assignee for item in items if item.assignee})],
    }
    for place, (name, values) in zip(places[1:], known.items(), strict=False):
        with place:
            options = {value: value.capitalize() if name != "site" else value for value in values}
            picks[name] = filters.choose(name.capitalize(), name, options)
    with places[5]:
        overdue = filters.option("Due", "due", {"all": "Any", "overdue": "Overdue only"})
    picks["overdue"] = [overdue] if overdue == "overdue" else []
    return picks


def queue(
    store: TriageStore, study_key: str, picks: dict[str, list[str]], now: datetime
) -> list[Item]:
    """Return the items that fit what is picked, the gravest and first due first."""
    (status,) = picks["status"]
    wanted: dict[str, Any] = {name: picks[name] or None for name in ("severity", "kind", "site")}
    nobody = [("" if name == _NOBODY else name) for name in picks["assignee"]]
    found = store.items(
        study_key,
        **wanted,
        assignee=nobody or None,
        status={"open": (NEW, UNDER_REVIEW), "all": None, "gone": None}.get(status, (status,)),
        include_gone=status in ("gone", "all"),
        overdue_at=now if picks["overdue"] else None,
    )
    return [item for item in found if item.gone] if status == "gone" else found
