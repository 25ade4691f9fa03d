"""What a mail about an earlier place says: the time that is free, the time she has, and until when to answer."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from scheduler.models import LedgerEntry, Offer
from scheduler.services import mail
from scheduler.services.wording import Said


def compose(
    entry: LedgerEntry, offer: Offer, *, address: str, tokens: Mapping[str, str], said: Said | None = None
) -> EmailMultiAlternatives:
    """The mail of an offer, or of one that is gone; `said` as for mail.compose. Raises ValueError as that does."""
    assert entry.appointment is not None  # an offer is instead of a booking
    with translation.override(mail.language_of(entry)):
        center = entry.center
        prep = entry.appointment.prep_minutes
        offered = mail.when_at(offer.start, prep, center, told_at=entry.due)
        booked = mail.when_at(offer.appointment_start, prep, center, told_at=entry.due)
        at = {"day": offered.day, "time": offered.time}
        is_gone = entry.kind == LedgerEntry.Kind.OFFER_GONE
        heading = _("The earlier time is no longer free") if is_gone else _("An earlier time is free")
        subject = heading if is_gone else _("Earlier: %(day)s, %(time)s is free") % at
        until = mail.clock(offer.expires_at.astimezone(center.zone))
        context = mail.common(entry, tokens) | {
            "heading": heading,
            "offered": offered,
            "booked": booked,
            "is_gone": is_gone,
            "until": until,
        }
        subject = mail.worded(entry, context, offered, subject=subject, said=said, until=until)
        message = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string("scheduler/mail/offer.txt", context).strip() + "\n",
            from_email=mail.sender(center),
            to=[address],
            headers=mail.headers(entry, tokens),
        )
        message.attach_alternative(render_to_string("scheduler/mail/offer.html", context), "text/html")
        return message
