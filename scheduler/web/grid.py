"""The time grid of a board: five-minute slots of real time from the first shown moment, so that a clock change needs
no special case. Positions become the classes `.at-N` and `.for-N` of slots.css."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.domain import localtime
from scheduler.domain.intervals import Interval
from scheduler.web import words

SLOT = timedelta(minutes=5)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
LONGEST = 300  # slots of a 25-hour day, as far as slots.css goes


@dataclass(frozen=True, slots=True)
class Mark:
    """One label or line of the axis at slot `at`. `kind` is hour, half, midnight, fold, gap or end."""

    at: int
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """`span` (UTC) begins and ends on whole hours of the wall clock."""

    span: Interval
    zone: ZoneInfo

    @property
    def slots(self) -> int:
        return min(round((self.span.end - self.span.start) / SLOT), LONGEST)

    def at(self, moment: datetime) -> int:
        """The nearest slot, kept on the board."""
        return min(max(round((moment - self.span.start) / SLOT), 0), self.slots)

    def cut(self, interval: Interval) -> tuple[int, int] | None:
        """First slot and number of slots of what is shown of it; None where nothing is."""
        if not interval.overlaps(self.span):
            return None
        first = min(self.at(interval.start), self.slots - 1)
        return first, max(self.at(interval.end) - first, 1)

    def marks(self) -> list[Mark]:
        """Hours of the wall clock; a repeated or skipped hour is said to be one."""
        long = self.slots > 168
        found: list[Mark] = []
        moment, before = self.span.start, None
        while moment < self.span.end:
            local = moment.astimezone(self.zone)
            at = self.at(moment)
            label = f"{local:%H}"
            if before is not None and local.utcoffset() != before.utcoffset():
                repeated = local.hour == before.hour
                label = words.clock(local).replace(":00", "") if repeated else label
                found.append(Mark(at, "fold", label))
            elif local.hour == 0 and at > 0:
                found.append(Mark(at, "midnight", words.day(local.date(), local.date())))
            else:
                found.append(Mark(at, "hour", label))
            if not long:
                found.append(Mark(at + 6, "half"))
            moment, before = moment + HOUR, local
        found.append(Mark(self.slots, "end", f"{self.span.end.astimezone(self.zone):%H}"))
        return found

    def nights(self) -> list[tuple[int, int]]:
        """First slot and number of slots of every stretch from 22 to 06 o'clock, on a board of a whole day."""
        if self.slots <= 168:
            return []
        found = []
        for day in localtime.dates_touched(self.span, self.zone):
            for first, last in ((0, 6 * 60), (22 * 60, 24 * 60)):
                cut = self.cut(Interval(localtime.at(day, first, self.zone), localtime.at(day, last, self.zone)))
                if cut is not None:
                    found.append(cut)
        return found


def grid_for(day: date, zone: ZoneInfo, usual: Interval | None, shown: Iterable[Interval]) -> Grid:
    """The usual opening (08-18 where there is none), widened to whole hours over all that is shown, within the day."""
    whole = localtime.day(day, zone)
    first = usual.start if usual else localtime.at(day, 8 * 60, zone)
    last = usual.end if usual else localtime.at(day, 18 * 60, zone)
    for interval in shown:
        inside = interval.intersection(whole)
        if inside is not None:
            first, last = min(first, inside.start), max(last, inside.end)
    first, last = _hour_before(first, zone), _hour_before(last + HOUR - MINUTE, zone)
    return Grid(Interval(max(first, whole.start), min(last, whole.end)), zone)


def _hour_before(moment: datetime, zone: ZoneInfo) -> datetime:
    """The whole hour of the wall clock at or before: zones may lie half an hour off UTC's hours."""
    return moment.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
