"""Half-open stretches of real time, `[start, end)`. Two that touch do not overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def as_utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises ValueError where it carries no zone, for then it is no moment at all."""
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """`[start, end)`, aware; sorted by start, then end.

    Both ends are kept in UTC: Python compares and subtracts two datetimes of one zone by their wall clocks,
    which is an hour wrong across a clock change. Raises ValueError where naive, or the end is not after the
    start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", as_utc(self.start))
        object.__setattr__(self, "end", as_utc(self.end))
        if self.end <= self.start:
            raise ValueError(
                f"an interval ends after its start, not {self.start.isoformat()} to {self.end.isoformat()}"
            )

    @property
    def minutes(self) -> int:
        """Whole real minutes; seconds left over don't count."""
        return (self.end - self.start) // timedelta(minutes=1)

    def overlaps(self, other: Interval) -> bool:
        """Whether they share any time. Back to back they share none."""
        return self.start < other.end and other.start < self.end

    def covers(self, other: Interval) -> bool:
        """Whether all of the other lies inside, ends included."""
        return self.start <= other.start and other.end <= self.end

    def contains(self, moment: datetime) -> bool:
        """Whether the moment lies inside: the start does, the end does not. Raises ValueError where naive."""
        return self.start <= as_utc(moment) < self.end

    def intersection(self, other: Interval) -> Interval | None:
        """The time they share, or None."""
        if not self.overlaps(other):
            return None
        return Interval(max(self.start, other.start), min(self.end, other.end))


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time in as few intervals as it takes, sorted: those that overlap or touch are joined."""
    joined: list[Interval] = []
    for interval in sorted(intervals):
        if joined and interval.start <= joined[-1].end:
            joined[-1] = Interval(joined[-1].start, max(joined[-1].end, interval.end))
        else:
            joined.append(interval)
    return joined


def subtract(whole: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """The time of `whole` that no hole takes: sorted, merged. Both may overlap and come in any order."""
    left: list[Interval] = []
    cuts = merged(holes)
    first = 0
    for interval in merged(whole):
        start = interval.start
        while first < len(cuts) and cuts[first].end <= start:
            first += 1
        for cut in cuts[first:]:
            if cut.start >= interval.end:
                break
            if start < cut.start:
                left.append(Interval(start, cut.start))
            start = cut.end
        if start < interval.end:
            left.append(Interval(start, interval.end))
    return left
