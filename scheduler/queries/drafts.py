"""The visits of a course as they are due: from its start, its cadence and what has happened so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.domain import lifecycle, recurrence
from scheduler.domain.intervals import Interval
from scheduler.domain.protocols import ProtocolSpec
from scheduler.domain.rules import Need
from scheduler.models import Appointment, Course, Dose
from scheduler.queries import needs

GENERATED = timedelta(days=414)  # visits exist this far ahead; check_schedule asks for 400


@dataclass(frozen=True, slots=True)
class Draft:
    """A visit that is due, saved or not. Times are UTC; starts may lie in the half-open window."""

    ordinal: int
    due: datetime
    window: Interval
    need: Need


def due_drafts(
    course: Course,
    *,
    ordinals: Iterable[int],
    happened: Mapping[int, datetime] | None = None,
    spec: ProtocolSpec | None = None,
) -> list[Draft]:
    """Drafts of the given ordinals. `happened` as in recurrence.due_times."""
    spec = spec or course.protocol.spec()
    zone = course.center.zone
    wanted = sorted(ordinals)
    if not wanted:
        return []
    dues = recurrence.due_times(
        spec.cadence,
        start=course.start,
        zone=zone,
        ordinals=wanted,
        happened=happened or {},
        tolerance=spec.tolerance,
    )
    found = []
    for ordinal in wanted:
        due = dues[ordinal]
        window = recurrence.window(spec.window, due, zone)
        found.append(
            Draft(ordinal, due, window, needs.of_course(course, spec, ordinal=ordinal, due=due, window=window))
        )
    return found


def drafts_until(
    course: Course, *, until: datetime, after: int = 0, happened: Mapping[int, datetime] | None = None
) -> list[Draft]:
    """The drafts of all ordinals above `after` that are due up to `until`, and at least the first visit."""
    spec = course.protocol.spec()
    found: list[Draft] = []
    last = course.doses or 10_000
    ordinal = after + 1
    while ordinal <= last:
        batch = due_drafts(course, ordinals=range(ordinal, min(ordinal + 12, last + 1)), happened=happened, spec=spec)
        for draft in batch:
            if draft.due > until and draft.ordinal > 1:
                return found
            found.append(draft)
        ordinal += 12
    return found


def happened(course: Course, *, ignoring: Iterable[int] = ()) -> dict[int, datetime]:
    """By ordinal, what later due times count from: the actual start of doses given (here or elsewhere), and the
    start of treatments that are running."""
    skipped = set(ignoring)
    given = dict(
        Dose.objects.filter(visit__course=course)
        .exclude(status=Dose.Status.NOT_GIVEN)
        .exclude(appointment_id__in=skipped)
        .values_list("visit__ordinal", "given_at")
    )
    running = (
        Appointment.objects.filter(visit__course=course, status__in=lifecycle.OPEN, actual_start__isnull=False)
        .exclude(pk__in=skipped)
        .values_list("visit__ordinal", "actual_start")
    )
    return {ordinal: start for ordinal, start in running if start is not None} | given


def _put_outside(course: Course, *, ignoring: Iterable[int]) -> dict[int, datetime]:
    """By ordinal, the starts of bookings that have not begun and for which the window was set aside. A hold is
    nothing yet for others to count from."""
    rows = (
        Appointment.objects.filter(
            visit__course=course, status__in=lifecycle.OPEN, actual_start__isnull=True, override__isnull=False
        )
        .exclude(status="pending")
        .exclude(pk__in=set(ignoring))
        .values_list("visit__ordinal", "start", "override")
    )
    return {ordinal: start for ordinal, start, override in rows if override and "window_is_kept" in override["codes"]}


def anchors(
    course: Course, *, moved: Mapping[int, datetime] | None = None, ignoring: Iterable[int] = ()
) -> dict[int, datetime]:
    """What due times count from: doses given, and bookings that somebody put outside their window on purpose (the
    next dose counts from there). A booking whose window moved away from it is none: it waits for a decision.
    `moved` are starts that are about to be booked, by ordinal."""
    given = happened(course, ignoring=ignoring)
    booked = _put_outside(course, ignoring=ignoring) | dict(moved or {})
    spec = course.protocol.spec()
    known = dict(given)
    for ordinal in sorted(booked.keys() - given.keys()):
        draft = due_drafts(course, ordinals=[ordinal], happened=known, spec=spec)[0]
        if not draft.window.contains(booked[ordinal]):
            known[ordinal] = booked[ordinal]
    return known
