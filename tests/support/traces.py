"""What the servers of a test left: where they wrote and what was mailed. tests/security/net.py searches it."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

files: list[Path] = []
mails: list[tuple[EmailMessage, str | None, list[str]]] = []
texts: list[str] = []


def forget() -> None:
    files.clear()
    mails.clear()
    texts.clear()
