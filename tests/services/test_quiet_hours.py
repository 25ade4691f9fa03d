"""Mails in a center's quiet hours: reminders leave before them, the rest after, and none after a visit began."""

from __future__ import annotations

import pytest
from django.core import mail as outbox

from scheduler.models import LedgerEntry
from scheduler.services.sending import send_due
from tests.factories import utc
from tests.support.clinic import Clinic, entries, place

pytestmark = pytest.mark.django_db

EVENING = utc("2026-11-23T22:00-05:00")
MORNING = utc("2026-11-24T08:00-05:00")


@pytest.fixture
def clinic() -> Clinic:
    return Clinic(quiet_from=21 * 60, quiet_until=8 * 60)


def test_a_booking_of_the_evening_is_told_in_the_morning(clinic):
    clinic.book(start="2026-11-24T10:00-05:00", now=EVENING)
    assert send_due(now=EVENING) == {"later": 1}
    assert outbox.outbox == []
    assert send_due(now=MORNING) == {"sent": 1}


def test_news_that_cannot_wait_for_the_morning_is_a_call(clinic):
    booked = clinic.book(start="2026-11-24T08:00-05:00", now=utc("2026-11-23T20:00-05:00"))
    send_due(now=utc("2026-11-23T20:00-05:00"))
    outbox.outbox.clear()
    clinic.cancel(booked, now=EVENING)
    assert send_due(now=EVENING) == {"missed": 1}
    assert outbox.outbox == []
    assert ("cancelled", "call", 0, "due") in entries()


def test_a_reminder_whose_hour_is_quiet_leaves_the_evening_before(clinic):
    clinic.center.reminder_minute = 7 * 60 + 30
    clinic.center.save()
    clinic.book(start="2026-11-26T10:00-05:00")
    dues = LedgerEntry.objects.filter(kind="reminder").order_by("due").values_list("due", flat=True)
    assert list(dues) == [utc("2026-11-22T20:30-05:00"), utc("2026-11-24T20:30-05:00")]


def test_a_stay_booked_at_night_is_told_when_the_night_is_over(clinic):
    course = clinic.stay(start=utc("2026-11-24T09:00-05:00"), now=EVENING)
    place(course, now=EVENING)
    assert send_due(now=utc("2026-11-23T22:01-05:00")) == {"later": 1}
    assert send_due(now=MORNING) == {"sent": 1}
