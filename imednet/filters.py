"""Conditions to the API's filter text, quoted so that no value can change its meaning.

The API's language: `attribute OP value` with OP one of `== != < <= > >=`, joined
by `;` (and) and `,` (or), where *and* binds tighter and there are no parentheses.
So "a is 1 or 2, and c is x" has to be written out: `a==1;c==x,a==2;c==x`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import product
from typing import Any, NamedTuple
from urllib.parse import quote

__all__ = ["Attribute", "alternatives", "packed", "sort_order", "value_text", "whole"]

OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
_BARE = re.compile(r"[A-Za-z0-9_.:-]+")


class Attribute(NamedTuple):
    """A field that can be compared: its name here, its name in the API, its kind."""

    name: str
    api_name: str
    kind: str  #: text, integer, boolean, timestamp or date


def value_text(value: Any, kind: str = "text") -> str:
    r"""Write one value as the filter language wants it.

    Text is quoted unless it is plainly safe; a naive datetime is UTC; `kind`
    "date" is for the API's date-only fields; of a flag, 0 and 1 and text in any case
    will do. Raises TypeError for what cannot be compared (None, a float that is not
    finite) and ValueError for text that is no moment where one is wanted, and for a
    time of day in a date-only field.

    >>> value_text("Chicago Hope"), value_text('a"b'), value_text("S-01")
    ('"Chicago Hope"', '"a\\"b"', 'S-01')
    >>> value_text(True), value_text(date(2024, 5, 1)), value_text(date(2024, 5, 1), "date")
    ('true', '2024-05-01T00:00:00Z', '2024-05-01')
    """
    if isinstance(value, str):
        value = _normal(value, kind)
    if isinstance(value, str):
        if _BARE.fullmatch(value):
            return value
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if hasattr(value, "item"):  # a NumPy scalar, as cells of data frames are
        value = value.item()
    number = isinstance(value, (int, float, Decimal))
    if kind in ("timestamp", "date") and number:
        raise TypeError(f"{value!r} is no moment: give a datetime, a date, or text in ISO 8601")
    if isinstance(value, bool) or (kind == "boolean" and number and value in (0, 1)):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, (float, Decimal)) and math.isfinite(value):
        return str(int(value)) if value == int(value) else format(Decimal(str(value)), "f")
    if isinstance(value, datetime) and value == value:  # pandas' NaT does not equal itself
        return _moment(value, kind)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat() if kind == "date" else _moment(datetime.combine(value, time()), "")
    raise TypeError(
        f"{value!r} cannot be compared with: give text, a number, True or False, "
        "a date or a datetime; leave the argument out to set no condition"
    )


def _normal(text: str, kind: str) -> Any:
    """Return text for a field that holds no text as what it means, so that one way is sent."""
    from imednet.models.values import Unreadable, to_date, to_timestamp

    if kind == "integer" and re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        return int(text)
    if kind == "boolean" and text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    if kind in ("timestamp", "date"):
        try:
            found = (to_date if kind == "date" else to_timestamp)(text)
        except Unreadable:
            found = None
        if found is None:  # also of text without a letter, as a variable that is not set gives
            raise ValueError(
                f"{text!r} is not a {kind}: give a date or a datetime, or text such as "
                "2026-01-31 or 2026-01-31T10:00:00Z"
            )
        return found
    return whole(text)


def whole(text: str, name: str = "") -> str:
    """Return text as it is; raises ValueError for half a character, which no URL can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        what = f"{name} is {text!r}, which" if name else repr(text)
        raise ValueError(f"{what} holds bytes that are no text (in UTF-8): correct it") from None
    return text


def _moment(value: datetime, kind: str) -> str:
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if kind == "date":
        if value.time() != time():
            raise ValueError(f"{value} has a time of day, and the field is a date: give a date")
        return value.date().isoformat()
    return value.replace(tzinfo=None).isoformat() + "Z"


def alternatives(
    raw: str | None, conditions: Iterable[tuple[Attribute, Any]]
) -> Iterator[str] | None:
    """Give the alternatives whose union is wanted, each an and-chain; None for no filter at all.

    `raw` is a filter in the API's own words. A condition's value is compared for
    equality; `(op, value)` compares with that operator; a list is "any of". No
    alternatives at all (an empty list) means that nothing can match.
    """
    groups = [_choices(attribute, value) for attribute, value in conditions]
    if raw is not None:
        _check_raw(raw, alone=not groups)
        groups.insert(0, [raw])
    if not groups:
        return None
    return map(";".join, product(*groups))


def _choices(attribute: Attribute, value: Any) -> list[str]:
    operator, values = "==", value
    if isinstance(value, tuple):
        operator, values = _comparison(attribute, value)
    elif not isinstance(value, (list, set, frozenset)):
        values = [value]
    try:
        texts = [value_text(each, attribute.kind) for each in values]
    except TypeError as error:
        raise TypeError(f"{attribute.name}: {error}") from None
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{attribute.name}: {error}") from None
    return [f"{attribute.api_name}{operator}{text}" for text in dict.fromkeys(texts)]


def _comparison(attribute: Attribute, value: tuple[Any, ...]) -> tuple[str, list[Any]]:
    if len(value) != 2 or value[0] not in OPERATORS or isinstance(value[1], (list, tuple, set)):
        raise ValueError(
            f"{attribute.name} is {value!r}: a comparison is (operator, value) with one of "
            f"{' '.join(OPERATORS)}; for any of several values give a list"
        )
    return value[0], [value[1]]


def _check_raw(raw: str, *, alone: bool) -> None:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError(f"filter is {raw!r}: give text such as 'siteId==3', or leave it out")
    whole(raw, "filter")
    if not alone and "," in _unquoted(raw):
        raise ValueError(
            f"filter={raw!r} holds ',' (or), which binds looser than the ';' (and) that would "
            "join it to the other conditions. Give the alternatives as a list (site_id=[1, 2]), "
            "or write everything in filter=, with the other conditions in each alternative: "
            "'siteId==1;deleted==false,siteId==2;deleted==false'"
        )


def _unquoted(raw: str) -> str:
    rest = re.sub(r'"(?:[^"\\]|\\.)*"', "", raw, flags=re.DOTALL)
    if '"' in rest:
        raise ValueError(f"filter={raw!r} has a double quote that is never closed")
    return rest


def packed(texts: Iterable[str], room: int) -> Iterator[str]:
    """Join alternatives with "or", in order, into as few filters as fit in a URL.

    `room` is the number of characters a filter may take, percent-encoded. An
    alternative that is longer by itself makes a filter of its own.

    >>> list(packed(["a==1", "a==2", "a==3"], room=24))
    ['a==1,a==2', 'a==3']
    """
    batch: list[str] = []
    used = 0
    for text in texts:
        size = len(quote(text, safe="")) + len("%2C")
        if batch and used + size > room:
            yield ",".join(batch)
            batch, used = [], 0
        batch.append(text)
        used += size
    if batch:
        yield ",".join(batch)


def sort_order(sort: str | Sequence[str], known: Mapping[str, str]) -> list[tuple[str, bool]]:
    """Read `sort=` into (API name, descending) pairs.

    `known` maps names as written here to names in the API. "site_name",
    "siteName,DESC" and lists of them are taken; raises ValueError for a
    direction that is neither ASC nor DESC.

    >>> sort_order("site_name,desc", {"site_name": "siteName"})
    [('siteName', True)]
    """
    order = []
    for text in sort if isinstance(sort, Iterable) and not isinstance(sort, str) else [sort]:
        name, _, direction = text.strip().partition(",") if isinstance(text, str) else ("",) * 3
        name, direction = whole(name.strip(), "sort"), direction.strip().upper() or "ASC"
        if not name or direction not in ("ASC", "DESC"):
            raise ValueError(
                f"sort is {text!r}: give 'site_name', 'site_name,DESC', or a list of those"
            )
        order.append((known.get(name, name), direction == "DESC"))
    return order
