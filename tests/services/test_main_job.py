"""The issue's main job, as a specification: courses become booked chair time."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from scheduler.domain.errors import Refused
from scheduler.models import Appointment, Occupancy, Visit
from scheduler.queries.course_request import CourseRequest
from scheduler.queries.plan import preview
from scheduler.services import booking, courses, placing
from scheduler.services.courses import Placement
from scheduler.services.settle import Override
from tests import factories as make
from tests.factories import NOW, utc

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")


def local(moment) -> str:
    return f"{moment.astimezone(NEW_YORK):%a %d %b %Y %H:%M}"


@pytest.fixture
def center():
    return make.make_center()


@pytest.fixture
def day_suite(center):
    unit = make.make_day_suite(center)
    for _ in range(3):
        make.make_chair(unit)
    make.make_bed(unit)
    make.make_closure(center, "2027-05-31T00:00-04:00", "2027-06-01T00:00-04:00", unit=unit, reason="Memorial Day")
    return unit


@pytest.fixture
def night_suite(center):
    unit = make.make_night_suite(center)
    for _ in range(2):
        make.make_bed(unit)
    return unit


@pytest.fixture
def actor(center):
    return make.make_actor(center)


def start_quarterly(center, unit, actor):
    request = CourseRequest(
        patient=make.make_patient(center),
        protocol=make.make_quarterly(),
        unit=unit,
        start=utc("2026-11-30T10:00-05:00"),
    )
    return courses.create(actor=actor, center=center, request=request, now=NOW)


def place_all(course, actor, now=NOW):
    for visit in Visit.objects.filter(course=course, state="unplaced"):
        visit.refresh_from_db()
        if visit.state == "unplaced":
            placing.place_visit(actor=actor, visit=visit, now=now)
    return list(Appointment.objects.filter(visit__course=course).order_by("visit__ordinal"))


class TestQuarterly:
    def test_is_due_on_the_clipped_dates(self, center, day_suite, actor):
        course = start_quarterly(center, day_suite, actor)
        dues = [local(visit.due) for visit in course.visits.all()]
        assert dues == [
            "Mon 30 Nov 2026 10:00",
            "Sun 28 Feb 2027 10:00",
            "Sun 30 May 2027 10:00",
            "Mon 30 Aug 2027 10:00",
        ]

    def test_is_booked_on_open_days_for_thirty_minutes(self, center, day_suite, actor):
        rows = place_all(start_quarterly(center, day_suite, actor), actor)
        assert [local(row.start) for row in rows] == [
            "Mon 30 Nov 2026 10:00",
            "Mon 01 Mar 2027 10:00",
            "Tue 01 Jun 2027 10:00",
            "Mon 30 Aug 2027 10:00",
        ]
        assert {(row.end - row.start).total_seconds() for row in rows} == {1800}

    def test_explains_each_shift_in_the_preview(self, center, day_suite):
        request = CourseRequest(
            patient=make.make_patient(center),
            protocol=make.make_quarterly(),
            unit=day_suite,
            start=utc("2026-11-30T10:00-05:00"),
        )
        plan = preview(center=center, request=request, now=NOW)
        assert plan.fits
        assert not plan.visits[0].shifted
        assert "closed" in " ".join(plan.visits[1].reasons())
        assert "Sun 30 May 2027" in " ".join(plan.visits[2].reasons())
        assert not Visit.objects.exists()

    def test_a_preview_takes_nobody_elses_chair_for_her_last_one(self, center, day_suite, actor):
        other = day_suite.chairs.select_related("unit__center").last()
        booking.book(
            actor=actor,
            chair=other,
            start=utc("2026-11-20T10:00-05:00"),
            patient=make.make_patient(center),
            minutes=30,
            now=NOW,
        )
        request = CourseRequest(
            patient=make.make_patient(center),
            protocol=make.make_quarterly(),
            unit=day_suite,
            start=utc("2026-11-30T10:00-05:00"),
        )
        first = preview(center=center, request=request, now=NOW).visits[0]
        assert "same_chair_as_last_time" not in [reason.code for reason in first.slot.reasons]

    def test_moved_to_15_march_proposes_15_june_and_both_are_accepted_together(self, center, day_suite, actor):
        rows = place_all(start_quarterly(center, day_suite, actor), actor)
        to = utc("2027-03-15T10:00-04:00")
        late = Override(codes=frozenset({"window_is_kept"}), reason="She travels.")
        with pytest.raises(Refused) as refused:
            booking.move(actor=actor, appointment=rows[1], start=to, override=late, now=NOW)
        [refusal] = refused.value.refusals
        assert refusal.code == "interval_is_kept"
        assert "78 days" in refusal.detail
        assert "84 days" in refusal.detail
        proposals = refused.value.proposals
        assert [local(proposal.slot.start) for proposal in proposals] == [
            "Tue 15 Jun 2027 10:00",
            "Wed 15 Sep 2027 10:00",
        ]

        booking.move(actor=actor, appointment=rows[1], start=to, override=late, accept_following=True, now=NOW)
        again = Appointment.objects.filter(visit__course=rows[0].visit.course).order_by("visit__ordinal")
        assert [local(row.start) for row in again][1:3] == ["Mon 15 Mar 2027 10:00", "Tue 15 Jun 2027 10:00"]
        assert local(Visit.objects.get(ordinal=3).due) == "Tue 15 Jun 2027 10:00"


NINE_DOSES = [
    "Sat 13 Mar 2027 09:00",
    "Sat 13 Mar 2027 17:00",
    "Sun 14 Mar 2027 01:00",
    "Sun 14 Mar 2027 10:00",
    "Sun 14 Mar 2027 18:00",
    "Mon 15 Mar 2027 02:00",
    "Mon 15 Mar 2027 10:00",
    "Mon 15 Mar 2027 18:00",
    "Tue 16 Mar 2027 02:00",
]


class TestStay:
    def request(self, center, unit, start="2027-03-13T09:00-05:00"):
        return CourseRequest(
            patient=make.make_patient(center), protocol=make.make_dhe(), unit=unit, start=utc(start), days=3
        )

    def test_nine_doses_stand_in_one_bed_across_the_clock_change(self, center, night_suite, actor):
        course = courses.create(actor=actor, center=center, request=self.request(center, night_suite), now=NOW)
        rows = place_all(course, actor)
        assert [local(row.start) for row in rows] == NINE_DOSES
        assert len({row.chair_id for row in rows}) == 1
        stay = Occupancy.objects.get(stay=course)
        assert local(stay.chair_from) == "Sat 13 Mar 2027 08:00"
        assert local(stay.chair_until) == "Tue 16 Mar 2027 03:30"

    def test_nobody_else_gets_the_bed_between_the_doses(self, center, night_suite, actor):
        course = courses.create(actor=actor, center=center, request=self.request(center, night_suite), now=NOW)
        bed = place_all(course, actor)[0].chair
        with pytest.raises(Refused) as refused:
            booking.book(
                actor=actor,
                chair=bed,
                start=utc("2027-03-13T12:00-05:00"),
                patient=make.make_patient(center),
                minutes=60,
                now=NOW,
            )
        assert [refusal.code for refusal in refused.value.refusals] == ["chair_is_free"]
        assert refused.value.alternatives

    def test_is_booked_from_a_preview_all_nine_or_none(self, center, night_suite, actor):
        request = self.request(center, night_suite)
        plan = preview(center=center, request=request, now=NOW)
        placements = [Placement(v.ordinal, v.slot.chair.id, v.slot.start) for v in plan.visits]
        booking.book(
            actor=actor,
            chair=plan_chair(plan, night_suite),
            start=utc("2027-03-15T12:00-04:00"),
            patient=make.make_patient(center),
            minutes=30,
            now=NOW,
        )
        with pytest.raises(Refused):
            courses.create(actor=actor, center=center, request=request, placements=placements, now=NOW)
        assert not Visit.objects.exists()
        again = preview(center=center, request=request, now=NOW)
        placements = [Placement(v.ordinal, v.slot.chair.id, v.slot.start) for v in again.visits]
        course = courses.create(actor=actor, center=center, request=request, placements=placements, now=NOW)
        assert [local(row.start) for row in Appointment.objects.filter(visit__course=course)] == NINE_DOSES

    def test_in_the_day_suite_says_which_doses_cannot_be_and_what_works(self, center, day_suite, night_suite):
        make.make_dhe_twice_a_day()
        plan = preview(center=center, request=self.request(center, day_suite, "2027-03-15T09:00-04:00"), now=NOW)
        assert not plan.fits
        refused = {visit.ordinal: visit.refusals for visit in plan.visits if visit.refusals}
        assert set(refused) == {2, 3, 5, 6, 8, 9}
        assert "18:30" in refused[2][0].detail
        assert "18:00" in refused[2][0].detail
        assert all(refusals[0].code == "unit_is_open" for refusals in refused.values())
        kinds = {(alternative.kind, alternative.unit.name) for alternative in plan.alternatives}
        assert ("unit", "24-hour suite") in kinds
        [twice] = [one for one in plan.alternatives if one.kind == "protocol"]
        assert (twice.protocol.code, twice.facts["count"]) == ("dhe-bid", 6)


def plan_chair(plan, unit):
    return unit.chairs.select_related("unit__center").get(pk=plan.visits[0].slot.chair.id)


def test_an_order_that_ended_is_a_reason_on_the_visit(center, day_suite, actor):
    request = CourseRequest(
        patient=make.make_patient(center),
        protocol=make.make_quarterly(),
        unit=day_suite,
        start=utc("2026-11-30T10:00-05:00"),
        authorization_until=date(2027, 5, 1),
    )
    course = courses.create(actor=actor, center=center, request=request, now=NOW)
    place_all(course, actor)
    states = [(visit.state, [r["code"] for r in visit.refusals]) for visit in course.visits.all()]
    assert states[:2] == [("booked", []), ("booked", [])]
    assert all(state == "unplaced" and "authorization_is_valid" in codes for state, codes in states[2:])
