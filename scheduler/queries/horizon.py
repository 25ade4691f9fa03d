"""Which active courses may have visits that are due but not generated yet, without projecting each of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Max, Q, QuerySet

from scheduler.models import Course

# Real minutes or days that lie at least between two due times, by the cadence's unit; never too long.
_SHORTEST = {"months": timedelta(days=28), "weeks": timedelta(days=6), "days": timedelta(0)}


def unfinished(*, until: datetime) -> list[Course]:
    """Active courses, with `last_due` and `last_ordinal` of their visits, whose next visit may be due up to `until`;
    those that are furthest behind first."""
    return [
        course
        for course in _active()
        if course.last_due is None or course.last_due + _shortest_step(course) <= until  # type: ignore[attr-defined]
    ]


def _active() -> QuerySet[Course]:
    return (
        Course.objects.filter(status=Course.Status.ACTIVE)
        .annotate(last_due=Max("visits__due"), last_ordinal=Max("visits__ordinal"))
        .filter(Q(doses__isnull=True) | Q(last_ordinal__isnull=True) | Q(last_ordinal__lt=F("doses")))
        .select_related("center", "unit__center", "protocol", "patient")
        .order_by(F("last_due").asc(nulls_first=True), "pk")
    )


def _shortest_step(course: Course) -> timedelta:
    protocol = course.protocol
    if protocol.cadence_kind != "calendar" or len(protocol.cadence_within_day) > 1:
        return timedelta(0)
    return _SHORTEST.get(protocol.cadence_unit, timedelta(0)) * protocol.cadence_every
