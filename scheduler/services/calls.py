"""Calls to make: what could not be written to her, and patients who want one. They stand on the worklist."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from scheduler.domain.errors import NotFound
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Center, Contact, LedgerEntry
from scheduler.services import record, ways


def call_instead(entry: LedgerEntry, *, now: datetime) -> None:
    """What could not be written is a call to make, due now. Safe to repeat."""
    by_phone = Contact.objects.filter(patient=entry.patient_id).exclude(phone="").first()
    ways.put(entry, channel=LedgerEntry.Channel.CALL, contact=by_phone, due=now)


def plan_call_back(appointment: Appointment, *, now: datetime) -> None:
    """She wants another time than this: somebody shall call her. Once for each time that she was told."""
    assert appointment.patient_id is not None  # a link was mailed to her
    by_phone = Contact.objects.filter(patient=appointment.patient_id).exclude(phone="").first()
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                center_id=appointment.center_id,
                patient_id=appointment.patient_id,
                contact=by_phone,
                appointment=appointment,
                kind=LedgerEntry.Kind.CALL_BACK,
                channel=LedgerEntry.Channel.CALL,
                appointment_start=appointment.start,
                sequence=appointment.version,
                due=now,
            )
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def mark_called(*, actor: Actor, center: Center, item: str, now: datetime) -> None:
    """Somebody called, so the patient knows. `item` is the key of the worklist's item, such as `call:12`. Raises
    NotFound where it is no call of this center; a call that was made already stays as it is."""
    kind, _colon, number = item.partition(":")
    calls = LedgerEntry.objects.filter(center=center, channel=LedgerEntry.Channel.CALL)
    entry = calls.filter(pk=int(number)).first() if kind == "call" and number.isdecimal() else None
    if entry is None:
        raise NotFound
    made = calls.filter(pk=entry.pk, state=LedgerEntry.State.DUE)
    if not made.update(state=LedgerEntry.State.SENT, done_at=now):
        return
    record.event(actor=actor, verb="call", subject=entry, now=now, before={"state": "due"}, after={"state": "sent"})
