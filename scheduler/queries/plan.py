"""A plan for the visits of a course: where each can go, why there, and why not. Reads only; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q

from scheduler.domain.errors import Refusal, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Wishes
from scheduler.domain.rules import ChairFacts, DoseFact
from scheduler.models import Appointment, Center, Course, Protocol, Unit
from scheduler.queries.course_request import CourseRequest
from scheduler.queries.drafts import GENERATED, Draft, drafts_until
from scheduler.queries.nearby import DAYS_AROUND, nearest
from scheduler.queries.plan_stay import plan_stay
from scheduler.queries.planned import VisitPlan
from scheduler.queries.search import Ground, best_slots, ground, no_chair

STARTS_TRIED = (8, 16, 24, 32, 48, 72)  # hours later at which another start of a stay is tried


@dataclass(frozen=True, slots=True)
class CourseAlternative:
    """Another way to give the course: `kind` is unit, start or protocol."""

    kind: str
    unit: Unit
    protocol: Protocol
    start: datetime
    chair: ChairFacts | None
    sentence: str
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CoursePlan:
    course: Course
    visits: tuple[VisitPlan, ...]
    alternatives: tuple[CourseAlternative, ...] = ()

    @property
    def fits(self) -> bool:
        return all(visit.slot is not None for visit in self.visits)

    @property
    def refusals(self) -> list[Refusal]:
        return [refusal for visit in self.visits for refusal in visit.refusals]


def preview(*, center: Center, request: CourseRequest, now: datetime) -> CoursePlan:
    """What the course would look like. Raises Malformed; a course that does not fit is an answer, not an error."""
    course = request.course(center=center, now=now)
    plan = plan_course(course, now=now)
    if plan.fits:
        return plan
    return CoursePlan(course, plan.visits, tuple(_alternatives(course, now)))


def plan_course(course: Course, *, now: datetime) -> CoursePlan:
    """Plan all visits of a course that has none yet, up to the horizon."""
    drafts = drafts_until(course, until=now + GENERATED)
    return CoursePlan(course, tuple(plan_visits(course, drafts, now=now)))


def plan_visits(course: Course, drafts: Sequence[Draft], *, now: datetime) -> list[VisitPlan]:
    """A place, or the reasons why there is none, for each of the drafts. Doses of a stay get one chair, all of
    them or none; other visits are placed one after the other, each knowing the ones before it."""
    if course.protocol.keeps_chair:
        return plan_stay(course, drafts, now=now)
    return _plan_apart(course, drafts, now=now)


def wishes_of(course: Course, last_chair: int | None) -> Wishes:
    return Wishes(
        time_of_day=course.preferred_minute,
        part_of_day=course.preferred_part or None,  # type: ignore[arg-type]  # checked when it came in
        weekdays=frozenset(course.preferred_weekdays),
        chair=course.preferred_chair_id,
        last_chair=last_chair,
    )


def _plan_apart(course: Course, drafts: Sequence[Draft], *, now: datetime) -> list[VisitPlan]:
    plans: list[VisitPlan] = []
    last_chair = last_chair_of(course)
    decided: list[DoseFact] = []
    for draft in drafts:
        where = ground_of(course, draft, now)
        for dose in decided:
            where = where.with_dose(dose)
        visit = place_draft(course, draft, where, last_chair=last_chair, now=now)
        plans.append(visit)
        if visit.slot is not None:
            last_chair = visit.slot.chair.id
            decided.append(DoseFact(visit.slot.start, draft.need.mg, "booked", center=course.center_id))
    return plans


def last_chair_of(course: Course) -> int | None:
    """The chair of the course's latest appointment: people like to sit where they sat last time."""
    if course._state.adding:  # a preview: nothing is saved yet
        return None
    return (
        Appointment.objects.filter(visit__course=course)
        .exclude(status__in=["cancelled", "entered-in-error"])
        .order_by("-start")
        .values_list("chair_id", flat=True)
        .first()
    )


def ground_of(course: Course, draft: Draft, now: datetime, *, also: datetime | None = None) -> Ground:
    """Window and the days around it, so that alternatives outside the window can be named too; and the days around
    `also`, a moment that somebody asks for."""
    around = timedelta(days=DAYS_AROUND)
    span = Interval(
        max(min(draft.window.start, draft.due - timedelta(days=1)), now - timedelta(days=1)),
        max(draft.window.end, now) + around,
    )
    if also is not None:
        span = Interval(min(span.start, also - around), max(span.end, also + around))
    return ground(unit=course.unit, patient_id=course.patient_id, need=draft.need, span=span, now=now)


def place_draft(course: Course, draft: Draft, where: Ground, *, last_chair: int | None, now: datetime) -> VisitPlan:
    """The best place for one visit inside its window."""
    span = Interval(max(draft.window.start, now), draft.window.end) if draft.window.end > now else None
    by_minutes = draft.need.gap is not None and draft.need.gap.counts_in == "minutes"
    if span is not None:
        slots = best_slots(
            where,
            draft.need,
            span,
            wishes=wishes_of(course, last_chair),
            due=draft.due,
            limit=1,
            to_the_minute=by_minutes,
        )
        if slots:
            shifted = _why_not(where, draft, slots[0].chair) if slots[0].start != draft.due else []
            return VisitPlan(draft, slots[0], shifted=tuple(shifted))
    chair = _asked_chair(course, draft, where, last_chair)
    why = _why_not(where, draft, chair) if chair is not None else [no_chair(where)]
    if draft.window.end <= now:
        why.append(
            Refusal(
                "window_is_kept",
                gettext_noop("This visit was due on {due} and its window has passed."),
                {"due": draft.due.astimezone(where.unit.zone)},
                is_hard=False,
            )
        )
    if not why:  # the due time itself is free but past, or before the order begins: say what the search was given
        why.append(
            Refusal(
                "window_is_kept",
                gettext_noop("Between {from} and {until} no start passes every rule."),
                {
                    "from": (span or draft.window).start.astimezone(where.unit.zone),
                    "until": draft.window.end.astimezone(where.unit.zone),
                },
                is_hard=False,
            )
        )
    alternatives = nearest(
        where, draft.need, max(draft.due, now), chair=chair.id if chair is not None else None, now=now
    )
    return VisitPlan(draft, None, refusals=tuple(why), alternatives=tuple(alternatives))


def _asked_chair(course: Course, draft: Draft, where: Ground, last_chair: int | None) -> ChairFacts | None:
    """The chair that a refusal is about: the wished one, the last one, else the first that suits."""
    chairs = where.unit.chairs
    for wanted in (course.preferred_chair_id, last_chair):
        if wanted is not None and wanted in chairs:
            return chairs[wanted]
    suitable = (chair for chair in chairs.values() if chair.is_bed or not draft.need.needs_bed)
    return next(suitable, next(iter(chairs.values()), None))


def _why_not(where: Ground, draft: Draft, chair: ChairFacts) -> list[Refusal]:
    return where.refusals(draft.need, chair, draft.due)


def _alternatives(course: Course, now: datetime) -> list[CourseAlternative]:
    """What would work instead: another unit at the same start, another start, another protocol of the drug."""
    found: list[CourseAlternative] = []
    units = list(Unit.objects.filter(center_id=course.center_id).exclude(pk=course.unit_id))
    for unit in units:
        found += _as_alternative(_like(course, unit=unit), "unit", now)
    if course.protocol.keeps_chair:
        for unit in [course.unit, *units]:
            for hours in STARTS_TRIED:
                later = _as_alternative(
                    _like(course, unit=unit, start=course.start + timedelta(hours=hours)), "start", now
                )
                if later:
                    found += later
                    break
    for protocol in _other_protocols(course):
        other = _like(course, protocol=protocol)
        other.doses = _doses_alike(course, protocol)
        found += _as_alternative(other, "protocol", now)
    return found[:4]


def _doses_alike(course: Course, protocol: Protocol) -> int | None:
    """As many doses where the other protocol allows it, else what it gives over as many days."""
    if not protocol.doses or course.doses in protocol.doses:
        return course.doses
    days = next((days for days, doses in (course.protocol.days or {}).items() if doses == course.doses), None)
    return (protocol.days or {}).get(days) or protocol.default_doses or protocol.doses[0]


def _other_protocols(course: Course) -> list[Protocol]:
    if not course.protocol.substance:
        return []
    newest: dict[str, Protocol] = {}
    for protocol in Protocol.objects.filter(
        Q(center__isnull=True) | Q(center_id=course.center_id),
        substance=course.protocol.substance,
        published_at__isnull=False,
    ).exclude(code=course.protocol.code):
        if protocol.code not in newest or protocol.version > newest[protocol.code].version:
            newest[protocol.code] = protocol
    return list(newest.values())


def _like(course: Course, **changes: object) -> Course:
    values = {
        name.attname: getattr(course, name.attname) for name in Course._meta.concrete_fields if not name.primary_key
    }
    other = Course(**values)
    for name, value in changes.items():
        setattr(other, name, value)
    if "unit" in changes and course.preferred_chair_id is not None:
        other.preferred_chair = None
    return other


def _as_alternative(other: Course, kind: str, now: datetime) -> list[CourseAlternative]:
    plan = plan_course(other, now=now)
    if not plan.fits or not plan.visits:
        return []
    slot = plan.visits[0].slot
    chair = slot.chair if slot is not None else None
    start = (slot.start if slot is not None else other.start).astimezone(other.center.zone)
    sentence = {
        "unit": gettext_noop("All {count} at their times in {unit}, from {start}, {chair}."),
        "start": gettext_noop("All {count} in {unit} from {start}, {chair}."),
        "protocol": gettext_noop(
            "{protocol}: not the same treatment, so only with a new order. {count} from {start} in {unit}, {chair}."
        ),
    }[kind]
    facts = {
        "count": len(plan.visits),
        "unit": other.unit.name,
        "start": start,
        "chair": chair.name if chair is not None else "",
        "protocol": other.protocol.name,
    }
    return [CourseAlternative(kind, other.unit, other.protocol, start, chair, sentence, facts)]
