"""Orders and authorisations that end before a visit that is booked soon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.domain import localtime
from scheduler.models import Appointment, Center, Course
from scheduler.queries.worklist.item import Action, WorklistItem

AHEAD = timedelta(days=30)
TODAY = timedelta(days=3)


def ending(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """One item for each course and paper, with how many booked visits it does not cover."""
    booked = (
        Appointment.objects.filter(
            Q(visit__course__order_until__isnull=False)
            | Q(visit__course__authorization_until__isnull=False)
            | Q(visit__course__authorization_visits__isnull=False),
            center=center,
            status="booked",
            start__gt=now,
            start__lt=now + AHEAD,
        )
        .select_related("visit__course__patient")
        .order_by("start", "pk")
    )
    uncovered: dict[tuple[str, int], list[Appointment]] = {}
    for appointment in booked:
        for paper in _missing(appointment, localtime.local_date(appointment.start, center.zone)):
            assert appointment.visit is not None  # joined
            uncovered.setdefault((paper, appointment.visit.course_id), []).append(appointment)
    for (paper, _course), group in uncovered.items():
        yield _item(paper, group, center, now)


def _missing(appointment: Appointment, day: date) -> Iterator[str]:
    assert appointment.visit is not None
    course, ordinal = appointment.visit.course, appointment.visit.ordinal
    if course.order_until is not None and day > course.order_until:
        yield "order"
    if (course.authorization_until is not None and day > course.authorization_until) or (
        course.authorization_visits is not None and ordinal > course.authorization_visits
    ):
        yield "authorization"


def _item(paper: str, group: list[Appointment], center: Center, now: datetime) -> WorklistItem:
    first = group[0]
    assert first.visit is not None
    course = first.visit.course
    start = first.start.astimezone(center.zone)
    facts = {
        "name": course.patient.full_name,
        "count": len(group),
        "first": formats.date_format(start.date(), "D j M"),
        "ends": _ends(paper, course),
    }
    title = _("Order of %(name)s ends") if paper == "order" else _("Authorisation of %(name)s ends")
    return WorklistItem(
        key=f"{paper}:{course.pk}",
        kind="order",
        urgency="today" if first.start <= now + TODAY else "later",
        title=title % facts,
        detail=ngettext(
            "%(ends)s. %(count)s booked visit is not covered: %(first)s.",
            "%(ends)s. %(count)s booked visits are not covered, the first on %(first)s.",
            len(group),
        )
        % facts,
        when=first.start,
        action=Action(_("Ask to renew"), "course", (course.pk,)),
        patient_id=course.patient_id,
        listed_name=course.patient.listed_name,
        course_id=course.pk,
        visit_id=first.visit_id,
        appointment_id=first.pk,
        unit_id=first.unit_id,
    )


def _ends(paper: str, course: Course) -> str:
    until = course.order_until if paper == "order" else course.authorization_until
    if until is not None:
        return _("Ends on %(day)s") % {"day": formats.date_format(until, "D j M Y")}
    return _("%(visits)s visits are authorised") % {"visits": course.authorization_visits}
