"""`ImednetSDK`: the resources on one transport, and the plugins that stand above them."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar
from urllib.parse import quote

from imednet import plugins
from imednet.config import Keys, credentials, settings
from imednet.listing import RESOURCES, segment
from imednet.resources import Jobs, Records, Resource, Studies

R = TypeVar("R")

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime

    from imednet import models
    from imednet.http import Transport
    from imednet.listing import Progress

    class BoundResource(Protocol[R]):
        """A resource of one study: `Resource`, without the study key."""

        def iter(
            self,
            *,
            filter: str | None = None,
            sort: str | Sequence[str] | None = None,
            limit: int | None = None,
            page_size: int | None = None,
            modified_since: datetime | date | str | None = None,
            on_progress: Progress | None = None,
            **conditions: Any,
        ) -> Iterator[R]: ...
        def count(
            self,
            *,
            filter: str | None = None,
            modified_since: datetime | date | str | None = None,
            **conditions: Any,
        ) -> int: ...
        def get(self, id: str | int) -> R: ...
        def list(
            self,
            *,
            filter: str | None = None,
            sort: str | Sequence[str] | None = None,
            limit: int | None = None,
            page_size: int | None = None,
            modified_since: datetime | date | str | None = None,
            on_progress: Progress | None = None,
            **conditions: Any,
        ) -> builtins.list[R]: ...

    class BoundRecords(BoundResource[models.Record], Protocol):
        """The records of one study."""

        def create(
            self, records: Sequence[dict[str, Any]], *, email_notify: str | None = None
        ) -> models.Job: ...

    class BoundJobs(Protocol):
        """The jobs of one study."""

        def get(self, batch_id: str) -> models.Job: ...
        def wait(
            self,
            batch_id: str,
            *,
            interval: float = 2.0,
            timeout: float | None = 600.0,
            on_update: Callable[[models.Job], object] | None = None,
        ) -> models.Job: ...


__all__ = ["ImednetSDK", "Study"]


class ImednetSDK:
    """A connection to an iMednet server, with everything that it holds.

    What is not given comes from the environment: IMEDNET_API_KEY,
    IMEDNET_SECURITY_KEY, IMEDNET_BASE_URL, IMEDNET_TIMEOUT, IMEDNET_CA_BUNDLE,
    IMEDNET_WORKFLOWS. Nothing is sent before the first call; the keys are kept out
    of every attribute, repr, message and log.

    Args:
        api_key, security_key: the pair that iMednet gives.
        base_url: the server's root, with or without /api/v1/edc; https only, plain
            http to this machine's own loopback address excepted.
        timeout: seconds for connecting and for each wait for the server (30); one
            whole try ends after ten times that.
        retries: further tries after the first, for reads (3); 0 is none.
        backoff_factor: seconds (1.0); the n-th retry waits factor * 2**(n-1), the
            first none. A server's own Retry-After goes before, up to a minute.
        page_size: rows a request, 1 to 500 (500).
        prefetch: requests under way at once while a list is read (8); 1 uses no threads.
        ca_bundle: a PEM file, or a folder of them, to trust instead of the system's.
        workflows: the distribution to take `sdk.workflows` from, where several are installed.

    Raises:
        ConfigurationError: a setting is missing or malformed.
        PluginLoadError: the installed workflows plugin cannot be used.

    Example:
        >>> with ImednetSDK() as sdk:
        ...     for site in sdk.sites.list("DEMO", limit=1):
        ...         print(site.site_id)
        1
    """

    studies: Studies
    sites: Resource[models.Site]
    forms: Resource[models.Form]
    intervals: Resource[models.Interval]
    visits: Resource[models.Visit]
    subjects: Resource[models.Subject]
    users: Resource[models.User]
    variables: Resource[models.Variable]
    codings: Resource[models.Coding]
    queries: Resource[models.Query]
    record_revisions: Resource[models.RecordRevision]
    records: Records
    jobs: Jobs

    def __init__(
        self,
        api_key: str | None = None,
        security_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: float | None = None,
        retries: int = 3,
        backoff_factor: float = 1.0,
        page_size: int = 500,
        prefetch: int = 8,
        ca_bundle: str | os.PathLike[str] | None = None,
        workflows: str | None = None,
    ) -> None:
        keys = Keys(api_key, security_key)
        del api_key, security_key  # a traceback may show what stands in this frame
        #: What this SDK was made with; the keys are not among it.
        self.settings = settings(
            base_url,
            timeout=timeout,
            retries=retries,
            backoff_factor=backoff_factor,
            page_size=page_size,
            prefetch=prefetch,
            ca_bundle=ca_bundle,
            workflows=workflows,
        )
        self._credentials = credentials(keys)
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._closed = False
        kinds: dict[str, Any] = {"studies": Studies, "records": Records}
        for name in RESOURCES:
            setattr(self, name, kinds.get(name, Resource)(self, name))
        self.jobs = Jobs(self)
        #: `sdk.plugins.NAME`, each plugin made on first use.
        self.plugins = plugins.Plugins(self)
        #: What the workflows plugin gives, or a placeholder that says how to install one.
        self.workflows: Any = plugins.workflows(self, self.settings.workflows)

    def __repr__(self) -> str:
        made = getattr(self, "settings", None)  # a traceback may ask before there are any
        return f"<ImednetSDK {made.base_url if made else 'not made'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def transport(self) -> Transport:
        """The connections, made on first use; raises RuntimeError once closed."""
        if self._transport is None or self._closed:
            from imednet.http import Transport

            with self._lock:
                if self._closed:
                    raise RuntimeError("this ImednetSDK is closed: make a new one")
                self._transport = self._transport or Transport(self.settings, self._credentials)
        return self._transport

    def close(self) -> None:
        """Close all connections; the SDK cannot be used after it. Closing twice does no harm."""
        with self._lock:
            self._closed = True
            if self._transport is not None:
                self._transport.close()

    def study(self, study_key: str) -> Study:
        """Return the same resources bound to one study; nothing is sent.

        Example:
            >>> demo = sdk.study("DEMO")
            >>> demo.sites.count() == sdk.sites.count("DEMO")
            True
        """
        return Study(self, study_key)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """Send a request that nothing else here covers, and return its JSON.

        It has the same authentication, retries (GET only) and errors. `path` is
        below the API's root ("studies/DEMO/sites"), `params` become the query
        (None left out, lists repeated), `body` becomes JSON. None is returned for an
        empty answer.

        Example:
            >>> sdk.request("GET", "studies", params={"size": 1})["metadata"]["status"]
            'OK'
        """
        verb = method.upper() if isinstance(method, str) else ""
        if not verb.isalpha():
            raise ValueError(f"method is {method!r}: give GET, POST ...")
        from imednet.bodies import parsed

        answer = self.transport.send(verb, _below_root(path), params, body)
        return parsed(answer) if answer.body else None


def _below_root(path: str) -> str:
    from imednet.filters import whole

    parts = whole(path, "path").strip("/").split("/") if isinstance(path, str) else [""]
    if {"", ".", ".."} & set(parts) or "?" in path or "#" in path or "://" in path:
        raise ValueError(
            f"path is {path!r}: give one below the API's root, such as 'studies/DEMO/sites', "
            "and the query in params="
        )
    return "/" + quote("/".join(parts), safe="/%:@!$&'()*+,;=~")


class Study:
    """The resources of one study: every method as on the SDK, without the study key.

    `studies` is not among them; `jobs` is. Made by `sdk.study`, plain or async.
    """

    if TYPE_CHECKING:  # of the plain SDK; on the async one every method is awaited
        sites: BoundResource[models.Site]
        forms: BoundResource[models.Form]
        intervals: BoundResource[models.Interval]
        visits: BoundResource[models.Visit]
        subjects: BoundResource[models.Subject]
        users: BoundResource[models.User]
        variables: BoundResource[models.Variable]
        codings: BoundResource[models.Coding]
        queries: BoundResource[models.Query]
        record_revisions: BoundResource[models.RecordRevision]
        records: BoundRecords
        jobs: BoundJobs

    def __init__(self, sdk: Any, study_key: str) -> None:
        segment(study_key, "study_key")
        self.study_key = study_key
        self._sdk = sdk
        for name in (*RESOURCES, "jobs"):
            if name != "studies":
                setattr(self, name, _Bound(getattr(sdk, name), study_key))

    def __repr__(self) -> str:
        return f"<study {self.study_key} of {self._sdk!r}>"


class _Bound:
    """One resource with its study key filled in."""

    def __init__(self, resource: Any, study_key: str) -> None:
        self._resource, self._study_key = resource, study_key

    def __repr__(self) -> str:
        return f"<{self._resource!r} bound to {self._study_key}>"

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._resource) if not name.startswith("_")]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        from functools import partial, update_wrapper

        method = getattr(self._resource, name)
        return update_wrapper(partial(method, self._study_key), method)
