"""The hours of a center's wall clock in which nobody is written to."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.domain import localtime

# What would leave in the quiet hours leaves so long before them: time enough to be sent, and still decent.
BEFORE = timedelta(minutes=30)


def latest_before(moment: datetime, *, quiet_from: int, quiet_until: int, zone: ZoneInfo) -> datetime:
    """`moment`, or half an hour before the quiet hours that it lies in. Minutes of the local day, half-open; they may
    span midnight, and two that are equal mean none. UTC. Raises ValueError for a naive moment."""
    minute = _minute(moment, zone)
    if not _is_quiet(minute, quiet_from, quiet_until):
        return moment
    day = localtime.local_date(moment, zone)
    if minute < quiet_from:
        day -= timedelta(days=1)
    return localtime.at(day, quiet_from, zone) - BEFORE


def over_at(moment: datetime, *, quiet_from: int, quiet_until: int, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that `moment` lies in are over, UTC; None where it lies in none. As `latest_before`."""
    minute = _minute(moment, zone)
    if not _is_quiet(minute, quiet_from, quiet_until):
        return None
    day = localtime.local_date(moment, zone)
    if minute >= quiet_until:
        day += timedelta(days=1)
    over = localtime.at(day, quiet_until, zone)
    # In the second run of an hour that comes twice `at` tells the first, which has passed.
    return over if over > moment else moment + timedelta(minutes=quiet_until - minute)


def _minute(moment: datetime, zone: ZoneInfo) -> int:
    wall = localtime.to_wall(moment, zone)
    return wall.hour * 60 + wall.minute


def _is_quiet(minute: int, quiet_from: int, quiet_until: int) -> bool:
    if quiet_from <= quiet_until:
        return quiet_from <= minute < quiet_until
    return minute >= quiet_from or minute < quiet_until
