"""The filter language: text to conditions.

`a==1;b!=2,c>3` reads as (a is 1 and b is not 2) or (c over 3): `;` binds tighter than `,`.
A value that holds a separator stands in double quotes, with `\\"` and `\\\\` inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from imednet_simulator.columns import ORDERINGS
from imednet_simulator.errors import RefusedError, bad_value

_NAME = re.compile(r"[^\W\d]\w*")
_OPERATOR = re.compile(r"==|!=|<=|>=|=~|<|>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_BARE = re.compile(r"[^;,]+")
_ESCAPED = re.compile(r'\\(["\\])')
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Condition:
    """One comparison, its value still as text."""

    attribute: str
    operator: str
    value: str


def parse(text: str, *, parameter: str = "filter") -> list[list[Condition]]:
    """The alternatives, each a list of conditions that hold together."""
    alternatives: list[list[Condition]] = [[]]
    position = 0
    while True:
        condition, position = _condition(text, position, parameter)
        alternatives[-1].append(condition)
        if position == len(text):
            return alternatives
        if text[position] == ",":
            alternatives.append([])
        position += 1


def parse_questions(text: str) -> list[list[Condition]]:
    """A filter on question values: the same language, but all `;` or all `,`."""
    parameter = "recordDataFilter"
    alternatives = parse(text, parameter=parameter)
    if len(alternatives) > 1 and any(len(together) > 1 for together in alternatives):
        raise bad_value(parameter, text, "A recordDataFilter cannot mix ; and ,")
    return alternatives


def _condition(text: str, start: int, parameter: str) -> tuple[Condition, int]:
    name = _NAME.match(text, start)
    if not name:
        raise _unreadable(parameter, text, start, "an attribute is expected")
    sign = _OPERATOR.match(text, name.end())
    if not sign or (sign.group() == "=~" and parameter == "filter"):
        raise _unreadable(parameter, text, name.end(), f"no operator follows {name.group()}")
    value, end = _value(text, sign.end(), parameter)
    if end < len(text) and text[end] not in ";,":
        raise _unreadable(parameter, text, end, "; or , is expected")
    return Condition(name.group(), sign.group(), value), end


def _value(text: str, start: int, parameter: str) -> tuple[str, int]:
    if text[start : start + 1] == '"':
        quoted = _QUOTED.match(text, start)
        if not quoted:
            raise _unreadable(parameter, text, start, "the quoted value has no proper end")
        return _ESCAPED.sub(r"\1", quoted.group(1)), quoted.end()
    bare = _BARE.match(text, start)
    if not bare or bare.group() != bare.group().strip() or '"' in bare.group():
        raise _unreadable(parameter, text, start, "a value is expected")
    return bare.group(), bare.end()


def _unreadable(parameter: str, text: str, position: int, why: str) -> RefusedError:
    return bad_value(parameter, text, f"Unreadable {parameter} at position {position}: {why}")


def question_test(operator: str, wanted: str) -> Callable[[str | None], bool]:
    """A test of one answer: numbers compare as numbers when both sides are, else texts do."""
    if operator == "=~":
        return lambda answer: answer is not None and wanted in answer
    number = float(wanted) if _NUMBER.fullmatch(wanted) else None
    compare = ORDERINGS.get(operator)

    def sides(answer: str) -> tuple[float, float] | tuple[str, str]:
        if number is not None and _NUMBER.fullmatch(answer):
            return float(answer), number
        return answer, wanted

    def holds(answer: str | None) -> bool:
        if answer is None:
            return operator == "!="
        left, right = sides(answer)
        if compare is not None:
            return bool(compare(left, right))
        return (left == right) is (operator == "==")

    return holds
