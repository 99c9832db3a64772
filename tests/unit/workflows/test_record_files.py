"""Files of records: JSON, JSON lines and CSV, read as they were written, or refused."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet_workflows.record_checks import KNOWN
from imednet_workflows.record_files import read_records

RECORD = {"formKey": "VS", "subjectKey": "03-010", "data": {"PULSE": 72, "NOTE": None}}
OTHER = {"formKey": "CM", "siteId": 3, "data": {"CMTRT": "Größe „x“"}}
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """A function that reads records from a file with this content."""

    def made(content: str | bytes, name: str = "records.csv") -> list[dict[str, Any]]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_records(str(path))

    return made


def refusal(read: Any, content: str | bytes, name: str = "records.csv") -> str:
    """What is said of a file that is no records, which names the file."""
    with pytest.raises(ValueError, match=re.escape(name)) as caught:
        read(content, name)
    return str(caught.value)


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [b"", BOM], ids=["plain", "bom"])
@pytest.mark.parametrize("name", ["r.json", "R.JSON", "a.csv.json"])
@pytest.mark.parametrize("indent", [None, 2], ids=["one-line", "indented"])
def test_json_is_a_list_of_records(read: Any, indent: int | None, name: str, start: bytes) -> None:
    text = json.dumps([RECORD, OTHER], ensure_ascii=False, indent=indent)
    assert read(start + text.encode(), name) == [RECORD, OTHER]


@pytest.mark.parametrize("start", [b"", BOM], ids=["plain", "bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n  \n"], ids=["lf", "crlf", "blank-lines"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "unended"])
def test_jsonl_is_a_record_a_line(read: Any, end: str, last: bool, start: bytes) -> None:
    lines = [json.dumps(RECORD), json.dumps(OTHER, ensure_ascii=False)]
    text = end.join(lines) + (end if last else "")
    assert read(start + text.encode(), "r.jsonl") == [RECORD, OTHER]


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x7f"], ids=ascii)
@pytest.mark.parametrize("name", ["r.json", "r.jsonl"])
def test_json_text_may_hold_any_letter(read: Any, name: str, mark: str) -> None:
    record = {"formKey": "CM", "data": {"CMTRT": f"a{mark}b"}}
    text = json.dumps(record, ensure_ascii=False)
    assert read(f"[{text}]" if name == "r.json" else text, name) == [record]


@pytest.mark.parametrize(
    "text",
    ["{}", '"text"', "7", "null", "[1]", "[null]", '[{"formKey": "VS"}, []]'],
)
def test_json_of_another_shape_is_refused(read: Any, text: str) -> None:
    assert "holds no list of records" in refusal(read, text, "r.json")


@pytest.mark.parametrize("line", ["7", "[]", '"text"', "null", '[{"formKey": "VS"}]'])
def test_a_line_that_is_no_record_is_refused(read: Any, line: str) -> None:
    refusal(read, f"{json.dumps(RECORD)}\n{line}\n", "r.jsonl")


@pytest.mark.parametrize(
    "text",
    ["nope", "[{]", "[{}", '[{"a": 1,}]', "formKey,PULSE\nVS,1\n", "[" * 10**5],
    ids=lambda t: t[:9],
)
def test_broken_json_is_refused(read: Any, text: str) -> None:
    assert "is no JSON" in refusal(read, text, "r.json")


def test_a_broken_line_is_told_by_its_number(read: Any) -> None:
    text = f"{json.dumps(RECORD)}\n\n{json.dumps(OTHER)[:-1]}\n"
    assert "r.jsonl, line 3 is no JSON" in refusal(read, text, "r.jsonl")


# --- CSV -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [b"", BOM], ids=["plain", "bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "unended"])
def test_csv_has_a_column_a_variable(read: Any, end: str, last: bool, start: bytes) -> None:
    lines = ["formKey,subjectKey,PULSE,TEMP", "VS,03-010,72,36.9", "VS,03-011,,Größe"]
    content = start + (end.join(lines) + (end if last else "")).encode()
    assert read(content) == [
        {"formKey": "VS", "subjectKey": "03-010", "data": {"PULSE": "72", "TEMP": "36.9"}},
        {"formKey": "VS", "subjectKey": "03-011", "data": {"TEMP": "Größe"}},
    ]


@pytest.mark.parametrize("name", sorted(KNOWN - {"data"}))
def test_columns_that_name_a_record(read: Any, name: str) -> None:
    assert read(f"PULSE,{name}\n72,1\n") == [{name: "1", "data": {"PULSE": "72"}}]


@pytest.mark.parametrize("name", ["formkey", "form_key", "FORMKEY", "Subject Key"])
def test_columns_spelt_otherwise_are_variables(read: Any, name: str) -> None:
    assert read(f"{name}\n1\n") == [{"data": {name: "1"}}]


def test_a_column_called_data_is_not_swallowed(read: Any) -> None:
    text = "formKey,data\nVS,hello\n"
    try:
        found = read(text)
    except ValueError:
        assert "data" in refusal(read, text)
    else:
        assert found == [{"formKey": "VS", "data": {"data": "hello"}}]


def test_names_of_columns_are_stripped_and_values_are_not(read: Any) -> None:
    assert read(" formKey , PULSE \nVS, 72 \n") == [{"formKey": "VS", "data": {"PULSE": " 72 "}}]


@pytest.mark.parametrize("blank", ["", " ", '""', '"  "', "\t"], ids=repr)
def test_a_blank_cell_is_not_sent(read: Any, blank: str) -> None:
    text = f"formKey,intervalName,PULSE,TEMP\nVS,{blank},{blank},37\n"
    assert read(text) == [{"formKey": "VS", "data": {"TEMP": "37"}}]


def test_a_row_that_is_short_lacks_its_last_cells(read: Any) -> None:
    assert read("formKey,PULSE,TEMP\nVS\nVS,72\n") == [
        {"formKey": "VS", "data": {}},
        {"formKey": "VS", "data": {"PULSE": "72"}},
    ]


@pytest.mark.parametrize("row", ["", ",", " , ,"], ids=["nothing", "commas", "spaces"])
def test_a_row_of_nothing_is_no_record(read: Any, row: str) -> None:
    assert read(f"formKey,PULSE,TEMP\n{row}\nVS,72,\n{row}\n") == [
        {"formKey": "VS", "data": {"PULSE": "72"}}
    ]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"a,b"', "a,b"),
        ('"say ""no"""', 'say "no"'),
        ('"two\nlines"', "two\nlines"),
        ('"two\r\nlines"', "two\r\nlines"),
        ('"two\rlines"', "two\rlines"),
        ('"\n"', None),
        ("None", "None"),
        ("007", "007"),
        ("=1+1", "=1+1"),
        ("a\u2028b", "a\u2028b"),
        ("a\x85b", "a\x85b"),
        ("a\x0bb\x0cb", "a\x0bb\x0cb"),
    ],
    ids=ascii,
)
def test_a_cell_holds_what_is_written(read: Any, cell: str, value: str | None) -> None:
    data = {"TEMP": "1"} if value is None else {"NOTE": value, "TEMP": "1"}
    found = read(f"formKey,NOTE,TEMP\r\nCM,{cell},1\r\nCM,,2\r\n")
    assert found == [{"formKey": "CM", "data": data}, {"formKey": "CM", "data": {"TEMP": "2"}}]


@pytest.mark.parametrize("header", ["A,A", "A,a", "A, A ", "formKey,FormKey,X"])
def test_two_columns_of_one_name_are_refused(read: Any, header: str) -> None:
    assert "two of one name" in refusal(read, f"{header}\n1,2\n")


@pytest.mark.parametrize("header", ["A,", ",A", "A,,B", "A, ,B", ""], ids=repr)
def test_a_column_without_a_name_is_refused(read: Any, header: str) -> None:
    refusal(read, f"{header}\n1,2,3\n")


@pytest.mark.parametrize("extra", [",3", ",", ",,,"], ids=["value", "blank", "blanks"])
def test_a_row_of_too_many_cells_is_told_by_its_number(read: Any, extra: str) -> None:
    cells = 2 + extra.count(",")
    said = refusal(read, f"A,B\n1,2\n1,2{extra}\n")
    assert f"records.csv, row 3 has {cells} cells for 2 columns" in said


@pytest.mark.parametrize("text", ["A,B\n\n1,2\n1,2,3\n", "A,B\n,\n\n1,2,3\n"], ids=["one", "two"])
def test_blank_rows_count(read: Any, text: str) -> None:
    assert "row 4 has 3 cells" in refusal(read, text)


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_semicolons_may_separate(read: Any, end: str) -> None:
    lines = ["formKey;PULSE;NOTE", 'VS;72;"a;b, c"', "VS;72,5;d"]
    assert read(end.join(lines)) == [
        {"formKey": "VS", "data": {"PULSE": "72", "NOTE": "a;b, c"}},
        {"formKey": "VS", "data": {"PULSE": "72,5", "NOTE": "d"}},
    ]


def test_semicolons_in_values_separate_nothing(read: Any) -> None:
    assert read("formKey,NOTE\nCM,a;b\n") == [{"formKey": "CM", "data": {"NOTE": "a;b"}}]
    assert read("CMTRT\na;b\n") == [{"data": {"CMTRT": "a;b"}}]


def test_a_quote_that_is_never_closed_swallows_no_rows(read: Any) -> None:
    refusal(read, 'formKey,NOTE\nCM,"half\nCM,second\nCM,third\n')


def test_a_very_long_cell_is_read_or_refused(read: Any) -> None:
    text = f"formKey,NOTE\nCM,{'x' * 200_000}\n"
    try:
        found = read(text)
    except ValueError:
        refusal(read, text)
    else:
        assert found == [{"formKey": "CM", "data": {"NOTE": "x" * 200_000}}]


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["r.xlsx", "r.txt", "r", ".csv", "csv", "r.csv.gz"])
def test_a_file_of_another_kind_is_refused(read: Any, name: str) -> None:
    assert "neither .json, .jsonl nor .csv" in refusal(read, "formKey\nVS\n", name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", ""),
        ("r.csv", "formKey,PULSE\n"),
        ("r.csv", "formKey,PULSE\n,\n"),
        ("r.json", "[]"),
        ("r.jsonl", ""),
        ("r.jsonl", "\n \n"),
    ],
    ids=["csv-empty", "csv-header", "csv-blank", "json", "jsonl-empty", "jsonl-blank"],
)
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "bom"])
def test_a_file_of_no_records_is_refused(read: Any, name: str, content: str, start: str) -> None:
    assert "holds no records" in refusal(read, start + content, name)


def test_an_empty_json_file_is_no_json(read: Any) -> None:
    assert "is no JSON" in refusal(read, "", "r.json")


@pytest.mark.parametrize("name", ["r.csv", "r.json", "r.jsonl"])
@pytest.mark.parametrize("code", ["latin-1", "utf-16"])
def test_a_file_in_another_encoding_is_told_by_name(read: Any, name: str, code: str) -> None:
    texts = {"r.csv": "formKey,CMTRT\nCM,Bläh\n", "r.json": '[{"data": {"CMTRT": "Bläh"}}]'}
    refusal(read, texts.get(name, '{"data": {"CMTRT": "Bläh"}}').encode(code), name)


@pytest.mark.parametrize("name", ["r.csv", "r.json", "r.jsonl"])
def test_a_folder_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=re.escape(name)):
        read_records(str(tmp_path / name))


@pytest.mark.parametrize("name", ["r.csv", "r.json", "r.jsonl"])
def test_a_file_that_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        read_records(str(tmp_path / name))


# --- what is written is read ---------------------------------------------------------------------

names = st.from_regex(r"[A-Z][A-Z0-9_]{0,7}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
headers = st.lists(names, min_size=1, max_size=4, unique=True).flatmap(
    lambda variables: st.permutations(["formKey", "recordId", *variables])
)
sheets = headers.flatmap(
    lambda header: st.tuples(
        st.just(header),
        st.lists(st.lists(texts, min_size=len(header), max_size=len(header)), max_size=4),
    )
)
answers = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
records = st.lists(
    st.fixed_dictionaries({"formKey": names, "data": st.dictionaries(names, answers, max_size=3)}),
    min_size=1,
    max_size=4,
)


@given(sheets)
def test_what_a_csv_writer_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, sheet: tuple[list[str], list[list[str]]]
) -> None:
    header, rows = sheet
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    expected = []
    for row in rows:
        cells = {name: cell for name, cell in zip(header, row, strict=True) if cell.strip()}
        named = {name: cells.pop(name) for name in ("formKey", "recordId") if name in cells}
        if named or cells:
            expected.append({**named, "data": cells})
    if expected:
        assert read_records(str(path)) == expected
    else:
        with pytest.raises(ValueError, match="holds no records"):
            read_records(str(path))


@given(records, st.booleans(), st.sampled_from(["r.json", "r.jsonl"]))
def test_what_is_dumped_as_json_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[dict[str, Any]],
    escaped: bool,
    name: str,
) -> None:
    lines = [json.dumps(record, ensure_ascii=escaped) for record in written]
    text = "\n".join(lines) if name == "r.jsonl" else f"[{','.join(lines)}]"
    path = tmp_path_factory.getbasetemp() / name
    path.write_text(text, encoding="utf-8", newline="")
    assert read_records(str(path)) == written
