"""Where on a day a booking would fit, and why it would not at one place. Reads only; services decide under locks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.domain.errors import Refusal
from scheduler.domain.intervals import Interval
from scheduler.domain.rules import ChairFacts, Need
from scheduler.models import Chair, Unit
from scheduler.queries.nearby import DAYS_AROUND, nearest
from scheduler.queries.search import Slot, ground, possible_starts

STEP = timedelta(minutes=5)  # what the finest move on the board is


@dataclass(frozen=True, slots=True)
class WhyNot:
    """What the rules say of one place, soft ones too; nothing where it passes them all. Then the nearest that do."""

    refusals: tuple[Refusal, ...]
    alternatives: tuple[Slot, ...]


def starts(
    *, unit: Unit, need: Need, patient_id: int | None, day: Interval, now: datetime, ignoring: Collection[int] = ()
) -> dict[int, list[datetime]]:
    """Per chair (its id) the treatment starts within `day` (UTC), every five minutes, that pass every rule. Nothing
    before `now`; `ignoring` are bookings that will move away."""
    if day.end <= now:
        return {}
    span = Interval(max(day.start, now), day.end)
    first = day.start + -(-(span.start - day.start) // STEP) * STEP
    steps = [first + STEP * step for step in range((span.end - first) // STEP)]
    where = ground(unit=unit, patient_id=patient_id, need=need, span=span, now=now, ignoring=ignoring)
    horizon, found = possible_starts(where, need, span, also=steps)
    return {chair: [moment for moment in steps if masks >> horizon.index(moment) & 1] for chair, masks in found.items()}


def why_not(
    *,
    chair: Chair,
    start: datetime,
    need: Need,
    patient_id: int | None,
    now: datetime,
    ignoring: Collection[int] = (),
) -> WhyNot:
    """All that speaks against `need` in this chair at `start` (UTC), hard rules first."""
    around = timedelta(days=DAYS_AROUND + 1)
    where = ground(
        unit=chair.unit,
        patient_id=patient_id,
        need=need,
        span=Interval(max(start, now) - around, max(start, now) + around),
        now=now,
        ignoring=ignoring,
    )
    place = ChairFacts(id=chair.pk, name=chair.name, kind=chair.kind, is_active=chair.is_active)
    said: Sequence[Refusal] = where.refusals(need, place, start)
    return WhyNot(tuple(said), tuple(nearest(where, need, start, chair=chair.pk, now=now)) if said else ())
