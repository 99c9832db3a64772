"""Profiles of forms and variables from a stream of records."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.models import Form, Record, Variable
from imednet_workflows.profiling import KINDS, Blinding, StudyProfile, kind_of, profile

AE = Form(form_id=1, form_key="AE", form_name="Adverse Event")


def variable(name: str, form: str = "AE", **fields: Any) -> Variable:
    return Variable(form_key=form, variable_name=name, **fields)


def record(_form: str | None = "AE", _deleted: bool = False, **answers: Any) -> Record:
    return Record(form_key=_form, deleted=_deleted, record_data=answers)


def rows(found: StudyProfile) -> dict[str, Any]:
    return {row["variable_name"]: row for row in found.variables.to_dict("records")}


def of(values: list[Any], **options: Any) -> Any:
    found = profile([record(X=value) for value in values], [AE], [variable("X")], **options)
    return rows(found)["X"]


def test_forms_are_counted() -> None:
    day = [datetime(2026, 1, number, tzinfo=UTC) for number in (1, 2, 3)]
    records = [
        Record(form_key="ae", subject_id=1, date_created=day[1]),
        Record(form_key="AE", subject_id=1, date_created=day[0]),
        Record(form_id=1, subject_id=2),
        Record(form_key="AE", subject_id=3, date_created=day[2], deleted=True),
    ]
    known = [variable("X", form_id=1), variable("Y")]
    row = profile(records, [AE], known).forms.iloc[0]
    assert row.to_dict() == {
        "form_key": "AE",
        "form_name": "Adverse Event",
        "disabled": False,
        "records": 3,
        "subjects": 2,
        "deleted": 1,
        "first_entry": day[0],
        "last_entry": day[1],
        "variables": 2,
    }


def test_a_record_is_joined_to_its_form_by_id() -> None:
    found = profile([Record(form_id=1, record_data={"X": "1"})], [AE], [])
    assert found.forms[["form_key", "records"]].values.tolist() == [["AE", 1]]


def test_a_variable_has_all_its_columns() -> None:
    declared = variable("AETERM", label="Term", variable_type="TEXT", form_name="Adverse Event")
    records = [record(aeterm="Cough"), record(AETERM="Rash"), record(aeterm="Cough")]
    records += [record(aeterm=""), record(aeterm=None), record(), record(_deleted=True, aeterm="X")]
    row = rows(profile(records, [AE], [declared]))["AETERM"]
    assert row == {
        "form_key": "AE",
        "form_name": "Adverse Event",
        "variable_name": "AETERM",
        "label": "Term",
        "declared_type": "TEXT",
        "declared": True,
        "disabled": False,
        "records": 6,
        "answered": 3,
        "population_rate": 0.5,
        "inferred_type": "text",
        "fit_rate": 1.0,
        "distinct": 2,
        "distinct_complete": True,
        "top_values": [("Cough", 2), ("Rash", 1)],
        "samples": ["Cough", "Rash"],
    }


def test_what_is_not_declared_is_listed_last() -> None:
    found = profile([record(zz="1", X="2")], [AE], [variable("X", variable_type="TEXT")])
    assert found.variables["variable_name"].tolist() == ["X", "zz"]
    assert found.variables["declared"].tolist() == [True, False]
    assert found.variables["declared_type"].isna().tolist() == [False, True]


def test_a_form_that_is_not_declared_is_listed() -> None:
    found = profile([record("NEW", X="1")], [AE], [])
    assert found.forms["form_key"].tolist() == ["AE", "NEW"]
    assert found.forms["form_name"].isna().tolist() == [False, True]
    assert found.variables[["form_key", "variable_name"]].values.tolist() == [["NEW", "X"]]


def test_a_deleted_variable_shows_only_if_it_is_answered() -> None:
    gone = [variable("A", deleted=True, label="a"), variable("B", deleted=True)]
    found = profile([record(a="1")], [AE], gone)
    row = found.variables.iloc[0]
    assert len(found.variables) == 1
    assert (row["variable_name"], row["label"], bool(row["disabled"])) == ("a", "a", True)


def test_a_form_without_records_has_no_rate() -> None:
    row = rows(profile([], [AE], [variable("X")]))["X"]
    assert (row["records"], row["answered"], row["distinct"]) == (0, 0, 0)
    assert all(pd.isna(row[name]) for name in ("population_rate", "inferred_type", "fit_rate"))


def test_frames_are_the_same_without_anything() -> None:
    empty, full = profile([], [], []), profile([record(X="1")], [AE], [variable("X")])
    assert empty.forms.dtypes.to_dict() == full.forms.dtypes.to_dict()
    assert empty.variables.dtypes.to_dict() == full.variables.dtypes.to_dict()
    assert (len(empty.forms), len(empty.variables)) == (0, 0)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "+3"], "integer"),
        ([1, 2], "integer"),
        (["1", "2.5", "1e3"], "number"),
        (["1", "2"], "integer"),
        (["2024-01-05"], "date"),
        (["2024-01-05"] * 30 + ["2024-UN-UN"], "partial date"),
        (["2024-01", "2024-01-UN"], "partial date"),
        (["2024-01-05 10:30", "2024-01-05T10:30:00Z"], "datetime"),
        (["2024-01-05", "2024-01-05 10:30"], "datetime"),
        (["09:15", "23:59:59"], "time"),
        (["Yes", "no", "Y"], "yes/no"),
        ([True, False], "yes/no"),
        (["Mild"] * 3 + ["Severe"] * 3, "coded"),
        (["Mild", "Severe"], "text"),
        (["2024-13-01", "2024-02-30"], "text"),
        (["25:00"], "text"),
        (["1"] * 96 + ["x"] * 4, "integer"),
        (["1"] * 9 + ["x"], "coded"),
        ([["a", "b"]], "text"),
    ],
    ids=str,
)
def test_types_are_inferred(values: list[Any], kind: str) -> None:
    assert of(values)["inferred_type"] == kind


def test_the_share_that_fits_is_told() -> None:
    assert of(["1"] * 96 + ["x"] * 4)["fit_rate"] == 0.96


def test_counting_gives_up_and_says_so() -> None:
    row = of([str(number) for number in range(50)] + ["3"], max_distinct=10, top=2, samples=3)
    assert (row["distinct"], row["distinct_complete"]) == (10, False)
    assert row["top_values"] == [("3", 2), ("0", 1)]
    assert row["samples"] == ["0", "1", "2"]


def test_long_answers_are_kept_apart_and_cut() -> None:
    row = of(["a" * 300 + "1", "a" * 300 + "2"])
    assert row["distinct"] == 2
    assert {len(text) for text in row["samples"]} == {214}


@pytest.mark.parametrize("name", ["max_distinct", "top", "samples"])
def test_a_limit_below_one_is_refused(name: str) -> None:
    limits: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"^{name}: 0 is below 1: give how many to keep$"):
        profile([], [], [], **limits)


BLINDED = [variable("ARM", blinded=True), variable("SEX")]


def test_blinded_variables_are_nowhere() -> None:
    records = [record(arm="A", SEX="M"), record("DM", ARM="B", SEX="F")]
    found = profile(records, [AE], BLINDED)
    assert found.variables["variable_name"].str.casefold().tolist() == ["sex", "sex"]
    assert "'A'" not in str(found.variables.to_dict())
    shown = profile(records, [AE], BLINDED, include_blinded=True)
    assert "ARM" in set(shown.variables["variable_name"])


@pytest.mark.parametrize(
    ("variables", "form", "name", "hidden"),
    [
        ([], "AE", "ARM", False),
        (BLINDED, "ae", "arm", True),
        (BLINDED, "AE", "SEX", False),
        (BLINDED, "DM", "ARM", True),
        (BLINDED, None, "ARM", True),
        ([*BLINDED, variable("ARM", "DM")], "DM", "ARM", False),
        ([*BLINDED, variable("arm")], "AE", "ARM", True),
        ([Variable(variable_name="ARM", blinded=True)], "AE", "ARM", True),
    ],
    ids=["none", "case", "other", "undeclared", "no form", "open there", "twice", "formless"],
)
def test_what_is_hidden(
    variables: list[Variable], form: str | None, name: str, hidden: bool
) -> None:
    assert Blinding(variables).hides(form, name) is hidden


def test_memory_does_not_grow_with_records() -> None:
    def stream(count: int) -> Iterator[Record]:
        for number in range(count):
            yield record(X=str(number), Y="yes")

    def peak(count: int) -> int:
        tracemalloc.start()
        profile(stream(count), [AE], [variable("X"), variable("Y")], max_distinct=100)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    kind_of.cache_clear()
    few = peak(500)
    kind_of.cache_clear()
    assert peak(5000) < few + 5000 * 250  # the cache of kinds, which has a limit of its own


def test_the_demo_study(demo: Any) -> None:
    found = profile(iter(demo.records), demo.forms, demo.variables)
    live = Counter(each.form_key for each in demo.records if not each.deleted)
    forms = found.forms.set_index("form_key")
    assert {key: forms["records"][key] for key in live} == dict(live)
    named = found.variables.set_index(["form_key", "variable_name"])
    assert named.loc[("AE", "AETERM"), "declared_type"] == "TEXT"
    assert named.loc[("DM", "BRTHDAT"), "inferred_type"] == "partial date"
    assert named.loc[("VS", "VSTIM"), "inferred_type"] == "time"
    assert named.loc[("LB", "LBDTM"), "inferred_type"] == "datetime"
    assert named.loc[("DM", "SMOKER"), "inferred_type"] == "yes/no"
    assert not {"ARM", "EXKIT"} & set(found.variables["variable_name"])
    rates = found.variables["population_rate"].dropna()
    assert rates.between(0, 1).all()


@given(text=st.text(max_size=30) | st.from_regex(r"[0-9]{4}(-[0-9A-Z]{2}){0,2}", fullmatch=True))
def test_anything_has_a_kind(text: str) -> None:
    assert kind_of(text) in KINDS


@given(values=st.lists(st.none() | st.text(max_size=3) | st.integers() | st.booleans()))
def test_counts_are_right(values: list[Any]) -> None:
    row = of(values)
    answers = [value for value in values if value not in (None, "")]
    assert row["answered"] == len(answers)
    assert sum(count for _, count in row["top_values"]) <= len(answers)
    if values:
        assert row["population_rate"] == len(answers) / len(values)


@pytest.mark.parametrize(
    ("names", "hidden"),
    [([], set()), (["dob"], {"DOB"}), (["DM.dob"], {"DOB"}), (["VS.DOB"], set())],
    ids=["none", "name", "on form", "other form"],
)
def test_a_masked_profile_shows_no_answers(names: list[str], hidden: set[str]) -> None:
    record = Record(form_key="DM", record_data={"DOB": "1950-03-02", "SEX": "F"})
    whole = profile([record], [], [])
    rows = whole.masked(names).variables.set_index("variable_name")
    for name in ("DOB", "SEX"):
        assert (rows.loc[name, "samples"] == []) is (name in hidden)
        assert (rows.loc[name, "top_values"] == []) is (name in hidden)
        assert rows.loc[name, "answered"] == 1
    assert whole.variables["samples"].tolist() == [["1950-03-02"], ["F"]]
