"""Publisher Wizard: versions and their differences, the checklist, publishing, rolling back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
import streamlit as st

from imednet.errors import ImednetError
from imednet_streamlit import filters, people, tables
from imednet_streamlit.page import Page
from imednet_streamlit.sections import holding, verdict
from imednet_workflows.canonical import CanonicalStudy
from imednet_workflows.config_store import ConfigStore, Version

__all__ = ["Item", "checklist", "render"]

_SAID, _NOTE, _READ = "_publisher_said", "_publisher_note", "_publisher_read_"


class Item(NamedTuple):
    """One line of the checklist; what `must` be `done` before publishing."""

    done: bool
    must: bool
    text: str


def render(page: Page) -> None:
    """Draw the page."""
    try:
        store = ConfigStore()
        history = store.history(page.here.study_key) if store.path.exists() else []
        _draw(page, store, history)
    except (ImednetError, ValueError) as error:
        st.error(f"The study's configurations cannot be used: {error}")


def _draw(page: Page, store: ConfigStore, history: list[Version]) -> None:
    said = st.session_state.pop(_SAID, None)
    if said is not None:
        getattr(st, said[0])(said[1])
    if not history:
        st.info("This study has no saved configuration yet: make one in the Setup Wizard.")
        st.page_link("views/setup_wizard.py", label="Setup Wizard")
        return
    holds = next((each.version for each in history if each.published), None)
    _versions(history)
    version = int(filters.option("Version", "version", {str(v.version): _said(v) for v in history}))
    _differences(store, history, version, holds)
    found = holding.canonical(page, store.get(page.here.study_key, version))
    if found is None:
        return
    st.subheader("Checklist")
    verdict.show(found, "version")
    items = checklist(found)
    for item in items:
        icon = ":material/check_circle:" if item.done else ":material/cancel:"
        st.markdown(f"{icon} {tables.plain_text(item.text)}" + ("" if item.must else " (advice)"))
    _decide(page, store, history, version, holds, all(i.done for i in items if i.must))
    _decisions(store, page.here.study_key)


def checklist(found: CanonicalStudy) -> list[Item]:
    """Return what a version should be before it is published."""
    broken, unfilled = verdict.broken_rules(found), verdict.unfilled(found)
    spoilt = found.problems[found.problems["records"] > 0]
    required = found.checks[found.checks["check"] == "required"]
    failing = int(required["failed"].sum())
    return [
        Item(broken.empty, True, f"Every rule can be used ({len(broken)} cannot)"),
        Item(bool(len(found.lineage)), True, "At least one value comes out of it"),
        Item(spoilt.empty, False, f"Every value can be used ({_sum(spoilt):,} cannot)"),
        Item(
            unfilled.empty,
            False,
            f"A rule fills each required field ({len(unfilled)} of {len(required)} are not)",
        ),
        Item(not failing, False, f"Required fields are never empty ({failing:,} rows are)"),
    ]


def _sum(problems: pd.DataFrame) -> int:
    return int(problems["records"].sum())


def _said(version: Version) -> str:
    return f"{version.version}: {version.note or 'no note'}, {version.who}"


def _versions(history: list[Version]) -> None:
    st.subheader("Versions")
    rows = [(v.version, v.published, v.when, v.who, v.note, v.content_of) for v in history]
    frame = pd.DataFrame(
        rows,
        columns=["Version", "Published", "Saved at (UTC)", "Who", "Note", "Content of version"],
    ).astype({"Content of version": "Int64"})
    frame["Saved at (UTC)"] = pd.to_datetime(frame["Saved at (UTC)"], utc=True)
    tables.show(frame, "versions")


def _differences(
    store: ConfigStore, history: list[Version], version: int, holds: int | None
) -> None:
    st.subheader("What would change")
    others = [v.version for v in history if v.version != version]
    if not others:
        st.caption("It is the only version: there is nothing to compare it with.")
        return
    first = others.index(holds) if holds in others else 0
    other = st.selectbox(
        "Compared with",
        others,
        index=first,
        key=f"_compared_{version}_{holds}",
        format_func=lambda number: (
            f"version {number}" + (" (published)" if number == holds else "")
        ),
    )
    study_key = history[0].study_key
    tables.changes(store.diff(study_key, other, version), "differences")


def _decide(
    page: Page,
    store: ConfigStore,
    history: list[Version],
    version: int,
    holds: int | None,
    ready: bool,
) -> None:
    st.subheader("Decide")
    study_key, newest = page.here.study_key, history[0].version
    who = people.declared()
    st.text_input("Why", key=_NOTE)
    read = st.checkbox("I have read the differences and the checklist", key=f"{_READ}{version}")

    def publish(who: str, note: str) -> str:
        store.publish(study_key, version, who=who, note=note)
        return f"Version {version} holds from now on, on every page."

    def roll_back(who: str, note: str) -> str:
        made = store.roll_back(study_key, version, who=who, note=note, expected_version=newest)
        store.publish(study_key, made.version, who=who, note=note or f"back to version {version}")
        return f"Version {made.version} holds from now on: it is version {version} again."

    def take_back(who: str, note: str) -> str:
        store.unpublish(study_key, who=who, note=note)
        return "No version holds from now on."

    with st.container(horizontal=True):
        st.button(
            f"Publish version {version}",
            type="primary",
            on_click=_do,
            args=(publish,),
            disabled=not (who and read and ready) or version == holds,
            help=_why_not(who, read, ready, version == holds),
        )
        st.button(
            f"Roll back to version {version}",
            on_click=_do,
            args=(roll_back,),
            disabled=not (who and read and ready) or version == newest,
            help="Make its content the newest version again, and publish that.",
        )
        st.button(
            "Publish none",
            on_click=_do,
            args=(take_back,),
            disabled=not (who and holds),
            help="Take back what holds: the pages then use the defaults.",
        )


def _why_not(who: str, read: bool, ready: bool, holds: bool) -> str | None:
    if holds:
        return "It holds already."
    if not ready:
        return "The checklist has lines that must be done first."
    if not who:
        return "Say your name first."
    return None if read else "Say that you have read the differences and the checklist."


def _do(step: Callable[[str, str], str]) -> None:
    """Take a step, with the name and the note as they stand now."""
    try:
        done = step(people.name(), st.session_state[_NOTE].strip())
        st.session_state[_SAID] = ("success", done)
        st.session_state[_NOTE] = ""
        for key in [key for key in st.session_state if str(key).startswith(_READ)]:
            st.session_state[key] = False
    except (ImednetError, ValueError) as error:
        st.session_state[_SAID] = ("error", f"That was not done: {error}")


def _decisions(store: ConfigStore, study_key: str) -> None:
    decisions = store.publications(study_key)
    if not decisions:
        return
    with st.expander(f"Decisions so far ({len(decisions)})"):
        rows = [(d.when, d.version, d.who, d.note) for d in decisions]
        frame = pd.DataFrame(rows, columns=["When (UTC)", "Version that holds", "Who", "Why"])
        frame = frame.astype({"Version that holds": "Int64"})
        frame["When (UTC)"] = pd.to_datetime(frame["When (UTC)"], utc=True)
        tables.show(frame, "decisions")
