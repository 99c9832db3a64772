"""Rows to text: what a format holds, that CSV runs no formula, that files are whole or absent."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet import output
from imednet.models import Keyword, Record, Site, Visit, columns
from imednet.output import FORMATS, as_json, cell, destination, guarded, write

MOMENT = datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
#: A number as spreadsheets read one: what may begin with a sign and needs no guard.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
SITES = [
    Site(study_key="S", site_id=1, site_name="Ōsaka, East", date_created=MOMENT),
    Site(study_key="S", site_id=2, site_name='The "Old" Mill'),
]


def record(number: int, answers: dict[str, Any] | None, **extra: Any) -> Record:
    row = Record(study_key="S", record_id=number, form_key="AE", record_data=answers)
    if extra:
        row.extra = extra
    return row


def written(rows: Any, form: str) -> str:
    out = io.StringIO()
    write(rows, form, out)
    return out.getvalue()


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


# --- one cell ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "", id="none"),
        pytest.param("", "", id="empty"),
        pytest.param("007", "007", id="text"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(7, "7", id="integer"),
        pytest.param(-7, "-7", id="negative"),
        pytest.param(2.5, "2.5", id="number"),
        pytest.param(MOMENT, "2024-05-01T10:30:00Z", id="moment"),
        pytest.param(
            datetime(2024, 5, 1, 12, 30, 0, 5, timezone(timedelta(hours=2))),
            "2024-05-01T10:30:00.000005Z",
            id="moment-elsewhere",
        ),
        pytest.param(date(2024, 5, 1), "2024-05-01", id="date"),
        pytest.param([], "", id="empty-list"),
        pytest.param({}, "{}", id="empty-object"),
        pytest.param(["é", 1, None], '["é", 1, null]', id="list"),
        pytest.param({"a": [True]}, '{"a": [true]}', id="object"),
        pytest.param(
            [Keyword(keyword_name="Late", keyword_id=3, date_added=MOMENT)],
            '[{"keywordName": "Late", "keywordKey": null, "keywordId": 3, '
            '"dateAdded": "2024-05-01 10:30:00"}]',
            id="models",
        ),
    ],
)
def test_cell(value: Any, text: str) -> None:
    assert cell(value) == text


# --- the guard against formulas ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("Headache", "Headache", id="text"),
        pytest.param("a=1", "a=1", id="sign-inside"),
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param('=HYPERLINK("https://x")', '\'=HYPERLINK("https://x")', id="link"),
        pytest.param("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0", id="plus"),
        pytest.param("-2+3", "'-2+3", id="minus"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("\t=1", "'\t=1", id="tab"),
        pytest.param("\r=1", "'\r=1", id="return"),
        pytest.param("-", "'-", id="lone-minus"),
        pytest.param("--1", "'--1", id="two-signs"),
        pytest.param("-3.5", "-3.5", id="negative"),
        pytest.param("+49", "+49", id="signed"),
        pytest.param("-1e-5", "-1e-5", id="exponent"),
        pytest.param("-.5", "-.5", id="no-first-digit"),
        pytest.param("-inf", "'-inf", id="infinity-is-a-name"),
        pytest.param("+nan", "'+nan", id="nan-is-a-name"),
        pytest.param("-1_000", "'-1_000", id="python-only"),
        pytest.param("-\u0661", "'-\u0661", id="digits-of-another-script"),
    ],
)
def test_guarded(text: str, safe: str) -> None:
    assert guarded(text) == safe


signs = st.sampled_from("=+-@\t\r")
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.builds(str.__add__, signs, st.text(st.sampled_from("0123456789.eE+-_ infa=@"), max_size=6)),
)


@given(texts)
def test_no_text_begins_like_a_formula_unless_it_is_a_number(text: str) -> None:
    safe = guarded(text)
    assert safe[:1] not in tuple("=+-@\t\r") or NUMBER.fullmatch(safe)
    assert safe in (text, "'" + text)
    if NUMBER.fullmatch(text):
        assert safe == text


@given(st.dictionaries(texts, texts, min_size=1, max_size=4))
def test_no_cell_of_a_csv_file_begins_like_a_formula(answers: dict[str, str]) -> None:
    for line in csv.reader(io.StringIO(written([record(1, answers)], "csv"), newline="")):
        for text in line:
            assert text[:1] not in tuple("=+-@\t\r") or NUMBER.fullmatch(text)


# --- JSON ----------------------------------------------------------------------------------------


ROWS = [
    *SITES,
    Visit(visit_id=3, due_date=date(2024, 5, 1), date_created=MOMENT),
    record(4, {"AGE": "61", "dateCreated": "x", "empty": None}, newField=[1, {"a": None}]),
    Record(record_id=5, keywords=[Keyword(keyword_id=1, date_added=MOMENT)]),
]


@pytest.mark.parametrize("row", ROWS, ids=["site", "sparse", "dates", "answers", "nested"])
def test_json_is_to_dict(row: Any) -> None:
    assert as_json(row) == row.to_dict()
    assert json.loads(written([row], "json")) == [row.to_dict()]
    assert json.loads(written([row], "jsonl")) == row.to_dict()


def test_json_is_one_array_with_a_row_a_line() -> None:
    rows = [{"a": "é"}, {"a": [1]}]
    assert written(rows, "json") == '[\n{"a": "é"},\n{"a": [1]}\n]\n'
    assert written(rows, "jsonl") == '{"a": "é"}\n{"a": [1]}\n'


@pytest.mark.parametrize(
    ("form", "text"),
    [("table", ""), ("csv", ""), ("json", "[]\n"), ("jsonl", "")],
    ids=FORMATS,
)
def test_no_rows(form: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert written([], form) == text
    assert capsys.readouterr() == ("", "no rows\n" if form == "table" else "")


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("text", ["Zoë", "\U0001f600", "\ud800"], ids=["latin", "emoji", "half"])
def test_json_stays_json_where_the_output_lacks_a_letter(form: str, text: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    write([{"a": text}], form, out)
    out.flush()
    found = json.loads(raw.getvalue())
    assert found == ([{"a": text}] if form == "json" else {"a": text})


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_keeps_half_a_surrogate_pair_in_a_file(form: str, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    with destination(str(path)) as out:
        write([{"a": "\ud800"}], form, out)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found == ([{"a": "\ud800"}] if form == "json" else {"a": "\ud800"})


# --- CSV -----------------------------------------------------------------------------------------


def test_csv_has_the_fields_then_a_column_a_question() -> None:
    rows = [record(1, {"AGE": "61", "SEX": "F"}), record(2, None), record(3, {"RACE": "x"})]
    text = written(rows, "csv")
    fields = [name for name in Record.names() if name not in ("record_data", "extra")]
    assert next(csv.reader([text.split("\n")[0]])) == [*fields, "AGE", "SEX", "RACE"]
    found = parsed(text)
    assert [row["record_id"] for row in found] == ["1", "2", "3"]
    questions = [(row["AGE"], row["SEX"], row["RACE"]) for row in found]
    assert questions == [("61", "F", ""), ("", "", ""), ("", "", "x")]


def test_csv_quotes_what_would_break_a_line() -> None:
    answers = {"a,b": 'say "no"', "two\nlines": "x\r\ny", "blank": " x "}
    (row,) = parsed(written([record(1, answers)], "csv"))
    assert {name: row[name] for name in answers} == answers


def test_csv_keeps_questions_apart_from_fields_of_the_same_name() -> None:
    (row,) = parsed(written([record(7, {"record_id": "a", "form_key": "b"})], "csv"))
    assert (row["record_id"], row["form_key"]) == ("7", "AE")
    assert (row["data.record_id"], row["data.form_key"]) == ("a", "b")


def test_csv_keeps_apart_what_three_times_has_one_name() -> None:
    answers = {"record_id": "a", "data.record_id": "b"}
    (row,) = parsed(written([record(7, answers, record_id="c")], "csv"))
    assert row["record_id"] == "7"
    assert sorted(text for text in row.values() if text in ("a", "b", "c")) == ["a", "b", "c"]


def test_csv_puts_one_question_into_one_column_whatever_else_a_record_holds() -> None:
    rows = [record(1, {"record_id": "a"}), record(2, {"data.record_id": "b"})]
    header, first, second = csv.reader(io.StringIO(written(rows, "csv")))
    assert header[first.index("a")] != header[second.index("b")]


def test_csv_puts_an_unknown_field_and_a_question_of_its_name_into_columns_of_their_own() -> None:
    rows = [record(1, {}, AGE="field"), record(2, {"AGE": "answer"})]
    header, first, second = csv.reader(io.StringIO(written(rows, "csv")))
    assert header[first.index("field")] != header[second.index("answer")]


def test_csv_shows_fields_that_the_model_does_not_know() -> None:
    row = Site(site_id=1)
    row.extra = {"newField": {"a": 1}}
    (found,) = parsed(written([row], "csv"))
    assert (found["site_id"], found["newField"]) == ("1", '{"a": 1}')


def test_csv_guards_names_of_columns_too() -> None:
    (row,) = parsed(written([record(1, {"=1+1": "x"})], "csv"))
    assert row["'=1+1"] == "x"


def test_csv_of_no_rows_has_a_header_where_the_fields_are_known() -> None:
    out = io.StringIO()
    write([], "csv", out, [column.name for column in columns(Keyword)])
    assert out.getvalue().rstrip() == "keyword_name,keyword_key,keyword_id,date_added"


@pytest.mark.parametrize("text", ["x\r=1+1", "\r", "x\n=1+1", "\r\n"], ids=ascii)
def test_csv_keeps_a_line_end_in_its_cell(text: str) -> None:
    """Unquoted, it would begin a new row, and with it a formula."""
    raw = written([record(1, {"Q": text, "R": "end"})], "csv")
    header, row = csv.reader(io.StringIO(raw, newline=""))
    assert row[-2:] == [guarded(text), "end"]
    assert len(header) == len(row)


def test_csv_larger_than_its_memory_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [record(n, {f"Q{n % 7}": "é" * n}) for n in range(40)]
    whole = written(rows, "csv")
    monkeypatch.setattr(output, "MEMORY", 100)
    assert written(rows, "csv") == whole


# --- the table -----------------------------------------------------------------------------------


def test_table_aligns_columns_and_leaves_out_those_without_a_value() -> None:
    assert written(SITES, "table") == (
        "study_key  site_id  site_name       date_created\n"
        "S          1        Ōsaka, East     2024-05-01T10:30:00Z\n"
        'S          2        The "Old" Mill\n'
    )


def test_table_leaves_out_answers() -> None:
    assert written([record(1, {"AGE": "61"})], "table") == (
        "study_key  form_key  record_id\nS          AE        1\n"
    )


def test_table_puts_a_row_on_one_line() -> None:
    assert written([{"a": "x\ny\t z"}], "table") == "a\nx y z\n"


def test_table_of_rows_with_different_keys_has_all_columns() -> None:
    assert written([{"a": 1, "b": None}, {"a": 2, "c": "x"}], "table") == "a  c\n1\n2  x\n"


def test_table_sends_no_control_characters_to_a_terminal() -> None:
    out = Terminal()
    write([{"a": "\x1b[2Jgone\x07\x9b1m"}], "table", out)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", out.getvalue())
    assert "gone" in out.getvalue()


def test_table_on_a_terminal_cuts_cells_and_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = Terminal()
    write([{"a": "x" * 50, "b": "y" * 18, "c": "z", "d": "z"}], "table", out)
    assert out.getvalue() == f"a{' ' * 41}b\n{'x' * 39}…  {'y' * 18}\n"
    assert capsys.readouterr().err == "(2 more columns: use --output csv or json)\n"


def test_table_off_a_terminal_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    row = {"a": "x" * 50, "b": "y" * 40}
    assert written([row], "table").split("\n")[1] == f"{row['a']}  {row['b']}"


def test_wide_table_on_a_terminal_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = Terminal()
    write([{"a": "x" * 50, "b": "y" * 40}], "wide", out)
    assert out.getvalue().split("\n")[1] == f"{'x' * 50}  {'y' * 40}"


def test_detail_has_a_line_a_field_answers_and_unknown_fields_too() -> None:
    row = record(7, {"AGE": "61", "record_id": "x\ny"}, newField=1)
    lines = [line.split(None, 1) for line in written([row], "detail").splitlines()]
    found = {line[0]: line[1] for line in lines if len(line) == 2}
    assert found == {
        "study_key": "S",
        "record_id": "7",
        "form_key": "AE",
        "AGE": "61",
        "data.record_id": "x y",
        "newField": "1",
    }
    assert [line[0] for line in lines][-3:] == ["AGE", "data.record_id", "newField"]


def test_detail_sends_no_control_characters() -> None:
    assert written([{"a": "\x1b[2Jgone"}], "detail") == "a  ?[2Jgone\n"


# --- where it goes -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [None, "-"], ids=["none", "dash"])
def test_no_path_is_standard_output(path: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    with destination(path) as out:
        out.write("x")
    assert capsys.readouterr().out == "x"


def test_a_file_appears_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with destination(str(path)) as out:
        out.write("é\n")
        assert not path.exists()
    assert path.read_bytes() == b"\xc3\xa9\n"
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("older")
    path.chmod(0o644)
    with destination(str(path)) as out:
        out.write("x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_a_failure_leaves_an_older_file_and_no_draft(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "out.csv"
    path.write_text("older")

    def fail_half_way() -> None:
        with destination(str(path)) as out:
            out.write("newer")
            raise error

    with pytest.raises(type(error)):
        fail_half_way()
    assert path.read_text() == "older"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_a_file_that_cannot_be_replaced_is_told_by_its_name_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"

    def become_a_folder() -> None:
        with destination(str(path)) as out:
            out.write("x")
            path.mkdir()

    with pytest.raises(OSError, match=r"out\.csv") as caught:
        become_a_folder()
    assert (caught.value.filename, caught.value.filename2) == (str(path), None)
    assert ".part" not in str(caught.value)
    assert os.listdir(tmp_path) == ["out.csv"]


def test_a_file_that_another_program_holds_names_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.csv"
    path.write_text("older")

    def held(draft: str, target: str) -> None:  # as Windows answers
        raise PermissionError(13, "Access is denied", draft, None, target)

    def write() -> None:
        with destination(str(path)) as out:
            out.write("newer")

    monkeypatch.setattr(os, "replace", held)
    with pytest.raises(PermissionError) as caught:
        write()
    assert str(caught.value) == (
        "[Errno 13] Access is denied (close it where it is open, make it writable, or give "
        f"another file): {str(path)!r}"
    )
    assert path.read_text() == "older"
    assert os.listdir(tmp_path) == ["out.csv"]
