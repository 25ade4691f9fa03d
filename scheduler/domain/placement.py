"""Ranking of possible starts: which of them to propose first, and why. No I/O, no clock.

A score is a cost in days, lower is better. It sums what the weights below list, and nothing else. What is
still equal goes to the lower chair id; of two starts as far from the time asked for to the later one, else
to the earlier one: the same question has one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import reduce
from heapq import heappush, heapreplace
from math import inf
from operator import or_
from zoneinfo import ZoneInfo

from scheduler.domain import localtime
from scheduler.domain import placement_reasons as reasons
from scheduler.domain.availability import MINUTES_PER_DAY, Horizon, first, nearest
from scheduler.domain.placement_reasons import PARTS_OF_DAY, PartOfDay, Reason, Wishes
from scheduler.domain.staffing import quarter_of

__all__ = ["Candidate", "PartOfDay", "Reason", "Wishes", "rank", "spread_out"]

# The weights, in days: the whole policy on one screen.

DAY_OFF = 1.0  # for each day from the due day: nearer is better
# Once, for a day before the due day or more than WEEK days after it, and more than all else together: a closed
# due day rolls forward, since a dose that is early can break the minimum interval.
OUT_OF_THE_WEEK = 20.0
WEEK = 7
MINUTE_OFF = DAY_OFF / 120  # from the time asked for: 30 minutes off beat tomorrow on time, 3 hours off don't
MOST_FOR_TIME = 4.0  # 8 hours off or more are all the same
OTHER_PART_OF_DAY = 1.25  # once, and the minutes as above: tomorrow morning beats this afternoon
OTHER_WEEKDAY = 2.0  # a weekday asked for is worth about two days
MINUTE_LATER = DAY_OFF / MINUTES_PER_DAY  # without a due day: earlier is better

# Together less than any one minute above, so these only decide between starts that are otherwise alike.
OTHER_CHAIR = 0.00032
OTHER_CHAIR_THAN_LAST_TIME = 0.00016
OTHER_KIND_OF_CHAIR = 0.00008
FULL_LOAD = 0.00003  # per share of what the nurses can do, up to MOST_LOAD_SHARE: level days
MOST_LOAD_SHARE = 2.0

# Two proposals on one day differ for a person when they lie at least so far apart.
ANOTHER_TIME = timedelta(minutes=60)

LoadShare = Callable[[datetime], float] | Mapping[datetime, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A start that may be booked, in UTC, with its local date. The lower the score, the better."""

    chair: int
    start: datetime
    score: float
    reasons: tuple[Reason, ...]
    day: date


@dataclass(frozen=True, slots=True)
class _Day:
    """A local day in the horizon: minutes `[begin, end)`, of which `first..last` meet the wish.

    `midnight`, `first` and `last` count from `begin`, and may lie outside, as the horizon may cut the day.
    """

    cost: float
    begin: int
    end: int
    midnight: int
    first: int
    last: int
    per_minute: float = MINUTE_OFF
    at_most: float = MOST_FOR_TIME
    outside: float = 0.0
    earliness: float = 0.0

    def minute_cost(self, minute: int) -> float:
        """Grows with the distance from `first..last`, which is what lets the search stop."""
        distance = self.first - minute if minute < self.first else minute - self.last
        return min(self.outside + distance * self.per_minute, self.at_most) if distance > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked, in the terms of the search."""

    horizon: Horizon
    zone: ZoneInfo
    due: datetime | None
    wishes: Wishes
    to_the_minute: bool

    @property
    def time_asked(self) -> int | None:
        """The wished minute of the local day, a due time's own where nothing else is wished."""
        if self.wishes.time_of_day is not None:
            return self.wishes.time_of_day
        if self.due is None or self.wishes.part_of_day is not None:
            return None
        clock = localtime.to_wall(self.due, self.zone)
        return clock.hour * 60 + clock.minute

    def index(self, day: date, minute: int = 0) -> int:
        """The minute at a wall-clock time; in a spring gap as much later, in an autumn fold the first."""
        return self.horizon.index(localtime.at(day, minute, self.zone))

    def days(self) -> Iterator[_Day]:
        """The days of the horizon, cheapest first."""
        if self.to_the_minute and self.due is not None:
            due = self.horizon.index(self.due)
            yield _Day(0.0, 0, self.horizon.minutes, 0, due, due, at_most=inf)
            return
        first_day = localtime.local_date(self.horizon.origin, self.zone)
        last_day = localtime.local_date(self.horizon.moment(self.horizon.minutes - 1), self.zone)
        due_day = first_day if self.due is None else localtime.local_date(self.due, self.zone)
        dates = [first_day + timedelta(days=step) for step in range((last_day - first_day).days + 1)]
        for cost, day in sorted((self._day_cost(day, due_day), day) for day in dates):
            yield self._day(day, cost)

    def _day_cost(self, day: date, due_day: date) -> float:
        off = (day - due_day).days
        cost = abs(off) * DAY_OFF
        if self.due is not None and not 0 <= off <= WEEK:
            cost += OUT_OF_THE_WEEK
        if self.wishes.weekdays and day.weekday() not in self.wishes.weekdays:
            cost += OTHER_WEEKDAY
        return cost

    def _day(self, day: date, cost: float) -> _Day:
        begin = max(self.index(day), 0)
        end = min(self.index(day + timedelta(days=1)), self.horizon.minutes)
        midnight = self.index(day) - begin
        earliness = MINUTE_LATER if self.due is None else 0.0
        if self.time_asked is not None:
            asked = self.index(day, self.time_asked) - begin
            return _Day(cost, begin, end, midnight, asked, asked, earliness=earliness)
        if self.wishes.part_of_day is not None:
            first, last = (self.index(day, edge) - begin for edge in PARTS_OF_DAY[self.wishes.part_of_day])
            return _Day(cost, begin, end, midnight, first, last, outside=OTHER_PART_OF_DAY, earliness=earliness)
        return _Day(cost, begin, end, midnight, midnight, midnight, MINUTE_LATER, inf)

    def reasons(self, index: int, day: date) -> Iterator[Reason]:
        """What day and time say for a start; chair and load are told apart."""
        if self.to_the_minute and self.due is not None:
            clock = f"{localtime.to_wall(self.due, self.zone):%H:%M}"
            yield reasons.of_due_time(index - self.horizon.index(self.due), clock)
            return
        if self.due is not None:
            yield reasons.of_day(day, localtime.local_date(self.due, self.zone))
        asked = self.time_asked
        if asked is not None:
            yield reasons.of_time(index - self.index(day, asked), f"{asked // 60:02}:{asked % 60:02}")
        elif self.wishes.part_of_day is not None:
            first, last = PARTS_OF_DAY[self.wishes.part_of_day]
            is_inside = self.index(day, first) <= index <= self.index(day, last)
            yield reasons.of_part(self.wishes.part_of_day, is_inside)
        yield from reasons.of_weekday(day, self.wishes.weekdays)


def _chair_cost(chair: int, kind: str | None, wishes: Wishes) -> float:
    cost = 0.0
    if wishes.chair is not None and chair != wishes.chair:
        cost += OTHER_CHAIR
    if wishes.last_chair is not None and chair != wishes.last_chair:
        cost += OTHER_CHAIR_THAN_LAST_TIME
    if wishes.kinds and kind not in wishes.kinds:
        cost += OTHER_KIND_OF_CHAIR
    return cost


def rank(
    *,
    starts: Mapping[int, int],
    horizon: Horizon,
    zone: ZoneInfo,
    due: datetime | None,
    wishes: Wishes,
    load_share: LoadShare,
    limit: int = 10,
    spread: int | None = None,
    per_chair: bool = False,
    to_the_minute: bool = False,
    chair_kinds: Mapping[int, str] | None = None,
) -> list[Candidate]:
    """The best starts first, at most `limit`; one per start time, with its best chair, unless `per_chair`. With
    `spread`, so many of those that differ from each other (`spread_out`).

    `starts` are the possible starts of each chair as bitmaps of the horizon (`availability.room`). Days and
    hours are those of `zone`. Without a wished time or part of the day, the due time's own hour is the
    wished time, so that a quarterly course keeps its hour. Without `due` the earliest start is best, and
    wishes weigh as above. `to_the_minute` is for the elapsed cadences (DHE): only the real minutes from
    `due` count, not days and hours. `load_share` is the taken share of what the nurses can do at a start (0
    idle, 1 full): a function of the start, or a mapping by the UTC quarter hour, in which a missing quarter
    is idle. Raises ValueError where `to_the_minute` is asked without `due`.

    Days are walked by their cost, and in a day the minutes outward from the time asked for, until nothing
    better can come: of 90 days mostly one or two are looked at.
    """
    if to_the_minute and due is None:
        raise ValueError("minutes from the due time need a due time")
    open_ = reduce(or_, starts.values(), 0)
    if not open_ or limit <= 0:
        return []
    kinds = chair_kinds or {}
    chairs = sorted((_chair_cost(chair, kinds.get(chair), wishes), chair) for chair in starts)
    question = _Question(horizon, zone, due, wishes, to_the_minute)
    share = load_share if callable(load_share) else _by_quarter(load_share)
    # A heap with the worst on top, so costs and turns are negative.
    kept: list[tuple[float, int, int, int]] = []
    turn = 0
    for day in question.days():
        if len(kept) == limit and day.cost > -kept[0][0]:
            break
        width = (1 << (day.end - day.begin)) - 1
        here = open_ >> day.begin & width
        if not here:
            continue
        free = [(cost, chair, starts[chair] >> day.begin & width) for cost, chair in chairs]
        for minute in nearest(here, day.first, day.last):
            so_far = day.cost + day.minute_cost(minute)
            if len(kept) == limit and so_far > -kept[0][0]:
                break
            index = day.begin + minute
            so_far += (minute - day.midnight) * day.earliness
            so_far += min(share(horizon.moment(index)), MOST_LOAD_SHARE) * FULL_LOAD
            for cost, chair, bits in free:
                if bits >> minute & 1:
                    turn -= 1
                    entry = (-(so_far + cost), turn, chair, index)
                    if len(kept) < limit:
                        heappush(kept, entry)
                    elif entry > kept[0]:
                        heapreplace(kept, entry)
                    if not per_chair:
                        break
    found = []
    for score, _, chair, index in sorted(kept, reverse=True):
        start = horizon.moment(index)
        found.append(Candidate(chair, start, -score, (), localtime.local_date(start, zone)))

    def why(one: Candidate) -> Iterator[Reason]:
        index = horizon.index(one.start)
        if due is None and index == first(open_):
            yield reasons.earliest()
        yield from question.reasons(index, one.day)
        yield from reasons.of_chair(one.chair, kinds.get(one.chair), wishes)
        yield from reasons.of_load(share(one.start))

    chosen = found if spread is None else spread_out(found, spread)
    return [replace(one, reasons=tuple(why(one))) for one in chosen]  # said only of those that are shown


def _by_quarter(shares: Mapping[datetime, float]) -> Callable[[datetime], float]:
    return lambda moment: shares.get(quarter_of(moment), 0.0)


def spread_out(candidates: Sequence[Candidate], n: int = 3) -> list[Candidate]:
    """`n` that differ, best first: the best, another time that day, another day, another chair at that time.

    What is missing is filled up by score. Rank many (and `per_chair`, to be offered another chair), then
    spread out.
    """
    left = sorted(candidates, key=lambda candidate: candidate.score)
    if not left or n <= 0:
        return []
    best = left.pop(0)
    chosen = [best]

    def is_another_time(other: Candidate) -> bool:
        is_apart = all(abs(other.start - one.start) >= ANOTHER_TIME for one in chosen)
        return other.day == best.day and is_apart

    def is_another_day(other: Candidate) -> bool:
        return all(other.day != one.day for one in chosen)

    def is_another_chair(other: Candidate) -> bool:
        return other.start == best.start

    while left and len(chosen) < n:
        before = len(chosen)
        for differs in (is_another_time, is_another_day, is_another_chair):
            other = next(filter(differs, left), None)
            if other is not None and len(chosen) < n:
                left.remove(other)
                chosen.append(other)
        if len(chosen) == before:
            chosen.append(left.pop(0))
    return sorted(chosen, key=lambda candidate: candidate.score)
