"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from imednet_workflows import metrics

MODULES = [found.name for found in pkgutil.iter_modules(metrics.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(f"{metrics.__name__}.{name}")
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", [n for n in metrics.__all__ if callable(getattr(metrics, n))])
def test_every_function_has_one(name: str) -> None:
    thing = getattr(metrics, name)
    if not isinstance(thing, type):
        assert ">>>" in thing.__doc__, name
