"""Business logic in CEL (https://cel.dev), evaluated by Google's own library, never by eval.

An expression sees `value` (the answer, null without one), `record` (the record's own
fields by their names in the API, moments as text) and `answers` (the record's answers by
name, as declared, as sent, and in all upper or lower case; null for declared questions
without one). Beside CEL's own functions there are `text.upperAscii()`,
`text.lowerAscii()`, `text.trim()`, `text.replace(old, new)` and
`text.substring(start, end)`.

An expression always ends: loops have a budget, regular expressions are linear (RE2), depth
and length are bounded, and `map`, which alone can multiply a value, may stand in it once.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from functools import lru_cache
from importlib import import_module
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from imednet.errors import ImednetError

__all__ = ["Logic", "LogicError", "LogicUnavailableError"]

#: The longest expression, and the longest text `replace` may make, in characters.
LONGEST, LONGEST_TEXT = 2000, 10_000

_COMPLAINT = re.compile(r"<input>:(-?\d+):(-?\d+): (.*)")
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_MAP = re.compile(r"\bmap\b")
#: What an expression's type makes of a column; anything else is text.
_COLUMNS = {"INT": "Int64", "UINT": "Int64", "DOUBLE": "Float64", "BOOL": "boolean"}


class LogicUnavailableError(ImednetError):
    """A configuration has business logic, and the library for it is not installed."""


class LogicError(ValueError):
    """An expression that is wrong, or has failed on a record.

    `line` and `column` (from 1) tell where; None for a failure on a record, of which the
    library does not tell.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line, self.column = line, column


class Logic:
    """One expression, checked once and run on many records; raises LogicError if it is wrong.

    `column` is the pandas type of what it gives (Int64, Float64, boolean; string for all
    else), `uses_record` and `uses_answers` whether it looks there.

    Example:
        >>> Logic("value == 'Yes' ? 'Y' : 'N'").run("Yes", {}, {})
        'Y'
        >>> Logic("value ==")
        Traceback (most recent call last):
        imednet_workflows.canonical.logic.LogicError: Syntax error: mismatched input '<EOF>' ...
    """

    def __init__(self, source: str) -> None:
        _refuse_excess(source)
        self.source = source
        try:
            self._program = _environment().compile(source)
        except RuntimeError as error:
            raise _placed(str(error)) from None
        self.column = _COLUMNS.get(self._program.return_type().name(), "string")
        self.uses_record = re.search(r"\brecord\b", source) is not None
        self.uses_answers = re.search(r"\banswers\b", source) is not None

    def run(self, value: Any, record: dict[str, Any], answers: dict[str, Any]) -> Any:
        """Return the result as text, a number, a bool or None; raises LogicError on failure."""
        try:
            found = self._program.eval(data={"value": value, "record": record, "answers": answers})
            failed, result = found.type().name() == "ERROR", found.plain_value()
        except (RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise LogicError(_brief(str(error))) from None
        if failed:
            raise LogicError(_brief(str(result)))
        return _plain(result)


def _refuse_excess(source: str) -> None:
    if len(source) > LONGEST:
        raise LogicError(f"{len(source)} characters, {LONGEST} at most", 1, LONGEST + 1)
    maps = [found.start() for found in _MAP.finditer(source)]
    if len(maps) > 1:
        raise LogicError("map may stand in an expression once", *_place(source, maps[1]))
    try:
        source.encode()
    except UnicodeEncodeError as error:
        place = _place(source, error.start)
        raise LogicError("half of a character that takes two", *place) from None


def _place(source: str, offset: int) -> tuple[int, int]:
    """Return line and column, from 1."""
    before = source[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")


def _placed(text: str) -> LogicError:
    """Make the library's first complaint an error that knows its place."""
    found = _COMPLAINT.search(text)
    if found is None:
        return LogicError(_brief(text))
    line, column = int(found[1]), int(found[2])
    return LogicError(_brief(found[3]), line, column) if line > 0 else LogicError(_brief(found[3]))


def _brief(text: str) -> str:
    first = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return first if len(first) <= 200 else f"{first[:197]}..."


def _plain(result: Any) -> Any:
    """Turn a result into a scalar: moments and lists into text."""
    if result is None or isinstance(result, (str, bool, int)):
        return result
    if isinstance(result, float):
        if not math.isfinite(result):
            raise LogicError(f"the result {result} is no finite number")
        return result
    if isinstance(result, datetime):
        return result.isoformat()
    if isinstance(result, (list, dict)):
        return json.dumps(result, ensure_ascii=False, default=str)
    raise LogicError(f"the result is a {type(result).__name__}: make it text with string()")


def _replace(text: str, old: str, new: str) -> str:
    if not old or len(text) + text.count(old) * len(new) > LONGEST_TEXT:
        raise ValueError(f"replace: the result would exceed {LONGEST_TEXT} characters")
    return text.replace(old, new)


def _substring(text: str, start: int, end: int) -> str:
    return text[max(0, start) : max(0, end)]


@lru_cache(maxsize=1)
def _environment() -> Any:
    """Load the library, and declare the names that expressions see; made once."""
    try:
        cel = import_module("cel_expr_python.cel")
    except ImportError as error:
        raise LogicUnavailableError(
            "this configuration has business logic, and the CEL library is not installed: "
            "pip install 'imednet-workflows[logic]'"
        ) from error
    text, number = cel.Type.STRING, cel.Type.INT
    functions = (
        ("upperAscii", [text], lambda given: given.translate(_UPPER)),
        ("lowerAscii", [text], lambda given: given.translate(_LOWER)),
        ("trim", [text], str.strip),
        ("replace", [text, text, text], _replace),
        ("substring", [text, number, number], _substring),
    )
    fields = cel.Type.Map(text, cel.Type.DYN)
    return cel.NewEnv(
        variables={"value": cel.Type.DYN, "record": fields, "answers": fields},
        functions=[
            cel.FunctionDecl(
                name,
                [cel.Overload(f"text_{name}", text, takes, is_member=True, impl=does)],
            )
            for name, takes, does in functions
        ],
    )
