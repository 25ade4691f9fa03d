"""Who watches how much in each quarter hour: nurses with their breaks and covers, and what one more patient adds.

Quarters and careful counting are those of staffing.py: a nurse on break in any minute of a quarter watches nobody in
all of it, and who covers her watches her patients besides her own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from scheduler.domain.intervals import Interval
from scheduler.domain.quarters import QUARTER
from scheduler.domain.staffing import STARTS_PER_NURSE, quarter_of


@dataclass(frozen=True, slots=True)
class Pause:
    """A break `interval`; `cover` is the nurse who watches meanwhile, None where nobody is named."""

    interval: Interval
    cover: int | None = None


@dataclass(frozen=True, slots=True)
class Watcher:
    """A nurse, by number, there for `shifts`; how many patients and acuity points she can watch at once."""

    nurse: int
    shifts: tuple[Interval, ...]
    patients: int
    acuity: int
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """An appointment, by number, to be watched over `interval`, hands needed at `start` (aware; before the interval
    where it has begun already). `nurse` watches it now. `is_fixed`: that was set by hand. `known` are nurses who had
    this course before, the last first."""

    key: int
    interval: Interval
    start: datetime
    acuity: int
    nurse: int | None = None
    is_fixed: bool = False
    course: int | None = None
    known: tuple[int, ...] = ()


class Quarter(NamedTuple):
    """What one nurse watches in the quarter hour from `start` (UTC); `is_away` on break or not on shift."""

    start: datetime
    patients: int
    acuity: int
    starts: int
    is_away: bool


class Part(NamedTuple):
    """One nurse (by her place in the row) over the quarters `[first, end)` of a task."""

    who: int
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Way:
    """What it means that a nurse gets a task: who watches when, who starts it in which quarter, and what is amiss:
    quarters after her shift, quarters in breaks that nobody covers, whether it starts in her break."""

    parts: tuple[Part, ...]
    starter: int
    begin: int | None
    after_shift: int
    uncovered: int
    starts_in_break: bool


class Floor:
    """The sums per nurse and quarter. Nurses are counted by their place in the row, in the order given."""

    def __init__(self, watchers: Sequence[Watcher], tasks: Iterable[Task]) -> None:
        self.watchers = tuple(watchers)
        self.place = {watcher.nurse: index for index, watcher in enumerate(self.watchers)}
        spans = [task.interval for task in tasks] + [shift for each in self.watchers for shift in each.shifts]
        self.origin = quarter_of(min(span.start for span in spans)) if spans else None
        self.count = self._index(max(span.end for span in spans), is_end=True) if spans else 0
        size = range(len(self.watchers))
        self.patients = [[0] * self.count for _ in size]
        self.acuity = [[0] * self.count for _ in size]
        self.starts = [[0] * self.count for _ in size]
        self._there = [self._present(watcher) for watcher in self.watchers]
        self._away = [self._absent(watcher) for watcher in self.watchers]

    def _index(self, moment: datetime, *, is_end: bool = False) -> int:
        assert self.origin is not None  # there are spans wherever there are moments
        span = moment - self.origin
        return -(-span // QUARTER) if is_end else span // QUARTER

    def touched(self, interval: Interval) -> range:
        return range(max(self._index(interval.start), 0), min(self._index(interval.end, is_end=True), self.count))

    def _present(self, watcher: Watcher) -> list[bool]:
        found = [False] * self.count
        for shift in watcher.shifts:
            for quarter in self.touched(shift):
                found[quarter] = True
        return found

    def _absent(self, watcher: Watcher) -> dict[int, int | None]:
        """By quarter of a break the place of who covers, None where nobody does."""
        found: dict[int, int | None] = {}
        for pause in watcher.pauses:
            for quarter in self.touched(pause.interval):
                found[quarter] = self.place.get(pause.cover) if pause.cover is not None else None
        return found

    def who(self, place: int, quarter: int) -> int | None:
        """Who watches this nurse's patients in the quarter: she, her cover, or nobody."""
        if quarter not in self._away[place]:
            return place if self._there[place][quarter] else None
        cover = self._away[place][quarter]
        if cover is None or quarter in self._away[cover] or not self._there[cover][quarter]:
            return None
        return cover

    def way(self, task: Task, place: int) -> Way | None:
        """None where she is not on shift from the beginning of the task to its start."""
        needed = max(task.start, task.interval.start)
        if not any(shift.contains(task.interval.start) and shift.contains(needed) for shift in self._shifts(place)):
            return None
        parts: list[Part] = []
        after_shift = uncovered = 0
        for quarter in self.touched(task.interval):
            holder = self.who(place, quarter)
            if holder is None:
                if self._there[place][quarter]:
                    uncovered += 1
                else:
                    after_shift += 1
            elif parts and parts[-1].who == holder and parts[-1].end == quarter:
                parts[-1] = Part(holder, parts[-1].first, quarter + 1)
            else:
                parts.append(Part(holder, quarter, quarter + 1))
        begin = self._index(task.start) if task.start >= task.interval.start else None
        starter = self.who(place, begin) if begin is not None else None
        return Way(
            parts=tuple(parts),
            starter=starter if starter is not None else place,
            begin=begin,
            after_shift=after_shift,
            uncovered=uncovered,
            starts_in_break=begin is not None and begin in self._away[place],
        )

    def anyhow(self, task: Task, place: int) -> Way:
        """The same for what stands already: where she is not there, nobody watches."""
        return self.way(task, place) or Way((), place, None, len(self.touched(task.interval)), 0, False)

    def _shifts(self, place: int) -> tuple[Interval, ...]:
        return self.watchers[place].shifts

    def fits(self, task: Task, way: Way) -> bool:
        """Nobody watches more patients or acuity than she can, with this one more."""
        for who, first, end in way.parts:
            limit = self.watchers[who]
            if max(self.patients[who][first:end]) >= limit.patients:
                return False
            if max(self.acuity[who][first:end]) + task.acuity > limit.acuity:
                return False
        return True

    def add(self, task: Task, way: Way, sign: int = 1) -> None:
        """Put it on, or with -1 take it off again."""
        for who, first, end in way.parts:
            patients, acuity = self.patients[who], self.acuity[who]
            for quarter in range(first, end):
                patients[quarter] += sign
                acuity[quarter] += sign * task.acuity
        if way.begin is not None:
            self.starts[way.starter][way.begin] += sign

    def loads(self) -> dict[int, list[Quarter]]:
        """By nurse, every quarter of the span."""
        if self.origin is None:
            return {}
        return {
            watcher.nurse: [
                Quarter(
                    start=self.origin + quarter * QUARTER,
                    patients=self.patients[place][quarter],
                    acuity=self.acuity[place][quarter],
                    starts=self.starts[place][quarter],
                    is_away=not self._there[place][quarter] or quarter in self._away[place],
                )
                for quarter in range(self.count)
            ]
            for place, watcher in enumerate(self.watchers)
        }


def loads(
    watchers: Sequence[Watcher], tasks: Sequence[Task], assigned: Mapping[int, int | None]
) -> dict[int, list[Quarter]]:
    """What each nurse watches in each quarter if the tasks go as `assigned`, covers included."""
    floor = Floor(watchers, tasks)
    for task in tasks:
        place = floor.place.get(assigned.get(task.key) or 0)
        if place is not None:
            floor.add(task, floor.anyhow(task, place))
    return floor.loads()


def over(watcher: Watcher, quarter: Quarter) -> int:
    """By how much a quarter is above her limits, in the measure that is worst; 0 where it is not."""
    return max(
        quarter.patients - watcher.patients, quarter.acuity - watcher.acuity, quarter.starts - STARTS_PER_NURSE, 0
    )
