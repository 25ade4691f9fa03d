"""What follows for later visits of a course: new due times, and proposals for bookings that no longer fit.

Due times follow at once, since they say what is clinically due. Bookings are never moved silently: those that no
longer lie in their window or keep the interval become proposals, which staff accept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import QuerySet

from scheduler.domain import lifecycle
from scheduler.domain.errors import Refusal
from scheduler.domain.intervals import Interval
from scheduler.domain.recurrence import gap_kept
from scheduler.domain.rules import ChairFacts, DoseFact
from scheduler.models import Appointment, Chair, Course, Visit
from scheduler.queries.drafts import Draft, anchors, due_drafts, happened
from scheduler.queries.nearby import DAYS_AROUND
from scheduler.queries.plan import place_draft
from scheduler.queries.search import Slot, ground
from scheduler.services.changes import RELATED
from scheduler.services.settle import Wanted


@dataclass(frozen=True, slots=True)
class Proposal:
    """A later visit's booking that no longer fits, and the place proposed for it (`slot` None: there is none)."""

    visit: Visit
    appointment: Appointment
    draft: Draft
    slot: Slot | None
    refusals: tuple[Refusal, ...]
    why: tuple[Refusal, ...]

    def wanted(self) -> Wanted:
        """The booking at its new place; without one, its old place, so that the rules say what is wrong there."""
        chair = self.appointment.chair
        if self.slot is not None and self.slot.chair.id != chair.pk:
            chair = Chair.objects.select_related("unit__center").get(pk=self.slot.chair.id)
        return Wanted(
            need=self.draft.need,
            chair=chair,
            start=self.slot.start if self.slot is not None else self.appointment.start,
            patient=self.appointment.patient,
            visit=self.visit,
            protocol=self.appointment.protocol,
            appointment=self.appointment,
        )


def live_of_course(course_id: int) -> QuerySet[Appointment]:
    """Bookings of the course's visits that still count, in order, with what locks and rules need."""
    return (
        Appointment.objects.filter(visit__course_id=course_id, status__in=lifecycle.LIVE)
        .select_related(*RELATED)
        .order_by("visit__ordinal")
    )


def propose(*, appointment: Appointment, chair: Chair, start: datetime, now: datetime) -> list[Proposal]:
    """What moving this booking to `start` would mean for the later visits of its course. Reads only."""
    if appointment.visit is None:
        return []
    visit = appointment.visit
    return _propose(visit.course, after=visit.ordinal, moved={visit.ordinal: start}, now=now, chair=chair)


def proposals(course: Course, *, now: datetime) -> list[Proposal]:
    """Bookings of the course that do not fit what has happened, with the places proposed for them. Reads only."""
    return _propose(course, after=0, moved={}, now=now)


def _propose(
    course: Course, *, after: int, moved: Mapping[int, datetime], now: datetime, chair: Chair | None = None
) -> list[Proposal]:
    booked = [
        row
        for row in live_of_course(course.pk).filter(visit__ordinal__gt=after, visit__state="booked")
        if row.actual_start is None and row.status in ("pending", "booked")
    ]
    if not booked:
        return []
    spec = course.protocol.spec()
    found: list[Proposal] = []
    known = _known_before(course, after, moved)
    starts = {**happened(course), **moved, **_booked_up_to(course, after, moved)}
    for row in booked:
        assert row.visit is not None  # live_of_course filters on visits
        ordinal = row.visit.ordinal
        draft = due_drafts(course, ordinals=[ordinal], happened=known, spec=spec)[0]
        previous = max((start for other, start in starts.items() if other < ordinal), default=None)
        fits = draft.window.contains(row.start) and (
            previous is None or gap_kept(spec.gap, previous, row.start, course.center.zone)
        )
        # A booking that somebody put outside its window on purpose stays while its due time has not moved.
        as_before = draft.due == row.visit.due and row.override is not None
        if fits or (as_before and not found and not moved):
            starts[ordinal] = row.start
            if not draft.window.contains(row.start):
                known[ordinal] = row.start
            continue
        proposal = _place(course, row, draft, starts, moved, found, now, chair or row.chair)
        found.append(proposal)
        if proposal.slot is not None:
            starts[ordinal] = proposal.slot.start
    return found


def _known_before(course: Course, after: int, moved: Mapping[int, datetime]) -> dict[int, datetime]:
    """Anchors up to the visit that is moved; later bookings are what is being asked about."""
    known = anchors(course, moved=moved) if moved else dict(happened(course))
    return {ordinal: start for ordinal, start in known.items() if ordinal <= after or ordinal in happened(course)}


def _booked_up_to(course: Course, after: int, moved: Mapping[int, datetime]) -> dict[int, datetime]:
    return {
        row.visit.ordinal: row.start
        for row in live_of_course(course.pk).filter(visit__ordinal__lte=after)
        if row.visit is not None and row.visit.ordinal not in moved and row.actual_start is None
    }


def _place(
    course: Course,
    row: Appointment,
    draft: Draft,
    starts: Mapping[int, datetime],
    moved: Mapping[int, datetime],
    found: Sequence[Proposal],
    now: datetime,
    chair: Chair,
) -> Proposal:
    around = timedelta(days=DAYS_AROUND)
    leaving = {row.pk, *(proposal.appointment.pk for proposal in found)}
    leaving |= set(live_of_course(course.pk).filter(visit__ordinal__in=moved).values_list("pk", flat=True)) | set(
        live_of_course(course.pk)
        .filter(visit__ordinal__gte=draft.ordinal, actual_start__isnull=True)
        .values_list("pk", flat=True)
    )
    keeps = course.protocol.keeps_chair
    where = ground(
        unit=chair.unit if keeps else row.unit,
        patient_id=course.patient_id,
        need=draft.need,
        span=Interval(
            min(max(draft.window.start, now - around), draft.window.end) - timedelta(days=1),
            max(draft.window.end, now) + around,
        ),
        now=now,
        ignoring=leaving,
    )
    if keeps:  # the doses of a stay are given in its one chair
        chairs = {pk: facts for pk, facts in where.unit.chairs.items() if pk == chair.pk}
        where = replace(where, unit=replace(where.unit, chairs=chairs))
    for ordinal, start in starts.items():
        if ordinal in moved or any(proposal.draft.ordinal == ordinal for proposal in found):
            where = where.with_dose(DoseFact(start, draft.need.mg, "booked", center=course.center_id))
    plan = place_draft(course, draft, where, last_chair=row.chair_id, now=now)
    why = where.refusals(draft.need, _facts(row), row.start)
    assert row.visit is not None
    return Proposal(row.visit, row, draft, plan.slot, plan.refusals, tuple(why))


def _facts(row: Appointment) -> ChairFacts:
    return ChairFacts(id=row.chair_id, name=row.chair.name, kind=row.chair.kind, is_active=row.chair.is_active)


def redate(course: Course, *, now: datetime) -> int:
    """Write the due times and windows that follow from what has happened; returns how many visits changed.

    Visits that are done keep theirs. Called in the transaction of the change that moved them.
    """
    visits = list(Visit.objects.filter(course=course, state__in=["unplaced", "booked"]).order_by("ordinal"))
    if not visits:
        return 0
    drafts = {
        draft.ordinal: draft
        for draft in due_drafts(course, ordinals=[visit.ordinal for visit in visits], happened=anchors(course))
    }
    changed = []
    for visit in visits:
        draft = drafts[visit.ordinal]
        if (visit.due, visit.window_start, visit.window_end) != (draft.due, draft.window.start, draft.window.end):
            visit.due, visit.window_start, visit.window_end = draft.due, draft.window.start, draft.window.end
            visit.tried_at = None
            changed.append(visit)
    Visit.objects.bulk_update(changed, ["due", "window_start", "window_end", "tried_at"])
    return len(changed)


def redate_without(row: Appointment, *, now: datetime) -> None:
    """Re-date the course of a booking that was taken down: a start outside the window, or a treatment that began
    and was stopped, no longer counts."""
    if row.visit is not None:
        row.save()
        redate(row.visit.course, now=now)


def redate_all(rows: Iterable[Appointment], *, now: datetime) -> None:
    """Re-date the courses of bookings that were moved: out of their window, or back into it."""
    courses = {row.visit.course_id: row.visit.course for row in rows if row.visit is not None}
    for course in courses.values():
        redate(course, now=now)
