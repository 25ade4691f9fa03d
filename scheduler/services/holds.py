"""Holds that ran out: released by the next booking that touches their day, or by the job."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Occupancy, Visit
from scheduler.queries import raw
from scheduler.services import record
from scheduler.services.settle import keep_stay, keeps_chair

JOB = Actor.job("expire-holds")


def expired(units: Iterable[int], patients: Iterable[int], *, now: datetime) -> list[Appointment]:
    """Holds that ran out, of these units and of these patients wherever they are."""
    # Nearly always there is none, and this runs before every lock: the joins wait until there is one.
    due = raw.rows(
        f"SELECT id FROM scheduler_appointment WHERE status = 'pending' AND hold_expires_at <= %(now)s "
        f"AND (unit_id IN ({raw.ids(set(units))}) OR patient_id IN ({raw.ids(set(patients))}))",
        {"now": now},
    )
    pks = [pk for (pk,) in due]
    if not pks:
        return []
    return list(Appointment.objects.filter(pk__in=pks).select_related("unit__center", "visit__course__protocol"))


def release(appointments: QuerySet[Appointment], *, now: datetime) -> int:
    """Cancel those of the appointments that are holds and have expired, inside the lock of their days. Safe twice at
    once: the update decides."""
    released = 0
    due = appointments.filter(status="pending", hold_expires_at__lte=now)
    for hold in due.order_by("pk").select_related("visit__course__protocol"):
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
