"""What the tests of placement share: moments and horizons in New York, and a short way to ask for a ranking."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.domain.availability import Horizon
from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Candidate, Wishes, rank

NEW_YORK = ZoneInfo("America/New_York")
ANY = Wishes()


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


def days(*span: tuple[int, int, int]) -> Horizon:
    """From the first local midnight to the midnight after the last day."""
    start, end = local(*span[0]), local(*span[-1]) + timedelta(hours=30)
    end = end.astimezone(NEW_YORK).replace(hour=0).astimezone(UTC)
    return Horizon.of(Interval(start, end))


def at(horizon: Horizon, *moments: datetime) -> int:
    return sum(1 << horizon.index(moment) for moment in moments)


def clock(candidate: Candidate) -> str:
    return f"{candidate.start.astimezone(NEW_YORK):%a %d %b %H:%M}"


def codes(candidate: Candidate) -> list[str]:
    return [reason.code for reason in candidate.reasons]


def ranked(
    horizon: Horizon,
    starts: dict[int, int],
    due: datetime | None,
    wishes: Wishes = ANY,
    *,
    load_share: Any = None,
    **more: Any,
) -> list[Candidate]:
    """With an idle unit, unless told otherwise."""
    shares = {} if load_share is None else load_share
    return rank(starts=starts, horizon=horizon, zone=NEW_YORK, due=due, wishes=wishes, load_share=shares, **more)


def best(horizon: Horizon, moments: Iterable[datetime], due: datetime | None, wishes: Wishes = ANY) -> str:
    return clock(ranked(horizon, {1: at(horizon, *moments)}, due, wishes)[0])
