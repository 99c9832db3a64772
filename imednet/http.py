"""One request: headers, proxies, certificates, retries, deadlines, and status to error.

With `bounds` the only module that imports urllib3, and so imported only when the
first request is made. Retrying is urllib3's; what stands here is the policy.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import IncompleteRead
from typing import Any, Self
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import urllib3
from urllib3 import exceptions

from imednet import __version__
from imednet.bodies import Answer, encoded, parsed, unzipped
from imednet.bounds import HTTPPool, HTTPSPool
from imednet.config import Credentials, Settings, is_loopback
from imednet.errors import ConfigurationError, RequestError, ResponseError, for_status

__all__ = ["Transport", "url_length"]


log = logging.getLogger("imednet")
log.addHandler(logging.NullHandler())  # silent until a program asks to hear

WAIT_LIMIT = 60.0  # seconds between two tries, whatever Retry-After asks
REDIRECTS = 5  # on the same host; they are no tries
RETRIED = (429, 500, 502, 503, 504)
PORTS = {"http": 80, "https": 443}  # where a URL names none
POOL_SIZE = 64  # connections kept; more can be open, and are closed after use


# --- Retries: urllib3's, told in the log by method and path only --------------------------------


class _Retry(urllib3.Retry):
    """urllib3's policy, with waits capped and each try told to the logger `imednet`."""

    call: _Call

    @classmethod
    def for_call(cls, call: _Call, retries: int, backoff_factor: float) -> _Retry:
        # A write is repeated only if its connection failed, so that nothing was sent.
        again = retries if call.method == "GET" else 0
        policy = cls(
            total=retries,
            connect=retries,
            read=again,
            status=again,
            other=again,
            redirect=REDIRECTS if call.method == "GET" else 0,
            allowed_methods={"GET"},
            status_forcelist=RETRIED,
            backoff_factor=backoff_factor,
            backoff_max=WAIT_LIMIT,
            raise_on_status=False,
            raise_on_redirect=False,
        )
        policy.call = call
        return policy

    def new(self, **changes: Any) -> Self:
        policy = super().new(**changes)
        policy.call = self.call
        return policy

    def increment(self, *args: Any, **details: Any) -> Self:
        response, error = details.get("response"), details.get("error")
        if response is not None and response.get_redirect_location():
            log.debug("%s %s: %s, redirected", self.call.method, self.call.path, response.status)
            return super(_Retry, self.new(total=(self.total or 0) + 1)).increment(*args, **details)
        self.call.tell(response.status if response is not None else type(error).__name__)
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise exceptions.MaxRetryError(details["_pool"], "", error)  # time mends no certificate
        policy = super().increment(*args, **details)
        self.call.again()
        return policy

    def get_retry_after(self, response: Any) -> float | None:
        try:
            seconds = super().get_retry_after(response)
        except (exceptions.InvalidHeader, ValueError, OverflowError):
            return None  # a header that makes no sense: wait as without it
        return None if seconds is None else min(seconds, WAIT_LIMIT)

    def sleep(self, response: Any = None) -> None:
        super().sleep(response)
        self.call.started = time.monotonic()


class _Call:
    """One request as the log tells it: never its query, which may name a subject."""

    def __init__(self, method: str, path: str) -> None:
        self.method, self.path = method, path
        self.attempt, self.throttled = 1, False
        self.outcome: int | str = ""
        self._told = 0
        self.started = time.monotonic()

    def tell(self, outcome: int | str) -> None:
        """Log how a try ended, once."""
        if self._told == self.attempt:
            return
        self.outcome, self._told = outcome, self.attempt
        self.throttled = self.throttled or outcome == 429
        elapsed = (time.monotonic() - self.started) * 1000
        log.debug("%s %s: %s in %.0f ms (try %d)", *self._request, outcome, elapsed, self.attempt)

    def again(self) -> None:
        self.attempt += 1
        log.warning("%s %s: %s, trying again (try %d)", *self._request, self.outcome, self.attempt)

    @property
    def _request(self) -> tuple[str, str]:
        return self.method, self.path


_calling = threading.local()


def _not_ours(_: logging.LogRecord) -> bool:
    return not getattr(_calling, "now", False)


# urllib3 logs whole URLs, and a filter in one may name a subject. What it would say
# of our requests, the logger `imednet` says; what it says of others' goes through.
for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_not_ours)


# --- The transport -----------------------------------------------------------------------------


class Transport:
    """Connections to one server; thread-safe. Raises only ImednetError's kinds."""

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._settings = settings
        self._credentials = credentials
        parts = urlsplit(settings.base_url)
        self._root = parts.path
        self._timeout = urllib3.Timeout(connect=settings.timeout, read=settings.timeout)
        self._manager = _manager(settings, parts)
        self._pool: Any = self._manager.connection_from_host(
            parts.hostname, parts.port, parts.scheme
        )

    def close(self) -> None:
        """Close all connections."""
        self._manager.clear()
        self._pool.close()

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, with retries, and return its answer.

        `path` starts with "/" and is percent-encoded; `params` values may be
        lists; `body` becomes JSON.
        """
        call = _Call(method, path)
        settings = self._settings
        _calling.now = True
        try:
            response = self._pool.urlopen(
                method,
                self._root + path + query(params),
                body=None if body is None else encoded(body),
                headers=_Headers(self._credentials.headers(), **_HEADERS, **(headers or {})),
                retries=_Retry.for_call(call, settings.retries, settings.backoff_factor),
                redirect=method == "GET",
                assert_same_host=True,
                timeout=self._timeout,
                decode_content=False,
            )
        except exceptions.HostChangedError as error:
            host = urlsplit(self._credentials.scrub(error.url or "")).hostname or "elsewhere"
            raise ResponseError(
                f"{method} {path} was redirected to another server ({host}), and not followed, "
                "since the keys would have gone there: check base_url (IMEDNET_BASE_URL)."
            ) from None
        except exceptions.ClosedPoolError:
            raise RuntimeError("this ImednetSDK is closed: make a new one") from None
        except exceptions.HTTPError as error:
            failure = error
        else:
            call.tell(response.status)
            return self._answer(call, response)
        finally:
            _calling.now = False
        raise self._no_answer(call, failure)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Keep the keys, which an odd server may echo, out of errors about what it answered."""
        try:
            yield
        except ResponseError as error:
            scrub = self._credentials.scrub
            raise ResponseError(
                scrub(str(error)),
                resource=error.resource,
                field=None if error.field is None else scrub(error.field),
                value=_scrubbed(error.value, scrub),
            ) from None

    def _answer(self, call: _Call, response: Any) -> Answer:
        status, scrub = response.status, self._credentials.scrub
        kind = scrub(response.headers.get("Content-Type") or "no content type")
        encoding = scrub(response.headers.get("Content-Encoding") or "identity").lower()
        answer = Answer(response.data, kind, call.method, call.path, call.throttled)
        if 200 <= status < 300:
            return answer._replace(body=unzipped(answer, encoding))
        if status < 400:
            raise ResponseError(
                f"{call.method} {call.path} answered {status}, a redirect that leads nowhere: "
                "check base_url (IMEDNET_BASE_URL)."
            )
        reasons = _reasons(answer, encoding, scrub)
        raise for_status(status)(status, **reasons, method=call.method, path=call.path)

    def _no_answer(self, call: _Call, error: exceptions.HTTPError) -> RequestError:
        reason = getattr(error, "reason", None) or error
        scrub = self._credentials.scrub
        text = scrub(f"{call.method} {call.path} got no answer after {_times(call.attempt)}: ")
        text += f"{_cause(reason, self._settings)}"
        if call.method != "GET" and not _unsent(reason):
            text += " It is not known whether the server took it: look before sending it again."
        failure = RequestError(text)
        # Not caused by `error`: its text holds the whole URL, and a filter may name a subject.
        failure.__cause__ = _bare(reason) if reason is not error else None
        return failure


def _unsent(reason: BaseException) -> bool:
    """Tell whether an error came before anything of the request had gone out."""
    early = isinstance(reason, (exceptions.ConnectTimeoutError, exceptions.ProxyError))
    return early or "CERTIFICATE_VERIFY_FAILED" in str(reason)


def _bare(error: BaseException) -> BaseException:
    """Take the frames off an error and what led to it: their local variables hold the keys."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error


class _Headers(dict[str, str]):
    """Request headers that do not show the keys to a traceback with local variables."""

    def __repr__(self) -> str:
        return f"<headers {', '.join(self)}>"

    def copy(self) -> _Headers:
        return _Headers(self)


_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "gzip",
    "content-type": "application/json",
    "user-agent": f"imednet/{__version__} Python/{sys.version_info.major}.{sys.version_info.minor}",
}


def _manager(settings: Settings, server: SplitResult) -> urllib3.PoolManager:
    options: dict[str, Any] = {"maxsize": POOL_SIZE}
    if server.scheme == "https":
        options["ssl_context"] = _ssl_context(settings.ca_bundle)
    proxy = _proxy_for(server)
    manager = urllib3.PoolManager(**options) if proxy is None else _proxy_manager(proxy, options)
    manager.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
    return manager


def _ssl_context(ca_bundle: str | None) -> ssl.SSLContext:
    if ca_bundle is None:
        return ssl.create_default_context()
    try:
        if os.path.isdir(ca_bundle):
            return ssl.create_default_context(capath=ca_bundle)
        return ssl.create_default_context(cafile=ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"ca_bundle is {ca_bundle!r}, which holds no certificates that can be read "
            f"({error}): give a PEM file, or a folder of them."
        ) from error


def _proxy_for(server: SplitResult) -> str | None:
    """Return the proxy's URL, from HTTPS_PROXY and NO_PROXY or the system's settings."""
    host = server.hostname or ""
    settable = sys.platform in ("win32", "darwin")
    if is_loopback(host) or not (settable or any(n.lower().endswith("_proxy") for n in os.environ)):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = (proxies.get(server.scheme) or proxies.get("all") or "").strip()
    listed = f"{host}:{server.port or PORTS[server.scheme]}"  # NO_PROXY may name a port
    return None if not proxy or proxy_bypass(listed) else proxy


def _proxy_manager(proxy: str, options: dict[str, Any]) -> urllib3.ProxyManager:
    try:
        parts = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        login = urllib3.util.make_headers(proxy_basic_auth=_unquoted(parts.auth))
        if not parts.host:
            raise ValueError("no host")
        url = f"{parts.scheme}://{parts.host}:{parts.port or PORTS[parts.scheme or 'http']}"
        return urllib3.ProxyManager(url, proxy_headers=login, **options)
    except (exceptions.HTTPError, ValueError, AssertionError, KeyError):
        raise ConfigurationError(
            "HTTPS_PROXY is not a proxy's URL: give http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"
        ) from None


def _unquoted(login: str | None) -> str | None:
    from urllib.parse import unquote

    return None if login is None else unquote(login)


def query(params: Mapping[str, Any] | None) -> str:
    """Return the query string, with its question mark, of parameters that are not None."""
    pairs = {key: _query_value(v) for key, v in (params or {}).items() if v is not None}
    try:
        return "?" + urlencode(pairs, doseq=True, quote_via=quote, safe="") if pairs else ""
    except UnicodeEncodeError:
        raise ValueError("params hold bytes that are no text (in UTF-8): correct them") from None


def _query_value(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def url_length(settings: Settings, path: str, params: Mapping[str, Any]) -> int:
    """Return how many characters a request's URL has."""
    return len(settings.base_url) + len(path) + len(query(params))


def _reasons(answer: Answer, encoding: str, scrub: Callable[[str], str]) -> dict[str, Any]:
    """Read either of the API's two error bodies; what is neither gives no reasons."""
    try:
        error = parsed(answer._replace(body=unzipped(answer, encoding)))["metadata"]["error"]
        field = error.get("field") or {}
        attribute, value = field.get("attribute"), field.get("value")
    except (ResponseError, KeyError, TypeError, AttributeError):
        return {}
    description = error.get("description") or error.get("message")
    found = {"code": error.get("code"), "description": description, "attribute": attribute}
    texts = {key: scrub(str(text)) for key, text in found.items() if text is not None}
    return {**texts, "value": _scrubbed(value, scrub)}


def _scrubbed(value: Any, scrub: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return scrub(value)
    return json.loads(scrub(json.dumps(value))) if isinstance(value, (list, dict)) else value


def _times(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def _cause(reason: BaseException, settings: Settings) -> str:
    """Say in a sentence why no answer came, and the cure where there is one."""
    text = str(reason)
    host = urlsplit(settings.base_url).hostname
    if "CERTIFICATE_VERIFY_FAILED" in text and "match" in text.lower():
        return f"the certificate that answers is another server's than {host}. Check base_url."
    if "CERTIFICATE_VERIFY_FAILED" in text and "expired" in text:
        return f"the certificate of {host} has expired. Check this machine's clock, or tell {host}."
    if "WRONG_VERSION_NUMBER" in text:
        return f"what answers at {host} does not speak TLS. Check base_url and its port."
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            f"the certificate of {host} is not trusted here. Behind a company proxy, give its "
            "certificates with ca_bundle= or IMEDNET_CA_BUNDLE (a PEM file)."
        )
    if isinstance(reason, exceptions.ProxyError):
        return (
            f"the proxy in HTTPS_PROXY failed ({_innermost(reason.original_error)}). Check it, its "
            f"user and password, or put {host} into NO_PROXY."
        )
    if isinstance(reason, (exceptions.NameResolutionError, exceptions.LocationParseError)):
        return f"the name {host} cannot be resolved. Check base_url and the network."
    if isinstance(reason, exceptions.NewConnectionError):
        return f"no connection to {host} ({_innermost(reason)}). Check base_url and the network."
    if isinstance(reason, exceptions.TimeoutError):
        return f"no answer in time (timeout is {settings.timeout:g} s; see timeout=)."
    return f"the connection broke ({_innermost(reason)})."


def _innermost(error: BaseException) -> str:
    """Name the root of a network error, without what urllib3's texts and arguments may hold.

    That is a URL, or the answer as far as it came, and so patient data.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    inner = next((part for part in error.args if isinstance(part, Exception)), error)
    if isinstance(inner, IncompleteRead):
        return str(inner)  # how many bytes came and how many were to come
    said = (inner.strerror or inner.args[-1:]) if isinstance(inner, OSError) else ""
    text = said[0] if isinstance(said, tuple) and said else said or ""
    return f"{type(inner).__name__}: {text}".rstrip(": ")
