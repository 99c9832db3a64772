"""Rows to text: a table for eyes, CSV for spreadsheets, JSON for programs.

Files are written whole or not at all, readable by their owner only. In CSV no
text can run as a formula, in a table none can steer the terminal.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import IO, Any

from imednet.models.decoding import Model, columns
from imednet.models.values import wire

__all__ = ["FORMATS", "as_json", "cell", "destination", "guarded", "is_row", "one_line", "write"]

#: What rows can be written as.
FORMATS = ("table", "csv", "json", "jsonl")
CELL_WIDTH = 40  # characters, in a table on a terminal
MEMORY = 16 * 1024 * 1024  # bytes of CSV kept in memory before a temporary file is used
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
Row = Model | dict[str, Any]
Key = tuple[str, str]  # where a value stands ("" a field, "data" an answer, "extra"), and its name


def write(rows: Iterable[Row], form: str, out: IO[str], names: Iterable[str] = ()) -> None:
    """Write rows in one of `FORMATS`, as a "wide" table, or as "detail" (a line a field).

    Table and CSV name columns as Python does and give moments in ISO 8601, UTC;
    JSON has the API's own names and values. `names` are columns that a CSV has in any
    case, first and also where there are no rows.
    """
    if form == "csv":
        _csv(rows, out, names)
    elif form in ("table", "wide"):
        _table(rows, out, fitted=form == "table" and out.isatty())
    else:
        {"detail": _detail, "json": _json, "jsonl": _jsonl}[form](rows, out)


def is_row(value: Any) -> bool:
    """Tell whether `write` can write it."""
    return isinstance(value, (Model, dict))


# --- files -------------------------------------------------------------------------------------


@contextlib.contextmanager
def destination(path: str | None) -> Iterator[IO[str]]:
    """Give where to write: a file that appears once it is whole, or standard output.

    None and "-" are standard output. What is no regular file (a pipe, a device) is
    written to as it is; a link is followed. Raises OSError with the path as given.
    """
    if path is None or path == "-":
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
    # Not by tempfile: on Windows it may try for ever where the folder cannot be written.
    draft = os.path.join(os.path.dirname(target), f".imednet-{os.urandom(8).hex()}.part")
    try:
        if os.path.exists(target):
            open(target, "ab").close()  # refused now, not after a long list, if it is held
        out = open(  # noqa: SIM115  (closed below)
            draft, "x", encoding="utf-8", errors="backslashreplace", newline="", opener=_owners
        )
    except OSError as error:
        raise _told(error, path) from None
    try:
        with out:
            yield out
        _replace(draft, target, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def _owners(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _replace(draft: str, target: str, path: str) -> None:
    try:
        os.replace(draft, target)
    except OSError as error:
        raise _told(error, path) from None


def _told(error: OSError, path: str) -> OSError:
    """Return an error with the path as given, and the cure where the file itself is the matter."""
    why = error.strerror or str(error)
    if isinstance(error, PermissionError) and os.path.exists(path):
        why += " (close it where it is open, make it writable, or give another file)"
    return type(error)(error.errno, why, path)


# --- JSON --------------------------------------------------------------------------------------


def as_json(value: Any) -> Any:
    """Return a row as JSON values with the API's names, as `to_dict` does, only faster."""
    if isinstance(value, Model):
        named = {c.api_name: as_json(getattr(value, c.name)) for c in columns(type(value))}
        return named if value.refuse_unknown else named | value.extra
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return wire(value)


def _dumped(row: Row, out: Any) -> str:
    """Return JSON text that `out` can carry: escaped where its encoding lacks a letter."""
    plain = {k: as_json(v) for k, v in row.items()} if isinstance(row, dict) else as_json(row)
    text = json.dumps(plain, ensure_ascii=False, default=str)
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(plain, default=str)
    return text


def _json(rows: Iterable[Row], out: IO[str]) -> None:
    mark = "[\n"
    for row in rows:
        out.write(mark + _dumped(row, out))
        mark = ",\n"
    out.write("[]\n" if mark == "[\n" else "\n]\n")


def _jsonl(rows: Iterable[Row], out: IO[str]) -> None:
    for row in rows:
        out.write(_dumped(row, out) + "\n")


# --- cells -------------------------------------------------------------------------------------


def cell(value: Any) -> str:
    """Return one value as text: nothing for None or [], moments in ISO 8601, lists as JSON."""
    if value is None or value == []:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.isoformat()  # as entered somewhere: no zone to tell
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, dict, Model)):
        return json.dumps(as_json(value), ensure_ascii=False, default=str)
    return str(value)


def guarded(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; numbers stay as they are.

    >>> guarded("=1+1"), guarded("-3.5"), guarded("-see note")
    ("'=1+1", '-3.5', "'-see note")
    """
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    if text[:1] in ("\t", "\r") or (first and first in "=+-@" and not NUMBER.fullmatch(text)):
        return "'" + text
    return text


def one_line(text: str) -> str:
    """Return text as one line without control characters, which could steer a terminal."""
    return CONTROLS.sub("?", " ".join(text.split()))


def _cells(row: Row) -> dict[Key, Any]:
    """Return a row's fields, then a record's answers, then what its model does not know."""
    if isinstance(row, dict):
        return {("", str(name)): value for name, value in row.items()}
    cells: dict[Key, Any] = {("", c.name): getattr(row, c.name) for c in columns(type(row))}
    answers = cells.pop(("", "record_data"), None) or {}
    cells |= {("data", name): value for name, value in answers.items()}
    return cells | {("extra", name): value for name, value in row.extra.items()}


def _named(keys: Iterable[Key]) -> list[str]:
    """Name columns: an answer that is called like a field is `data.NAME`, and so on."""
    names: dict[str, None] = {}
    for place, name in sorted(keys, key=lambda key: key[0] != ""):
        while name in names:
            name = f"{place or 'field'}.{name}"
        names[name] = None
    return list(names)


# --- CSV and tables ----------------------------------------------------------------------------


class _Lines:
    r"""Rows that end in \n, of a writer that ends them in \r\n: else it quotes no lone \r."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def write(self, row: str) -> int:
        return self._out.write(row.removesuffix("\r\n") + "\n")


def _csv(rows: Iterable[Row], out: IO[str], names: Iterable[str]) -> None:
    """Two passes: which questions there are is known after the last record only."""
    keys: dict[Key, None] = dict.fromkeys(("", name) for name in names)
    with tempfile.SpooledTemporaryFile(MEMORY, "w+", encoding="utf-8", newline="") as spool:
        for row in rows:
            cells = _cells(row)
            keys.update(dict.fromkeys(cells))
            spool.write(json.dumps([[*key, guarded(cell(v))] for key, v in cells.items()]) + "\n")
        spool.seek(0)
        writer = csv.writer(_Lines(out), lineterminator="\r\n")
        ordered = sorted(keys, key=lambda key: key[0] != "")
        if ordered:
            writer.writerow(map(guarded, _named(ordered)))
        for line in spool:
            texts = {(place, name): text for place, name, text in json.loads(line)}
            writer.writerow([texts.get(key, "") for key in ordered])


def _table(rows: Iterable[Row], out: IO[str], fitted: bool) -> None:
    """Write aligned columns, without those that are empty throughout; of records no answers."""
    cells = [{key: v for key, v in _cells(row).items() if key[0] != "data"} for row in rows]
    keys = dict.fromkeys(key for row in cells for key in row)
    shown = [key for key in keys if any(cell(row.get(key)) for row in cells)]
    if not cells:
        print("no rows", file=sys.stderr)
        return
    lines = [_named(shown), *([one_line(cell(row.get(key))) for key in shown] for row in cells)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if fitted:
        widths = [min(width, CELL_WIDTH) for width in widths]
        widths = widths[: _fitting(widths)]
    for line in lines:
        texts = (_cut(text, width) for text, width in zip(line, widths, strict=False))
        out.write("  ".join(texts).rstrip() + "\n")
    if len(widths) < len(shown):
        left = len(shown) - len(widths)
        print(f"({left} more columns: use --output csv or json)", file=sys.stderr)


def _fitting(widths: list[int]) -> int:
    room, count = shutil.get_terminal_size().columns, 0
    while count < len(widths) and (room := room - widths[count] - 2) >= -2:
        count += 1
    return max(count, 1)


def _cut(text: str, width: int) -> str:
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)


def _detail(rows: Iterable[Row], out: IO[str]) -> None:
    for row in rows:
        cells = _cells(row)
        names = _named(cells)
        width = max(map(len, names), default=0)
        for name, value in zip(names, cells.values(), strict=True):
            out.write(f"{name.ljust(width)}  {one_line(cell(value))}".rstrip() + "\n")
