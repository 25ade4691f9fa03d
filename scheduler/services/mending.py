"""A message that is stuck is tried again by a person's word."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from scheduler.domain.errors import NotFound, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, LedgerEntry
from scheduler.services import record
from scheduler.services.claiming import LEASE

State = LedgerEntry.State


def send_again(*, actor: Actor, center: Center, pk: int, now: datetime) -> None:
    """Due now, with a clean count of tries; what is no longer true or too late is still not sent (services/sending.py
    looks). Raises NotFound, and Refused for what is on its way or has been sent."""
    with transaction.atomic():
        entry = LedgerEntry.objects.select_for_update(of=("self",)).filter(center=center, pk=pk).first()
        if entry is None or entry.channel == LedgerEntry.Channel.CALL:
            raise NotFound
        on_its_way = entry.state == State.CLAIMED and entry.claimed_at is not None and entry.claimed_at > now - LEASE
        if on_its_way or entry.state not in (State.DUE, State.CLAIMED, State.FAILED):
            raise Refused(
                [Refusal("transition_is_allowed", gettext_noop("This message is on its way, or was sent already."))]
            )
        before = {"state": entry.state, "attempts": entry.attempts}
        entry.state, entry.due, entry.attempts = State.DUE, now, 0
        entry.claimed_at, entry.done_at = None, None
        entry.save()
        # The call that stood in for it is off: she is written to after all.
        LedgerEntry.objects.filter(
            channel=LedgerEntry.Channel.CALL,
            state=State.DUE,
            kind=entry.kind,
            appointment=entry.appointment_id,
            appointment_start=entry.appointment_start,
            course=entry.course_id,
            offset_days=entry.offset_days,
            sequence=entry.sequence,
        ).update(state=State.SUPERSEDED, done_at=now)
        record.event(actor=actor, verb="send-again", subject=entry, now=now, before=before, after={"state": "due"})
