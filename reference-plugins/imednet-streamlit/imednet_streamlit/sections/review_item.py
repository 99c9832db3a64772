"""One review item: what it is about, what happened to it, and what can be done."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import pandas as pd
import streamlit as st

from imednet.errors import ImednetError
from imednet.models import StudyConfiguration
from imednet_streamlit import answers, people, tables
from imednet_streamlit.page import Page
from imednet_streamlit.sections import holding, record
from imednet_workflows.triage_rules import SERIOUS_EVENT
from imednet_workflows.triage_store import MASK, NEW, UNDER_REVIEW, Item, TriageStore

__all__ = ["show"]

_SAID = "_item_said"


class Step(Protocol):
    """Something done with an item by somebody, as the store does it."""

    def __call__(self, identity: str, *, who: str, comment: str) -> Item: ...


def show(
    page: Page, store: TriageStore, item: Item, config: StudyConfiguration | None, now: datetime
) -> None:
    """Draw the item."""
    st.subheader(tables.plain_text(item.title))
    with st.container():  # what follows stays where it is, and what is being typed in it
        said = st.session_state.pop(_SAID, None)
        if said is not None:
            getattr(st, said[0])(said[1])
    left, right = st.columns([3, 2])
    with left:
        _about(item, now)
        _record(page, item, config)
    with right:
        _act(store, item)
    _history(store, item, config)


def _about(item: Item, now: datetime) -> None:
    due = "overdue" if item.overdue(now) else "due"
    facts = {
        "Severity": item.severity,
        "Status": "gone: the rules do not find it any more" if item.gone else item.status,
        "Site": item.site,
        "Subject": item.subject,
        "Assigned to": item.assignee or "nobody",
        "Open for": f"{item.age_days(now):.0f} days, {due} {item.due:%Y-%m-%d %H:%M} UTC",
        "Details": item.detail,
    }
    lines = [f"**{name}**: {tables.plain_text(value)}" for name, value in facts.items() if value]
    st.markdown("  \n".join(lines))


def _record(page: Page, item: Item, config: StudyConfiguration | None) -> None:
    record_id = item.record_id
    if record_id is None:
        st.caption("The item is about no single record.")
        return
    one = page.read(lambda tell: answers.one_record(page.here, record_id, tell))
    known = page.read(lambda tell: answers.variables(page.here, tell))
    if one is not None and known is not None:
        record.show(one, known, config)


def _act(store: TriageStore, item: Item) -> None:
    """Draw what can be done with an item of its status."""
    key = f"_review_{item.identity}"
    who = people.declared()
    text = _comment_field(f"{key}_comment").strip()

    def button(label: str, step: Step, *, able: bool = True) -> None:
        st.button(
            label,
            on_click=_do,
            args=(step, item.identity, label, key),
            disabled=not (who and able),
            help=None if who else "Say your name first.",
            key=f"{key}_{label}",
        )

    with st.container(horizontal=True):
        if item.status == NEW:
            button("Begin review", store.review)
        elif item.status == UNDER_REVIEW:
            button("Approve", store.approve)
            button("Reject", store.reject)
        else:
            button("Reopen", store.reopen)
        button("Comment", _comment(store), able=bool(text))
    st.caption("Approve: it has been dealt with, or is as it should be. Reject: it is no issue.")
    field = f"{key}_to"
    st.session_state[field] = st.session_state.get(field) or item.assignee or who
    to = st.text_input("Assign to", key=field).strip()
    with st.container(horizontal=True):
        button("Assign", _assign(store, field), able=to not in ("", item.assignee))
        button("Assign to nobody", _assign(store, None), able=item.assignee is not None)


def _comment_field(key: str) -> str:
    """Draw the field for a comment, which stays while other items and pages are looked at."""
    kept: dict[str, str] = st.session_state.setdefault(people.COMMENTS, {})

    def keep() -> None:
        kept[key] = st.session_state[key]

    return st.text_area("Comment", value=kept.get(key, ""), key=key, on_change=keep)


def _comment(store: TriageStore) -> Step:
    return lambda identity, *, who, comment: store.comment(identity, comment, who=who)


def _assign(store: TriageStore, field: str | None) -> Step:
    """Return the step that gives an item to whoever stands in a field, or to nobody."""

    def step(identity: str, *, who: str, comment: str) -> Item:
        to = None if field is None else str(st.session_state[field])
        return store.assign(identity, to, who=who, comment=comment)

    return step


def _do(step: Step, identity: str, label: str, key: str) -> None:
    """Take a step, with name and comment as they stand now; what was written stays if it fails."""
    state = st.session_state
    try:
        step(identity, who=people.name(), comment=state[f"{key}_comment"].strip())
    except (ImednetError, ValueError) as error:
        state[_SAID] = ("error", f"That was not done: {error}")
    else:
        state[f"{key}_comment"] = ""
        state[people.COMMENTS].pop(f"{key}_comment", None)
        state[_SAID] = ("success", f"Done: {label}.")
        st.query_params["item"] = identity  # it stays in sight when it leaves the queue


def _history(store: TriageStore, item: Item, config: StudyConfiguration | None) -> None:
    st.markdown("**What happened to the item**")
    events = store.history(item.identity)
    changed = [event for event in events if event.action == "changed"]
    hidden = changed if changed and _outgrown(item, config) else []
    rows = [
        (e.when, e.who, e.action, *((MASK, MASK) if e in hidden else (e.old, e.new)), e.comment)
        for e in events
    ]
    frame = pd.DataFrame(rows, columns=["When (UTC)", "Who", "What", "From", "To", "Comment"])
    frame["When (UTC)"] = pd.to_datetime(frame["When (UTC)"], utc=True)
    tables.show(frame, f"item_{item.identity}")


def _outgrown(item: Item, config: StudyConfiguration | None) -> bool:
    """Tell whether earlier titles and details of an item may hold what is protected by now."""
    if MASK in item.title + item.detail:
        return True
    return item.kind == SERIOUS_EVENT and holding.narrowed(item.study_key, config)
