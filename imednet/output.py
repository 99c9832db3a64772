"""Rows to text: a table for eyes, CSV for spreadsheets, JSON for programs.

Files are written whole or not at all, readable by their owner only. In CSV no
text can run as a formula.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import IO, Any

from imednet.models.decoding import Model, columns
from imednet.models.values import wire

__all__ = ["FORMATS", "as_json", "cell", "destination", "guarded", "write"]

FORMATS = ("table", "csv", "json", "jsonl")
CELL_WIDTH = 40  # characters, in a table on a terminal
MEMORY = 16 * 1024 * 1024  # bytes of CSV kept in memory before a temporary file is used
Row = Model | dict[str, Any]


def write(rows: Iterable[Row], form: str, out: IO[str]) -> None:
    """Write rows in one of `FORMATS`, or as "detail": a line a field, for one row.

    Table and CSV name columns as Python does and give moments in ISO 8601, UTC;
    JSON has the API's own names and values.
    """
    forms = {"table": _table, "detail": _detail, "csv": _csv, "json": _json, "jsonl": _jsonl}
    forms[form](rows, out)


@contextlib.contextmanager
def destination(path: str | None) -> Iterator[IO[str]]:
    """Give where to write: standard output, or a file that appears once it is whole.

    What is no regular file (a pipe, a device) is written to as it is; a link is
    followed. Raises OSError with the path as it was given.
    """
    if path is None:
        yield sys.stdout
    elif os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8", newline="") as out:  # a folder is refused here
            yield out
    else:
        with _drafted(path) as out:
            yield out


@contextlib.contextmanager
def _drafted(path: str) -> Iterator[IO[str]]:
    target = os.path.realpath(path)
    try:
        handle, draft = tempfile.mkstemp(".part", ".imednet-", os.path.dirname(target))
    except OSError as error:
        raise type(error)(error.errno, error.strerror, path) from None
    try:
        with open(handle, "w", encoding="utf-8", newline="") as out:
            yield out
        os.replace(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def as_json(value: Any) -> Any:
    """Return a row as JSON values with the API's names, as `to_dict` does, only faster."""
    if isinstance(value, Model):
        named = {c.api_name: as_json(getattr(value, c.name)) for c in columns(type(value))}
        return named if value.refuse_unknown else named | value.extra
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return wire(value)


def _json(rows: Iterable[Row], out: IO[str]) -> None:
    mark = "[\n"
    for row in rows:
        out.write(mark + json.dumps(as_json(row), ensure_ascii=False))
        mark = ",\n"
    out.write("[]\n" if mark == "[\n" else "\n]\n")


def _jsonl(rows: Iterable[Row], out: IO[str]) -> None:
    for row in rows:
        out.write(json.dumps(as_json(row), ensure_ascii=False) + "\n")


def cell(value: Any) -> str:
    """Return one value as text: nothing for None or [], moments in ISO 8601, lists as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if value == []:
        return ""
    if isinstance(value, (list, dict, Model)):
        return json.dumps(as_json(value), ensure_ascii=False)
    return str(value)


def guarded(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; numbers stay as they are.

    >>> guarded("=1+1"), guarded("-3.5"), guarded("-see note")
    ("'=1+1", '-3.5', "'-see note")
    """
    if not text or text[0] not in "=+-@\t\r":
        return text
    try:
        float(text)
    except ValueError:
        return "'" + text
    return text


def _cells(row: Row) -> dict[str, Any]:
    """Return a row's fields, then the answers of a record, then what the model does not know."""
    if isinstance(row, dict):
        return dict(row)
    cells = {c.name: getattr(row, c.name) for c in columns(type(row))}
    answers = cells.pop("record_data", None) or {}
    for name, value in [*answers.items(), *row.extra.items()]:
        cells[_free(name, cells)] = value
    return cells


def _free(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name = f"data.{name}"
    return name


def _csv(rows: Iterable[Row], out: IO[str]) -> None:
    """Two passes: which questions there are is known after the last record only."""
    header: dict[str, None] = {}
    with tempfile.SpooledTemporaryFile(MEMORY, "w+", encoding="utf-8", newline="") as spool:
        for row in rows:
            cells = _cells(row)
            header.update(dict.fromkeys(cells))
            texts = {name: guarded(cell(value)) for name, value in cells.items()}
            spool.write(json.dumps(texts) + "\n")
        spool.seek(0)
        writer = csv.writer(out, lineterminator="\n")
        if header:
            writer.writerow(map(guarded, header))
        for line in spool:
            texts = json.loads(line)
            writer.writerow([texts.get(name, "") for name in header])


def _table(rows: Iterable[Row], out: IO[str]) -> None:
    shown = list(rows)
    if not shown:
        print("no rows", file=sys.stderr)
        return
    records = [_fields(row) for row in shown]
    names = [n for n in records[0] if any(record[n] is not None for record in records)]
    lines = [names, *([" ".join(cell(r[n]).split()) for n in names] for r in records)]
    terminal = out.isatty()
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    if terminal:
        widths = [min(width, CELL_WIDTH) for width in widths]
        widths = widths[: _fitting(widths)]
    for line in lines:
        cells = (_cut(text, width) for text, width in zip(line, widths, strict=False))
        out.write("  ".join(cells).rstrip() + "\n")
    left = len(names) - len(widths)
    if left:
        print(f"({left} more columns: use --output csv or json)", file=sys.stderr)


def _detail(rows: Iterable[Row], out: IO[str]) -> None:
    for row in rows:
        cells = {name: cell(value) for name, value in _cells(row).items()}
        width = max(map(len, cells), default=0)
        for name, text in cells.items():
            out.write(f"{name.ljust(width)}  {' '.join(text.split())}".rstrip() + "\n")


def _fields(row: Row) -> dict[str, Any]:
    """Return what a table shows: of a record all but its answers, which would not fit."""
    if isinstance(row, dict):
        return row
    return {c.name: getattr(row, c.name) for c in columns(type(row)) if c.name != "record_data"}


def _fitting(widths: list[int]) -> int:
    room, count = shutil.get_terminal_size().columns, 0
    while count < len(widths) and (room := room - widths[count] - 2) >= -2:
        count += 1
    return max(count, 1)


def _cut(text: str, width: int) -> str:
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)
