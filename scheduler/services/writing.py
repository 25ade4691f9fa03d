"""What booking and moving share: the sense of a place, the locks a batch needs, its events, its alternatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler.domain.errors import Malformed, Refused, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Chair, Patient, Unit
from scheduler.queries.course_request import FARTHEST_START, check_moment
from scheduler.queries.search import DAYS_AROUND, Slot, ground, nearest
from scheduler.services import following, record
from scheduler.services.changes import difference, fetch, snapshot
from scheduler.services.locking import UnitDayKey, unit_days
from scheduler.services.settle import Override, Wanted, stays


def check_place(chair: Chair, start: datetime, patient: Patient | None, now: datetime) -> datetime:
    check_moment("start", start)
    center = chair.unit.center
    if start.astimezone(center.zone).date() < now.astimezone(center.zone).date():
        raise Malformed("start", gettext_noop("That day is over. Book today or later."))
    if start > now + FARTHEST_START:
        raise Malformed("start", gettext_noop("The start is more than three years ahead."))
    if patient is not None and not patient.registrations.filter(center_id=center.pk).exists():
        raise Malformed("patient", gettext_noop("This patient is not registered in {center}."), center=center.name)
    return start.astimezone(UTC)


def check_still_open(one: Wanted, now: datetime) -> None:
    """Inside the lock: a hold may have run out, a visit may have been booked by somebody else."""
    if one.appointment is not None:
        current = fetch(one.appointment.pk)
        if current.status != "pending" or current.hold_expires_at is None or current.hold_expires_at <= now:
            raise Malformed("hold", gettext_noop("This hold has ended. Choose the place again."))
    if one.visit is not None:
        booked = following.live_of_course(one.visit.course_id).filter(visit=one.visit)
        if one.appointment is not None:
            booked = booked.exclude(pk=one.appointment.pk)
        other = booked.first()
        if other is not None:
            raise Malformed(
                "visit",
                gettext_noop("This visit is already booked for {start}. Move that booking instead."),
                start=other.start.astimezone(other.unit.center.zone),
            )


def recorded(
    actor: Actor, verb: str, row: Appointment, before: dict[str, Any], override: Override | None, now: datetime
) -> None:
    after = snapshot(row)
    was, became = difference(before, after) if before else ({}, {k: v for k, v in after.items() if v})
    record.event(
        actor=actor,
        verb=verb,
        subject=row,
        now=now,
        before=was,
        after=became | ({"override": sorted(override.codes)} if override is not None else {}),
        reason=override.reason if override is not None else "",
    )


def patients(wanted: Sequence[Wanted]) -> list[int | None]:
    return [one.patient.pk for one in wanted if one.patient is not None]


def days(wanted: Sequence[Wanted]) -> set[UnitDayKey]:
    touched: set[UnitDayKey] = set()
    for one in wanted:
        touched |= unit_days(one.chair.unit, one.proposal().own_chair_time)
    units = {one.need.course: one.chair.unit for one in wanted}
    for course, stay in stays(wanted).items():
        touched |= unit_days(units[course], stay)
    return touched


def with_alternatives(
    run: Callable[[], list[Appointment]], wanted: Sequence[Wanted], now: datetime
) -> list[Appointment]:
    try:
        return run()
    except Refused as refused:
        if refused.alternatives or len(wanted) > 1:
            raise
        raise Refused(refused.refusals, alternatives=alternatives_to(wanted[0], now=now)) from None


def alternatives_to(one: Wanted, *, now: datetime) -> list[Slot]:
    """The nearest places for a refused booking, in its unit, read outside every lock."""
    unit: Unit = one.chair.unit
    around = timedelta(days=DAYS_AROUND + 1)
    where = ground(
        unit=unit,
        patient_id=one.patient.pk if one.patient is not None else None,
        need=one.need,
        span=Interval(max(one.start, now) - around, max(one.start, now) + around),
        now=now,
        ignoring=[one.appointment.pk] if one.appointment is not None else [],
    )
    return nearest(where, one.need, one.start, chair=one.chair.pk, now=now)
