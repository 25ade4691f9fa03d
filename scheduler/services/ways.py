"""A message that goes another way than was planned: by another channel, or by a call instead.

A message is the same on every channel: kind, appointment and its time, days before, version. On each it is told once at
most, and what was superseded there unsent can be due there again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from scheduler.models import Contact, LedgerEntry
from scheduler.services import claiming
from scheduler.services.recipients import Recipient, recipients_of

State, Kind, Channel = LedgerEntry.State, LedgerEntry.Kind, LedgerEntry.Channel


def put(entry: LedgerEntry, *, channel: str, contact: Contact | None, due: datetime) -> bool:
    """The same message on `channel`, due then. False where it was told, failed or was missed there already."""
    same = LedgerEntry.objects.filter(
        kind=entry.kind,
        channel=channel,
        appointment=entry.appointment_id,
        appointment_start=entry.appointment_start,
        course=entry.course_id,
        offset_days=entry.offset_days,
        sequence=entry.sequence,
    )
    again = {"state": State.DUE, "due": due, "contact": contact, "attempts": 0, "done_at": None, "error": ""}
    if same.filter(state=State.SUPERSEDED).update(**again, claimed_at=None):
        return True
    if same.exists():
        return False
    return bool(
        LedgerEntry.objects.bulk_create(
            [
                LedgerEntry(
                    center_id=entry.center_id,
                    patient_id=entry.patient_id,
                    contact=contact,
                    appointment_id=entry.appointment_id,
                    course_id=entry.course_id,
                    offer_id=entry.offer_id,
                    kind=entry.kind,
                    channel=channel,
                    appointment_start=entry.appointment_start,
                    offset_days=entry.offset_days,
                    sequence=entry.sequence,
                    due=due,
                )
            ],
            ignore_conflicts=True,
        )
    )


def redirect(patient: int, *, now: datetime) -> int:
    """After her contacts changed: what is still due to her goes the way that she is reached now. Returns how many
    changed their way. Calls that are due already stay calls: somebody may be dialling. One in flight is left to its
    sender, which looks again. Call it inside the transaction of the change."""
    due = list(LedgerEntry.objects.filter(patient=patient, state=State.DUE))
    if not due:
        return 0  # as for thousands of new patients of a file
    recipient = recipients_of([patient])[patient]
    by_phone = Contact.objects.filter(patient=patient).exclude(phone="").first()
    changed = 0
    for entry in due:
        is_call_to_make = entry.channel == Channel.CALL and (entry.due <= now or entry.kind == Kind.CALL_BACK)
        if is_call_to_make or entry.channel == recipient.channel:
            contact = by_phone if entry.channel == Channel.CALL else recipient.contact
            LedgerEntry.objects.filter(pk=entry.pk, state=State.DUE).update(contact=contact)
        else:
            changed += _pass_on(entry, recipient, now)
    return changed


def pass_on_claimed(entry: LedgerEntry, recipient: Recipient, *, at: datetime) -> None:
    """The world changed after the row was planned: its sender ends it, and it is due at once where she is reached."""
    with transaction.atomic():
        put(entry, channel=recipient.channel, contact=recipient.contact, due=at)
        claiming.finish(entry, state=State.SUPERSEDED, done_at=at)


def _pass_on(entry: LedgerEntry, recipient: Recipient, now: datetime) -> bool:
    """False where she was told there already, or the row was claimed meanwhile."""
    if not LedgerEntry.objects.filter(pk=entry.pk, state=State.DUE).update(state=State.SUPERSEDED, done_at=now):
        return False
    return put(entry, channel=recipient.channel, contact=recipient.contact, due=entry.due)


def wanted(rows: Sequence[LedgerEntry], *, now: datetime) -> list[LedgerEntry]:
    """Those of the planned rows that are to be inserted. A reminder for exactly this time that was superseded unsent
    (moved away and back, cancelled and reopened, stopped and started) is due again; one that was told on another
    channel is no more wanted."""
    reminders = {_thing(row) for row in rows if row.kind == Kind.REMINDER}
    if not reminders:
        return list(rows)
    same = LedgerEntry.objects.filter(
        Q(state=State.SUPERSEDED, due__gt=now) | Q(state__in=[State.SENT, State.CLAIMED]),
        appointment__in={appointment for appointment, *_ in reminders},
        kind=Kind.REMINDER,
    )
    again, told = [], set()
    for row in same:
        if row.state != State.SUPERSEDED:
            told.add(_thing(row)[:3])
        elif _thing(row) in reminders:
            again.append(row)
    if untold := [row.pk for row in again if _thing(row)[:3] not in told]:
        LedgerEntry.objects.filter(pk__in=untold).update(state=State.DUE, done_at=None)
    return [row for row in rows if row.kind != Kind.REMINDER or _thing(row)[:3] not in told]


def _thing(row: LedgerEntry) -> tuple[int | None, datetime | None, int, str]:
    """What makes a reminder the same reminder: the first three, and its channel."""
    return row.appointment_id, row.appointment_start, row.offset_days, row.channel
