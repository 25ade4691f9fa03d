"""Which freed place fits who waits: by the rules of every booking, and by what she and the center want."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.domain import availability, localtime
from scheduler.domain.intervals import Interval
from scheduler.domain.protocols import Lengths
from scheduler.models import Chair, Offer, WaitlistEntry
from scheduler.queries import needs
from scheduler.queries.search import ground, possible_starts

FARTHEST = timedelta(days=30)  # how much earlier than the booking one search looks
EARLIEST, LATEST, NOON = 7 * 60, 21 * 60, 12 * 60  # local minutes; nobody is offered 3 am


@dataclass(frozen=True, slots=True)
class Place:
    """`taken` is what the chair is needed for, from preparation to cleaning."""

    chair: Chair
    start: datetime
    taken: Interval


def earliest(entry: WaitlistEntry, *, offers: Sequence[Offer], now: datetime) -> Place | None:
    """The earliest free place that fits her, none where there is none. `offers` are the open ones of the unit, and
    all that she was made before: what she let pass isn't offered to her again, and about one place no more people
    are asked at once than the center says."""
    appointment = entry.appointment
    assert appointment is not None  # the waiting ones have one
    if appointment.visit is not None and appointment.visit.course.protocol.keeps_chair:
        return None  # a dose of a stay moves with its stay, by a person
    center = appointment.unit.center
    need = needs.for_appointment(appointment)
    first = max(entry.earliest, now + timedelta(hours=center.offer_notice_hours), appointment.start - FARTHEST)
    last = min(entry.latest, appointment.start)
    if first >= last:
        return None
    span = Interval(first, last)
    where = ground(
        unit=appointment.unit,
        patient_id=appointment.patient_id,
        need=need,
        span=span,
        now=now,
        ignoring=[appointment.pk],
    )
    horizon, starts = possible_starts(where, need, span)
    let_pass = {offer.start for offer in offers if offer.entry_id == entry.pk}
    for minute, chair in _in_order(starts):
        start = horizon.moment(minute)
        taken = _chair_time(need.lengths, start)
        if start in let_pass or not _suits(entry, start) or not span.contains(start):
            continue
        asked = [offer for offer in offers if offer.chair_id == chair and offer.state == Offer.State.OPEN]
        if (
            sum(Interval(offer.taken_from, offer.taken_until).overlaps(taken) for offer in asked)
            < center.offers_at_once
        ):
            return Place(Chair.objects.get(pk=chair), start, taken)
    return None


def _chair_time(lengths: Lengths, start: datetime) -> Interval:
    return Interval(
        localtime.add_elapsed(start, -lengths.prep),
        localtime.add_elapsed(start, lengths.after_start),
    )


def _in_order(starts: dict[int, int]) -> Iterator[tuple[int, int]]:
    """(minute, chair), earliest first."""
    found = [(minute, chair) for chair, bits in starts.items() for minute in availability.positions(bits)]
    return iter(sorted(found))


def _suits(entry: WaitlistEntry, start: datetime) -> bool:
    appointment = entry.appointment
    assert appointment is not None
    local = start.astimezone(appointment.unit.center.zone)
    minute = local.hour * 60 + local.minute
    if entry.weekdays and local.weekday() not in entry.weekdays:
        return False
    if entry.part == WaitlistEntry.Part.MORNING and minute >= NOON:
        return False
    if entry.part == WaitlistEntry.Part.AFTERNOON and minute < NOON:
        return False
    return EARLIEST <= minute < LATEST
