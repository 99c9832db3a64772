"""What dataclasses-json needs to know of a model, told on first use.

dataclasses-json and marshmallow take as long to import as everything else
together, and lists do without them: so nothing of them is imported before one of
`from_dict`, `to_dict`, `to_json` or `schema` is called.
"""

from __future__ import annotations

import typing
from types import MappingProxyType
from typing import Any

from dataclasses_json import CatchAll, DataClassJsonMixin, LetterCase, Undefined, config
from marshmallow.fields import Field, Raw

from imednet.models.decoding import Column, Model, columns
from imednet.models.values import Unreadable, wire

__all__ = ["from_dict", "prepare", "schema", "to_dict"]

_prepared: set[type[Model]] = set()

from_dict: Any = DataClassJsonMixin.from_dict.__func__  # type: ignore[attr-defined]
to_dict: Any = DataClassJsonMixin.to_dict
schema: Any = DataClassJsonMixin.schema.__func__  # type: ignore[attr-defined]


def prepare(cls: type[Model]) -> None:
    """Give a model, and the models in its fields, their dataclasses-json configuration."""
    if cls in _prepared:
        return
    undefined = Undefined.RAISE if cls.refuse_unknown else Undefined.INCLUDE
    settings = config(letter_case=LetterCase.CAMEL, undefined=undefined)
    cls.dataclass_json_config = settings["dataclasses_json"]
    names = vars(__import__(cls.__module__, fromlist=["x"]))
    names.setdefault("CatchAll", CatchAll)  # dataclasses-json looks it up where the class is
    hints = typing.get_type_hints(cls)
    for column in columns(cls):
        field = cls.__dataclass_fields__[column.name]
        field.type = hints[column.name]
        field.metadata = MappingProxyType(_configuration(column))
    if not cls.refuse_unknown:
        extra = cls.__dataclass_fields__["extra"]
        extra.type = hints["extra"]
        # Left out of every schema, yet made with a deprecated word if it is not given.
        extra.metadata = MappingProxyType(dict(config(mm_field=Raw())))
    _prepared.add(cls)
    for nested in _models(hints.values()):
        prepare(nested)


def _configuration(column: Column) -> dict[str, Any]:
    def decode(value: Any) -> Any:
        try:
            return column.reader(value)
        except Unreadable as error:
            raise error.under(column.api_name) from None

    encode = wire if column.kind in ("timestamp", "date") else None
    return dict(config(decoder=decode, encoder=encode, mm_field=_Value(column)))


class _Value(Field):
    """A marshmallow field that reads and writes as the model does."""

    def __init__(self, column: Column) -> None:
        super().__init__(data_key=column.api_name, allow_none=True)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, list):
            return [self._serialize(each) for each in value]
        if isinstance(value, dict):
            return {key: self._serialize(each) for key, each in value.items()}
        return value.to_dict() if isinstance(value, Model) else wire(value)


def _models(hints: Any) -> typing.Iterator[type[Model]]:
    for hint in hints:
        if isinstance(hint, type) and issubclass(hint, Model):
            yield hint
        yield from _models(typing.get_args(hint))
