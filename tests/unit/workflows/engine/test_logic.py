"""Expressions: what they see, what they give, where they are wrong, and that they end."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet_workflows.canonical import Logic, LogicError, LogicUnavailableError
from imednet_workflows.canonical import logic as module

RECORD = {"recordId": 7, "dateCreated": "2026-03-02T10:00:00+00:00"}
ANSWERS = {"AESEV": "Severe", "AEENDAT": None, "AEACN": ["a", "b"]}


@pytest.mark.parametrize(
    ("source", "value", "result"),
    [
        ("value == 'Yes' ? 'Y' : 'N'", "Yes", "Y"),
        ("value == null ? 'ONGOING' : value", None, "ONGOING"),
        ("null", "x", None),
        ("int(value) + 1", "41", 42),
        ("double(value) / 2.0", "5", 2.5),
        ("value > 3", 4, True),
        ("answers.AESEV", None, "Severe"),
        ("answers['AESEV'] in ['Severe', 'Fatal']", None, True),
        ("has(answers.NOPE)", None, False),
        ("answers.AEENDAT == null", None, True),
        ("'b' in answers.AEACN", None, True),
        ("record.recordId", None, 7),
        ("timestamp(record.dateCreated).getFullYear()", None, 2026),
        ("timestamp('2026-03-02T10:00:00Z')", None, "2026-03-02T10:00:00+00:00"),
        ("[1, 2].map(x, x * 2)", None, "[2, 4]"),
        ("{'a': 1}", None, '{"a": 1}'),
        ("value.upperAscii()", "aé", "Aé"),
        ("value.lowerAscii()", "AÉ", "aÉ"),
        ("value.trim()", " a ", "a"),
        ("value.replace('a', 'bb')", "aXa", "bbXbb"),
        ("value.substring(0, 4)", "2026-03-UN", "2026"),
        ("value.substring(-2, 1)", "abc", "a"),
        ("value.matches('^a+$')", "aaa", True),
        ("size(value)", "abc", 3),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_results(source: str, value: Any, result: Any) -> None:
    assert Logic(source).run(value, RECORD, ANSWERS) == result


@pytest.mark.parametrize(
    ("source", "message", "place"),
    [
        ("value ==", "Syntax error: mismatched input '<EOF>' expecting", (1, 9)),
        ("1 +\n * 2", "Syntax error: extraneous input '*' expecting", (2, 2)),
        ("nope", "undeclared reference to 'nope'", (1, 1)),
        ("value.eval('1')", "undeclared reference to 'eval'", (1, 11)),
        ("__import__('os')", "undeclared reference to '__import__'", (1, 11)),
        ("'a' + 1", "found no matching overload for '_+_'", (1, 5)),
        ("[1].map(x, [x].map(y, y))", "map may stand in an expression once", (1, 16)),
        ("'a' +\n '\ud800'", "half of a character that takes two", (2, 3)),
        ("1" * 2001, "2001 characters, 2000 at most", (1, 2001)),
        ("(" * 99 + "1" + ")" * 99, "CANCELLED: Expression recursion limit", (None, None)),
        ("+".join(["1"] * 40), "Exceeded max recursion depth of 32", (None, None)),
    ],
    ids=[
        "cut",
        "line",
        "name",
        "method",
        "import",
        "types",
        "maps",
        "surrogate",
        "long",
        "deep",
        "wide",
    ],
)
def test_a_wrong_expression_knows_its_place(source: str, message: str, place: Any) -> None:
    with pytest.raises(LogicError) as caught:
        Logic(source)
    assert str(caught.value).startswith(message)
    assert (caught.value.line, caught.value.column) == place
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize(
    ("source", "value", "message"),
    [
        ("int(value)", "x", "INVALID_ARGUMENT: cannot convert string to int"),
        ("answers.NOPE", "x", 'NOT_FOUND: Key not found in map : "NOPE"'),
        ("1 / 0", "x", "INVALID_ARGUMENT: divide by zero"),
        ("value + 1", "x", "UNKNOWN: No matching overloads found : _+_(string, int64)"),
        ("1.0 / 0.0", "x", "the result inf is no finite number"),
        ("duration('1h')", "x", "the result is a timedelta: make it text with string()"),
        ("b'x'", "x", "the result is a bytearray: make it text with string()"),
        (
            "value.replace('', 'x')",
            "x",
            "OUT_OF_RANGE: replace: the result would exceed 10000 characters",
        ),
        ("value", 2**70, "INVALID_ARGUMENT: Integer value"),
    ],
    ids=["int", "key", "zero", "types", "inf", "duration", "bytes", "replace", "huge"],
)
def test_a_failure_says_why(source: str, value: Any, message: str) -> None:
    logic = Logic(source)
    with pytest.raises(LogicError) as caught:
        logic.run(value, RECORD, ANSWERS)
    assert str(caught.value).startswith(message)
    assert (caught.value.line, caught.value.column) == (None, None)


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("int(value)", "Int64"),
        ("double(value)", "Float64"),
        ("value == 'x'", "boolean"),
        ("value", "string"),
        ("string(value)", "string"),
        ("value == null ? 1 : 2", "Int64"),
    ],
    ids=str,
)
def test_a_type_is_known_before_any_record(source: str, column: str) -> None:
    assert Logic(source).column == column


def test_where_it_looks_is_known() -> None:
    assert (Logic("value").uses_record, Logic("value").uses_answers) == (False, False)
    both = Logic("record.siteId == 1 && has(answers.X)")
    assert (both.uses_record, both.uses_answers) == (True, True)


LIST = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"


def test_loops_end() -> None:
    source = "x5 == 9"
    for depth in (5, 4, 3, 2, 1):
        source = f"{LIST}.all(x{depth}, {LIST}.all(y{depth}, {source}))".replace("x5 == 9", "true")
    logic = Logic(source)
    with pytest.raises(LogicError, match="Iteration budget exceeded"):
        logic.run("x", {}, {})


def test_an_expression_cannot_blow_a_value_up() -> None:
    doubled = " + ".join(["x"] * 25)
    logic = Logic(f"[value].map(x, {doubled})")
    assert logic.run("a", {}, {}) == f'["{"a" * 25}"]'
    nested = "value"
    for _ in range(4):
        nested = f"{nested}.replace('a', {nested})"
    with pytest.raises(LogicError, match="would exceed 10000 characters"):
        Logic(nested).run("a" * 10, {}, {})


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    module._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "cel_expr_python.cel", None)
    with pytest.raises(LogicUnavailableError) as caught:
        Logic("value")
    assert str(caught.value) == (
        "this configuration has business logic, and the CEL library is not installed: "
        "pip install 'imednet-workflows[logic]'"
    )


def test_odd_characters_do_no_harm() -> None:
    assert Logic("'\0'").run(None, {}, {}) == "\0"
    odd = Logic("value + answers.x")
    with pytest.raises(LogicError):
        odd.run("\ud800", {}, {"x": "\ud800", "\ud800": 1})


@given(source=st.text(max_size=40), value=st.none() | st.text(max_size=5) | st.integers())
def test_nothing_but_a_logic_error(source: str, value: Any) -> None:
    try:
        result = Logic(source).run(value, {}, {})
    except LogicError:
        return
    assert result is None or isinstance(result, (str, int, float, bool))
