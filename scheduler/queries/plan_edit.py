"""Another place for one visit of a course that is only planned: what the rules offer, and what they say of a time that
somebody asks for. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from scheduler.domain.errors import Refusal
from scheduler.domain.intervals import Interval
from scheduler.domain.rules import ChairFacts, DoseFact
from scheduler.models import Chair
from scheduler.queries.course_request import FARTHEST_START
from scheduler.queries.drafts import Draft
from scheduler.queries.nearby import nearest
from scheduler.queries.plan import CoursePlan, ground_of, wishes_of
from scheduler.queries.search import Ground, Slot, as_slot, candidates

OFFERED = 5
FARTHEST = FARTHEST_START

# By ordinal: chair and start (aware) of each visit as it stands in the preview.
Places = Mapping[int, tuple[int, datetime]]


def offers(plan: CoursePlan, ordinal: int, places: Places, *, now: datetime) -> list[Slot]:
    """Varied places inside the visit's window that pass every rule, the one it has left out; the nearest outside
    where there is none inside."""
    draft = draft_of(plan, ordinal)
    where = _around(plan, draft, places, now)
    has = places.get(ordinal)
    wanted = has[1] if has is not None else draft.due
    found: list[Slot] = []
    if draft.window.end > now:
        inside = candidates(
            where,
            draft.need,
            Interval(max(draft.window.start, now), draft.window.end),
            wishes=wishes_of(plan.course, has[0] if has is not None else None),
            due=draft.due,
            limit=60,
            spread=OFFERED + 1,
            to_the_minute=draft.need.gap is not None and draft.need.gap.counts_in == "minutes",
            per_chair=True,
        )
        found = [as_slot(where, draft.need, one) for one in inside]
    found = found or nearest(where, draft.need, max(wanted, now), chair=has[0] if has is not None else None, now=now)
    return [slot for slot in found if (slot.chair.id, slot.start) != has][:OFFERED]


def refusals(
    plan: CoursePlan, ordinal: int, places: Places, *, chair: Chair, start: datetime, now: datetime
) -> tuple[list[Refusal], list[Slot]]:
    """What speaks against this chair and start (UTC), with the other visits where they stand; and then the nearest
    places that work."""
    draft = draft_of(plan, ordinal)
    where = _around(plan, draft, places, now, also=start)
    said = where.refusals(draft.need, ChairFacts(chair.pk, chair.name, chair.kind, chair.is_active), start)
    if not said:
        return [], []
    return said, nearest(where, draft.need, max(start, now), chair=chair.pk, now=now)


def draft_of(plan: CoursePlan, ordinal: int) -> Draft:
    """Raises KeyError for a visit that the course does not have."""
    for visit in plan.visits:
        if visit.ordinal == ordinal:
            return visit.draft
    raise KeyError(ordinal)


def _around(plan: CoursePlan, draft: Draft, places: Places, now: datetime, also: datetime | None = None) -> Ground:
    course = plan.course
    where = ground_of(course, draft, now, also=also)
    for ordinal, (_chair, start) in places.items():
        if ordinal != draft.ordinal:
            where = where.with_dose(DoseFact(start, draft.need.mg, "booked", center=course.center_id))
    others = {chair for ordinal, (chair, _start) in places.items() if ordinal != draft.ordinal}
    if course.protocol.keeps_chair and others:  # the doses of a stay are given in its one chair
        chairs = {pk: chair for pk, chair in where.unit.chairs.items() if pk in others}
        where = replace(where, unit=replace(where.unit, chairs=chairs))
    return where
