"""What a mail to a patient says: when, where, whom to call. Nothing about the treatment, in any part of it.

Only the first name, times, and the center's neutral name, address and phone come in here: what isn't given to
a template can't leak from it. Times are the center's wall clock, written as patients write them (10:00 am).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import formataddr, parseaddr
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.models import Appointment, Center, LedgerEntry, Link
from scheduler.services import calendar_file, catalogues, wording
from scheduler.services.wording import Said


@dataclass(frozen=True, slots=True)
class When:
    """One visit as the patient reads it."""

    day: str
    full_day: str
    weekday: str
    time: str
    arrive: str


def compose(
    entry: LedgerEntry,
    *,
    address: str,
    appointments: Sequence[Appointment],
    tokens: Mapping[str, str] | None = None,
    no_longer: Sequence[Appointment] = (),
    said: Said | None = None,
) -> EmailMultiAlternatives:
    """The mail of a ledger row. `appointments` are those it tells about, by time; none: nothing is booked. `tokens`
    are those of services/links.py by purpose; each becomes a link. `no_longer` are cancelled ones that she was told
    of: they leave her calendar. `said` are words that aren't kept yet, for a preview.

    Raises ValueError where an address or a name cannot stand in a header.
    """
    with translation.override(language_of(entry)):
        center = entry.center
        visits = [when(appointment, center, told_at=entry.due) for appointment in appointments]
        subject, heading = _headline(entry.kind, visits, center)
        context = common(entry, tokens or {}) | {"heading": heading, "visits": visits}
        subject = worded(entry, context, visits[0] if visits else None, subject=subject, said=said)
        mail = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string("scheduler/mail/visit.txt", context).strip() + "\n",
            from_email=sender(center),
            to=[address],
            headers=headers(entry, tokens or {}),
        )
        mail.attach_alternative(render_to_string("scheduler/mail/visit.html", context), "text/html")
        if entry.kind != LedgerEntry.Kind.REMINDER:  # it tells nothing that her calendar doesn't have
            attachment = calendar_file.part(
                sorted([*appointments, *no_longer], key=lambda one: (one.start, one.pk)),
                center=center,
                sender=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
                address=address,
                told_at=entry.due,
                is_stay=entry.course is not None and entry.course.protocol.keeps_chair,
            )
            if attachment is not None:
                mail.attach(attachment)
        return mail


def language_of(entry: LedgerEntry) -> str:
    """In which its contact is written to, or else its patient."""
    return catalogues.spoken(entry.contact.language if entry.contact is not None else "", entry.patient.language)


def common(entry: LedgerEntry, tokens: Mapping[str, str]) -> dict[str, Any]:
    """What the templates of every mail get, in the language that is active."""
    center = entry.center
    return {
        "kind": entry.kind,
        "first_name": entry.patient.first_name,
        "zone": _("%(city)s time") % {"city": center.time_zone.rsplit("/", 1)[-1].replace("_", " ")},
        "center": center.mail_name,
        "address": center.address,
        "phone": center.phone,
        "phone_link": phone_link(center.phone),
        "styles": _styles(),
        "links": {purpose.replace("-", "_"): link_to(token) for purpose, token in tokens.items()},
        "language": translation.get_language(),
    }


def worded(
    entry: LedgerEntry, context: dict[str, Any], about: When | None, *, subject: str, said: Said | None, until: str = ""
) -> str:
    """Put the center's own words into `context`; the subject, `subject` where the center has no other one. Where
    nothing is booked any more (`about` is None) nothing but the standard fits."""
    own = None
    if about is not None:
        values = {
            "first_name": entry.patient.first_name,
            "date": about.day,
            "weekday": about.weekday,
            "time": about.time,
            "arrive": about.arrive or about.time,
            "place": context["center"],
            "address": context["address"],
            "phone": context["phone"],
            "until": until,
        }
        own = (said or wording.of(entry.center, entry.kind, context["language"])).filled(values)
        subject = own.subject or subject
    context |= {"own": own, "subject": subject}
    return subject


def link_to(token: str) -> str:
    """The address of a token's page."""
    return f"{settings.BASE_URL}{reverse('answer', args=[token])}"


def headers(entry: LedgerEntry, tokens: Mapping[str, str]) -> dict[str, str]:
    """Of every mail: a stable Message-ID, no answers from machines, and one click to stop them."""
    said = {"Message-ID": message_id(entry), "Auto-Submitted": "auto-generated"}
    if Link.Purpose.STOP in tokens:
        # RFC 8058: a mail program may stop them with one click of its own.
        said["List-Unsubscribe"] = f"<{link_to(tokens[Link.Purpose.STOP])}>"
        said["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return said


def message_id(entry: LedgerEntry) -> str:
    """The same for every try of a row, so that a repeat after a crash can be recognised."""
    token = salted_hmac("scheduler.mail", str(entry.pk), algorithm="sha256").hexdigest()[:32]
    return f"<{token}@{_domain()}>"


def when(appointment: Appointment, center: Center, *, told_at: datetime) -> When:
    """The visit on the center's wall clock. `arrive` is empty where she may come at the very time; the day carries
    its year where that is not the year she is told in."""
    return when_at(appointment.start, appointment.prep_minutes, center, told_at=told_at)


def when_at(moment: datetime, prep_minutes: int, center: Center, *, told_at: datetime) -> When:
    """As `when`, for a time that isn't booked yet."""
    start = moment.astimezone(center.zone)
    arrive = (moment - timedelta(minutes=prep_minutes)).astimezone(center.zone)
    return When(
        day=day_of(start.date(), with_year=start.year != told_at.astimezone(center.zone).year),
        full_day=formats.date_format(start.date(), _("l j F Y")),
        weekday=formats.date_format(start.date(), "l"),
        time=clock(start),
        arrive=clock(arrive) if prep_minutes else "",
    )


def clock(local: datetime) -> str:
    """10:00 am. A time that comes twice in an autumn night carries its zone's letters: 1:30 am EST."""
    text = (_("%(time)s am") if local.hour < 12 else _("%(time)s pm")) % {"time": f"{local.hour % 12 or 12}:{local:%M}"}
    wall = local.replace(tzinfo=None, fold=0)
    if local.tzinfo is not None and localtime.kind_of_wall(wall, local.tzinfo) == "fold":  # type: ignore[arg-type]
        return f"{text} {local.tzname()}"
    return text


def phone_link(phone: str) -> str:
    """What stands behind tel:"""
    return "".join(sign for sign in phone if sign.isdigit() or sign == "+")


def day_of(day: date, *, with_year: bool) -> str:
    """Tuesday 24 November."""
    return formats.date_format(day, _("l j F Y") if with_year else _("l j F"))


def _headline(kind: str, visits: Sequence[When], center: Center) -> tuple[str, str]:
    """Subject, and the first line of the mail."""
    if not visits:
        return _("Your visits are no longer booked"), _("Your visits are no longer booked")
    first = visits[0]
    at = {"day": first.day, "time": first.time, "weekday": first.weekday}
    if kind == LedgerEntry.Kind.CANCELLED:
        return _("Cancelled: your visit on %(day)s, %(time)s") % at, _("This visit is cancelled")
    if kind == LedgerEntry.Kind.MOVED:
        return _("New time: your visit on %(day)s, %(time)s") % at, _("Your visit has a new time")
    if len(visits) > 1:
        return _("Your visits from %(day)s, %(time)s") % at, _("Your visits")
    return _("Your visit on %(day)s, %(time)s") % at, _("Your visit is on %(weekday)s") % at


def sender(center: Center) -> str:
    """The neutral name before the service's own address."""
    name = " ".join(center.mail_name.split())
    return formataddr((name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))


def _domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


@cache
def _styles() -> Any:
    """`mail.css`, which stands in the head of a mail: mail programs load nothing from elsewhere."""
    found = finders.find("scheduler/mail.css")
    if found is None:
        return ""
    return Path(str(found)).read_text()
