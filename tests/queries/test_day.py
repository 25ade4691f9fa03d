"""A unit's day as the board and the API read it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from scheduler.models import Break, Nurse, Shift, UnitDay
from scheduler.queries import day as days
from scheduler.queries.course_request import CourseRequest
from scheduler.services import attendance, booking, courses
from scheduler.services.placing import place_visit
from tests import factories as make
from tests.factories import NOW, utc

pytestmark = pytest.mark.django_db
TUESDAY = date(2026, 11, 24)


@pytest.fixture
def suite():
    unit = make.make_day_suite()
    for _ in range(2):
        make.make_chair(unit)
    return unit


@pytest.fixture
def actor(suite):
    return make.make_actor(suite.center)


@pytest.fixture
def rescue():
    return make.make_rescue()


def book(unit, actor, protocol, when: str, chair: int = 0, **values):
    return booking.book(
        actor=actor,
        chair=unit.chairs.select_related("unit__center")[chair],
        start=utc(when),
        patient=make.make_patient(unit.center),
        protocol=protocol,
        now=NOW,
        **values,
    )


def read(unit, when: date = TUESDAY, now=NOW) -> days.Day:
    return days.schedule(unit=unit, date=when, now=now)


def test_a_day_that_is_not_drawn_has_the_same_rows(suite, actor, rescue):
    for chair, when in ((1, "2026-11-24T13:00-05:00"), (0, "2026-11-24T09:00-05:00"), (1, "2026-11-25T09:00-05:00")):
        book(suite, actor, rescue, when, chair=chair)
    whole, bare = read(suite), days.schedule(unit=suite, date=TUESDAY, now=NOW, is_drawn=False)
    assert len(whole.appointments) == 2
    for name in ("open", "closures", "quarters", "version", "interval"):
        assert getattr(bare, name) == getattr(whole, name)
    for drawn, plain in zip(whole.chairs, bare.chairs, strict=True):
        assert (plain.chair, plain.stays, plain.closures) == (drawn.chair, drawn.stays, drawn.closures)
        for one, other in zip(drawn.appointments, plain.appointments, strict=True):
            assert {field.name: getattr(other, field.attname) for field in other._meta.concrete_fields} == {
                field.name: getattr(one, field.attname) for field in one._meta.concrete_fields
            }


def test_a_day_has_its_hours_its_chairs_and_their_visits(suite, actor, rescue):
    booked = book(suite, actor, rescue, "2026-11-24T13:00-05:00", chair=1)
    found = read(suite)
    assert [(part.start, part.end) for part in found.open] == [
        (utc("2026-11-24T08:00-05:00"), utc("2026-11-24T18:00-05:00"))
    ]
    assert [[row.pk for row in chair.appointments] for chair in found.chairs] == [[], [booked.pk]]


def test_what_is_over_for_good_is_left_out_and_what_was_missed_stays(suite, actor, rescue):
    cancelled = book(suite, actor, rescue, "2026-11-24T09:00-05:00")
    missed = book(suite, actor, rescue, "2026-11-24T13:00-05:00")
    booking.cancel(actor=actor, appointment=cancelled, reason="ill", now=NOW)
    attendance.no_show(actor=actor, appointment=missed, now=utc("2026-11-24T14:00-05:00"))
    assert [row.pk for row in read(suite).appointments] == [missed.pk]


def test_an_expired_hold_is_left_out_before_any_job_has_run(suite, actor):
    chair = suite.chairs.select_related("unit__center")[0]
    booking.hold(actor=actor, chair=chair, start=utc("2026-11-24T13:00-05:00"), minutes=30, now=NOW)
    assert len(read(suite).appointments) == 1
    assert read(suite, now=NOW + timedelta(minutes=5)).appointments == []


def test_a_visit_over_midnight_is_on_both_days(actor, suite, rescue):
    night = make.make_night_suite(suite.center)
    make.make_bed(night)
    booked = book(night, actor, rescue, "2026-11-24T23:30-05:00")
    for when in (TUESDAY, TUESDAY + timedelta(days=1)):
        assert [row.pk for row in read(night, when).appointments] == [booked.pk]
    assert read(night, TUESDAY + timedelta(days=2)).appointments == []


def test_actual_times_are_shown_instead_of_planned_ones(suite, actor, rescue):
    booked = book(suite, actor, rescue, "2026-11-24T13:00-05:00")
    attendance.start(
        actor=actor,
        appointment=booked,
        actual_start=utc("2026-11-24T13:20-05:00"),
        now=utc("2026-11-24T13:21-05:00"),
    )
    booked.refresh_from_db()
    shown = days.shown_time(booked)
    # preparation 20 before; treatment 75, observation 30 and cleaning 10 after
    assert (shown.start, shown.end) == (utc("2026-11-24T13:00-05:00"), utc("2026-11-24T15:15-05:00"))


def test_a_holiday_closes_the_day_and_shows_among_the_days_near(suite):
    make.make_closure(
        suite.center, "2026-11-26T00:00-05:00", "2026-11-27T00:00-05:00", unit=suite, reason="Thanksgiving"
    )
    thursday = read(suite, date(2026, 11, 26))
    assert thursday.open == ()
    assert [closure.reason for closure in thursday.closures] == ["Thanksgiving"]
    near = {each.date: each.is_open for each in read(suite).near}
    assert near == {
        date(2026, 11, 23): True,
        TUESDAY: True,
        date(2026, 11, 25): True,
        date(2026, 11, 26): False,
        date(2026, 11, 27): True,
        date(2026, 11, 30): True,
    }


def test_the_fill_of_a_day_is_its_taken_share_of_open_chair_time(suite, actor, rescue):
    book(suite, actor, rescue, "2026-11-24T13:00-05:00")  # 135 of 2 x 600 minutes
    today = next(each for each in read(suite).near if each.date == TUESDAY)
    assert today.fill == pytest.approx(135 / 1200)


def test_a_closure_of_one_chair_is_its_own(suite):
    make.make_closure(
        suite.center, "2026-11-24T10:00-05:00", "2026-11-24T12:00-05:00", unit=suite, chair=suite.chairs.first()
    )
    found = read(suite)
    assert found.closures == ()
    assert [len(row.closures) for row in found.chairs] == [1, 0]


def test_a_chair_taken_out_of_use_stays_while_somebody_is_booked_on_it(suite, actor, rescue):
    book(suite, actor, rescue, "2026-11-24T13:00-05:00", chair=1)
    suite.chairs.update(is_active=False)
    assert [row.chair.name for row in read(suite).chairs] == ["Chair 2"]


@pytest.mark.parametrize(("when", "hours"), [("2026-11-01", 25), ("2027-03-14", 23), ("2026-11-24", 24)])
def test_a_day_is_as_long_as_it_is(suite, when, hours):
    night = make.make_night_suite(suite.center)
    found = read(night, date.fromisoformat(when))
    assert found.interval.minutes == hours * 60
    assert len(found.quarters) == hours * 4


def test_the_load_counts_the_visits_and_the_shifts(suite, actor, rescue):
    book(suite, actor, rescue, "2026-11-24T13:00-05:00")
    UnitDay.objects.filter(unit=suite, date=TUESDAY).update(shifts_published=True)
    nurse = Nurse.objects.create(center=suite.center, name="K. Brandt")
    shift = Shift.objects.create(
        nurse=nurse, unit=suite, starts_at=utc("2026-11-24T08:00-05:00"), ends_at=utc("2026-11-24T18:00-05:00")
    )
    Break.objects.create(shift=shift, starts_at=utc("2026-11-24T14:00-05:00"), ends_at=utc("2026-11-24T14:30-05:00"))
    quarters = {each.start: each for each in read(suite).quarters}
    one, two = quarters[utc("2026-11-24T13:00-05:00")], quarters[utc("2026-11-24T14:00-05:00")]
    assert (one.load.acuity, one.load.starts, one.can.nurses, one.can.acuity) == (2, 1, 1, 8)
    assert (two.load.acuity, two.load.starts, two.can.nurses) == (2, 0, 0)
    assert [each.nurse.name for each in days.shifts(unit=suite, date=TUESDAY)] == ["K. Brandt"]


def test_a_stay_is_on_every_day_it_touches_with_all_its_doses(suite, actor):
    night = make.make_night_suite(suite.center)
    make.make_bed(night)
    course = courses.create(
        actor=actor,
        center=suite.center,
        request=CourseRequest(
            patient=make.make_patient(suite.center),
            protocol=make.make_dhe(),
            unit=night,
            start=utc("2026-11-24T18:00-05:00"),
            days=1,
        ),
        now=NOW,
    )
    for visit in course.visits.all():
        place_visit(actor=actor, visit=visit, now=NOW)
    for step, doses in ((0, 1), (1, 2)):
        found = read(night, TUESDAY + timedelta(days=step))
        assert [stay.course.pk for stay in found.chairs[0].stays] == [course.pk]
        assert len(found.appointments) == doses
        assert len(found.doses[course.pk]) == 3
    assert read(night, TUESDAY - timedelta(days=1)).chairs[0].stays == ()


def test_every_change_bumps_the_version(suite, actor, rescue):
    assert days.version(unit=suite, date=TUESDAY) == 0
    booked = book(suite, actor, rescue, "2026-11-24T13:00-05:00")
    first = days.version(unit=suite, date=TUESDAY)
    booking.confirm(actor=actor, appointment=booked, now=NOW)
    assert days.version(unit=suite, date=TUESDAY) > first > 0
    assert read(suite).version == days.version(unit=suite, date=TUESDAY)


def test_the_number_of_queries_does_not_grow_with_the_day(suite, actor, rescue, django_assert_max_num_queries):
    for when in ("08:30", "11:00", "13:30", "16:00"):
        for chair in range(2):
            book(suite, actor, rescue, f"2026-11-24T{when}-05:00", chair=chair)
    with django_assert_max_num_queries(9):
        found = read(suite)
        assert [row.patient.last_name for row in found.appointments if row.protocol]


def test_a_days_closures_come_by_start_and_can_be_told_apart(suite):
    later = make.make_closure(suite.center, "2026-11-24T15:00-05:00", "2026-11-24T16:00-05:00", unit=suite)
    first = make.make_closure(suite.center, "2026-11-24T09:00-05:00", "2026-11-24T10:00-05:00")
    found = read(suite).closures
    assert [(row.pk, row.unit_id, row.chair_id, row.starts_at, row.ends_at, row.reason) for row in found] == [
        (row.pk, row.unit_id, None, row.starts_at, row.ends_at, "Holiday") for row in (first, later)
    ]
