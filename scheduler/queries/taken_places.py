"""Chair time that is promised from now on, for changes of the set-up that could take the ground from under it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from scheduler.domain import lifecycle
from scheduler.domain.intervals import Interval
from scheduler.models import Appointment, Chair, Occupancy, Unit
from scheduler.queries.facts import closures_of, opening


def promised(chairs: Q, now: datetime) -> QuerySet[Occupancy]:
    """What chairs still keep after `now`: bookings, stays, and holds that have not run out."""
    rows = Occupancy.objects.filter(chairs, chair_until__gt=now)
    return rows.exclude(appointment__status="pending", appointment__hold_expires_at__lte=now).order_by("chair_from")


def outside_opening(unit: Unit, now: datetime) -> set[int]:
    """Ids of the occupancies in the unit that do not lie within its hours, closures and extra openings."""
    times = {row.pk: time for row in promised(Q(chair__unit=unit), now) if (time := row.chair_time) is not None}
    if not times:
        return set()
    span = Interval(min(time.start for time in times.values()), max(time.end for time in times.values()))
    hours = opening(unit, span, unit.center.zone, closures_of(unit, span))
    return {pk for pk, time in times.items() if not any(part.covers(time) for part in hours)}


def need_a_bed(chair: Chair, now: datetime) -> list[Occupancy]:
    """What the chair keeps for treatments that only a bed will do for."""
    bed = Q(appointment__protocol__needs_bed=True) | Q(stay__protocol__needs_bed=True)
    return list(promised(Q(chair=chair) & bed, now))


def appointments_of(rows: list[Occupancy], now: datetime) -> list[int]:
    """The bookings for which these places are kept; for a stay its doses to come."""
    own = {row.appointment_id for row in rows if row.appointment_id is not None}
    stays = {row.stay_id for row in rows if row.stay_id is not None}
    doses = Appointment.objects.filter(visit__course__in=stays, status__in=lifecycle.OPEN, end__gt=now)
    return sorted(own | set(doses.values_list("pk", flat=True)))
