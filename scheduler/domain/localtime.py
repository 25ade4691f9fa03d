"""Wall clocks and real time: the one policy for clock changes, for every zone.

A wall time that is skipped (a *gap*) is read with the offset before the gap, as RFC 5545 has it: 02:30
becomes 03:30. One that comes twice (a *fold*) is its first occurrence. Durations are real time, added in UTC;
dates and clocks are the center's.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from scheduler.domain.intervals import Interval, as_utc

MINUTES_PER_DAY = 24 * 60
QUARTER = timedelta(minutes=15)

# Files beside the zones that load like one but name no place: the machine's own zone, defaults, "not set".
_NO_PLACES = frozenset({"localtime", "posixrules", "Factory"})


class UnknownZone(ValueError):
    """There is no such IANA time zone. `name` is what was asked for."""

    def __init__(self, name: object) -> None:
        super().__init__(f"unknown time zone: {name!r}")
        self.name = name


@cache
def _known() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - _NO_PLACES


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that exact name. Raises UnknownZone, also for paths and for files that are no zone."""
    # Asking the list first: ZoneInfo would open any file in its folders, in any case on some systems.
    if not isinstance(name, str) or name not in _known():
        raise UnknownZone(name)
    return ZoneInfo(name)


def _read(wall: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    if wall.tzinfo is not None:
        raise ValueError(f"{wall.isoformat()} is a moment, not a wall time")
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def kind_of_wall(wall: datetime, zone: ZoneInfo) -> Literal["plain", "gap", "fold"]:
    """Whether a naive wall time comes once, never or twice. Raises ValueError where it carries a zone."""
    first, second = _read(wall, zone, fold=0), _read(wall, zone, fold=1)
    if first == second:
        return "plain"
    return "fold" if first < second else "gap"


def to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a naive wall time, in UTC. Raises ValueError where it carries a zone.

    `fold` of the wall time is not looked at: an ambiguous one is its first occurrence.
    """
    return _read(wall, zone, fold=0)


def to_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows, naive. Raises ValueError where the moment is naive.

    The two occurrences of an ambiguous time look alike: the way back leads to the first.
    """
    return as_utc(moment).astimezone(zone).replace(tzinfo=None, fold=0)


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The date on the wall. Raises ValueError where the moment is naive."""
    return as_utc(moment).astimezone(zone).date()


def at(date_: date, minute_of_day: int, zone: ZoneInfo) -> datetime:
    """When the wall clock of that date shows the minute (0 to 1440), in UTC; 1440 is the next midnight.

    This is the clock and not real minutes since midnight: 600 is 10:00 on a day of 23 hours, too. A midnight
    that does not exist is the day's first moment. A minute in a gap comes later than one just after the gap
    (02:30 is 03:30, 03:00 is 03:00): check the order before you build an interval of two. Raises ValueError
    outside 0..1440.
    """
    if not 0 <= minute_of_day <= MINUTES_PER_DAY:
        raise ValueError(f"a day has the minutes 0 to {MINUTES_PER_DAY}, not {minute_of_day}")
    return _at(date_, minute_of_day, zone)


# What a wall clock shows never changes, and a search over months asks for the same hours of every day, every time.
@lru_cache(maxsize=20_000)
def _at(date_: date, minute_of_day: int, zone: ZoneInfo) -> datetime:
    return to_utc(datetime.combine(date_, time.min) + timedelta(minutes=minute_of_day), zone)


def day(date_: date, zone: ZoneInfo) -> Interval:
    """The local day, from its midnight to the next: 23, 24 or 25 hours mostly.

    Days tile the time line. Where clocks jump over midnight (Santiago, Beirut) a day starts where they land;
    where midnight comes twice (Havana) with the first. Raises ValueError for a date that the place skipped,
    as Apia did with 30 December 2011.
    """
    return Interval(at(date_, 0, zone), at(date_, MINUTES_PER_DAY, zone))


def dates_touched(interval: Interval, zone: ZoneInfo) -> list[date]:
    """Every local date of which the interval has some time, ascending; an end at midnight touches none."""
    # Sorted, because in the old fold at 00:01 of St. John's the clock went back to the day before.
    ends = (interval.start, interval.end - datetime.resolution)
    first, last = sorted(local_date(end, zone) for end in ends)
    dates = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [date_ for date_ in dates if at(date_, 0, zone) < at(date_, MINUTES_PER_DAY, zone)]


def add_elapsed(moment: datetime, minutes: int) -> datetime:
    """So many real minutes later (negative: earlier), in UTC. Raises ValueError where the moment is naive."""
    return as_utc(moment) + timedelta(minutes=minutes)


def quarter_hours(interval: Interval) -> list[datetime]:
    """The UTC starts of the real quarter hours that the interval touches, ascending.

    One that it touches in part is there too: a nurse watches a patient from the first minute.
    """
    start = interval.start
    quarter = start.replace(minute=start.minute - start.minute % 15, second=0, microsecond=0)
    quarters = []
    while quarter < interval.end:
        quarters.append(quarter)
        quarter += QUARTER
    return quarters
