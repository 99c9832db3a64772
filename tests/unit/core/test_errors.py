"""The tree of errors and their texts."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from imednet import errors
from imednet.errors import (
    ApiError,
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    ImednetError,
    JobFailedError,
    JobTimeoutError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    ValidationError,
    for_status,
)
from imednet.models import Job

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "for_status"]


@pytest.mark.parametrize("kind", CLASSES)
def test_everything_stands_under_one_root(kind: type[Exception]) -> None:
    assert issubclass(kind, ImednetError)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.ConfigurationError, ValueError),
        (errors.RequestError, ConnectionError),
        (errors.NotFoundError, LookupError),
        (errors.JobTimeoutError, TimeoutError),
    ],
)
def test_some_are_also_what_python_calls_them(kind: type, builtin: type) -> None:
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ValidationError),
        (401, AuthenticationError),
        (403, AuthorizationError),
        (404, NotFoundError),
        (409, ConflictError),
        (429, RateLimitError),
        (500, ServerError),
        (503, ServerError),
        (599, ServerError),
        (402, ApiError),
        (418, ApiError),
    ],
)
def test_status_to_class(status: int, kind: type) -> None:
    assert for_status(status) is kind


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ApiError(418), "418: the API gave no reason"),
        (
            ValidationError(
                400,
                code="1000",
                description="bad",
                attribute="siteId",
                value="x",
                method="GET",
                path="/s",
            ),
            "400 (code 1000) on GET /s: bad [siteId = 'x']",
        ),
        (ValidationError(400, description="bad", attribute="a"), "400: bad [a]"),
        (ValidationError(400, description="bad", value=7), "400: bad [value = 7]"),
        (AuthenticationError(401), "401: Check the API key and the security key."),
        (
            AuthenticationError(401, description="no"),
            "401: no. Check the API key and the security key.",
        ),
        (
            AuthorizationError(403, description="no", path="/s"),
            "403 on /s: no. Check the study key, and that these API keys may read that study.",
        ),
        (RateLimitError(429), "429: Wait a while, or lower prefetch."),
        (ServerError(503, method="GET", path="/s"), "503 on GET /s: the API gave no reason"),
    ],
)
def test_text(error: ApiError, text: str) -> None:
    assert str(error) == text


ALL = {"status_code", "code", "description", "attribute", "value", "method", "path"}


def test_an_api_error_carries_all_that_is_known() -> None:
    error = ApiError(
        400,
        code="1",
        description="d",
        attribute="a",
        value=[1],
        method="GET",
        path="/p",
    )
    assert vars(error) == {
        "status_code": 400,
        "code": "1",
        "description": "d",
        "attribute": "a",
        "value": [1],
        "method": "GET",
        "path": "/p",
    }


def test_what_is_not_known_is_none() -> None:
    error = ApiError(500)
    assert {name: getattr(error, name) for name in ALL - {"status_code"}} == dict.fromkeys(
        ALL - {"status_code"}
    )


@pytest.mark.parametrize("keep", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
@pytest.mark.parametrize(
    "error",
    [
        NotFoundError(404, code="9000", description="gone", path="/x"),
        ResponseError("bad", resource="Site", field="siteId", value="x"),
        JobFailedError("failed", Job(batch_id="b")),
        JobTimeoutError("late", Job(batch_id="b")),
    ],
    ids=lambda e: type(e).__name__,
)
def test_errors_survive_pickling_and_copying(error: Any, keep: Any) -> None:
    again = keep(error)
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
