"""Which active courses may have visits that are due but not generated yet, without projecting each of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Max, Q, QuerySet

from scheduler.models import Course

# Real minutes or days that lie at least between two due times, by the cadence's unit; never too long.
_SHORTEST = {"months": timedelta(days=28), "weeks": timedelta(days=6), "days": timedelta(0)}


def unfinished(*, until: datetime, most: int | None = None) -> list[Course]:
    """Active courses, with `last_due` and `last_ordinal` of their visits, whose next visit may be due up to `until`;
    those that are furthest behind first, and at most `most` of them."""
    # Of thousands of active courses hardly one is due: rows are made of those alone.
    due = [
        pk
        for pk, last_due, *cadence in _active().values_list("pk", "last_due", *_CADENCE)
        if last_due is None or last_due + _shortest_step(*cadence) <= until
    ][:most]
    found: dict[int, Course] = {}
    for first in range(0, len(due), _AT_ONCE):
        found |= _active().select_related(*_RELATED).in_bulk(due[first : first + _AT_ONCE])
    return [found[pk] for pk in due if pk in found]


_AT_ONCE = 500  # a list of parameters has a longest length
_RELATED = ("center", "unit__center", "protocol", "patient")
_CADENCE = (
    "protocol__cadence_kind",
    "protocol__cadence_within_day",
    "protocol__cadence_unit",
    "protocol__cadence_every",
)


def _active() -> QuerySet[Course]:
    return (
        Course.objects.filter(status=Course.Status.ACTIVE)
        .annotate(last_due=Max("visits__due"), last_ordinal=Max("visits__ordinal"))
        .filter(Q(doses__isnull=True) | Q(last_ordinal__isnull=True) | Q(last_ordinal__lt=F("doses")))
        .order_by(F("last_due").asc(nulls_first=True), "pk")
    )


def _shortest_step(kind: str, within_day: list[int], unit: str, every: int) -> timedelta:
    if kind != "calendar" or len(within_day) > 1:
        return timedelta(0)
    return _SHORTEST.get(unit, timedelta(0)) * every
