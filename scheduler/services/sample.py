"""A message as a made-up patient would get it, for whoever words it. Nothing here is kept or sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.mail import EmailMultiAlternatives
from django.utils import translation
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.models import Appointment, Center, LedgerEntry, Offer, Patient
from scheduler.services import mail, offer_mail
from scheduler.services.wording import Said

Kind = LedgerEntry.Kind

ADDRESS = "maria@example.org"
IN_DAYS = 8


def written(*, center: Center, kind: str, language: str, said: Said, now: datetime) -> EmailMultiAlternatives:
    """The mail about a visit next week, at ten. Its links lead nowhere."""
    with translation.override(language):
        patient = Patient(first_name=_("Maria"), language=language)
    start = localtime.at(localtime.local_date(now, center.zone) + timedelta(days=IN_DAYS), 10 * 60, center.zone)
    visit = Appointment(center=center, start=start, end=start + timedelta(minutes=60), prep_minutes=15, status="booked")
    if kind == Kind.CANCELLED:
        visit.status = Appointment.Status.CANCELLED
    entry = LedgerEntry(center=center, patient=patient, appointment=visit, kind=kind, due=now, appointment_start=start)
    if kind in (Kind.OFFER, Kind.OFFER_GONE):
        offer = Offer(
            center=center,
            appointment=visit,
            appointment_start=start,
            start=start - timedelta(days=2),
            expires_at=now + timedelta(hours=2),
        )
        return offer_mail.compose(entry, offer, address=ADDRESS, tokens=_tokens("offer", "stop"), said=said)
    visits = [visit]
    if kind == Kind.OVERVIEW:
        visits.append(Appointment(center=center, start=start + timedelta(days=1), prep_minutes=15, status="booked"))
        visits[1].end = visits[1].start + timedelta(minutes=60)
    tokens = (
        _tokens("stop")
        if kind in (Kind.CANCELLED, Kind.OVERVIEW)
        else _tokens("confirm", "cancel", "another-time", "stop")
    )
    return mail.compose(entry, address=ADDRESS, appointments=visits, tokens=tokens, said=said)


def _tokens(*purposes: str) -> dict[str, str]:
    return dict.fromkeys(purposes, "example")
