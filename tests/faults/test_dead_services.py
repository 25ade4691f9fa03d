"""A booking never waits for the broker or the mail server; two senders never send one message twice."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from time import monotonic

import pytest
from django.db import connection

from scheduler.models import LedgerEntry, Visit
from scheduler.services.sending import send_due
from tests.factories import NOW
from tests.support.clinic import Clinic
from tests.support.threads import together

SOON = 1.0  # seconds within which a booking has to be done


@pytest.fixture
def clinic(committed_db) -> Clinic:
    return Clinic(chairs=4)


@pytest.fixture
def server(smtp_server, settings):
    for name, value in smtp_server.settings.items():
        setattr(settings, name, value)
    return smtp_server


class TestBroker:
    @pytest.mark.parametrize("how", ["kill", "stop"])
    def test_dead_or_hanging_booking_and_course_are_there_within_a_second(self, clinic, broker, settings, how):
        settings.REDIS_URL = settings.CELERY_BROKER_URL = broker.url
        patient, quarterly = clinic.patient(), clinic.quarterly
        getattr(broker, how)()
        began = monotonic()
        appointment = clinic.book(patient)
        booked = monotonic()
        course = clinic.quarterly_course(clinic.patient("b@example.org"))
        created = monotonic()
        if how == "stop":
            broker.cont()
        assert quarterly.pk == course.protocol_id
        assert booked - began < SOON
        assert created - booked < SOON
        assert appointment.status == "booked"
        assert Visit.objects.filter(course=course).count() == 4
        assert LedgerEntry.objects.filter(appointment=appointment).count() == 3


class TestMailServer:
    def test_while_it_hangs_bookings_go_on_at_once(self, clinic, server):
        clinic.book(clinic.patient("first@example.org"))
        server.hang()
        sender = threading.Thread(target=send_in_thread)
        sender.start()
        try:
            while not LedgerEntry.objects.filter(state="claimed").exists():
                assert sender.is_alive()
            began = monotonic()
            clinic.book(clinic.patient("second@example.org"), chair=1)
            assert monotonic() - began < SOON
        finally:
            server.go_on()
            sender.join(30)
        assert LedgerEntry.objects.filter(kind="booked", state="sent").count() == 1


class TestTwoSenders:
    def test_at_once_send_each_message_once(self, clinic, server):
        for number in range(12):
            clinic.book(
                clinic.patient(f"p{number}@example.org"),
                f"2026-11-24T{10 + number // 4}:00-05:00",
                chair=number % 4,
            )
        counts = together([lambda: send_due(now=NOW)] * 4)
        assert sum(count.get("sent", 0) for count in counts) == 12
        received = Counter(message["Message-ID"] for message in server.messages)
        assert set(received.values()) == {1}
        assert len(received) == 12

    def test_one_address_that_is_refused_does_not_hold_up_the_others(self, clinic, server):
        server.refused.add("p0@example.org")
        for number in range(4):
            clinic.book(clinic.patient(f"p{number}@example.org"), chair=number)
        together([lambda: send_due(now=NOW)] * 2)
        assert len(server.messages) == 3
        assert LedgerEntry.objects.filter(channel="call", state="due").count() == 1
        assert send_due(now=NOW + timedelta(minutes=1)) == {}


def send_in_thread() -> None:
    try:
        send_due(now=NOW)
    finally:
        connection.close()
