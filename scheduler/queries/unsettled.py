"""Which courses may have proposals: a cheap look, so that a day's page asks following.proposals about few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from scheduler.domain import lifecycle
from scheduler.domain.recurrence import gap_kept
from scheduler.models import Appointment, Dose


def courses(rows: Iterable[Appointment], zone: ZoneInfo) -> set[int]:
    """Of the courses that these visits belong to, those of which a later booking lies outside its window, or too near
    to what was given or runs. Three statements, however many there are; protocols must come with the rows."""
    gaps = {
        row.visit.course_id: row.protocol.spec().gap
        for row in rows
        if row.visit is not None and row.protocol is not None and row.visit.course.status == "active"
    }
    if not gaps:
        return set()
    coming: dict[int, list[tuple[datetime, datetime, datetime]]] = defaultdict(list)
    for course, start, opens, closes in (
        Appointment.objects.filter(
            visit__course__in=gaps, visit__state="booked", status__in=("pending", "booked"), actual_start__isnull=True
        )
        .order_by("visit__ordinal")
        .values_list("visit__course", "start", "visit__window_start", "visit__window_end")
    ):
        coming[course].append((start, opens, closes))
    if not coming:
        return set()
    last: dict[int, datetime] = {}
    given = (
        Dose.objects.filter(visit__course__in=coming)
        .exclude(status=Dose.Status.NOT_GIVEN)
        .values_list("visit__course", "given_at")
    )
    running = Appointment.objects.filter(
        visit__course__in=coming, status__in=lifecycle.OPEN, actual_start__isnull=False
    ).values_list("visit__course", "actual_start")
    for course, began in [*given, *running]:
        assert began is not None  # filtered
        last[course] = max(began, last.get(course, began))
    return {
        course
        for course, booked in coming.items()
        if any(not opens <= start < closes for start, opens, closes in booked)
        or (
            course in last
            and booked[0][0] > last[course]
            and not gap_kept(gaps[course], last[course], booked[0][0], zone)
        )
    }
