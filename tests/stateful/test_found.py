"""What the machine found, as small as it gets."""

from __future__ import annotations

import pytest

from scheduler.queries import integrity
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
