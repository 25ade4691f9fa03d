"""What the machine found, as small as it gets."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from scheduler.domain.errors import Refused
from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Wishes
from scheduler.models import Appointment, LedgerEntry, UnitDay
from scheduler.queries import integrity, needs
from scheduler.queries.search import best_slots, ground
from scheduler.services import attendance, booking, courses
from scheduler.services.settle import Override
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, place, unplaced

pytestmark = pytest.mark.django_db
MONDAY = utc("2026-11-30T10:00-05:00")


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


def test_a_stay_is_not_laid_around_another_visit_of_the_patient(clinic):
    ana = clinic.patient()
    between = utc("2026-11-28T13:00-05:00")  # the doses are at 09:00, 17:00 and 01:00
    booking.book(actor=clinic.actor, chair=clinic.beds[0], start=between, patient=ana, minutes=30, now=NOW)
    course = clinic.stay(ana)
    assert place(course) == []
    assert all("patient_is_free" in codes(visit) for visit in unplaced(course))


def codes(visit):
    return [refusal["code"] for refusal in visit.refusals]


def test_a_hold_for_nobody_is_not_reopened(clinic):
    held = booking.hold(actor=clinic.actor, chair=clinic.chairs[0], start=MONDAY, minutes=30, now=NOW)
    booking.cancel(actor=clinic.actor, appointment=held, reason="She hung up.", now=NOW)
    with pytest.raises(Refused) as refused:
        booking.reopen(actor=clinic.actor, appointment=held, now=NOW)
    assert [refusal.code for refusal in refused.value.refusals] == ["transition_is_allowed"]


def test_a_hold_that_another_days_booking_sweeps_up_changes_its_own_day(clinic):
    ana = clinic.patient()
    booking.hold(actor=clinic.actor, chair=clinic.chairs[0], start=MONDAY, patient=ana, minutes=30, now=NOW)
    before = UnitDay.objects.get(date=date(2026, 11, 30)).version
    later = NOW + timedelta(minutes=6)
    clinic.book(ana, "2026-12-01T10:00-05:00", now=later)
    assert Appointment.objects.get(start=MONDAY).status == "cancelled"
    assert UnitDay.objects.get(date=date(2026, 11, 30)).version > before


def reminded(course):
    rows = LedgerEntry.objects.filter(course=course, kind="reminder", state="due").order_by("due")
    return [(row.appointment.visit.ordinal, row.offset_days) for row in rows]


class TestRemindersOfAStay:
    """They are about its first dose, whichever that is."""

    def test_go_back_to_the_first_dose_when_it_is_reopened(self, clinic):
        course = clinic.stay(clinic.patient())
        first, *_ = place(course)
        assert reminded(course) == [(1, 3), (1, 1)]
        clinic.cancel(first)
        assert reminded(course) == [(2, 3), (2, 1)]
        booking.reopen(actor=clinic.actor, appointment=first, now=NOW)
        assert reminded(course) == [(1, 3), (1, 1)]

    def test_go_on_to_the_next_dose_when_the_first_does_not_take_place(self, clinic):
        course = clinic.stay(clinic.patient())
        first, *_ = place(course)
        attendance.complete(actor=clinic.actor, appointment=first, outcome="not-given", reason="She is ill.", now=NOW)
        assert reminded(course) == [(2, 3), (2, 1)]


def test_a_waived_visit_that_stood_outside_its_window_leaves_the_next_where_it_was_due(clinic):
    course = clinic.quarterly_course()
    _, second, *_ = place(course)
    third = course.visits.get(ordinal=3)
    outside = Override(frozenset({"window_is_kept"}), "She travels.")
    clinic.move(second, "2027-03-15T10:00-04:00", override=outside, accept_following=True)
    assert course.visits.get(ordinal=3).due > third.due
    courses.waive(actor=clinic.actor, visit=second.visit, reason="Not needed.", now=NOW)
    assert course.visits.get(ordinal=3).due == third.due


def test_a_course_whose_last_visit_was_done_while_it_paused_is_completed_when_it_is_resumed(clinic):
    course = clinic.quarterly_course(doses=1)
    courses.pause(actor=clinic.actor, course=course, reason="She travels.", now=NOW)
    attendance.record_dose_elsewhere(
        actor=clinic.actor,
        center=clinic.center,
        patient=course.patient,
        substance="eptinezumab",
        mg=Decimal(100),
        given_at=NOW,
        visit=course.visits.get(),
        now=NOW,
    )
    courses.resume(actor=clinic.actor, course=course, now=NOW)
    course.refresh_from_db()
    assert course.status == "completed"


class TestWhatBeganFarFromItsBookedTime:
    """Until it is completed, a running treatment counts from when it began, wherever it was booked."""

    @pytest.fixture
    def asked(self, clinic):
        """A dose that was booked for next September and is running now; another is wanted in two weeks."""
        ana = clinic.patient()
        far = clinic.book(ana, "2027-09-06T10:00-04:00", protocol=clinic.quarterly)
        attendance.start(actor=clinic.actor, appointment=far, now=NOW)
        return {"patient": ana, "protocol": clinic.quarterly}

    def test_keeps_its_interval_to_the_next_booking(self, clinic, asked):
        with pytest.raises(Refused) as refused:
            clinic.book(asked["patient"], "2026-11-30T10:00-05:00", protocol=asked["protocol"])
        assert [refusal.code for refusal in refused.value.refusals] == ["interval_is_kept"]

    def test_keeps_its_interval_to_places_that_are_offered(self, clinic, asked):
        around = Interval(MONDAY - timedelta(days=1), MONDAY + timedelta(days=1))
        need = needs.for_protocol(asked["protocol"])
        where = ground(unit=clinic.day, patient_id=asked["patient"].pk, need=need, span=around, now=NOW)
        assert best_slots(where, need, around, wishes=Wishes()) == []
