"""Calls that many tests make: a list, and one that fails."""

from __future__ import annotations

from typing import Any

import pytest


def names(sdk: Any) -> list[int]:
    return [site.site_id for site in sdk.sites.list("S")]


def failure(kind: type[Exception], call: Any) -> Any:
    with pytest.raises(kind) as caught:
        call()
    return caught.value
