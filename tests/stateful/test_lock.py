"""What the lock alone keeps, and what stands behind it: real callers at the same time, on a real database.

An overlap meets the constraint of the table too. Intervals, caps and the nurses' hands are kept by nothing but the
lock: who looks at the others' bookings must be the only one who writes.
"""

from __future__ import annotations

import pytest

from scheduler.domain.errors import Refused
from scheduler.models import Appointment
from tests import factories as make
from tests.concurrency import test_booking_races as races
from tests.factories import utc
from tests.services.steps import book
from tests.stateful.mutants import the_lock_and_the_constraint_are_off, the_lock_is_off
from tests.support.threads import together

pytestmark = pytest.mark.usefixtures("committed_db")
STARTS = [utc(f"2026-11-30T{hour}:00-05:00") for hour in ("09", "10", "11", "12", "13", "14", "15", "16")]


def doses_of_one_patient_at_once() -> list[object]:
    """Eight callers, each with another free chair and hour of one day, for doses that need 84 days between them."""
    unit, actor, (patient,) = races.scene(chairs=len(STARTS), patients=1)
    protocol = make.make_quarterly()
    places = zip(races.chairs(unit), STARTS, strict=True)
    return together(
        [lambda c=chair, s=start: book(actor, c, s, patient=patient, protocol=protocol) for chair, start in places]
    )


def test_doses_of_one_patient_wanted_at_once_keep_their_interval() -> None:
    results = doses_of_one_patient_at_once()
    assert races.answers(results) == {"booked": 1, "Refused": len(STARTS) - 1}
    refused = [one for one in results if isinstance(one, Refused)]
    assert {refusal.code for one in refused for refusal in one.refusals} == {"interval_is_kept"}


class TestPlanted:
    def test_without_the_lock_all_doses_of_a_day_are_booked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        the_lock_is_off(monkeypatch, callers=len(STARTS))
        with pytest.raises(AssertionError, match="'booked': 8"):
            test_doses_of_one_patient_wanted_at_once_keep_their_interval()

    def test_without_the_lock_the_constraint_still_lets_one_of_fifty_through(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        the_lock_is_off(monkeypatch, callers=races.CALLERS)
        races.test_fifty_callers_for_one_chair_and_time_make_one_booking()

    def test_without_lock_and_constraint_fifty_callers_share_one_chair(self, monkeypatch: pytest.MonkeyPatch) -> None:
        the_lock_and_the_constraint_are_off(monkeypatch, callers=races.CALLERS)
        with pytest.raises(AssertionError, match="'booked': 50"):
            races.test_fifty_callers_for_one_chair_and_time_make_one_booking()
        assert Appointment.objects.filter(status="booked").count() == races.CALLERS
