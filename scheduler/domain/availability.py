"""Free time as bitmaps: one Python int per chair, one bit per minute of a horizon.

Bit n stands for the minute `[origin + n, origin + n + 1)`; 1 means free (or busy, in a busy mask). What
lies outside the horizon is never free. A minute is exact, because the contract books in whole minutes;
grids only suggest.

A search reads: `free(mask(horizon, hours), mask_of_minutes(horizon, rows))`, then `room(...)` for the starts
with enough free minutes before and after, `& every(...)` for the grid, then `positions`, `first` or
`nearest`. Integers are used because `&`, `|` and `>>` over 90 days (16 kB) take microseconds in C, while
lists of ranges take Python loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from scheduler.domain.intervals import Interval

MINUTE = timedelta(minutes=1)
MINUTES_PER_DAY = 24 * 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _floor(span: timedelta) -> int:
    # Half the price of `span // MINUTE`, which multiplies everything out to microseconds first.
    return span.days * MINUTES_PER_DAY + span.seconds // 60


def _ceil(span: timedelta) -> int:
    return -_floor(-span)


def minute_of(moment: datetime) -> int:
    """The number of the minute that holds the moment, counted from 1970."""
    return _floor(moment - EPOCH)


def minute_after(moment: datetime) -> int:
    """The number of the first minute that does not begin before the moment."""
    return _ceil(moment - EPOCH)


def moment_of(minute: int) -> datetime:
    """The start of that minute, in UTC."""
    return EPOCH + timedelta(minutes=minute)


@dataclass(frozen=True, slots=True)
class Horizon:
    """The stretch of real time that masks speak of: `[origin, origin + minutes)`.

    Raises ValueError where origin is not an aware whole minute in UTC, or minutes is not positive.
    """

    origin: datetime
    minutes: int

    def __post_init__(self) -> None:
        if self.origin.utcoffset() != timedelta(0) or self.origin.second or self.origin.microsecond:
            raise ValueError(f"a horizon starts at a whole minute in UTC, not at {self.origin.isoformat()}")
        if self.minutes <= 0:
            raise ValueError(f"a horizon has at least one minute, not {self.minutes}")

    @classmethod
    def of(cls, interval: Interval) -> Horizon:
        """The horizon of every minute that the interval touches."""
        origin = interval.start.astimezone(UTC).replace(second=0, microsecond=0)
        return cls(origin, _ceil(interval.end - origin))

    def index(self, moment: datetime) -> int:
        """The minute that holds the moment; negative before the horizon, `minutes` or more after it."""
        return _floor(moment - self.origin)

    def moment(self, index: int) -> datetime:
        """The start of that minute, in UTC. The index may lie outside the horizon."""
        return self.origin + timedelta(minutes=index)

    def clip(self, interval: Interval) -> tuple[int, int] | None:
        """The minutes `[start, end)` of the horizon that the interval touches; None where it touches none."""
        start = max(_floor(interval.start - self.origin), 0)
        end = min(_ceil(interval.end - self.origin), self.minutes)
        return (start, end) if start < end else None


def _bits(places: list[int], size: int) -> int:
    """An int with these bits set. Filling bytes is linear; `|=` on a long int copies it for every bit."""
    filled = bytearray(size // 8 + 1)
    for place in places:
        filled[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(filled, "little")


def mask(horizon: Horizon, intervals: Iterable[Interval]) -> int:
    """Every minute that one of the intervals touches. They may overlap and come in any order."""
    clipped = sorted(pair for pair in map(horizon.clip, intervals) if pair is not None)
    starts: list[int] = []
    ends: list[int] = []
    for start, end in clipped:
        if ends and start <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return _bits(ends, horizon.minutes) - _bits(starts, horizon.minutes)


def mask_of_minutes(horizon: Horizon, rows: Iterable[Sequence[Any]]) -> int:
    """The same for rows that begin with (from, until) in minutes since 1970, of one chair or patient, in any order.

    A range is `2**end - 2**start`, so the sum over ranges that don't overlap is one subtraction of two ints
    that each have one bit per row. Rows that do overlap (a damaged table) are noticed, and merged instead.
    """
    rows = list(rows)
    origin, last = minute_of(horizon.origin), horizon.minutes
    starts = bytearray(last // 8 + 1)
    ends = bytearray(last // 8 + 1)
    count = busy = 0
    for row in rows:
        start, end = row[0] - origin, row[1] - origin
        if not 0 <= start < end <= last:
            start, end = max(start, 0), min(end, last)
            if start >= end:
                continue
        starts[start >> 3] |= 1 << (start & 7)
        ends[end >> 3] |= 1 << (end & 7)
        count += 1
        busy += end - start
    upper, lower = int.from_bytes(ends, "little"), int.from_bytes(starts, "little")
    minutes = upper - lower
    if upper.bit_count() == lower.bit_count() == count and minutes.bit_count() == busy:
        return minutes
    return mask(horizon, (Interval(moment_of(row[0]), moment_of(row[1])) for row in rows))


def free(open_: int, busy: int) -> int:
    """The minutes that are open and not busy."""
    return open_ & ~busy


def room(free: int, before: int, after: int) -> int:
    """The starts with room: bit s is set where all minutes `[s - before, s + after)` are free.

    For an appointment: before = prep, after = visit + observation + turnover. Takes log2(before + after)
    shifts: after k of them a bit says that the next 2**k minutes are free. Raises ValueError where before
    is negative or after is not positive.
    """
    if before < 0 or after <= 0:
        raise ValueError(f"a start needs its own minute at least, not {before} before and {after} after")
    length = before + after
    run = 1
    while run * 2 <= length and free:
        free &= free >> run
        run *= 2
    if run < length:
        free &= free >> (length - run)
    return free << before


@lru_cache(maxsize=64)
def _grid(phase: int, step: int, minutes: int) -> int:
    grid = 1 << phase
    reach = step
    while reach < minutes:
        grid |= grid << reach
        reach *= 2
    return grid & ((1 << minutes) - 1)


def every(horizon: Horizon, step_minutes: int) -> int:
    """The minutes at multiples of the step, counted from midnight UTC of 1 January 1970; cached.

    With 5 or 15 minutes these are round on every wall clock in use today. Raises ValueError where the step
    is not positive.
    """
    if step_minutes <= 0:
        raise ValueError(f"a grid has a positive step, not {step_minutes} minutes")
    return _grid(_floor(EPOCH - horizon.origin) % step_minutes, step_minutes, horizon.minutes)


def positions(mask: int) -> Iterator[int]:
    """The set bits, ascending. Scanning the digits is quick where bits are rare and where they are dense."""
    digits = bin(mask)[:1:-1]
    find = digits.find
    place = find("1")
    while place >= 0:
        yield place
        place = find("1", place + 1)


def first(mask: int) -> int | None:
    """The lowest set bit; None where there is none."""
    return (mask & -mask).bit_length() - 1 if mask else None


def nearest(mask: int, index: int, last: int | None = None) -> Iterator[int]:
    """The set bits by their distance from an index, of two as near the later. The index may lie anywhere.

    With `last`, those within `index..last` (inclusive) come first, ascending; then the others outward from
    that range.
    """
    last = index if last is None else last
    digits = bin(mask)[:1:-1] if mask else ""
    above = digits.find("1", max(index, 0))
    while 0 <= above <= last:
        yield above
        above = digits.find("1", above + 1)
    below = digits.rfind("1", 0, max(index, 0))
    while above >= 0 or below >= 0:
        if above >= 0 and (below < 0 or above - last <= index - below):
            yield above
            above = digits.find("1", above + 1)
        else:
            yield below
            below = digits.rfind("1", 0, below)
