"""Treatments that nurses watch as whole minutes since 1970, what they ask in each quarter hour, and where one more
does not fit. For searches over months; staffing.py has the same for single places and says what the words mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, overload

from scheduler.domain.availability import Horizon, minute_after, minute_of, moment_of
from scheduler.domain.intervals import Interval
from scheduler.domain.quarters import QUARTER_MINUTES, Numbered, Runs, number_of
from scheduler.domain.staffing import NOBODY, NOTHING, STARTS_PER_NURSE, Care, Load, Quarter

# Appointment, start and end of treatment (minutes since 1970), minutes of preparation and observation, acuity.
Row = tuple[int, int, int, int, int, int]


class Loads(Numbered[Load]):
    """What the appointments ask of the nurses in each of a run of quarters."""

    def __init__(self, first: int, starts: list[int], patients: list[int], acuity: list[int]) -> None:
        super().__init__(first, len(starts))
        self._starts, self._patients, self._acuity = starts, patients, acuity

    @classmethod
    def of(cls, loads: Mapping[datetime, Load]) -> Loads:
        """Itself, or made of a plain mapping."""
        if isinstance(loads, cls):
            return loads
        runs = Runs.of(loads, NOTHING)
        each = [runs.value(place) for place in range(runs.count)]
        return cls(
            runs.first, [load.starts for load in each], [load.patients for load in each], [load.acuity for load in each]
        )

    def value(self, place: int) -> Load:
        return Load(self._starts[place], self._patients[place], self._acuity[place])

    def over(self, begin: int, end: int) -> tuple[list[int], list[int], list[int]]:
        """Starts, patients and acuity of the quarters `[begin, end)`; nothing is asked in those that are not known."""
        places = slice(max(begin - self.first, 0), max(end - self.first, 0))
        before, after = max(min(self.first, end) - begin, 0), max(end - max(self.first + self.count, begin), 0)
        found = self._starts[places], self._patients[places], self._acuity[places]
        if not before and not after:
            return found
        starts, patients, acuity = ([0] * before + part + [0] * after for part in found)
        return starts, patients, acuity


class WatchedTime(Sequence[tuple[int, Care]]):
    """The rules see it as the sequence of (appointment, Care) that they expect; a search asks for its sums."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._cares: list[tuple[int, Care]] | None = None
        self._sums: dict[tuple[int, int], Loads] = {}

    @classmethod
    def of(cls, cares: Sequence[tuple[int, Care]]) -> WatchedTime:
        """Itself, or made of a plain sequence."""
        return cares if isinstance(cares, cls) else cls([_row(appointment, care) for appointment, care in cares])

    def loads(self, first: int, count: int, *, without: Collection[int] = ()) -> Loads:
        """What is asked in the quarters `first` to `first + count`, but for the appointments `without`."""
        if without and any(row[0] in without for row in self._rows):
            return _sums([row for row in self._rows if row[0] not in without], first, count)
        if (first, count) not in self._sums:
            self._sums[first, count] = _sums(self._rows, first, count)
        return self._sums[first, count]

    def changed(self, *, without: int, by: tuple[int, Care] | None = None) -> WatchedTime:
        """Without an appointment's care, and with another instead, for a plan that goes on."""
        more = [] if by is None else [_row(*by)]
        return WatchedTime([*(row for row in self._rows if row[0] != without), *more])

    def _all(self) -> list[tuple[int, Care]]:
        if self._cares is None:
            self._cares = [(row[0], _care(row)) for row in self._rows]
        return self._cares

    @overload
    def __getitem__(self, place: int) -> tuple[int, Care]: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[tuple[int, Care]]: ...

    def __getitem__(self, place: int | slice) -> Any:
        return self._all()[place]

    def __iter__(self) -> Iterator[tuple[int, Care]]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._rows)


def _care(row: Row) -> Care:
    _appointment, start, end, prep, observation, acuity = row
    watched = Interval(moment_of(start - prep), moment_of(end + observation))
    return Care(interval=watched, start=moment_of(start), acuity=acuity)


def _row(appointment: int, care: Care) -> Row:
    start = minute_of(care.start)
    return appointment, start, minute_after(care.interval.end), start - minute_of(care.interval.start), 0, care.acuity


def _sums(rows: Iterable[Row], first: int, count: int) -> Loads:
    """Patients and acuity are noted where they begin and end, then added up: how long they stay costs nothing."""
    starts, patients, acuity = ([0] * (count + 1) for _ in range(3))
    for _appointment, start, end, prep, observation, points in rows:
        begin = (start - prep) // QUARTER_MINUTES - first
        until = -((-end - observation) // QUARTER_MINUTES) - first
        begin, until = begin if begin > 0 else 0, until if until < count else count
        if begin < until:
            patients[begin] += 1
            patients[until] -= 1
            acuity[begin] += points
            acuity[until] -= points
        begun = start // QUARTER_MINUTES - first
        if 0 <= begun < count:
            starts[begun] += 1
    return Loads(first, starts[:-1], list(accumulate(patients[:-1])), list(accumulate(acuity[:-1])))


def blocked_masks(
    horizon: Horizon,
    capacity: Mapping[datetime, Quarter],
    load: Mapping[datetime, Load],
    acuity: int,
    *,
    starts_per_nurse: int = STARTS_PER_NURSE,
) -> tuple[int, int]:
    """Where one more patient of this acuity does not fit: bitmaps of (unwatched minutes, minutes without start).

    A minute in no quarter of `capacity` has nobody, so it is blocked. A start that the nurses can take is in
    `room(everything & ~unwatched, prep, visit + observation) & ~no_start`; the chair needs its turnover too, so
    its own `room` is taken apart and the two are joined with `&`.
    """
    loads = Loads.of(load)
    first, last = number_of(horizon.origin), number_of(horizon.moment(horizon.minutes - 1))
    watched, startable = bytearray(last + 1 - first), bytearray(last + 1 - first)
    for run_begin, run_end, can in Runs.of(capacity, NOBODY).runs:
        begin, end = max(run_begin, first), min(run_end, last + 1)
        if begin >= end or not (can.nurses or can.patients):
            continue
        hands, most, room = can.nurses * starts_per_nurse, can.patients, can.acuity - acuity
        starts, patients, points = loads.over(begin, end)
        watched[begin - first : end - first] = bytes(
            [here < most and heavy <= room for here, heavy in zip(patients, points, strict=True)]
        )
        startable[begin - first : end - first] = bytes([begun < hands for begun in starts])
    return _closed(horizon, first, watched), _closed(horizon, first, startable)


# For each byte of eight quarters their 120 minutes.
_QUARTER = (1 << QUARTER_MINUTES) - 1
_SPREAD = [
    sum(_QUARTER << place * QUARTER_MINUTES for place in range(8) if byte >> place & 1).to_bytes(
        QUARTER_MINUTES, "little"
    )
    for byte in range(256)
]
_DIGITS = bytes.maketrans(b"\x00\x01", b"01")


def _closed(horizon: Horizon, first: int, opened: bytearray) -> int:
    """The minutes of the horizon outside the open quarters; `opened` has a byte, 0 or 1, for each from `first` on."""
    quarters = int(opened[::-1].translate(_DIGITS), 2).to_bytes(len(opened) // 8 + 1, "little")
    minutes = int.from_bytes(b"".join([_SPREAD[byte] for byte in quarters]), "little")
    before = minute_of(horizon.origin) - first * QUARTER_MINUTES
    return ~(minutes >> before) & ((1 << horizon.minutes) - 1)
