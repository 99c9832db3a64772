"""The filter language: how text becomes conditions, and what they select."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet_simulator.errors import RefusedError
from imednet_simulator.filters import Condition, parse, parse_questions, question_test


def triples(text: str) -> list[list[tuple[str, str, str]]]:
    return [[(c.attribute, c.operator, c.value) for c in group] for group in parse(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("siteId==3", [[("siteId", "==", "3")]], id="one"),
        pytest.param("a!=b", [[("a", "!=", "b")]], id="unequal"),
        pytest.param("a<1", [[("a", "<", "1")]], id="less"),
        pytest.param("a<=1", [[("a", "<=", "1")]], id="at-most"),
        pytest.param("a>1", [[("a", ">", "1")]], id="more"),
        pytest.param("a>=1", [[("a", ">=", "1")]], id="at-least"),
        pytest.param("a==1;b==2", [[("a", "==", "1"), ("b", "==", "2")]], id="and"),
        pytest.param("a==1,b==2", [[("a", "==", "1")], [("b", "==", "2")]], id="or"),
        pytest.param(
            "a==1;c==x,a==2;c==x",
            [[("a", "==", "1"), ("c", "==", "x")], [("a", "==", "2"), ("c", "==", "x")]],
            id="and-binds-tighter-and-attributes-repeat",
        ),
        pytest.param('a=="x;y,z"', [[("a", "==", "x;y,z")]], id="separators-in-quotes"),
        pytest.param(r'a=="say \"hi\" \\"', [[("a", "==", 'say "hi" \\')]], id="escapes"),
        pytest.param('a==""', [[("a", "==", "")]], id="empty-in-quotes"),
        pytest.param("a==New York", [[("a", "==", "New York")]], id="blank-inside-bare-value"),
        pytest.param("a===x", [[("a", "==", "=x")]], id="value-begins-like-an-operator"),
    ],
)
def test_reading(text: str, expected: list[list[tuple[str, str, str]]]) -> None:
    assert triples(text) == expected


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("a", "Unreadable filter at position 1: no operator follows a"),
        ("a=1", "Unreadable filter at position 1: no operator follows a"),
        ("a ==1", "Unreadable filter at position 1: no operator follows a"),
        ("a=~b", "Unreadable filter at position 1: no operator follows a"),
        ("a== 1", "Unreadable filter at position 3: a value is expected"),
        ("a==", "Unreadable filter at position 3: a value is expected"),
        ("a==;b==1", "Unreadable filter at position 3: a value is expected"),
        ('a=="x', "Unreadable filter at position 3: the quoted value has no proper end"),
        (r'a=="x\n"', "Unreadable filter at position 3: the quoted value has no proper end"),
        ('a=="x"y', "Unreadable filter at position 6: ; or , is expected"),
        ('a==x"y', "Unreadable filter at position 3: a value is expected"),
        ("a==1;", "Unreadable filter at position 5: an attribute is expected"),
        ("a==1,,b==2", "Unreadable filter at position 5: an attribute is expected"),
        ("(a==1)", "Unreadable filter at position 0: an attribute is expected"),
        ("==1", "Unreadable filter at position 0: an attribute is expected"),
    ],
)
def test_unreadable(text: str, description: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse(text)
    error = caught.value
    assert (error.status, error.code) == (400, "1000")
    assert (error.description, error.attribute, error.value) == (description, "filter", text)


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(st.lists(st.lists(st.text(), min_size=1, max_size=3), min_size=1, max_size=3))
def test_any_text_survives_quoting(groups: list[list[str]]) -> None:
    text = ",".join(";".join(f"name=={quoted(value)}" for value in group) for group in groups)
    assert triples(text) == [[("name", "==", value) for value in group] for group in groups]


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        groups = parse(text)
    except RefusedError:
        return
    assert all(isinstance(c, Condition) for group in groups for c in group)


@pytest.mark.parametrize("text", ["A==1;B==2,C==3", "A==1,B==2;C==3"])
def test_questions_do_not_mix(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_questions(text)
    assert caught.value.description == "A recordDataFilter cannot mix ; and ,"
    assert (caught.value.attribute, caught.value.value) == ("recordDataFilter", text)


@pytest.mark.parametrize(
    ("operator", "wanted", "answer", "holds"),
    [
        ("==", "10", "10.0", True),
        ("==", "10", "ten", False),
        (">", "9", "10", True),
        (">", "9", "1O", False),
        (">", "b", "c", True),
        ("<", "1e3", "999", True),
        ("!=", "5", "5.0", False),
        ("!=", "5", None, True),
        ("==", "5", None, False),
        ("<", "5", None, False),
        ("=~", "ache", "Headache", True),
        ("=~", "Ache", "Headache", False),
        ("=~", "", None, False),
        ("==", "2024-05-UN", "2024-05-UN", True),
    ],
)
def test_answers(operator: str, wanted: str, answer: str | None, holds: bool) -> None:
    assert question_test(operator, wanted)(answer) is holds


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CUT = moment("2026-01-15 12:00:00")
SELECTIONS: list[Any] = [
    ("records", "siteId==3", lambda r: r["siteId"] == 3),
    ("records", "siteId!=3", lambda r: r["siteId"] != 3),
    ("records", "siteId==3;formKey==AE", lambda r: r["siteId"] == 3 and r["formKey"] == "AE"),
    ("records", "siteId==3,formKey==AE", lambda r: r["siteId"] == 3 or r["formKey"] == "AE"),
    (
        "records",
        "siteId==3;formKey==AE,siteId==1;formKey==CM",
        lambda r: (r["siteId"], r["formKey"]) in {(3, "AE"), (1, "CM")},
    ),
    ("records", 'recordStatus=="Ready For SDV"', lambda r: r["recordStatus"] == "Ready For SDV"),
    ("records", "recordStatus==ready for sdv", lambda r: False),
    ("records", "deleted==true", lambda r: r["deleted"]),
    ("records", "deleted!=true", lambda r: not r["deleted"]),
    ("records", "intervalId==101", lambda r: r["intervalId"] == 101),
    ("records", "intervalId!=101", lambda r: r["intervalId"] != 101),
    ("records", "intervalId<102", lambda r: (r["intervalId"] or 999) < 102),
    ("records", "parentRecordId>0", lambda r: r["parentRecordId"] is not None),
    ("records", "studyKey==DEMO;siteId==3", lambda r: r["siteId"] == 3),
    ("records", "studyKey!=DEMO", lambda r: False),
    ("records", "studyKey>=A", lambda r: True),
    (
        "records",
        "dateModified>=2026-01-15T12:00:00Z",
        lambda r: moment(r["dateModified"]) >= CUT,
    ),
    (
        "records",
        "dateModified<2026-01-15T14:00:00+02:00",
        lambda r: moment(r["dateModified"]) < CUT,
    ),
    (
        "records",
        'dateModified<"2026-01-15 12:00:00"',
        lambda r: moment(r["dateModified"]) < CUT,
    ),
    ("records", "dateCreated>2026-01-15", lambda r: r["dateCreated"] > "2026-01-15 00:00:00"),
    ("visits", "visitDate>=2026-01-15", lambda r: (r["visitDate"] or "") >= "2026-01-15"),
    ("visits", "visitDate!=2026-01-15", lambda r: r["visitDate"] != "2026-01-15"),
    ("visits", "dueDate<2026-01-15", lambda r: (r["dueDate"] or "9") < "2026-01-15"),
    ("subjects", "subjectKey>03-", lambda r: r["subjectKey"] > "03-"),
    ("sites", "siteName==Corvane General Hospital", lambda r: r["siteId"] == 3),
]


@pytest.mark.parametrize(("path", "text", "wanted"), SELECTIONS, ids=[s[1] for s in SELECTIONS])
def test_what_a_filter_selects(api: Any, path: str, text: str, wanted: Any) -> None:
    expected = [row for row in api.rows(path) if wanted(row)]
    assert api.rows(path, filter=text) == expected


@pytest.mark.parametrize(
    ("path", "text", "description", "attribute", "value"),
    [
        ("sites", "nope==1", "sites cannot be filtered by nope", "nope", "1"),
        ("sites", "SiteId==1", "sites cannot be filtered by SiteId", "SiteId", "1"),
        ("records", "recordData==1", "records cannot be filtered by recordData", "recordData", "1"),
        ("sites", "siteId==x", "siteId needs a value of type integer", "siteId", "x"),
        ("sites", "siteId==1_0", "siteId needs a value of type integer", "siteId", "1_0"),
        (
            "sites",
            f"siteId=={'9' * 30}",
            "siteId needs a value of type integer",
            "siteId",
            "9" * 30,
        ),
        ("forms", "disabled==yes", "disabled needs a value of type boolean", "disabled", "yes"),
        ("forms", "disabled<true", "disabled (boolean) does not allow <", "disabled", "true"),
        (
            "sites",
            "dateCreated>2026-02-30",
            "dateCreated needs a value of type timestamp",
            "dateCreated",
            "2026-02-30",
        ),
        (
            "visits",
            "visitDate==2026-01-15T00:00:00Z",
            "visitDate needs a value of type date",
            "visitDate",
            "2026-01-15T00:00:00Z",
        ),
    ],
)
def test_refused(
    api: Any, path: str, text: str, description: str, attribute: str, value: str
) -> None:
    assert api.error(path, filter=text) == (
        400,
        {
            "code": "1000",
            "description": description,
            "field": {"attribute": attribute, "value": value},
        },
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("AESEV==Severe", lambda d: d.get("AESEV") == "Severe"),
        ("AETERM=~in", lambda d: "in" in (d.get("aeterm") or "")),
        ("sysbp>=140", lambda d: int(d.get("SYSBP") or 0) >= 140),
        (
            "SYSBP>=140;PULSE<70",
            lambda d: int(d.get("SYSBP") or 0) >= 140 and 0 < int(d["PULSE"] or 99) < 70,
        ),
        (
            "AESEV==Severe,DVSEV==Major",
            lambda d: d.get("AESEV") == "Severe" or d.get("DVSEV") == "Major",
        ),
        ("HEIGHT!=150", lambda d: "HEIGHT" in d and d["HEIGHT"] != "150.0"),
    ],
    ids=["equal", "contains-any-case-name", "numbers", "and", "or", "null-is-unequal"],
)
def test_record_data_filter(api: Any, text: str, wanted: Any) -> None:
    expected = [r["recordId"] for r in api.rows("records") if wanted(r["recordData"])]
    assert expected
    assert [r["recordId"] for r in api.rows("records", recordDataFilter=text)] == expected


def test_both_filters_hold_together(api: Any) -> None:
    rows = api.rows("records", filter="siteId==3", recordDataFilter="AESER==No")
    assert rows
    assert {(r["siteId"], r["formKey"]) for r in rows} == {(3, "AE")}


@pytest.mark.parametrize(
    ("text", "description", "field"),
    [
        ("NOPE==1", "No question is named NOPE", {"attribute": "NOPE", "value": "1"}),
        (
            "AGE==1;SEX==F,AGE==2",
            "A recordDataFilter cannot mix ; and ,",
            {"attribute": "recordDataFilter", "value": "AGE==1;SEX==F,AGE==2"},
        ),
        (
            "AGE",
            "Unreadable recordDataFilter at position 3: no operator follows AGE",
            {"attribute": "recordDataFilter", "value": "AGE"},
        ),
    ],
)
def test_record_data_filter_refused(
    api: Any, text: str, description: str, field: dict[str, str]
) -> None:
    error = {"code": "1000", "description": description, "field": field}
    assert api.error("records", recordDataFilter=text) == (400, error)
