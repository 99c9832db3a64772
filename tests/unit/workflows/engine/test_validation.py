"""Standards checks and the readiness score."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from imednet.models import MappingRule, Record, StudyConfiguration, Variable
from imednet_workflows.canonical import CanonicalStudy, canonicalise
from imednet_workflows.canonical.validation import readiness
from imednet_workflows.standards import profile_named

FIELDS = ("term", "start_date", "serious", "severity")
VARIABLES = [Variable(form_key="AE", variable_name=name) for name in FIELDS]


def made(*rows: dict[str, Any], fields: tuple[str, ...] = FIELDS, **options: Any) -> CanonicalStudy:
    config = StudyConfiguration(mappings=[MappingRule("AE", name, "AE", name) for name in fields])
    records = [
        Record(record_id=n, form_key="AE", site_id=3, subject_key="S-1", record_data=row)
        for n, row in enumerate(rows)
    ]
    return canonicalise(config, records, VARIABLES, **options)


GOOD = {"term": "Cough", "start_date": "2026-UN-UN", "serious": "N", "severity": "MILD"}


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, []),
        ({"term": ""}, [("term", "required", "term is empty")]),
        ({"serious": "Yes"}, [("serious", "allowed", "serious is none of Y, N")]),
        (
            {"severity": "mild"},
            [("severity", "allowed", "severity is none of MILD, MODERATE, SEVERE")],
        ),
        ({"start_date": "soon"}, [("start_date", "type", "start_date is no date")]),
        ({"start_date": "2026-03-02 10:00"}, []),
        (
            {"serious": None, "term": " "},
            [("term", "required", "term is empty"), ("serious", "required", "serious is empty")],
        ),
    ],
    ids=["good", "empty", "allowed", "case", "date", "moment", "two"],
)
def test_rows_are_checked(changes: dict[str, Any], failed: list[Any]) -> None:
    found = made(GOOD, {**GOOD, **changes})
    columns = ["target_field", "check", "message"]
    assert [tuple(row) for row in found.failures[columns].values] == failed
    assert set(found.failures["record_id"]) <= {1}
    assert set(found.failures["subject_key"]) <= {"S-1"}
    assert set(found.failures["site_id"]) <= {3}


def check(found: CanonicalStudy, field: str, kind: str) -> dict[str, Any]:
    rows = found.checks.query(f"target_field == '{field}' and check == '{kind}'")
    return dict(rows.astype(object).iloc[0])


def test_a_check_tells_its_share() -> None:
    found = made(GOOD, {**GOOD, "severity": "BAD"}, {**GOOD, "severity": ""})
    allowed, required = check(found, "severity", "allowed"), check(found, "severity", "required")
    assert (allowed["rows"], allowed["failed"], allowed["share"]) == (2, 1, 0.5)
    assert (required["rows"], required["failed"]) == (3, 1)
    assert required["share"] == pytest.approx(2 / 3)


def test_a_field_without_a_rule_counts_as_failed() -> None:
    found = made(GOOD, fields=("term",))
    told = check(found, "severity", "required")
    assert (told["mapped"], told["rows"], told["share"]) == (False, 0, 0.0)
    assert told["message"] == "no rule fills it"
    assert found.failures.empty


def test_recommendations_fail_no_row() -> None:
    found = made(GOOD)
    assert set(found.checks["check"]) == {"required", "recommended", "allowed", "type"}
    assert found.failures.empty


def test_the_score_is_the_weighted_share() -> None:
    checks = pd.DataFrame(
        {"check": ["required", "allowed", "type", "recommended"], "share": [1.0, 0.5, 1.0, 0.0]}
    )
    assert readiness(checks) == 75.0  # (3 + 1 + 2 + 0) of 8
    assert readiness(checks.iloc[:0]) == 100.0
    assert readiness(checks[checks["check"] == "required"]) == 100.0


@pytest.mark.parametrize("profile", ["general", "drug", "device"])
def test_a_whole_mapping_is_ready_before_any_record(profile: str) -> None:
    rules = [
        MappingRule(table.name, field.name, "F", field.name)
        for table in profile_named(profile).tables
        for field in table.fields
    ]
    config = StudyConfiguration(mappings=rules, reporting_profile=profile)
    assert canonicalise(config, [], []).readiness == 100.0
    assert canonicalise(StudyConfiguration(), [], [], profile=profile).readiness == 0.0


def test_the_score_rises_with_what_passes() -> None:
    scores = [made({**GOOD, "severity": word}).readiness for word in ("", "BAD", "MILD")]
    assert scores == sorted(scores)
    assert 0 < scores[0] < scores[2] < 100
