"""Suggested mappings: by name, label, form and content."""

from __future__ import annotations

from typing import Any

import pytest

from imednet.models import Form, MappingRule, Record, StudyConfiguration, Variable
from imednet_workflows.canonical import canonicalise, suggest_mappings, suggest_terms
from imednet_workflows.profiling import profile


def suggested(variables: list[Variable], answers: dict[str, Any], **options: Any) -> Any:
    form = Form(form_key="AE", form_name="Adverse Event")
    records = [Record(form_key="AE", record_data=answers)] * 4
    return suggest_mappings(profile(records, [form], variables), **options)


def variable(name: str, label: str | None = None, **fields: Any) -> Variable:
    return Variable(form_key="AE", variable_name=name, label=label, **fields)


@pytest.mark.parametrize(
    ("name", "label", "answer", "target", "score", "reason"),
    [
        (
            *("AESER", "Serious", "Yes", "serious", 1.0),
            "usual name; label says serious; form AE; values fit",
        ),
        (
            *("AESER", "Serious", "Perhaps", "serious", 0.55),
            "usual name; label says serious; form AE; values do not fit",
        ),
        (
            *("Q1", "Date of onset", "2026-01-05", "start_date", 0.55),
            "label says onset; form AE; content is date",
        ),
        (
            *("AESTDAT2", None, "2026-01-05", "start_date", 0.6),
            "name like a usual one; form AE; content is date",
        ),
        (*("AETERM", None, None, "term", 0.6), "usual name; form AE; no answers yet"),
    ],
    ids=["all", "content", "label", "similar", "no answers"],
)
def test_a_candidate_has_a_score_and_a_reason(
    name: str, label: str | None, answer: Any, target: str, score: float, reason: str
) -> None:
    found = suggested([variable(name, label)], {name: answer})
    row = found[found["target_field"] == target].iloc[0]
    assert (row["domain"], row["form_key"], row["variable_name"]) == ("adverse_events", "AE", name)
    assert (row["score"], row["reason"]) == (score, reason)


def test_what_does_not_fit_is_not_suggested() -> None:
    assert suggested([variable("ZZ", "Shoe size")], {"ZZ": "44"}).empty
    assert suggested([variable("Q1", "Start date")], {"Q1": "blue"}).empty
    assert suggested([variable("AESER", "Serious", disabled=True)], {"AESER": "Yes"}).empty
    assert suggested([variable("AESER", "Serious", blinded=True)], {"AESER": "Yes"}).empty


def test_the_best_comes_first_and_few_are_kept() -> None:
    several = [variable("AETERM", "Term"), variable("X", "Term"), variable("TERM", None)]
    answers = {"AETERM": "a", "X": "b", "TERM": "c"}
    found = suggested(several, answers, per_field=2)
    terms = found[(found["domain"] == "adverse_events") & (found["target_field"] == "term")]
    assert terms["variable_name"].tolist() == ["AETERM", "TERM"]
    assert suggested(several, answers, minimum=0.8)["variable_name"].tolist() == ["AETERM"]


def test_no_candidates_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^per_field: 0 is below 1: give how many"):
        suggested([], {}, per_field=0)


def test_columns_are_the_same_without_anything() -> None:
    full = suggested([variable("AETERM", "Term")], {"AETERM": "a"})
    assert suggested([], {}).dtypes.to_dict() == full.dtypes.to_dict()


@pytest.mark.parametrize("kind", ["general", "drug", "device"])
def test_the_demo_study_is_mapped_by_its_suggestions(demo: Any, kind: str) -> None:
    profiled = profile(demo.records, demo.forms, demo.variables)
    best = suggest_mappings(profiled, kind, per_field=1)
    chosen = {
        (row["domain"], row["target_field"]): row["variable_name"]
        for row in best.to_dict("records")
    }
    expected = {
        ("adverse_events", "term"): "AETERM",
        ("adverse_events", "start_date"): "AESTDAT",
        ("adverse_events", "serious"): "AESER",
        ("adverse_events", "severity"): "AESEV",
        ("protocol_deviations", "date"): "DVDAT",
        ("protocol_deviations", "severity"): "DVSEV",
        ("subject_level", "informed_consent_date"): "RFICDAT",
        ("subject_level", "sex"): "SEX",
        ("subject_level", "age"): "AGE",
        ("subject_level", "end_reason"): "DSREAS",
    }
    if kind == "device":
        expected["device_deficiencies", "could_cause_serious_event"] = "DDSADE"
    assert {key: chosen[key] for key in expected} == expected
    rules = [
        MappingRule(row["domain"], row["target_field"], row["form_key"], row["variable_name"])
        for row in best.to_dict("records")
    ]
    config = StudyConfiguration(study_key=demo.study_key, mappings=rules, reporting_profile=kind)
    found = canonicalise(config, demo.records, demo.variables, subjects=demo.subjects)
    assert found.problems.empty
    live = [subject for subject in demo.subjects if not subject.deleted]
    assert len(found.tables["subject_level"]) == len(live)
    assert found.readiness > 60


@pytest.mark.parametrize(
    ("allowed", "values", "found"),
    [
        (("Y", "N"), ["Yes", "no", "1", "perhaps"], {"Yes": "Y", "no": "N", "1": "Y"}),
        (("MILD", "SEVERE"), ["mild", " Severe ", "2"], {"mild": "MILD", " Severe ": "SEVERE"}),
        (("M", "F", "U"), ["Male", "Female", "x"], {"Male": "M", "Female": "F"}),
        ((), ["Male"], {}),
    ],
    ids=["yes and no", "words", "letters", "anything allowed"],
)
def test_terms_are_suggested_where_they_are_plain(
    allowed: tuple[str, ...], values: list[str], found: dict[str, str]
) -> None:
    assert suggest_terms(allowed, values) == found
