"""Which answers of a record may be shown, and which are masked."""

from __future__ import annotations

from typing import Any

import pytest

from imednet.models import MappingRule, Record, StudyConfiguration, Variable
from imednet_workflows.canonical import canonicalise
from imednet_workflows.protection import Answer, Protection

VARIABLES = [
    Variable(form_id=4, form_key="DM", variable_name="BRTHDAT", label="Date of birth"),
    Variable(form_id=4, form_key="DM", variable_name="ARM", blinded=True),
    Variable(form_id=4, form_key="DM", variable_name="SEX", label="Sex"),
]
RECORD = Record(
    record_id=1,
    form_key="DM",
    record_data={"brthdat": "1950-03-02", "ARM": "B", "SEX": "F", "AGE": 70, "NOTE": " "},
)
RULES = [MappingRule("DM", "birth_date", "DM", "BRTHDAT")]
ANY_FORM = [MappingRule("DM", "years", None, None, None, "int(answers.AGE)")]
LOGIC = [MappingRule("DM", "years", "DM", None, None, "int(answers.AGE)")]


@pytest.mark.parametrize(
    ("fields", "masked"),
    [
        ({}, set()),
        ({"phi_fields": ["BRTHDAT"]}, {"brthdat"}),
        ({"phi_fields": ["dm.BrthDat"]}, {"brthdat"}),
        ({"phi_fields": ["VS.BRTHDAT"]}, set()),
        ({"phi_fields": ["birth_date"], "mappings": RULES}, {"brthdat"}),
        ({"phi_fields": ["subject_level.birth_date"], "mappings": RULES}, {"brthdat"}),
        ({"phi_fields": ["adverse_events.birth_date"], "mappings": RULES}, set()),
        ({"phi_fields": ["years"], "mappings": LOGIC}, {"AGE"}),
        ({"phi_fields": ["years"], "mappings": ANY_FORM}, {"AGE"}),
    ],
    ids=[
        "none",
        "name",
        "on form",
        "other form",
        "field",
        "table",
        "other table",
        "logic",
        "any form",
    ],
)
def test_protected_answers_are_masked(fields: dict[str, Any], masked: set[str]) -> None:
    answers = Protection(StudyConfiguration(**fields), VARIABLES).answers(RECORD)
    assert [answer.variable for answer in answers] == ["brthdat", "SEX", "AGE"]
    assert {answer.variable for answer in answers if answer.value == "***"} == masked


@pytest.mark.parametrize("allowed", [False, True])
def test_blinded_answers_are_left_out_unless_allowed(allowed: bool) -> None:
    held = Protection(StudyConfiguration(allow_blinded=allowed), VARIABLES)
    assert (Answer("ARM", None, "B") in held.answers(RECORD)) is allowed
    assert held.hides("DM", "arm") is not allowed


def test_without_a_configuration_the_blinded_are_hidden() -> None:
    answers = Protection(None, VARIABLES).answers(RECORD)
    assert answers[0] == ("brthdat", "Date of birth", "1950-03-02")
    assert "B" not in [answer.value for answer in answers]


def test_a_form_known_by_number_alone() -> None:
    record = Record(record_id=1, form_id=4, record_data={"ARM": "B", "SEX": "F"})
    held = Protection(StudyConfiguration(phi_fields=["DM.SEX"]), VARIABLES)
    assert held.answers(record) == [Answer("SEX", "Sex", "***")]


def test_a_protected_variable_shows_through_no_other_field() -> None:
    rules = [MappingRule("DM", "sex", "DM", "SEX"), MappingRule("DM", "gender", "DM", "SEX")]
    config = StudyConfiguration(mappings=rules, phi_fields=["subject_level.sex"])
    one = Record(record_id=1, subject_key="1", form_key="DM", record_data={"SEX": "F"})
    found = canonicalise(config, [one], VARIABLES)
    assert found.tables["subject_level"]["gender"].tolist() == ["***"]
    assert set(found.lineage["raw_value"]) == {"***"}
