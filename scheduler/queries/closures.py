"""Bookings that a closure hits: it is allowed to come later than they did, and then each needs a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from scheduler.domain.intervals import Interval, subtract
from scheduler.models import Appointment, Center, Closure, Occupancy, Unit
from scheduler.queries.day import chair_time
from scheduler.queries.facts import LONGEST_CARE, closures_of, opening

_RELATED = ("patient", "chair", "unit__center", "protocol", "visit__course__protocol")


@dataclass(frozen=True, slots=True)
class Hit:
    """A booking that has not begun, and the closure that takes some of its chair time or of its stay's."""

    appointment: Appointment
    closure: Closure


def closed_ahead(center: Center, now: datetime) -> list[Closure]:
    """The closures of the center, its units and chairs that are not over."""
    return list(
        Closure.objects.filter(center=center, kind=Closure.Kind.CLOSED, ends_at__gt=now).select_related("unit", "chair")
    )


def hits(
    center: Center, closures: Sequence[Closure], now: datetime, *, statuses: Collection[str] = ("booked",)
) -> list[Hit]:
    """The booked appointments that these closures hit, by start; each once, with the first closure that hits it.

    The number of queries does not depend on how many there are. An extra opening beats the closure of a unit or of
    the center, but not that of a chair.
    """
    if not closures:
        return []
    extra = _extra_openings(center, now)
    wanted = Q()
    for row in closures:
        near = Q(start__lt=row.ends_at + LONGEST_CARE, start__gt=row.starts_at - LONGEST_CARE)
        wanted |= near & _place(row)
    booked = (
        Appointment.objects.filter(wanted, center=center, status__in=statuses, end__gt=now)
        .select_related(*_RELATED)
        .order_by("start", "pk")
    )
    found = {hit.appointment.pk: hit for hit in _by_stay(center, closures, extra, now)}
    for appointment in booked:
        for row in _hitting(closures, extra, appointment.unit_id, appointment.chair_id, chair_time(appointment)):
            found.setdefault(appointment.pk, Hit(appointment, row))
    return sorted(found.values(), key=lambda hit: (hit.appointment.start, hit.appointment.pk))


def outside_hours(unit: Unit, span: Interval, now: datetime) -> list[Appointment]:
    """The booked appointments about `span` that do not lie within the unit's opening hours, as these are now."""
    rows = Appointment.objects.filter(
        unit=unit,
        status="booked",
        end__gt=now,
        start__lt=span.end + LONGEST_CARE,
        start__gt=span.start - LONGEST_CARE,
    )
    zone = unit.center.zone
    wide = Interval(span.start - 2 * LONGEST_CARE, span.end + 2 * LONGEST_CARE)
    hours = opening(unit, wide, zone, closures_of(unit, wide))
    touched = [row for row in rows.order_by("start", "pk") if chair_time(row).overlaps(span)]
    return [row for row in touched if not any(part.covers(chair_time(row)) for part in hours)]


def _by_stay(
    center: Center, closures: Sequence[Closure], extra: dict[int, list[Interval]], now: datetime
) -> Iterator[Hit]:
    """A stay keeps its chair between its doses too; its next dose after the closure began stands for it."""
    stays = Occupancy.objects.filter(stay__center=center, chair_until__gt=now).select_related("chair")
    hit = {}
    for stay in stays:
        assert stay.chair is not None  # a stay is of a chair
        assert stay.chair_from is not None
        assert stay.chair_until is not None
        taken = Interval(stay.chair_from, stay.chair_until)
        row = next(_hitting(closures, extra, stay.chair.unit_id, stay.chair.pk, taken), None)
        if row is not None:
            hit[stay.stay_id] = row
    if not hit:
        return
    doses: dict[int, list[Appointment]] = {}
    rows = Appointment.objects.filter(visit__course__in=hit, status="booked", end__gt=now)
    for dose in rows.select_related(*_RELATED).order_by("start", "pk"):
        assert dose.visit is not None  # filtered
        doses.setdefault(dose.visit.course_id, []).append(dose)
    for course, booked in doses.items():
        row = hit[course]
        yield Hit(next((dose for dose in booked if dose.end > row.starts_at), booked[-1]), row)


def _hitting(
    closures: Iterable[Closure], extra: dict[int, list[Interval]], unit: int, chair: int, taken: Interval
) -> Iterator[Closure]:
    for row in closures:
        if row.chair_id not in (None, chair) or row.unit_id not in (None, unit):
            continue
        shared = taken.intersection(Interval(row.starts_at, row.ends_at))
        if shared is not None and (row.chair_id is not None or subtract([shared], extra.get(unit, ()))):
            yield row


def _place(row: Closure) -> Q:
    if row.chair_id is not None:
        return Q(chair=row.chair_id)
    return Q(unit=row.unit_id) if row.unit_id is not None else Q()


def _extra_openings(center: Center, now: datetime) -> dict[int, list[Interval]]:
    found: dict[int, list[Interval]] = {}
    for row in Closure.objects.filter(center=center, kind=Closure.Kind.OPEN, ends_at__gt=now):
        assert row.unit_id is not None  # an extra opening is for a unit
        found.setdefault(row.unit_id, []).append(Interval(row.starts_at, row.ends_at))
    return found
