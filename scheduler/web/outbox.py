"""The demo outbox: mails and texts as a patient would see them, read from DATA_DIR/mail. Only where mail stays here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpResponse
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.translation import gettext as _

from scheduler.domain import segments
from scheduler.services import record
from scheduler.web import words
from scheduler.web.door import Desk, door, is_demo_mail, page
from scheduler.web.sorting import Column, arrange

SHOWN = 100
TEXT_SHOWN = 60  # signs
NAME = re.compile(r"[0-9A-Za-z-]{1,80}")
STYLES = re.compile(r"<style>.*?</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mail:
    """One .eml file, or the .json of a text; `sent` in the center's zone, as it is written on the page."""

    name: str
    subject: str
    sender: str
    to: str
    sent: str
    text: str
    html: str = ""
    segments: int = 0  # of a text message; a mail has none


@door(None)
def outbox(desk: Desk) -> HttpResponse:
    _only_demo(desk)
    folder = Path(settings.MAIL_DIR)
    files = sorted([*folder.glob("*.eml"), *folder.glob("*.json")], key=lambda path: path.name, reverse=True)
    mails = [mail for path in files[:SHOWN] if (mail := _read(desk, path)) is not None]
    record.access(actor=desk.actor, patient=None, what="outbox", now=desk.now)
    table = arrange(desk, mails, _columns(), usual="-sent")
    context = {"title": _("Outbox"), "place": "outbox", "table": table, "count": len(files)}
    return page(desk, "scheduler/outbox.html", context)


def _columns() -> list[Column[Mail]]:
    return [
        Column("sent", _("Sent"), lambda each: each.name, falls=True),  # names begin with the moment of sending
        Column("to", _("To"), lambda each: each.to),
        Column("subject", _("Subject"), lambda each: each.subject),
    ]


@door(None)
def mail(desk: Desk, *, name: str) -> HttpResponse:
    _only_demo(desk)
    if not NAME.fullmatch(name):
        raise Http404
    folder = Path(settings.MAIL_DIR)
    found = _read(desk, folder / f"{name}.eml") or _read(desk, folder / f"{name}.json")
    if found is None:
        raise Http404
    record.access(actor=desk.actor, patient=None, what="outbox", now=desk.now)
    return page(desk, "scheduler/mail.html", {"title": found.subject, "place": "outbox", "mail": found})


@door(None)
def as_html(desk: Desk, *, name: str) -> HttpResponse:
    """The mail by itself, as a mail program draws it. Its styles are linked: the policy allows none inside a page."""
    _only_demo(desk)
    found = _read(desk, Path(settings.MAIL_DIR) / f"{name}.eml") if NAME.fullmatch(name) else None
    if found is None or not found.html:
        raise Http404
    record.access(actor=desk.actor, patient=None, what="outbox", now=desk.now)
    return HttpResponse(with_linked_styles(found.html))


def with_linked_styles(html: str) -> str:
    """The same page with `mail.css` linked, where a mail has it inside."""
    return STYLES.sub(format_html('<link rel="stylesheet" href="{}">', static("scheduler/mail.css")), html, count=1)


def _only_demo(desk: Desk) -> None:
    """A real center's mail is nobody's to read here."""
    if not (is_demo_mail() and desk.request.user.is_staff):
        raise Http404


def _read(desk: Desk, path: Path) -> Mail | None:
    """None where the file is gone meanwhile."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    sent = words.moment(_sent(path).astimezone(desk.center.zone), desk.today)
    if path.suffix == ".json":
        return _text(path.stem, json.loads(raw), sent)
    message = BytesParser(policy=policy.default).parsebytes(raw)
    body = message.get_body(preferencelist=("plain",))
    html = message.get_body(preferencelist=("html",))
    return Mail(
        name=path.stem,
        subject=str(message["subject"] or ""),
        sender=str(message["from"] or ""),
        to=str(message["to"] or ""),
        sent=sent,
        text=body.get_content() if body is not None else "",
        html=html.get_content() if html is not None else "",
    )


def _text(name: str, said: Mapping[str, str], sent: str) -> Mail:
    """A text has no subject: its beginning stands in the list."""
    text = said["text"]
    subject = text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}…"
    return Mail(
        name=name, subject=subject, sender="", to=said["to"], sent=sent, text=text, segments=segments.segments(text)
    )


def _sent(path: Path) -> datetime:
    """File names begin with the nanoseconds of sending."""
    digits = path.stem.partition("-")[0]
    if digits.isdigit():
        return datetime.fromtimestamp(int(digits) / 1e9, tz=UTC)
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
