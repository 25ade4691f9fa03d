"""A mail server in a thread, whose answers the test decides."""

from __future__ import annotations

import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support import traces
from tests.support.ports import free_port


class SmtpServer:
    """Answers at `url`; `messages` are those it accepted, in order, and `envelopes` their (sender, recipients).

    `answers` are given to the next messages after DATA, first to last, instead of 250 ("451 try later", "554 no").
    `refused` are recipients that get 550. `hang()` keeps senders waiting until `go_on()`.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.answers: list[str] = []
        self.refused: set[str] = set()
        self._going = threading.Event()
        self._going.set()
        self.port = free_port()
        self._controller = self._make()

    def _make(self) -> Controller:
        return Controller(self, hostname="127.0.0.1", port=self.port)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """Django settings that send here from the test's own process."""
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": self.port,
            "EMAIL_TIMEOUT": 5,
        }

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        """Connections are refused from now on; `start` takes them again."""
        self.go_on()
        self._controller.stop(no_assert=True)
        self._controller = self._make()

    def hang(self) -> None:
        self._going.clear()

    def go_on(self) -> None:
        self._going.set()

    # --- what aiosmtpd calls -----------------------------------------------------------------------------------

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if address in self.refused:
            return f"550 no such mailbox: {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert server.loop
        await server.loop.run_in_executor(None, self._going.wait)
        if self.answers:
            answer = self.answers.pop(0)
            if not answer.startswith("2"):
                return answer
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        traces.mails.append((message, *self.envelopes[-1]))
        return "250 OK"
