"""Servers and SDKs that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import settings
from scripted import Server
from wheels import wheels  # noqa: F401

from imednet import ImednetSDK

# A slow machine is no failure, and no examples are kept beside the checkout.
settings.register_profile("imednet", deadline=None, database=None)
settings.load_profile("imednet")

API_KEY, SECURITY_KEY = "api-key-4711", "security-key-0815"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: ExitStack) -> Callable[..., Server]:
    """Start a scripted server: `serve(answer, ...)`."""
    return lambda *answers, **options: stack.enter_context(Server(*answers, **options))


@pytest.fixture
def connect(stack: ExitStack) -> Callable[..., ImednetSDK]:
    """Make an SDK on a server or URL, without waits between tries: `connect(server, ...)`."""

    def connected(server: Any, **options: Any) -> ImednetSDK:
        url = server if isinstance(server, str) else server.url
        options = {"retries": 0, "backoff_factor": 0, "timeout": 5, **options}
        return stack.enter_context(ImednetSDK(API_KEY, SECURITY_KEY, url, **options))

    return connected
