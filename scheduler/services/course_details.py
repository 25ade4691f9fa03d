"""Changing a course's wishes and papers: preferences, order, authorisation, attestation. Never what is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from scheduler.domain.errors import Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Course, Visit
from scheduler.queries.course_request import CourseRequest
from scheduler.services import record
from scheduler.services.locking import locked, retrying

CHANGEABLE = frozenset(
    {
        "preferred_minute",
        "preferred_part",
        "preferred_weekdays",
        "preferred_chair",
        "indication",
        "prescriber",
        "order_reference",
        "order_from",
        "order_until",
        "authorization_reference",
        "authorization_from",
        "authorization_until",
        "authorization_visits",
        "attested_by",
        "attested_at",
        "attestation_reference",
    }
)


def change(*, actor: Actor, course: Course, changes: Mapping[str, Any], now: datetime) -> Course:
    """Change what `changes` names. Bookings stay; visits without a place are tried again, since what stood against
    one may be gone. Raises Malformed, and Refused for a course that is over."""
    if not changes:
        raise Malformed("reason", gettext_noop("Say what shall change."))
    unknown = sorted(set(changes) - CHANGEABLE)
    if unknown:
        raise Malformed(unknown[0], gettext_noop("This can’t be changed here."))

    @retrying
    def run() -> Course:
        with locked(patients=[course.patient_id], days=[], now=now):
            current = Course.objects.select_related("center", "unit__center", "protocol", "patient").get(pk=course.pk)
            _check_not_over(current)
            for name, value in changes.items():
                setattr(current, name, value)
            _check(current)
            current.preferred_weekdays = sorted(set(current.preferred_weekdays))
            current.version += 1
            current.save()
            Visit.objects.filter(course=current, state="unplaced").update(tried_at=None)
            # Names only: references and prescribers must stay erasable.
            record.event(actor=actor, verb="change-course", subject=current, now=now, after={"fields": sorted(changes)})
        return current

    return run()


def _check_not_over(course: Course) -> None:
    if course.status in ("completed", "discontinued"):
        raise Refused(
            [
                Refusal(
                    "transition_is_allowed",
                    gettext_noop("This course is {status}, so it cannot be changed."),
                    {"status": course.get_status_display()},
                )
            ]
        )


def _check(course: Course) -> None:
    """By the same checks as when a course is started."""
    kept = {name: getattr(course, name) for name in CHANGEABLE}
    CourseRequest(
        patient=course.patient, protocol=course.protocol, unit=course.unit, start=course.start, **kept
    ).check_details(center=course.center)
