"""Free places for a treatment, best first: what the booking form and `POST /slots/search/` ask for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from scheduler.domain.errors import Malformed, Refusal, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Wishes
from scheduler.domain.rules import Need
from scheduler.models import Center, Patient, Protocol, Unit, Visit
from scheduler.queries import needs
from scheduler.queries.course_request import FARTHEST_START
from scheduler.queries.nearby import DAYS_AROUND, nearest
from scheduler.queries.plan import last_chair_of, wishes_of
from scheduler.queries.search import (
    LONGEST_SEARCH,
    Ground,
    Slot,
    SlotSearch,
    best_slots,
    ground,
)

MOST_SLOTS = 200


def slots(
    *,
    center: Center,
    from_: datetime,
    to: datetime,
    now: datetime,
    protocol: Protocol | None = None,
    minutes: int | None = None,
    unit: Unit | None = None,
    patient: Patient | None = None,
    visit: Visit | None = None,
    wishes: Wishes | None = None,
    ignoring: Collection[int] = (),
    limit: int = 10,
) -> SlotSearch:
    """Places whose treatment starts in `[from_, to)`, which pass every rule. With none, the answer says why and
    names the nearest ones. `ignoring` are bookings that will move away. Raises Malformed for an empty or too long
    time range and for an unknown length."""
    need, patient = _need(protocol, minutes, visit, patient)
    span = _span(from_, to, now)
    if not 1 <= limit <= MOST_SLOTS:
        raise Malformed("limit", gettext_noop("From 1 to {most} places can be asked for."), most=MOST_SLOTS)
    if visit is not None and wishes is None:
        wishes = wishes_of(visit.course, last_chair_of(visit.course))
    units = [unit] if unit is not None else list(center.units.all())
    found: list[Slot] = []
    grounds: list[Ground] = []
    for one in units:
        one.center = center
        where = ground(
            unit=one,
            patient_id=patient.pk if patient is not None else None,
            need=need,
            span=Interval(span.start, max(span.end, span.start + timedelta(days=DAYS_AROUND))),
            now=now,
            ignoring=ignoring,
        )
        grounds.append(where)
        found += best_slots(
            where, need, span, wishes=wishes or Wishes(), due=visit.due if visit is not None else None, limit=limit
        )
    found.sort(key=lambda slot: (slot.score, slot.start, slot.chair.id))
    if found:
        return SlotSearch(tuple(found[:limit]))
    return SlotSearch((), tuple(_why_none(grounds, need, span)), tuple(_alternatives(grounds, need, span, now)))


def _need(
    protocol: Protocol | None, minutes: int | None, visit: Visit | None, patient: Patient | None
) -> tuple[Need, Patient | None]:
    if visit is not None:
        return needs.for_visit(visit), visit.course.patient
    if protocol is not None:
        return needs.for_protocol(protocol), patient
    if minutes is None or not 1 <= minutes <= 12 * 60:
        raise Malformed("minutes", gettext_noop("Say which protocol, or from 1 to 720 minutes."))
    return needs.for_minutes(minutes), patient


def _span(from_: datetime, to: datetime, now: datetime) -> Interval:
    for field, moment in (("from", from_), ("to", to)):
        if moment.tzinfo is None:
            raise Malformed(field, gettext_noop("A time needs its offset, such as 2027-03-13T09:00-05:00."))
    if to <= from_:
        raise Malformed("to", gettext_noop("The end lies before the start."))
    if to - from_ > LONGEST_SEARCH:
        raise Malformed("to", gettext_noop("A search covers at most {days} days."), days=LONGEST_SEARCH.days)
    if from_ > now + FARTHEST_START:
        raise Malformed("from", gettext_noop("The start is more than three years ahead."))
    start = max(from_, now)
    if start.second or start.microsecond:
        start = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
    if to <= start:
        raise Malformed("to", gettext_noop("That time is over."))
    return Interval(start, to)


def _why_none(grounds: Sequence[Ground], need: Need, span: Interval) -> list[Refusal]:
    """What speaks against the due time, or else the beginning of the time asked for, chair by chair."""
    said: dict[str, Refusal] = {}
    for where in grounds:
        asked = need.due if need.due is not None and span.contains(need.due) else span.start
        for chair in where.unit.chairs.values():
            for refusal in where.refusals(need, chair, asked):
                said.setdefault(refusal.code, refusal)
    return sorted(said.values(), key=lambda refusal: not refusal.is_hard)


def _alternatives(grounds: Sequence[Ground], need: Need, span: Interval, now: datetime) -> list[Slot]:
    found = [slot for where in grounds for slot in nearest(where, need, span.start, chair=None, now=now)]
    return sorted(found, key=lambda slot: slot.score)[:3]
