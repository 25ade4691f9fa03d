"""The nearest places that work, for a start that was refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from scheduler.domain import placement
from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Wishes
from scheduler.domain.rules import Need
from scheduler.queries.search import Ground, Slot, as_slot, candidates

ALTERNATIVES = 3
DUE_REASONS = frozenset({"on_due_day", "days_after_due", "days_before_due", "on_due_time", "minutes_from_due"})
DAYS_AROUND = 7  # how far alternatives to a refused start are looked for first


def nearest(
    where: Ground,
    need: Need,
    wanted: datetime,
    *,
    chair: int | None,
    now: datetime,
    only_inside: bool = False,
) -> list[Slot]:
    """Up to three varied places near a start that was refused, none of them in the past: inside the window if the
    visit has one and there is room in it, else (unless `only_inside`) around the wanted time, else as far as was
    read."""
    week = Interval(max(wanted - timedelta(days=DAYS_AROUND), now), max(wanted, now) + timedelta(days=DAYS_AROUND))
    ever = Interval(now, max(where.unit.span.end, week.end))
    steps = ((week, True), (week, False), (ever, False))
    for wide, keep_window in steps[:1] if only_inside else steps:
        around = wide.intersection(where.unit.span)
        if around is None:
            continue
        found = candidates(
            where,
            need,
            around,
            wishes=Wishes(chair=chair),
            due=wanted,
            limit=60,
            spread=ALTERNATIVES,
            keep_window=keep_window,
            to_the_minute=need.gap is not None and need.gap.counts_in == "minutes",
            per_chair=True,
        )
        if found:
            if wanted != need.due:
                found = [_without_due(candidate) for candidate in found]
            return [as_slot(where, need, candidate) for candidate in found]
    return []


def _without_due(candidate: placement.Candidate) -> placement.Candidate:
    """The time that was asked for ranks like a due time, but it is none, so nothing is said of it."""
    return replace(candidate, reasons=tuple(one for one in candidate.reasons if one.code not in DUE_REASONS))
