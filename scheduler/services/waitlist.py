"""Who wants an earlier slot than the one that is booked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from scheduler.domain.errors import Malformed, NotFound, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Center, Offer, WaitlistEntry
from scheduler.services import record


def add(
    *,
    actor: Actor,
    appointment: Appointment,
    earliest: datetime | None = None,
    latest: datetime | None = None,
    priority: int = WaitlistEntry.Priority.WHEN_POSSIBLE,
    weekdays: Sequence[int] = (),
    part: str = "",
    now: datetime,
) -> WaitlistEntry:
    """Her treatment may start in `[earliest, latest)`: by default from now until the start that is booked; on
    these local `weekdays` (0 is Monday, none given: all) and in this `part` of the day.

    Raises Malformed for a range that is empty or no earlier than the booking, and Refused for a booking that is
    over or waits already.
    """
    if appointment.patient_id is None or appointment.status != "booked" or appointment.start <= now:
        raise Refused(
            [
                Refusal(
                    "transition_is_allowed",
                    gettext_noop("Only a booking that is still to come can wait for an earlier place."),
                )
            ]
        )
    first = max(earliest or now, now)
    last = min(latest or appointment.start, appointment.start)
    if first >= last:
        raise Malformed("latest", gettext_noop("Between these times there is none that is earlier than the booking."))
    try:
        with transaction.atomic():
            entry = WaitlistEntry.objects.create(
                center_id=appointment.center_id,
                patient_id=appointment.patient_id,
                visit_id=appointment.visit_id,
                appointment=appointment,
                earliest=first,
                latest=last,
                priority=priority,
                weekdays=sorted(set(weekdays)),
                part=part,
                created_at=now,
            )
            record.event(
                actor=actor,
                verb="wait",
                subject=entry,
                now=now,
                after={"appointment": appointment.pk, "earliest": first, "latest": last},
            )
    except IntegrityError as taken:
        if not WaitlistEntry.objects.filter(appointment=appointment, closed_at__isnull=True).exists():
            raise
        raise Refused(
            [Refusal("appointment_waits_once", gettext_noop("This booking waits for an earlier place already."))]
        ) from taken
    return entry


def remove(*, actor: Actor, center: Center, pk: int, now: datetime) -> None:
    """She keeps the time she has. What was offered to her is off. Raises NotFound; safe to repeat."""
    entry = _find(center, pk)
    with transaction.atomic():
        if not WaitlistEntry.objects.filter(pk=entry.pk, closed_at__isnull=True).update(closed_at=now):
            return
        Offer.objects.filter(entry=entry, state=Offer.State.OPEN).update(state=Offer.State.WITHDRAWN, answered_at=now)
        record.event(actor=actor, verb="stop-waiting", subject=entry, now=now)


def prioritise(*, actor: Actor, center: Center, pk: int, priority: int, now: datetime) -> None:
    """Who is asked first. Raises NotFound, and Malformed for a priority that there is not."""
    entry = _find(center, pk)
    if priority not in WaitlistEntry.Priority.values:
        raise Malformed("priority", gettext_noop("This is a number from 0 to 2."))
    with transaction.atomic():
        WaitlistEntry.objects.filter(pk=entry.pk).update(priority=priority)
        record.event(
            actor=actor,
            verb="prioritise",
            subject=entry,
            now=now,
            before={"priority": entry.priority},
            after={"priority": priority},
        )


def _find(center: Center, pk: int) -> WaitlistEntry:
    entry = WaitlistEntry.objects.filter(center=center, pk=pk).first()
    if entry is None:
        raise NotFound
    return entry
