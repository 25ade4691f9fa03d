"""The worklist: what needs a person, most urgent first, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduler.models import Course, Offer, Shift, UnitDay, Visit, WorklistMark
from scheduler.queries import worklist
from scheduler.services import attendance, booking, calls, following, ledger, waitlist
from scheduler.services.settle import Override
from tests import factories as make
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, place, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return Clinic()


def items(clinic, now=NOW, kind=None):
    found = worklist.items(center=clinic.center, now=now)
    return [item for item in found if kind is None or item.kind == kind]


def test_a_clinic_where_all_is_well_has_an_empty_worklist(clinic):
    place(clinic.quarterly_course())
    clinic.book(clinic.patient("b@example.org"), chair=1)
    assert items(clinic) == []


def test_another_center_s_things_are_not_on_it(clinic):
    stranger = Clinic()
    clinic.book(clinic.patient(email=""))
    assert items(clinic, kind="call")
    assert items(stranger) == []


class TestUnplaced:
    def test_a_visit_without_a_place_says_why(self, clinic):
        clinic.day.chairs.update(is_active=False)
        course = clinic.quarterly_course(doses=1)
        run("place-visits")
        [item] = items(clinic)
        assert item.kind == "unplaced"
        assert item.visit_id == course.visits.get().pk
        assert item.refusals
        assert item.refusals[0]["detail"] in item.detail
        assert item.action.to == "course"

    def test_a_course_of_this_minute_is_still_being_placed(self, clinic):
        clinic.quarterly_course()
        assert items(clinic) == []
        assert len(items(clinic, NOW + timedelta(minutes=3))) == 4

    def test_the_doses_of_a_stay_are_one_item(self, clinic):
        clinic.night.chairs.update(is_active=False)
        clinic.stay(days=3)
        run("place-visits")
        [item] = items(clinic)
        assert "9 doses have no place" in item.title

    def test_one_that_was_taken_down_says_what_was_said(self, clinic):
        clinic.cancel(place(clinic.quarterly_course())[0])
        [item] = items(clinic)
        assert "She is ill." in item.detail

    def test_overdue_ones_come_first(self, clinic):
        clinic.day.chairs.update(is_active=False)
        clinic.quarterly_course(doses=1, start=utc("2027-01-11T10:00-05:00"))
        soon = clinic.quarterly_course(doses=1, start=utc("2026-11-17T10:00-05:00"))
        run("place-visits")
        found = items(clinic, utc("2026-12-01T12:00-05:00"))
        assert [item.course_id for item in found] == [soon.pk, Course.objects.exclude(pk=soon.pk).get().pk]
        assert [item.urgency for item in found] == ["now", "later"]
        assert "is overdue" in found[0].title

    def test_a_course_on_hold_waits_for_nobody(self, clinic):
        clinic.quarterly_course()
        Course.objects.update(status="on-hold")
        assert items(clinic, NOW + timedelta(hours=1)) == []


class TestLate:
    def test_booked_begun_and_not_arrived(self, clinic):
        appointment = clinic.book(start="2026-11-17T10:00-05:00")
        assert items(clinic, appointment.start, kind="late") == []
        [item] = items(clinic, appointment.start + timedelta(minutes=22), kind="late")
        assert item.urgency == "now"
        assert "22 min late" in item.detail
        assert item.appointment_id == appointment.pk

    def test_who_arrived_is_not_late(self, clinic):
        appointment = clinic.book(start="2026-11-17T10:00-05:00")
        attendance.arrive(actor=clinic.actor, appointment=appointment, now=appointment.start)
        assert items(clinic, appointment.start + timedelta(minutes=22), kind="late") == []

    def test_between_the_doses_of_a_stay_nobody_is_late(self, clinic):
        first, second, _ = place(clinic.stay())
        attendance.complete(
            actor=clinic.actor, appointment=first, actual_start=first.start, actual_end=first.end, now=first.end
        )
        assert items(clinic, second.start + timedelta(minutes=30), kind="late") == []


class TestClashes:
    def test_a_dose_that_began_late_leaves_too_little_before_the_next(self, clinic):
        first, second, _ = place(clinic.stay())
        late = first.start + timedelta(minutes=80)  # 09:00 became 10:20, so 17:00 is 6 h 40 after it
        attendance.start(actor=clinic.actor, appointment=first, now=late)
        found = [item for item in items(clinic, late, kind="clash") if item.key == f"clash-interval:{second.pk}"]
        assert len(found) == 1
        assert "not before Sat 28 Nov, 17:20" in found[0].detail

    def test_equality_is_no_clash(self, clinic):
        first, _second, _ = place(clinic.stay())
        late = first.start + timedelta(minutes=60)
        attendance.start(actor=clinic.actor, appointment=first, now=late)
        assert items(clinic, late, kind="clash") == []

    def test_a_dose_at_home_counts(self, clinic):
        first, *_ = place(clinic.stay())
        now = first.start - timedelta(hours=1)
        attendance.record_dose_elsewhere(
            actor=clinic.actor,
            center=clinic.center,
            patient=first.patient,
            substance="dihydroergotamine",
            mg=1,
            given_at=first.start - timedelta(hours=3),
            now=now,
        )
        assert [item.key for item in items(clinic, now, kind="clash")] == [f"clash-interval:{first.pk}"]

    def test_an_overrun_into_the_next_visit_in_the_chair(self, clinic):
        long = clinic.book(start="2026-11-17T10:00-05:00")
        following_ = clinic.book(clinic.patient("b@example.org"), "2026-11-17T10:30-05:00")
        late = long.start + timedelta(minutes=20)
        attendance.arrive(actor=clinic.actor, appointment=long, now=long.start)
        attendance.start(actor=clinic.actor, appointment=long, now=late)
        [item] = items(clinic, late, kind="clash")
        assert item.key == f"clash-overrun:{long.pk}"
        assert "from 10:30" in item.detail
        clinic.move(following_, "2026-11-17T11:00-05:00", now=late)
        assert items(clinic, late, kind="clash") == []

    def test_a_booking_outside_its_window_after_the_due_time_moved(self, clinic):
        first, second, *_ = place(clinic.quarterly_course())
        Visit.objects.filter(pk=second.visit_id).update(
            window_start=second.start + timedelta(days=3), window_end=second.start + timedelta(days=10)
        )
        assert [item.key for item in items(clinic, kind="clash")] == [f"clash-window:{second.pk}"]
        assert first.status == "booked"

    def test_one_that_was_put_there_on_purpose_is_none(self, clinic):
        course = clinic.quarterly_course(doses=1)
        [appointment] = place(course)
        override = Override(codes=frozenset({"window_is_kept"}), reason="She travels.")
        booking.move(
            actor=clinic.actor,
            appointment=appointment,
            start=utc("2026-12-15T10:00-05:00"),
            override=override,
            now=NOW,
        )
        following.redate(course, now=NOW)
        assert items(clinic, kind="clash") == []


class TestOrders:
    def test_an_order_that_ends_before_a_booked_visit(self, clinic):
        course = clinic.quarterly_course(order_until=date(2026, 12, 31), doses=1)
        place(course)
        assert items(clinic, kind="order") == []
        Course.objects.update(order_until=date(2026, 11, 29))
        [item] = items(clinic, kind="order")
        assert item.key == f"order:{course.pk}"
        assert "Sun 29 Nov 2026" in item.detail

    def test_the_last_day_is_covered(self, clinic):
        place(clinic.quarterly_course(order_until=date(2026, 11, 30), doses=1))
        assert items(clinic, kind="order") == []

    def test_an_authorisation_of_fewer_visits(self, clinic):
        place(clinic.quarterly_course(doses=1))
        Course.objects.update(authorization_visits=0)
        assert [item.title.split(" of ")[0] for item in items(clinic, kind="order")] == ["Authorisation"]

    def test_later_than_a_month_is_for_later(self, clinic):
        place(clinic.quarterly_course(doses=1))
        Course.objects.update(order_until=date(2026, 11, 17))
        assert items(clinic, utc("2026-10-25T10:00-04:00"), kind="order") == []


class TestUnconfirmed:
    def test_tomorrow_s_bookings_that_nobody_confirmed_are_one_item(self, clinic):
        for chair in range(2):
            clinic.book(clinic.patient(), "2026-11-17T10:00-05:00", chair=chair)
        confirmed = clinic.book(clinic.patient(), "2026-11-17T10:00-05:00", chair=2)
        booking.confirm(actor=clinic.actor, appointment=confirmed, now=NOW)
        [item] = items(clinic, kind="unconfirmed")
        assert item.title == "2 visits unconfirmed for tomorrow"
        assert item.action.to == "board"

    def test_tomorrow_is_the_center_s(self, clinic):
        clinic.book(start="2026-11-18T08:00-05:00")
        late_evening = utc("2026-11-16T23:30-05:00")  # already the 17th in UTC
        assert items(clinic, late_evening, kind="unconfirmed") == []
        assert len(items(clinic, utc("2026-11-17T00:30-05:00"), kind="unconfirmed")) == 1

    def test_the_later_doses_of_a_stay_need_no_confirmation(self, clinic):
        place(clinic.stay())
        assert items(clinic, utc("2026-11-28T12:00-05:00"), kind="unconfirmed") == []


class TestCalls:
    def test_who_has_no_address_is_called_now_and_before_the_visit(self, clinic):
        appointment = clinic.book(clinic.patient(email=""))
        [item] = items(clinic)
        assert "212 555 0199" in item.action.label
        calls.mark_called(actor=clinic.actor, center=clinic.center, item=item.key, now=NOW)
        assert appointment.ledger.get(kind="booked").state == "sent"
        assert items(clinic) == []
        assert [item.title.split(": ")[1] for item in items(clinic, utc("2026-11-21T10:00-05:00"))] == ["a reminder"]

    def test_nobody_is_called_about_a_visit_that_has_begun(self, clinic):
        appointment = clinic.book(clinic.patient(email=""))
        assert items(clinic, appointment.start, kind="call") == []

    def test_an_offer_says_both_times(self, clinic):
        appointment = clinic.book(clinic.patient(email=""))
        entry = waitlist.add(actor=clinic.actor, appointment=appointment, now=NOW)
        start = utc("2026-11-19T09:00-05:00")
        offer = Offer.objects.create(
            center=clinic.center, entry=entry, appointment=appointment, appointment_start=appointment.start,
            chair=appointment.chair, start=start, taken_from=start, taken_until=start + timedelta(minutes=30),
            created_at=NOW, expires_at=NOW + timedelta(hours=2),
        )  # fmt: skip
        ledger.plan_offer(offer, kind="offer", now=NOW)
        [item] = [each for each in items(clinic) if "instead of" in each.detail]
        assert item.urgency == "now"
        assert "Thu 19 Nov, 09:00 instead of Tue 24 Nov, 10:00" in item.detail


class TestOverloads:
    def test_published_shifts_that_cannot_carry_the_day(self, clinic):
        appointment = clinic.book(start="2026-11-18T10:00-05:00")
        nurse = clinic.center.nurses.create(name="R. Okoye")
        UnitDay.objects.filter(unit=clinic.day, date=date(2026, 11, 18)).update(shifts_published=True)
        [item] = items(clinic, kind="overload")
        assert item.key == f"overload:{clinic.day.pk}:2026-11-18"
        Shift.objects.create(
            nurse=nurse,
            unit=clinic.day,
            starts_at=appointment.start - timedelta(hours=2),
            ends_at=appointment.start + timedelta(hours=6),
        )
        assert items(clinic, kind="overload") == []


class TestMarks:
    def test_a_snoozed_item_is_away_until_then(self, clinic):
        clinic.book(clinic.patient(email=""))
        [item] = items(clinic)
        later = NOW + timedelta(hours=2)
        user = make.make_user(clinic.center)
        WorklistMark.objects.create(
            center=clinic.center, item=item.key, claimed_by=user, snoozed_until=later, reason="She sleeps."
        )
        assert items(clinic) == []
        [put_off] = worklist.items(center=clinic.center, now=NOW, snoozed=True)
        assert put_off.snooze_reason == "She sleeps."
        assert [item.claimed_by for item in items(clinic, later)] == [user]

    def test_counts_name_every_kind(self, clinic):
        clinic.book(clinic.patient(email=""))
        counts = worklist.counts(clinic.center, NOW)
        assert counts["all"] == counts["call"] == counts["today"] == 1
        assert counts["overload"] == 0


def test_the_number_of_queries_does_not_grow_with_the_items(clinic, django_assert_num_queries):
    def fill(hour: int) -> None:
        for chair in range(3):
            clinic.book(clinic.patient(email=""), f"2026-11-17T{hour:02}:00-05:00", chair=chair)
        clinic.day.chairs.update(is_active=True)

    fill(9)
    with CaptureQueriesContext(connection) as few:
        items(clinic, utc("2026-11-17T09:05-05:00"))
    for hour in (10, 11, 12):
        fill(hour)
    with django_assert_num_queries(len(few)):
        found = items(clinic, utc("2026-11-17T12:05-05:00"))
    assert len(found) > 10
