"""A provider of text messages over a real socket: a little HTTP server, and the backend that a center would write.

The backend is what docs/text-messages.md shows.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from scheduler.services.text_provider import AgainLater, AgainSoon, HasStopped, Never, NoSuchNumber
from tests.support import traces

WHERE = "TEXTS_TEST_PORT"
BACKEND = "tests.support.texts.HttpProvider"

_SAYS = {"21211": NoSuchNumber, "21610": HasStopped, "30007": Never, "30003": AgainSoon}


class HttpProvider:
    """Speaks to the server below, or to whatever listens there."""

    def send(self, to: str, text: str, stable_id: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", int(os.environ[WHERE]), timeout=1)
        try:
            body = json.dumps({"to": to, "text": text})
            connection.request("POST", "/messages", body, {"Idempotency-Key": stable_id})
            answer = connection.getresponse()
            said = json.loads(answer.read())
        except http.client.HTTPException as problem:
            raise AgainLater(type(problem).__name__) from problem
        finally:
            connection.close()
        if answer.status == 201:
            return str(said["id"])
        if answer.status >= 500 or answer.status == 429:
            raise AgainLater(str(answer.status))
        raise _SAYS[said["code"]](said["code"])


class TextServer:
    """`texts` are those that it took, each key once, as a good provider does; `tries` all that it was asked. `answers`
    are given one by one, status and code, or None to hang up; `refused` are numbers and the code they get."""

    def __init__(self) -> None:
        self.texts: list[dict[str, str]] = []
        self.tries: list[dict[str, str]] = []
        self.answers: list[tuple[int, str] | None] = []
        self.refused: dict[str, str] = {}
        self._going = threading.Event()
        self._going.set()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.answer(self, body | {"key": self.headers["Idempotency-Key"]})

            def log_message(self, *_: Any) -> None:
                """It would name its callers on standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.go_on()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def hang(self) -> None:
        self._going.clear()

    def go_on(self) -> None:
        self._going.set()

    def answer(self, handler: BaseHTTPRequestHandler, asked: dict[str, str]) -> None:
        self.tries.append(asked)
        traces.texts.append(asked["text"])
        self._going.wait(10)  # where it hangs, its client leaves long before
        said = self.answers.pop(0) if self.answers else (201, "")
        if asked["to"] in self.refused:
            said = (400, self.refused[asked["to"]])
        if said is None:
            handler.close_connection = True
            return
        status, code = said
        if status == 201 and asked["key"] not in {text["key"] for text in self.texts}:
            self.texts.append(asked)
        body = json.dumps({"id": f"SM{len(self.texts)}", "code": code}).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        try:
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            handler.close_connection = True  # it has left
