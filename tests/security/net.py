"""Under the whole suite: the values that every test patient, user and key carries, looked for wherever a test's own
process and its servers wrote.

`make_patient` gives everybody a last name, an MRN and a birth date that nobody would write by chance, `make_user` a
password; keys and links have shapes of their own. After each test what was logged here, what its workers, web servers
and brokers wrote, and every mail's envelope, subject and text are searched for them. A test in which one shows fails.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.core.mail import EmailMessage as DjangoMail

from scheduler.services.logs import Line
from tests.security.markers import in_files, in_mail, readings

LAST_NAME = r"rivera\d+"
FIRST_NAME = re.compile(r"\bana\b", re.IGNORECASE)  # make_patient's
MRN = r"\bmrn-\d+"
BORN = r"1985-03-14|19850314|14 mar(?:ch)? 1985|14/03/1985|03/14/1985|1985, 3, 14\b"
PASSWORD = r"\bpass-for-tests"
KEY = r"\bick_[\w-]{20,}"
LINK = r"/v/[\w-]{12,}"

IN_LOGS = re.compile("|".join([LAST_NAME, MRN, BORN, PASSWORD, KEY, LINK]), re.IGNORECASE)
IN_MAILS = re.compile("|".join([LAST_NAME, MRN, BORN, PASSWORD, KEY]), re.IGNORECASE)
IN_SUBJECTS = re.compile("|".join([IN_MAILS.pattern, LINK]), re.IGNORECASE)


def find(pattern: re.Pattern[str], text: str | bytes) -> list[str]:
    """What `pattern` finds in `text`, wrapped as it may be."""
    raw = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return sorted({match[0] for reading in readings(raw) for match in pattern.finditer(reading)})


class Net(logging.Handler):
    """`found` tells where a value showed since it was last emptied. As a handler it reads each line as the service
    writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.setFormatter(Line("{levelname} {name}: {message}", style="{"))
        self.addFilter(_is_ours)

    def emit(self, record: logging.LogRecord) -> None:
        self._look(f"log of {record.name}", IN_LOGS, self.format(record))

    def files(self, paths: Iterable[Path]) -> None:
        """Logs of child processes; of a broker its directory, with all that was ever on its queues."""
        for path in paths:
            for name, text in (in_files(path) if path.is_dir() else {path.name: path.read_bytes()}).items():
                self._look(name, IN_LOGS, text)

    def sent(self, message: EmailMessage, sender: str | None, recipients: list[str]) -> None:
        for place, text in in_mail(message, sender, recipients).items():
            self._look(
                f"{place} of a mail", IN_MAILS if place == "body" else IN_SUBJECTS, _without_way_out(place, text)
            )

    def texted(self, text: str) -> None:
        """What a provider of text messages was handed: it shows on a locked screen, so not even her first name."""
        self._look("text message", IN_MAILS, text)
        self._look("text message", FIRST_NAME, text)

    def outbox(self, mails: Iterable[DjangoMail]) -> None:
        """Mails that left by Django's mail backend for tests."""
        for mail in mails:
            message = message_from_bytes(mail.message().as_bytes(), policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.sent(message, mail.from_email, mail.recipients())

    def empty(self) -> list[str]:
        found, self.found = self.found, []
        return found

    def _look(self, place: str, pattern: re.Pattern[str], text: str | bytes) -> None:
        self.found += [f"{place}: {value}" for value in find(pattern, text)]


def _is_ours(record: logging.LogRecord) -> bool:
    """Not what tools of the tests say: the test mail server names its recipients, and SQL is logged for counting."""
    return not record.name.startswith(("mail.", "django.db.backends", "asyncio", "faker", "hypothesis"))


def _without_way_out(place: str, text: str) -> str:
    """Mail programs stop the reminders by a link in the headers, which only the two servers see."""
    return re.sub(r"(?im)^list-unsubscribe: .*$", "", text) if place == "headers" else text
