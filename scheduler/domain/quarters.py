"""Values by quarter hour without a datetime for each: a search over 90 days has 8,640 of them.

Quarters and minutes are numbered from 1970, in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Generic, TypeVar

from scheduler.domain.availability import EPOCH

QUARTER_MINUTES = 15
QUARTER = timedelta(minutes=QUARTER_MINUTES)

T = TypeVar("T")


def number_of(moment: datetime) -> int:
    """The quarter hour that holds the moment."""
    since = moment - EPOCH
    return since.days * 96 + since.seconds // 900


def quarter_at(number: int) -> datetime:
    """The start of that quarter hour, in UTC."""
    return EPOCH + number * QUARTER


class Numbered(Mapping[datetime, T]):
    """A mapping by the starts of `count` quarter hours that follow one another from number `first` on."""

    def __init__(self, first: int, count: int) -> None:
        self.first, self.count = first, count

    def value(self, place: int) -> T:
        """What stands at `first + place`."""
        raise NotImplementedError

    def __getitem__(self, quarter: datetime) -> T:
        place = number_of(quarter) - self.first
        if not 0 <= place < self.count or quarter != quarter_at(place + self.first):
            raise KeyError(quarter)
        return self.value(place)

    def __iter__(self) -> Iterator[datetime]:
        return (quarter_at(self.first + place) for place in range(self.count))

    def __len__(self) -> int:
        return self.count


class Runs(Numbered[T], Generic[T]):
    """Values that stay the same for many quarters. `runs` are (begin, end, value), numbers `[begin, end)`, without gaps
    from the first quarter to the last."""

    def __init__(self, runs: Iterable[tuple[int, int, T]]) -> None:
        self.runs = list(runs)
        self._each = list(chain.from_iterable(repeat(value, end - begin) for begin, end, value in self.runs))
        super().__init__(self.runs[0][0] if self.runs else 0, len(self._each))

    @classmethod
    def of(cls, values: Mapping[datetime, T], nothing: T) -> Runs[T]:
        """Itself, or made of a plain mapping, `nothing` in its gaps."""
        if isinstance(values, cls):
            return values
        found: list[tuple[int, int, T]] = []
        for number, value in sorted((number_of(quarter), value) for quarter, value in values.items()):
            if found and found[-1][1] < number:
                found.append((found[-1][1], number, nothing))
            found.append((number, number + 1, value))
        return cls(found)

    def value(self, place: int) -> T:
        return self._each[place]
