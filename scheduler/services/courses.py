"""Start, resume and amend a course, generate what is due; with pause, discontinue and waive, which live in stopping.py.

Creating a course writes its first visits in the same transaction, so that nothing is lost even without a broker;
jobs place them (services/placing.py) and extend them to the horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Chair, Course, Protocol, Visit
from scheduler.queries.course_request import CourseRequest, check_moment, check_reason
from scheduler.queries.drafts import GENERATED, Draft, anchors, drafts_until
from scheduler.services import ledger, record
from scheduler.services.attendance import complete_course_if_over
from scheduler.services.following import live_of_course, redate
from scheduler.services.locking import locked, retrying, unit_days
from scheduler.services.settle import Override, Wanted, check_override, settle
from scheduler.services.stopping import course_now, discontinue, pause, set_status, waive
from scheduler.services.writing import check_place, not_possible, recorded

__all__ = ["CourseRequest", "Placement", "amend", "create", "discontinue", "extend", "pause", "resume", "waive"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one visit of a preview shall stand: its ordinal, the chair's id, the start (aware)."""

    ordinal: int
    chair_id: int
    start: datetime


def create(
    *,
    actor: Actor,
    center: Center,
    request: CourseRequest,
    placements: Sequence[Placement] | None = None,
    override: Override | None = None,
    now: datetime,
) -> Course:
    """Start a course. Without placements its visits stand unplaced and the job places them within seconds; with
    placements all of these are booked, or nothing is written and Refused says why."""
    drafts_of = request.course(center=center, now=now)
    drafts = drafts_until(drafts_of, until=now + GENERATED)
    chairs = _chairs(center, placements or [], drafts, now)

    @retrying
    def run() -> Course:
        course = request.course(center=center, now=now)
        wanted_places = {placement.ordinal: placement for placement in placements or []}
        days = set()
        for draft in drafts:
            if draft.ordinal in wanted_places:
                place = wanted_places[draft.ordinal]
                chair = chairs[place.chair_id]
                proposal = Wanted(need=draft.need, chair=chair, start=place.start.astimezone(UTC)).proposal()
                days |= unit_days(chair.unit, proposal.own_chair_time)
        with locked(patients=[course.patient_id], days=_with_between(days), now=now):
            course.save()
            visits = _write_visits(course, drafts)
            record.event(actor=actor, verb="start-course", subject=course, now=now, after={"visits": len(visits)})
            wanted = [
                Wanted(
                    need=draft.need,
                    chair=chairs[wanted_places[draft.ordinal].chair_id],
                    start=wanted_places[draft.ordinal].start.astimezone(UTC),
                    patient=course.patient,
                    visit=visits[draft.ordinal],
                    protocol=course.protocol,
                )
                for draft in drafts_until(course, until=now + GENERATED)
                if draft.ordinal in wanted_places
            ]
            if wanted:
                check_override(actor, override, wanted)
                rows = settle(actor=actor, wanted=wanted, override=override, now=now)
                for row in rows:
                    recorded(actor, "book", row, {}, override, now)
                ledger.plan_for(*rows, kind="booked", now=now)
                if override is not None:
                    redate(course, now=now)
        return course

    return run()


def _with_between(days: set) -> set:
    """A stay keeps its chair on the dates between its doses too; other courses lock the dates they touch."""
    filled = set(days)
    for unit in {unit for unit, _ in days}:
        dates = sorted(day for other, day in days if other == unit)
        for first, second in pairwise(dates):
            if (second - first).days <= 2:
                filled |= {(unit, first + timedelta(days=step)) for step in range((second - first).days)}
    return filled


def _chairs(
    center: Center, placements: Sequence[Placement], drafts: Sequence[Draft], now: datetime
) -> dict[int, Chair]:
    known = {
        chair.pk: chair
        for chair in Chair.objects.select_related("unit__center").filter(
            pk__in={placement.chair_id for placement in placements}, unit__center=center
        )
    }
    ordinals = [placement.ordinal for placement in placements]
    if len(set(ordinals)) < len(ordinals) or not set(ordinals) <= {draft.ordinal for draft in drafts}:
        raise Malformed("placements", gettext_noop("Each visit of the course has at most one place."))
    for placement in placements:
        check_moment("placements", placement.start)
        if placement.chair_id not in known:
            raise Malformed("placements", gettext_noop("This chair is not in {center}."), center=center.name)
        check_place(known[placement.chair_id], placement.start, now)
    return known


def _write_visits(course: Course, drafts: Sequence[Draft]) -> dict[int, Visit]:
    Visit.objects.bulk_create(
        [
            Visit(
                course=course,
                ordinal=draft.ordinal,
                due=draft.due,
                window_start=draft.window.start,
                window_end=draft.window.end,
            )
            for draft in drafts
        ],
        ignore_conflicts=True,  # two jobs may extend one course at once
    )
    rows = Visit.objects.filter(course=course, ordinal__in=[draft.ordinal for draft in drafts])
    return {
        visit.ordinal: visit for visit in rows.select_related("course__protocol", "course__center", "course__patient")
    }


def extend(*, actor: Actor, course: Course, now: datetime) -> int:
    """Generate the visits that became due within the horizon; returns how many. Safe twice at once."""
    if course.status != "active" or not _due_soon(course, now):
        return 0

    @retrying
    def run() -> int:
        with locked(patients=[course.patient_id], days=[], now=now):
            current = Course.objects.select_related("protocol", "center").get(pk=course.pk)
            drafts = _due_soon(current, now) if current.status == "active" else []
            if drafts:
                _write_visits(current, drafts)
                record.event(actor=actor, verb="extend-course", subject=current, now=now, after={"visits": len(drafts)})
        return len(drafts)

    return run()


def _due_soon(course: Course, now: datetime) -> list[Draft]:
    last = Visit.objects.filter(course=course).order_by("-ordinal").values_list("ordinal", flat=True).first() or 0
    return drafts_until(course, until=now + GENERATED, after=last, happened=anchors(course))


def resume(*, actor: Actor, course: Course, reason: str = "", now: datetime) -> Course:
    """Active again: the jobs place its visits; those whose window has passed are on the worklist."""
    check_reason(reason, is_needed=False)

    @retrying
    def run() -> Course:
        with locked(patients=[course.patient_id], days=[], now=now):
            current = course_now(course, {"on-hold", "draft"}, "be resumed")
            set_status(actor, current, "resume", "active", reason, now)
            redate(current, now=now)
            Visit.objects.filter(course=current, state="unplaced").update(tried_at=None)
            complete_course_if_over(current, actor=actor, now=now)  # the last one may have been done meanwhile
        return current

    resumed = run()
    extend(actor=actor, course=resumed, now=now)
    return resumed


def amend(*, actor: Actor, course: Course, protocol: Protocol, reason: str, now: datetime) -> Course:
    """Move the course to a newer version of its protocol. Bookings stay as promised; those that no longer lie in
    their new window become proposals."""
    if protocol.code != course.protocol.code or protocol.version <= course.protocol.version:
        raise Malformed("protocol", gettext_noop("A course is amended to a newer version of its own protocol."))
    if protocol.published_at is None or protocol.center_id not in (None, course.center_id):
        raise Malformed("protocol", gettext_noop("This protocol is not offered here."))
    check_reason(reason)

    @retrying
    def run() -> Course:
        with locked(patients=[course.patient_id], days=[], now=now):
            current = course_now(course, {"draft", "active", "on-hold"}, "be amended")
            if protocol.keeps_chair != current.protocol.keeps_chair and live_of_course(current.pk).exists():
                raise not_possible(
                    gettext_noop("This version keeps its chair otherwise. Cancel the booked doses first.")
                )
            before = {"protocol": current.protocol_id}
            current.protocol = protocol
            current.version += 1
            current.save(update_fields=["protocol", "version"])
            redate(current, now=now)
            record.event(
                actor=actor,
                verb="amend",
                subject=current,
                now=now,
                before=before,
                after={"protocol": protocol.pk},
                reason=reason,
            )
        return current

    return run()
