"""One unit on one local date: hours, chairs with their visits and stays, the nurses' load. For the board and the API.

The number of queries does not depend on how many rows there are (a test counts them).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import prefetch_related_objects

from scheduler.domain import lifecycle, localtime, staffing
from scheduler.domain.intervals import Interval
from scheduler.domain.taken_time import TakenTime
from scheduler.models import Appointment, Chair, Closure, Course, Shift, Unit, UnitDay
from scheduler.queries import facts, minutes, unit_setup

DAYS_BEFORE, DAYS_AFTER = 8, 15  # how far days near are looked for: two of every weekday, so that a holiday shows
NEAR_BEFORE, NEAR_AFTER = 1, 4


@dataclass(frozen=True, slots=True)
class Stay:
    """A course that keeps its chair over `interval` (UTC), which may begin before the day and end after it."""

    course: Course
    chair_id: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class ChairDay:
    """A chair with all that touches the day, by start. `closures` are those of the chair alone."""

    chair: Chair
    appointments: tuple[Appointment, ...]
    stays: tuple[Stay, ...]
    closures: tuple[Closure, ...]


@dataclass(frozen=True, slots=True)
class QuarterHour:
    """What the nurses have to do and can do in the quarter hour from `start` (UTC)."""

    start: datetime
    load: staffing.Load
    can: staffing.Quarter


@dataclass(frozen=True, slots=True)
class NearDay:
    """A date close by. `fill` is the taken share of the open chair time, 0 to 1."""

    date: date
    is_open: bool
    fill: float


@dataclass(frozen=True, slots=True)
class Day:
    """`interval` is the local day in UTC (23, 24 or 25 hours); `open` is clipped to it.

    `version` counts every change of the unit's day; 0 where nothing ever happened. `doses` holds all the visits of
    the courses that stay, those of other days too, by course and time.
    """

    unit: Unit
    date: date
    zone: ZoneInfo
    interval: Interval
    open: tuple[Interval, ...]
    closures: tuple[Closure, ...]
    chairs: tuple[ChairDay, ...]
    quarters: tuple[QuarterHour, ...]
    near: tuple[NearDay, ...]
    doses: Mapping[int, tuple[Appointment, ...]]
    version: int

    @property
    def appointments(self) -> list[Appointment]:
        return [appointment for row in self.chairs for appointment in row.appointments]


def chair_time(appointment: Appointment) -> Interval:
    """What the plan takes of the chair: preparation to the end of cleaning, UTC."""
    return Interval(
        appointment.start - timedelta(minutes=appointment.prep_minutes),
        appointment.end + timedelta(minutes=appointment.observation_minutes + appointment.turnover_minutes),
    )


def schedule(*, unit: Unit, date: date, now: datetime, is_drawn: bool = True) -> Day:
    """The unit's whole local day. Cancelled visits, visits entered in error and expired holds are left out.

    Where it is not drawn, what only a page shows is left out: days near, all doses of the stays, and the rows
    of patients, protocols and courses behind the appointments.
    """
    zone = unit.center.zone
    interval = localtime.day(date, zone)
    wide = _days_around(date, zone) if is_drawn else interval
    setup = unit_setup.read(unit, wide, day=date)  # chairs, hours and the day's version by one statement
    opening = facts.opened(setup.hours, wide, zone, setup.closures)
    chairs = [
        Chair(id=one.id, unit=unit, name=one.name, kind=one.kind, is_active=one.is_active) for one in setup.chairs
    ]
    taken = minutes.taken([chair.pk for chair in chairs], wide, now)
    stays = _stays(taken, interval)
    rows = _appointments(unit, interval, stays, now) if is_drawn else _bare_appointments(unit, interval, now)
    appointments = [row for row in rows if shown_time(row).overlaps(interval)]
    today = [row for row in setup.closures if row.starts_at < interval.end and row.ends_at > interval.start]
    by_chair: dict[int, list[Appointment]] = defaultdict(list)
    known = {chair.pk: chair for chair in chairs}
    for appointment in appointments:
        appointment.chair = known[appointment.chair_id]  # read already
        by_chair[appointment.chair_id].append(appointment)
    return Day(
        unit=unit,
        date=date,
        zone=zone,
        interval=interval,
        open=tuple(part for span in opening if (part := span.intersection(interval)) is not None),
        closures=tuple(row for row in today if row.chair_id is None and row.kind == Closure.Kind.CLOSED),
        chairs=tuple(
            ChairDay(
                chair=chair,
                appointments=tuple(by_chair[chair.pk]),
                stays=tuple(stay for stay in stays if stay.chair_id == chair.pk),
                closures=tuple(row for row in today if row.chair_id == chair.pk),
            )
            for chair in chairs
            if chair.is_active or by_chair[chair.pk]
        ),
        quarters=tuple(_quarters(unit, interval, setup, appointments)),
        near=tuple(_near(date, zone, opening, taken, sum(chair.is_active for chair in chairs))) if is_drawn else (),
        doses=_doses(rows, stays) if is_drawn else {},
        version=setup.version,
    )


def _days_around(date: date, zone: ZoneInfo) -> Interval:
    return Interval(
        localtime.day(date - timedelta(days=DAYS_BEFORE), zone).start,
        localtime.day(date + timedelta(days=DAYS_AFTER), zone).end,
    )


def version(*, unit: Unit, date: date) -> int:
    """The number that every change of the unit's day bumps; 0 where nothing ever happened."""
    return UnitDay.objects.filter(unit=unit, date=date).values_list("version", flat=True).first() or 0


def shifts(*, unit: Unit, date: date) -> list[Shift]:
    """The shifts that touch the local day, with nurse and breaks."""
    interval = localtime.day(date, unit.center.zone)
    return list(
        Shift.objects.filter(unit=unit, starts_at__lt=interval.end, ends_at__gt=interval.start)
        .select_related("nurse")
        .prefetch_related("breaks__covered_by")
    )


def _appointments(unit: Unit, interval: Interval, stays: Iterable[Stay], now: datetime) -> list[Appointment]:
    """What may touch the day, and every dose of the courses that stay."""
    courses = [stay.course.pk for stay in stays]
    rows = minutes.shown_on(unit.pk, interval, _begun_around(interval), courses, now)
    # A day has few protocols and they are wide: each is read once, not with every row.
    prefetch_related_objects(rows, "protocol")
    return rows


def _bare_appointments(unit: Unit, interval: Interval, now: datetime) -> list[Appointment]:
    return minutes.rows_on(unit.pk, interval, _begun_around(interval), now)


def _begun_around(interval: Interval) -> Interval:
    return Interval(interval.start - facts.LONGEST_CARE, interval.end + facts.LONGEST_CARE)


def _doses(rows: Iterable[Appointment], stays: Iterable[Stay]) -> dict[int, tuple[Appointment, ...]]:
    found: dict[int, list[Appointment]] = {stay.course.pk: [] for stay in stays}
    for row in rows:
        if row.visit is not None and row.visit.course_id in found:
            found[row.visit.course_id].append(row)
    return {course: tuple(doses) for course, doses in found.items()}


def shown_time(appointment: Appointment) -> Interval:
    """Planned chair time, shifted and stretched by what really happened (promise 4: reality is always shown)."""
    planned = chair_time(appointment)
    start, end = appointment.start, appointment.end
    if appointment.actual_start is not None:
        end = appointment.actual_start + (end - start)
        start = appointment.actual_start
    if appointment.actual_end is not None:
        end = max(appointment.actual_end, start)
    after = planned.end - appointment.end + timedelta(minutes=appointment.extra_observation_minutes)
    return Interval(
        start - (appointment.start - planned.start),
        max(end + after, start + timedelta(minutes=1)),
    )


def _stays(taken: TakenTime, interval: Interval) -> list[Stay]:
    """The stays that touch `interval`."""
    staying = {
        one.stay: (chair, one.interval)
        for chair, one in taken.stays()
        if one.stay is not None and one.interval.overlaps(interval)
    }
    if not staying:
        return []
    courses = Course.objects.filter(pk__in=staying).select_related("patient", "protocol")
    return [Stay(course=course, chair_id=staying[course.pk][0], interval=staying[course.pk][1]) for course in courses]


def _quarters(
    unit: Unit, interval: Interval, setup: unit_setup.UnitSetup, appointments: Iterable[Appointment]
) -> list[QuarterHour]:
    zone = unit.center.zone
    published = setup.published.intersection(facts.dates(interval, zone))
    can = facts.staffed(unit, interval, zone, published, setup.patterns)
    cares = [
        staffing.Care(
            interval=Interval(
                appointment.start - timedelta(minutes=appointment.prep_minutes),
                appointment.end + timedelta(minutes=appointment.observation_minutes),
            ),
            start=appointment.start,
            acuity=appointment.acuity,
        )
        for appointment in appointments
        if appointment.status in lifecycle.LIVE
    ]
    loads: Mapping[datetime, staffing.Load] = staffing.load(list(can), cares)
    return [QuarterHour(start=start, load=loads[start], can=can[start]) for start in can]


def _near(shown: date, zone: ZoneInfo, opening: Sequence[Interval], taken: TakenTime, chairs: int) -> list[NearDay]:
    """The last day before and the next days after that the unit works on; a holiday among them shows as closed."""
    days = [shown + timedelta(days=step) for step in range(-DAYS_BEFORE, DAYS_AFTER + 1)]
    spans = {day: localtime.day(day, zone) for day in days}
    open_minutes = {day: _minutes(spans[day], opening) for day in days}
    working = {day.weekday() for day in days if open_minutes[day]}
    before = [day for day in days if day < shown and day.weekday() in working][-NEAR_BEFORE:]
    after = [day for day in days if day > shown and day.weekday() in working][:NEAR_AFTER]
    found = []
    for day in [*before, shown, *after]:
        room = open_minutes[day] * chairs
        share = taken.minutes_within(spans[day]) / room if room else 0.0
        found.append(NearDay(date=day, is_open=open_minutes[day] > 0, fill=min(share, 1.0)))
    return found


def _minutes(span: Interval, parts: Iterable[Interval]) -> int:
    return sum(inside.minutes for part in parts if (inside := part.intersection(span)) is not None)
