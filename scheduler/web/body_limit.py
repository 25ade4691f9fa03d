"""How much may be sent at once. A body is read whole before Django is asked: a slow sender keeps no thread waiting,
and nobody ever works with half a form because its sender went away."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]  # Django's own types are narrower than ASGI's

DETAIL = "The body is larger than {most} MiB."


class BodyLimit:
    """An ASGI application around `app`, which is given whole bodies with their length. A body of more than `most` bytes
    is answered 413: at once where its length is announced, else as soon as it has been exceeded. `larger` says by path
    where more may come."""

    def __init__(self, app: App, *, most: int, larger: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._most = most
        self._larger = larger or {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], self._most)
        if _announced(scope) > most:
            await _refuse(scope, send, most)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > most:
                await _refuse(scope, send, most)
                return
        given = False

        async def whole() -> Message:
            nonlocal given
            if given:
                return await receive()  # tells when the client has gone
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(_with_length(scope, len(body)), whole, send)


def _with_length(scope: Message, length: int) -> Message:
    """For a body that came in chunks: WSGI reads only what is announced."""
    if not length or any(name == b"content-length" for name, _ in scope["headers"]):
        return scope
    return {**scope, "headers": [*scope["headers"], (b"content-length", str(length).encode())]}


def _announced(scope: Message) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(scope: Message, send: Send, most: int) -> None:
    status, detail = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, DETAIL.format(most=most >> 20)
    if scope["path"].startswith("/api/"):
        problem: dict[str, object] = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": "too_large",
            "detail": detail,
            "refusals": [],
            "alternatives": [],
        }
        kind, body = b"application/problem+json", json.dumps(problem).encode()
    else:
        kind, body = b"text/plain; charset=utf-8", f"{detail}\n".encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),  # what is still on its way isn't read
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
