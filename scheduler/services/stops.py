"""Stop, and start again: whether a contact is written to. Honoured at once, and on record with who said it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from scheduler.domain.permissions import Actor
from scheduler.models import Contact, Patient
from scheduler.services import record, ways


def stop(*, actor: Actor, contact: Contact, now: datetime) -> None:
    """Nothing more is written to this contact: what is due becomes a call. Safe to repeat."""
    with transaction.atomic():
        Patient.objects.select_for_update(no_key=True).get(pk=contact.patient_id)
        mine = Contact.objects.filter(pk=contact.pk, stopped_at__isnull=True)
        if not mine.update(may_be_mailed=False, stopped_at=now):
            return
        _recorded(actor, "stop-messages", contact, now, may_be_mailed=False)
        ways.redirect(contact.patient_id, now=now)


def start(*, actor: Actor, contact: Contact, now: datetime) -> None:
    """She wants to be written to again, at the address that stands there: one that came back is tried anew. Messages
    that are still to come are written. Safe to repeat."""
    with transaction.atomic():
        Patient.objects.select_for_update(no_key=True).get(pk=contact.patient_id)
        mine = Contact.objects.filter(
            Q(may_be_mailed=False) | Q(bounced_at__isnull=False) | Q(number_failed_at__isnull=False), pk=contact.pk
        )
        if not mine.update(may_be_mailed=True, stopped_at=None, bounced_at=None, number_failed_at=None):
            return
        _recorded(actor, "start-messages", contact, now, may_be_mailed=True)
        ways.redirect(contact.patient_id, now=now)


def _recorded(actor: Actor, verb: str, contact: Contact, now: datetime, *, may_be_mailed: bool) -> None:
    record.event(
        actor=actor,
        verb=verb,
        subject=contact.patient,
        now=now,
        after={"contact": contact.pk, "may_be_mailed": may_be_mailed},
    )
