"""The HTTP side: keys, paths, envelopes, and the faults asked for."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from hmac import compare_digest
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from imednet_simulator import listing, orders, schema
from imednet_simulator.columns import moment_text
from imednet_simulator.errors import NOT_PERMITTED, UNKNOWN, RefusedError, bad_value
from imednet_simulator.faults import Fault, Faults
from imednet_simulator.jobs import Jobs
from imednet_simulator.store import Study

ROOT = "/api/v1/edc"
KEY_HEADERS = ("x-api-key", "x-imn-security-key")
LOGIN_PAGE = "<!DOCTYPE html><html><title>Sign in</title><body>Please sign in.</body></html>"


class Api:
    """One study behind the API, as an ASGI application.

    `keys` are the API key and the security key; `now` is the study's time at the start in
    seconds since 1970, and goes on with the real clock.
    """

    def __init__(
        self,
        study: Study,
        keys: tuple[str, str],
        now: int,
        faults: Faults | None = None,
        latency: float = 0.0,
    ) -> None:
        self.study, self.faults, self.latency = study, faults or Faults(), latency
        self.jobs = Jobs(study)
        self.requests: deque[tuple[str, str]] = deque(maxlen=10_000)
        self._keys = tuple(key.encode() for key in keys)
        self._offset = now - time.monotonic()

    @property
    def now(self) -> float:
        """The study's time."""
        return self._offset + time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        query = scope["query_string"].decode("latin-1")
        path = scope["path"] + (f"?{query}" if query else "")
        self.requests.append((request.method, path))
        body = await request.body()
        fault = self.faults.draw()
        await self._wait(fault)
        response = self._spoilt(request, body, fault) if fault else self._answer(request, body)
        if fault and fault.kind == "cut":
            await _send_half(response, send)
        else:
            await response(scope, receive, send)

    async def _wait(self, fault: Fault | None) -> None:
        seconds = self.latency + (fault.seconds if fault and fault.kind == "slow" else 0)
        if seconds:
            await asyncio.sleep(seconds)

    def _spoilt(self, request: Request, body: bytes, fault: Fault) -> Response:
        """The answer under a fault. A POST that seems to fail has changed nothing."""
        if fault.kind == "html":
            return HTMLResponse(LOGIN_PAGE)
        if fault.kind == "slow" or (fault.kind == "cut" and request.method == "GET"):
            return self._answer(request, body)
        status = 500 if fault.kind == "cut" else int(fault.kind)
        headers = {"Retry-After": str(fault.retry_after)} if status in (429, 503) else {}
        text = HTTPStatus(status).phrase
        return self._refuse(request, RefusedError(status, UNKNOWN, text, headers=headers))

    def _answer(self, request: Request, body: bytes) -> Response:
        try:
            with self.study.lock:
                self.jobs.settle(self.now)
                status, content = self._route(request, body)
            return _json(content, status)
        except RefusedError as refusal:
            return self._refuse(request, refusal)

    def _route(self, request: Request, body: bytes) -> tuple[int, dict[str, Any]]:
        raw = request.scope.get("raw_path") or request.scope["path"].encode()
        path = raw.decode("latin-1").partition("?")[0]
        if not path.startswith(ROOT + "/"):
            raise _nowhere()
        self._check_keys(request)
        match [unquote(part) for part in path.removeprefix(ROOT + "/").split("/")]:
            case ["studies"]:
                return 200, self._list(request, schema.STUDIES)
            case ["studies", key, name] if name in schema.RESOURCES and name != "studies":
                self._check_study(key)
                if name == "records" and request.method == "POST":
                    return 202, self._post(body)
                allowed = ("GET", "POST") if name == "records" else ("GET",)
                return 200, self._list(request, schema.RESOURCES[name], allowed)
            case ["studies", key, "jobs", batch_id]:
                self._check_study(key)
                _check_method(request)
                return 200, self._job(batch_id)
        raise _nowhere()

    def _check_keys(self, request: Request) -> None:
        for name, key in zip(KEY_HEADERS, self._keys, strict=True):
            given = request.headers.get(name, "").encode("latin-1")
            if not compare_digest(given, key):
                what = "is wrong" if given else "is missing"
                raise RefusedError(401, NOT_PERMITTED, f"The header {name} {what}", attribute=name)

    def _check_study(self, key: str) -> None:
        if key != self.study.key:
            text = "No access to this study"
            raise RefusedError(403, NOT_PERMITTED, text, attribute="studyKey", value=key)

    def _list(
        self, request: Request, resource: schema.Resource, allowed: tuple[str, ...] = ("GET",)
    ) -> dict[str, Any]:
        _check_method(request, allowed)
        query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        content = listing.answer(self.study, resource, query)
        return {"metadata": self._metadata(request, "OK", {}), **content}

    def _post(self, body: bytes) -> dict[str, Any]:
        try:
            items = json.loads(body)
        except ValueError:
            raise bad_value("body", None, "The body must be JSON") from None
        return dict(self.jobs.create(orders.read(self.study, items), self.now).receipt())

    def _job(self, batch_id: str) -> dict[str, Any]:
        job = self.jobs.look(batch_id, self.now)
        if job is None:
            raise RefusedError(404, UNKNOWN, "No such job", attribute="batchId", value=batch_id)
        return dict(job.show())

    def _refuse(self, request: Request, refusal: RefusedError) -> Response:
        error = {
            "code": refusal.code,
            "description": refusal.description,
            "field": {"attribute": refusal.attribute, "value": refusal.value},
        }
        content = {"metadata": self._metadata(request, "ERROR", error)}
        return _json(content, refusal.status, refusal.headers)

    def _metadata(self, request: Request, status: str, error: dict[str, Any]) -> dict[str, Any]:
        return {
            "status": status,
            "method": request.method,
            "path": request.scope["path"],
            "timestamp": moment_text(self.now),
            "error": error,
        }


def _json(content: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), status, headers, media_type="application/json")


def _nowhere() -> RefusedError:
    return RefusedError(404, UNKNOWN, "There is nothing at this path")


def _check_method(request: Request, allowed: tuple[str, ...] = ("GET",)) -> None:
    if request.method not in allowed:
        headers = {"Allow": ", ".join(allowed)}
        raise RefusedError(405, UNKNOWN, f"{request.method} is not possible here", headers=headers)


async def _send_half(response: Response, send: Send) -> None:
    """Announce the whole body, send half of it, and let the connection drop."""
    start = {"type": "http.response.start", "status": response.status_code}
    await send({**start, "headers": response.raw_headers})
    half = bytes(response.body)[: len(response.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


def application(api: Api) -> Starlette:
    """The API as a Starlette application, to be served or mounted."""
    return Starlette(routes=[Mount("/", app=api)])
