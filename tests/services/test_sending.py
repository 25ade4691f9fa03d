"""Draining the ledger: each due message once, and what is no longer true or too late never."""

from __future__ import annotations

import email
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
from django.core import mail as outbox
from django.core.mail import get_connection

from scheduler.models import Appointment, Center, Contact, LedgerEntry, Patient
from scheduler.services import attendance, ledger
from scheduler.services.mail import message_id
from scheduler.services.sending import LEASE, send_due
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, entries, place, seconds

pytestmark = pytest.mark.django_db

DAY_BEFORE = utc("2026-11-23T10:00-05:00")
# What a mail must never say, in any part.
MARKERS = ("eptinezumab", "dhe", "ergotamine", "migraine", "infusion", "headache", "treatment", "drug", "MRN-", "1985")


@pytest.fixture
def clinic():
    return Clinic(mail_name="Lakeside Center")


@pytest.fixture
def booking(clinic) -> Appointment:
    return clinic.book()


class TestText:
    def test_says_when_where_and_whom_to_call(self, clinic, booking):
        send_due(now=NOW)
        [sent] = outbox.outbox
        assert sent.subject == "Your visit on Tuesday 24 November, 10:00 am"
        assert sent.from_email.startswith("Lakeside Center <")
        assert sent.to == ["ana@example.org"]
        for part in (
            "Hello Ana,",
            "Tuesday 24 November 2026",
            "10:00 am",
            "New York time",
            "1 Lake Street",
            "212 555 0100",
        ):
            assert part in sent.body
            assert part in sent.alternatives[0].content

    def test_says_when_to_arrive_where_the_visit_begins_earlier(self, clinic):
        place(clinic.stay())
        send_due(now=NOW + seconds(60))
        [sent] = outbox.outbox
        assert sent.subject == "Your visits from Saturday 28 November, 9:00 am"
        assert "Time to arrive: 8:00 am" in sent.body
        assert sent.body.count("New York time") == 3

    def test_a_time_that_comes_twice_carries_its_zone(self, clinic):
        place(
            clinic.stay(start=utc("2026-11-01T05:30+00:00"), now=utc("2026-10-20T12:00")), now=utc("2026-10-20T12:00")
        )
        send_due(now=utc("2026-10-20T12:01"))
        assert "1:30 am EDT" in outbox.outbox[0].body

    @pytest.mark.parametrize("what", ["booked", "stay", "moved", "cancelled", "reminder"])
    def test_nothing_in_a_mail_tells_why(self, clinic, what):
        if what == "stay":
            place(clinic.stay())
        else:
            course = clinic.quarterly_course(doses=1, start=utc("2026-11-24T10:00-05:00"))
            [appointment] = place(course)
        send_due(now=NOW + seconds(60))
        if what == "moved":
            clinic.move(appointment, "2026-11-25T10:00-05:00")
        if what == "cancelled":
            clinic.cancel(appointment)
        send_due(now=DAY_BEFORE if what == "reminder" else NOW + seconds(120))
        for sent in outbox.outbox:
            raw = sent.message().as_string()
            for part in (sent.subject, sent.body, sent.alternatives[0].content, raw):
                found = [marker for marker in MARKERS if marker.lower() in part.lower()]
                assert found == []

    def test_a_line_break_in_a_name_or_center_cannot_add_a_header(self, clinic, booking):
        Patient.objects.update(first_name="Ana\r\nBcc: x@example.org")
        clinic.center.mail_name = "Lake\r\nBcc: x@example.org"
        clinic.center.save()
        send_due(now=NOW)
        [sent] = outbox.outbox
        parsed = email.message_from_bytes(sent.message().as_bytes(), policy=policy.default)
        assert parsed["Bcc"] is None

    def test_without_a_mail_server_each_mail_is_a_file(self, clinic, booking, settings, tmp_path: Path):
        settings.EMAIL_BACKEND, settings.MAIL_DIR = "scheduler.services.eml.EmailBackend", tmp_path
        assert get_connection().__class__.__module__ == "scheduler.services.eml"
        send_due(now=NOW)
        [file] = tmp_path.glob("*.eml")
        assert b"Your visit on Tuesday" in file.read_bytes()


class TestOnce:
    def test_a_second_run_sends_nothing(self, clinic, booking):
        assert send_due(now=NOW) == {"sent": 1}
        assert send_due(now=NOW) == {}
        assert len(outbox.outbox) == 1

    def test_a_claim_that_is_fresh_belongs_to_somebody_else(self, clinic, booking):
        LedgerEntry.objects.filter(kind="booked").update(state="claimed", claimed_at=NOW)
        assert send_due(now=NOW + LEASE - seconds(1)) == {}

    def test_after_a_crash_the_message_in_flight_is_repeated_under_its_own_id(self, clinic, booking):
        entry = LedgerEntry.objects.get(kind="booked")
        LedgerEntry.objects.filter(pk=entry.pk).update(state="claimed", claimed_at=NOW)
        assert send_due(now=NOW + LEASE + seconds(1)) == {"sent": 1}
        assert outbox.outbox[0].extra_headers["Message-ID"] == message_id(entry)

    def test_a_limit_leaves_the_rest_for_the_next_tick(self, clinic):
        for chair in range(3):
            clinic.book(clinic.patient(), chair=chair)
        assert send_due(now=NOW, limit=2) == {"sent": 2}
        assert send_due(now=NOW, limit=2) == {"sent": 1}


class TestWorld:
    def test_a_reminder_of_a_visit_that_is_over_or_moved_is_not_sent(self, clinic, booking):
        Appointment.objects.filter(pk=booking.pk).update(start=utc("2026-11-24T18:00"), end=utc("2026-11-24T18:30"))
        assert send_due(now=NOW) == {"superseded": 1}
        assert outbox.outbox == []

    def test_who_has_arrived_needs_no_reminder(self, clinic, booking):
        attendance.arrive(actor=clinic.actor, appointment=booking, now=NOW)
        send_due(now=DAY_BEFORE)
        assert outbox.outbox == []

    def test_who_stopped_mail_meanwhile_is_called(self, clinic, booking):
        Contact.objects.update(may_be_mailed=False)
        assert send_due(now=NOW) == {"superseded": 1}
        assert entries(kind="booked") == [("booked", "email", 0, "superseded"), ("booked", "call", 0, "due")]

    def test_nothing_is_sent_once_the_visit_has_begun(self, clinic, booking):
        assert send_due(now=booking.start) == {"missed": 3}
        assert outbox.outbox == []

    def test_news_of_a_move_that_came_too_late_is_a_call(self, clinic, booking):
        send_due(now=NOW)
        clinic.move(booking, "2026-11-23T11:00-05:00")
        send_due(now=utc("2026-11-23T12:00-05:00"))
        assert entries(kind="moved") == [("moved", "email", 0, "missed"), ("moved", "call", 0, "due")]

    def test_after_an_outage_only_the_nearest_reminder_is_sent(self, clinic, booking):
        send_due(now=NOW)
        outbox.outbox.clear()
        assert send_due(now=DAY_BEFORE + timedelta(hours=2)) == {"missed": 1, "sent": 1}
        assert len(outbox.outbox) == 1

    def test_a_reminder_that_was_held_up_waits_for_the_morning(self, clinic, booking):
        send_due(now=NOW)
        outbox.outbox.clear()
        Center.objects.update(quiet_from=21 * 60, quiet_until=8 * 60)
        night = utc("2026-11-24T02:00-05:00")
        assert send_due(now=night) == {"later": 1, "missed": 1}
        assert outbox.outbox == []
        assert LedgerEntry.objects.get(state="due").due == utc("2026-11-24T08:00-05:00")
        assert send_due(now=utc("2026-11-24T08:00-05:00")) == {"sent": 1}

    def test_a_course_taken_down_before_anybody_heard_of_it_is_not_mentioned(self, clinic):
        for appointment in place(clinic.quarterly_course()):
            clinic.cancel(appointment)
        assert send_due(now=NOW + seconds(60)) == {"superseded": 1}

    def test_a_course_taken_down_later_is_told_in_one_mail(self, clinic):
        doses = place(clinic.stay())
        send_due(now=NOW + seconds(60))
        outbox.outbox.clear()
        ledger.plan_overview(doses[0].visit.course, now=NOW)
        Appointment.objects.update(status="cancelled")
        assert send_due(now=NOW + seconds(120)) == {"sent": 1}
        assert outbox.outbox[0].subject == "Your visits are no longer booked"

    def test_a_call_about_a_visit_that_has_begun_is_nobody_s_work(self, clinic):
        appointment = clinic.book(clinic.patient(email=""))
        assert send_due(now=appointment.start) == {"missed": 3}


class TestFaults:
    """With a real mail server; see tests/faults for crashes."""

    @pytest.fixture
    def server(self, smtp_server, settings):
        for name, value in smtp_server.settings.items():
            setattr(settings, name, value)
        settings.EMAIL_TIMEOUT = 1
        return smtp_server

    def test_an_address_refused_for_good_becomes_a_call_and_the_next_mail_goes_out(self, clinic, server):
        server.refused.add("gone@example.org")
        clinic.book(clinic.patient("gone@example.org"))
        clinic.book(clinic.patient("here@example.org"), chair=1)
        assert send_due(now=NOW) == {"failed": 1, "sent": 1}
        assert [message["To"] for message in server.messages] == ["here@example.org"]
        failed = LedgerEntry.objects.get(state="failed")
        assert failed.error == "SMTPRecipientsRefused 550"
        assert entries(kind="booked", channel="call") == [("booked", "call", 0, "due")]

    @pytest.mark.parametrize("answer", ["451 try later", "421 busy", "452 full"])
    def test_a_passing_answer_is_tried_again_later_with_the_same_message_id(self, clinic, server, booking, answer):
        server.answers.append(answer)
        assert send_due(now=NOW) == {"later": 1}
        entry = LedgerEntry.objects.get(kind="booked")
        assert (entry.state, entry.attempts) == ("due", 1)
        assert timedelta(minutes=2) <= entry.due - NOW < timedelta(minutes=2, seconds=30)
        assert send_due(now=entry.due) == {"sent": 1}
        assert server.messages[0]["Message-ID"] == message_id(entry)

    @pytest.mark.parametrize("answer", ["550 no", "554 never"])
    def test_a_final_answer_to_the_message_is_a_call(self, clinic, server, booking, answer):
        server.answers.append(answer)
        assert send_due(now=NOW) == {"failed": 1}

    def test_a_server_that_is_down_loses_nothing_and_is_not_asked_for_everybody(self, clinic, server):
        for chair in range(3):
            for hour in (9, 10):
                clinic.book(clinic.patient(), f"2026-11-24T{hour:02}:00-05:00", chair=chair)
        server.stop()
        assert send_due(now=NOW) == {"later": 3}
        server.start()
        assert send_due(now=NOW + timedelta(minutes=3)) == {"sent": 6}
        assert len(server.messages) == 6

    def test_a_server_that_hangs_is_left_within_the_timeout(self, clinic, server, booking):
        server.hang()
        assert send_due(now=NOW) == {"later": 1}
        server.go_on()
        assert send_due(now=NOW + timedelta(minutes=3)) == {"sent": 1}

    def test_a_log_line_has_no_address(self, clinic, server, caplog):
        server.refused.add("gone@example.org")
        clinic.book(clinic.patient("gone@example.org"))
        send_due(now=NOW)
        ours = [record.getMessage() for record in caplog.records if record.name.startswith("scheduler")]
        assert ours
        assert "gone@example.org" not in " ".join(ours)


class TestRate:
    def test_a_center_sends_no_more_in_a_minute_than_its_rate_and_loses_nothing(self):
        clinic = Clinic(mails_a_minute=3)
        for hour in range(9, 17):
            clinic.book(clinic.patient(f"p{hour}@example.org"), f"2026-11-24T{hour:02}:00-05:00")
        sent = [send_due(now=NOW + seconds(21 * tick)).get("sent", 0) for tick in range(10)]
        assert sent == [3, 0, 0, 3, 0, 0, 2, 0, 0, 0]
        assert len({mail.to[0] for mail in outbox.outbox}) == 8

    def test_one_centers_flood_does_not_hold_up_another(self):
        flood, quiet = Clinic(mails_a_minute=1), Clinic()
        for hour in range(9, 17):
            flood.book(flood.patient(f"p{hour}@example.org"), f"2026-11-24T{hour:02}:00-05:00")
        quiet.book(quiet.patient("quiet@example.org"))
        send_due(now=NOW)
        assert [mail.to for mail in outbox.outbox].count(["quiet@example.org"]) == 1
        assert len(outbox.outbox) == 2
