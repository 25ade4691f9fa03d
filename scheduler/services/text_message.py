"""What a text to a patient says: when, where, a link to answer, whom to call. It shows on locked screens, so it has no
name of hers and nothing about the treatment; and it goes in two segments at most, since each is paid for.

What there is no room for is left out, in this order: the address, how early to come, all but the first of many
visits, the center's name, the phone. The time and the link always stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils import formats, translation
from django.utils.translation import gettext as _

from scheduler.domain import segments
from scheduler.models import Appointment, Center, LedgerEntry, Link
from scheduler.services import mail

MOST_SEGMENTS = 2
MOST_VISITS = 5  # that are listed by their times

Kind = LedgerEntry.Kind


def compose(entry: LedgerEntry, *, appointments: Sequence[Appointment], tokens: Mapping[str, str]) -> str:
    """The text of a ledger row. `appointments` are those it tells about, by time; none: nothing is booked. `tokens`
    are those of services/links.py by purpose: the one for her answer becomes the link, else the one to stop texts."""
    with translation.override(mail.language_of(entry)):
        link = _link(tokens)
        phone = _("Call %(phone)s") % {"phone": entry.center.phone}
        more = _more(entry, appointments)
        with_phone = [[*more, phone], [*more[:1], phone], [phone]]
        without: list[list[str]] = [[]]
        for ends in (with_phone, without):
            for said in _shorter(entry, appointments):
                for extras in ends:
                    text = segments.plain(" ".join([said, *extras[:-1], link, *extras[-1:]]))
                    if segments.segments(text) <= MOST_SEGMENTS:
                        return text
        return segments.plain(" ".join([said, link]))


def _shorter(entry: LedgerEntry, appointments: Sequence[Appointment]) -> list[str]:
    """What it tells, with the center's name and, where there is no room for that, without."""
    counts = range(min(len(appointments), MOST_VISITS), 0, -1) if entry.kind == Kind.OVERVIEW else [1]
    news = [_news(entry, appointments, count) for count in counts] or [_news(entry, appointments, 0)]
    name = " ".join(entry.center.mail_name.split())
    return [f"{name}: {each}" for each in news] + [news[-1]]


def _news(entry: LedgerEntry, appointments: Sequence[Appointment], count: int) -> str:
    if not appointments:
        return _("Your visits are no longer booked.")
    center, told_at = entry.center, entry.due
    at = {"when": _when(appointments[0].start, center, told_at)}
    if entry.offer is not None:
        at = {
            "when": _when(entry.offer.start, center, told_at),
            "has": _when(entry.offer.appointment_start, center, told_at),
            "until": mail.clock(entry.offer.expires_at.astimezone(center.zone)),
        }
        if entry.kind == Kind.OFFER_GONE:
            return _("The earlier time, %(when)s, is no longer free. Your visit stays on %(has)s.") % at
        return _("Earlier time free: %(when)s instead of %(has)s. The first to say yes has it, until %(until)s.") % at
    if entry.kind == Kind.CANCELLED:
        return _("Your visit on %(when)s is cancelled.") % at
    if entry.kind == Kind.MOVED:
        return _("Your visit has a new time: %(when)s.") % at
    if entry.kind == Kind.REMINDER:
        return _("Reminder: your visit is on %(when)s.") % at
    if len(appointments) == 1:
        return _("Your visit is booked: %(when)s.") % at
    times = "; ".join(_when(one.start, center, told_at) for one in appointments[:count])
    left = len(appointments) - count
    if not left:
        return _("Your visits are booked: %(times)s.") % {"times": times}
    return _("Your visits are booked: %(times)s; and %(left)s more.") % {"times": times, "left": left}


def _more(entry: LedgerEntry, appointments: Sequence[Appointment]) -> list[str]:
    """How early to come, and where: not of what is off."""
    if entry.kind in (Kind.CANCELLED, Kind.OFFER_GONE) or not appointments:
        return []
    first, found = appointments[0], []
    if first.prep_minutes and entry.offer is None:
        arrive = first.start - timedelta(minutes=first.prep_minutes)
        found.append(_("Arrive %(time)s.") % {"time": mail.clock(arrive.astimezone(entry.center.zone))})
    if entry.center.address:
        found.append(f"{entry.center.address}.")
    return found


def _link(tokens: Mapping[str, str]) -> str:
    for purpose in (Link.Purpose.OFFER, Link.Purpose.ANSWER):
        if purpose in tokens:
            return _("Answer: %(link)s") % {"link": mail.link_to(tokens[purpose])}
    return _("No more texts: %(link)s") % {"link": mail.link_to(tokens[Link.Purpose.STOP])}


def _when(moment: datetime, center: Center, told_at: datetime) -> str:
    """Tue 24 Nov, 10:00 am; with its year where that is not the year she is told in."""
    local = moment.astimezone(center.zone)
    is_other_year = local.year != told_at.astimezone(center.zone).year
    day = formats.date_format(local.date(), _("D j M Y") if is_other_year else _("D j M"))
    return f"{day}, {mail.clock(local)}"
