"""The configuration being written in this session: kept while pages come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from imednet.models import MappingRule, StudyConfiguration, WidgetConfig
from imednet_workflows.config_store import ConfigStore
from imednet_workflows.standards import table_name

__all__ = ["DRAFT", "Draft", "begin", "current", "load"]

DRAFT = "_imednet_draft"


@dataclass
class Draft:
    """A configuration that is not saved yet.

    `base` is the newest version when it was begun, 0 for none, and `saved` what that holds;
    `generation` changes when all of it is replaced, so that fields of the page do not keep
    what they showed before. `typed` is what stands in fields that are no part of it.
    """

    study_key: str
    base: int
    config: StudyConfiguration
    saved: StudyConfiguration
    step: str = ""
    generation: int = 0
    typed: dict[str, Any] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """Return the key of a field on the page."""
        return f"_draft_{self.generation}_{name}"

    def field(self, name: str, write: Callable[[Any], object] | None = None) -> dict[str, Any]:
        """Return what a field of the page is made with: its key, and that it is written down.

        It is written the moment it changes, before the page is drawn: whatever else was
        pressed meanwhile, it is not lost. `write` gets the value; without it the value is
        kept in `typed`, also while other steps and pages are shown.
        """
        key = self.key(name)

        def changed() -> None:
            value = st.session_state[key]
            if write is None:
                self.typed[name] = value
            else:
                write(value)

        return {"key": key, "on_change": changed}

    def rules(self, table: str, target: str) -> list[int]:
        """Return the places in `mappings` of the rules for a field, in their order."""
        return [
            place
            for place, rule in enumerate(self.config.mappings)
            if (table_name(rule.domain or ""), rule.target_field) == (table, target)
        ]

    def rule(self, table: str, target: str) -> MappingRule | None:
        """Return the first rule for a field, None if nothing fills it."""
        places = self.rules(table, target)
        return self.config.mappings[places[0]] if places else None

    def fill(self, table: str, target: str, rule: MappingRule | None) -> None:
        """Put a rule in the place of a field's first one; None takes that away."""
        places = self.rules(table, target)
        if not places:
            self.config.mappings += [rule] if rule is not None else []
        elif rule is None:
            del self.config.mappings[places[0]]
            self.generation += 1  # the fields of the page are now those of the next rule
        else:
            self.config.mappings[places[0]] = rule

    def put(self, widget: WidgetConfig) -> None:
        """Add a widget, or put it in the place of the one with its id."""
        ids = [each.widget_id for each in self.config.widgets]
        if widget.widget_id in ids:
            self.config.widgets[ids.index(widget.widget_id)] = widget
        else:
            self.config.widgets.append(widget)

    @property
    def changed(self) -> bool:
        """Whether it holds anything that is not saved."""
        return self.config != self.saved


def current(study_key: str) -> Draft:
    """Return this session's draft for a study, begun from its newest version."""
    draft = st.session_state.get(DRAFT)
    if not isinstance(draft, Draft) or draft.study_key != study_key:
        draft = begin(study_key)
    return draft


def begin(study_key: str, version: int | None = None) -> Draft:
    """Begin a draft anew from a version (None: the newest, 0: nothing); raises StoreError.

    A draft is always saved on top of the newest version, whatever it began from.
    """
    store = ConfigStore()
    history = store.history(study_key) if store.path.exists() else []
    newest = history[0].version if history else 0
    wanted = newest if version is None else version
    config = store.get(study_key, wanted) if wanted else StudyConfiguration()
    saved = store.get(study_key, newest) if newest else StudyConfiguration()
    return _keep(study_key, newest, config, saved)


def load(study_key: str, config: StudyConfiguration) -> Draft:
    """Make a configuration from elsewhere the draft, on top of the newest version."""
    draft = begin(study_key)
    return _keep(study_key, draft.base, config, draft.saved)


def _keep(
    study_key: str, base: int, config: StudyConfiguration, saved: StudyConfiguration
) -> Draft:
    old = st.session_state.get(DRAFT)
    generation = old.generation + 1 if isinstance(old, Draft) else 0
    step = old.step if isinstance(old, Draft) else ""
    for each in (config, saved):
        each.study_key, each.version = study_key, None
    draft = Draft(study_key, base, config, saved, step, generation)
    st.session_state[DRAFT] = draft
    return draft
