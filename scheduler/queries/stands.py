"""How a unit's day, a center or a patient stands: a number that is another one after every change.

Open pages compare it with the one that they were made from. A day has a counter of its own, which every change bumps in
its transaction. A center and a patient are followed by the record, where every change is a row: not by the newest
number alone, since of two changes at once the one with the lower number may be committed last.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import reduce
from operator import or_

from django.db.models import Q

from scheduler.models import Event, UnitDay

NEWEST = 100  # rows of the record that are looked at; more changes than that are never in flight at once


def key_of_day(unit: int, day: date) -> str:
    return f"day {unit} {day.isoformat()}"


def key_of_center(center: int) -> str:
    return f"center {center}"


def key_of_patient(patient: int) -> str:
    return f"patient {patient}"


def of(key: str) -> int:
    """0 where nothing ever happened."""
    return versions([key]).get(key, 0)


def versions(keys: Iterable[str]) -> dict[str, int]:
    """Of each of these: one query for all days, one for each center and patient."""
    found: dict[str, int] = {}
    days: list[Q] = []
    for key in keys:
        kind, *rest = key.split()
        if kind == "day":
            days.append(Q(unit=int(rest[0]), date=date.fromisoformat(rest[1])))
        else:
            of_it = Event.objects.filter(**{f"{kind}_id": int(rest[0])}).order_by("-id")
            found[key] = sum(of_it.values_list("id", flat=True)[:NEWEST])
    if days:
        rows = UnitDay.objects.filter(reduce(or_, days)).values_list("unit", "date", "version")
        found |= {key_of_day(unit, day): version for unit, day, version in rows}
    return found
