"""Planning a stay: the doses of an elapsed cadence in one chair, kept from the first preparation to the last
cleaning. All doses or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from scheduler.domain import localtime
from scheduler.domain.errors import Refusal
from scheduler.domain.intervals import Interval
from scheduler.domain.rules import ChairFacts, DoseFact
from scheduler.models import Course, Occupancy
from scheduler.queries.drafts import Draft
from scheduler.queries.planned import VisitPlan
from scheduler.queries.search import Ground, Slot, ground, no_chair

STEP_MINUTES = 15  # how finely another minute is looked for around a dose's due time


def plan_stay(course: Course, drafts: Sequence[Draft], *, now: datetime) -> list[VisitPlan]:
    """Each dose at its due time, or as near to it as its window allows, in the first chair that can be kept."""
    if not drafts:
        return []
    row = _stay_of(course)
    kept = row.chair_time if row is not None else None
    first, last = drafts[0].window.start, drafts[-1].window.end
    span = Interval(min(first, kept.start), max(last, kept.end)) if kept is not None else Interval(first, last)
    unit = row.chair.unit if row is not None and row.chair is not None else course.unit
    where = ground(unit=unit, patient_id=course.patient_id, need=drafts[0].need, span=span, now=now)
    chairs = [_chair_in_use(row, where)] if row is not None else _in_order(course, where)
    if not chairs:
        return [VisitPlan(draft, None, refusals=(no_chair(where),)) for draft in drafts]
    best: list[VisitPlan] = []
    for chair in chairs:
        plans = _in_chair(drafts, where, chair, kept, now)
        missing = sum(plan.slot is None for plan in plans)
        if not missing:
            return plans
        if not best or missing < sum(plan.slot is None for plan in best):
            best = plans
    return [replace(plan, slot=None) for plan in best]


def _stay_of(course: Course) -> Occupancy | None:
    if course._state.adding:  # a preview: nothing is saved yet
        return None
    return Occupancy.objects.select_related("chair__unit__center").filter(stay_id=course.pk).first()


def _chair_in_use(row: Occupancy, where: Ground) -> ChairFacts:
    """The stay's chair, even where it has gone out of service: then the rules say so."""
    chair = row.chair
    assert chair is not None  # a stay keeps a chair
    return where.unit.chairs.get(
        chair.pk, ChairFacts(id=chair.pk, name=chair.name, kind=chair.kind, is_active=chair.is_active)
    )


def _in_order(course: Course, where: Ground) -> list[ChairFacts]:
    """The wished chair first, then beds before recliners, then as they stand in the unit."""
    chairs = list(where.unit.chairs.values())
    return sorted(chairs, key=lambda chair: (chair.id != course.preferred_chair_id, not chair.is_bed))


def _in_chair(
    drafts: Sequence[Draft], where: Ground, chair: ChairFacts, kept: Interval | None, now: datetime
) -> list[VisitPlan]:
    plans: list[VisitPlan] = []
    for draft in drafts:
        plan = _dose(draft, where, chair, now)
        plans.append(plan)
        if plan.slot is not None:
            where = where.with_dose(DoseFact(plan.slot.start, draft.need.mg, "booked", center=where.unit.center))
    placed = [plan for plan in plans if plan.slot is not None]
    if len(placed) < len(plans):
        return plans
    stay = hull([(plan.draft, plan.slot.start) for plan in placed if plan.slot is not None], kept)
    first = plans[0]
    assert first.slot is not None  # every plan has a slot here
    # The chair between the doses is the patient's too: free, and open, all the time, and she is there.
    between = [
        refusal
        for refusal in where.refusals(first.draft.need, chair, first.slot.start, stay=stay)
        if refusal.code in ("chair_is_free", "patient_is_free", "unit_is_open")
    ]
    if between:
        return [replace(plan, slot=None, refusals=tuple(between)) for plan in plans]
    return plans


def hull(doses: Sequence[tuple[Draft, datetime]], kept: Interval | None = None) -> Interval:
    """From the first preparation to the end of the last cleaning, and what the stay already keeps."""
    first = min(localtime.add_elapsed(start, -draft.need.lengths.prep) for draft, start in doses)
    last = max(localtime.add_elapsed(start, draft.need.lengths.after_start) for draft, start in doses)
    if kept is not None:
        first, last = min(first, kept.start), max(last, kept.end)
    return Interval(first, last)


def _dose(draft: Draft, where: Ground, chair: ChairFacts, now: datetime) -> VisitPlan:
    """At the due time if no rule speaks against it, else the nearest quarter hour inside the window.

    A dose that falls when the unit is closed is never squeezed in silently (DESIGN section 6): it has no place, and
    the nearest minute at which it would fit is an alternative that somebody may choose.
    """
    said: list[Refusal] = []
    for minutes in _outward(draft):
        start = draft.due + timedelta(minutes=minutes)
        if start < now:
            continue
        refused = where.refusals(draft.need, chair, start)
        if not refused:
            slot = _slot(draft, where, chair, start)
            if any(refusal.code == "unit_is_open" for refusal in said):
                return VisitPlan(draft, None, refusals=tuple(said), alternatives=(slot,))
            return VisitPlan(draft, slot, shifted=tuple(said))
        said = said or refused
        if any(refusal.code in ("chair_is_free", "chair_is_suitable") for refusal in refused):
            break  # another minute of the same stay does not help: the chair is somebody else's
    return VisitPlan(draft, None, refusals=tuple(said))


def _slot(draft: Draft, where: Ground, chair: ChairFacts, start: datetime) -> Slot:
    return Slot(
        unit=where.unit.id,
        unit_name=where.unit.name,
        chair=chair,
        start=start,
        end=localtime.add_elapsed(start, draft.need.lengths.treatment),
        score=abs((start - draft.due).total_seconds()) / 3600,
        reasons=(),
    )


def _outward(draft: Draft) -> list[int]:
    window = draft.window
    offsets = [0]
    step = STEP_MINUTES
    while True:
        later, earlier = draft.due + timedelta(minutes=step), draft.due - timedelta(minutes=step)
        inside = [offset for offset, moment in ((step, later), (-step, earlier)) if window.contains(moment)]
        if not inside:
            return offsets
        offsets += inside
        step += STEP_MINUTES
