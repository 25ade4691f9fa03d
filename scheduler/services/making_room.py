"""A treatment runs into the time of the next person in its chair: she gets another chair, or comes later, by the same
rules and in the same way as every move; or the desk is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.domain.errors import Refusal, Refused, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.domain.rules import ChairFacts
from scheduler.models import Appointment, Chair
from scheduler.queries import needs
from scheduler.queries.overruns import Overrun
from scheduler.queries.search import ground
from scheduler.services import moving, reactions
from scheduler.services.changes import fetch
from scheduler.services.writing import alternatives_to

LATER = 20  # minutes; as often as it takes


@dataclass(frozen=True, slots=True)
class OtherChair:
    """A chair that the rules allow the next visit at its own time; None with what speaks against each of the others."""

    chair: ChairFacts | None
    refusals: tuple[Refusal, ...] = ()


def minutes_later(overrun: Overrun) -> int:
    """By how much the next visit moves: twenty minutes, or as many times that as the overrun needs."""
    over = int(overrun.by.total_seconds() // 60)
    return max(-(-over // LATER), 1) * LATER


def other_chair(following: Appointment, *, now: datetime) -> OtherChair:
    """Another chair of the unit for this visit at its time. Reads only; a chair of the same kind is taken first."""
    row = fetch(following.pk)
    need = needs.for_appointment(row)
    where = ground(
        unit=row.unit,
        patient_id=row.patient_id,
        need=need,
        span=Interval(row.start, row.end),
        now=now,
        ignoring=[row.pk],
    )
    own = where.unit.chairs.get(row.chair_id)
    others = [chair for pk, chair in where.unit.chairs.items() if pk != row.chair_id and chair.is_active]
    said: list[Refusal] = []
    for chair in sorted(others, key=lambda each: (own is None or each.kind != own.kind, each.id)):
        found = where.refusals(need, chair, row.start)
        if not found:
            return OtherChair(chair)
        said += [refusal for refusal in found if refusal not in said]
    return OtherChair(None, tuple(said))


def swap_chair(*, actor: Actor, overrun: Overrun, version: int | None, now: datetime) -> Appointment:
    """The next visit goes to another chair at its time. Raises Refused, with what would work, where none is free and
    fitting; Stale where that visit has been changed since."""
    following = _following(overrun)
    found = other_chair(following, now=now)
    if found.chair is None:
        at = following.start.astimezone(following.unit.center.zone)
        none = Refusal("chair_is_free", gettext_noop("No other chair is free and fitting at {start}."), {"start": at})
        wanted = moving.moved_to(following, following.chair, following.start + timedelta(minutes=LATER))
        raise Refused([none, *found.refusals], alternatives=alternatives_to(wanted, now=now))
    chair = Chair.objects.select_related("unit__center").get(pk=found.chair.id)
    return _move(actor, overrun, chair, following.start, version, now)


def come_later(*, actor: Actor, overrun: Overrun, version: int | None, now: datetime) -> Appointment:
    """The next visit begins later in its chair, and the patient is told as of every move. Raises as `swap_chair`."""
    following = _following(overrun)
    start = following.start + timedelta(minutes=minutes_later(overrun))
    return _move(actor, overrun, following.chair, start, version, now)


def go_to(
    *, actor: Actor, overrun: Overrun, chair: Chair, start: datetime, version: int | None, now: datetime
) -> Appointment:
    """The next visit goes to one of the places that would work. Raises as `swap_chair`."""
    return _move(actor, overrun, chair, start, version, now)


def _following(overrun: Overrun) -> Appointment:
    if overrun.next is None:
        raise Refused([Refusal("transition_is_allowed", gettext_noop("Nobody comes after this any more."))])
    return fetch(overrun.next.pk)


def _move(
    actor: Actor, overrun: Overrun, chair: Chair, start: datetime, version: int | None, now: datetime
) -> Appointment:
    """What is in the way goes. What runs over then takes the time that has become free, if it still needs it."""
    moved = moving.move(
        actor=actor, appointment=_following(overrun), chair=chair, start=start, version=version, now=now
    )
    reactions.take_room(actor=actor, appointment=overrun.appointment, now=now)
    return moved
