"""Who wants an earlier slot than the one that is booked."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from scheduler.domain.errors import Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, WaitlistEntry
from scheduler.services import record


def add(
    *,
    actor: Actor,
    appointment: Appointment,
    earliest: datetime | None = None,
    latest: datetime | None = None,
    now: datetime,
) -> WaitlistEntry:
    """Her treatment may start in `[earliest, latest)`: by default from now until the start that is booked.

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
