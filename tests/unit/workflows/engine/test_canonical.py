"""From records to canonical tables: rules, fallbacks, expressions, terms, and what fails."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.errors import ConfigurationError
from imednet.models import MappingRule, Record, StudyConfiguration, Subject, Variable, Visit
from imednet_workflows.canonical import MASK, CanonicalStudy, canonicalise
from imednet_workflows.canonical.values import converted

M = MappingRule
VARIABLES = [
    *(Variable(form_key="AE", variable_name=n) for n in ("AETERM", "AESEV", "AESER", "AEEND")),
    *(Variable(form_key="DM", variable_name=n) for n in ("SEX", "AGE", "BRTHDAT")),
    Variable(form_key="DM", variable_name="ARM", blinded=True),
    Variable(form_key="VS", variable_name="WEIGHT"),
]
EVENT_KEYS = [
    *("study_key", "site_id", "site_name", "subject_id", "subject_key"),
    *("record_id", "form_key", "interval_id", "visit_id"),
]


def ae(number: int = 1, *, subject: int = 1, deleted: bool = False, **answers: Any) -> Record:
    return Record(
        record_id=number,
        form_key="AE",
        subject_id=subject,
        subject_key=f"S-{subject}",
        deleted=deleted,
        record_data=answers,
    )


def made(*rules: MappingRule, records: Any = (), **options: Any) -> CanonicalStudy:
    fields = {name: options.pop(name) for name in ("phi_fields",) if name in options}
    lists = options.pop("lookups", {})
    config = StudyConfiguration(mappings=list(rules), terminology_lookups=lists, **fields)
    return canonicalise(config, iter(records), VARIABLES, **options)


def values(found: CanonicalStudy, target: str = "x", table: str = "adverse_events") -> list[Any]:
    return [None if pd.isna(value) else value for value in found.tables[table][target]]


def told(found: CanonicalStudy) -> list[tuple[Any, ...]]:
    columns = ["rule", "kind", "message", "records", "record_id"]
    rows = found.problems[columns].astype(object)
    return [tuple(None if pd.isna(v) else v for v in row) for row in rows.to_numpy()]


@pytest.mark.parametrize(
    ("rule", "answer", "value", "steps"),
    [
        (M("AE", "x", "AE", "AETERM"), "Cough", "Cough", "answer"),
        (M("ae", "x", "ae", "aeterm"), " Cough ", "Cough", "answer"),
        (M("AE", "x", "AE", "AETERM", "none"), "", "none", "fallback"),
        (M("AE", "x", "AE", "AETERM", "none"), "  ", "none", "fallback"),
        (M("AE", "x", "AE", "AETERM", "none"), None, "none", "fallback"),
        (M("AE", "x", None, None, "always"), "Cough", "always", "fallback"),
        (M("AE", "x", "AE", "AETERM", None, "value + '!'"), "Cough", "Cough!", "answer > logic"),
        (M("AE", "x", "AE", "AETERM", "none", "value + '!'"), "", "none", "fallback"),
        (M("AE", "x", "AE", "AETERM", None, "value == null"), "", True, "answer > logic"),
        (M("AE", "x", "AE", None, None, "answers.AETERM"), "Cough", "Cough", "logic"),
        (M("AE", "x", "AE", None, "none", "answers.AESEV"), "Cough", "none", "fallback"),
        (M("AE", "x", "AE", "AETERM"), ["a", "b"], '["a", "b"]', "answer"),
        (M("AE", "x", "AE", "AETERM"), True, "true", "answer"),
        (M("AE", "x", "AE", "AETERM"), 0, "0", "answer"),
    ],
    ids=[
        "answer",
        "case",
        "fallback",
        "blank",
        "null",
        "constant",
        "logic",
        "fallback past logic",
        "logic on null",
        "no variable",
        "no variable, null",
        "list",
        "flag",
        "zero",
    ],
)
def test_a_rule_gives_a_value(rule: MappingRule, answer: Any, value: Any, steps: str) -> None:
    form = M("AE", "form", "AE", "AESEV")  # what makes the rows of a rule without a form
    found = made(rule, form, records=[ae(aeterm=answer)])
    assert values(found) == [value]
    lineage = found.trace_back("AE", 0, "x")
    assert lineage["steps"].tolist() == [steps]
    assert told(found) == []


def test_a_value_that_is_none_has_no_lineage() -> None:
    found = made(M("AE", "x", "AE", "AETERM"), records=[ae(aeterm="")])
    assert values(found) == [None]
    assert found.lineage.empty


def test_event_tables_have_a_row_a_live_record() -> None:
    gone = Subject(subject_id=2, deleted=True)
    records = [ae(1, aeterm="a"), ae(2, deleted=True, aeterm="b"), ae(3, subject=2, aeterm="c")]
    records += [Record(record_id=4, form_key="DM", record_data={"AETERM": "d"})]
    records += [Record(record_id=5, form_key="AE", record_data=None)]
    found = made(M("AE", "x", "AE", "AETERM"), records=records, subjects=[gone])
    table = found.tables["adverse_events"]
    assert table.columns.tolist() == [*EVENT_KEYS, "x"]
    assert table["record_id"].tolist() == [1, 5]


def test_rows_know_their_site() -> None:
    at_site = Subject(subject_id=1, subject_key="S-1", site_id=3, site_name="Northfield")
    record = Record(record_id=1, form_key="AE", site_id=3, subject_id=1, record_data={})
    found = made(M("AE", "x", "AE", "AETERM"), records=[record], subjects=[at_site])
    assert values(found, "site_name") == ["Northfield"]


def test_rules_of_one_field_fill_in_for_each_other() -> None:
    rules = [
        M("AE", "x", "AE", "AETERM"),
        M("AE", "x", "AE", "AESEV"),
        M("AE", "x", "VS", "WEIGHT"),
    ]
    records = [ae(1, aeterm="t", aesev="s"), ae(2, aesev="s"), ae(3)]
    records.append(Record(record_id=4, form_key="VS", record_data={"WEIGHT": "70"}))
    found = made(*rules, records=records)
    assert values(found) == ["t", "s", None, "70"]
    assert found.lineage["rule"].tolist() == [0, 1, 2]


def test_a_table_of_the_studys_own() -> None:
    found = made(
        M("Weights", "x", "VS", "WEIGHT"),
        records=[Record(record_id=4, form_key="VS", record_data={"WEIGHT": "70"})],
    )
    assert values(found, table="weights") == ["70"]
    assert set(found.tables) == {
        *("adverse_events", "protocol_deviations", "subject_level", "weights")
    }


@pytest.mark.parametrize(
    ("raw", "expected", "problems"),
    [
        ("Mild", "MILD", []),
        (" mild ", "MILD", []),
        ("MILD", "MILD", []),
        ("Awful", "Awful", [(0, "terminology", "'Awful' is not in the list severity", 1, 1)]),
        ("", None, []),
    ],
    ids=["listed", "case", "standard", "unknown", "empty"],
)
@pytest.mark.parametrize("name", ["severity", "adverse_events.severity", "AESEV"])
def test_terminology(name: str, raw: str, expected: str | None, problems: list[Any]) -> None:
    rule = M("AE", "severity", "AE", "AESEV")
    found = made(rule, records=[ae(aesev=raw)], lookups={name: {"Mild ": "MILD"}})
    assert values(found, "severity") == [expected]
    renamed = [(*p[:2], p[2].replace("severity", name), *p[3:]) for p in problems]
    assert told(found) == renamed


def test_a_bad_expression_stops_nothing_else() -> None:
    rules = [
        M("AE", "x", "AE", "AETERM", None, "value =="),
        M("AE", "y", "AE", "AESEV", None, "int(value)"),
        M("AE", "z", "AE", "AETERM"),
    ]
    records = [ae(1, aeterm="a", aesev="1"), ae(2, aeterm="b", aesev="?"), ae(3, aeterm="c")]
    found = made(*rules, records=records)
    assert values(found, "x") == [None, None, None]
    assert values(found, "y") == [1, None, None]
    assert values(found, "z") == ["a", "b", "c"]
    first, second = found.problems.to_dict("records")
    assert (first["rule"], first["domain"], first["target_field"]) == (0, "adverse_events", "x")
    assert (first["line"], first["column"], first["records"]) == (1, 9, 0)
    assert first["message"].startswith("Syntax error: mismatched input '<EOF>' expecting")
    assert (second["rule"], second["records"], second["record_id"]) == (1, 1, 2)
    assert second["message"] == "INVALID_ARGUMENT: cannot convert string to int"
    lost = found.trace_back("AE", 1, "y").iloc[0]
    assert (lost["raw_value"], pd.isna(lost["result"])) == ("?", True)


@pytest.mark.parametrize(
    ("rule", "kind", "message"),
    [
        (M(None, "x", "AE", "AETERM"), "incomplete", "the rule has no domain: it is left out"),
        (M("AE", None, "AE", "A"), "incomplete", "the rule has no targetField: it is left out"),
        (
            M("AE", "x", None, "AETERM"),
            "incomplete",
            "the rule names a variable and no sourceFormKey: it is left out",
        ),
        (
            M("AE", "record_id", "AE", "AETERM"),
            "incomplete",
            "record_id is a column of every table: name the field otherwise",
        ),
        (M("AE", "x", "AE", "NOPE"), "unknown variable", "AE declares no variable NOPE"),
        (M("SL", "x", "DM", "arm"), "blinded", "DM.arm is blinded: the rule is left out"),
    ],
    ids=["domain", "target", "form", "key column", "unknown", "blinded"],
)
def test_a_faulty_rule_is_told(rule: MappingRule, kind: str, message: str) -> None:
    good = M("AE", "term", "AE", "AETERM")
    found = made(rule, good, records=[ae(aeterm="Cough")])
    assert told(found) == [(0, kind, message, 0, None)]
    assert values(found, "term") == ["Cough"]


def test_problems_are_told_once_with_a_count() -> None:
    records = [ae(number, aesev=f"bad {number}") for number in range(200)]
    found = made(M("AE", "x", "AE", "AESEV", None, "{'a': 1}[value]"), records=records)
    assert len(found.problems) == 51
    assert found.problems["records"].sum() == 200
    assert "other messages, not kept apart" in set(found.problems["message"])


@pytest.mark.parametrize(
    ("rule", "kind", "expected"),
    [
        (M("SL", "age", "DM", "AGE"), "Int64", [7]),
        (M("SL", "weight", "DM", "AGE"), "Float64", [7.0]),
        (M("SL", "sex", "DM", "AGE"), "string", ["7"]),
        (M("SL", "x", "DM", "AGE"), "string", ["7"]),
        (M("SL", "x", "DM", "AGE", None, "int(value)"), "Int64", [7]),
        (M("SL", "x", "DM", "AGE", None, "double(value)"), "Float64", [7.0]),
        (M("SL", "x", "DM", "AGE", None, "value == '7'"), "boolean", [True]),
        (M("SL", "x", "DM", "AGE", "none", "int(value)"), "string", ["7"]),
    ],
    ids=["integer", "number", "text", "own", "int", "double", "bool", "fallback"],
)
def test_columns_have_types_whatever_the_data(
    rule: MappingRule, kind: str, expected: list[Any]
) -> None:
    record = Record(record_id=1, form_key="DM", subject_id=1, record_data={"AGE": "7"})
    for records, wanted in (([record], expected), ([], [])):
        table = made(rule, records=records).tables["subject_level"]
        assert str(table.dtypes.iloc[-1]) == kind
        assert table.iloc[:, -1].tolist() == wanted


def test_a_value_of_another_type_is_lost_and_told() -> None:
    record = Record(record_id=1, form_key="DM", subject_id=1, record_data={"AGE": "about 7"})
    found = made(M("SL", "age", "DM", "AGE"), records=[record])
    assert values(found, "age", "subject_level") == [None]
    assert told(found) == [(0, "type", "'about 7' is no whole number", 1, 1)]
    check = found.checks.query("target_field == 'age' and check == 'type'").iloc[0]
    assert (check["rows"], check["failed"], check["message"]) == (1, 1, "age is no integer")


DAYS = {1: date(2026, 1, 5), 2: date(2026, 1, 10), 3: date(2026, 2, 1), 4: None}
VISITS = [Visit(visit_id=number, visit_date=day) for number, day in DAYS.items()]


def weight(number: int, value: str | None, visit: int | None, made_on: int = 1) -> Record:
    return Record(
        record_id=number,
        form_key="VS",
        subject_id=1,
        subject_key="S-1",
        visit_id=visit,
        date_created=datetime(2026, 3, made_on, tzinfo=UTC),
        record_data={"WEIGHT": value},
    )


ENROLLED = Subject(
    subject_id=1, subject_key="S-1", enrollment_start_date=datetime(2026, 1, 10, 9, tzinfo=UTC)
)


@pytest.mark.parametrize(
    ("records", "enrolled", "baseline", "latest"),
    [
        ([weight(1, "70", 1), weight(2, "71", 2), weight(3, "72", 3)], True, "71", "72"),
        ([weight(3, "72", 3), weight(2, "71", 2), weight(1, "70", 1)], True, "71", "72"),
        ([weight(1, "70", 1), weight(2, "", 2), weight(3, "72", 3)], True, "70", "72"),
        ([weight(3, "72", 3)], True, "72", "72"),
        ([weight(1, "70", 1), weight(3, "72", 3)], False, "70", "72"),
        ([weight(1, "70", None, 2), weight(2, "71", 4, 1)], False, "71", "70"),
        ([weight(5, "70", 2), weight(6, "71", 2)], True, "71", "71"),
        ([], True, None, None),
    ],
    ids=["last before", "any order", "empty", "none before", "no day", "entry", "tie", "nothing"],
)
def test_a_subjects_baseline(
    records: list[Record], enrolled: bool, baseline: str | None, latest: str | None
) -> None:
    subject = ENROLLED if enrolled else Subject(subject_id=1, subject_key="S-1")
    rules = [
        M("SL", "first", "VS", "WEIGHT", is_baseline=True),
        M("SL", "last", "VS", "WEIGHT"),
        M("AE", "weight", "VS", "WEIGHT", is_baseline=True),
        M("AE", "x", "AE", "AETERM"),
    ]
    events = [ae(50, aeterm="a"), ae(51, aeterm="b")]
    found = made(*rules, records=[*records, *events], subjects=[subject], visits=VISITS)
    table = found.tables["subject_level"]
    assert table["subject_key"].tolist() == ["S-1"]
    assert values(found, "first", "subject_level") == [baseline]
    assert values(found, "last", "subject_level") == [latest]
    assert values(found, "weight") == [baseline, baseline]


def test_subject_level_has_one_row_a_live_subject() -> None:
    subjects = [Subject(subject_id=n, subject_key=f"S-{n}", deleted=n == 2) for n in (1, 2)]
    records = [
        Record(record_id=n, form_key="DM", subject_id=n, subject_key=f"S-{n}", record_data={})
        for n in (3, 2, 1)
    ]
    found = made(M("SL", "sex", "DM", "SEX", "U"), records=records, subjects=subjects)
    table = found.tables["subject_level"]
    assert table.columns.tolist() == [*EVENT_KEYS[:5], "sex"]
    assert table[["subject_key", "sex"]].values.tolist() == [["S-1", "U"], ["S-3", "U"]]


def secret(**options: Any) -> CanonicalStudy:
    answers = {"BRTHDAT": "1980-05-01", "AGE": "45", "SEX": "M", "ARM": "B-SECRET"}
    record = Record(record_id=1, form_key="DM", subject_id=1, record_data=answers)
    rules = [
        M("SL", "birth_date", "DM", "BRTHDAT"),
        M("SL", "born", "DM", None, None, "answers.brthdat.substring(0, 4)"),
        M("SL", "all", "DM", None, None, "answers.map(k, answers[k])"),
        M("SL", "made", "DM", None, None, "answers['BRTH' + 'DAT']"),
        M("SL", "age", "DM", "AGE"),
        M("SL", "sex", "DM", "SEX"),
        M("SL", "arm", "DM", "ARM"),
        M("SL", "peek", "DM", None, None, "answers['arm']"),
        M("SL", "bad", "DM", "BRTHDAT", None, "{'a': 1}[value]"),
        M("SL", "coded", "DM", "BRTHDAT"),
    ]
    phi = options.pop("phi_fields", ["brthdat", "subject_level.age"])
    lookups = {"coded": {"x": "X"}}
    return made(*rules, records=[record], phi_fields=phi, lookups=lookups, **options)


def everything(found: CanonicalStudy) -> str:
    frames = [*found.tables.values(), found.lineage, found.problems, found.checks, found.failures]
    return " ".join(str(frame.to_dict()) for frame in frames)


def test_protected_values_are_masked_everywhere() -> None:
    found = secret()
    row = found.tables["subject_level"].iloc[0]
    masked = ("birth_date", "born", "all", "made", "age", "coded")
    assert [row[name] for name in masked] == [MASK] * 6
    assert row["sex"] == "M"
    assert "1980" not in everything(found)
    assert "'45'" not in everything(found)
    origin = found.trace_back("SL", 0, "birth_date").iloc[0]
    assert (origin["raw_value"], origin["result"], bool(origin["masked"])) == (MASK, MASK, True)
    messages = dict(zip(found.problems["rule"], found.problems["message"], strict=True))
    assert messages[8] == "the expression failed"
    assert messages[9] == "a value is not in the list coded"


def test_protected_values_show_unmasked_where_asked() -> None:
    row = secret(mask=False).tables["subject_level"].iloc[0]
    assert (row["birth_date"], row["born"], row["age"]) == ("1980-05-01", "1980", 45)


@pytest.mark.parametrize(
    "phi", [["BRTHDAT"], ["dm.brthdat"], ["birth_date"], ["SUBJECT_LEVEL.birth_date"]], ids=str
)
def test_a_field_can_be_protected_by_either_name(phi: list[str]) -> None:
    found = secret(phi_fields=phi)
    assert found.tables["subject_level"]["birth_date"].tolist() == [MASK]


def test_checks_see_what_is_masked() -> None:
    rows = secret().checks.to_dict("records")
    checks = {(row["target_field"], row["check"]): row for row in rows}
    assert checks["birth_date", "type"]["failed"] == 0
    assert checks["age", "required"]["share"] == 1.0


def test_blinded_answers_come_nowhere() -> None:
    found = secret(mask=False, phi_fields=[])
    assert "arm" not in found.tables["subject_level"].columns
    assert "B-SECRET" not in everything(found)
    assert (7, "logic", 'NOT_FOUND: Key not found in map : "arm"', 1, 1) in told(found)
    shown = secret(mask=False, phi_fields=[], allow_blinded=True)
    row = shown.tables["subject_level"].iloc[0]
    assert (row["arm"], row["peek"]) == ("B-SECRET", "B-SECRET")


@pytest.mark.parametrize(
    ("configured", "asked", "shown"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
    ids=["neither", "configured", "asked not to", "asked to"],
)
def test_the_configuration_may_allow_what_is_blinded(
    configured: bool, asked: bool | None, shown: bool
) -> None:
    variables = [Variable(form_key="DM", variable_name="ARM", blinded=True)]
    rules = [MappingRule("DM", "arm", "DM", "ARM")]
    config = StudyConfiguration(mappings=rules, allow_blinded=configured)
    record = Record(record_id=1, subject_key="1", form_key="DM", record_data={"ARM": "B"})
    found = canonicalise(config, [record], variables, allow_blinded=asked)
    assert ("arm" in found.tables["subject_level"].columns) is shown


@pytest.mark.parametrize("allowed", [False, True])
def test_a_record_is_joined_to_its_form_by_id(allowed: bool) -> None:
    variables = [Variable(form_id=4, form_key="AE", variable_name="AETERM", blinded=False)]
    config = StudyConfiguration(mappings=[M("AE", "x", "AE", "AETERM")])
    record = Record(record_id=1, form_id=4, record_data={"AETERM": "Cough"})
    assert values(canonicalise(config, [record], variables, allow_blinded=allowed)) == ["Cough"]


def test_an_expression_sees_the_record_by_its_names_in_the_api() -> None:
    rules = [
        M("AE", "x", "AE", None, None, "string(record.recordId) + ' ' + record.subjectKey"),
        M("AE", "y", "AE", None, None, "timestamp(record.dateCreated).getFullYear()"),
        M("AE", "z", "AE", None, None, "record.siteId == null && !has(record.recordData)"),
    ]
    record = ae(5)
    record.date_created = datetime(2026, 3, 2, tzinfo=UTC)
    found = made(*rules, records=[record])
    assert [values(found, name) for name in "xyz"] == [["5 S-1"], [2026], [True]]


def test_an_expression_sees_answers_by_any_name() -> None:
    names = ("AETERM", "aeterm", "AeTerm")
    rules = [M("AE", f"x{n}", "AE", None, None, f"answers.{n}") for n in names]
    found = made(
        *rules,
        M("AE", "y", "AE", None, None, "answers.AESEV == null"),
        records=[ae(AeTerm="Cough")],
    )
    assert [values(found, f"x{n}") for n in names] == [["Cough"]] * 3
    assert values(found, "y") == [True]


def test_a_value_is_traced_back_and_a_record_forward() -> None:
    rules = [
        M("AE", "term", "AE", "AETERM", None, "value.upperAscii()"),
        M("AE", "severity", "AE", "AESEV"),
        M("AE", "age", "DM", "AGE", is_baseline=True),
    ]
    person = Record(
        record_id=9, form_key="DM", subject_id=1, subject_key="S-1", record_data={"AGE": "45"}
    )
    found = made(
        *rules,
        records=[ae(4, AETERM="rash", AESEV="bad"), person],
        lookups={"AESEV": {"Bad": "SEVERE"}},
    )
    back = found.trace_back("AE", 0).drop(columns=["row", "domain", "masked"])
    assert back.values.tolist() == [
        ["S-1", "term", 4, "AE", "AETERM", 0, "rash", "RASH", "answer > logic"],
        ["S-1", "severity", 4, "AE", "AESEV", 1, "bad", "SEVERE", "answer > lookup"],
        ["S-1", "age", 9, "DM", "AGE", 2, "45", "45", "answer"],
    ]
    forward = found.trace_forward(9)
    assert forward[["domain", "row", "target_field"]].values.tolist() == [
        ["adverse_events", 0, "age"]
    ]


def test_frames_are_the_same_without_anything() -> None:
    empty, full = (
        made(),
        made(M("AE", "x", "AE", "AETERM", None, "value +"), records=[ae(aeterm="a")]),
    )
    for name in ("lineage", "problems", "checks", "failures"):
        assert getattr(empty, name).dtypes.to_dict() == getattr(full, name).dtypes.to_dict()
    assert list(empty.tables) == ["adverse_events", "protocol_deviations", "subject_level"]


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="reportingProfile: 'x' is not known"):
        made(profile="x")


answers = st.none() | st.text(max_size=6) | st.integers() | st.booleans() | st.lists(st.text())


@given(answers_given=st.lists(answers, max_size=8))
def test_each_value_has_a_lineage_that_agrees(answers_given: list[Any]) -> None:
    records = [ae(number, AETERM=answer) for number, answer in enumerate(answers_given)]
    found = made(M("AE", "x", "AE", "AETERM"), records=records)
    table, lineage = found.tables["adverse_events"], found.lineage
    assert len(table) == len(records)
    shown = {n: v for n, v in enumerate(table["x"]) if not pd.isna(v)}
    assert dict(zip(lineage["row"], lineage["result"], strict=True)) == shown
    assert (lineage["row"] == lineage["record_id"]).all()


@given(
    value=answers | st.floats(), column=st.sampled_from(["Int64", "Float64", "boolean", "string"])
)
def test_a_converted_value_fits_its_column(value: Any, column: str) -> None:
    typed, lost = converted(value, column)
    assert len(pd.Series([typed], dtype=column)) == 1
    assert not (lost and typed is not None)
