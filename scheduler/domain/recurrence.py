"""When doses are due: cadences, windows around a due time, minimum intervals, re-anchoring on what happened.

All moments are aware, results are in UTC. Minutes are real minutes; days are local dates of the center's
zone, however long the clock made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from scheduler.domain.intervals import Interval, as_utc
from scheduler.domain.localtime import MINUTES_PER_DAY, add_elapsed, at, local_date, to_utc, to_wall

CountsIn = Literal["days", "minutes"]

_UNITS = {
    "once": ("months", "weeks", "days", "hours"),
    "calendar": ("months", "weeks", "days"),
    "elapsed": ("weeks", "days", "hours"),
}
_ELAPSED_MINUTES = {"hours": 60, "days": MINUTES_PER_DAY, "weeks": 7 * MINUTES_PER_DAY}


@dataclass(frozen=True, slots=True)
class Cadence:
    """How doses follow one another.

    *calendar*: every n months, weeks or days at the same wall clock. *elapsed*: every n hours of real time (a
    day is 24 of them, a week 168). *once*: a single dose. `within_day` are minutes on the wall clock after a
    day's first dose, for several doses a day: (0, 420) is 09:00 and 16:00. Raises ValueError for what makes
    no sense.
    """

    kind: Literal["once", "calendar", "elapsed"]
    every: int = 1
    unit: Literal["months", "weeks", "days", "hours"] = "months"
    within_day: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        if self.kind not in _UNITS:
            raise ValueError(f"no such cadence: {self.kind!r}")
        if self.unit not in _UNITS[self.kind]:
            raise ValueError(f"a cadence of kind {self.kind} does not count in {self.unit}")
        if self.every < 1:
            raise ValueError(f"a cadence advances by at least 1, not {self.every}")
        if self.within_day == (0,):
            return
        if self.kind != "calendar" or self.unit != "days":
            raise ValueError("only a calendar cadence of days has several doses a day")
        bounds = (*self.within_day, MINUTES_PER_DAY)
        if bounds[0] != 0 or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"the doses of a day ascend from 0 and stay below 24 hours: {self.within_day}")


@dataclass(frozen=True, slots=True)
class Spread:
    """How far from the due time a start may lie, in local days or real minutes, inclusive at both ends."""

    counts_in: CountsIn
    before: int
    after: int

    def __post_init__(self) -> None:
        _check_counts_in(self.counts_in)
        if self.before < 0 or self.after < 0:
            raise ValueError(f"a spread reaches 0 or more to either side: {self.before}, {self.after}")


@dataclass(frozen=True, slots=True)
class Gap:
    """The minimum interval between two dose starts, in local dates or real minutes. Equality is allowed."""

    counts_in: CountsIn
    at_least: int

    def __post_init__(self) -> None:
        _check_counts_in(self.counts_in)
        if self.at_least < 0:
            raise ValueError(f"a minimum interval is 0 or more, not {self.at_least}")


def _check_counts_in(counts_in: str) -> None:
    if counts_in not in ("days", "minutes"):
        raise ValueError(f"counted in days or minutes, not in {counts_in!r}")


def project(cadence: Cadence, anchor: datetime, steps: int, zone: ZoneInfo) -> datetime:
    """When the dose is due that comes `steps` doses after the one at `anchor`, in UTC.

    Calendar cadences keep the anchor's wall clock and clip from its day: 30 Nov, 28 Feb, 30 May. With several
    doses a day, the anchor is a day's first. Raises ValueError for negative steps, and for a step from a
    single dose.
    """
    if steps < 0:
        raise ValueError(f"a projection goes forward, not {steps} steps")
    if steps == 0:
        return as_utc(anchor)  # exactly: by the wall clock, the second 01:30 of autumn would become the first
    if cadence.kind == "once":
        raise ValueError("a single dose has no next one")
    if cadence.kind == "elapsed":
        return add_elapsed(anchor, steps * cadence.every * _ELAPSED_MINUTES[cadence.unit])
    return to_utc(_wall_after(cadence, to_wall(anchor, zone), steps), zone)


def _wall_after(cadence: Cadence, wall: datetime, steps: int) -> datetime:
    """The wall time that a calendar cadence reaches, whether the clock will ever show it or not."""
    rounds, place = divmod(steps, len(cadence.within_day))
    amount = rounds * cadence.every
    if cadence.unit == "months":
        return wall + relativedelta(months=amount)
    days = amount * 7 if cadence.unit == "weeks" else amount
    return wall + timedelta(days=days, minutes=cadence.within_day[place])


def window(spread: Spread, due: datetime, zone: ZoneInfo) -> Interval:
    """When a treatment due then may start, as `[first, after the last)`.

    Days: whole local days, from the midnight that starts (due date - before) to the one that ends (due date +
    after). Minutes: real ones. Starts are whole minutes, so the last allowed, due + after, is inside and the
    end lies one minute behind it.
    """
    if spread.counts_in == "days":
        date_ = local_date(due, zone)
        first, last = date_ - timedelta(days=spread.before), date_ + timedelta(days=spread.after)
        return Interval(at(first, 0, zone), at(last, MINUTES_PER_DAY, zone))
    return Interval(add_elapsed(due, -spread.before), _minute_after(add_elapsed(due, spread.after)))


def _minute_after(moment: datetime) -> datetime:
    """The exclusive bound that lets in every whole minute up to and with the moment."""
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1)


def earliest_after(gap: Gap, dose_start: datetime, zone: ZoneInfo) -> datetime:
    """The first moment, inclusive, at which the next dose keeps the gap, in UTC. Days: a local midnight."""
    if gap.counts_in == "days":
        return at(local_date(dose_start, zone) + timedelta(days=gap.at_least), 0, zone)
    return add_elapsed(dose_start, gap.at_least)


def latest_before(gap: Gap, dose_start: datetime, zone: ZoneInfo) -> datetime:
    """The bound, EXCLUSIVE, before which a dose must start to keep the gap to this later one, in UTC.

    Days: the midnight that ends the last allowed date. Minutes: one minute behind the last allowed start,
    which is a whole minute.
    """
    if gap.counts_in == "days":
        return at(local_date(dose_start, zone) - timedelta(days=gap.at_least), MINUTES_PER_DAY, zone)
    return _minute_after(add_elapsed(dose_start, -gap.at_least))


def gap_kept(gap: Gap, earlier: datetime, later: datetime, zone: ZoneInfo) -> bool:
    """Whether two dose starts are far enough apart; exactly the gap is enough."""
    return as_utc(later) >= earliest_after(gap, earlier, zone)


def distance(counts_in: CountsIn, earlier: datetime, later: datetime, zone: ZoneInfo) -> int:
    """From one start to the other in local dates or whole real minutes; negative where they are swapped."""
    _check_counts_in(counts_in)
    if counts_in == "days":
        return (local_date(later, zone) - local_date(earlier, zone)).days
    return (as_utc(later) - as_utc(earlier)) // timedelta(minutes=1)


def due_times(
    cadence: Cadence,
    *,
    start: datetime,
    zone: ZoneInfo,
    ordinals: Iterable[int],
    happened: Mapping[int, datetime],
    tolerance: Spread,
) -> dict[int, datetime]:
    """When each of these doses of a course is due, in UTC. Dose 1 is due at `start`.

    `happened` has, by ordinal, when a dose was begun (given or in part, here or elsewhere), or the booked
    start of a visit booked outside its window. Missed and waived visits are not in it: they move nothing, and
    the others are projected from the last dose before. A dose that happened is the new anchor:

    - inside `tolerance` of its due time, later ones count from that due time: nothing moves, but the memory
      of a clipped day ends (30 Nov, 28 Feb given, 28 May: clinical_facts section 5, "Eptinezumab dates");
    - outside, they count from when it happened. Where the tolerance counts in days, a calendar cadence takes
      over the date only and keeps its clock: who was late one afternoon still comes in the mornings;
    - several doses a day: see `_due_within_days`.

    Raises ValueError for ordinals below 1, naive moments, and ordinals above 1 of a single dose.
    """
    wanted = sorted(set(ordinals))
    if not wanted:
        return {}
    if wanted[0] < 1 or min(happened, default=1) < 1:
        raise ValueError("doses are counted from 1")
    if len(cadence.within_day) > 1:
        return _due_within_days(cadence, start, zone, wanted, happened, tolerance)
    anchor = _Anchor(1, as_utc(start), to_wall(start, zone))
    dues: dict[int, datetime] = {}
    for ordinal in sorted({*wanted, *(known for known in happened if known < wanted[-1])}):
        projected = anchor.project(cadence, ordinal, zone)
        dues[ordinal] = projected.moment
        if ordinal in happened:
            anchor = projected.after(as_utc(happened[ordinal]), cadence, tolerance, zone)
    return {ordinal: dues[ordinal] for ordinal in wanted}


@dataclass(frozen=True, slots=True)
class _Anchor:
    """What later doses count from. `wall` is what the clock was meant to show: after a dose that a gap moved
    from 02:30 to 03:30, the next is at 02:30 again."""

    ordinal: int
    moment: datetime
    wall: datetime

    def project(self, cadence: Cadence, ordinal: int, zone: ZoneInfo) -> _Anchor:
        steps = ordinal - self.ordinal
        if steps == 0 or cadence.kind != "calendar":
            moment = project(cadence, self.moment, steps, zone)
            return _Anchor(ordinal, moment, self.wall if steps == 0 else to_wall(moment, zone))
        wall = _wall_after(cadence, self.wall, steps)
        return _Anchor(ordinal, to_utc(wall, zone), wall)

    def after(self, actual: datetime, cadence: Cadence, tolerance: Spread, zone: ZoneInfo) -> _Anchor:
        """The anchor once this dose happened."""
        if window(tolerance, self.moment, zone).contains(actual):
            return self
        wall = to_wall(actual, zone)
        if cadence.kind == "calendar" and tolerance.counts_in == "days":
            wall = datetime.combine(wall.date(), self.wall.time())
            return _Anchor(self.ordinal, to_utc(wall, zone), wall)
        return _Anchor(self.ordinal, actual, wall)


def _due_within_days(
    cadence: Cadence,
    start: datetime,
    zone: ZoneInfo,
    wanted: list[int],
    happened: Mapping[int, datetime],
    tolerance: Spread,
) -> dict[int, datetime]:
    """Several doses a day keep the clock of their place in the day; they are pushed later, never earlier.

    A dose is pushed as far as it must be so that (a) it lies no nearer to the dose before it than the closest
    two of the plan, nights counted in, and (b) no round holds more doses than it should: a dose comes no earlier
    on the clock than the one a round before it did. So of 09:00 and 16:00, a first dose begun at 10:20 moves the
    second to 17:20, and the next day's to 10:20 and 17:20; a second one begun at 17:10 leaves the next day's
    first at 09:00. Moving only that day's second would put three doses within 24 hours, and following an early
    dose would shorten intervals that nobody asked to shorten. A dose begun inside the tolerance counts as begun
    when due.
    """
    anchor = to_wall(start, zone)
    doses, a_round = len(cadence.within_day), timedelta(days=cadence.every)
    closest = timedelta(minutes=min(b - a for a, b in pairwise((*cadence.within_day, cadence.every * MINUTES_PER_DAY))))
    dues: list[datetime] = []
    counted: list[datetime] = []  # wall times: in real time, a night with a clock change would push the next day
    for steps in range(wanted[-1]):
        wall = _wall_after(cadence, anchor, steps)
        if steps >= 1:
            wall = max(wall, counted[-1] + closest)
        if steps >= doses:
            wall = max(wall, counted[-doses] + a_round)
        due = to_utc(wall, zone) if steps else as_utc(start)
        actual = as_utc(happened.get(steps + 1, due))
        dues.append(due)
        counted.append(wall if window(tolerance, due, zone).contains(actual) else to_wall(actual, zone))
    return {ordinal: dues[ordinal - 1] for ordinal in wanted}
