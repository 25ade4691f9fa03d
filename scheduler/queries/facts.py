"""What the rules look at, read from the database: a unit over some time, and a patient's other time and doses.

Rows are read as raw values, not as objects: a search over months reads thousands of them. The number of queries
does not depend on how many rows there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.db.models.functions import Coalesce

from scheduler.domain import lifecycle, localtime, staffing
from scheduler.domain.intervals import Interval, merged, subtract
from scheduler.domain.rules import ChairFacts, Closed, DoseFact, Need, PatientFacts, Taken, UnitFacts
from scheduler.domain.watched import WatchedTime
from scheduler.models import (
    Appointment,
    Chair,
    Closure,
    Dose,
    Occupancy,
    OpeningHours,
    Shift,
    StaffingPattern,
    Unit,
    UnitDay,
)
from scheduler.queries import minutes, unit_setup

# No visit's care is longer than this, so appointments that began earlier cannot reach into a span.
LONGEST_CARE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Away:
    """Shifts that somebody would not work from `since` on (UTC)."""

    shifts: frozenset[int]
    since: datetime

    def rest(self, shift: int, interval: Interval) -> list[Interval]:
        """What is left of that shift: all of it, its beginning, or nothing."""
        if shift not in self.shifts or interval.end <= self.since:
            return [interval]
        return [Interval(interval.start, self.since)] if interval.start < self.since else []


def unit_facts(
    *,
    unit: Unit,
    span: Interval,
    now: datetime,
    chairs: Iterable[Chair] | None = None,
    with_nurses: bool = True,
    away: Away | None = None,
) -> UnitFacts:
    """The unit over `span` (UTC). `chairs` None means all of its active chairs. `away` is a nurse who would not be
    there."""
    zone = unit.center.zone
    setup = unit_setup.read(unit, span)
    known = setup.chairs
    if chairs is not None:
        known = tuple(ChairFacts(chair.pk, chair.name, chair.kind, chair.is_active) for chair in chairs)
    published = setup.published.intersection(dates(span, zone))
    return UnitFacts(
        id=unit.pk,
        name=unit.name,
        center=unit.center_id,
        zone=zone,
        span=span,
        open=tuple(opened(setup.hours, span, zone, setup.closures)),
        closed=tuple(closed(setup.closures)),
        chairs={chair.id: chair for chair in known},
        taken=minutes.taken([chair.id for chair in known], span, now),
        capacity=staffed(unit, span, zone, published, setup.patterns, away) if with_nurses else {},
        cares=cares(unit, span, now) if with_nurses else (),
    )


def closures_of(unit: Unit, span: Interval) -> list[Closure]:
    return list(
        Closure.objects.filter(
            Q(unit__isnull=True) | Q(unit=unit),
            center_id=unit.center_id,
            starts_at__lt=span.end,
            ends_at__gt=span.start,
        )
    )


def closed(closures: Iterable[Closure]) -> list[Closed]:
    """What takes nobody; the extra openings are left out."""
    return [
        Closed(Interval(row.starts_at, row.ends_at), row.reason, row.chair_id)
        for row in closures
        if row.kind == Closure.Kind.CLOSED
    ]


def opening(unit: Unit, span: Interval, zone: ZoneInfo, closures: Iterable[Closure]) -> list[Interval]:
    """When the unit takes people within `span`, whole days at both edges: its hours without the closures of unit
    and center, and the extra openings."""
    hours = OpeningHours.objects.filter(unit=unit).values_list("weekday", "opens", "closes")
    return opened(hours, span, zone, closures)


def opened(
    rows: Iterable[tuple[int, int, int]], span: Interval, zone: ZoneInfo, closures: Iterable[Closure]
) -> list[Interval]:
    """`opening` from rows of (weekday, opens, closes)."""
    hours: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for weekday, opens, closes in rows:
        hours[weekday].append((opens, closes))
    regular = [
        Interval(localtime.at(day, opens, zone), localtime.at(day, closes, zone))
        for day in dates(span, zone)
        for opens, closes in hours[day.weekday()]
        if localtime.at(day, opens, zone) < localtime.at(day, closes, zone)  # hours inside a spring gap
    ]
    shut, extra = [], []
    for row in closures:
        if row.kind == Closure.Kind.OPEN:
            extra.append(Interval(row.starts_at, row.ends_at))
        elif row.chair_id is None:
            shut.append(Interval(row.starts_at, row.ends_at))
    return merged([*subtract(merged(regular), merged(shut)), *extra])


def dates(span: Interval, zone: ZoneInfo) -> list[date]:
    return localtime.dates_touched(span, zone)


def cares(unit: Unit, span: Interval, now: datetime) -> WatchedTime:
    """The live treatments that nurses of the unit watch at some time within `span`, by appointment."""
    around = Interval(span.start - LONGEST_CARE, span.end + LONGEST_CARE)
    return minutes.watched(unit.pk, span, around, now)


def capacity(unit: Unit, span: Interval, zone: ZoneInfo) -> Mapping[datetime, staffing.Quarter]:
    """Per quarter hour (UTC): the published shifts of a day, else the staffing pattern of its weekday."""
    days = dates(span, zone)
    published = set(
        UnitDay.objects.filter(unit=unit, date__in=days, shifts_published=True).values_list("date", flat=True)
        if len(days) < 100  # a long list of parameters costs more than the rows of one unit
        else UnitDay.objects.filter(
            unit=unit, date__gte=days[0], date__lte=days[-1], shifts_published=True
        ).values_list("date", flat=True)
    )
    patterns = (
        StaffingPattern.objects.filter(unit=unit).values_list(
            "weekday", "opens", "closes", "nurses", "patients", "acuity"
        )
        if len(published) < len(days)
        else ()
    )
    return staffed(unit, span, zone, published, patterns)


def staffed(
    unit: Unit,
    span: Interval,
    zone: ZoneInfo,
    published: Collection[date],
    rows: Iterable[tuple[int, int, int, int, int, int]],
    away: Away | None = None,
) -> Mapping[datetime, staffing.Quarter]:
    """`capacity` from the dates whose shifts are published, and the patterns' rows of (weekday, opens, closes,
    nurses, patients, acuity)."""
    days = dates(span, zone)
    by_shift = merged(localtime.day(day, zone) for day in published)
    shifts = _shifts(unit, span, by_shift, away) if by_shift else []
    patterns: dict[int, list[tuple[int, int, int, int, int]]] = defaultdict(list)
    for weekday, *rest in rows:
        patterns[weekday].append(tuple(rest))  # type: ignore[arg-type]
    laid = [
        staffing.PatternFacts(
            interval=Interval(localtime.at(day, opens, zone), localtime.at(day, closes, zone)),
            nurses=nurses,
            patients=patients,
            acuity=acuity,
        )
        for day in days
        if day not in published
        for opens, closes, nurses, patients, acuity in patterns[day.weekday()]
        if localtime.at(day, opens, zone) < localtime.at(day, closes, zone)
    ]
    return staffing.capacity_over(span, shifts, laid)


def _shifts(unit: Unit, span: Interval, published: list[Interval], away: Away | None) -> list[staffing.ShiftFacts]:
    """Published shifts that touch the span, clipped to published days: a night shift may reach into a day whose
    own shifts are not published, where the pattern counts her already."""
    # One row for each break of a shift, and one for a shift without any.
    rows = Shift.objects.filter(
        unit=unit, nurse__is_active=True, starts_at__lt=span.end, ends_at__gt=span.start
    ).values_list("pk", "starts_at", "ends_at", "patients", "acuity", "breaks__starts_at", "breaks__ends_at")
    found: dict[tuple[int, datetime, datetime, int, int], list[Interval]] = defaultdict(list)
    for *shift, away_from, away_until in rows:
        breaks = found[tuple(shift)]  # type: ignore[index]
        if away_from is not None:
            breaks.append(Interval(away_from, away_until))
    return [
        staffing.ShiftFacts(interval=part, patients=patients, acuity=acuity, breaks=tuple(breaks))
        for (pk, start, end, patients, acuity), breaks in found.items()
        for there in ([Interval(start, end)] if away is None else away.rest(pk, Interval(start, end)))
        for day in published
        if (part := there.intersection(day)) is not None
    ]


def patient_facts(*, patient_id: int | None, need: Need, span: Interval, now: datetime) -> PatientFacts:
    """The patient's other time touching `span`, and the doses of the need's substance that can matter to it,
    over all her courses and centers."""
    if patient_id is None:
        return PatientFacts()
    rows = (
        Occupancy.objects.filter(
            Q(patient_id=patient_id, patient_until__gt=span.start, patient_from__lt=span.end)
            | Q(stay__patient_id=patient_id, chair_until__gt=span.start, chair_from__lt=span.end)
        )
        .exclude(appointment__status="pending", appointment__hold_expires_at__lte=now)
        .annotate(at_center=Coalesce("appointment__center_id", "stay__center_id"))
        .values_list(
            "patient_from",
            "patient_until",
            "chair_from",
            "chair_until",
            "appointment_id",
            "stay_id",
            "at_center",
            "appointment__visit__course_id",
        )
    )
    taken = []
    for patient_from, patient_until, chair_from, chair_until, appointment, stay, center, course in rows:
        start, until = (chair_from, chair_until) if stay is not None else (patient_from, patient_until)
        if start is not None and until is not None:  # the check constraint says so
            taken.append(Taken(Interval(start, until), appointment, stay, center, course))
    return PatientFacts(taken=taken, doses=doses(patient_id=patient_id, need=need, span=span, now=now))


def doses(*, patient_id: int, need: Need, span: Interval, now: datetime) -> list[DoseFact]:
    """Doses given and booked of one substance, as far around `span` as an interval or a cap reaches."""
    if not need.substance:
        return []
    around = doses_count_in(need, span)
    first, last = around.start, around.end
    given = [
        DoseFact(
            at=at,
            mg=mg,
            kind="elsewhere" if place == Dose.Place.ELSEWHERE else "given",
            appointment=appointment,
            center=center,
        )
        for at, mg, place, appointment, center in Dose.objects.filter(
            patient_id=patient_id,
            substance=need.substance,
            given_at__gt=first,
            given_at__lt=last,
        )
        .exclude(status=Dose.Status.NOT_GIVEN)
        .values_list("given_at", "mg", "place", "appointment_id", "appointment__center_id")
    ]
    booked = (
        # One that has begun counts from then, however far from its booked time that was.
        Appointment.objects.alias(counts_from=Coalesce("actual_start", "start"))
        .filter(
            patient_id=patient_id,
            status__in=lifecycle.OPEN,
            protocol__substance=need.substance,
            counts_from__gt=first,
            counts_from__lt=last,
        )
        .exclude(status="pending", hold_expires_at__lte=now)
        .values_list("pk", "start", "actual_start", "center_id", "protocol__dose_mg", "visit__course__dose_mg")
    )
    return given + [
        DoseFact(
            at=actual or start,
            mg=ordered or mg or Decimal(0),
            kind="given" if actual else "booked",
            appointment=pk,
            center=center,
        )
        for pk, start, actual, center, mg, ordered in booked
    ]


def doses_count_in(need: Need, span: Interval) -> Interval:
    """As far around `span` as an interval or a cap reaches."""
    reach = _reach(need)
    return Interval(span.start - reach, span.end + reach)


def _reach(need: Need) -> timedelta:
    reach = timedelta(minutes=max((cap.within_minutes for cap in need.caps), default=0))
    if need.gap is not None:
        gap = need.gap
        reach = max(
            reach, timedelta(days=gap.at_least + 1) if gap.counts_in == "days" else timedelta(minutes=gap.at_least)
        )
    return reach + timedelta(days=1)
