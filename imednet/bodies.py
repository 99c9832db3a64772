"""What goes out and comes in: JSON written and read strictly, gzip undone within a limit."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from imednet.errors import ResponseError

__all__ = ["BODY_LIMIT", "TOO_LONG", "Answer", "encoded", "parsed", "unzipped"]

BODY_LIMIT = 256 * 1024 * 1024  # bytes
TOO_LONG = (
    f"the answer is longer than {BODY_LIMIT >> 20} MiB and was refused: "
    "ask for fewer rows a page (page_size=)"
)


class Answer(NamedTuple):
    """A body that came with a 2xx status, not yet parsed."""

    body: bytes
    content_type: str
    method: str
    path: str
    throttled: bool  #: whether the server said 429 on the way

    def __repr__(self) -> str:  # the body may hold patient data, or a key that was echoed
        return f"<answer of {len(self.body)} bytes to {self.method} {self.path}>"


def _json_reader() -> Callable[[bytes], Any]:
    """Return the standard library's reader, or orjson's where that reads the same.

    orjson rounds whole numbers over 64 bits, and refuses some text that the
    standard library takes: what it might read otherwise goes to the latter.
    """
    strict = json.JSONDecoder(parse_constant=_not_json, parse_float=_finite).decode

    def plain(body: bytes) -> Any:
        return strict(body.decode())

    try:
        from orjson import loads
    except ImportError:
        return plain

    def fast(body: bytes) -> Any:
        # A run of 19 digits has four among every fourth byte, which is quicker to look at.
        if b"0000" in body[::4].translate(_DIGITS) and _LONG_NUMBER in body.translate(_DIGITS):
            return plain(body)
        try:
            return loads(body)
        except ValueError:
            return plain(body)

    return fast


_DIGITS = bytes(48 if 48 <= code <= 57 else code for code in range(256))  # any digit: 0
_LONG_NUMBER = b"0" * 19


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number - number:
        raise ValueError(f"{text} is no number that can be held")
    return number


_loads = _json_reader()


def encoded(body: Any) -> bytes:
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except TypeError as error:
        raise TypeError(f"the body cannot be sent as JSON: {error}") from None
    except ValueError as error:
        raise ValueError(f"the body cannot be sent as JSON: {error}") from None


def unzipped(answer: Answer, encoding: str) -> bytes:
    """Undo gzip, within the limit: a small body may hold a huge one."""
    if encoding == "identity" or not answer.body:
        return answer.body
    what = f"{answer.method} {answer.path} answered with a body"
    if encoding not in ("gzip", "x-gzip"):
        raise ResponseError(f"{what} encoded as {encoding!r}, which was not asked for.")
    inflater = zlib.decompressobj(31)
    try:
        body = inflater.decompress(answer.body, BODY_LIMIT)
    except zlib.error as error:
        raise ResponseError(f"{what} whose gzip is broken: {error}.") from None
    if inflater.unconsumed_tail:
        raise ResponseError(TOO_LONG)
    if not inflater.eof:
        raise ResponseError(f"{what} whose gzip is cut short.")
    return body


def parsed(answer: Answer) -> Any:
    """Parse an answer's JSON; raises ResponseError for HTML, cut JSON, or nothing."""
    try:
        return _loads(answer.body)
    except (ValueError, RecursionError):
        size, kind = len(answer.body), answer.content_type
        raise ResponseError(
            f"{answer.method} {answer.path} answered with {size} bytes of {kind} that are not "
            "whole JSON: is a proxy or login page in between, or base_url another server's?"
        ) from None
