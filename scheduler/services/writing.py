"""What booking and moving share: the sense of a place, the locks a batch needs, its events, its alternatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler.domain.errors import Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Chair, Occupancy, Visit
from scheduler.queries import needs, one_place
from scheduler.queries.course_request import FARTHEST_START, check_moment
from scheduler.queries.nearby import ALTERNATIVES, DAYS_AROUND, nearest
from scheduler.queries.search import Ground, Slot, ground, widened
from scheduler.services import following, record
from scheduler.services.changes import days_of, difference, fresh, snapshot
from scheduler.services.locking import UnitDayKey, unit_days
from scheduler.services.settle import Override, Wanted, stays

HOURS_AROUND = timedelta(hours=4)  # how far alternatives are looked for at first, before and after


def check_place(chair: Chair, start: datetime, now: datetime) -> datetime:
    check_moment("start", start)
    center = chair.unit.center
    if start.astimezone(center.zone).date() < now.astimezone(center.zone).date():
        raise Malformed("start", gettext_noop("That day is over. Book today or later."))
    if start > now + FARTHEST_START:
        raise Malformed("start", gettext_noop("The start is more than three years ahead."))
    return start.astimezone(UTC)


def still_open(one: Wanted, now: datetime) -> Wanted:
    """Inside the lock: the same with hold and visit as they are now. Raises Refused where the hold has run out, or
    the visit was booked, done or waived, or its course stopped, since the caller read them."""
    if one.appointment is not None:
        hold = fresh(one.appointment, None)
        if hold.status != "pending" or hold.hold_expires_at is None or hold.hold_expires_at <= now:
            raise not_possible(gettext_noop("This hold has ended. Choose the place again."))
        one = replace(one, appointment=hold)
    if one.visit is None:
        return one
    visit = Visit.objects.select_related(
        "course__protocol", "course__center", "course__patient", "course__unit__center"
    ).get(pk=one.visit.pk)
    check_waiting(visit)
    booked = following.live_of_course(visit.course_id).filter(visit=visit)
    if one.appointment is not None:
        booked = booked.exclude(pk=one.appointment.pk)
    other = booked.first()
    if other is not None:
        raise not_possible(
            gettext_noop("This visit is already booked for {start}. Move that booking instead."),
            start=other.start.astimezone(other.unit.center.zone),
        )
    return replace(one, visit=visit, need=needs.for_visit(visit))


def check_waiting(visit: Visit) -> None:
    """Only visits of active courses are booked, and only those neither done nor waived."""
    if visit.course.status != "active":
        raise not_possible(gettext_noop("This course is not active, so its visits are not booked."))
    if visit.state not in (Visit.State.UNPLACED, Visit.State.BOOKED):
        raise not_possible(gettext_noop("This visit is done or waived, so it needs no place."))


def not_possible(sentence: str, **facts: Any) -> Refused:
    """Somebody was quicker, or it is over: the present state does not allow it."""
    return Refused([Refusal("transition_is_allowed", sentence, facts)])


def recorded(
    actor: Actor,
    verb: str,
    row: Appointment,
    before: dict[str, Any],
    override: Override | None,
    now: datetime,
    *,
    together: Sequence[int] = (),
) -> None:
    """The event of one booking written: its reason is that of the rules set aside for it, if any were. `together`:
    the ids of all bookings that one action moved, this one's among them, where it moved several."""
    after = snapshot(row)
    was, became = difference(before, after) if before else ({}, {k: v for k, v in after.items() if v})
    if together:
        became["together"] = list(together)
    record.event(
        actor=actor,
        verb=verb,
        subject=row,
        now=now,
        before=was,
        after=became,
        reason=override.reason if override is not None and row.override else "",
    )


def patients(wanted: Sequence[Wanted]) -> list[int | None]:
    now = [one.patient.pk for one in wanted if one.patient is not None]
    return now + [one.appointment.patient_id for one in wanted if one.appointment is not None]


def days(wanted: Sequence[Wanted]) -> set[UnitDayKey]:
    """The days of the wanted places, and of those that bookings and holds leave."""
    touched: set[UnitDayKey] = set()
    for one in wanted:
        touched |= unit_days(one.chair.unit, one.proposal().own_chair_time)
        if one.appointment is not None:
            touched |= days_of(one.appointment)
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
        is_over = all(refusal.code == "transition_is_allowed" for refusal in refused.refusals)
        if refused.alternatives or len(wanted) > 1 or is_over:
            raise
        raise Refused(refused.refusals, alternatives=alternatives_to(wanted[0], now=now)) from None


def alternatives_to(one: Wanted, *, now: datetime) -> list[Slot]:
    """The nearest places for a refused booking, in its unit, read outside every lock: in the hours around it if there
    are as many as are offered, else in the weeks. Somebody waits for the answer, and mostly there is room nearby."""
    kept = _stay_besides(one)
    if kept is None and one.start >= now:
        found = nearest(_hours_around(one, now), one.need, one.start, chair=one.chair.pk, now=now, only_inside=True)
        if len(found) == ALTERNATIVES:
            return found
    where = _weeks_around(one, now)
    if kept is not None:
        where = _only_chair(where, kept)
    found = nearest(where, one.need, one.start, chair=one.chair.pk, now=now)
    return [slot for slot in found if kept is None or _fits_stay(slot, one, kept, where)]


def _hours_around(one: Wanted, now: datetime) -> Ground:
    span = Interval(one.start - HOURS_AROUND, one.start + HOURS_AROUND)
    unit, patient = one_place.read_all(
        unit=one.chair.unit, patient_id=_patient_id(one), need=one.need, span=widened(span, one.need), now=now
    )
    return Ground(unit=unit, patient=patient, ignoring=_leaving(one))


def _weeks_around(one: Wanted, now: datetime) -> Ground:
    around = timedelta(days=DAYS_AROUND + 1)
    return ground(
        unit=one.chair.unit,
        patient_id=_patient_id(one),
        need=one.need,
        span=Interval(max(one.start, now) - around, max(one.start, now) + around),
        now=now,
        ignoring=_leaving(one),
    )


def _patient_id(one: Wanted) -> int | None:
    return one.patient.pk if one.patient is not None else None


def _leaving(one: Wanted) -> frozenset[int]:
    return frozenset([one.appointment.pk] if one.appointment is not None else [])


def _stay_besides(one: Wanted) -> Occupancy | None:
    """The chair and time that the stay of a dose keeps already."""
    return Occupancy.objects.filter(stay_id=one.need.course).first() if one.need.keeps_chair else None


def _only_chair(where: Ground, kept: Occupancy) -> Ground:
    """All doses of a stay are given in its chair, so another place for one of them is there too."""
    chairs = {pk: chair for pk, chair in where.unit.chairs.items() if pk == kept.chair_id}
    return replace(where, unit=replace(where.unit, chairs=chairs))


def _fits_stay(slot: Slot, one: Wanted, kept: Occupancy, where: Ground) -> bool:
    """Whether the chair is free and open all the time from the stay's other doses to this one."""
    moved = replace(one, start=slot.start)
    whole = stays([moved])[kept.stay_id]  # type: ignore[index]  # the stay of a course
    said = where.refusals(one.need, slot.chair, slot.start, stay=whole)
    return not any(refusal.is_hard for refusal in said)
