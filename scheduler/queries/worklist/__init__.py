"""The worklist: a query, never a second queue. What needs a person in a center, most urgent first.

The number of queries depends on the number of units, never on how many things there are.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from scheduler.models import Center, WorklistMark
from scheduler.queries.worklist import attendance, calls, clashes, closed, imported, orders, overloads, unplaced
from scheduler.queries.worklist.item import KINDS, URGENCIES, Action, WorklistItem

__all__ = ["KINDS", "URGENCIES", "Action", "WorklistItem", "counts", "items"]

SOURCES = (
    unplaced.unplaced,
    attendance.late,
    clashes.too_soon,
    clashes.overruns,
    clashes.outside_window,
    closed.hit,
    orders.ending,
    attendance.unconfirmed,
    calls.to_make,
    overloads.published,
    imported.doubtful,
)


def items(*, center: Center, now: datetime, snoozed: bool = False) -> list[WorklistItem]:
    """What needs a person: most urgent first, then by when. With `snoozed`, what was put off until later instead."""
    marks = {
        mark.item: mark for mark in WorklistMark.objects.filter(center=center).select_related("claimed_by", "center")
    }
    found = [
        item.marked(marks[item.key]) if item.key in marks else item
        for source in SOURCES
        for item in source(center, now)
    ]
    wanted = [item for item in found if (item.snoozed_until is not None and item.snoozed_until > now) == snoozed]
    return sorted(wanted, key=lambda item: (URGENCIES.index(item.urgency), item.when, item.key))


def counts(center: Center, now: datetime) -> dict[str, int]:
    """How many things are open: `all`, by urgency and by kind; every name is there, also with 0."""
    open_items = items(center=center, now=now)
    by_name = Counter(name for item in open_items for name in (item.kind, item.urgency))
    return {"all": len(open_items), **{name: by_name[name] for name in (*URGENCIES, *KINDS)}}
