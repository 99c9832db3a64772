"""Intervals, their forms and the forms' questions."""

from __future__ import annotations

from typing import Any

import pytest


def told(node: Any) -> tuple[Any, list[str]]:
    return node.form.form_key, [variable.variable_name for variable in node.variables]


def test_the_structure_equals_the_raw_rows(study: Any) -> None:
    found = study.flows.study_structure.get(study.key)
    questions: dict[int, list[str]] = {row["formId"]: [] for row in study.kept("forms")}
    for row in sorted(study.kept("variables"), key=lambda r: r["sequence"]):
        questions[row["formId"]].append(row["variableName"])
    expected = [
        (
            row["intervalName"],
            [(form["formKey"], questions[form["formId"]]) for form in row["forms"]],
        )
        for row in sorted(study.kept("intervals"), key=lambda r: r["intervalSequence"])
    ]
    assert found.study_key == "DEMO"
    assert [(n.interval.interval_name, [*map(told, n.forms)]) for n in found.intervals] == expected
    placed = {form["formKey"] for row in study.kept("intervals") for form in row["forms"]}
    assert [*map(told, found.unscheduled)] == [
        (row["formKey"], questions[row["formId"]])
        for row in study.kept("forms")
        if row["formKey"] not in placed
    ]
    assert {"AE", "MON"} <= {node.form.form_key for node in found.unscheduled}


def test_disabled_ones_are_there_and_marked(study: Any) -> None:
    found = study.flows.study_structure.get(study.key)
    (dropped,) = [node for node in found.intervals if node.interval.disabled]
    assert [node.form.form_key for node in dropped.forms] == ["SV", "PK"]
    assert dropped.forms[1].form.disabled
    disabled = {
        v.variable_name for n in found.intervals for f in n.forms for v in f.variables if v.disabled
    }
    assert disabled == {"OLDID"}


INTERVALS = [
    {"intervalId": 1, "intervalName": "Late", "intervalSequence": 20, "forms": [{"formId": 7}]},
    {"intervalId": 2, "intervalName": "Early", "intervalSequence": 10, "forms": []},
    {"intervalId": 3, "intervalName": "Null", "intervalSequence": None, "forms": None},
    {
        "intervalId": 4,
        "intervalName": "Last",
        "intervalSequence": 30,
        "forms": [{"formId": 9, "formKey": "GONE", "formName": "Not listed"}, {"formId": 7}],
    },
]
FORMS = [{"formId": 7, "formKey": "AE"}, {"formId": 8, "formKey": "LOOSE"}]
VARIABLES = [
    {"variableId": 1, "variableName": "B", "formId": 7, "sequence": 2},
    {"variableId": 2, "variableName": "A", "formId": 7, "sequence": 1},
    {"variableId": 3, "variableName": "NONE", "formId": 7, "sequence": None},
    {"variableId": 4, "variableName": "STRAY", "formId": 99, "sequence": 1},
]


@pytest.fixture
def odd(scripted: Any) -> Any:
    made = scripted(intervals=INTERVALS, forms=FORMS, variables=VARIABLES)
    return made.flows.study_structure.get(made.key)


def test_intervals_without_forms_stand_in_their_place(odd: Any) -> None:
    names = [(node.interval.interval_name, len(node.forms)) for node in odd.intervals]
    assert names == [("Null", 0), ("Early", 0), ("Late", 1), ("Last", 2)]


def test_forms_without_interval(odd: Any) -> None:
    assert [*map(told, odd.unscheduled)] == [("LOOSE", [])]


def test_a_form_in_several_intervals_stands_in_each(odd: Any) -> None:
    assert told(odd.intervals[2].forms[0]) == ("AE", ["NONE", "A", "B"])
    assert told(odd.intervals[3].forms[1]) == ("AE", ["NONE", "A", "B"])


def test_a_scheduled_form_that_is_not_listed_is_made_of_what_is_known(odd: Any) -> None:
    node = odd.intervals[3].forms[0]
    assert (node.form.form_id, node.form.form_key, node.form.form_name) == (9, "GONE", "Not listed")
    assert node.variables == []


def test_an_empty_study(scripted: Any) -> None:
    made = scripted()
    found = made.flows.study_structure.get(made.key)
    assert (found.intervals, found.unscheduled) == ([], [])
