"""Records as typed frames, held against the raw rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from imednet.models import Record as RecordModel
from imednet.models import Variable, columns

FIELDS = {
    "text": "string",
    "integer": "Int64",
    "boolean": "boolean",
    "timestamp": "datetime64[us, UTC]",
}
ANSWERS = {"INTEGER": "Int64", "FLOAT": "Float64", "DATE": "datetime64[us]"}
ANSWERS["DATETIME"] = "datetime64[us]"
RECORD = {c.name: FIELDS[c.kind] for c in columns(RecordModel) if c.kind in FIELDS}


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


def questions(study: Any, *, form: str | None = None, blinded: bool = False) -> dict[str, str]:
    """The question columns that a frame should have, in order, from the raw variables."""
    found: dict[str, str] = {}
    for row in sorted(study.kept("variables"), key=lambda r: (r["formId"], r["sequence"])):
        if form in (None, row["formKey"]) and (blinded or not row["blinded"]):
            dtype = ANSWERS.get(row["variableType"], "string")
            found[row["variableName"]] = dtype
            if dtype.startswith("datetime"):
                found[row["variableName"] + "_partial"] = "string"
    return found


def cells(column: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


def read(answer: Any, dtype: str) -> Any:
    """An answer of the simulator as the frame should have it, read by hand."""
    if answer in (None, ""):
        return None
    if dtype == "Int64":
        return int(answer)
    if dtype == "Float64":
        return float(answer)
    if dtype == "datetime64[us]":
        return None if "UN" in answer else datetime.fromisoformat(answer)
    return answer


def answer(row: dict[str, Any], name: str) -> Any:
    """What a record answers to a question, whatever the case of its name."""
    return next((v for k, v in row["recordData"].items() if k.lower() == name.lower()), None)


def assert_equals_raw(
    frame: pd.DataFrame, raw: list[dict[str, Any]], names: dict[str, str]
) -> None:
    assert dtypes(frame) == RECORD | names
    assert frame["record_id"].tolist() == [row["recordId"] for row in raw]
    api = {c.name: c for c in columns(RecordModel)}
    for name in RECORD:
        expected = [row[api[name].api_name] for row in raw]
        if api[name].kind == "timestamp":
            expected = [datetime.fromisoformat(v).replace(tzinfo=UTC) for v in expected]
        assert cells(frame[name]) == expected, name
    for name, dtype in names.items():
        if name.endswith("_partial"):
            given = [answer(row, name.removesuffix("_partial")) for row in raw]
            expected = [v if v and "UN" in v else None for v in given]
        else:
            expected = [read(answer(row, name), dtype) for row in raw]
        assert cells(frame[name]) == expected, name


# --- the simulated study


FORMS = ["AE", "CM", "DD", "DM", "HE", "LB", "MON", "PK", "REG", "SV", "VS"]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_equals_its_raw_rows(study: Any, form: str) -> None:
    frame = study.flows.record_mapper.dataframe(study.key, form)
    raw = [row for row in study.kept("records") if row["formKey"] == form]
    assert bool(raw) == (form != "PK")
    assert_equals_raw(frame, raw, questions(study, form=form))
    assert frame.attrs["cast_failures"] == []


def test_all_forms_at_once_equal_their_raw_rows(study: Any) -> None:
    frame = study.flows.record_mapper.dataframe(study.key)
    assert_equals_raw(frame, study.kept("records"), questions(study))
    assert frame.attrs["cast_failures"] == []
    assert frame["AETERM"].notna().sum() > 30  # sent as `aeterm`
    assert frame["AESTDAT_partial"].notna().any()


def test_deleted_records_are_kept_with_their_flag(study: Any) -> None:
    frame = study.flows.record_mapper.dataframe(study.key)
    deleted = [row["recordId"] for row in study.kept("records") if row["deleted"]]
    assert deleted
    assert frame.loc[frame["deleted"], "record_id"].tolist() == deleted


def test_answers_that_no_variable_declares_are_counted(study: Any) -> None:
    declared = {row["variableName"].lower() for row in study.kept("variables")}
    expected: dict[str, int] = {}
    for row in study.kept("records"):
        for name in row["recordData"]:
            if name.lower() not in declared:
                expected[name] = expected.get(name, 0) + 1
    assert set(expected) == {"dateCreated", "dateModified", "unvnum"}
    frame = study.flows.record_mapper.dataframe(study.key)
    assert frame.attrs["undeclared_answers"] == expected
    assert not {"unvnum", "data.dateCreated"} & set(frame.columns)


@pytest.mark.parametrize("form", ["VS", "vs", "Vitals", "VITALS", 1004, "1004"], ids=repr)
def test_a_form_by_key_name_or_id(study: Any, form: Any) -> None:
    frame = study.flows.record_mapper.dataframe(study.key, form)
    expected = [row["recordId"] for row in study.kept("records") if row["formKey"] == "VS"]
    assert frame["record_id"].tolist() == expected


@pytest.mark.parametrize("visit", ["Week 2", "week 2", 103, "103"], ids=repr)
def test_a_visit_by_name_or_id(study: Any, visit: Any) -> None:
    frame = study.flows.record_mapper.dataframe(study.key, visit_key=visit)
    raw = [row for row in study.kept("records") if row["intervalId"] == 103]
    assert raw
    assert_equals_raw(frame, raw, questions(study))


@pytest.mark.parametrize(
    ("site", "ids"),
    [("Corvane General Hospital", {3}), (1, {1}), (["Dunmere Respiratory Centre", 5], {4, 5})],
    ids=["name", "id", "several"],
)
def test_sites_and_conditions(study: Any, site: Any, ids: set[int]) -> None:
    frame = study.flows.record_mapper.dataframe(
        study.key, "AE", site=site, record_status="Record Complete"
    )
    raw = study.kept("records")
    wanted = [r for r in raw if r["formKey"] == "AE" and r["recordStatus"] == "Record Complete"]
    expected = [row["recordId"] for row in wanted if row["siteId"] in ids]
    assert frame["record_id"].tolist() == expected


@pytest.mark.parametrize(
    "conditions",
    [{}, {"record_id": -1}, {"record_id": []}, {"deleted": True}, {"limit": 1}],
    ids=["all", "none", "nothing asked", "deleted", "one"],
)
def test_columns_do_not_depend_on_the_data(study: Any, conditions: dict[str, Any]) -> None:
    frame = study.flows.record_mapper.dataframe(study.key, **conditions)
    assert dtypes(frame) == RECORD | questions(study)
    assert set(frame.attrs) == {"cast_failures", "undeclared_answers"}


def test_blinded_questions_only_when_asked_for(study: Any) -> None:
    mapper = study.flows.record_mapper
    blinded = {row["variableName"] for row in study.kept("variables") if row["blinded"]}
    assert blinded == {"ARM", "EXKIT"}
    assert not blinded & set(mapper.dataframe(study.key).columns)
    assert_equals_raw(
        mapper.dataframe(study.key, "DM", include_blinded=True),
        [row for row in study.kept("records") if row["formKey"] == "DM"],
        questions(study, form="DM", blinded=True),
    )
    assert mapper.dataframe(study.key, variables=["arm"])["ARM"].notna().sum() > 10


def test_the_questions_wanted(study: Any) -> None:
    frame = study.flows.record_mapper.dataframe(study.key, "VS", variables=["pulse", "VSDAT"])
    assert list(frame.columns) == [*RECORD, "VSDAT", "VSDAT_partial", "PULSE"]
    assert frame.attrs["undeclared_answers"] == {}


def test_no_questions_at_all(study: Any) -> None:
    frame = study.flows.record_mapper.dataframe(study.key, "VS", variables=[])
    assert dtypes(frame) == RECORD
    assert len(frame) == sum(row["formKey"] == "VS" for row in study.kept("records"))


def test_one_question_alone(study: Any) -> None:
    frame = study.flows.record_mapper.dataframe(study.key, variables=["PULSE"])
    expected = [read(answer(row, "PULSE"), "Int64") for row in study.kept("records")]
    assert cells(frame["PULSE"]) == expected


def test_labels_as_columns(study: Any) -> None:
    frame = study.flows.record_mapper.dataframe(study.key, "VS", use_labels_as_columns=True)
    rows = [row for row in study.kept("variables") if row["formKey"] == "VS"]
    expected = [row["label"] for row in sorted(rows, key=lambda r: r["sequence"])]
    expected.insert(1, "Date of assessment_partial")
    assert list(frame.columns) == [*RECORD, *expected]


def test_labels_of_several_questions_are_followed_by_the_name(study: Any) -> None:
    frame = study.flows.record_mapper.dataframe(study.key, use_labels_as_columns=True)
    assert "Start date (AESTDAT)" in frame.columns
    assert "Start date (CMSTDAT)" in frame.columns
    assert "Start date" not in frame.columns
    assert len(set(frame.columns)) == len(RECORD) + len(questions(study))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"variables": ["PULSE", "PULS"]},
            "there is no variable 'PULS' among those asked for: did you mean 'PULSE'?",
        ),
        ({"variables": ["?"]}, "there is no variable '?' among those asked for"),
        (
            {"form_key": "AE", "variables": ["PULSE"]},
            "there is no variable 'PULSE' among those asked for",
        ),
        ({"form_key": "REGG"}, "there is no form 'REGG' in the study: did you mean 'REG'?"),
        (
            {"visit_key": "Screenng"},
            "there is no interval 'Screenng' in the study: did you mean 'Screening'?",
        ),
        (
            {"site": "Corvane"},
            "there is no site 'Corvane' in the study: there are Aldermoor University Hospital, "
            "Bexley Falls Lung Clinic, Corvane General Hospital, Dunmere Respiratory Centre, "
            "Eastholm Medical Group, Ferrisburg University Hospital",
        ),
    ],
    ids=["near", "far", "other form", "form", "visit", "site"],
)
@pytest.mark.parametrize("method", ["dataframe", "iter_dataframes"])
def test_what_the_study_lacks_is_told(
    study: Any, method: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        list(getattr(study.flows.record_mapper, method)(study.key, **arguments))
    assert str(caught.value) == said


def test_an_unknown_condition_is_a_type_error(study: Any) -> None:
    with pytest.raises(TypeError, match=r"^records have no argument 'colour'; they take "):
        study.flows.record_mapper.dataframe(study.key, colour="red")


def test_progress_is_told(study: Any) -> None:
    told: list[tuple[int, int]] = []
    study.flows.record_mapper.dataframe(study.key, on_progress=lambda *n: told.append(n))
    total = len(study.kept("records"))
    assert told == [(min(rows, total), total) for rows in range(500, total + 500, 500)]


# --- in batches


@pytest.mark.parametrize("size", [1, 7, 187, 188, 10_000])
def test_batches_are_the_frame_in_pieces(study: Any, size: int) -> None:
    mapper = study.flows.record_mapper
    whole = mapper.dataframe(study.key, "VS", variables=["PULSE", "VSDAT", "TEMP", "VSTIM"])
    parts = list(
        mapper.iter_dataframes(
            study.key, "VS", variables=["PULSE", "VSDAT", "TEMP", "VSTIM"], batch_size=size
        )
    )
    assert len(whole) == 187
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
    assert 1 <= len(parts[-1]) <= size
    assert all(dtypes(part) == dtypes(whole) for part in parts)
    ids = [number for part in parts for number in part["record_id"]]
    assert len(ids) == len(set(ids)) == 187
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)


def test_batches_of_all_forms_have_the_same_columns(study: Any) -> None:
    whole = study.flows.record_mapper.dataframe(study.key)
    parts = list(study.flows.record_mapper.iter_dataframes(study.key, batch_size=600))
    assert [len(part) for part in parts] == [600, 600, 600, len(whole) - 1800]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
    counts: dict[str, int] = {}
    for part in parts:
        for name, count in part.attrs["undeclared_answers"].items():
            counts[name] = counts.get(name, 0) + count
    assert counts == whole.attrs["undeclared_answers"]


def test_no_records_are_one_empty_batch(study: Any) -> None:
    (part,) = study.flows.record_mapper.iter_dataframes(study.key, "PK")
    assert part.empty
    assert dtypes(part) == RECORD | questions(study, form="PK")


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_size_below_one_is_refused(own: Any, size: int) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        list(own.flows.record_mapper.iter_dataframes(own.key, batch_size=size))
    assert str(caught.value) == f"batch_size is {size}: give a whole number from 1 up"
    assert not own.server.requests


def test_batches_are_read_as_they_are_taken(own: Any) -> None:
    parts = own.flows.record_mapper.iter_dataframes(own.key, batch_size=500)
    next(parts)
    asked = [path for _, path in own.server.requests if "/records?" in path]
    assert len(asked) < 4
    parts.close()


# --- odd studies


def variable(name: str, kind: str = "TEXT", form: int = 1, **more: Any) -> dict[str, Any]:
    number = more.pop("sequence", 1)
    row = {"variableId": form * 100 + number, "variableName": name, "variableType": kind}
    return row | {"formId": form, "formKey": f"F{form}", "sequence": number} | more


def listed(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [row | {"variableId": number} for number, row in enumerate(rows, start=1)]


def answered(*answers: Any) -> list[dict[str, Any]]:
    return [
        {"recordId": number, "formId": 1, "formKey": "F1", "recordData": each}
        for number, each in enumerate(answers, start=1)
    ]


ODD = ["1e400", "12.0", "1_000", " 7 ", True, [1], "2024-13-01", "2024-05-01T10:00:00Z", "", None]
ODD += [str(2**53 + 1), 2**53 + 1, "2024-UN-UN", "today", "9" * 5000, {"a": 1}]
PLAIN: dict[str, dict[int, Any]] = {
    "INTEGER": {1: 12, 3: 7, 10: 2**53 + 1, 11: 2**53 + 1},
    "FLOAT": {1: 12.0, 3: 7.0, 10: float(2**53), 11: float(2**53)},
    "DATE": {},
    "DATETIME": {},
}


@pytest.mark.parametrize("kind", PLAIN)
def test_failures_are_listed_with_record_variable_and_value(scripted: Any, kind: str) -> None:
    odd = scripted(
        variables=[variable("ODD", kind)], records=answered(*({"ODD": value} for value in ODD))
    )
    frame = odd.flows.record_mapper.dataframe(odd.key)
    dated = kind.startswith("DATE")
    assert dtypes(frame)["ODD"] == ANSWERS[kind]
    assert {n: v for n, v in enumerate(cells(frame["ODD"])) if v is not None} == PLAIN[kind]
    if dated:
        beside = cells(frame["ODD_partial"])
        assert {n: v for n, v in enumerate(beside) if v is not None} == {12: "2024-UN-UN"}
    fine = {8, 9, *PLAIN[kind], *([12] if dated else [])}
    assert frame.attrs["cast_failures"] == [
        {"record": number + 1, "variable": "ODD", "value": value}
        for number, value in enumerate(ODD)
        if number not in fine
    ]


def test_text_takes_anything(scripted: Any) -> None:
    odd = scripted(variables=[variable("ODD")], records=answered(*({"ODD": v} for v in ODD)))
    frame = odd.flows.record_mapper.dataframe(odd.key)
    expected = [None if v in ("", None) else v if isinstance(v, str) else ... for v in ODD]
    found = cells(frame["ODD"])
    assert [v for v in found if v not in ("true", "[1]", str(2**53 + 1), '{"a": 1}')] == [
        v for v in expected if v not in (..., str(2**53 + 1))
    ]
    assert (found[4], found[5], found[11], found[15]) == ("true", "[1]", str(2**53 + 1), '{"a": 1}')
    assert frame.attrs["cast_failures"] == []


def test_failures_of_several_questions_are_all_listed(scripted: Any) -> None:
    odd = scripted(
        variables=listed(variable("A", "INTEGER"), variable("B", "DATE", sequence=2)),
        records=answered({"a": "x", "B": "y"}, {"A": "1", "b": "z"}),
    )
    frame = odd.flows.record_mapper.dataframe(odd.key)
    found = sorted(frame.attrs["cast_failures"], key=lambda f: (f["record"], f["variable"]))
    assert found == [
        {"record": 1, "variable": "A", "value": "x"},
        {"record": 1, "variable": "B", "value": "y"},
        {"record": 2, "variable": "B", "value": "z"},
    ]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([{"aeterm": "a"}, {"AETERM": "b"}, {"AeTerm": "c"}, {}], ["a", "b", "c", None]),
        ([{"AETERM": None, "aeterm": "a"}], ["a"]),
        ([{"AETERM": "", "aeterm": "a"}], ["a"]),
        ([{"AETERM": "a", "aeterm": ""}], ["a"]),
        ([{"AETERM": "a", "aeterm": None}], ["a"]),
        ([{"AETERM": "a"}, {"aeterm": ""}, None], ["a", None, None]),
    ],
    ids=["spellings", "null first", "empty first", "empty last", "null last", "no answers"],
)
@pytest.mark.parametrize("more", [0, 2], ids=["alone", "among others"])
def test_names_are_joined_without_case(
    scripted: Any, answers: Any, expected: Any, more: int
) -> None:
    others = [variable(f"OTHER{n}", sequence=n + 2) for n in range(more)]
    odd = scripted(variables=listed(variable("AETERM"), *others), records=answered(*answers))
    frame = odd.flows.record_mapper.dataframe(odd.key)
    assert cells(frame["AETERM"]) == expected
    assert frame.attrs["undeclared_answers"] == {}


def test_questions_named_like_fields_are_kept_apart(scripted: Any) -> None:
    names = ["site_id", "Deleted", "record_data", "keywords", "data.site_id", "DAY", "DAY_partial"]
    kinds = {"DAY": "DATE"}
    rows = [variable(n, kinds.get(n, "TEXT"), sequence=i) for i, n in enumerate(names)]
    given = {name: f"2024-01-0{n}" for n, name in enumerate(names, start=1)}
    odd = scripted(variables=listed(*rows), records=answered(given))
    frame = odd.flows.record_mapper.dataframe(odd.key)
    made = {name: frame[name][0] for name in frame.columns if name not in RECORD}
    assert made.pop("data.DAY_partial") is pd.NA  # made beside DAY, gives way to the study's own
    assert made == {
        "data.site_id": "2024-01-01",
        "data.Deleted": "2024-01-02",
        "data.record_data": "2024-01-03",
        "data.keywords": "2024-01-04",
        "data.data.site_id": "2024-01-05",
        "DAY": pd.Timestamp("2024-01-06"),
        "DAY_partial": "2024-01-07",
    }
    assert frame["record_id"].tolist() == [1]


def test_variables_of_one_name_share_a_column(scripted: Any) -> None:
    odd = scripted(
        variables=listed(
            variable("SAME", "INTEGER", form=1),
            variable("same", "INTEGER", form=2),
            variable("MIXED", "INTEGER", form=1, sequence=2),
            variable("MIXED", "DATE", form=2, sequence=2),
        ),
        records=answered({"SAME": "1", "MIXED": "7"}, {"same": "2", "MIXED": "2024-01-01"}),
    )
    frame = odd.flows.record_mapper.dataframe(odd.key)
    assert list(frame.columns) == [*RECORD, "SAME", "MIXED"]
    assert frame["SAME"].tolist() == [1, 2]
    assert frame["MIXED"].tolist() == ["7", "2024-01-01"]
    assert (str(frame["SAME"].dtype), str(frame["MIXED"].dtype)) == ("Int64", "string")


def test_what_is_blinded_on_one_form_is_shown_of_none(scripted: Any) -> None:
    odd = scripted(
        variables=listed(variable("ARM"), variable("ARM", form=2, blinded=True)),
        records=answered({"ARM": "1"}),
    )
    frame = odd.flows.record_mapper.dataframe(odd.key)
    assert list(frame.columns) == [*RECORD]
    assert frame.attrs["undeclared_answers"] == {}


def test_blinded_answers_leave_no_trace(scripted: Any) -> None:
    odd = scripted(
        variables=[variable("ARM", "INTEGER", blinded=True)], records=answered({"arm": "active"})
    )
    frame = odd.flows.record_mapper.dataframe(odd.key)
    assert "active" not in frame.to_csv() + repr(frame.attrs)
    frame = odd.flows.record_mapper.dataframe(odd.key, include_blinded=True)
    assert frame.attrs["cast_failures"] == [{"record": 1, "variable": "ARM", "value": "active"}]


def test_labels_that_are_missing_or_the_same(scripted: Any) -> None:
    labels = ["Date", "Date", None, "", "site_id", "C"]
    rows = [variable(f"V{n}", label=label, sequence=n) for n, label in enumerate(labels)]
    odd = scripted(
        variables=listed(*rows, variable("C", sequence=9)),
        records=answered({f"V{n}": str(n) for n in range(6)} | {"C": "c"}),
    )
    frame = odd.flows.record_mapper.dataframe(odd.key, use_labels_as_columns=True)
    made = {name: frame[name][0] for name in frame.columns if name not in RECORD}
    assert made == {
        "Date (V0)": "0",
        "Date (V1)": "1",
        "V2": "2",
        "V3": "3",
        "data.site_id": "4",
        "C (V5)": "5",
        "C (C)": "c",
    }


def test_variables_without_a_name_are_no_columns(scripted: Any) -> None:
    odd = scripted(variables=listed(variable("A"), {"formId": 1}), records=answered({"A": "1"}))
    assert list(odd.flows.record_mapper.dataframe(odd.key).columns) == [*RECORD, "A"]


def test_a_plan_can_be_made_of_what_was_read_already() -> None:
    from imednet_workflows.record_mapper import frame_of, planned

    plan = planned([Variable(variable_name="A", variable_type="INTEGER", form_id=1)])
    frame = frame_of([RecordModel(record_id=1, record_data={"a": "5", "b": "x"})], plan)
    assert frame["A"].tolist() == [5]
    assert frame.attrs == {"cast_failures": [], "undeclared_answers": {"b": 1}}
