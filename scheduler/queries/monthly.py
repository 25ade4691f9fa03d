"""A month of a unit in figures, for its manager: what was given and what was not, and how full the chairs were.

Counts only; nothing here leads back to a patient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from scheduler.domain import lifecycle, localtime
from scheduler.domain.intervals import Interval, merged, subtract
from scheduler.domain.recurrence import window
from scheduler.models import Appointment, Chair, Closure, Event, Occupancy, Unit
from scheduler.queries import day as days
from scheduler.queries import facts

GIVEN, NOT_GIVEN, NO_SHOW, CANCELLED, TO_COME = "given", "not-given", "no-show", "cancelled", "to-come"
SHORT_NOTICE = timedelta(hours=24)  # a place that comes free later than this is hard to fill


@dataclass(frozen=True, slots=True)
class Line:
    """One protocol's visits by their planned start; None is a visit without a protocol."""

    protocol: str | None
    given: int
    not_given: int
    no_show: int
    cancelled: int
    to_come: int

    @property
    def all(self) -> int:
        return self.given + self.not_given + self.no_show + self.cancelled + self.to_come

    @property
    def no_show_share(self) -> float | None:
        """Of those who were expected, 0 to 1; None where nobody was."""
        expected = self.given + self.not_given + self.no_show
        return self.no_show / expected if expected else None


@dataclass(frozen=True, slots=True)
class Starts:
    """Doses of one cadence in real hours (DHE every 8 hours) that were begun, and how many of them within the
    protocol's tolerance of their due time."""

    protocol: str
    begun: int
    within: int


@dataclass(frozen=True, slots=True)
class Month:
    """Local days `[first, last]`. `used` is chair time of what was given, as it really was; `opened` the chair time
    that the unit was open for, up to now in the running month."""

    unit: Unit
    first: date
    last: date
    lines: tuple[Line, ...]
    total: Line
    cancelled_late: int
    used: timedelta
    opened: timedelta
    starts: tuple[Starts, ...]

    @property
    def share(self) -> float | None:
        return min(self.used / self.opened, 1.0) if self.opened else None


def month(*, unit: Unit, first: date, now: datetime) -> Month:
    """The calendar month of `first`, whose first day it is, in the center's zone."""
    last = _last_of(first)
    zone = unit.center.zone
    span = Interval(localtime.day(first, zone).start, localtime.day(last, zone).end)
    rows = list(_visits(unit, span))
    lines = tuple(_line(name, [row for row in rows if _name(row) == name]) for name in _names(rows))
    return Month(
        unit=unit,
        first=first,
        last=last,
        lines=lines,
        total=_line(None, rows),
        cancelled_late=_at_short_notice([row for row in rows if _kind(row) == CANCELLED]),
        used=sum((_used(row) for row in rows if row.status == "fulfilled"), timedelta()) + _stayed(unit, span, now),
        opened=_opened(unit, span, now),
        starts=tuple(_starts(rows, zone)),
    )


def _last_of(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _visits(unit: Unit, span: Interval) -> QuerySet[Appointment]:
    """By planned start; holds, and what was entered by mistake, were never visits."""
    kept = set(lifecycle.STATUSES) - {"pending", "entered-in-error"}
    return (
        Appointment.objects.filter(unit=unit, start__gte=span.start, start__lt=span.end, status__in=kept)
        .exclude(status="cancelled", patient__isnull=True)  # a hold that ran out
        .select_related("protocol", "visit")
        .order_by("start")
    )


def _name(row: Appointment) -> str | None:
    return row.protocol.name if row.protocol is not None else None


def _names(rows: Sequence[Appointment]) -> list[str | None]:
    found = Counter(_name(row) for row in rows)
    return sorted(found, key=lambda name: (-found[name], name or ""))


def _line(name: str | None, rows: Sequence[Appointment]) -> Line:
    count = Counter(_kind(row) for row in rows)
    return Line(name, count[GIVEN], count[NOT_GIVEN], count[NO_SHOW], count[CANCELLED], count[TO_COME])


def _kind(row: Appointment) -> str:
    """A visit at which nothing could be given is cancelled in the plan, so that its dose can be booked again; here it
    stands apart from those who did cancel."""
    if row.outcome == Appointment.Outcome.NOT_GIVEN:
        return NOT_GIVEN
    return {"fulfilled": GIVEN, "noshow": NO_SHOW, "cancelled": CANCELLED}.get(row.status, TO_COME)


def _at_short_notice(cancelled: Sequence[Appointment]) -> int:
    """By the record: the last time that each was cancelled."""
    starts = {row.pk: row.start for row in cancelled}
    events = Event.objects.filter(subject="appointment", subject_id__in=starts, verb="cancel").order_by("id")
    told = dict(events.values_list("subject_id", "at"))
    return sum(starts[pk] - at < SHORT_NOTICE for pk, at in told.items())


def _used(row: Appointment) -> timedelta:
    """As it really was. A stay keeps its chair between the doses too, so it is counted as one (`_stayed`)."""
    if row.protocol is not None and row.protocol.keeps_chair and row.visit is not None:
        return timedelta()
    shown = days.shown_time(row)
    return shown.end - shown.start


def _stayed(unit: Unit, span: Interval, now: datetime) -> timedelta:
    """What stays held of the chairs within the month, up to now."""
    end = min(span.end, now)
    held = Occupancy.objects.filter(
        stay__unit=unit, chair__isnull=False, chair_from__lt=end, chair_until__gt=span.start
    ).values_list("chair_from", "chair_until")
    spans = [Interval(start, until) for start, until in held if start is not None and until is not None]
    return sum((min(one.end, end) - max(one.start, span.start) for one in spans), timedelta())


def _opened(unit: Unit, span: Interval, now: datetime) -> timedelta:
    past = span.intersection(Interval(span.start, max(min(span.end, now), span.start + timedelta(minutes=1))))
    if past is None or now <= span.start:
        return timedelta()
    closures = facts.closures_of(unit, past)
    opening = [
        part
        for each in facts.opening(unit, span, unit.center.zone, closures)
        if (part := each.intersection(past)) is not None
    ]
    total = timedelta()
    for chair in Chair.objects.filter(unit=unit, is_active=True):
        shut = merged(
            Interval(row.starts_at, row.ends_at)
            for row in closures
            if row.chair_id == chair.pk and row.kind == Closure.Kind.CLOSED
        )
        total += sum((part.end - part.start for part in subtract(opening, shut)), timedelta())
    return total


def _starts(rows: Sequence[Appointment], zone: ZoneInfo) -> list[Starts]:
    begun: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for row in rows:
        protocol, visit, at = row.protocol, row.visit, row.actual_start
        if protocol is None or visit is None or at is None or protocol.cadence_kind != "elapsed":
            continue
        if _kind(row) != GIVEN:
            continue
        begun[protocol.name] += 1
        within[protocol.name] += window(protocol.spec().tolerance, visit.due, zone).contains(at)
    return [Starts(name, number, within[name]) for name, number in sorted(begun.items())]
