"""Records held against the study: every fault of every record, at once, and nothing sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import pandas as pd
import pytest

from imednet.errors import ImednetError
from imednet.models import Form, Interval, IntervalForm, Record, Site, Subject, Variable
from imednet_workflows.record_checks import Fault, RecordsRefused, StudyChecker, as_sent

TYPES = {
    "WHOLE": "INTEGER",
    "FLT": "FLOAT",
    "NUM": "NUMBER",
    "DAY": "DATE",
    "MOMENT": "DATETIME",
    "CLOCK": "TIME",
    "WORDS": "TEXT",
    "ODD": "A TYPE OF NEXT YEAR",
    "NONE": None,
}
VARIABLES = [
    *(Variable(form_id=1, variable_name=n, variable_type=t) for n, t in TYPES.items()),
    Variable(form_id=1, variable_name="OLD", variable_type="TEXT", disabled=True),
    Variable(form_id=1, variable_name="GONE", variable_type="TEXT", deleted=True),
    Variable(form_id=1, variable_name=None),
    Variable(form_id=2, variable_name="Term", variable_type="TEXT"),
]
FORMS = [
    Form(form_id=1, form_key="VS", form_name="Vitals"),
    Form(form_id=2, form_key="AE", form_name="Adverse Event"),
    Form(form_id=3, form_key="PK", form_name="Dropped", disabled=True),
]
SITES = [Site(site_id=1, site_name="Alder"), Site(site_id=2, site_name="Birch")]
INTERVALS = [
    Interval(interval_id=7, interval_name="Week 2", forms=[IntervalForm(form_key="VS")]),
    Interval(interval_id=8, interval_name="Week 9", disabled=True),
    Interval(interval_id=9, interval_name="Bare"),
]
SUBJECTS = [
    Subject(subject_id=5, subject_key="01-001", subject_oid="OID-5", site_id=1),
    Subject(subject_id=6, subject_key="01-002", subject_oid="OID-6", deleted=True),
]
RECORDS = [Record(record_id=3, record_oid="REC-3", form_id=1, subject_id=5)]
CHECKER = StudyChecker(FORMS, VARIABLES, SITES, INTERVALS, SUBJECTS, RECORDS)


def target(**record: Any) -> Any:
    (found,) = CHECKER.check([{"data": {}, **record}])
    return found


def faults(*records: Any) -> list[str]:
    with pytest.raises(RecordsRefused) as caught:
        CHECKER.check(records)
    return [str(fault) for fault in caught.value.faults]


def valued(name: str, value: Any) -> dict[str, Any]:
    return {"formKey": "VS", "subjectKey": "01-001", "data": {name: value}}


# --- values


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (None, None),
        ("", ""),
        (" a ", " a "),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (-3, "-3"),
        (10**30, "1" + "0" * 30),
        (2.5, "2.5"),
        (float("nan"), None),
        (date(2026, 5, 1), "2026-05-01"),
        (datetime(2026, 5, 1, 10, 30), "2026-05-01 10:30"),
        (datetime(2026, 5, 1, 10, 30, 15), "2026-05-01 10:30:15"),
        (np.int64(3), "3"),
        (np.float32(2.5), "2.5"),
        (np.float64("nan"), None),
        (np.bool_(True), "true"),
        (np.str_("a"), "a"),
        (pd.Timestamp("2026-05-01 10:30"), "2026-05-01 10:30"),
        (pd.NaT, None),
        (pd.NA, None),
        (np.datetime64("NaT", "s"), None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_how_a_value_is_sent(value: Any, sent: Any) -> None:
    assert as_sent(value) == sent
    assert type(as_sent(value)) is type(sent)


GOOD = {
    "WHOLE": ["7", "-7", "+7", 7, np.int64(7), None, ""],
    "FLT": ["7", "7.5", ".5", "7.", "-7.5", 7, 7.5, None, "", float("nan")],
    "NUM": ["7.5", 7],
    "DAY": ["2026-05-01", "2026-05-UN", "2026-UN-UN", date(2026, 5, 1), None, ""],
    "MOMENT": [
        "2026-05-01 10:30",
        "2026-05-01T10:30",
        "2026-05-01 10:30:15",
        "2026-05-01",
        "2026-05-UN",
        datetime(2026, 5, 1, 10, 30),
        pd.Timestamp("2026-05-01 10:30"),
        None,
    ],
    "CLOCK": ["10:30", "10:30:15", time(10, 30), None, ""],
    "WORDS": ["x", 7, 7.5, True, date(2026, 5, 1), None, "", "ä\n"],
    "ODD": ["x", 7, True, "2026-99-99", None],
    "NONE": ["x", 7],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in GOOD.items() for value in values],
    ids=lambda value: repr(value)[:40],
)
def test_values_that_fit(name: str, value: Any) -> None:
    assert target(**valued(name, value)).item["data"] == {name: as_sent(value)}


WHOLE, NUMBER = "give a whole number", "give a number"
DAY = "give a date as YYYY-MM-DD, or partly known as YYYY-MM-UN or YYYY-UN-UN"
MOMENT, CLOCK = "give a date and time as YYYY-MM-DD HH:MM", "give a time as HH:MM"
TEXT = "give text, a number, True, False, a date, or None to clear it"
BAD = [
    *(("WHOLE", value, WHOLE) for value in ("7.5", "x", "1_000", "٣", " 7", True, 7.5)),
    *(("FLT", value, NUMBER) for value in ("x", "1e400", "nan", "7,5", ".", True, float("inf"))),
    ("NUM", "x", NUMBER),
    *(("DAY", value, DAY) for value in ("2026-13-01", "2026-02-30", "01/05/2026", "x", "today", 5)),
    *(("DAY", value, DAY) for value in ("2026-13-UN", "2026-UN-01", "UN-UN-UN", "2026-5-1", True)),
    *(("MOMENT", value, MOMENT) for value in ("2026-05-01 25:00", "10:30", "x", 5, "2026-13-UN")),
    *(("CLOCK", value, CLOCK) for value in ("25:00", "x", "10:60", 5, True)),
    *(
        (name, value, allowed)
        for name, allowed in (
            ("WORDS", TEXT),
            ("ODD", TEXT),
            ("NONE", TEXT),
            ("WHOLE", WHOLE),
            ("FLT", NUMBER),
            ("DAY", DAY),
            ("MOMENT", MOMENT),
            ("CLOCK", CLOCK),
        )
        for value in ([], [1], {"a": 1}, (1, 2), b"x", object)
    ),
]


@pytest.mark.parametrize(("name", "value", "allowed"), BAD, ids=lambda value: repr(value)[:30])
def test_values_that_do_not_fit(name: str, value: Any, allowed: str) -> None:
    assert faults(valued(name, value)) == [f"record 0: {name} is {value!r}: {allowed}"]


@pytest.mark.parametrize(
    "day",
    [*(np.datetime64("2026-05-01", unit) for unit in ("D", "us", "ns")), pd.Timestamp(2026, 5, 1)],
    ids=repr,
)
def test_days_of_numpy_and_pandas_are_dates(day: Any) -> None:
    assert target(**valued("DAY", day)).item["data"] == {"DAY": "2026-05-01"}


def test_a_moment_is_no_date() -> None:
    moment = datetime(2026, 5, 1, 10, 30)
    assert faults(valued("DAY", moment)) == [f"record 0: DAY is {moment!r}: {DAY}"]


@pytest.mark.parametrize("name", ["WORDS", "WHOLE", "DAY"])
@pytest.mark.parametrize("value", [np.array([1, 2]), pd.Series([1, 2])], ids=["array", "series"])
def test_an_array_is_a_fault_as_any_other(name: str, value: Any) -> None:
    (said,) = faults(valued(name, value))
    assert said.startswith(f"record 0: {name} is ")


@pytest.mark.parametrize(
    "value",
    ["2026-05-01T10:30Z", "2026-05-01 10:30+02:00", datetime(2026, 5, 1, 10, 30, tzinfo=UTC)],
    ids=repr,
)
def test_a_moment_with_a_zone_is_a_fault(value: Any) -> None:
    assert faults(valued("MOMENT", value)) == [f"record 0: MOMENT is {value!r}: {MOMENT}"]


def test_names_are_sent_as_the_study_has_them() -> None:
    assert target(**valued("wHoLe", 7)).item["data"] == {"WHOLE": "7"}
    found = target(formKey="AE", subjectKey="01-001", data={"TERM": "x"})
    assert found.item["data"] == {"Term": "x"}


def test_a_variable_named_twice_is_a_fault() -> None:
    (said,) = faults({"formKey": "VS", "subjectKey": "01-001", "data": {"WHOLE": 1, "whole": 2}})
    assert said.startswith("record 0: whole is 2: ")


# --- what a record means


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"siteName": "Alder"}, "register"),
        ({"siteId": 2}, "register"),
        ({"siteId": "2"}, "register"),
        ({"subjectKey": "01-001"}, "new"),
        ({"subjectId": 5}, "new"),
        ({"subjectOid": "OID-5"}, "new"),
        ({"subjectKey": "01-001", "siteName": "Alder"}, "new"),
        ({"subjectKey": "01-001", "intervalName": "Week 2"}, "scheduled"),
        ({"subjectId": 5, "intervalId": 7}, "scheduled"),
        ({"recordId": 3}, "change"),
        ({"recordOid": "REC-3", "subjectKey": "01-001"}, "change"),
        ({"subjectKey": None, "subjectId": 5, "intervalName": None}, "new"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("form", [{"formKey": "VS"}, {"formId": 1}, {"formId": "1"}], ids=repr)
def test_kinds_of_records(form: dict[str, Any], record: dict[str, Any], kind: str) -> None:
    found = target(**form, **record)
    assert (found.position, found.kind, found.form.form_key) == (0, kind, "VS")
    assert found.item["formKey"] == "VS"
    given = {key: value for key, value in (form | record).items() if value is not None}
    assert found.item == given | {"formKey": "VS", "data": {}}
    assert (found.subject is not None) == any(k.startswith("subject") for k in given)
    assert (found.interval is not None) == any(k.startswith("interval") for k in given)
    assert (found.site is not None) == any(k.startswith("site") for k in given)


S = {"subjectKey": "01-001"}
LONE: list[tuple[Any, list[str]]] = [
    ("x", ["record is 'x': give a dict with a form and data"]),
    (None, ["record is None: give a dict with a form and data"]),
    ({"data": {}, **S}, ["formKey is None: every record needs its form"]),
    ({"formKey": None, "data": {}, **S}, ["formKey is None: every record needs its form"]),
    ({"formKey": "VX", "data": {}, **S}, ["formKey is 'VX': no such form (did you mean 'VS'?)"]),
    ({"formKey": "QQ", "data": {}, **S}, ["formKey is 'QQ': no such form; there are VS, AE, PK"]),
    ({"formId": 9, "data": {}, **S}, ["formId is 9: no such form; there are 1, 2, 3"]),
    ({"formKey": "PK", "data": {}, **S}, ["formKey is 'PK': the form is disabled"]),
    (
        {"formKey": "VS", "formId": 1, "data": {}, **S},
        ["formId is 1: formKey is given as well: one will do"],
    ),
    (
        {"formKey": "VS", "siteName": "Aldr", "data": {}},
        ["siteName is 'Aldr': no such site (did you mean 'Alder'?)"],
    ),
    ({"formKey": "VS", "siteId": 9, "data": {}}, ["siteId is 9: no such site; there are 1, 2"]),
    ({"formKey": "VS", "subjectKey": "9", "data": {}}, ["subjectKey is '9': no such subject"]),
    (
        {"formKey": "VS", "subjectKey": "01-002", "data": {}},
        ["subjectKey is '01-002': no such subject"],
    ),
    ({"formKey": "VS", "subjectId": 6, "data": {}}, ["subjectId is 6: no such subject"]),
    (
        {"formKey": "VS", "intervalName": "Wek 2", "data": {}, **S},
        ["intervalName is 'Wek 2': no such interval (did you mean 'Week 2'?)"],
    ),
    (
        {"formKey": "VS", "intervalId": 8, "data": {}, **S},
        ["intervalId is 8: the interval is disabled"],
    ),
    (
        {"formKey": "AE", "intervalName": "Week 2", "data": {}, **S},
        ["intervalName is 'Week 2': AE is not scheduled there; its forms: VS"],
    ),
    (
        {"formKey": "VS", "data": {}},
        [
            "subjectKey is None: give a site to register a subject, or a subject to write a record "
            "of one"
        ],
    ),
    (
        {"formKey": "VS", "siteId": 1, "intervalName": "Week 2", "data": {}},
        ["intervalName is 'Week 2': an interval needs a subject"],
    ),
    (
        {"formKey": "VS", **S},
        ["data is None: give a dict of variable names and values, empty if need be"],
    ),
    (
        {"formKey": "VS", "data": [1], **S},
        ["data is [1]: give a dict of variable names and values, empty if need be"],
    ),
    (
        {"formKey": "VS", "data": {}, "formkey": "VS", **S},
        [
            "formkey is 'VS': unknown; known are data, formId, formKey, intervalId, intervalName, "
            "recordId, recordOid, siteId, siteName, subjectId, subjectKey, subjectOid"
        ],
    ),
    (
        {"formKey": "VS", "data": {"WHOL": 1}, **S},
        ["WHOL is 1: VS has no such variable (did you mean 'WHOLE'?)"],
    ),
    ({"formKey": "AE", "data": {"Q": 1}, **S}, ["Q is 1: AE has no such variable; there are Term"]),
    ({"formKey": "VS", "data": {"OLD": 1}, **S}, ["OLD is 1: the variable is disabled"]),
    ({"formKey": "VS", "data": {"GONE": 1}, **S}, ["GONE is 1: the variable is disabled"]),
]


@pytest.mark.parametrize(("record", "said"), LONE, ids=[said[0][:40] for _, said in LONE])
def test_each_fault_alone(record: Any, said: list[str]) -> None:
    assert faults(record) == [f"record 0: {each}" for each in said]


def test_every_fault_of_every_record_at_once() -> None:
    records = [record for record, _ in LONE]
    good = {"formKey": "VS", "subjectKey": "01-001", "data": {"WHOLE": 1}}
    expected = [
        f"record {2 * number}: {each}" for number, (_, said) in enumerate(LONE) for each in said
    ]
    assert faults(*(each for record in records for each in (record, good))) == expected


def test_several_faults_of_one_record() -> None:
    record = {
        "formKey": "VS",
        "subjectKey": "nobody",
        "intervalName": "Wek 2",
        "colour": "red",
        "data": {"WHOLE": "x", "DAY": "y", "NOPE": "z", "WORDS": "fine"},
    }
    found = faults(record)
    assert [said.split(" is ")[0] for said in found] == [
        "record 0: colour",
        "record 0: subjectKey",
        "record 0: intervalName",
        "record 0: WHOLE",
        "record 0: DAY",
        "record 0: NOPE",
    ]


def test_the_error_tells_all_of_it() -> None:
    with pytest.raises(RecordsRefused) as caught:
        CHECKER.check([valued("WHOLE", "x"), valued("DAY", 5)])
    error = caught.value
    assert isinstance(error, ImednetError)
    assert isinstance(error, ValueError)
    assert error.faults == [Fault(0, "WHOLE", "x", WHOLE), Fault(1, "DAY", 5, DAY)]
    assert str(error) == (
        "2 faults in the records, nothing was sent:\n"
        f"  record 0: WHOLE is 'x': {WHOLE}\n"
        f"  record 1: DAY is 5: {DAY}"
    )


def test_one_fault_is_no_plural() -> None:
    with pytest.raises(RecordsRefused, match=r"^1 fault in the records, nothing was sent:\n"):
        CHECKER.check([valued("WHOLE", "x")])


def test_many_names_are_cut_short() -> None:
    forms = [Form(form_id=n, form_key=f"FORM{n}") for n in range(15)]
    checker = StudyChecker(forms, [], [], [], [])
    with pytest.raises(RecordsRefused) as caught:
        checker.check([{"formKey": "?", "data": {}}])
    names = ", ".join(f"FORM{n}" for n in range(12))
    assert str(caught.value.faults[0]).endswith(f"no such form; there are {names}, ...")


def test_a_disabled_twin_does_not_hide_the_usable_one() -> None:
    twins = [Interval(interval_id=n, interval_name="Week 2", disabled=n == 1) for n in (1, 2)]
    twins[1].forms = [IntervalForm(form_key="VS")]
    checker = StudyChecker(FORMS, VARIABLES, SITES, twins, SUBJECTS)
    record = {"formKey": "VS", "intervalName": "Week 2", "data": {}, **S}
    assert checker.check([record])[0].interval.interval_id == 2


def test_records_given_are_left_as_they_are() -> None:
    record = valued("wHoLe", 7) | {"siteName": None}
    target(**record)
    assert record == valued("wHoLe", 7) | {"siteName": None}


def test_nothing_to_check_is_fine() -> None:
    assert CHECKER.check([]) == []


# --- read from the study


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
def test_subjects_are_found_however_they_are_named(large: Any, many: bool) -> None:
    rows = [row for row in large.kept("subjects") if not row["deleted"]]
    rows = rows if many else rows[:5]
    names = ("subjectKey", "subjectId", "subjectOid")
    for name in names:
        records = [{"formKey": "CM", name: row[name], "data": {}} for row in rows]
        found = StudyChecker.read(large.sdk, large.key, records).check(records)
        assert [each.subject.subject_id for each in found] == [row["subjectId"] for row in rows]


def test_an_empty_key_beside_an_id(study: Any) -> None:
    record = {"formKey": "CM", "subjectKey": None, "subjectId": 1, "data": {}}
    (found,) = StudyChecker.read(study.sdk, study.key, [record]).check([record])
    assert found.subject.subject_id == 1


def test_a_deleted_subject_is_none(study: Any) -> None:
    key = next(row["subjectKey"] for row in study.kept("subjects") if row["deleted"])
    record = {"formKey": "CM", "subjectKey": key, "data": {}}
    with pytest.raises(RecordsRefused, match=r"no such subject$"):
        StudyChecker.read(study.sdk, study.key, [record]).check([record])
