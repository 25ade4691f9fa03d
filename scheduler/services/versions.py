"""A change only of what the caller has read: the course's version is held against the row inside its lock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from scheduler.domain.errors import Stale
from scheduler.models import Course
from scheduler.services.locking import locked, retrying

Result = TypeVar("Result")


def unchanged(*, course: Course, version: int | None, change: Callable[[], Result], now: datetime) -> Result:
    """Run `change`, a service that changes this course, if the course still has `version`; None asks for nothing.

    Every change of a course holds its patient's lock, so none comes between the look and the change. Raises Stale.
    """
    if version is None:
        return change()

    @retrying
    def run() -> Result:
        with locked(patients=[course.patient_id], days=[], now=now):
            if Course.objects.values_list("version", flat=True).get(pk=course.pk) != version:
                raise Stale
            return change()

    return run()
