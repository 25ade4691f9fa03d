"""The calls that are measured (docs/benchmarks.md) ask the database as often however many rows there are.

The day schedule and the other lists: test_reading.py. A booking on a full day: test_day_load.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduler.models import Chair
from scheduler.services import booking
from tests import factories as make
from tests.factories import NOW, utc

pytestmark = pytest.mark.django_db
FIRST = utc("2026-11-17T09:00-05:00")


@pytest.fixture
def suite(center: Any) -> Any:
    unit = make.make_day_suite(center)
    unit.staffing_patterns.update(nurses=20, patients=50, acuity=100)
    for _ in range(3):
        make.make_chair(unit)
    return unit


def fill(suite: Any, *, days: int) -> None:
    """Two bookings on each chair on the first so many weekdays."""
    actor = make.make_actor(suite.center)
    for day in [day for day in range(days) if (FIRST + timedelta(days=day)).weekday() < 5]:
        for chair in Chair.objects.filter(unit=suite).select_related("unit__center"):
            for hours in (2, 5):
                start = FIRST + timedelta(days=day, hours=hours)
                patient = make.make_patient(suite.center)
                booking.book(actor=actor, chair=chair, start=start, patient=patient, minutes=60, now=NOW)


def asked_by(desk: Any, path: str, body: dict[str, Any], status: int) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = desk.post(path, body)
    assert answer.status_code == status, answer.content
    return len(asked)


def search(suite: Any, days: int) -> dict[str, Any]:
    until = FIRST + timedelta(days=days)
    return {"minutes": 120, "unit": suite.pk, "from": FIRST.isoformat(), "to": until.isoformat()}


def test_a_search_asks_as_often_for_one_day_as_for_ninety_empty_or_full(desk, suite):
    asked_by(desk, "/slots/search/", search(suite, 1), 200)  # the first use of a key is noted
    empty = [asked_by(desk, "/slots/search/", search(suite, days), 200) for days in (1, 14, 90)]
    fill(suite, days=8)
    full = [asked_by(desk, "/slots/search/", search(suite, days), 200) for days in (1, 14, 90)]
    assert len({*empty, *full}) == 1
    assert full[0] <= 6


def test_a_refused_booking_asks_as_often_on_a_full_day_as_on_an_empty_one(desk, suite):
    chair = suite.chairs.first()

    def refused() -> int:
        body = {"patient": make.make_patient(suite.center).pk, "chair": chair.pk, "start": FIRST.isoformat()}
        return asked_by(desk, "/appointments/", body | {"minutes": 60}, 409)

    actor = make.make_actor(suite.center)
    booking.book(
        actor=actor, chair=Chair.objects.select_related("unit__center").get(pk=chair.pk), start=FIRST,
        patient=make.make_patient(suite.center), minutes=60, now=NOW,
    )  # fmt: skip
    refused()
    few = refused()
    fill(suite, days=3)
    assert refused() == few
