"""Plays the demo's cast through the services: courses start, get their places, are treated, end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F

from scheduler.domain.errors import Refused
from scheduler.domain.permissions import Actor
from scheduler.management.demo.care import Care
from scheduler.management.demo.cast import PREVIEWED, Part, parts
from scheduler.management.demo.clinic import Clinic
from scheduler.management.demo.stage import Stage
from scheduler.models import Appointment, Course, LedgerEntry, Visit
from scheduler.queries.plan import plan_course
from scheduler.services import booking, courses, placing
from scheduler.services.changes import RELATED

PLACES = Actor.job("place-visits")
EXTENDS = Actor.job("extend-courses")
# Mails due longer ago than this were sent; what is newer leaves when the service starts.
TOLD_BEFORE = timedelta(minutes=20)

OF_A_COURSE = ("center", "patient", "protocol", "unit__center")
OF_A_VISIT = tuple(f"course__{name}" for name in OF_A_COURSE)


class Players:
    def __init__(self, *, clinic: Clinic, now: datetime) -> None:
        self.clinic = clinic
        self.stage = Stage(end=now)
        self.care = Care(clinic=clinic, stage=self.stage, rebook=self._rebook)
        self._days: set[date] = set()
        self._played: set[int] = set()

    def play(self, *, watch: Callable[[float], None]) -> None:
        """A year of the clinic, up to the present moment. `watch` is told the share of courses that began."""
        now = self.stage.end
        cast = sorted(parts(self.clinic, now), key=lambda part: part.asked)
        for number, part in enumerate(cast):

            def start(at: datetime, number: int = number, part: Part = part) -> None:
                watch(number / len(cast))
                self._start(part, at)

            self.stage.at(part.asked, start)
        self.stage.at(now, self._confirm)
        self.stage.play()
        self._extend(now)
        self._told(self.clinic.at(self.clinic.day_of(now), 0))
        self._told(now - TOLD_BEFORE, channel=LedgerEntry.Channel.EMAIL)

    def _start(self, part: Part, now: datetime) -> None:
        clinic, desk = self.clinic, self.clinic.desk
        request = courses.CourseRequest(
            patient=clinic.patients[part.patient],
            protocol=clinic.protocols[part.protocol],
            unit=clinic.units[part.unit],
            start=part.start,
            **part.request,
        )
        course = courses.create(
            actor=desk,
            center=clinic.center,
            request=request,
            placements=self._previewed(request, now) if part.protocol in PREVIEWED else None,
            now=now,
        )
        self._come(Appointment.objects.filter(visit__course=course), now)
        self._place(course, now)
        if part.overrides:
            self._override(course, part.overrides, now)
        if part.ends is not None:
            verb, when, reason = part.ends
            end: Callable[..., Any] = {"pause": courses.pause, "discontinue": courses.discontinue}[verb]
            self.stage.at(when, lambda at: end(actor=desk, course=course, reason=reason, now=at))

    def _previewed(self, request: courses.CourseRequest, now: datetime) -> list[courses.Placement]:
        """The desk takes the preview as it is; what has no place there is left to the job."""
        planned = plan_course(request.course(center=self.clinic.center, now=now), now=now)
        return [
            courses.Placement(visit.ordinal, visit.slot.chair.id, visit.slot.start)
            for visit in planned.visits
            if visit.slot is not None
        ]

    def _place(self, course: Course, now: datetime) -> None:
        """What the job does within seconds, visit by visit; the doses of a stay together."""
        waiting = Visit.objects.filter(course=course, state=Visit.State.UNPLACED, tried_at=None, reason="")
        for visit in waiting.select_related(*OF_A_VISIT):
            self._come(placing.place_visit(actor=PLACES, visit=visit, now=now), now)
            if visit.course.protocol.keeps_chair:
                return

    def _override(self, course: Course, code: str, now: datetime) -> None:
        """A nurse books the next visit at its due time all the same, in the last chair that is free then."""
        waiting = Visit.objects.filter(course=course, state=Visit.State.UNPLACED)
        visit = waiting.select_related(*OF_A_VISIT).earliest("due")
        override = booking.Override(codes=frozenset({code}), reason="Renewal is asked for.")
        for chair in course.unit.chairs.select_related("unit__center").order_by("-position"):
            try:
                booked = booking.book(
                    actor=self.clinic.nurse, chair=chair, start=visit.due, visit=visit, override=override, now=now
                )
            except Refused:
                continue  # taken: the next chair may be free
            self._come([booked], now)
            return

    def _come(self, appointments: Iterable[Appointment], now: datetime) -> None:
        """Their days will be played: today's at once, others when they begin."""
        today = self.clinic.day_of(now)
        for appointment in appointments:
            day = self.clinic.day_of(appointment.start)
            if day == today:
                self._treat(Appointment.objects.select_related(*RELATED).get(pk=appointment.pk))
            elif day not in self._days:
                self._days.add(day)
                self.stage.at(self.clinic.at(day, 0), self._begin)

    def _begin(self, now: datetime) -> None:
        """A day begins."""
        self._told(now)
        following = self.clinic.at(self.clinic.day_of(now) + timedelta(days=1), 0)
        coming = Appointment.objects.filter(start__gte=now, start__lt=following, status="booked")
        for appointment in coming.select_related(*RELATED):
            self._treat(appointment)

    def _treat(self, appointment: Appointment) -> None:
        if appointment.pk not in self._played:
            self._played.add(appointment.pk)
            self.care.play(appointment)

    def _rebook(self, missed: Appointment, now: datetime) -> None:
        """The desk called who did not come: another place in the visit's window, or none this time."""
        visit = Visit.objects.select_related(*OF_A_VISIT).get(appointments=missed)
        booked = placing.place_visit(actor=self.clinic.desk, visit=visit, now=now)
        if not booked:
            courses.waive(actor=self.clinic.desk, visit=visit, reason="Missed, goes on with the next one.", now=now)
        self._come(booked, now)

    def _confirm(self, now: datetime) -> None:
        """Most of those who come on the next open days have said so."""
        today = self.clinic.day_of(now)
        soon = self.clinic.at(self.clinic.open_day(today + timedelta(days=1)) + timedelta(days=1), 0)
        coming = Appointment.objects.filter(start__gt=now, start__lt=soon, status="booked")
        for number, appointment in enumerate(coming.select_related(*RELATED)):
            if number % 3:
                booking.confirm(actor=self.clinic.desk, appointment=appointment, now=now)

    def _extend(self, now: datetime) -> None:
        """The open-ended ones, as far ahead as the jobs keep them."""
        for course in Course.objects.filter(status="active", doses=None).select_related(*OF_A_COURSE):
            courses.extend(actor=EXTENDS, course=course, now=now)
            self._place(course, now)

    def _told(self, before: datetime, **which: str) -> None:
        """The mails of the past were sent and the calls made, as far as anybody can tell. Today's calls wait."""
        LedgerEntry.objects.filter(state=LedgerEntry.State.DUE, due__lt=before, **which).update(
            state=LedgerEntry.State.SENT, done_at=F("due")
        )
