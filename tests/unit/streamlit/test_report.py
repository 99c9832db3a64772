"""The Study Report: what is published shows here."""

from __future__ import annotations

from typing import Any

from imednet import ImednetSDK
from imednet.models import MappingRule, StudyConfiguration, WidgetConfig
from imednet_workflows.config_store import ConfigStore

RULES = [
    MappingRule("AE", "severity", "AE", "AESEV"),
    MappingRule("DM", "birth_date", "DM", "BRTHDAT"),
]
EVENTS = WidgetConfig("n", "number", "Events", "adverse_events", None, "rows", 3)
BARS = WidgetConfig("b", "bar", "By severity", "adverse_events", "severity", "rows", 9)


def publish(*widgets: WidgetConfig, **options: Any) -> None:
    store = ConfigStore()
    config = StudyConfiguration(study_key="DEMO", mappings=RULES, widgets=list(widgets), **options)
    store.publish("DEMO", store.commit(config, who="A. Berg").version, who="A. Berg")


def raw_events(simulator: Any) -> int:
    """The adverse events that count: neither they nor their subjects are deleted."""
    with ImednetSDK(simulator.api_key, simulator.security_key, simulator.url) as sdk:
        gone = {subject.subject_id for subject in sdk.subjects.list("DEMO", deleted=True)}
        records = sdk.records.list("DEMO", form_key="AE")
    return sum(not record.deleted and record.subject_id not in gone for record in records)


def test_without_anything_published_it_says_where_to_begin(dashboard: Any, ordinary: Any) -> None:
    dashboard.connect(ordinary).open("study_report.py")
    assert "No configuration of this study is published yet" in dashboard.said("info")


def test_a_change_published_shows(dashboard: Any, ordinary: Any) -> None:
    publish(EVENTS)
    dashboard.connect(ordinary).open("study_report.py")
    assert int(dashboard.metrics["Events"]) == raw_events(ordinary)
    assert "version 1" in dashboard.said("caption")

    publish(EVENTS, BARS)
    dashboard.at.run()
    assert dashboard.frame("Severity", "Rows")["Rows"].sum() == raw_events(ordinary)
    assert "version 2" in dashboard.said("caption")


def test_a_widget_that_cannot_be_drawn_hurts_no_other(dashboard: Any, ordinary: Any) -> None:
    publish(WidgetConfig("x", "pie", "A pie", "adverse_events"), EVENTS)
    dashboard.connect(ordinary).open("study_report.py")
    assert "This widget cannot be drawn: type: 'pie' is no widget" in dashboard.said("warning")
    assert "Events" in dashboard.metrics


def test_protected_values_are_masked(dashboard: Any, ordinary: Any) -> None:
    table = WidgetConfig("t", "table", "Births", "subject_level", "subject_key", "birth_date")
    publish(table, phi_fields=["DM.BRTHDAT"])
    dashboard.connect(ordinary).open("study_report.py")
    births = dashboard.frame("Subject", "Birth date")["Birth date"].dropna()
    assert set(births) == {"***"}
    assert "stands for values that are protected" in dashboard.said("caption")
