"""Extending active courses: nothing due, then some of them one visit short."""

from __future__ import annotations

from datetime import datetime
from time import perf_counter

from scheduler.management.benchmark.workload import Size, Workload
from scheduler.models import Course, Patient, Visit
from scheduler.queries.drafts import GENERATED, drafts_until
from scheduler.services.jobs import JOBS


def extend(workload: Workload, size: Size, now: datetime) -> tuple[float, float, int]:
    """Seconds with nothing due, seconds until all that is due is generated, and how many visits that was."""
    short = _write(workload, size, now)
    nothing = perf_counter()
    JOBS["extend-courses"](now)
    nothing = perf_counter() - nothing
    for pk in short:
        Visit.objects.filter(course=pk).order_by("-ordinal")[0].delete()
    made = 0
    began = perf_counter()
    while made < len(short):
        tick = JOBS["extend-courses"](now).get("visits", 0)
        if not tick:
            raise RuntimeError(f"extend-courses made {made} of {len(short)} visits.")
        made += tick
    return nothing, perf_counter() - began, made


def _write(workload: Workload, size: Size, now: datetime) -> list[int]:
    """Courses that began just now, with all their visits; returns the ids of those that will be short of one."""
    patients = list(Patient.objects.all())
    courses = Course.objects.bulk_create(
        (
            Course(
                center=workload.center, unit=workload.unit, patient=patients[number % len(patients)],
                protocol=workload.protocol, start=now, created_at=now,
            )
            for number in range(size.courses)
        ),
        batch_size=500,
    )  # fmt: skip
    drafts = drafts_until(courses[0], until=now + GENERATED)  # of all of them: they began together
    Visit.objects.bulk_create(
        (
            Visit(
                course=course, ordinal=draft.ordinal, due=draft.due,
                window_start=draft.window.start, window_end=draft.window.end,
            )
            for course in courses
            for draft in drafts
        ),
        batch_size=500,
    )  # fmt: skip
    return [course.pk for course in courses[: size.due]]
