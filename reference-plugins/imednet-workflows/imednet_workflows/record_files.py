"""Files of records to be written: JSON in the API's names, or CSV with a column a variable."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from imednet_workflows.record_checks import KNOWN

__all__ = ["read_records"]


def read_records(path: str) -> list[dict[str, Any]]:
    """Read records from a file ending in .json, .jsonl or .csv, in UTF-8.

    A CSV has the columns that name a record (`formKey`, `siteName`, `subjectKey`,
    `intervalName`, `recordId` ...), spelt so; every other column is a variable. Columns
    are separated by commas, or by semicolons, as some spreadsheets do. An empty cell is
    not sent: it changes nothing. To clear an answer use JSON, and null.

    Raises ValueError for a file of another kind, or one that holds no records, and
    OSError for one that cannot be read.
    """
    kind = Path(path).suffix.lower()
    if kind not in (".csv", ".json", ".jsonl"):
        raise ValueError(f"{path} is neither .json, .jsonl nor .csv: give one of those")
    text = _text(path)
    if kind == ".csv":
        found = _from_csv(text, path)
    elif kind == ".jsonl":
        lines = enumerate(text.split("\n"), 1)
        found = [_json(line, f"{path}, line {n}") for n, line in lines if line.strip()]
    else:
        found = _json(text, path)
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise ValueError(f"{path} holds no list of records: give [{{...}}, {{...}}]")
    if not found:
        raise ValueError(f"{path} holds no records")
    return found


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8: save it so (in Excel as 'CSV UTF-8')") from None


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is no JSON: {error}") from None


def _from_csv(text: str, path: str) -> list[dict[str, Any]]:
    first = text.partition("\n")[0]
    mark = ";" if ";" in first and "," not in first else ","
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    except csv.Error as error:
        raise ValueError(f"{path} is no CSV: {error}") from None
    numbered = [(number, row) for number, row in enumerate(rows, 1) if row]
    if not numbered:
        return []
    header = [name.strip() for name in numbered[0][1]]
    if "" in header or len({name.casefold() for name in header}) < len(header):
        raise ValueError(f"{path} has a column without a name, or two of one name")
    if "data" in header:
        raise ValueError(f"{path} has a column 'data': give each variable a column of its own")
    records = []
    for number, row in numbered[1:]:
        if len(row) > len(header):
            raise ValueError(f"{path}, row {number} has {len(row)} cells for {len(header)} columns")
        cells = {name: cell for name, cell in zip(header, row, strict=False) if cell.strip()}
        record: dict[str, Any] = {name: cells.pop(name) for name in KNOWN & set(cells)}
        if record or cells:
            records.append({**record, "data": cells})
    return records
