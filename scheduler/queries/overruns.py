"""Treatments that reach, or will reach, into the time of the next person in their chair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.domain import lifecycle
from scheduler.models import Appointment, Occupancy

COUNTS_FROM = timedelta(minutes=5)
LOOKED_AHEAD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Overrun:
    """`until` is when the chair is clean again if all goes on as planned from now; `begins` when the next one needs it.
    `next` is that booking; of a stay, the dose that comes first. UTC."""

    appointment: Appointment
    until: datetime
    begins: datetime
    next: Appointment | None

    @property
    def by(self) -> timedelta:
        return self.until - self.begins


def of(running: Iterable[Appointment], now: datetime) -> list[Overrun]:
    """For each of these treatments (arrived, and not yet gone) the first one in its way, in as many queries for many as
    for one. Visits must come with the rows."""
    rows = [
        row
        for row in running
        if row.status in ("arrived", "checked-in") and row.phase not in ("discharged", "chair-cleaning")
    ]
    if not rows:
        return []
    upcoming: dict[int | None, list[Occupancy]] = {}
    for occupancy in (
        Occupancy.objects.filter(
            chair__in={row.chair_id for row in rows}, chair_until__gt=now, chair_from__lt=now + LOOKED_AHEAD
        )
        .exclude(appointment__status="pending", appointment__hold_expires_at__lte=now)
        .select_related("appointment__patient", "appointment__chair")
        .order_by("chair_from")
    ):
        upcoming.setdefault(occupancy.chair_id, []).append(occupancy)
    found = []
    for row in rows:
        until = chair_free_at(row, now)
        blocking = next((each for each in upcoming.get(row.chair_id, ()) if _is_in_the_way(each, row, until)), None)
        if blocking is not None:
            assert blocking.chair_from is not None  # it has a chair
            found.append(Overrun(row, until, blocking.chair_from, blocking.appointment or _first_dose(blocking)))
    return found


def _is_in_the_way(occupancy: Occupancy, row: Appointment, until: datetime) -> bool:
    course = row.visit.course_id if row.visit is not None else None
    if occupancy.appointment_id == row.pk or (course is not None and occupancy.stay_id == course):
        return False
    begins = occupancy.chair_from
    return begins is not None and begins >= row.start and until - begins >= COUNTS_FROM


def _first_dose(occupancy: Occupancy) -> Appointment | None:
    return (
        Appointment.objects.filter(visit__course=occupancy.stay_id, status__in=lifecycle.LIVE)
        .select_related("patient", "chair")
        .order_by("start")
        .first()
    )


def observed_until(row: Appointment) -> datetime:
    """When observation is over, with what a reaction added."""
    ended = row.actual_end or (row.actual_start or row.start) + (row.end - row.start)
    return ended + timedelta(minutes=row.observation_minutes + row.extra_observation_minutes)


def chair_free_at(row: Appointment, now: datetime) -> datetime:
    """When the chair is clean again if all goes on as planned from now: what runs over its end, ends now."""
    began = row.actual_start or max(row.start, now)
    ended = row.actual_end or began + (row.end - row.start)
    if row.phase == "infusing":
        ended = max(ended, now)
    out = ended + timedelta(minutes=row.observation_minutes + row.extra_observation_minutes)
    return max(out, now) + timedelta(minutes=row.turnover_minutes)
