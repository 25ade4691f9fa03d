"""A closure and a booking at the same moment: either the booking is refused, or the closure knows of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Refused
from scheduler.models import Appointment, Closure, Shift
from scheduler.queries import closures
from scheduler.services import setup, staffing
from scheduler.services.setup import ClosureFacts
from scheduler.services.staffing import ShiftFacts
from tests import factories as make
from tests.factories import NOW, utc
from tests.services.steps import book
from tests.support.threads import together

pytestmark = pytest.mark.usefixtures("committed_db")
MONDAY = utc("2026-11-30T10:00-05:00")
HOUR = timedelta(hours=1)


def test_a_booking_sees_the_closure_or_the_closure_sees_the_booking():
    center = make.make_center()
    unit = make.make_day_suite(center, nurses=60, patients=200, acuity=500)
    actor = make.make_actor(center)
    for turn in range(6):
        chair, day = make.make_chair(unit), MONDAY + timedelta(days=turn % 4)
        patients = [make.make_patient(center) for _ in range(3)]
        facts = ClosureFacts(start=day, end=day + 4 * HOUR, reason="Repair", unit=unit, chair=chair)
        *bookings, closure = together(
            [
                *(
                    lambda p=p, n=n, chair=chair, day=day: book(actor, chair, day + n * HOUR, patient=p)
                    for n, p in enumerate(patients)
                ),
                lambda facts=facts: setup.add_closure(actor=actor, center=center, facts=facts, now=NOW),
            ]
        )
        assert isinstance(closure, Closure)
        assert all(isinstance(one, (Appointment, Refused)) for one in bookings), bookings
        affected = {hit.appointment.pk for hit in closures.hits(center, [closure], NOW)}
        assert affected == {one.pk for one in bookings if isinstance(one, Appointment)}


def test_a_nurse_wanted_in_two_units_at_once_gets_one_shift():
    center = make.make_center()
    units = [make.make_day_suite(center), make.make_night_suite(center)]
    actor, nurse = make.make_actor(center), center.nurses.create(name="Ines Falk")
    for turn in range(6):
        start = MONDAY + timedelta(days=turn)
        answers = together(
            [
                lambda unit=unit, at=at: staffing.add_shift(
                    actor=actor, facts=ShiftFacts(nurse=nurse, unit=unit, start=at, end=at + 8 * HOUR), now=NOW
                )
                for unit, at in ((units[0], start), (units[1], start + HOUR))
            ]
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["Refused", "Shift"]
    assert Shift.objects.count() == 6
