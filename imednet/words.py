"""The words of a command line, held against a command's signature before anything runs.

fire runs a command first and complains of leftover words afterwards, takes `7`
and `None` for Python, lets the last of two equal flags win, and has flags of its
own behind `--`. So every word is accounted for here, by the same signature that
fire reads, and fire is given each as `--name=value`.
"""

from __future__ import annotations

import difflib
import inspect
import types
from collections.abc import Callable, Iterable
from typing import Any, Union, get_args, get_origin

from imednet.commands import Usage

__all__ = ["arguments", "dashed", "signature", "suggestion"]


def arguments(command: Callable[..., Any], words: list[str], name: str) -> dict[str, Any]:
    """Return a command's arguments by name, coerced by annotation.

    Words that fill a `*args` parameter are returned under its name, as a list.
    Raises Usage, which says what is wrong with the line and where to look.
    """
    line = _Line(signature(command), name)
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and word != "-":
            line.flag(word, rest)
        else:
            line.word(word)
    return line.whole()


def signature(command: Callable[..., Any]) -> inspect.Signature:
    """Return a command's signature, its annotations evaluated where all of them can be."""
    try:
        return inspect.signature(command, eval_str=True)
    except Exception:  # one may name what is imported for type checkers only
        return inspect.signature(command)


class _Line:
    def __init__(self, signature: inspect.Signature, name: str) -> None:
        self._name = name
        self._found: dict[str, Any] = {}
        kinds = inspect.Parameter
        self._parameters = {
            n: p for n, p in signature.parameters.items() if p.kind not in _VARIABLE
        }
        self._words = [n for n, p in self._parameters.items() if p.kind is not kinds.KEYWORD_ONLY]
        variable = {p.kind: p for p in signature.parameters.values() if p.kind in _VARIABLE}
        self._more_words = variable.get(kinds.VAR_POSITIONAL)
        self._any_flag = kinds.VAR_KEYWORD in variable

    def word(self, word: str) -> None:
        free = [n for n in self._words if n not in self._found]
        if free:
            self._take(free[0], word, free[0].upper())
        elif self._more_words is not None:
            more = self._found.setdefault(self._more_words.name, [])
            more.append(self._coerced(word, self._more_words, repr(word)))
        else:
            raise self._wrong(f"{word!r} is a word too many")

    def flag(self, word: str, rest: list[str]) -> None:
        flag, equals, value = word.partition("=")
        name = flag.lstrip("-").replace("-", "_")
        if not flag.startswith("--") or not name:
            raise self._wrong(f"{word!r} is no flag: flags begin with -- and a name")
        known = self._parameters.get(name)
        if known is None and name.startswith("no_") and self._is_switch(name[3:]) and not equals:
            name, equals, value = name[3:], "=", "false"
        elif known is None and not self._any_flag:
            near = suggestion(dashed(name), map(dashed, self._parameters), "--")
            raise self._wrong(f"there is no flag {flag}{near}")
        if not equals:
            value = self._value(name, flag, rest)
        self._take(name, value, flag)

    def _value(self, name: str, flag: str, rest: list[str]) -> str:
        if self._is_switch(name):
            return rest.pop(0) if rest and rest[0].lower() in ("true", "false") else "true"
        if not rest or rest[0].startswith("--"):
            raise self._wrong(f"{flag} needs a value")
        return rest.pop(0)

    def _is_switch(self, name: str) -> bool:
        parameter = self._parameters.get(name)
        return parameter is not None and _kind(parameter.annotation) is bool

    def _take(self, name: str, value: str, called: str) -> None:
        if name in self._found:
            raise self._wrong(f"{called} is given twice (for one of several values use --filter)")
        parameter = self._parameters.get(name)
        self._found[name] = self._coerced(value, parameter, f"{called} is {value!r}")

    def _coerced(self, text: str, parameter: inspect.Parameter | None, what: str) -> Any:
        kind = str if parameter is None else _kind(parameter.annotation)
        try:
            return _COERCIONS.get(kind, str)(text)
        except (ValueError, KeyError):
            raise self._wrong(f"{what}: give {_WANTED[kind]}") from None

    def whole(self) -> dict[str, Any]:
        for name, parameter in self._parameters.items():
            if parameter.default is parameter.empty and name not in self._found:
                called = name.upper() if name in self._words else f"--{dashed(name)}"
                raise self._wrong(f"{called} is missing")
        return self._found

    def _wrong(self, what: str) -> Usage:
        return Usage(f"{what}. See {self._name} --help.")


_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what reads a number as people write it: Python also takes 1_0, blanks and ٣."""

    def read(text: str) -> Any:
        if not text.isascii() or "_" in text or text != text.strip():
            raise ValueError(text)
        return kind(text)

    return read


_COERCIONS: dict[Any, Callable[[str], Any]] = {
    bool: lambda text: {"true": True, "false": False}[text.lower()],
    int: _number(int),
    float: _number(float),
}
_NAMED = {"bool": bool, "int": int, "float": float}
_WANTED = {bool: "true or false", int: "a whole number", float: "a number"}


def _kind(annotation: Any) -> Any:
    """Return what a word becomes: the one type beside None, text where there is none."""
    if isinstance(annotation, str):  # could not be evaluated
        return _NAMED.get(annotation.replace("| None", "").strip(), str)
    if get_origin(annotation) in (types.UnionType, Union):
        return next((each for each in get_args(annotation) if each is not type(None)), str)
    return annotation


def dashed(name: str) -> str:
    """Return a Python name as it stands on the command line."""
    return name.replace("_", "-")


def suggestion(word: str, known: Iterable[str], mark: str = "") -> str:
    """Return ` (did you mean ...?)` where a known word is near, else nothing."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean {mark}{near[0]}?)" if near else ""
