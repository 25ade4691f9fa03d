"""Taken chair time as whole minutes since 1970: what a search over months reads, without an object for each booking."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from scheduler.domain.availability import Horizon, mask_of_minutes, minute_after, minute_of, moment_of
from scheduler.domain.intervals import Interval
from scheduler.domain.rules.situation import Taken

# From, until (minutes since 1970, half-open), appointment, stay.
Row = tuple[int, int, int | None, int | None]


class TakenTime(Mapping[int, list[Taken]]):
    """By chair. The rules see it as the mapping of `Taken` that they expect; a search asks for bitmaps, which are cut
    from one of the whole `span` for each chair: a plan asks again for every visit."""

    def __init__(self, rows: Mapping[int, Sequence[Row]], span: Interval) -> None:
        self._rows, self._span = rows, span
        self._whole = Horizon.of(span)
        self._masks: dict[int, int] = {}

    @classmethod
    def of(cls, taken: Mapping[int, Sequence[Taken]], span: Interval) -> TakenTime:
        """Itself, or made of a plain mapping."""
        if isinstance(taken, cls):
            return taken
        return cls({chair: [_row(one) for one in rows] for chair, rows in taken.items()}, span)

    def with_more(self, chair: int, taken: Taken) -> TakenTime:
        """The same with one more piece of time taken, for a plan that goes on."""
        return TakenTime({**self._rows, chair: [*self._rows.get(chair, ()), _row(taken)]}, self._span)

    def busy(self, chair: int, horizon: Horizon, *, without: Collection[int], course: int | None) -> int:
        """The minutes of the horizon that others take: not the appointments `without`, not the stay of `course`."""
        rows = self._rows.get(chair, ())
        if (without or course is not None) and (
            left := [row for row in rows if row[2] not in without and (course is None or row[3] != course)]
        ) != rows:
            return mask_of_minutes(horizon, left)
        offset = horizon.index(self._whole.origin)
        if offset > 0 or horizon.minutes - offset > self._whole.minutes:
            return mask_of_minutes(horizon, rows)  # beyond what was read
        if chair not in self._masks:
            self._masks[chair] = mask_of_minutes(self._whole, rows)
        return self._masks[chair] >> -offset & ((1 << horizon.minutes) - 1)

    def minutes_within(self, interval: Interval) -> int:
        """How many minutes of all chairs together are taken."""
        horizon = Horizon.of(interval)
        return sum(self.busy(chair, horizon, without=(), course=None).bit_count() for chair in self._rows)

    def stays(self) -> Iterator[tuple[int, Taken]]:
        """(chair, Taken) of the stays alone."""
        for chair, rows in self._rows.items():
            if any(row[3] is not None for row in rows):
                yield from ((chair, taken) for taken in self[chair] if taken.stay is not None)

    def __getitem__(self, chair: int) -> list[Taken]:
        return [
            Taken(Interval(moment_of(begin), moment_of(until)), appointment, stay)
            for begin, until, appointment, stay in self._rows[chair]
        ]

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def by_chair(
    chairs: Iterable[int], rows: Iterable[tuple[int, int, int, int | None, int | None]]
) -> dict[int, list[Row]]:
    """Rows of (chair, from, until, appointment, stay) by their chair."""
    found: dict[int, list[Row]] = {chair: [] for chair in chairs}
    for row in rows:
        found[row[0]].append(row[1:])
    return found


def _row(taken: Taken) -> Row:
    return minute_of(taken.interval.start), minute_after(taken.interval.end), taken.appointment, taken.stay
