"""Every error that imednet raises on purpose, in one tree under `ImednetError`::

    ImednetError
    ├── ConfigurationError      a setting is missing or malformed (also a ValueError)
    ├── RequestError            the network failed, after all retries (also a ConnectionError)
    ├── ResponseError           an answer that is not what the API promises
    ├── PaginationError         rows moved or pages did not end while a list was read
    ├── PluginLoadError         an installed plugin cannot be used
    ├── JobFailedError          the server gave a batch job up; carries `job`
    ├── JobTimeoutError         a batch job did not end in time (also a TimeoutError); carries `job`
    └── ApiError                the API refused; carries `status_code`, `code`, `description` ...
        ├── ValidationError     400
        ├── AuthenticationError 401
        ├── AuthorizationError  403
        ├── NotFoundError       404 (also a LookupError)
        ├── ConflictError       409
        ├── RateLimitError      429
        └── ServerError         5xx

Mistakes in a call (an unknown argument, a limit below zero) are Python's own
TypeError and ValueError: they are bugs of the caller, not states of a study.

No message, and no attribute, holds an API key.

Example:
    >>> from imednet.errors import ApiError, NotFoundError
    >>> error = NotFoundError(404, description="no such site", path="/sites")
    >>> isinstance(error, ApiError), error.status_code
    (True, 404)
    >>> str(error)
    '404 on /sites: no such site'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imednet.models import Job

__all__ = [
    "ApiError",
    "AuthenticationError",
    "AuthorizationError",
    "ConfigurationError",
    "ConflictError",
    "ImednetError",
    "JobFailedError",
    "JobTimeoutError",
    "NotFoundError",
    "PaginationError",
    "PluginLoadError",
    "RateLimitError",
    "RequestError",
    "ResponseError",
    "ServerError",
    "ValidationError",
    "for_status",
]


class ImednetError(Exception):
    """The root: `except ImednetError` catches whatever imednet raises on purpose."""


class ConfigurationError(ImednetError, ValueError):
    """A setting is missing or malformed; the message names the setting and the cure."""


class RequestError(ImednetError, ConnectionError):
    """No answer came: the network failed, after all retries.

    A read may simply be run again. A write may or may not have reached the
    server (the message says which): look before sending it again.
    """


class ResponseError(ImednetError):
    """An answer came that is not what the API promises: HTML, cut JSON, no envelope.

    `resource`, `field` and `value` are set when one value of a row could not be
    read, and None otherwise.
    """

    def __init__(
        self,
        message: str,
        *,
        resource: str | None = None,
        field: str | None = None,
        value: Any = None,
    ) -> None:
        super().__init__(message)
        self.resource = resource
        self.field = field
        self.value = value


class PaginationError(ImednetError):
    """Rows moved while a list was read, or its pages did not add up to its total."""


class PluginLoadError(ImednetError):
    """An installed plugin cannot be used; names entry point, distribution and cause."""


class JobFailedError(ImednetError):
    """The server gave a batch job up: none of its records can be relied on.

    `job` is the job as last seen.
    """

    def __init__(self, message: str, job: Job | None = None) -> None:
        super().__init__(message)
        self.job = job


class JobTimeoutError(ImednetError, TimeoutError):
    """A batch job did not end in the time given; it may still do so.

    `job` is the job as last seen.
    """

    def __init__(self, message: str, job: Job | None = None) -> None:
        super().__init__(message)
        self.job = job


class ApiError(ImednetError):
    """The API answered with an error.

    `status_code` is the HTTP status, `code` the API's own code (text, such as
    "1000" or "9001"), `description` what it says, `attribute` and `value` the
    field it complains of; `method` and `path` tell the request. What the answer
    did not hold is None.
    """

    def __init__(
        self,
        status_code: int,
        *,
        code: str | None = None,
        description: str | None = None,
        attribute: str | None = None,
        value: Any = None,
        method: str | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(status_code)
        self.status_code = status_code
        self.code = code
        self.description = description
        self.attribute = attribute
        self.value = value
        self.method = method
        self.path = path

    def __str__(self) -> str:
        code = f" (code {self.code})" if self.code else ""
        where = " ".join(part for part in (self.method, self.path) if part)
        text = f"{self.status_code}{code}{' on ' + where if where else ''}"
        text += f": {self.description or self.advice or 'the API gave no reason'}"
        if self.value is not None:
            text += f" [{self.attribute or 'value'} = {self.value!r}]"
        elif self.attribute is not None:
            text += f" [{self.attribute}]"
        return f"{text}. {self.advice}" if self.description and self.advice else text

    #: What the reader can do, said after the API's own words.
    advice = ""


class ValidationError(ApiError):
    """400: the API refused a value; `attribute` and `value` say which, where it tells."""


class AuthenticationError(ApiError):
    """401: the API key or the security key is wrong, or has expired."""

    advice = "Check the API key and the security key."


class AuthorizationError(ApiError):
    """403: these keys may not see this; most often the study key is wrong."""

    advice = "Check the study key, and that these API keys may read that study."


class NotFoundError(ApiError, LookupError):
    """404: there is no such thing."""


class ConflictError(ApiError):
    """409: the change contradicts what the server holds."""


class RateLimitError(ApiError):
    """429: too many requests, also after waiting as often as `retries` allows."""

    advice = "Wait a while, or lower prefetch."


class ServerError(ApiError):
    """5xx: the server failed, also after as many tries as `retries` allows."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: AuthorizationError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}


def for_status(status: int) -> type[ApiError]:
    """Return the error class that stands for an HTTP status.

    >>> for_status(403).__name__, for_status(502).__name__, for_status(418).__name__
    ('AuthorizationError', 'ServerError', 'ApiError')
    """
    return ServerError if status >= 500 else _BY_STATUS.get(status, ApiError)
