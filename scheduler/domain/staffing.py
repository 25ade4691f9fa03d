"""The nurses' load per quarter hour: patients and acuity points watched, and treatments that start.

A quarter is the UTC start of a quarter hour of real time. Counting is careful on both sides: a nurse counts
in a quarter only where she is present for all of it, a patient counts in every quarter that any minute of
her care touches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from operator import sub
from typing import Literal, NamedTuple

from scheduler.domain.intervals import Interval
from scheduler.domain.quarters import QUARTER, QUARTER_MINUTES, Runs, number_of

# One nurse places one line at a time: two treatments that start in the same quarter hour need two nurses.
STARTS_PER_NURSE = 1


@dataclass(frozen=True, slots=True)
class Quarter:
    """What the nurses on the floor can do in a quarter hour: patients and acuity points watched together."""

    nurses: int
    patients: int
    acuity: int


@dataclass(frozen=True, slots=True)
class ShiftFacts:
    """One nurse for a time range. She adds no capacity in a break, covered or not.

    Who covers watches her patients within her own capacity; the cover only says who is asked.
    """

    interval: Interval
    patients: int
    acuity: int
    breaks: tuple[Interval, ...] = ()


@dataclass(frozen=True, slots=True)
class PatternFacts:
    """A staffing pattern laid on a date: totals for the unit, while that day's shifts are not published."""

    interval: Interval
    nurses: int
    patients: int
    acuity: int


@dataclass(frozen=True, slots=True)
class Care:
    """An appointment for the nurses: watched over `interval` (prep to observation), hands at `start`."""

    interval: Interval
    start: datetime
    acuity: int


@dataclass(frozen=True, slots=True)
class Load:
    """What a quarter hour asks of the nurses."""

    starts: int
    patients: int
    acuity: int


class Overload(NamedTuple):
    """A quarter hour that asks for more (`have`) than the nurses there can do (`can`)."""

    quarter: datetime
    what: Literal["patients", "acuity", "starts"]
    have: int
    can: int


NOBODY = Quarter(nurses=0, patients=0, acuity=0)
NOTHING = Load(starts=0, patients=0, acuity=0)


def quarter_of(moment: datetime) -> datetime:
    """The quarter hour that holds the moment, in UTC."""
    moment = moment.astimezone(UTC)
    return moment.replace(minute=moment.minute - moment.minute % QUARTER_MINUTES, second=0, microsecond=0)


class _Axis:
    """Sums over a run of quarters. A range is noted at its two ends only, so its length costs nothing."""

    def __init__(self, origin: datetime, count: int) -> None:
        self.origin, self.count = origin, count
        # How many hands (nurses there, treatments starting), patients and acuity points each quarter changes.
        self._hands, self._patients, self._acuity = ([0] * (self.count + 1) for _ in range(3))
        self._changed: set[int] = set()

    @classmethod
    def along(cls, quarters: Sequence[datetime]) -> _Axis:
        if any(step != QUARTER for step in set(map(sub, quarters[1:], quarters))):
            raise ValueError("quarters follow one another without a gap")
        return cls(quarters[0], len(quarters))

    def touched(self, interval: Interval) -> tuple[int, int]:
        """The quarters that share a minute with the interval, `[first, end)`."""
        return self._clip(self.index(interval.start), -_quarters(self.origin - interval.end))

    def inside(self, interval: Interval) -> tuple[int, int]:
        """The quarters that lie inside the interval as a whole, `[first, end)`."""
        return self._clip(-_quarters(self.origin - interval.start), self.index(interval.end))

    def index(self, moment: datetime) -> int:
        return _quarters(moment - self.origin)

    def _clip(self, first: int, end: int) -> tuple[int, int]:
        return max(first, 0), min(end, self.count)

    def add(self, first: int, end: int, hands: int, patients: int, acuity: int) -> None:
        """Add to the sums over the quarters `[first, end)`; an empty range adds nothing."""
        if first < end:
            self._changed.update((first, end))
            self._hands[first] += hands
            self._hands[end] -= hands
            self._patients[first] += patients
            self._patients[end] -= patients
            self._acuity[first] += acuity
            self._acuity[end] -= acuity

    def watch(self, cares: Iterable[Care]) -> None:
        """`touched` and `add` for each care, written out: a search over months has thousands of them."""
        origin, count = self.origin, self.count
        hands, patients, acuity = self._hands, self._patients, self._acuity
        for care in cares:
            after, left, begun = care.interval.start - origin, origin - care.interval.end, care.start - origin
            first = after.days * 96 + after.seconds // 900
            end = -(left.days * 96 + left.seconds // 900)
            begin = begun.days * 96 + begun.seconds // 900
            first, end = first if first > 0 else 0, end if end < count else count
            if first < end:
                patients[first] += 1
                patients[end] -= 1
                acuity[first] += care.acuity
                acuity[end] -= care.acuity
            if 0 <= begin < count:
                hands[begin] += 1
                hands[begin + 1] -= 1

    def runs(self) -> Iterator[tuple[int, int, tuple[int, int, int]]]:
        """(begin, end, (hands, patients, acuity)) wherever the sums may change: seldom, against all the quarters."""
        places = sorted({0, *self._changed, self.count})
        hands = patients = acuity = 0
        for begin, end in pairwise(places):
            hands += self._hands[begin]
            patients += self._patients[begin]
            acuity += self._acuity[begin]
            yield begin, end, (hands, patients, acuity)

    def totals(self) -> Iterable[tuple[int, ...]]:
        """(hands, patients, acuity) of each quarter."""
        changes = (self._hands, self._patients, self._acuity)
        return zip(*(accumulate(change[:-1]) for change in changes), strict=True)


def _quarters(span: timedelta) -> int:
    """Whole quarter hours, rounded down; a third of the price of `span // QUARTER`."""
    return span.days * 96 + span.seconds // 900


def capacity(
    quarters: Sequence[datetime], shifts: Iterable[ShiftFacts], patterns: Iterable[PatternFacts]
) -> Mapping[datetime, Quarter]:
    """What the nurses can do in each quarter. Shifts and patterns add up: give one or the other for a day.

    `quarters` is a run as from `localtime.quarter_hours`; raises ValueError where it has gaps.
    """
    return _capacity(_Axis.along(quarters), shifts, patterns) if quarters else {}


def capacity_over(
    span: Interval, shifts: Iterable[ShiftFacts], patterns: Iterable[PatternFacts]
) -> Mapping[datetime, Quarter]:
    """The same for the quarters that the span touches, without making each of them."""
    origin = quarter_of(span.start)
    return _capacity(_Axis(origin, -_quarters(origin - span.end)), shifts, patterns)


def _capacity(
    axis: _Axis, shifts: Iterable[ShiftFacts], patterns: Iterable[PatternFacts]
) -> Mapping[datetime, Quarter]:
    for shift in shifts:
        first, end = axis.inside(shift.interval)
        for away_from, away_until in sorted(axis.touched(pause) for pause in shift.breaks):
            axis.add(first, min(away_from, end), 1, shift.patients, shift.acuity)
            first = max(first, away_until)
        axis.add(first, end, 1, shift.patients, shift.acuity)
    for pattern in patterns:
        axis.add(*axis.inside(pattern.interval), pattern.nurses, pattern.patients, pattern.acuity)
    first = number_of(axis.origin)
    return Runs((first + begin, first + end, Quarter(*total)) for begin, end, total in axis.runs())


def load(quarters: Sequence[datetime], cares: Iterable[Care]) -> dict[datetime, Load]:
    """What the appointments ask in each quarter. `quarters` as for `capacity`; other care is left out."""
    if not quarters:
        return {}
    axis = _Axis.along(quarters)
    axis.watch(cares)
    known: dict[tuple[int, ...], Load] = {}
    return {
        quarter: known.get(total) or known.setdefault(total, Load(*total))
        for quarter, total in zip(quarters, axis.totals(), strict=True)
    }


def overloads(
    capacity: Mapping[datetime, Quarter],
    load: Mapping[datetime, Load],
    *,
    starts_per_nurse: int = STARTS_PER_NURSE,
) -> list[Overload]:
    """Where the load is more than the nurses can do, by quarter. A quarter without capacity has nobody."""
    found: list[Overload] = []
    for quarter in sorted(load):
        have, can = load[quarter], capacity.get(quarter, NOBODY)
        if have.patients > can.patients:
            found.append(Overload(quarter, "patients", have.patients, can.patients))
        if have.acuity > can.acuity:
            found.append(Overload(quarter, "acuity", have.acuity, can.acuity))
        if have.starts > can.nurses * starts_per_nurse:
            found.append(Overload(quarter, "starts", have.starts, can.nurses * starts_per_nurse))
    return found
