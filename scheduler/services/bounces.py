"""Addresses that a mail server says do not exist, and numbers that take no texts: used no more, until somebody
corrects them or starts again."""

from __future__ import annotations

import smtplib
from datetime import datetime

from django.db import transaction

from scheduler.domain.permissions import Actor
from scheduler.models import Contact, LedgerEntry
from scheduler.services import record

# Of a recipient: no such mailbox, not here any more, a name that can't be. 554 and 552 are about us, or a full box.
_NO_SUCH_ADDRESS = frozenset({550, 551, 553})


def is_bounce(problem: Exception) -> bool:
    """Whether the server refused the recipient as unknown. A refusal that names a policy or a full mailbox (RFC 3463:
    5.2.2, 5.7.x) is no word about the address."""
    if not isinstance(problem, smtplib.SMTPRecipientsRefused) or not problem.recipients:
        return False
    return all(
        code in _NO_SUCH_ADDRESS and not words.decode("ascii", "replace").lstrip().startswith(("5.2.2", "5.7."))
        for code, words in problem.recipients.values()
    )


def stop_using(*, contact: Contact, entry: LedgerEntry, now: datetime) -> None:
    """Mail no more to this address of hers; her next contact gets them, or she is called. Safe to repeat."""
    with transaction.atomic():
        same = Contact.objects.filter(patient=contact.patient_id, email__iexact=contact.email, bounced_at__isnull=True)
        if same.update(bounced_at=now):
            record.event(
                actor=Actor.job("send-reminders"),
                verb="address-bounced",
                subject=entry.patient,
                now=now,
                after={"contact": contact.pk},
            )


def stop_texting(*, contact: Contact, entry: LedgerEntry, now: datetime) -> None:
    """Text no more to this number of hers, which doesn't exist or takes none; it may still be called. Safe to
    repeat."""
    with transaction.atomic():
        same = Contact.objects.filter(patient=contact.patient_id, phone=contact.phone, number_failed_at__isnull=True)
        if same.update(number_failed_at=now):
            record.event(
                actor=Actor.job("send-reminders"),
                verb="number-failed",
                subject=entry.patient,
                now=now,
                after={"contact": contact.pk},
            )
