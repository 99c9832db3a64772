"""A server on loopback that answers what a test has scripted, byte for byte.

It speaks HTTP over raw sockets, so that it can do everything that a server of
another make cannot be talked into: cut bodies, wrong lengths, a byte at a time,
a body without end, no answer at all.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

HOST = "127.0.0.1"
REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 302: "Found", 407: "Proxy Auth"}


@dataclass
class Request:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]  #: names in lower case
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def number(self, name: str) -> int:
        return int(self.query[name][0])

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What to send back, and how."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None  #: the Content-Length to claim; None is the true one
    unsized: bool = False  #: no Content-Length: the body ends with the connection
    chunked: bool = False
    drip: float | None = None  #: seconds between the bytes of the body
    endless: bool = False  #: the body again and again, until the client goes
    silent: bool = False  #: read the request, close without a word
    reset: bool = False  #: as silent, with a reset instead of a proper end
    hang: bool = False  #: no answer until the server stops
    raw: bytes | None = None  #: sent as it stands, instead of all of the above


Handler = Callable[[Request], Answer]


def reply(content: Any, status: int = 200, **options: Any) -> Answer:
    """JSON, as the API sends it."""
    headers = {"Content-Type": "application/json", **options.pop("headers", {})}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Answer(body, status, headers, **options)


def page(
    rows: list[Any], *, total: int | None = None, number: int = 0, size: int = 500
) -> dict[str, Any]:
    """An envelope with one page of rows."""
    total = len(rows) if total is None else total
    return {
        "metadata": {"status": "OK", "error": {}},
        "pagination": {
            "currentPage": number,
            "size": size,
            "totalPages": -(-total // size),
            "totalElements": total,
        },
        "data": rows,
    }


def refusal(
    status: int,
    *,
    code: str | None = "1000",
    description: str | None = "no good",
    attribute: str | None = None,
    value: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """An error in the body that the vendor's documentation shows."""
    error = {
        "code": code,
        "description": description,
        "field": {"attribute": attribute, "value": value},
    }
    return reply({"metadata": {"status": "ERROR", "error": error}}, status, headers=headers or {})


class Server:
    """Listens for as long as the `with` block lasts.

    Give it the answers in the order of the requests, or a function from request
    to answer. When the answers run out it answers 599, which no test expects.
    `tls` makes it an HTTPS server.
    """

    def __init__(self, *answers: Answer | Handler, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._script = list(answers)
        self._tls = tls
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket()
        self._listener.bind((HOST, 0))  # takes the port; nobody is let in before `start`
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    def start(self) -> Self:
        self._listener.listen(128)
        self._run(self._accept)
        return self

    def stop(self) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self.connections += 1
            self._open.add(connection)
        with suppress(OSError, ValueError):
            if self._tls is not None:
                connection = self._secured(connection, self._tls)
            self._talk(connection)
        with self._lock:
            self._open.discard(connection)
        connection.close()

    def _secured(self, connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        try:
            secure = context.wrap_socket(connection, server_side=True)
        finally:
            with self._lock:
                self._open.discard(connection)
            # wrap_socket took the file descriptor over, or closed it.
        with self._lock:
            self._open.add(secure)
        return secure

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while (request := _read(stream)) is not None:
                answer = self._answer(request)
                if answer.hang:
                    self._closing.wait(30)
                    return
                if answer.reset:  # lingering for no time makes the end a reset
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if answer.silent or answer.reset:
                    return
                if not self._send(connection, answer):
                    return

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            if not self._script:
                return Answer(status=599)
            step = self._script[0]
            if isinstance(step, Answer):
                return self._script.pop(0)
        return step(request)

    def _send(self, connection: socket.socket, answer: Answer) -> bool:
        """Send an answer; tells whether the connection can be used again."""
        if answer.raw is not None:
            connection.sendall(answer.raw)
            return False
        headers = dict(answer.headers)
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif not (answer.unsized or (answer.endless and answer.length is None)):
            size = len(answer.body) if answer.length is None else answer.length
            headers["Content-Length"] = str(size)
        lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        if answer.endless:
            while not self._closing.is_set():
                connection.sendall(answer.body)
        elif answer.drip is not None:
            for byte in answer.body:
                connection.sendall(bytes([byte]))
                if self._closing.wait(answer.drip):
                    return False
        elif answer.chunked:
            half = len(answer.body) // 2
            for part in (answer.body[:half], answer.body[half:], b""):
                connection.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        else:
            connection.sendall(answer.body)
        whole = answer.length is None or answer.length == len(answer.body)
        return whole and not (answer.unsized or answer.endless)


class Proxy(Server):
    """A proxy for HTTPS: it lets a CONNECT through to `target`, or answers it with `refuse`."""

    def __init__(self, target: Server | None = None, refuse: Answer | None = None) -> None:
        super().__init__()
        self._target, self._refuse = target, refuse

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb", buffering=0) as stream:
            request = _read(stream)
        if request is None:
            return
        self.requests.append(request)
        if self._refuse is not None or self._target is None:
            self._send(connection, replace(self._refuse or Answer(status=502)))
            return
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection((HOST, self._target.port)) as onward:
            self._run(_pump, onward, connection)
            _pump(connection, onward)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _read(stream: Any) -> Request | None:
    first = stream.readline().decode("latin-1").split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Request(first[0], first[1], headers, body)


def path_of(request: Request) -> str:
    """The path without the percent signs."""
    return unquote(request.path)
