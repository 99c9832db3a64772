"""A method of a plugin called as users call it, with each kind of SDK."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from imednet.errors import ImednetError
from imednet_simulator.probe import called
from imednet_simulator.testing.fresh import fail

__all__ = ["Arguments", "Call", "same", "short"]

Arguments = Sequence[Any] | Mapping[str, Any]


class Call(NamedTuple):
    """A method, as a path from the plugin, and its arguments."""

    method: str
    given: Arguments

    def __str__(self) -> str:
        if isinstance(self.given, Mapping):
            words = [f"{name}={value!r}" for name, value in self.given.items()]
        else:
            words = [repr(value) for value in self.given]
        return f"{self.method}({', '.join(words)})"

    def plain(self, made: Any) -> Any:
        """Return what it gives with a plain SDK; what it yields as a list."""
        try:
            result = called(made, *self)
            if isinstance(result, Iterator):
                return list(result)
        except Exception as error:
            error.add_note(f"This is {self} with a plain SDK, on the study of the simulator.")
            raise
        if inspect.isawaitable(result) or hasattr(result, "__aiter__"):
            getattr(result, "close", lambda: None)()
            fail(
                f"{self} is to be awaited with a plain SDK: define it with def, and serve the "
                "async SDK with `imednet.aio.awaited`."
            )
        return result

    async def awaited(self, made: Any) -> Any:
        """Return what it gives with an async SDK, awaited."""
        note = (
            f"This is {self} with an async SDK, whose methods are awaited: make the plugin of its "
            "plain SDK, and return that as `imednet.aio.awaited(Plugin(sdk.sync))`."
        )
        try:
            result = called(made, *self)
            if inspect.isawaitable(result) or hasattr(result, "__aiter__"):
                note = f"This is {self} with an async SDK, on the study of the simulator."
                if inspect.isawaitable(result):
                    return await result
                return [item async for item in result]
        except Exception as error:
            error.add_note(note)
            raise
        return fail(
            f"{self} is not to be awaited with an async SDK, it gives {short(result)} at once: "
            "there, return `imednet.aio.awaited(Plugin(sdk.sync))`, or define it with async def."
        )

    def refused(self, made: Any) -> None:
        """See that it ends in an error, with an SDK whose keys the server refuses."""
        try:
            result = called(made, *self)
            result = list(result) if isinstance(result, Iterator) else result
        except Exception as error:
            if not isinstance(error, ImednetError) and not _caused(error):
                error.add_note(
                    f"This is {self} with keys that the server refuses: let the ImednetError "
                    "through, or raise your own `from` it."
                )
                raise
            return
        fail(
            f"{self} returned {short(result)} although the server refused the keys: nobody can "
            "tell that from an answer. Let ImednetError through. (If it sends nothing, take it "
            "out of `calls`.)"
        )


def _caused(error: BaseException) -> bool:
    """Tell whether an error was raised from one of imednet's."""
    while error.__cause__ is not None:
        error = error.__cause__
        if isinstance(error, ImednetError):
            return True
    return False


def same(one: Any, other: Any) -> bool:
    """Tell whether two results are equal, as far as their kinds can be compared.

    NaN equals NaN; what cannot be compared counts as equal to all of its type.
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if callable(getattr(one, "equals", None)):  # data frames and their like
        return bool(one.equals(other))
    if callable(getattr(one, "tolist", None)):  # arrays
        return same(one.tolist(), other.tolist())
    kind: Any = type(one)
    if kind.__eq__ is object.__eq__:  # nothing that tells of its value
        return True
    if is_dataclass(one):
        names = [field.name for field in fields(one) if field.compare]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    try:
        return bool(one == other) or bool(one != one and other != other)
    except (TypeError, ValueError):
        return True


def short(value: Any) -> str:
    """Return a value's repr, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
