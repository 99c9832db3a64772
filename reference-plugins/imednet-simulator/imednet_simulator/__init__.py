"""A simulated iMednet EDC server on loopback, with a study that tells a story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imednet_simulator.running import Simulator

__version__ = "1.0.0"
__all__ = ["Simulator", "__version__"]


def __getattr__(name: str) -> Any:
    """Load the server only when it is asked for: importing the package stays cheap."""
    if name == "Simulator":
        from imednet_simulator.running import Simulator

        return Simulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
