"""Short words for what the tests of services do again and again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.domain import lifecycle
from scheduler.models import Appointment, Chair, Course, Event, Occupancy, Unit, Visit
from scheduler.queries.course_request import CourseRequest
from scheduler.services import booking, courses, placing
from tests import factories as make
from tests.factories import NOW, utc

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = utc("2026-11-30T10:00-05:00")  # two weeks after NOW
SATURDAY = utc("2026-12-05T09:00-05:00")


def local(moment: datetime) -> str:
    return f"{moment.astimezone(NEW_YORK):%a %d %b %H:%M}"


def codes(refused: Any) -> list[str]:
    return [refusal.code for refusal in refused.value.refusals]


def chairs(unit: Unit) -> list[Chair]:
    return list(unit.chairs.select_related("unit__center").order_by("position"))


def book(actor, chair, start, *, now=NOW, minutes=60, **values: Any) -> Appointment:
    """A booking of plain minutes, for a patient of its own where none is given."""
    if not values.keys() & {"patient", "visit"}:
        values["patient"] = make.make_patient(chair.unit.center)
    if not values.keys() & {"protocol", "visit"}:
        values["minutes"] = minutes
    return booking.book(actor=actor, chair=chair, start=start, now=now, **values)


def start_course(actor, unit, protocol, start, *, now=NOW, patient=None, **values: Any) -> Course:
    center = unit.center
    request = CourseRequest(
        patient=patient or make.make_patient(center), protocol=protocol, unit=unit, start=start, **values
    )
    return courses.create(actor=actor, center=center, request=request, now=now)


def place_all(course: Course, actor, *, now=NOW) -> list[Appointment]:
    """What the job does for one course."""
    for visit in Visit.objects.filter(course=course, state="unplaced"):
        visit.refresh_from_db()
        if visit.state == "unplaced":
            placing.place_visit(actor=actor, visit=visit, now=now)
    return live(course)


def live(course: Course) -> list[Appointment]:
    return list(Appointment.objects.filter(visit__course=course, status__in=lifecycle.LIVE).order_by("visit__ordinal"))


def verbs(subject: Any) -> list[str]:
    events = Event.objects.filter(subject=subject._meta.model_name, subject_id=subject.pk)
    return list(events.order_by("pk").values_list("verb", flat=True))


def counts() -> tuple[int, ...]:
    """How many rows there are of what a service writes: equal before and after where nothing was written."""
    return tuple(model.objects.count() for model in (Appointment, Occupancy, Visit, Course, Event))


def assert_kept() -> None:
    """What must hold after every service: a live booking has its chair and patient time, and nothing else has."""
    for row in Appointment.objects.select_related("visit__course__protocol"):
        has = Occupancy.objects.filter(appointment=row).first()
        if row.status not in lifecycle.LIVE:
            assert has is None, f"{row.status} but it takes time"
            continue
        assert has is not None, f"{row.status} without its time"
        before = timedelta(minutes=row.prep_minutes)
        after = timedelta(minutes=row.observation_minutes + row.turnover_minutes)
        if row.visit is not None and row.visit.course.protocol.keeps_chair:
            has = Occupancy.objects.get(stay=row.visit.course)
        assert has.chair_id == row.chair_id, "its chair is another one than is kept"
        assert has.chair_from <= row.start - before
        assert has.chair_until >= row.end + after
    for stay in Occupancy.objects.filter(stay__isnull=False):
        assert live(stay.stay), "a chair is kept for a stay without doses"
    for visit in Visit.objects.all():
        has_place = Appointment.objects.filter(visit=visit, status__in=lifecycle.LIVE).exists()
        if visit.state in ("unplaced", "waived"):
            assert not has_place, f"{visit.state} but booked"
        if visit.state == "booked":
            assert has_place, "booked but nowhere"
