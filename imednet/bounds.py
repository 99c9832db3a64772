"""Connections that cut off a server that drips bytes, or never stops."""

from __future__ import annotations

import io
import time
from http.client import HTTPResponse as RawResponse
from typing import Any

from urllib3 import connection, connectionpool

from imednet import bodies
from imednet.errors import ResponseError

__all__ = ["DEADLINE", "HTTPPool", "HTTPSPool"]

DEADLINE = 10  # times the timeout, for one whole try


class _BoundedReader(io.RawIOBase):
    """A socket's bytes, no later than a deadline and no more than the limit."""

    def __init__(self, raw: Any, sock: Any) -> None:
        self._raw, self._sock = raw, sock
        self._wait = sock.gettimeout()
        self._deadline = time.monotonic() + DEADLINE * self._wait
        self._read = 0
        self._last = b""  # the last byte that is no blank
        self.ends_json = False  #: no length was declared, so that only the JSON can tell

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the answer did not end within {DEADLINE} times the timeout")
        self._sock.settimeout(min(self._wait, left))
        count: int = self._raw.readinto(buffer)
        self._read += count
        if self._read > bodies.BODY_LIMIT:
            raise ResponseError(bodies.TOO_LONG)
        if count:
            end = bytes(buffer[max(0, count - 64) : count]).rstrip()
            self._last = (end or bytes(buffer[:count]).rstrip())[-1:] or self._last
        elif self.ends_json and self._last not in (b"}", b"]"):
            raise ConnectionResetError("the connection closed within the answer's JSON")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reader(io.BufferedReader):
    """Buffers, and takes an end within the head for what it is: http.client would not."""

    in_head = True

    def readline(self, size: int | None = -1) -> bytes:
        line = super().readline(size)
        if self.in_head and line[-1:] != b"\n" and len(line) <= 65536:
            raise ConnectionResetError("the connection closed within the answer's head")
        return line


class _BoundedResponse(RawResponse):
    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp: Any = _Reader(_BoundedReader(self.fp.detach(), sock), 65536)

    def begin(self) -> None:
        super().begin()
        if self.fp is not None:
            self.fp.in_head = False
            plain = "json" in self.getheader("Content-Type", "") and not self.getheader(
                "Content-Encoding"
            )
            self.fp.raw.ends_json = plain and self.length is None and not self.chunked
        if (self.length or 0) > bodies.BODY_LIMIT:
            raise ResponseError(bodies.TOO_LONG)


class _HTTPConnection(connection.HTTPConnection):
    response_class = _BoundedResponse


class _HTTPSConnection(connection.HTTPSConnection):
    response_class = _BoundedResponse


class HTTPPool(connectionpool.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class HTTPSPool(connectionpool.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection
