"""Rows to dataclasses, fast: each class gets a decoder compiled from its own fields.

The dataclass is the only declaration. From its annotations this module makes
the decoder that lists use, and `bridge` makes what dataclasses-json needs for
`from_dict`, `to_dict`, `to_json` and `schema`; a property test holds the two equal.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar

from imednet.errors import ResponseError
from imednet.models.values import (
    Unreadable,
    to_boolean,
    to_date,
    to_integer,
    to_number,
    to_text,
    to_timestamp,
)

__all__ = ["Column", "Model", "columns", "decoder", "model", "read"]

M = TypeVar("M", bound="Model")
Reader = Callable[[Any], Any]


class Model:
    """The base of all rows: compared field by field, and bound to its fields.

    Setting or reading an attribute that the class does not declare is an
    AttributeError. `extra` holds the fields of the answer that the class does not
    know, by their names in the API; it is empty when there are none.
    """

    __slots__ = ("extra",)
    __hash__ = None  # type: ignore[assignment]

    #: True where a key that is not a field is an error, and there is no `extra`.
    refuse_unknown = False

    # dataclasses-json evaluates annotations in the module of the subclass: none here.
    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
        dataclass_json_config: ClassVar[dict[str, Any]]
        extra: dict[str, Any]
    else:

        def __getattr__(self, name: str) -> Any:
            # Only a slot that nobody filled comes here. A dict for each of a
            # million rows costs memory and garbage collections: made when asked for.
            if name == "extra":
                self.extra = {}
                return self.extra
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in type(self).names())

    def __repr__(self) -> str:
        """Show the fields that hold something, also of a row that a traceback meets half made."""
        pairs = ((name, getattr(self, name, None)) for name in type(self).names())
        shown = ", ".join(f"{name}={value!r}" for name, value in pairs if value not in (None, {}))
        return f"{type(self).__name__}({shown})"

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all fields, `extra` last."""
        return tuple(cls.__dataclass_fields__)

    @classmethod
    def from_dict(cls, data: dict[str, Any], *, infer_missing: bool = False) -> Self:
        """Make a row from a dict with the API's names; raises ValueError for a bad value."""
        return typing.cast(Self, _bridged(cls).from_dict(cls, data, infer_missing=infer_missing))

    def to_dict(self, encode_json: bool = False) -> dict[str, Any]:
        """Return a dict with the API's names and JSON values, unknown fields among them."""
        found: dict[str, Any] = _bridged(type(self)).to_dict(self, encode_json)
        return found

    @classmethod
    def from_json(cls, text: str | bytes, **options: Any) -> Self:
        """Make a row from JSON text; `options` go to `json.loads`."""
        import json

        return cls.from_dict(json.loads(text, **options))

    def to_json(self, **options: Any) -> str:
        """Return JSON text with the API's names; `options` go to `json.dumps`."""
        import json

        return json.dumps(self.to_dict(), **options)

    @classmethod
    def schema(cls, **options: Any) -> Any:
        """Return a marshmallow schema of the class, as dataclasses-json makes it."""
        return _bridged(cls).schema(cls, **options)


def _bridged(cls: type[Model]) -> Any:
    from imednet.models import bridge

    bridge.prepare(cls)
    return bridge


@typing.dataclass_transform(eq_default=False)
def model(cls: type[M]) -> type[M]:
    """Make a class of annotations a dataclass with real slots.

    `extra` becomes its last field, unless unknown fields are refused.
    """
    if not cls.refuse_unknown:
        cls.__annotations__["extra"] = "CatchAll"
        vars_of_class: Any = cls
        vars_of_class.extra = dataclasses.field(default_factory=dict, kw_only=True)
    return dataclasses.dataclass(slots=True, eq=False, repr=False, match_args=False)(cls)


class Column(NamedTuple):
    """One field of a model, as the API has it."""

    name: str  #: as in Python, snake case
    api_name: str  #: as in JSON, camel case
    kind: str  #: text, integer, number, boolean, timestamp, date, or nested
    reader: Reader  #: JSON value (not None) to Python value; raises Unreadable
    optional: bool  #: whether None is a value


_SCALARS: dict[Any, tuple[str, Reader]] = {
    str: ("text", to_text),
    int: ("integer", to_integer),
    float: ("number", to_number),
    bool: ("boolean", to_boolean),
    datetime: ("timestamp", to_timestamp),
    date: ("date", to_date),
}
_columns: dict[type[Model], tuple[Column, ...]] = {}
_decoders: dict[type[Model], Callable[[Any], Any]] = {}


def columns(cls: type[Model]) -> tuple[Column, ...]:
    """Return the fields of a model in order, without `extra`.

    >>> from imednet.models import Visit
    >>> [(c.name, c.api_name, c.kind) for c in columns(Visit) if c.kind == "date"][0]
    ('start_date', 'startDate', 'date')
    """
    if cls not in _columns:
        hints = typing.get_type_hints(cls, localns={"CatchAll": Any})
        _columns[cls] = tuple(_column(n, hints[n]) for n in cls.names() if n != "extra")
    return _columns[cls]


def _column(name: str, hint: Any) -> Column:
    first, *rest = name.split("_")
    optional = isinstance(hint, types.UnionType)
    if optional:
        (hint,) = (each for each in hint.__args__ if each is not type(None))
    kind, reader = _SCALARS.get(hint) or ("nested", _nested(hint))
    return Column(name, first + "".join(map(str.capitalize, rest)), kind, reader, optional)


def _nested(hint: Any) -> Reader:
    """Make the reader of a list, a dict, another model, or anything."""
    if hint is Any:
        return lambda value: value
    if isinstance(hint, type) and issubclass(hint, Model):
        return _compiled(hint, lambda data: read(hint, data))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is dict and arguments[-1] is Any:
        return _verbatim
    inner = (_SCALARS.get(arguments[-1]) or ("", None))[1] or _nested(arguments[-1])
    return _ListReader(inner) if origin is list else _dict_reader(inner)


class _ListReader:
    """Reads a list, each of its values with `item`."""

    def __init__(self, item: Reader) -> None:
        self.item = item

    def __call__(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Unreadable(value, "a list")
        try:
            return [self.item(each) for each in value]
        except Unreadable:  # once more, to tell which
            return [_step(self.item, each, f"[{index}]") for index, each in enumerate(value)]


def _verbatim(value: Any) -> dict[str, Any]:
    """Read an object whose values stay as they were sent."""
    if not isinstance(value, dict):
        raise Unreadable(value, "an object")
    return value


def _dict_reader(inner: Reader) -> Reader:
    def read_dict(value: Any) -> dict[str, Any]:
        return {key: _step(inner, each, f"[{key!r}]") for key, each in _verbatim(value).items()}

    return read_dict


def _step(reader: Reader, value: Any, step: str) -> Any:
    try:
        if value is None:
            raise Unreadable(value, "a value")
        return reader(value)
    except Unreadable as error:
        raise error.under(step) from None


def decoder(cls: type[M]) -> Callable[[Any], M]:
    """Return the function that makes a row from a parsed JSON object, compiled on first use.

    It raises ResponseError for a value that cannot be read, naming class, field
    and value, and keeps unknown fields in `extra`.
    """
    if cls not in _decoders:
        _decoders[cls] = _compiled(cls, lambda data: _or_response_error(cls, data))
    return _decoders[cls]


def read(cls: type[M], data: Any) -> M:
    """Make a row field by field, whatever is missing or new; raises Unreadable."""
    if not isinstance(data, dict):
        raise Unreadable(data, "an object")
    row = cls.__new__(cls)
    known = set()
    for column in columns(cls):
        known.add(column.api_name)
        setattr(row, column.name, _field(cls, column, data.get(column.api_name)))
    unknown = {key: value for key, value in data.items() if key not in known}
    if unknown and cls.refuse_unknown:
        first = min(unknown)
        raise Unreadable(data[first], f"known: give one of {', '.join(sorted(known))}", first)
    if unknown:
        row.extra = unknown
    return row


def _field(cls: type[Model], column: Column, value: Any) -> Any:
    if value is not None:
        return _step(column.reader, value, column.api_name)
    declared = cls.__dataclass_fields__[column.name]
    made = declared.default_factory
    return declared.default if made is dataclasses.MISSING else made()


#: What the compiled decoder does with `v`: the common case inline, the rest by the reader.
_INLINE = {
    "text": "v if v.__class__ is str or v is None else {reader}(v)",
    "integer": "v if v.__class__ is int or v is None else {reader}(v)",
    "boolean": "v if v.__class__ is bool or v is None else {reader}(v)",
    "timestamp": "iso(v + 'Z') if v.__class__ is str and len(v) == 19"
    " else None if v is None else {reader}(v)",
    "date": "day(v) if v.__class__ is str and len(v) == 10 else None if v is None else {reader}(v)",
    "list": "[{reader}.item(each) for each in v] if v.__class__ is list"
    " else None if v is None else {reader}(v)",
    "object": "v if v.__class__ is dict or v is None else {reader}(v)",
    "any": "None if v is None else {reader}(v)",
}


def _inlined(column: Column) -> str:
    kind = column.kind if column.kind in _INLINE else "any"
    if isinstance(column.reader, _ListReader):
        kind = "list"
    elif column.reader is _verbatim:
        kind = "object"
    return _INLINE[kind].format(reader=f"read_{column.name}")


def _compiled(cls: type[M], slow: Callable[[Any], M]) -> Callable[[Any], M]:
    """Compile `decode`: one straight line of reads and stores, no loop over fields.

    It meets what the API sends nearly always: all known fields and no other.
    Everything else (a field missing or new, a value of another form) goes to `slow`.
    """
    scope: dict[str, Any] = {
        "new": cls.__new__,
        "cls": cls,
        "iso": datetime.fromisoformat,
        "day": date.fromisoformat,
        "slow": slow,
    }
    lines = ["def decode(d):", " try:", f"  if len(d) != {len(columns(cls))}: return slow(d)"]
    lines.append("  row = new(cls)")
    for column in columns(cls):
        scope[f"read_{column.name}"] = column.reader
        lines.append(f"  v = d[{column.api_name!r}]")
        lines.append(f"  row.{column.name} = {_inlined(column)}")
    lines += ["  return row", " except (KeyError, TypeError, ValueError): return slow(d)"]
    exec("\n".join(lines), scope)  # the text is made of this package's own field names
    return typing.cast(Callable[[Any], M], scope["decode"])


def _or_response_error(cls: type[M], data: Any) -> M:
    try:
        return read(cls, data)
    except Unreadable as error:
        raise ResponseError(
            f"{error.under(cls.__name__)}, as the API sent it",
            resource=cls.__name__,
            field=error.path,
            value=error.value,
        ) from None
