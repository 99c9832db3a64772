"""What every test gets: an environment without settings of whoever runs the tests."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("IMEDNET_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
