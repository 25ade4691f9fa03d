"""What a closure would do: who loses a place, and where each could go. Reads only; services/closing.py saves it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from scheduler.domain import lifecycle
from scheduler.domain.intervals import Interval, subtract
from scheduler.domain.rules import Closed, UnitFacts
from scheduler.models import Appointment, Center, Closure, Unit
from scheduler.queries import facts
from scheduler.queries.closures import hits
from scheduler.queries.rehoming import Rehomed, Rehoming, by_urgency

# A closure of months hits hundreds: so many are planned at once, the nearest first; the others stand by hand.
MOST_PLANNED = 80
LOSE_THEIR_PLACE = ("pending", "booked", "arrived", "checked-in")


@dataclass(frozen=True, slots=True)
class ClosingPlan:
    """Everybody affected, by start. `picture` says what it was made from: see `picture_of`."""

    rehomed: tuple[Rehomed, ...]
    unplanned: tuple[Appointment, ...]
    picture: str


def plan(closure: Closure, *, now: datetime) -> ClosingPlan:
    """`closure` need not be saved. Its chair and unit come with their center."""
    groups = affected(closure, now=now)
    rows = sorted(groups, key=lambda group: group[0].start)
    near, far = rows[:MOST_PLANNED], rows[MOST_PLANNED:]
    found: list[Rehomed] = []
    if near:
        units = list(Unit.objects.filter(center_id=closure.center_id).select_related("center"))
        times = [row.start for group in near for row in group]
        rehoming = Rehoming(units, lambda unit, span: _closed(closure, unit, span, now), times, now)
        found = [rehoming.place(group) for group in by_urgency(near, now)]
    return ClosingPlan(
        rehomed=tuple(sorted(found, key=lambda one: (one.first.start, one.first.pk))),
        unplanned=tuple(row for group in far for row in group),
        picture=picture_of(groups),
    )


def affected(closure: Closure, *, now: datetime) -> list[Sequence[Appointment]]:
    """The bookings that lose their place, holds too; the doses of a stay that are still to come are one group."""
    center: Center = closure.center
    known: dict[int, Sequence[Appointment]] = {}
    for hit in hits(center, [closure], now, statuses=LOSE_THEIR_PLACE):
        row = hit.appointment
        if row.status == "pending" and row.hold_expires_at is not None and row.hold_expires_at <= now:
            continue
        if row.visit is not None and row.visit.course.protocol.keeps_chair:
            known.setdefault(-row.visit.course_id, _doses(row.visit.course_id))
        else:
            known.setdefault(row.pk, [row])
    return list(known.values())


def picture_of(groups: Iterable[Sequence[Appointment]], *more: object) -> str:
    """A short name for who is affected, and in which version: when it is another one, the preview is out of date."""
    rows = sorted((row.pk, row.version) for group in groups for row in group)
    return sha256(repr((rows, more)).encode()).hexdigest()[:24]


def _doses(course: int) -> Sequence[Appointment]:
    rows = Appointment.objects.filter(visit__course=course, status__in=lifecycle.LIVE).order_by("start")
    return list(rows.select_related("patient", "chair", "unit", "protocol", "visit__course__protocol"))


def _closed(closure: Closure, unit: Unit, span: Interval, now: datetime) -> UnitFacts:
    """The unit as it would be. An extra opening beats a closure of the unit or the center."""
    found = facts.unit_facts(unit=unit, span=span, now=now)
    if closure.unit_id not in (None, unit.pk):
        return found
    shut = Interval(closure.starts_at, closure.ends_at)
    closed = (*found.closed, Closed(shut, closure.reason, closure.chair_id))
    if closure.chair_id is not None:
        return replace(found, closed=closed)
    extra = [
        Interval(row.starts_at, row.ends_at) for row in facts.closures_of(unit, span) if row.kind == Closure.Kind.OPEN
    ]
    return replace(found, closed=closed, open=tuple(subtract(found.open, subtract([shut], extra))))
