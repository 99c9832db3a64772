"""imednet: a client of the iMednet EDC REST API, small enough for a serverless function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imednet.aio import AsyncImednetSDK
    from imednet.sdk import ImednetSDK

__version__ = "1.0.0"
__all__ = ["AsyncImednetSDK", "ImednetSDK", "__version__"]

_HOMES = {"AsyncImednetSDK": "imednet.aio", "ImednetSDK": "imednet.sdk"}


def __getattr__(name: str) -> Any:
    """Resolve a public name on first use, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'imednet' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
