"""Settings: an argument, else the environment, else the default, else a clear error.

The two keys are the exception to everything: they go into a closure that makes
request headers, and stand in no attribute, repr, message or pickle.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from imednet.errors import ConfigurationError

__all__ = ["Credentials", "Keys", "Settings", "credentials", "settings"]

DEFAULT_BASE_URL = "https://edc.prod.imednetapi.com"
API_PATH = "/api/v1/edc"
PAGE_SIZE_LIMIT = 500
DAY = 86400.0  # seconds: no wait is longer


class Settings(NamedTuple):
    """What an SDK was made with, checked; the keys are not among it."""

    base_url: str  #: the server's root with the API's path, no slash at the end
    timeout: float  #: seconds for connecting, and for each wait for the server
    retries: int  #: further tries after the first; 0 is none
    backoff_factor: float  #: seconds; the n-th retry waits about factor * 2**(n-1)
    page_size: int  #: rows a request, 1 to 500
    prefetch: int  #: requests under way at once while a list is read; 1 uses no threads
    ca_bundle: str | None  #: a PEM file or folder; None is the system's own store
    workflows: str | None  #: the distribution to take workflows from; None is the only one


class Credentials(NamedTuple):
    """The keys, out of sight: functions that use them and give none away."""

    headers: Callable[[], dict[str, str]]  #: fresh request headers
    scrub: Callable[[str], str]  #: a text with any key in it blotted out


class Keys:
    """The two keys on their way into the closure, out of sight of tracebacks that show locals."""

    __slots__ = ("api", "security")

    def __init__(self, api: str | None, security: str | None) -> None:
        self.api, self.security = api, security

    def __repr__(self) -> str:
        return "<keys>"


def credentials(keys: Keys) -> Credentials:
    """Take the two keys as given, or from IMEDNET_API_KEY and IMEDNET_SECURITY_KEY.

    Raises ConfigurationError for a key that is missing, or that no HTTP header
    can carry (a line break, say).
    """
    for given, name, variable in (
        ("api", "api_key", "IMEDNET_API_KEY"),
        ("security", "security_key", "IMEDNET_SECURITY_KEY"),
    ):
        if getattr(keys, given) is None:
            setattr(keys, given, os.environ.get(variable))
        problem = _problem_of(keys, given)
        if problem:
            cure = f"pass {name}=... or set {variable} to the key that iMednet gave you"
            raise ConfigurationError(f"{name} {problem}: {cure}.")

    def headers() -> dict[str, str]:
        return {"x-api-key": str(keys.api), "x-imn-security-key": str(keys.security)}

    def scrub(text: str) -> str:
        for key in sorted((str(keys.api), str(keys.security)), key=len, reverse=True):
            text = text.replace(key, "***")  # the longer first: one may begin the other
        return text

    return Credentials(headers, scrub)


def _problem_of(keys: Keys, name: str) -> str | None:
    """Say what is wrong with a key, and nothing of what it is."""
    key = getattr(keys, name)
    if key is None or (isinstance(key, str) and not key.strip()):
        return "is missing"
    if not isinstance(key, str):
        return f"is a {type(key).__name__}, not text"
    if any(not " " <= char <= "~" for char in key):
        return (
            "holds a line break or another character that no HTTP header can carry "
            "(was it read from a file with its line end?)"
        )
    return None


def settings(
    base_url: str | None = None,
    *,
    timeout: float | None = None,
    retries: int = 3,
    backoff_factor: float = 1.0,
    page_size: int = 500,
    prefetch: int = 8,
    ca_bundle: str | os.PathLike[str] | None = None,
    workflows: str | None = None,
) -> Settings:
    """Check every setting but the keys; raises ConfigurationError naming the one at fault."""
    return Settings(
        base_url=_base_url(*_given(base_url, "base_url", "IMEDNET_BASE_URL", DEFAULT_BASE_URL)),
        timeout=_number(*_given(timeout, "timeout", "IMEDNET_TIMEOUT", 30.0), above=0),
        retries=_whole(retries, "retries", 0, 100),
        backoff_factor=_number(backoff_factor, "backoff_factor", least=0),
        page_size=_whole(page_size, "page_size", 1, PAGE_SIZE_LIMIT),
        prefetch=_whole(prefetch, "prefetch", 1, 64),
        ca_bundle=_ca_bundle(*_given(ca_bundle, "ca_bundle", "IMEDNET_CA_BUNDLE", None)),
        workflows=_text(*_given(workflows, "workflows", "IMEDNET_WORKFLOWS", None)),
    )


def _given(argument: Any, name: str, variable: str, default: Any) -> tuple[Any, str]:
    """Return the value in force, and what to call it in an error."""
    if argument is not None:
        return argument, name
    text = _environment(os.environ, variable)
    return (default, name) if text is None else (text, variable)


def _environment(environ: Mapping[str, str], variable: str) -> str | None:
    return environ.get(variable, "").strip() or None


def _number(value: Any, name: str, *, above: float | None = None, least: float = 0) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    low = f"above {above:g}" if above is not None else f"from {least:g}"
    wanted = f"a number {low} and up to {DAY:g}"
    good = number > above if above is not None else number >= least
    if isinstance(value, bool) or not good or number > DAY:
        raise ConfigurationError(f"{name} is {value!r}: give {wanted}, in seconds.")
    return number


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigurationError(f"{name} is {value!r}: give a whole number from {low} to {high}.")
    return value


def _text(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{name} is {value!r}: give the name of a distribution.")
    return value


def _ca_bundle(value: Any, name: str) -> str | None:
    if value is None:
        return None
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else repr(value)
    if not isinstance(path, str) or not os.path.exists(path):
        raise ConfigurationError(
            f"{name} is {path!r}, which does not exist: give a PEM file, or a folder of them."
        )
    return path


def _base_url(value: Any, name: str) -> str:
    cure = f"give the server's root, such as {DEFAULT_BASE_URL}"
    try:
        if not isinstance(value, str):
            raise TypeError(value)
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except (ValueError, AttributeError, TypeError):
        raise ConfigurationError(f"{name} is not a URL: {cure}.") from None
    if "@" in parts.netloc:
        raise ConfigurationError(f"{name} holds a user name or password: {cure}.")
    if not host or port == 0 or parts.query or parts.fragment or not _printable(value):
        raise ConfigurationError(f"{name} is {value!r}, which is not a server's URL: {cure}.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ConfigurationError(
            f"{name} is {value!r}: keys and patient data go over https only "
            f"(plain http is for this machine's own loopback address): {cure}."
        )
    root = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    return root if root.endswith(API_PATH) else root + API_PATH


def _printable(text: str) -> bool:
    return all("!" <= char <= "~" for char in text) and not set(text) & set('\\"<>^`{|}')


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("10.0.0.1")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
