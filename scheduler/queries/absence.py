"""A nurse who will not be there for the rest of the day: which quarter hours are then over what the others can do,
and which visits to move so that it fits. Reads only; services/closing.py saves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scheduler.domain import localtime, staffing
from scheduler.domain.intervals import Interval
from scheduler.domain.relief import fewest
from scheduler.domain.rules import UnitFacts
from scheduler.domain.staffing import Overload
from scheduler.models import Appointment, Nurse, Shift, Unit, UnitDay
from scheduler.queries import facts
from scheduler.queries.closing import picture_of
from scheduler.queries.rehoming import Rehomed, Rehoming, by_urgency

Spot = tuple[datetime, str]  # a quarter hour (UTC), and what is too much in it


@dataclass(frozen=True, slots=True)
class Absence:
    """`nurse` (with her center) is away from `since` (UTC) for the rest of the day's shifts."""

    nurse: Nurse
    since: datetime


@dataclass(frozen=True, slots=True)
class AbsencePlan:
    """`over` without her and before anybody moves; `left` what is still over when all who can have moved; `by_hand`
    those who are there then and could not be moved. `unpublished` are units whose shifts of the day don't count yet:
    there the weekday's pattern stands in, and her going changes no load."""

    shifts: tuple[Shift, ...]
    over: tuple[Overload, ...]
    left: tuple[Overload, ...]
    rehomed: tuple[Rehomed, ...]
    by_hand: tuple[Rehomed, ...]
    unpublished: tuple[Unit, ...]
    picture: str


def shifts_of(nurse: Nurse, since: datetime) -> list[Shift]:
    """Her shifts of the local day of `since`: those that begin on it, and one that runs already."""
    today = localtime.day(localtime.local_date(since, nurse.center.zone), nurse.center.zone)
    rows = Shift.objects.filter(nurse=nurse, ends_at__gt=since, starts_at__lt=today.end)
    return list(rows.select_related("unit__center", "nurse__center").prefetch_related("breaks").order_by("starts_at"))


def on_today(center: int, since: datetime, today: Interval) -> list[Shift]:
    """Who is still to work that day, by name and start."""
    rows = Shift.objects.filter(nurse__center=center, nurse__is_active=True, ends_at__gt=since, starts_at__lt=today.end)
    return list(rows.select_related("nurse", "unit").order_by("nurse__name", "starts_at"))


def plan(absence: Absence, *, now: datetime) -> AbsencePlan:
    shifts = shifts_of(absence.nurse, absence.since)
    over: list[Overload] = []
    left: list[Overload] = []
    rehomed: list[Rehomed] = []
    by_hand: list[Rehomed] = []
    for unit in {shift.unit_id: shift.unit for shift in shifts}.values():
        here = [shift for shift in shifts if shift.unit_id == unit.pk]
        found = _of_unit(absence, unit, here, now)
        over += found[0]
        left += found[1]
        rehomed += found[2]
        by_hand += found[3]
    return AbsencePlan(
        shifts=tuple(shifts),
        over=tuple(over),
        left=tuple(left),
        rehomed=tuple(sorted(rehomed, key=lambda one: one.first.start)),
        by_hand=tuple(by_hand),
        unpublished=tuple(_unpublished(shifts)),
        picture=picture(absence, now=now),
    )


def picture(absence: Absence, *, now: datetime) -> str:
    """What the plan is made from: her shifts, the overloads, and who is booked then."""
    shifts = shifts_of(absence.nurse, absence.since)
    seen: list[object] = []
    rows: list[Sequence[Appointment]] = []
    for unit in {shift.unit_id: shift.unit for shift in shifts}.values():
        here = [shift for shift in shifts if shift.unit_id == unit.pk]
        span = _span(here, absence.since)
        seen.append(tuple(overs(_without(unit, _whole(span), absence, here, now), span)))
        rows += [[row] for row in _movable(unit, span, now)]
    times = tuple((shift.pk, shift.starts_at, shift.ends_at) for shift in shifts)
    return picture_of(rows, times, tuple(seen))


def overs(unit: UnitFacts, span: Interval) -> list[Overload]:
    """Where the unit's bookings ask more of its nurses than they can do, while it takes people."""
    quarters = localtime.quarter_hours(span)
    found = staffing.overloads(unit.capacity, staffing.load(quarters, [care for _pk, care in unit.cares]))
    return [one for one in found if span.start <= one.quarter]


def _of_unit(
    absence: Absence, unit: Unit, shifts: Sequence[Shift], now: datetime
) -> tuple[list[Overload], list[Overload], list[Rehomed], list[Rehomed]]:
    span = _span(shifts, absence.since)
    rows = _movable(unit, span, now)
    center_units = [unit, *Unit.objects.filter(center_id=unit.center_id).exclude(pk=unit.pk).select_related("center")]
    whole = _without(unit, _whole(span), absence, shifts, now)
    over = overs(whole, span)
    if not over or not rows:
        return over, over, [], []
    rehoming = Rehoming(
        center_units,
        lambda each, wide: _without(each, wide, absence, shifts, now),
        [row.start for row in rows],
        now,
    )
    relief = {row.pk: found for row in rows if (found := _relief(row, whole, over))}
    places = {row.pk: slot for row in rows if row.pk in relief and (slot := rehoming.find(row)) is not None}
    cost = {row.pk: abs((places[row.pk].start - row.start) / timedelta(days=1)) for row in rows if row.pk in places}
    excess: dict[Spot, int] = {(one.quarter, one.what): one.have - one.can for one in over}
    chosen = fewest(excess, {pk: relief[pk] for pk in places}, cost)
    moved = [rehoming.place(group) for group in by_urgency([[row] for row in rows if row.pk in chosen], now)]
    left = overs(rehoming.unit(unit.pk), span)
    open_spots = {(one.quarter, one.what) for one in left}
    stuck = [row for row in rows if row.pk not in chosen and relief.get(row.pk, {}).keys() & open_spots]
    by_hand = [one for one in moved if not one.steps] + [rehoming.place([row]) for row in stuck if row.pk not in places]
    return over, left, [one for one in moved if one.steps], by_hand


def _relief(row: Appointment, unit: UnitFacts, over: Sequence[Overload]) -> Mapping[Spot, int]:
    """What her going takes from each quarter hour that is over."""
    care = next((care for pk, care in unit.cares if pk == row.pk), None)
    if care is None:
        return {}
    found: Counter[Spot] = Counter()
    for one in over:
        quarter = Interval(one.quarter, localtime.add_elapsed(one.quarter, 15))
        if one.what == "starts":
            found[one.quarter, one.what] = int(quarter.contains(care.start))
        elif care.interval.overlaps(quarter):
            found[one.quarter, one.what] = care.acuity if one.what == "acuity" else 1
    return {spot: much for spot, much in found.items() if much}


def _movable(unit: Unit, span: Interval, now: datetime) -> list[Appointment]:
    """Booked visits of the unit that nobody has come for yet. Doses of a stay stay with their chair and their hours."""
    rows = (
        Appointment.objects.filter(
            unit=unit, status="booked", actual_start__isnull=True, start__gt=now, start__lt=span.end + _LONGEST_PREP
        )
        .exclude(visit__course__protocol__keeps_chair=True)
        .select_related("patient", "chair", "unit__center", "protocol", "visit__course__protocol")
        .order_by("start", "pk")
    )
    return [row for row in rows if row.patient_id is not None]


_LONGEST_PREP = timedelta(hours=2)


def _without(unit: Unit, span: Interval, absence: Absence, shifts: Sequence[Shift], now: datetime) -> UnitFacts:
    away = facts.Away(frozenset(shift.pk for shift in shifts), absence.since)
    return facts.unit_facts(unit=unit, span=span, now=now, away=away)


def _span(shifts: Sequence[Shift], since: datetime) -> Interval:
    """From the quarter hour of `since`, or the beginning of the first shift, to the end of the last."""
    first = max(since, min(shift.starts_at for shift in shifts))
    return Interval(staffing.quarter_of(first), max(shift.ends_at for shift in shifts))


def _whole(span: Interval) -> Interval:
    return Interval(span.start - timedelta(hours=1), span.end + timedelta(hours=1))


def _unpublished(shifts: Sequence[Shift]) -> list[Unit]:
    found: dict[int, Unit] = {}
    for shift in shifts:
        day: date = localtime.local_date(shift.starts_at, shift.unit.center.zone)
        if not UnitDay.objects.filter(unit=shift.unit_id, date=day, shifts_published=True).exists():
            found[shift.unit_id] = shift.unit
    return list(found.values())
