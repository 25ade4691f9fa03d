"""A day's load comes in by the same calls as single bookings, and may be sent again after a broken line."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduler.models import Appointment
from scheduler.queries import integrity
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

CHAIRS = 9
STARTS = [f"{hour:02}:{minute:02}" for hour in (11, 12, 13, 14, 15, 16) for minute in (0, 30)]


@pytest.fixture
def load(center: Any) -> list[dict[str, Any]]:
    """Every chair from 11:00 to 17:00 in turns of thirty minutes: 108 bookings, each of another patient."""
    unit = make.make_day_suite(center)
    unit.staffing_patterns.update(nurses=20, patients=50, acuity=100)
    chairs = [make.make_chair(unit).pk for _ in range(CHAIRS)]
    return [
        {
            "patient": make.make_patient(center).pk,
            "chair": chair,
            "start": f"2026-11-16T{start}-05:00",
            "minutes": 30,
        }
        for start in STARTS
        for chair in chairs
    ]


def test_a_whole_day_is_sent_twice_and_booked_once(desk, load):
    def send() -> list[tuple[int, bytes]]:
        answers = [
            desk.post("/appointments/", body, HTTP_IDEMPOTENCY_KEY=f"load-{number}") for number, body in enumerate(load)
        ]
        return [(answer.status_code, answer.content) for answer in answers]

    first = send()
    assert {status for status, _body in first} == {201}, first[0]
    assert send() == first
    assert Appointment.objects.count() == len(load) == 108
    assert integrity.check(now=NOW) == []


def test_the_last_booking_of_a_full_day_asks_no_more_than_the_first(desk, load):
    def queries(body: dict[str, Any]) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert desk.post("/appointments/", body).status_code == 201
        return len(asked)

    queries(load[0])  # the first of all notes the use of the key, and makes the day's row
    second = queries(load[1])
    for body in load[2:-1]:
        assert desk.post("/appointments/", body).status_code == 201
    assert queries(load[-1]) == second
