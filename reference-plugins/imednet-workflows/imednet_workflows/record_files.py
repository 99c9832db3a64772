"""Files of records to be written: JSON in the API's names, or CSV with a column a variable."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from imednet_workflows.record_checks import KNOWN

__all__ = ["read_records"]


def read_records(path: str) -> list[dict[str, Any]]:
    """Read records from a file ending in .json, .jsonl or .csv.

    A CSV has the columns that name a record (`formKey`, `siteName`, `subjectKey`,
    `intervalName`, `recordId` ...), spelt so; every other column is a variable. An
    empty cell is not sent: it changes nothing. To clear an answer use JSON, and null.

    Raises ValueError for a file of another kind, or one that holds no records.
    """
    file = Path(path)
    kind = file.suffix.lower()
    text = file.read_text("utf-8-sig")
    if kind == ".csv":
        found = _from_csv(text, path)
    elif kind == ".jsonl":
        found = [_json(line, f"{path}, line {n}") for n, line in _lines(text)]
    elif kind == ".json":
        found = _json(text, path)
    else:
        raise ValueError(f"{path} is neither .json, .jsonl nor .csv: give one of those")
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise ValueError(f"{path} holds no list of records: give [{{...}}, {{...}}]")
    if not found:
        raise ValueError(f"{path} holds no records")
    return found


def _lines(text: str) -> list[tuple[int, str]]:
    return [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{where} is no JSON: {error}") from None


def _from_csv(text: str, path: str) -> list[dict[str, Any]]:
    rows = list(csv.reader(text.splitlines(keepends=True)))
    if not rows:
        return []
    header = [name.strip() for name in rows[0]]
    if "" in header or len({name.casefold() for name in header}) < len(header):
        raise ValueError(f"{path} has a column without a name, or two of one name")
    records = []
    for number, row in enumerate(rows[1:], 2):
        if len(row) > len(header):
            raise ValueError(f"{path}, row {number} has {len(row)} cells for {len(header)} columns")
        cells = {name: text for name, text in zip(header, row, strict=False) if text.strip()}
        record: dict[str, Any] = {name: cells.pop(name) for name in KNOWN & set(cells)}
        if record or cells:
            records.append({**record, "data": cells})
    return records
