"""Pause or discontinue a course, waive a visit: what has not begun is cancelled with the reason, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db.models import QuerySet

from scheduler.domain.errors import Refusal, Refused, Stale, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Course, Visit
from scheduler.queries.course_request import check_reason
from scheduler.services import ledger, record
from scheduler.services.attendance import complete_course_if_over
from scheduler.services.booking import release_time
from scheduler.services.changes import days_of
from scheduler.services.following import live_of_course, redate
from scheduler.services.locking import TRIES, locked, retrying
from scheduler.services.writing import not_possible


def pause(*, actor: Actor, course: Course, reason: str, now: datetime) -> Course:
    """On hold: bookings that have not begun are cancelled and their visits wait, unplaced, until it is resumed."""
    return _end(actor, course, "pause", {"active"}, "on-hold", reason, now)


def discontinue(*, actor: Actor, course: Course, reason: str, now: datetime) -> Course:
    """For good: bookings that have not begun are cancelled, visits not done are waived with the reason."""
    return _end(actor, course, "discontinue", {"draft", "active", "on-hold"}, "discontinued", reason, now)


def waive(*, actor: Actor, visit: Visit, reason: str, now: datetime) -> Visit:
    """This dose will not be given: its booking is cancelled, nothing else moves."""
    check_reason(reason)

    @retrying
    def run() -> Visit:
        with bookings(live_of_course(visit.course_id).filter(visit_id=visit.pk), visit.course, now) as rows:
            current = Visit.objects.select_related("course__center", "course__protocol").get(pk=visit.pk)
            if current.state not in ("unplaced", "booked"):
                raise not_possible(gettext_noop("This visit is done or waived already."))
            if any(row.actual_start is not None for row in rows):
                raise not_possible(gettext_noop("This treatment has begun. Complete it, or cancel it first."))
            cancel_bookings(actor, rows, reason, now)
            before = current.state
            current.state, current.reason, current.refusals = "waived", reason, []
            current.save(update_fields=["state", "reason", "refusals"])
            if rows:
                redate(current.course, now=now)  # what stood outside its window is no anchor any more
            record.event(
                actor=actor,
                verb="waive",
                subject=current,
                now=now,
                before={"state": before},
                after={"state": "waived"},
                reason=reason,
            )
            complete_course_if_over(current.course, actor=actor, now=now)
        return current

    return run()


def _end(actor: Actor, course: Course, verb: str, sources: set[str], status: str, reason: str, now: datetime) -> Course:
    check_reason(reason)

    @retrying
    def run() -> Course:
        not_begun = live_of_course(course.pk).filter(status__in=["pending", "booked"], actual_start__isnull=True)
        with bookings(not_begun, course, now) as rows:
            current = course_now(course, sources, f"be {status}")
            set_status(actor, current, verb, status, reason, now)
            # Visits of a paused course wait for the job, not for a person: the reason is the course's.
            cancel_bookings(actor, rows, reason, now, visit_reason="" if verb == "pause" else reason)
            if status == "discontinued":
                Visit.objects.filter(course=current, state="unplaced").update(
                    state="waived", reason=reason[:200], refusals=[]
                )
        return current

    return run()


@contextmanager
def bookings(wanted: QuerySet[Appointment], course: Course, now: datetime) -> Iterator[list[Appointment]]:
    """These bookings of the course with their patient and days locked, as they are inside the lock. Raises Stale
    where they keep changing."""
    for _ in range(TRIES):
        seen = list(wanted.all())
        days = {day for row in seen for day in days_of(row)}
        with locked(patients=[course.patient_id], days=days, now=now):
            rows = list(wanted.all())
            if {day for row in rows for day in days_of(row)} <= days:
                yield rows
                return
    raise Stale


def cancel_bookings(
    actor: Actor, rows: Sequence[Appointment], reason: str, now: datetime, *, visit_reason: str | None = None
) -> None:
    cancelled = []
    for row in rows:
        before = row.status
        row.status, row.hold_expires_at, row.reason, row.phase = "cancelled", None, reason, ""
        row.version += 1
        row.save()
        release_time(row, reason=reason if visit_reason is None else visit_reason)
        record.event(
            actor=actor,
            verb="cancel",
            subject=row,
            now=now,
            before={"status": before},
            after={"status": "cancelled"},
            reason=reason,
        )
        if before != "pending":
            cancelled.append(row)
    if cancelled:
        ledger.plan_for(*cancelled, kind="cancelled", now=now)


def course_now(course: Course, sources: set[str], what: str) -> Course:
    current = Course.objects.select_related("protocol", "center", "unit__center", "patient").get(pk=course.pk)
    if current.status not in sources:
        raise Refused(
            [
                Refusal(
                    "transition_is_allowed",
                    gettext_noop("This course is {status}, so it cannot {what}."),
                    {"status": current.get_status_display(), "what": what},
                )
            ]
        )
    return current


def set_status(actor: Actor, course: Course, verb: str, status: str, reason: str, now: datetime) -> None:
    before = course.status
    course.status, course.status_reason = status, reason
    course.version += 1
    course.save(update_fields=["status", "status_reason", "version"])
    record.event(
        actor=actor,
        verb=verb,
        subject=course,
        now=now,
        before={"status": before},
        after={"status": status},
        reason=reason,
    )
