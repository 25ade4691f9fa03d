"""How much may be sent at once. Django under ASGI takes a whole body to memory and disk before anybody can say no, so
this stands in front of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]  # Django's own types are narrower than ASGI's

DETAIL = "The body is larger than 1 MiB."


class BodyLimit:
    """An ASGI application around `app` that answers 413 to a body of more than `most` bytes: at once where its length
    is announced, else as soon as it has been exceeded."""

    def __init__(self, app: App, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced(scope) > self._most:
            await _refuse(scope, send)
            return
        taken, began = 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            # To Django it looks as if the browser had gone: it drops what it has and answers nothing.
            return {"type": "http.disconnect"} if taken > self._most else message

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        await self._app(scope, counted, noted)
        if taken > self._most and not began:
            await _refuse(scope, send)


def _announced(scope: Message) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(scope: Message, send: Send) -> None:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if scope["path"].startswith("/api/"):
        problem: dict[str, object] = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": "too_large",
            "detail": DETAIL,
            "refusals": [],
            "alternatives": [],
        }
        kind, body = b"application/problem+json", json.dumps(problem).encode()
    else:
        kind, body = b"text/plain; charset=utf-8", f"{DETAIL}\n".encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),  # what is still on its way isn't read
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
