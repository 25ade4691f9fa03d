"""The way from uvicorn to Django: whole bodies, threads for pages, and what is streamed on a way of its own."""

from __future__ import annotations

import http.client
import socket
from typing import Any

import pytest

from infusion_center import asgi
from scheduler.domain.permissions import Actor
from scheduler.services import api_keys
from scheduler.web.body_limit import BodyLimit
from tests import factories as make
from tests.factories import NOW
from tests.support import loops


class Recorder:
    """An ASGI application that keeps what it was asked and answers nothing."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            self.bodies.append((await receive())["body"])


def asked(app: Any, *messages: dict[str, Any], scope: dict[str, Any] | None = None) -> list[Any]:
    """Everything that `app` sends after these messages of the server's."""
    waiting, sent = iter(messages), []

    async def receive() -> Any:
        return next(waiting)

    async def send(message: Any) -> None:
        sent.append(message)

    loops.run(app({"type": "http", "path": "/", "headers": [], **(scope or {})}, receive, send))
    return sent


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_half_a_body_reaches_nobody():
    app = Recorder()
    sent = asked(BodyLimit(app, most=100), part(b"status=", more=True), {"type": "http.disconnect"})
    assert (app.scopes, sent) == ([], [])


def test_a_body_in_parts_is_given_whole_with_its_length():
    app = Recorder()
    asked(BodyLimit(app, most=100), part(b"status=", more=True), part(b"done", more=False))
    assert app.bodies == [b"status=done"]
    assert app.scopes[0]["headers"] == [(b"content-length", b"11")]


def test_a_request_without_a_body_is_given_as_it_came():
    app = Recorder()
    asked(BodyLimit(app, most=100), part(b"", more=False))
    assert (app.bodies, app.scopes[0]["headers"]) == ([b""], [])


@pytest.mark.parametrize(
    ("scope", "streamed"),
    [
        ({"path": "/live/board/"}, True),
        ({"path": "/api/v1/schedule/"}, False),
        ({"path": "/lively/"}, False),
        ({"type": "lifespan"}, False),
    ],
)
def test_only_what_is_under_live_goes_to_the_streams(scope, streamed):
    pages, live = Recorder(), Recorder()
    asked(asgi._by_path(pages, live), part(b"", more=False), scope=scope)
    assert (len(pages.scopes), len(live.scopes)) == ((0, 1) if streamed else (1, 0))


def test_a_body_sent_in_chunks_is_read_by_the_api(web_server):
    center = make.make_center()
    key = api_keys.issue(actor=Actor.job("test"), name="Test", center_code=center.code, role="front-desk", now=NOW)
    connection = http.client.HTTPConnection("127.0.0.1", web_server().port, timeout=20)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    body = iter([b'{"query"', b': "ana"}'])
    connection.request("POST", "/api/v1/patients/search/", body, headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()


def test_an_unknown_live_page_is_404_and_bytes_that_are_no_address_are_400(web_server):
    server = web_server()
    for target, status in ((b"/live/nothing/", b"404"), (b"/healthz?q=\xff\xfe", b"400")):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as link:
            link.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            assert link.recv(64).split()[1] == status
    assert "Traceback" not in server.output()


def test_only_at_its_own_address_more_may_come():
    app = Recorder()
    limited = BodyLimit(app, most=100, larger={"/imports/": 200})
    for path, size in (("/imports/", 200), ("/imports/", 201), ("/imports/1/", 101), ("/", 100)):
        asked(limited, part(b"x" * size, more=False), scope={"path": path})
    assert [len(body) for body in app.bodies] == [200, 100]
