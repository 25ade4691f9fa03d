"""A month in figures."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from scheduler.models import Occupancy
from scheduler.queries.course_request import CourseRequest
from scheduler.queries.monthly import month
from scheduler.services import attendance, booking, courses
from scheduler.services.placing import place_visit
from tests import factories as make
from tests.factories import NOW, utc

pytestmark = pytest.mark.django_db
NOVEMBER = date(2026, 11, 1)
END = utc("2026-12-05T12:00-05:00")


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


def book(unit, actor, protocol, when: str, chair: int = 0):
    return booking.book(
        actor=actor,
        chair=unit.chairs.select_related("unit__center")[chair],
        start=utc(when),
        patient=make.make_patient(unit.center),
        protocol=protocol,
        now=NOW,
    )


def treat(actor, row, *, minutes: int = 75, late: int = 0, outcome: str = "given"):
    begin = row.start + timedelta(minutes=late)
    if outcome != "not-given":
        attendance.start(actor=actor, appointment=row, actual_start=begin, now=begin)
    row.refresh_from_db()
    attendance.complete(
        actor=actor, appointment=row, outcome=outcome, reason="" if outcome == "given" else "vomited",
        now=begin + timedelta(minutes=minutes),
    )  # fmt: skip


def test_visits_are_counted_by_protocol_and_by_what_became_of_them(suite, actor, rescue):
    quarterly = make.make_quarterly()
    given = [book(suite, actor, rescue, f"2026-11-{day}T09:00-05:00") for day in (24, 25)]
    for row in given:
        treat(actor, row)
    treat(actor, book(suite, actor, quarterly, "2026-11-25T13:00-05:00"), minutes=30)
    treat(actor, book(suite, actor, rescue, "2026-11-27T09:00-05:00"), outcome="not-given")
    attendance.no_show(
        actor=actor, appointment=book(suite, actor, rescue, "2026-11-30T09:00-05:00"), now=utc("2026-11-30T11:00-05:00")
    )
    book(suite, actor, rescue, "2026-12-01T09:00-05:00")  # another month
    found = month(unit=suite, first=NOVEMBER, now=END)
    first, second = found.lines
    assert (first.protocol, first.given, first.not_given, first.no_show) == (rescue.name, 2, 1, 1)
    assert (second.protocol, second.given) == (quarterly.name, 1)
    assert (found.total.all, found.total.given) == (5, 3)
    assert first.no_show_share == pytest.approx(0.25)


def test_cancellations_within_a_day_are_told_apart_and_lapsed_holds_are_none(suite, actor, rescue):
    early, late = (book(suite, actor, rescue, f"2026-11-27T{hour}:00-05:00") for hour in ("09", "13"))
    booking.cancel(actor=actor, appointment=early, reason="ill", now=utc("2026-11-25T12:00-05:00"))
    booking.cancel(actor=actor, appointment=late, reason="ill", now=utc("2026-11-26T14:00-05:00"))
    booking.hold(
        actor=actor, chair=suite.chairs.select_related("unit__center")[0], start=utc("2026-11-27T15:00-05:00"),
        minutes=30, now=NOW,
    )  # fmt: skip
    booking.expire_holds(now=END)
    found = month(unit=suite, first=NOVEMBER, now=END)
    assert (found.total.cancelled, found.cancelled_late, found.total.all) == (2, 1, 2)


def test_used_chair_hours_are_the_real_ones_and_open_ones_end_now(suite, actor, rescue):
    treat(actor, book(suite, actor, rescue, "2026-11-24T09:00-05:00"), minutes=95)
    # preparation 20, treatment 95, observation 30, cleaning 10
    now = utc("2026-11-24T18:00-05:00")
    found = month(unit=suite, first=NOVEMBER, now=now)
    assert found.used == timedelta(minutes=155)
    assert found.opened == timedelta(hours=17 * 10 * 2)  # Monday 2 to Tuesday 24 November
    make.make_closure(
        suite.center, "2026-11-23T08:00-05:00", "2026-11-23T18:00-05:00", chair=suite.chairs.first(), unit=suite,
        reason="broken",
    )  # fmt: skip
    assert month(unit=suite, first=NOVEMBER, now=now).opened == timedelta(hours=17 * 10 * 2 - 10)
    assert month(unit=suite, first=date(2027, 1, 1), now=now).opened == timedelta()


def test_a_month_that_nothing_happened_in_has_no_shares(suite):
    found = month(unit=suite, first=date(2026, 2, 1), now=END)
    assert (found.lines, found.total.all, found.total.no_show_share) == ((), 0, None)
    assert (found.last, found.used, found.share) == (date(2026, 2, 28), timedelta(), 0.0)


def test_doses_begun_within_tolerance_are_counted_and_a_stay_is_one_time_of_its_bed(actor, suite):
    night = make.make_night_suite(suite.center)
    make.make_bed(night)
    course = courses.create(
        actor=actor,
        center=night.center,
        request=CourseRequest(
            patient=make.make_patient(night.center),
            protocol=make.make_dhe(),
            unit=night,
            start=utc("2026-11-24T09:00-05:00"),
            days=1,
        ),
        now=NOW,
    )
    for visit in course.visits.all():
        place_visit(actor=actor, visit=visit, now=NOW)
    visits = list(course.visits.order_by("ordinal"))
    for visit, late in zip(visits, (0, 80), strict=False):
        treat(actor, visit.appointments.get(), minutes=60, late=late)
    stay = Occupancy.objects.get(stay=course)
    found = month(unit=night, first=NOVEMBER, now=END)
    assert [(line.given, line.to_come) for line in found.lines] == [(2, len(visits) - 2)]
    assert [(one.begun, one.within) for one in found.starts] == [(2, 1)]
    assert found.used == stay.chair_until - stay.chair_from
    assert month(unit=night, first=NOVEMBER, now=stay.chair_from + timedelta(hours=2)).used == timedelta(hours=2)
