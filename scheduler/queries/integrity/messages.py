"""Promise 5, as far as rows can show it: a booking has its reminders, and nobody is told a time that isn't true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import F, Q

from scheduler.domain import lifecycle
from scheduler.models import Appointment, LedgerEntry
from scheduler.queries.integrity.problem import Problem
from scheduler.queries.reminder_times import reminder_times

Kind, State = LedgerEntry.Kind, LedgerEntry.State


def reminders(now: datetime) -> Iterator[Problem]:
    """Each reminder that is still to come has its row; for a stay, those of its first dose."""
    planned: dict[int | None, set[tuple[datetime | None, int]]] = {}
    for appointment, start, days in (
        LedgerEntry.objects.filter(kind=Kind.REMINDER, appointment_start__gt=now)
        .exclude(state=State.SUPERSEDED)
        .values_list("appointment_id", "appointment_start", "offset_days")
    ):
        planned.setdefault(appointment, set()).add((start, days))
    stays_seen: set[int] = set()
    rows = (
        Appointment.objects.filter(status__in=lifecycle.LIVE, patient__isnull=False)
        .exclude(status="pending")
        .filter(Q(start__gt=now) | Q(visit__course__protocol__keeps_chair=True))
        .select_related("center", "visit__course__protocol")
        .order_by("start", "pk")
    )
    for row in rows:
        if row.visit is not None and row.visit.course.protocol.keeps_chair:
            if row.visit.course_id in stays_seen:
                continue
            stays_seen.add(row.visit.course_id)
        if row.status != "booked" or row.start <= now:
            continue
        missing = [
            days
            for days, due in reminder_times(row.center, row.start).items()
            if due > now and (row.start, days) not in planned.get(row.pk, ())
        ]
        if missing:
            yield Problem("booking_has_its_reminders", {"appointment": row.pk, "days_before": missing})


def wrong_times(now: datetime) -> Iterator[Problem]:
    """What is still to be sent is about the time the appointment has, and leaves before it begins."""
    wrong = (
        LedgerEntry.objects.filter(state=State.DUE, kind__in=[Kind.BOOKED, Kind.REMINDER, Kind.MOVED])
        .filter(
            ~Q(appointment_start=F("appointment__start"))
            | Q(appointment__status__in=["cancelled", "noshow", "entered-in-error"])
            | Q(kind=Kind.REMINDER, due__gte=F("appointment_start"))
        )
        .order_by("pk")
        .values_list("pk", "appointment_id")
    )
    for pk, appointment in wrong:
        yield Problem("message_tells_the_time", {"entry": pk, "appointment": appointment})
