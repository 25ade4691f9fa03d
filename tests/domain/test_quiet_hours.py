"""Nobody is written to in a center's quiet hours, on its own wall clock."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduler.domain import quiet_hours
from tests.factories import utc

ZONE = ZoneInfo("America/New_York")
NIGHT = {"quiet_from": 21 * 60, "quiet_until": 8 * 60, "zone": ZONE}


@pytest.mark.parametrize(
    ("at", "over"),
    [
        ("2026-11-24T20:59-05:00", None),
        ("2026-11-24T21:00-05:00", "2026-11-25T08:00-05:00"),
        ("2026-11-25T03:00-05:00", "2026-11-25T08:00-05:00"),
        ("2026-11-25T07:59-05:00", "2026-11-25T08:00-05:00"),
        ("2026-11-25T08:00-05:00", None),
    ],
)
def test_quiet_hours_span_midnight_and_are_half_open(at, over):
    assert quiet_hours.over_at(utc(at), **NIGHT) == (utc(over) if over else None)


def test_what_would_leave_in_them_leaves_half_an_hour_before():
    before = utc("2026-11-24T20:30-05:00")
    assert quiet_hours.latest_before(utc("2026-11-25T07:30-05:00"), **NIGHT) == before
    assert quiet_hours.latest_before(utc("2026-11-24T22:00-05:00"), **NIGHT) == before
    assert quiet_hours.latest_before(utc("2026-11-24T20:45-05:00"), **NIGHT) == utc("2026-11-24T20:45-05:00")


def test_two_that_are_equal_mean_none():
    none = {"quiet_from": 600, "quiet_until": 600, "zone": ZONE}
    assert quiet_hours.over_at(utc("2026-11-24T10:00-05:00"), **none) is None


def test_they_may_lie_within_one_day():
    noon = {"quiet_from": 12 * 60, "quiet_until": 14 * 60, "zone": ZONE}
    assert quiet_hours.over_at(utc("2026-11-24T13:00-05:00"), **noon) == utc("2026-11-24T14:00-05:00")
    assert quiet_hours.latest_before(utc("2026-11-24T13:00-05:00"), **noon) == utc("2026-11-24T11:30-05:00")


@pytest.mark.parametrize("name", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Havana"])
@pytest.mark.parametrize("ends", [30, 90, 150, 480])
def test_their_end_is_ahead_and_outside_on_every_quarter_of_two_years(name, ends):
    hours = {"quiet_from": 21 * 60, "quiet_until": ends, "zone": ZoneInfo(name)}
    moment = utc("2027-01-01T00:00+00:00")
    for _ in range(0, 2 * 366 * 24 * 4, 3):
        moment += timedelta(minutes=45)
        over = quiet_hours.over_at(moment, **hours)
        if over is not None:
            assert moment < over <= moment + timedelta(hours=13)
        before = quiet_hours.latest_before(moment, **hours)
        assert moment - timedelta(hours=13) < before <= moment
        assert quiet_hours.over_at(before, **hours) is None
