"""Promise 2: every due visit of an active course is there, and booked, done, waived with a reason, or on the worklist
with the reasons why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, Max, OuterRef, Q

from scheduler.domain import lifecycle
from scheduler.models import Appointment, Course, Dose, Event, Visit
from scheduler.queries import horizon
from scheduler.queries.drafts import anchors, drafts_until
from scheduler.queries.integrity.problem import Problem

CHECKED = timedelta(days=400)
PLACED_WITHIN = timedelta(hours=1)


def one_live_appointment(now: datetime) -> Iterator[Problem]:
    """A visit has one live appointment at most."""
    doubled = (
        Appointment.objects.filter(status__in=lifecycle.LIVE, visit__isnull=False)
        .values("visit")
        .annotate(count=Count("pk"))
        .filter(count__gt=1)
        .order_by("visit")
        .values_list("visit", flat=True)
    )
    for visit in doubled:
        yield Problem("visit_has_one_live_appointment", {"visit": visit})


def states(now: datetime) -> Iterator[Problem]:
    """A visit is booked exactly while an open appointment stands for it, and done once it was given."""
    appointments = Appointment.objects.filter(visit=OuterRef("pk"))
    is_open = Exists(appointments.filter(status__in=lifecycle.OPEN))
    is_over = Exists(appointments.filter(status="fulfilled"))
    given = Exists(Dose.objects.filter(visit=OuterRef("pk")).exclude(status=Dose.Status.NOT_GIVEN))
    wrong = (
        ("booked_visit_has_an_appointment", Q(state="booked") & ~Q(is_open)),
        ("appointment_has_a_booked_visit", ~Q(state="booked") & Q(is_open)),
        ("done_visit_was_given", Q(state="done") & ~Q(is_over) & ~Q(given)),
        ("given_visit_is_done", ~Q(state="done") & Q(is_over)),
    )
    for rule, condition in wrong:
        for pk in Visit.objects.filter(condition).order_by("pk").values_list("pk", flat=True):
            yield Problem(rule, {"visit": pk})


def ordinals(now: datetime) -> Iterator[Problem]:
    """The visits of a course are numbered from 1 without a gap, and those not waived are no more than it has doses: an
    order for fewer waives the rest."""
    courses = Course.objects.annotate(
        count=Count("visits"),
        last=Max("visits__ordinal"),
        last_due=Max("visits__ordinal", filter=~Q(visits__state="waived")),
    ).filter(~Q(count=F("last")) | Q(last_due__gt=F("doses")))
    for pk in courses.filter(count__gt=0).order_by("pk").values_list("pk", flat=True):
        yield Problem("visits_are_complete", {"course": pk})


def horizon_is_filled(now: datetime) -> Iterator[Problem]:
    """What is due within 400 days stands there as a visit."""
    for course in horizon.unfinished(until=now + CHECKED):
        last = course.last_ordinal or 0  # type: ignore[attr-defined]  # annotated
        missing = drafts_until(course, until=now + CHECKED, after=last, happened=anchors(course))
        if missing:
            yield Problem(
                "due_visits_are_generated",
                {"course": course.pk, "ordinals": [draft.ordinal for draft in missing]},
            )


def waiting(now: datetime) -> Iterator[Problem]:
    """A visit without a place was looked at within the hour, and says why it has none. One that a person took down
    has that person's reason."""
    lately = Event.objects.filter(patient_id=OuterRef("course__patient"), at__gt=now - PLACED_WITHIN)
    forgotten = (
        Visit.objects.filter(
            Q(tried_at__isnull=True) | Q(tried_at__lt=now - PLACED_WITHIN),
            ~Exists(lately),
            state=Visit.State.UNPLACED,
            course__status=Course.Status.ACTIVE,
            course__created_at__lt=now - PLACED_WITHIN,
            reason="",
            refusals=[],
        )
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    for pk in forgotten:
        yield Problem("unplaced_visit_says_why", {"visit": pk})


def waived(now: datetime) -> Iterator[Problem]:
    for pk in Visit.objects.filter(state="waived", reason="").order_by("pk").values_list("pk", flat=True):
        yield Problem("waived_visit_has_a_reason", {"visit": pk})
