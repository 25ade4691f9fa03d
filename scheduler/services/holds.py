"""Holds that ran out: released by the next booking that touches their day, or by the job."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Q, QuerySet

from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Occupancy, Visit
from scheduler.services import record
from scheduler.services.settle import keep_stay, keeps_chair

JOB = Actor.job("expire-holds")


def release_expired(days: Iterable[tuple[int, date]], patients: Iterable[int], *, now: datetime) -> int:
    """Cancel expired holds of the units whose days are locked, and of the locked patients wherever they are. To be
    called inside the lock."""
    units = {unit for unit, _ in days}
    return release(Appointment.objects.filter(Q(unit_id__in=units) | Q(patient_id__in=set(patients))), now=now)


def release(appointments: QuerySet[Appointment], *, now: datetime) -> int:
    """Cancel those of the appointments that are holds and have expired. Safe twice at once: the update decides."""
    # Nearly always there is none, and this runs under every lock: the joins wait until there is one.
    pks = list(
        appointments.filter(status="pending", hold_expires_at__lte=now).order_by("pk").values_list("pk", flat=True)
    )
    if not pks:
        return 0
    released = 0
    for hold in Appointment.objects.filter(pk__in=pks).order_by("pk").select_related("visit__course__protocol"):
        changed = Appointment.objects.filter(Q(pk=hold.pk, status="pending", hold_expires_at__lte=now)).update(
            status="cancelled", hold_expires_at=None, reason="hold expired"
        )
        if not changed:
            continue
        Occupancy.objects.filter(appointment_id=hold.pk).delete()
        if hold.visit_id is not None:
            Visit.objects.filter(pk=hold.visit_id, state="booked").update(state="unplaced")
            if keeps_chair(hold):
                keep_stay(hold.visit.course_id)  # type: ignore[union-attr]
        record.event(
            actor=JOB, verb="expire", subject=hold, now=now, before={"status": "pending"}, after={"status": "cancelled"}
        )
        released += 1
    return released
