"""Where a treatment can go: possible starts found by bitmaps, ranked, and the nearest alternatives to a refusal.

Searching takes no locks; services/booking.py checks every rule again under its locks before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from scheduler.domain import availability, localtime, placement, staffing
from scheduler.domain.availability import Horizon
from scheduler.domain.errors import Refusal, gettext_noop
from scheduler.domain.intervals import Interval, subtract
from scheduler.domain.placement import Wishes
from scheduler.domain.quarters import Runs
from scheduler.domain.rules import (
    ChairFacts,
    DoseFact,
    Need,
    PatientFacts,
    Proposal,
    Situation,
    UnitFacts,
    refusals,
)
from scheduler.domain.rules.forbidden import EVER, forbidden_starts
from scheduler.domain.taken_time import TakenTime
from scheduler.domain.watched import Loads, WatchedTime, blocked_masks
from scheduler.models import Unit
from scheduler.queries.facts import patient_facts, unit_facts

GRID_MINUTES = 15  # starts are suggested on quarter hours; any minute can be booked
LONGEST_SEARCH = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that passes every rule, soft ones too. `end` is the end of treatment; times are UTC."""

    unit: int
    unit_name: str
    chair: ChairFacts
    start: datetime
    end: datetime
    score: float
    reasons: tuple[placement.Reason, ...]

    def as_json(self, zone: Any) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "chair": self.chair.id,
            "chair_name": self.chair.name,
            "start": self.start.astimezone(zone).isoformat(),
            "end": self.end.astimezone(zone).isoformat(),
            "score": round(self.score, 3),
            "reasons": [reason.say() for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True)
class SlotSearch:
    slots: tuple[Slot, ...]
    refusals: tuple[Refusal, ...] = ()
    alternatives: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """A unit and a patient over some time, read once, with what a plan has decided on top of it."""

    unit: UnitFacts
    patient: PatientFacts
    ignoring: frozenset[int] = frozenset()

    def with_dose(self, dose: DoseFact) -> Ground:
        return replace(self, patient=replace(self.patient, doses=[*self.patient.doses, dose]))

    def situation(self) -> Situation:
        return Situation(unit=self.unit, patient=self.patient, ignoring=self.ignoring)

    def proposal(self, need: Need, chair: ChairFacts, start: datetime, **more: Any) -> Proposal:
        return Proposal(need=need, chair=chair, start=start, zone=self.unit.zone, center=self.unit.center, **more)

    def refusals(self, need: Need, chair: ChairFacts, start: datetime, **more: Any) -> list[Refusal]:
        return refusals(self.proposal(need, chair, start, **more), self.situation())


def ground(
    *, unit: Unit, patient_id: int | None, need: Need, span: Interval, now: datetime, ignoring: Iterable[int] = ()
) -> Ground:
    """Everything that placing `need` somewhere within `span` can depend on."""
    wide = widened(span, need)
    return Ground(
        unit=unit_facts(unit=unit, span=wide, now=now),
        patient=patient_facts(patient_id=patient_id, need=need, span=wide, now=now),
        ignoring=frozenset(ignoring),
    )


def widened(span: Interval, need: Need) -> Interval:
    """`span` with room for what a start inside it takes, on whole quarter hours so that no quarter is cut."""
    lengths = need.lengths
    first = span.start - timedelta(minutes=lengths.prep + 15)
    last = span.end + timedelta(minutes=lengths.after_start + 15)
    floor = first.replace(minute=first.minute // 15 * 15, second=0, microsecond=0)
    ceiling = last.replace(minute=last.minute // 15 * 15, second=0, microsecond=0) + timedelta(minutes=15)
    return Interval(floor, ceiling)


def no_chair(where: Ground) -> Refusal:
    """What there is to say of a unit in which nobody can sit or lie."""
    return Refusal("chair_is_suitable", gettext_noop("No chair in {unit} is in service."), {"unit": where.unit.name})


def loads_of(where: Ground) -> Loads:
    """The nurses' load per quarter hour, without what is about to change."""
    known = Runs.of(where.unit.capacity, staffing.NOBODY)
    return WatchedTime.of(where.unit.cares).loads(known.first, known.count, without=where.ignoring)


def possible_starts(
    where: Ground,
    need: Need,
    span: Interval,
    *,
    loads: Loads | None = None,
    also: Sequence[datetime] = (),
    keep_window: bool = True,
) -> tuple[Horizon, dict[int, int]]:
    """Per chair the starts within `span` that pass every rule, as bitmaps over the returned horizon: those on the
    grid, and those of `also` off the grid (the due time itself)."""
    unit, lengths = where.unit, need.lengths
    horizon = Horizon.of(widened(span, need))
    everything = (1 << horizon.minutes) - 1
    allowed = _allowed_starts(where, need, span, horizon, also, keep_window)
    if not allowed:
        return horizon, {}
    allowed &= _patient_room(where, need, horizon, everything)
    allowed &= _nurses_room(where, need, horizon, everything, loads_of(where) if loads is None else loads)
    opened = availability.mask(horizon, unit.open)
    taken = TakenTime.of(unit.taken, unit.span)
    found: dict[int, int] = {}
    for chair in unit.chairs.values():
        if not allowed or not chair.is_active or (need.needs_bed and not chair.is_bed):
            continue
        busy = taken.busy(chair.id, horizon, without=where.ignoring, course=need.course)
        closures = [closure.interval for closure in unit.closed if closure.chair == chair.id]
        if closures:
            busy |= availability.mask(horizon, closures)
        starts = allowed & availability.room(availability.free(opened, busy), lengths.prep, lengths.after_start)
        if starts:
            found[chair.id] = starts
    return horizon, found


def _allowed_starts(
    where: Ground, need: Need, span: Interval, horizon: Horizon, also: Sequence[datetime], keep_window: bool
) -> int:
    """The span and the visit's own rules: window, order, authorisation, interval and caps."""
    zone = where.unit.zone
    inside = [span]
    if keep_window and need.window is not None:
        overlap = span.intersection(need.window)
        inside = [overlap] if overlap is not None else []
    order = need.order
    limits = [
        Interval(
            localtime.day(first, zone).start if first is not None else EVER.start,
            localtime.day(last, zone).end if last is not None else EVER.end,
        )
        for first, last in (
            (order.order_from, order.order_until),
            (order.authorization_from, order.authorization_until),
        )
    ]
    for limit in limits:
        inside = [cut for part in inside if (cut := part.intersection(limit)) is not None]
    if (
        order.authorization_visits is not None
        and need.ordinal is not None
        and need.ordinal > order.authorization_visits
    ):
        inside = []
    doses = [dose for dose in where.patient.doses if dose.appointment not in where.ignoring]
    inside = subtract(inside, forbidden_starts(need, doses, zone))
    grid = availability.every(horizon, GRID_MINUTES)
    for moment in also:
        if horizon.origin <= moment < horizon.moment(horizon.minutes):
            grid |= 1 << horizon.index(moment)
    return availability.mask(horizon, inside) & grid


def _patient_room(where: Ground, need: Need, horizon: Horizon, everything: int) -> int:
    busy = [
        taken.interval
        for taken in where.patient.taken
        if taken.appointment not in where.ignoring or taken.appointment is None
        if not (taken.stay is not None and taken.stay == need.course)
    ]
    if not busy:
        return everything
    clear = everything & ~availability.mask(horizon, busy)
    return availability.room(clear, need.lengths.prep, need.lengths.care_after_start)


def _nurses_room(where: Ground, need: Need, horizon: Horizon, everything: int, loads: Loads) -> int:
    unwatched, no_start = blocked_masks(horizon, where.unit.capacity, loads, need.acuity)
    in_sight = availability.room(everything & ~unwatched, need.lengths.prep, need.lengths.care_after_start)
    return in_sight & ~no_start


def load_share(where: Ground, loads: Loads) -> Callable[[datetime], float]:
    """Taken share of the nurses' acuity at a moment, for levelling the load; asked for few moments of many."""

    def share(moment: datetime) -> float:
        quarter = staffing.quarter_of(moment)
        can = where.unit.capacity.get(quarter)
        if can is None:
            return 0.0
        return loads[quarter].acuity / can.acuity if can.acuity else 2.0

    return share


def best_slots(where: Ground, need: Need, span: Interval, **asked: Any) -> list[Slot]:
    """The best places for `need` with a start within `span`, best first; see `candidates` for what can be asked."""
    return [as_slot(where, need, candidate) for candidate in candidates(where, need, span, **asked)]


def candidates(
    where: Ground,
    need: Need,
    span: Interval,
    *,
    wishes: Wishes,
    due: datetime | None = None,
    limit: int = 10,
    spread: int | None = None,
    keep_window: bool = True,
    to_the_minute: bool = False,
    per_chair: bool = False,
) -> list[placement.Candidate]:
    """Ranked starts that pass every rule; with `spread` so many of the best that differ. `due` is also tried off the
    grid; `to_the_minute` is for doses whose window counts in minutes."""
    loads = loads_of(where)
    horizon, starts = possible_starts(
        where, need, span, loads=loads, also=[due] if due is not None else (), keep_window=keep_window
    )
    if not starts:
        return []
    return placement.rank(
        starts=starts,
        horizon=horizon,
        zone=where.unit.zone,
        due=due,
        wishes=wishes,
        load_share=load_share(where, loads),
        limit=limit,
        spread=spread,
        to_the_minute=to_the_minute,
        per_chair=per_chair,
        chair_kinds={chair.id: chair.kind for chair in where.unit.chairs.values()},
    )


def as_slot(where: Ground, need: Need, candidate: placement.Candidate) -> Slot:
    return Slot(
        unit=where.unit.id,
        unit_name=where.unit.name,
        chair=where.unit.chairs[candidate.chair],
        start=candidate.start,
        end=localtime.add_elapsed(candidate.start, need.lengths.treatment),
        score=candidate.score,
        reasons=candidate.reasons,
    )
