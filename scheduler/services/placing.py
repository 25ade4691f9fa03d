"""Finding places for visits that have none: plan outside the locks, verify inside, plan again on refusal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from scheduler.domain.errors import Refused
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Chair, Course, Visit
from scheduler.queries import needs
from scheduler.queries.drafts import Draft
from scheduler.queries.plan import plan_visits
from scheduler.queries.planned import VisitPlan
from scheduler.services.booking import book_all
from scheduler.services.settle import Wanted

PLANS_TRIED = 3  # somebody else may take the place between plan and booking


def place_visit(*, actor: Actor, visit: Visit, now: datetime) -> list[Appointment]:
    """Book the best place for an unplaced visit of an active course, or write down why there is none.

    The doses of a stay are placed together, all of them or none. Returns what was booked. Every rule counts,
    soft ones too: only people set a rule aside.
    """
    for _ in range(PLANS_TRIED):
        visits = _waiting(visit)
        if not visits:
            return []
        course = visits[0].course
        plans = plan_visits(course, [draft_of(one) for one in visits], now=now)
        if any(plan.slot is None for plan in plans):
            break
        try:
            return book_all(actor=actor, wanted=_wanted(course, visits, plans), now=now)
        except Refused as refused:
            plans = [_refused(plan, refused) for plan in plans]
    _write_down(visits, plans, now)
    return []


def _waiting(visit: Visit) -> list[Visit]:
    """What is to be placed together with this visit, as it is now: somebody may have booked, waived or paused."""
    wanted = Q(pk=visit.pk)
    if visit.course.protocol.keeps_chair:
        wanted |= Q(course=visit.course_id, reason="")  # the others that somebody took down wait for a person
    found = Visit.objects.filter(wanted, state="unplaced", course__status="active")
    return list(
        found.select_related("course__center", "course__patient", "course__protocol", "course__unit__center").order_by(
            "ordinal"
        )
    )


def draft_of(visit: Visit) -> Draft:
    """The saved visit as the planner takes it."""
    return Draft(visit.ordinal, visit.due, needs.window_of(visit), needs.for_visit(visit))


def _wanted(course: Course, visits: Sequence[Visit], plans: Sequence[VisitPlan]) -> list[Wanted]:
    chairs = Chair.objects.select_related("unit__center").in_bulk(
        [plan.slot.chair.id for plan in plans if plan.slot is not None]
    )
    return [
        Wanted(
            need=plan.draft.need,
            chair=chairs[plan.slot.chair.id],
            start=plan.slot.start,
            patient=course.patient,
            visit=visit,
            protocol=course.protocol,
        )
        for visit, plan in zip(visits, plans, strict=True)
        if plan.slot is not None
    ]


def _refused(plan: VisitPlan, refused: Refused) -> VisitPlan:
    return VisitPlan(plan.draft, None, refusals=refused.refusals, alternatives=plan.alternatives)


def _write_down(visits: Sequence[Visit], plans: Sequence[VisitPlan], now: datetime) -> None:
    """The reasons stand on the worklist. A dose of a stay that would fit alone says which others do not."""
    every = [refusal.as_json() for plan in plans for refusal in plan.refusals]
    for visit, plan in zip(visits, plans, strict=True):
        own = [refusal.as_json() for refusal in plan.refusals]
        Visit.objects.filter(pk=visit.pk, state="unplaced").update(refusals=own or every, tried_at=now)
