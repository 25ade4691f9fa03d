"""Where there is room, by half hours, and how full the days are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduler.domain.intervals import Interval
from scheduler.queries import needs
from scheduler.queries.capacity import Capacity, capacity
from scheduler.queries.search import ground
from scheduler.services import booking
from tests import factories as make
from tests.factories import NOW, utc

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)


@pytest.fixture
def suite():
    unit = make.make_day_suite()
    for _ in range(3):
        make.make_chair(unit)
    return unit


@pytest.fixture
def actor(suite):
    return make.make_actor(suite.center)


def read(unit, *, minutes: int = 120, now=NOW, first: date = MONDAY, days: int = 14) -> Capacity:
    return capacity(unit=unit, first=first, last=first + timedelta(days=days - 1), minutes=minutes, now=now)


def book(unit, actor, when: str, chair: int = 0):
    return booking.book(
        actor=actor,
        chair=unit.chairs.select_related("unit__center")[chair],
        start=utc(when),
        patient=make.make_patient(unit.center),
        protocol=make.make_rescue(code=f"rescue-{when[8:13]}-{chair}".replace(":", "").lower()),
        now=NOW,
    )


def room(found: Capacity, day: date) -> dict[str, int | None]:
    one = next(each for each in found.days if each.date == day)
    return {
        f"{minute // 60:02}:{minute % 60:02}": cell.chairs for minute, cell in zip(found.rows, one.cells, strict=True)
    }


def test_the_days_are_those_on_which_the_unit_works(suite):
    found = read(suite)
    assert [day.date.weekday() for day in found.days] == [0, 1, 2, 3, 4] * 2
    assert found.rows == tuple(range(8 * 60, 18 * 60, 30))


def test_a_number_counts_the_chairs_where_the_whole_treatment_fits(suite, actor):
    before = room(read(suite), date(2026, 11, 25))
    assert before["09:00"] == 3
    book(suite, actor, "2026-11-25T11:00-05:00")  # its preparation begins at 10:40, its cleaning ends at 12:55
    after = room(read(suite), date(2026, 11, 25))
    assert after["08:30"] == 3
    assert [after[clock] for clock in ("09:00", "10:00", "12:30")] == [2, 2, 2]
    assert after["13:00"] == 3


def test_after_the_last_start_that_ends_before_closing_there_is_none(suite):
    wednesday = room(read(suite), date(2026, 11, 25))
    assert (wednesday["16:00"], wednesday["16:30"]) == (3, 0)
    assert room(read(suite, minutes=30), date(2026, 11, 25))["17:30"] == 3


def test_what_is_over_has_no_number(suite):
    tuesday = room(read(suite, now=utc("2026-11-24T12:10-05:00")), date(2026, 11, 24))
    assert tuesday["12:00"] is None
    assert tuesday["12:30"] == 3
    assert set(room(read(suite, now=utc("2026-11-25T07:00-05:00")), date(2026, 11, 24)).values()) == {None}


def test_a_holiday_stands_with_its_reason_and_a_closed_chair_is_not_counted(suite):
    make.make_closure(
        suite.center, "2026-11-26T00:00-05:00", "2026-11-27T00:00-05:00", unit=suite, reason="Thanksgiving"
    )
    make.make_closure(
        suite.center, "2026-11-25T08:00-05:00", "2026-11-25T18:00-05:00", chair=suite.chairs.first(), unit=suite,
        reason="broken",
    )  # fmt: skip
    found = {day.date: day for day in read(suite).days}
    thanksgiving = found[date(2026, 11, 26)]
    assert (thanksgiving.closed_for, thanksgiving.full, thanksgiving.opened) == ("Thanksgiving", None, timedelta())
    assert {cell.chairs for cell in thanksgiving.cells} == {None}
    assert found[date(2026, 11, 25)].opened == timedelta(hours=20)
    assert room(read(suite), date(2026, 11, 25))["09:00"] == 2


def test_the_share_of_a_day_is_its_taken_chair_time(suite, actor):
    book(suite, actor, "2026-11-25T11:00-05:00")
    day = next(each for each in read(suite).days if each.date == date(2026, 11, 25))
    assert (day.visits, day.taken, day.opened) == (1, timedelta(minutes=135), timedelta(hours=30))
    assert day.full == pytest.approx(135 / 1800)


def test_every_number_is_what_the_rules_say_chair_by_chair(suite, actor):
    for when, chair in (("2026-11-25T11:00-05:00", 0), ("2026-11-25T13:30-05:00", 1), ("2026-11-25T09:00-05:00", 2)):
        book(suite, actor, when, chair)
    found = read(suite, minutes=60, days=3)
    need = needs.for_minutes(60)
    span = make.utc("2026-11-23T00:00-05:00"), make.utc("2026-11-26T00:00-05:00")
    where = ground(unit=suite, patient_id=None, need=need, now=NOW, span=Interval(*span))
    for day in found.days:
        for cell in day.cells:
            if cell.chairs is None:
                continue
            fits = [chair for chair in where.unit.chairs.values() if not where.refusals(need, chair, cell.start)]
            assert cell.chairs == len(fits), cell.start


def test_the_first_room_is_the_earliest_and_others_differ(suite):
    found = read(suite, now=utc("2026-11-24T12:10-05:00"))
    assert found.first[0].start == utc("2026-11-24T12:15-05:00")
    assert len({(slot.start, slot.chair.id) for slot in found.first}) == len(found.first) == 4


def test_a_long_day_is_shown_by_the_hour_and_a_night_of_25_hours_has_its_rows(suite):
    night = make.make_night_suite(suite.center)
    make.make_bed(night)
    found = read(night, first=date(2026, 10, 31), days=3, now=utc("2026-10-01T12:00-04:00"))
    assert found.rows == tuple(range(0, 24 * 60, 60))
    assert [len(day.cells) for day in found.days] == [24] * 3
    assert room(found, date(2026, 11, 1))["03:00"] == 1
    assert found.days[1].opened == timedelta(hours=25)


def test_the_number_of_statements_does_not_grow_with_days_and_visits(suite, actor):
    def count(days: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            read(suite, days=days)
        return len(captured)

    few = count(2)
    for hour in range(9, 16, 2):
        book(suite, actor, f"2026-11-25T{hour:02}:30-05:00", hour % 3)
    make.make_chair(suite)
    assert count(31) == few


def test_a_unit_without_hours_has_no_rows(suite):
    unit = make.make_unit(suite.center, days=())
    found = read(unit)
    assert (found.rows, found.days, found.first) == ((), (), ())
