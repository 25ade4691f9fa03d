"""What is told to whom: the rows that bookings leave in the ledger."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduler.domain.errors import Refused
from scheduler.models import Contact, LedgerEntry
from scheduler.services import booking, courses, ledger
from scheduler.services.sending import send_due
from tests import factories as make
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, entries, place, run, seconds

pytestmark = pytest.mark.django_db

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def clinic():
    return Clinic()


def dues(kind: str = "reminder", zone: ZoneInfo = NEW_YORK) -> list[str]:
    rows = LedgerEntry.objects.filter(kind=kind).exclude(state="superseded").order_by("due")
    return [f"{row.due.astimezone(zone):%a %d %b %H:%M}" for row in rows]


class TestBooked:
    def test_a_booking_is_confirmed_now_and_reminded_three_days_and_one_day_before(self, clinic):
        clinic.book()
        assert entries() == [
            ("booked", "email", 0, "due"),
            ("reminder", "email", 3, "due"),
            ("reminder", "email", 1, "due"),
        ]
        assert LedgerEntry.objects.get(kind="booked").due == NOW
        assert dues() == ["Sat 21 Nov 10:00", "Mon 23 Nov 10:00"]

    def test_reminders_that_are_past_make_no_row(self, clinic):
        clinic.book(start="2026-11-18T10:00-05:00")
        assert dues() == ["Tue 17 Nov 10:00"]

    def test_a_visit_today_gets_the_confirmation_only(self, clinic):
        clinic.book(start="2026-11-16T16:00-05:00")
        assert entries() == [("booked", "email", 0, "due")]

    def test_without_an_address_each_message_is_a_call_at_the_same_time(self, clinic):
        clinic.book(clinic.patient(email=""))
        assert entries() == [
            ("booked", "call", 0, "due"),
            ("reminder", "call", 3, "due"),
            ("reminder", "call", 1, "due"),
        ]
        assert LedgerEntry.objects.get(kind="booked").contact.phone == "212 555 0199"

    def test_an_address_that_did_not_agree_to_mail_is_called(self, clinic):
        patient = clinic.patient()
        Contact.objects.update(may_be_mailed=False)
        clinic.book(patient)
        assert {channel for _, channel, _, _ in entries()} == {"call"}

    def test_a_second_contact_that_agreed_gets_the_mail(self, clinic):
        patient = clinic.patient(email="")
        mother = Contact.objects.create(patient=patient, relation="mother", email="mother@example.org")
        clinic.book(patient)
        assert set(LedgerEntry.objects.values_list("channel", "contact")) == {("email", mother.pk)}

    def test_a_hold_tells_nobody(self, clinic):
        booking.hold(
            actor=clinic.actor,
            chair=clinic.chairs[0],
            start=utc("2026-11-24T15:00"),
            minutes=30,
            patient=clinic.patient(),
            now=NOW,
        )
        assert entries() == []

    def test_a_booking_that_is_refused_leaves_no_message(self, clinic):
        clinic.book()
        with pytest.raises(Refused):
            clinic.book(clinic.patient())
        assert len(entries()) == 3


class TestTime:
    @pytest.mark.parametrize(
        ("start", "reminded"),
        [
            ("2027-03-15T10:00-04:00", ["Fri 12 Mar 10:00", "Sun 14 Mar 10:00"]),  # spring forward on the 14th
            ("2027-11-08T10:00-05:00", ["Fri 05 Nov 10:00", "Sun 07 Nov 10:00"]),  # back on the 7th
            ("2028-03-01T10:00-05:00", ["Sun 27 Feb 10:00", "Tue 29 Feb 10:00"]),  # leap day
        ],
    )
    def test_reminders_keep_the_wall_clock(self, clinic, start, reminded):
        clinic.book(start=start)
        assert dues() == reminded

    def test_a_visit_just_after_midnight_is_reminded_by_its_own_date(self, clinic):
        booking.book(
            actor=clinic.actor,
            chair=clinic.beds[0],
            start=utc("2026-11-24T00:15-05:00"),
            patient=clinic.patient(),
            minutes=30,
            now=NOW,
        )
        assert dues() == ["Sat 21 Nov 10:00", "Mon 23 Nov 10:00"]

    def test_the_center_s_zone_counts_not_the_server_s(self):
        zone = ZoneInfo("Asia/Kolkata")
        clinic = Clinic(time_zone=zone.key)
        clinic.book(start="2026-11-24T10:00+05:30")
        assert dues(zone=zone) == ["Sat 21 Nov 10:00", "Mon 23 Nov 10:00"]


class TestMoved:
    def test_unsent_messages_about_the_old_time_are_superseded(self, clinic):
        appointment = clinic.book()
        clinic.move(appointment, "2026-11-26T11:00-05:00")
        old = entries(appointment_start=utc("2026-11-24T15:00"))
        assert {state for *_, state in old} == {"superseded"}
        assert dues() == ["Mon 23 Nov 10:00", "Wed 25 Nov 10:00"]

    def test_who_was_told_the_old_time_is_told_that_it_moved(self, clinic):
        appointment = clinic.book()
        send_due(now=NOW)
        clinic.move(appointment, "2026-11-26T11:00-05:00")
        assert entries(kind="moved") == [("moved", "email", 0, "due")]

    def test_who_never_heard_of_it_gets_a_plain_confirmation(self, clinic):
        appointment = clinic.book()
        clinic.move(appointment, "2026-11-26T11:00-05:00")
        assert entries(kind="moved") == []
        assert entries(kind="booked", state="due") == [("booked", "email", 0, "due")]

    def test_moved_away_and_back_is_reminded_once(self, clinic):
        appointment = clinic.book()
        send_due(now=NOW)
        moved = clinic.move(appointment, "2026-11-26T11:00-05:00")
        clinic.move(moved, "2026-11-24T10:00-05:00")
        assert dues() == ["Sat 21 Nov 10:00", "Mon 23 Nov 10:00"]
        assert len(entries(kind="reminder", appointment_start=utc("2026-11-24T15:00"))) == 2

    def test_a_reminder_that_was_sent_is_not_repeated_for_the_same_time(self, clinic):
        appointment = clinic.book()
        send_due(now=NOW)
        first = utc("2026-11-21T10:00-05:00")
        send_due(now=first)
        moved = clinic.move(appointment, "2026-11-26T11:00-05:00", now=first)
        clinic.move(moved, "2026-11-24T10:00-05:00", now=first)
        back = entries(kind="reminder", appointment_start=utc("2026-11-24T15:00"))
        assert back == [("reminder", "email", 3, "sent"), ("reminder", "email", 1, "due")]


class TestCancelled:
    def test_nobody_is_told_of_a_cancellation_who_never_heard_of_the_booking(self, clinic):
        clinic.cancel(clinic.book())
        assert {state for *_, state in entries()} == {"superseded"}

    def test_who_was_told_is_told(self, clinic):
        appointment = clinic.book()
        send_due(now=NOW)
        clinic.cancel(appointment)
        assert entries(state="due") == [("cancelled", "email", 0, "due")]

    def test_reopened_is_confirmed_and_reminded_again(self, clinic):
        appointment = clinic.book()
        send_due(now=NOW)
        clinic.cancel(appointment)
        booking.reopen(actor=clinic.actor, appointment=appointment, now=NOW)
        assert dues() == ["Sat 21 Nov 10:00", "Mon 23 Nov 10:00"]
        assert entries(kind="cancelled") == [("cancelled", "email", 0, "superseded")]


class TestCourse:
    def test_visits_booked_together_share_one_overview_and_keep_their_reminders(self, clinic):
        place(clinic.quarterly_course())
        assert entries(kind="booked") == []
        assert entries(kind="overview") == [("overview", "email", 0, "due")]
        assert len(dues()) == 8

    def test_a_visit_booked_after_the_overview_went_out_is_confirmed_by_itself(self, clinic):
        course = clinic.quarterly_course()
        first = place(course)[0]
        send_due(now=NOW + seconds(60))
        clinic.cancel(first)
        booking.book(
            actor=clinic.actor, chair=clinic.chairs[1], start=utc("2026-12-01T10:00-05:00"), visit=first.visit, now=NOW
        )
        assert entries(kind="booked") == [("booked", "email", 0, "due")]
        assert len(entries(kind="overview")) == 1

    def test_doses_of_a_stay_get_one_overview_and_reminders_for_the_first_only(self, clinic):
        doses = place(clinic.stay())
        assert len(doses) == 3
        assert entries(kind="booked") == []
        assert entries(kind="overview") == [("overview", "email", 0, "due")]
        assert set(LedgerEntry.objects.filter(kind="reminder").values_list("appointment", flat=True)) == {doses[0].pk}
        assert dues() == ["Wed 25 Nov 10:00", "Fri 27 Nov 10:00"]

    def test_a_discontinued_stay_is_one_message_not_three(self, clinic):
        course = clinic.stay()
        place(course)
        send_due(now=NOW + seconds(60))
        courses.discontinue(actor=clinic.actor, course=course, reason="Ordered otherwise.", now=NOW + seconds(90))
        assert entries(state="due") == [("overview", "email", 0, "due")]

    def test_writing_a_course_s_messages_takes_few_queries(self, clinic, django_assert_max_num_queries):
        doses = place(clinic.stay())
        LedgerEntry.objects.all().delete()
        with django_assert_max_num_queries(8):
            ledger.plan_for(*doses, kind="booked", now=NOW)


def test_a_changed_reminder_time_of_the_center_changes_what_is_still_to_be_sent(clinic):
    clinic.book()
    clinic.center.reminder_days, clinic.center.reminder_minute = [2], 9 * 60
    clinic.center.save()
    ledger.replan(clinic.center, now=NOW)
    assert dues() == ["Sun 22 Nov 09:00"]
    assert run("check-schedule") == {"problems": 0}


def test_a_no_show_is_not_reminded(clinic):
    clinic.book(start="2026-11-17T10:00-05:00")
    run("mark-no-shows", utc("2026-11-17T11:30-05:00"))
    assert entries(state="due") == []


def test_two_patients_with_one_address_each_get_their_own(clinic):
    for chair in range(2):
        clinic.book(make.make_patient(clinic.center, email="family@example.org"), chair=chair)
    assert len(entries(kind="booked", due__lte=NOW + timedelta(0))) == 2
