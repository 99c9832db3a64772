"""`AsyncImednetSDK`: the same resources and names, awaited, over the one core on threads.

There is no second copy of any logic: `awaited` wraps an object so that its
methods run on asyncio's worker threads, and the SDK is wrapped with it. Plugins
use it likewise, and so serve both kinds of SDK with one implementation.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from enum import Enum
from functools import lru_cache, partial, wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from imednet import plugins
from imednet.config import Keys
from imednet.listing import RESOURCES
from imednet.resources import Waiting
from imednet.sdk import ImednetSDK, Study

R = TypeVar("R")

if TYPE_CHECKING:
    import builtins

    from imednet import models

    class AwaitedResource(Protocol[R]):
        """A resource as the async SDK has it."""

        def iter(self, study_key: str, **arguments: Any) -> AsyncIterator[R]: ...
        async def count(self, study_key: str, **arguments: Any) -> int: ...
        async def get(self, study_key: str, id: str | int) -> R: ...
        async def list(self, study_key: str, **arguments: Any) -> builtins.list[R]: ...

    class AwaitedRecords(AwaitedResource[models.Record], Protocol):
        """Records as the async SDK has them."""

        async def create(
            self, study_key: str, records: Sequence[dict[str, Any]], **arguments: Any
        ) -> models.Job: ...

    class AwaitedStudies(Protocol):
        """Studies as the async SDK has them."""

        def iter(self, **arguments: Any) -> AsyncIterator[models.Study]: ...
        async def count(self, **arguments: Any) -> int: ...
        async def get(self, study_key: str) -> models.Study: ...
        async def list(self, **arguments: Any) -> builtins.list[models.Study]: ...


__all__ = ["AsyncImednetSDK", "awaited"]

CHUNK_ROWS = 500  # items that one hop to a worker thread brings at most
CHUNK_SECONDS = 0.02  # and how long it collects them


def awaited(obj: Any) -> Any:
    """Return `obj` with its methods awaited: each call runs on a worker thread.

    A method that is a generator, or is annotated to return an Iterator or
    Generator, becomes an async iterator. Attributes that are objects of their own
    (a namespace of a plugin) are wrapped likewise; plain values are given as they are.

    Example:
        >>> class Greeter:
        ...     def greet(self, name): return f"hello {name}"
        ...     def count(self): yield from range(3)
        >>> async def main():
        ...     greeter = awaited(Greeter())
        ...     return await greeter.greet("you"), [n async for n in greeter.count()]
        >>> asyncio.run(main())
        ('hello you', [0, 1, 2])
    """
    return _awaited_class(frozenset(n for n in dir(obj) if not n.startswith("_")))(obj)


@lru_cache(256)
def _awaited_class(names: frozenset[str]) -> type[_Awaited]:
    """Return a class that shows these names: Python 3.12 and newer ask it what there is.

    `isinstance(sdk.workflows, WorkflowsNamespaceProtocol)` is such a question.
    """
    return type("Awaited", (_Awaited,), {name: _attribute(name) for name in names})


def _attribute(name: str) -> property:
    return property(lambda obj: obj.__getattr__(name))


class _Awaited:
    def __init__(self, obj: Any) -> None:
        self._obj = obj

    def __repr__(self) -> str:
        return f"<awaited {self._obj!r}>"

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._obj) if not name.startswith("_")]

    def __call__(self, *args: Any, **options: Any) -> Any:
        return _on_thread(self._obj)(*args, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _wrapped(getattr(self._obj, name))


def _wrapped(value: Any) -> Any:
    if inspect.isroutine(value) or isinstance(value, partial):
        return _on_thread(value)
    home = type(value).__module__.partition(".")[0]
    plain = home in sys.stdlib_module_names or isinstance(value, (type, Enum))
    return value if plain else awaited(value)


def _on_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    if _iterates(function):

        def stream(*args: Any, **options: Any) -> AsyncIterator[Any]:
            return _stream(lambda: function(*args, **options))

        return stream

    async def call(*args: Any, **options: Any) -> Any:
        return await asyncio.to_thread(function, *args, **options)

    inner = getattr(function, "func", function)  # a partial has no name or docstring of its own
    return wraps(inner)(call)


def _iterates(function: Callable[..., Any]) -> bool:
    if inspect.isgeneratorfunction(function):
        return True
    inner = getattr(function, "func", function)
    returned = str(getattr(inner, "__annotations__", {}).get("return", ""))
    return returned.split("[")[0].split(".")[-1] in ("Iterator", "Generator")


async def _stream(make: Callable[[], Iterator[Any]]) -> AsyncIterator[Any]:
    """Iterate on a worker thread, many items a hop, none lost when an error comes."""
    iterator: Iterator[Any] | None = None
    hop: asyncio.Task[Any] | None = None
    left = threading.Event()
    try:
        while True:
            hop = asyncio.ensure_future(asyncio.to_thread(_collect, iterator or make, left))
            iterator, items, error = await asyncio.shield(hop)
            for item in items:
                yield item
            if error is not None:
                raise error
            if iterator is None:
                return
    finally:
        left.set()
        if hop is not None and not hop.done():  # cancelled: nobody waits till the hop ends
            hop.add_done_callback(_close_what_is_left)
        elif hop is not None and (rest := _rest(hop)) is not None:
            await asyncio.to_thread(_close, rest)


def _collect(
    source: Any, left: threading.Event
) -> tuple[Iterator[Any] | None, list[Any], BaseException | None]:
    """Take items for a while; returns what is left (None: nothing), the items, and an error.

    Where the reader `left` meanwhile, the iterator is closed here, on its own thread.
    """
    items: list[Any] = []
    end = time.monotonic() + CHUNK_SECONDS
    try:
        iterator = source if hasattr(source, "__next__") else iter(source())
        for item in islice(iterator, CHUNK_ROWS):
            items.append(item)
            if time.monotonic() > end:
                break
        else:
            if len(items) < CHUNK_ROWS:
                return None, items, None
        if left.is_set():
            _close(iterator)
            return None, items, None
    except Exception as error:
        return None, items, error
    return iterator, items, None


def _close(iterator: Any) -> None:
    if hasattr(iterator, "close"):
        iterator.close()


def _rest(hop: asyncio.Task[Any]) -> Any:
    """Return the iterator that a hop left; None also if it was cancelled, as its loop ended.

    Then its worker may still be at it, and closes it.
    """
    return None if hop.cancelled() or hop.exception() is not None else hop.result()[0]


def _close_what_is_left(hop: asyncio.Task[Any]) -> None:
    """Close an iterator whose hop was just over when its reader left."""
    if (rest := _rest(hop)) is not None:
        hop.get_loop().run_in_executor(None, _close, rest)


class AwaitedJobs(_Awaited):
    """Jobs: a wait sleeps on the loop, not on a thread, and ends when it is cancelled."""

    async def get(self, study_key: str, batch_id: str) -> models.Job:
        job: models.Job = await asyncio.to_thread(self._obj.get, study_key, batch_id)
        return job

    async def wait(
        self,
        study_key: str,
        batch_id: str,
        *,
        interval: float = 2.0,
        timeout: float | None = 600.0,
        on_update: Callable[[models.Job], object] | None = None,
    ) -> models.Job:
        wait = Waiting(batch_id, interval, timeout, on_update)
        while not wait.ended(job := await self.get(study_key, batch_id)):
            await asyncio.sleep(wait.pause())
        return job


class AsyncImednetSDK:
    """`ImednetSDK`, awaited: the same arguments, resources, names and errors.

    It can be made outside a running loop, and used in any. Each call runs on
    asyncio's worker threads (as many as its default executor has), and so does
    `on_progress`. A call that is cancelled stops being waited for; its request runs to its end.

    Example:
        >>> async def main():
        ...     async with AsyncImednetSDK() as sdk:
        ...         sites, forms = await asyncio.gather(
        ...             sdk.sites.list("DEMO"), sdk.forms.list("DEMO"))
        ...         return [s.subject_key async for s in sdk.subjects.iter("DEMO", limit=2)]
        >>> len(asyncio.run(main()))
        2
    """

    studies: AwaitedStudies
    sites: AwaitedResource[models.Site]
    forms: AwaitedResource[models.Form]
    intervals: AwaitedResource[models.Interval]
    visits: AwaitedResource[models.Visit]
    subjects: AwaitedResource[models.Subject]
    users: AwaitedResource[models.User]
    variables: AwaitedResource[models.Variable]
    codings: AwaitedResource[models.Coding]
    queries: AwaitedResource[models.Query]
    record_revisions: AwaitedResource[models.RecordRevision]
    records: AwaitedRecords
    jobs: AwaitedJobs

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
        #: The SDK underneath, for code that is not async.
        self.sync = ImednetSDK(
            keys.api,
            keys.security,
            base_url,
            timeout=timeout,
            retries=retries,
            backoff_factor=backoff_factor,
            page_size=page_size,
            prefetch=prefetch,
            ca_bundle=ca_bundle,
            workflows=workflows,
        )
        for name in RESOURCES:
            setattr(self, name, awaited(getattr(self.sync, name)))
        self.jobs = AwaitedJobs(self.sync.jobs)
        #: As `ImednetSDK.plugins` and `.workflows`, made with this SDK.
        self.plugins = plugins.Plugins(self)
        self.workflows: Any = plugins.workflows(self, self.sync.settings.workflows)

    def __repr__(self) -> str:
        made = getattr(self, "sync", None)
        return f"<AsyncImednetSDK {made.settings.base_url if made else 'not made'}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections, as `ImednetSDK.close`."""
        await asyncio.to_thread(self.sync.close)

    def study(self, study_key: str) -> Any:
        """Return the same resources bound to one study, awaited.

        Example:
            >>> async def main():
            ...     async with AsyncImednetSDK() as sdk:
            ...         return await sdk.study("DEMO").sites.count() > 0
            >>> asyncio.run(main())
            True
        """
        return Study(self, study_key)

    async def request(self, method: str, path: str, **arguments: Any) -> Any:
        """Send a request that nothing else covers, as `ImednetSDK.request`."""
        return await asyncio.to_thread(self.sync.request, method, path, **arguments)
