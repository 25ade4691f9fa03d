"""Proof of the promises over the whole database: no double booking, no lost visit, the right times and messages.

Set-based: the number of queries doesn't grow with the rows, except for courses that may lack visits. What reality
broke (an actual time) is a clash on the worklist, not a problem here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import connection

from scheduler.models import backstop
from scheduler.queries.integrity import bookings, courses, doses, messages, overlaps
from scheduler.queries.integrity.problem import Problem

__all__ = ["CHECKS", "Problem", "check"]

CHECKS: tuple[Callable[[datetime], Iterator[Problem]], ...] = (
    overlaps.chairs,
    overlaps.patients,
    overlaps.stays_of_patients,
    bookings.occupancies,
    bookings.stays,
    bookings.promises,
    bookings.without_event,
    courses.one_live_appointment,
    courses.states,
    courses.ordinals,
    courses.horizon_is_filled,
    courses.waiting,
    courses.waived,
    doses.recorded,
    doses.planned,
    messages.reminders,
    messages.wrong_times,
)


def check(*, now: datetime) -> list[Problem]:
    """Everything that is broken, empty where the schedule is sound."""
    found = [Problem("backstop_is_there", {"name": name}) for name in backstop.missing(connection)]
    for one in CHECKS:
        found.extend(one(now))
    return found
