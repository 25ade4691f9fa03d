"""How a visit goes on its day: she arrives, is checked in, treated, observed, and leaves; or doesn't come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from scheduler.domain.permissions import Actor
from scheduler.management.demo.clinic import Clinic
from scheduler.management.demo.stage import Stage
from scheduler.models import Appointment
from scheduler.services import attendance

# Before this many days every step of the day is forgotten, and only that the treatment was given is played.
DAYS_IN_DETAIL = 1
LATE_MINUTES = 32
FIRST_TO_STAY_AWAY = 4  # of today's visits in the day suite
NO_SHOW = Actor.job("mark-no-shows")


def _minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


class Care:
    """Plays the visits of a day. One Care for the whole run: it keeps which ones are special."""

    def __init__(self, *, clinic: Clinic, stage: Stage, rebook: Callable[[Appointment, datetime], None]) -> None:
        self.clinic = clinic
        self.stage = stage
        self.rebook = rebook
        self._given = 0
        self._given_today = 0
        self._is_late = False
        self._waits = False
        self._has_begun_late = False

    def play(self, appointment: Appointment) -> None:
        """Queue what will happen at this visit; what lies after the present stays open."""
        if self._stays_away(appointment):
            missed = appointment.start + _minutes(60)
            self.stage.at(missed, lambda now: attendance.no_show(actor=NO_SHOW, appointment=appointment, now=now))
            self.stage.at(missed + _minutes(180), lambda now: self.rebook(appointment, now))
        elif self._comes_late(appointment):
            return
        elif self.stage.end - appointment.start < timedelta(days=DAYS_IN_DETAIL):
            self._in_detail(appointment)
        else:
            self._in_short(appointment)

    def _stays_away(self, appointment: Appointment) -> bool:
        """Now and then in the past, and one today, where there was time to notice."""
        if not self._is_of_the_day(appointment):
            return False
        self._given += 1
        if self.clinic.day_of(appointment.start) < self.clinic.day_of(self.stage.end):
            return self._given % 40 == 0
        self._given_today += 1
        return self._given_today == FIRST_TO_STAY_AWAY

    def _is_of_the_day(self, appointment: Appointment) -> bool:
        return appointment.unit_id == self.clinic.units["day"].pk

    def _comes_late(self, appointment: Appointment) -> bool:
        """Just one: booked for a quarter to half an hour ago, and not here yet."""
        before = self.stage.end - appointment.start
        if self._is_late or not self._is_of_the_day(appointment) or not _minutes(12) <= before <= _minutes(35):
            return False
        self._is_late = True
        return True

    def _delay(self, appointment: Appointment) -> int:
        """Minutes after the booked start. Of several doses a day the first is on time, since the second stands just
        the interval after it; but once it is late, and the second, as it is booked, now comes too early."""
        visit = appointment.visit
        if visit is None or not _comes_twice_a_day(appointment):
            return self.stage.random.choice((-1, 0, 0, 1, 2, 4, 6))
        if visit.ordinal == 1 and not self._has_begun_late:
            self._has_begun_late = True
            return LATE_MINUTES
        return 0

    def _waits_now(self, arrived: datetime) -> bool:
        """Just one: in for some minutes, and nobody had time yet."""
        if self._waits or not arrived <= self.stage.end < arrived + _minutes(15):
            return False
        self._waits = True
        return True

    def _in_short(self, appointment: Appointment) -> None:
        delays = (0,) if _comes_twice_a_day(appointment) else (0, 0, 0, 2, 4, 7, 11)
        began = appointment.start + _minutes(self.stage.random.choice(delays))
        ended = began + (appointment.end - appointment.start)
        is_partial = self._given % 29 == 0

        def complete(now: datetime) -> None:
            attendance.complete(
                actor=self.clinic.nurse,
                appointment=appointment,
                actual_start=began,
                actual_end=ended,
                outcome="partial" if is_partial else "given",
                reason="Line lost, could not be placed again." if is_partial else "",
                now=now,
            )

        self.stage.at(ended + _minutes(appointment.observation_minutes), complete)

    def _in_detail(self, appointment: Appointment) -> None:
        nurse, desk, at, random = self.clinic.nurse, self.clinic.desk, self.stage.at, self.stage.random
        prepared = appointment.start - _minutes(appointment.prep_minutes)
        arrived = prepared - _minutes(random.randint(3, 18))
        checked_in = arrived + _minutes(random.randint(2, 7))
        seated = max(prepared, checked_in + _minutes(1))
        delay = self._delay(appointment)
        began = max(appointment.start + _minutes(delay), seated + _minutes(2))
        ended = began + (appointment.end - appointment.start)
        left = ended + _minutes(appointment.observation_minutes)
        if _is_of_a_stay(appointment) and appointment.visit is not None and appointment.visit.ordinal > 1:
            checked_in = prepared  # she is here already
        else:
            at(arrived, lambda now: attendance.arrive(actor=desk, appointment=appointment, now=now))
            if self._waits_now(arrived):
                return
        at(checked_in, lambda now: attendance.check_in(actor=desk, appointment=appointment, now=now))
        steps = [(seated, "in-chair")]
        if appointment.prep_minutes >= 30:
            steps.append((seated + _minutes(5), "pre-medication"))
        if appointment.observation_minutes:
            steps.append((ended, "observing"))
        if appointment.turnover_minutes and timedelta(0) <= self.stage.end - left < _minutes(10):
            steps.append((left + _minutes(1), "chair-cleaning"))
        for when, phase in steps:
            at(when, partial(_step, actor=nurse, appointment=appointment, phase=phase))
        at(began, lambda now: attendance.start(actor=nurse, appointment=appointment, now=now))
        at(
            left,
            lambda now: attendance.complete(actor=nurse, appointment=appointment, actual_end=ended, now=now),
        )


def _comes_twice_a_day(appointment: Appointment) -> bool:
    return appointment.protocol is not None and len(appointment.protocol.cadence_within_day) > 1


def _is_of_a_stay(appointment: Appointment) -> bool:
    return appointment.protocol is not None and appointment.protocol.keeps_chair


def _step(now: datetime, *, actor: Actor, appointment: Appointment, phase: str) -> None:
    attendance.set_phase(actor=actor, appointment=appointment, phase=phase, now=now)
