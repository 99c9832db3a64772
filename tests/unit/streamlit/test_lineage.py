"""Data Lineage: back from a value, forward from a record; nothing protected, nothing blinded."""

from __future__ import annotations

from typing import Any

import pytest

from imednet import ImednetSDK
from imednet.models import MappingRule, StudyConfiguration
from imednet_workflows.config_store import ConfigStore

RULES = [
    MappingRule("AE", "term", "AE", "AETERM"),
    MappingRule("AE", "severity", "AE", "AESEV"),
    MappingRule("DM", "birth_date", "DM", "BRTHDAT"),
    MappingRule("DM", "arm", "DM", "ARM"),
]
TERMS = {"adverse_events.severity": {"Mild": "MILD"}}


@pytest.fixture
def published() -> Any:
    def publish(**options: Any) -> None:
        store = ConfigStore()
        config = StudyConfiguration(
            study_key="DEMO",
            mappings=RULES,
            terminology_lookups=TERMS,
            phi_fields=["DM.BRTHDAT"],
            **options,
        )
        store.publish("DEMO", store.commit(config, who="A. Berg").version, who="A. Berg")

    return publish


def first(simulator: Any, form: str) -> Any:
    with ImednetSDK(simulator.api_key, simulator.security_key, simulator.url) as sdk:
        rows = sdk.records.list("DEMO", form_key=form)
    return next(row for row in rows if not row.deleted and row.subject_key)


def test_back_from_a_value_to_the_answer(dashboard: Any, ordinary: Any, published: Any) -> None:
    published()
    dashboard.connect(ordinary).open(
        "data_lineage.py", table="adverse_events", row="adverse_events-0"
    )

    row = first(ordinary, "AE")
    lineage = dashboard.frame("Field", "Answer in the record").set_index("Field")
    assert lineage.loc["term", "Answer in the record"] == row.record_data["aeterm"]
    assert lineage.loc["term", "Record"] == row.record_id
    assert lineage.loc["severity", "What the rule says"] == "AE.AESEV"


def test_forward_from_a_record(dashboard: Any, ordinary: Any, published: Any) -> None:
    published()
    row = first(ordinary, "AE")
    dashboard.connect(ordinary).open("data_lineage.py", record=str(row.record_id))

    forward = dashboard.frame("Table", "Value in the table")
    assert set(forward["Field"]) == {"term", "severity"}
    answers = dashboard.frame("Variable", "Question", "Answer").set_index("Variable")
    assert answers.loc["aeterm", "Answer"] == row.record_data["aeterm"]


def test_protected_fields_are_masked_and_blinded_ones_absent(
    dashboard: Any, ordinary: Any, published: Any
) -> None:
    published()
    row = first(ordinary, "DM")
    born = row.record_data["BRTHDAT"]
    assert row.record_data["ARM"]
    dashboard.connect(ordinary)
    dashboard.open(
        "data_lineage.py", table="subject_level", row="subject_level-0", record=str(row.record_id)
    )

    assert "BRTHDAT" in dashboard.text
    assert born not in dashboard.text
    assert "ARM" not in dashboard.text
    assert "Arm" not in dashboard.frame("Subject", "Birth date")


def test_blinded_ones_show_where_the_configuration_allows_them(
    dashboard: Any, ordinary: Any, published: Any
) -> None:
    published(allow_blinded=True)
    row = first(ordinary, "DM")
    dashboard.connect(ordinary).open("data_lineage.py", record=str(row.record_id))
    answers = dashboard.frame("Variable", "Question", "Answer").set_index("Variable")
    assert answers.loc["ARM", "Answer"] == row.record_data["ARM"]


@pytest.mark.parametrize("record", ["999999", "x", "0"])
def test_a_record_that_is_not_there(
    dashboard: Any, ordinary: Any, published: Any, record: str
) -> None:
    published()
    dashboard.connect(ordinary).open("data_lineage.py", record=record)
    assert not dashboard.at.exception
    said = dashboard.said("info") + dashboard.said("caption")
    assert ("no such record" if record == "999999" else "Give a record's number") in said


def test_without_anything_published_it_says_where_to_begin(dashboard: Any, ordinary: Any) -> None:
    dashboard.connect(ordinary).open("data_lineage.py")
    assert "No configuration of this study is published yet" in dashboard.said("info")


def test_a_row_of_another_table_is_not_chosen(
    dashboard: Any, ordinary: Any, published: Any
) -> None:
    published()
    dashboard.connect(ordinary)
    dashboard.open("data_lineage.py", table="subject_level", row="adverse_events-0")
    assert "Choose a row of the table" in dashboard.said("caption")


@pytest.mark.parametrize("name", ["site", "subject", "form", "form_name"])
def test_a_field_called_like_a_column_breaks_no_page(
    dashboard: Any, ordinary: Any, name: str
) -> None:
    rules = [MappingRule("AE", "term", "AE", "AETERM"), MappingRule("AE", name, "AE", "AESEV")]
    store = ConfigStore()
    store.commit(StudyConfiguration(study_key="DEMO", mappings=rules), who="A. Berg")
    store.publish("DEMO", 1, who="A. Berg")
    dashboard.connect(ordinary).open("data_lineage.py", row="adverse_events-0")
    assert not dashboard.at.exception
