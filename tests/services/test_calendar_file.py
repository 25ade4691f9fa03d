"""The `.ics` in mails, read back by two parsers that share no code."""

from __future__ import annotations

import email
from datetime import UTC, timedelta
from email import policy
from email.message import EmailMessage

import pytest
import vobject
from django.core import mail as outbox
from icalendar import Calendar

from scheduler.models import Appointment, Patient
from scheduler.services.sending import send_due
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, place, seconds

pytestmark = pytest.mark.django_db

MARKERS = ("dhe", "ergotamine", "migraine", "infusion", "headache", "treatment", "drug", "dose", "mrn", "1985")


@pytest.fixture
def clinic() -> Clinic:
    return Clinic(mail_name="Lakeside Center")


def attached() -> list[EmailMessage]:
    """The calendar parts of the last mail, as they arrive."""
    raw = outbox.outbox[-1].message().as_bytes()
    parsed = email.message_from_bytes(raw, policy=policy.default)
    return [part for part in parsed.walk() if part.get_content_type() == "text/calendar"]


def read() -> tuple[Calendar, vobject.base.Component]:
    [part] = attached()
    text = part.get_payload(decode=True).decode()
    calendar = Calendar.from_ical(text)
    assert part.get_param("method") == str(calendar["method"])
    assert calendar.errors == []
    return calendar, vobject.readOne(text)


def test_a_booking_is_a_request_that_both_parsers_read_alike(clinic):
    booked = clinic.book()
    send_due(now=NOW)
    calendar, other = read()
    [event] = calendar.events
    assert calendar["method"] == other.method.value == "REQUEST"
    assert event["uid"] == other.vevent.uid.value
    assert event["sequence"] == int(other.vevent.sequence.value) == booked.version
    assert event["dtstart"].dt == other.vevent.dtstart.value == booked.start
    assert event["dtend"].dt == other.vevent.dtend.value == booked.end
    assert event["dtstart"].to_ical().endswith(b"Z")
    assert event["location"] == other.vevent.location.value == "1 Lake Street"
    assert str(event["attendee"]).lower() == "mailto:ana@example.org"
    assert other.vevent.valarm.trigger.value == event.alarms.times[0].alarm["trigger"].dt == timedelta(hours=-2)
    assert event["dtstamp"].dt.tzinfo is not None
    assert event["dtstamp"].dt.astimezone(UTC) <= NOW


def test_moved_and_cancelled_are_the_same_event_with_higher_sequences(clinic):
    booked = clinic.book()
    send_due(now=NOW)
    first = read()[0].events[0]
    moved = clinic.move(booked, "2026-11-25T10:00-05:00")
    send_due(now=NOW)
    second = read()[0].events[0]
    clinic.cancel(moved)
    send_due(now=NOW)
    calendar, other = read()
    third = calendar.events[0]
    assert first["uid"] == second["uid"] == third["uid"]
    assert first["sequence"] < second["sequence"] < third["sequence"]
    assert second["dtstart"].dt == utc("2026-11-25T10:00-05:00")
    assert calendar["method"] == other.method.value == "CANCEL"
    assert third["status"] == "CANCELLED"
    assert not hasattr(other.vevent, "valarm")


def test_the_doses_of_a_stay_are_one_file_in_which_only_the_first_rings(clinic):
    doses = place(clinic.stay())
    send_due(now=NOW + seconds(60))
    assert len(outbox.outbox) == 1
    calendar, other = read()
    assert calendar["method"] == "PUBLISH"
    assert [event["dtstart"].dt for event in calendar.events] == [dose.start for dose in doses]
    assert len({event["uid"] for event in calendar.events}) == len(doses) == len(other.vevent_list) == 3
    assert [hasattr(event, "valarm") for event in other.vevent_list] == [True, False, False]
    assert "Come 60 minutes before this time." in calendar.events[0]["description"]


def test_the_next_overview_takes_a_cancelled_visit_out_of_the_calendar(clinic):
    doses = place(clinic.stay())
    send_due(now=NOW + seconds(60))
    clinic.cancel(Appointment.objects.get(pk=doses[-1].pk), now=NOW + seconds(90))
    send_due(now=NOW + seconds(200))
    assert len(outbox.outbox) == 2
    states = {str(event["status"]) for event in read()[0].events}
    assert "CANCELLED" in states


def test_a_reminder_carries_no_file(clinic):
    clinic.book()
    send_due(now=NOW)
    send_due(now=utc("2026-11-23T10:00-05:00"))
    assert "visit" in outbox.outbox[-1].subject
    assert attached() == []


def test_nothing_in_the_file_or_its_name_tells_why(clinic):
    place(clinic.stay())
    send_due(now=NOW + seconds(60))
    [part] = attached()
    assert part.get_filename() == "visit.ics"
    text = part.get_payload(decode=True).decode().lower()
    assert [marker for marker in MARKERS if marker in text] == []


def test_a_line_break_in_any_name_adds_no_line_to_the_file(clinic):
    Patient.objects.update(first_name="Ana\r\nATTENDEE:MAILTO:x@example.org")
    planted = 'Lake"\r\nATTENDEE:MAILTO:x@example.org\r\nBEGIN:VEVENT'
    clinic.center.mail_name, clinic.center.address, clinic.center.phone = planted[:120], planted, planted[:40]
    clinic.center.save()
    patient = clinic.patient(first_name="Ana\r\nEND:VCALENDAR")
    clinic.book(patient)
    send_due(now=NOW)
    calendar, other = read()
    assert len(calendar.events) == len(other.vevent_list) == 1
    [event] = calendar.events
    assert str(event["attendee"]) == "MAILTO:ana@example.org"
    assert len(other.vevent.attendee_list) == 1
