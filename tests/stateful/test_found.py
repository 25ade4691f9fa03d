"""What the machine found, as small as it gets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Refused
from scheduler.queries import integrity
from scheduler.services import booking
from tests.factories import NOW
from tests.support.clinic import Clinic, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return Clinic()


def test_a_stay_is_sound_for_a_patient_who_has_another_course_too(clinic):
    ana = clinic.patient()
    place(clinic.quarterly_course(ana))
    place(clinic.stay(ana))
    assert integrity.check(now=NOW) == []


def test_other_places_for_a_dose_of_a_stay_are_in_its_bed_and_leave_it_whole(clinic):
    first, second, third = place(clinic.stay(clinic.patient()))
    the_day_before = third.start - timedelta(days=1)
    with pytest.raises(Refused) as refused:
        booking.move(actor=clinic.actor, appointment=third, start=second.start, now=the_day_before)
    assert refused.value.alternatives
    assert {slot.chair.id for slot in refused.value.alternatives} == {first.chair_id}
