"""Where there is room: for every half hour of some weeks, how many chairs could begin a treatment of a length.

A chair counts where it is free for the whole treatment, the unit is open and the nurses can take one more, by the
same bitmaps as the search (queries/search.py). It is a picture, not a promise: booking checks every rule again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scheduler.domain import lifecycle, localtime
from scheduler.domain.intervals import Interval, merged, subtract
from scheduler.domain.placement import Wishes
from scheduler.domain.rules import Need, UnitFacts
from scheduler.domain.taken_time import TakenTime
from scheduler.models import Appointment, Unit
from scheduler.queries import needs
from scheduler.queries.search import Ground, Slot, best_slots, ground, possible_starts

STEP_MINUTES = 30
LONG_DAY_MINUTES = 12 * 60  # a longer one is shown by the hour
FIRST_ROOMS = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """`chairs` could begin at `start` (UTC); None where the unit is closed then, or it is over."""

    start: datetime
    chairs: int | None


@dataclass(frozen=True, slots=True)
class CapacityDay:
    """A local day. `cells` belong to the rows of the whole picture; `taken` and `opened` are chair time."""

    date: date
    cells: tuple[Cell, ...]
    visits: int
    taken: timedelta
    opened: timedelta
    closed_for: str

    @property
    def full(self) -> float | None:
        """The taken share of the open chair time, 0 to 1; None for a day without any."""
        return min(self.taken / self.opened, 1.0) if self.opened else None


@dataclass(frozen=True, slots=True)
class Capacity:
    """`rows` are minutes of the local day, the same for every day; `first` are the best of the nearest places."""

    unit: Unit
    rows: tuple[int, ...]
    days: tuple[CapacityDay, ...]
    first: tuple[Slot, ...]
    chairs: int


def capacity(*, unit: Unit, first: date, last: date, minutes: int, now: datetime) -> Capacity:
    """Local days `first` to `last`, both inclusive; those on which the unit never works are left out. Two dozen
    chairs for a month take as many statements as one for a day."""
    zone = unit.center.zone
    span = Interval(localtime.day(first, zone).start, localtime.day(last, zone).end)
    need = needs.for_minutes(minutes)
    where = ground(unit=unit, patient_id=None, need=need, span=span, now=now)
    to_come = span.intersection(Interval(now, max(span.end, now + timedelta(minutes=1))))
    horizon, starts = possible_starts(where, need, to_come) if to_come is not None else (None, {})
    rows = _rows(where.unit, span)
    visits = _visits(unit, span)
    found = []
    for day in (first + timedelta(days=step) for step in range((last - first).days + 1)):
        local = localtime.day(day, zone)
        opened = [part for each in where.unit.open if (part := each.intersection(local)) is not None]
        if not opened and not _is_workday(where.unit, day, local):
            continue
        cells = []
        for minute in rows:
            start = localtime.at(day, minute, zone)
            chairs: int | None = None
            if start >= now and any(part.contains(start) for part in opened) and horizon is not None:
                index = horizon.index(start)
                chairs = sum(bits >> index & 1 for bits in starts.values()) if 0 <= index < horizon.minutes else 0
            cells.append(Cell(start, chairs))
        found.append(
            CapacityDay(
                date=day,
                cells=tuple(cells),
                visits=visits[day],
                taken=_taken(where.unit, opened),
                opened=_chair_time(where.unit, opened),
                closed_for="" if opened else _reason(where.unit, local),
            )
        )
    return Capacity(
        unit=unit,
        rows=rows,
        days=tuple(found),
        first=tuple(_first(where, need, to_come)) if to_come is not None else (),
        chairs=sum(chair.is_active for chair in where.unit.chairs.values()),
    )


def _first(where: Ground, need: Need, span: Interval) -> list[Slot]:
    """The earliest, and others that differ: another time, another day, another chair."""
    return best_slots(where, need, span, wishes=Wishes(), limit=60, spread=FIRST_ROOMS, per_chair=True)


def _rows(unit: UnitFacts, span: Interval) -> tuple[int, ...]:
    """From the earliest opening to the latest closing of any of the days, by the half hour or the hour."""
    zone = unit.zone
    earliest, latest = 24 * 60, 0
    for part in unit.open:
        inside = part.intersection(span)
        for day in localtime.dates_touched(inside, zone) if inside is not None else ():
            cut = inside.intersection(localtime.day(day, zone)) if inside is not None else None
            if cut is None:
                continue
            begin, end = localtime.to_wall(cut.start, zone), localtime.to_wall(cut.end, zone)
            earliest = min(earliest, begin.hour * 60 + begin.minute)
            latest = max(latest, end.hour * 60 + end.minute if end.date() == day else 24 * 60)
    if earliest >= latest:
        return ()
    step = STEP_MINUTES if latest - earliest <= LONG_DAY_MINUTES else 2 * STEP_MINUTES
    return tuple(range(earliest // step * step, latest, step))


def _is_workday(unit: UnitFacts, day: date, local: Interval) -> bool:
    """Whether it is closed as an exception, such as a holiday: the same weekday of another week is open, or a
    closure says why it is shut."""
    zone = unit.zone
    return bool(_reason(unit, local)) and any(
        localtime.local_date(each.start, zone).weekday() == day.weekday() for each in unit.open
    )


def _reason(unit: UnitFacts, local: Interval) -> str:
    return next((one.reason for one in unit.closed if one.chair is None and one.interval.overlaps(local)), "")


def _visits(unit: Unit, span: Interval) -> Mapping[date, int]:
    starts = Appointment.objects.filter(
        unit=unit, start__gte=span.start, start__lt=span.end, status__in=set(lifecycle.LIVE) - {"pending"}
    ).values_list("start", flat=True)
    return Counter(localtime.local_date(start, unit.center.zone) for start in starts.order_by())


def _taken(unit: UnitFacts, opened: list[Interval]) -> timedelta:
    taken = TakenTime.of(unit.taken, unit.span)
    return timedelta(minutes=sum(taken.minutes_within(part) for part in opened))


def _chair_time(unit: UnitFacts, opened: list[Interval]) -> timedelta:
    """Open time of all chairs in service, without what single chairs are closed for."""
    total = timedelta()
    for chair in unit.chairs.values():
        shut = merged([one.interval for one in unit.closed if one.chair == chair.id])
        total += sum((part.end - part.start for part in subtract(opened, shut)), timedelta())
    return total
