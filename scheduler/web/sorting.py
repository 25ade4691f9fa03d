"""Tables that sort by their headers: each header is a link with `?sort=key` or `?sort=-key`, and the server sorts what
the page has read already. So it works without JavaScript, costs no query, and an address holds a column's name only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from scheduler.domain.names import plain
from scheduler.web.door import Desk

Row = TypeVar("Row")
Other = TypeVar("Other")
ASCENDING, DESCENDING = "ascending", "descending"


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """`by` says what a row is sorted by: a text (case and accents don't count), or anything that can be compared; None
    stands last either way. Without it the column doesn't sort. `falls`: its first press shows the greatest first."""

    key: str
    label: str
    by: Callable[[Row], Any] | None = None
    falls: bool = False
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """`state` is what aria-sort says, "" where the table isn't sorted by this column; `url` "" where it can't be.
    `value` is what a press asks for: a list that is the answer to a post is sorted by a post, so that what was searched
    for is in no address."""

    label: str
    url: str
    value: str
    state: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Sorted(Generic[Row]):
    rows: list[Row]
    heads: list[Head]
    by: str  # the column's key; "" as the page has them by itself

    def mapped(self, shown: Callable[[Row], Other]) -> Sorted[Other]:
        """The same table with its rows as the page shows them."""
        return Sorted([shown(row) for row in self.rows], self.heads, self.by)


def arrange(
    desk: Desk,
    rows: Iterable[Row],
    columns: Sequence[Column[Row]],
    *,
    usual: str = "",
    field: str = "sort",
    asked: str | None = None,
    path: str = "",
) -> Sorted[Row]:
    """The rows as the address asks for them; what it does not know is as if it had not asked. `usual` is how they come,
    where that is by a column. `field` is the address' word, for the second table of a page; `asked` what a post
    asks for instead; `path` where the list is read, for a page that also answers posts to elsewhere."""
    asked = desk.request.GET.get(field, "") if asked is None else asked
    known = {column.key: column for column in columns if column.by is not None}
    chosen = known.get(asked.removeprefix("-"))
    shown = list(rows)
    if chosen is not None:
        shown = in_order(shown, chosen, falls=asked.startswith("-"))
    now = asked if chosen is not None else usual
    heads = [_head(desk, path or desk.request.path, field, column, now) for column in columns]
    return Sorted(shown, heads, chosen.key if chosen is not None else "")


def in_order(rows: Sequence[Row], column: Column[Row], *, falls: bool) -> list[Row]:
    """Equal ones keep the order they had."""
    assert column.by is not None  # the caller asks for columns that sort
    keys = [(column.by(row), row) for row in rows]
    have = [(plain(key) if isinstance(key, str) else key, row) for key, row in keys if key is not None]
    have.sort(key=lambda pair: pair[0], reverse=falls)
    return [row for _key, row in have] + [row for key, row in keys if key is None]


def _state(column: Column[Any], now: str) -> str:
    if not now or now.removeprefix("-") != column.key:
        return ""
    return DESCENDING if now.startswith("-") else ASCENDING


def _head(desk: Desk, path: str, field: str, column: Column[Any], now: str) -> Head:
    if column.by is None:
        return Head(column.label, "", "", "", column.is_number)
    state = _state(column, now)
    falls = state == ASCENDING if state else column.falls
    query = desk.request.GET.copy()
    query[field] = value = f"-{column.key}" if falls else column.key
    return Head(column.label, f"{path}?{query.urlencode()}", value, state, column.is_number)
