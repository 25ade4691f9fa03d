"""A small clinic for tests of jobs, messages and the worklist: both suites, some chairs, and short verbs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Center, Course, LedgerEntry, Patient, Protocol, Unit, Visit
from scheduler.queries.course_request import CourseRequest
from scheduler.services import booking, courses
from scheduler.services.jobs import JOBS
from tests import factories as make
from tests.factories import NOW, utc


class Clinic:
    """Bookings go through the services; `entries` reads the ledger."""

    def __init__(self, *, chairs: int = 3, beds: int = 2, **center: Any) -> None:
        self.center: Center = make.make_center(**center)
        self.day: Unit = make.make_day_suite(self.center)
        self.night: Unit = make.make_night_suite(self.center)
        self.chairs = [make.make_chair(self.day) for _ in range(chairs)]
        self.beds = [make.make_bed(self.night) for _ in range(beds)]
        self.actor: Actor = make.make_actor(self.center)
        self._quarterly: Protocol | None = None
        self._dhe: Protocol | None = None

    @property
    def quarterly(self) -> Protocol:
        self._quarterly = self._quarterly or make.make_quarterly()
        return self._quarterly

    @property
    def dhe(self) -> Protocol:
        self._dhe = self._dhe or make.make_dhe()
        return self._dhe

    def patient(self, email: str = "ana@example.org", **values: Any) -> Patient:
        return make.make_patient(self.center, email=email, **values)

    def book(
        self, patient: Patient | None = None, start: str = "2026-11-24T10:00-05:00", *, chair: int = 0, **values: Any
    ) -> Appointment:
        """Thirty minutes in the day suite without a course, unless `values` say otherwise."""
        now = values.pop("now", NOW)
        if "visit" not in values and "protocol" not in values:
            values.setdefault("minutes", 30)
        return booking.book(
            actor=self.actor,
            chair=self.chairs[chair],
            start=utc(start),
            patient=patient or self.patient(),
            now=now,
            **values,
        )

    def quarterly_course(self, patient: Patient | None = None, *, now: datetime = NOW, **values: Any) -> Course:
        return self._course(
            {"protocol": self.quarterly, "unit": self.day, "start": utc("2026-11-30T10:00-05:00")} | values,
            patient,
            now,
        )

    def stay(self, patient: Patient | None = None, *, now: datetime = NOW, **values: Any) -> Course:
        """DHE every 8 hours for one day, three doses in the 24-hour suite."""
        return self._course(
            {"protocol": self.dhe, "unit": self.night, "start": utc("2026-11-28T09:00-05:00"), "days": 1} | values,
            patient,
            now,
        )

    def _course(self, values: dict[str, Any], patient: Patient | None, now: datetime) -> Course:
        request = CourseRequest(patient=patient or self.patient(), **values)
        return courses.create(actor=self.actor, center=self.center, request=request, now=now)

    def move(self, appointment: Appointment, start: str, *, now: datetime = NOW, **values: Any) -> Appointment:
        return booking.move(actor=self.actor, appointment=appointment, start=utc(start), now=now, **values)

    def cancel(self, appointment: Appointment, *, now: datetime = NOW) -> Appointment:
        return booking.cancel(actor=self.actor, appointment=appointment, reason="She is ill.", now=now)


def run(job: str, now: datetime = NOW) -> dict[str, int]:
    return JOBS[job](now)


def place(course: Course, now: datetime = NOW) -> list[Appointment]:
    """Let the job place the course's visits; its live appointments in order."""
    run("place-visits", now)
    return list(
        Appointment.objects.filter(visit__course=course, status="booked")
        .select_related("visit__course__protocol", "center", "patient")
        .order_by("start")
    )


def entries(**filters: Any) -> list[tuple[str, str, int, str]]:
    """(kind, channel, days before, state) of the ledger's rows, in the order they are due."""
    return list(
        LedgerEntry.objects.filter(**filters)
        .order_by("due", "pk")
        .values_list("kind", "channel", "offset_days", "state")
    )


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def unplaced(course: Course) -> list[Visit]:
    return list(Visit.objects.filter(course=course, state="unplaced").order_by("ordinal"))
