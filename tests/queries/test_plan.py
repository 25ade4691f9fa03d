"""Plans for courses: where each visit can go and why there, or why not and what would work. Nothing is written."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from scheduler.domain.errors import Malformed
from scheduler.models import Course, Event, UnitDay, Visit
from scheduler.queries.course_request import CourseRequest
from scheduler.queries.plan import preview
from scheduler.services import attendance, booking, courses
from scheduler.services.courses import Placement
from tests import factories as make
from tests.factories import NOW, utc
from tests.services.steps import MONDAY, SATURDAY, book, chairs, counts, live, local, place_all, start_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def center(db):
    return make.make_center()


@pytest.fixture
def day_suite(center):
    unit = make.make_day_suite(center)
    for _ in range(3):
        make.make_chair(unit)
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


def ask(unit, protocol, start, **values) -> CourseRequest:
    values.setdefault("patient", make.make_patient(unit.center))
    return CourseRequest(protocol=protocol, unit=unit, start=start, **values)


def plan(unit, protocol, start, *, now=NOW, **values):
    return preview(center=unit.center, request=ask(unit, protocol, start, **values), now=now)


def starts(found) -> list[str]:
    return [local(visit.slot.start) if visit.slot else "-" for visit in found.visits]


def codes(visit) -> list[str]:
    return [refusal.code for refusal in visit.refusals]


class TestPreview:
    def test_writes_nothing_at_all(self, day_suite):
        request = ask(day_suite, make.make_quarterly(), MONDAY)
        before = (*counts(), UnitDay.objects.count(), Event.objects.count())
        preview(center=day_suite.center, request=request, now=NOW)
        assert (*counts(), UnitDay.objects.count(), Event.objects.count()) == before

    def test_what_it_proposes_is_what_gets_booked(self, actor, day_suite):
        request = ask(day_suite, make.make_quarterly(), MONDAY)
        found = preview(center=day_suite.center, request=request, now=NOW)
        assert found.fits
        placements = [Placement(one.ordinal, one.slot.chair.id, one.slot.start) for one in found.visits]
        course = courses.create(actor=actor, center=day_suite.center, request=request, placements=placements, now=NOW)
        assert [local(row.start) for row in live(course)] == starts(found)

    def test_is_what_the_job_would_do(self, actor, day_suite):
        protocol = make.make_quarterly()
        found = plan(day_suite, protocol, MONDAY)
        course = start_course(actor, day_suite, protocol, MONDAY)
        assert [local(row.start) for row in place_all(course, actor)] == starts(found)

    def test_is_refused_only_for_what_makes_no_sense(self, day_suite):
        with pytest.raises(Malformed):
            plan(day_suite, make.make_quarterly(), MONDAY, doses=0)


class TestVisitsApart:
    def test_a_wished_time_weekday_and_chair_are_kept_where_there_is_room(self, day_suite):
        wished = chairs(day_suite)[2]
        found = plan(
            day_suite,
            make.make_quarterly(),
            MONDAY,
            preferred_minute=14 * 60,
            preferred_weekdays=(1,),
            preferred_chair=wished,
        )
        assert {f"{visit.slot.start.astimezone(day_suite.center.zone):%a %H:%M}" for visit in found.visits} == {
            "Tue 14:00"
        }
        assert {visit.slot.chair.id for visit in found.visits} == {wished.pk}

    def test_mornings(self, actor, day_suite):
        for chair in chairs(day_suite):
            book(actor, chair, utc("2026-11-30T08:00-05:00"), minutes=240)
        found = plan(day_suite, make.make_quarterly(), MONDAY, preferred_part="morning")
        assert starts(found)[0].startswith("Tue 01 Dec")

    def test_later_visits_stay_in_the_chair_of_the_earlier_ones(self, day_suite):
        found = plan(day_suite, make.make_quarterly(), MONDAY)
        assert len({visit.slot.chair.id for visit in found.visits}) == 1

    def test_a_visit_knows_the_doses_planned_before_it(self, day_suite):
        protocol = make.make_quarterly(
            cadence_every=1, cadence_unit="weeks", min_interval=7, window_before=3, window_after=3
        )
        found = plan(day_suite, protocol, MONDAY, doses=6)
        slots = [visit.slot.start for visit in found.visits]
        assert all((b - a).days >= 6 for a, b in pairwise(slots))
        assert found.fits

    def test_one_without_a_place_says_why_and_leaves_the_others(self, center, day_suite):
        make.make_closure(center, "2027-02-20T00:00-05:00", "2027-03-12T00:00-05:00", reason="Renovation")
        found = plan(day_suite, make.make_quarterly(), MONDAY)
        assert starts(found) == ["Mon 30 Nov 10:00", "-", "Mon 31 May 10:00", "Mon 30 Aug 10:00"]
        second = found.visits[1]
        assert codes(second) == ["unit_is_open"]
        assert "Renovation" in second.refusals[0].detail
        assert {local(slot.start)[:10] for slot in second.alternatives} == {"Fri 12 Mar"}  # the first day after it
        assert not found.fits

    def test_an_order_that_ends_first_is_the_reason(self, day_suite):
        found = plan(day_suite, make.make_quarterly(), MONDAY, order_until=date(2027, 3, 1))
        assert all("order_is_valid" in codes(visit) for visit in found.visits[2:])
        assert starts(found) == ["Mon 30 Nov 10:00", "Mon 01 Mar 10:00", "-", "-"]

    def test_a_start_later_today_is_never_planned_into_the_past(self, day_suite):
        now = MONDAY + timedelta(hours=2, minutes=7)
        found = plan(day_suite, make.make_quarterly(), MONDAY, now=now)
        assert found.visits[0].slot.start >= now

    def test_a_dose_taken_at_home_lately_is_seen(self, actor, center, day_suite):
        patient = make.make_patient(center)
        attendance.record_dose_elsewhere(
            actor=actor,
            center=center,
            patient=patient,
            substance="eptinezumab",
            mg=Decimal(100),
            given_at=NOW - timedelta(days=60),
            now=NOW,
        )
        found = plan(day_suite, make.make_quarterly(), MONDAY, patient=patient)
        assert codes(found.visits[0]) == ["interval_is_kept"]
        assert "home or elsewhere" in found.visits[0].refusals[0].detail


class TestReasons:
    def test_where_every_bed_is_taken_a_recliner_is_not_the_reason(self, actor, day_suite):
        bed = make.make_bed(day_suite)
        book(actor, bed, MONDAY, minutes=60)
        protocol = make.make_rescue(needs_bed=True, counts_in="minutes")
        found = plan(day_suite, protocol, MONDAY)
        assert codes(found.visits[0]) == ["chair_is_free"]
        assert bed.name in found.visits[0].refusals[0].detail

    @pytest.mark.parametrize(("protocol", "doses"), [(make.make_quarterly, 4), (make.make_dhe, 3)])
    def test_a_unit_without_a_chair_in_service_says_so(self, center, actor, protocol, doses):
        unit = make.make_night_suite(center)
        make.make_bed(unit, is_active=False)
        protocol = protocol()
        found = plan(unit, protocol, SATURDAY, doses=doses)
        assert not found.fits
        assert {code for visit in found.visits for code in codes(visit)} == {"chair_is_suitable"}
        course = start_course(actor, unit, protocol, SATURDAY, doses=doses)
        place_all(course, actor)
        for visit in course.visits.all():
            assert (visit.state, [refusal["code"] for refusal in visit.refusals]) == (
                "unplaced",
                ["chair_is_suitable"],
            )


class TestStays:
    def test_doses_are_all_in_one_bed_or_none_is_placed(self, actor, night_suite):
        first, second = chairs(night_suite)
        book(actor, first, SATURDAY + timedelta(hours=20))
        protocol = make.make_dhe()
        found = plan(night_suite, protocol, SATURDAY, days=3)
        assert {visit.slot.chair.id for visit in found.visits} == {second.pk}
        book(actor, second, SATURDAY + timedelta(hours=44))
        none = plan(night_suite, protocol, SATURDAY, days=3)
        assert [visit.slot for visit in none.visits] == [None] * 9
        assert all("chair_is_free" in codes(visit) for visit in none.visits if visit.refusals)
        assert any(visit.refusals for visit in none.visits)

    def test_somebody_between_two_doses_is_in_the_way(self, actor, night_suite):
        for bed in chairs(night_suite):
            book(actor, bed, SATURDAY + timedelta(hours=4), minutes=30)  # between 09:00 and 17:00
        found = plan(night_suite, make.make_dhe(), SATURDAY, days=1)
        assert not found.fits
        assert "chair_is_free" in codes(found.visits[0])

    def test_a_closed_night_is_said_dose_by_dose_and_what_works_is_named(self, center, day_suite, night_suite):
        make.make_bed(day_suite)
        make.make_dhe_twice_a_day()
        found = plan(day_suite, make.make_dhe(), utc("2027-03-15T09:00-04:00"), days=1)
        assert [codes(visit) for visit in found.visits] == [[], ["unit_is_open"], ["unit_is_open"]]
        assert "end at 18:30" in found.visits[1].refusals[0].detail
        kinds = [(one.kind, one.unit.name) for one in found.alternatives]
        assert ("unit", "24-hour suite") in kinds
        assert any(kind == "protocol" for kind, _ in kinds)
        assert all(one.sentence.format(**one.facts) for one in found.alternatives)

    def test_no_alternative_is_named_that_would_be_refused(self, actor, center, day_suite, night_suite):
        make.make_bed(day_suite)
        for bed in chairs(night_suite):
            book(actor, bed, utc("2027-03-15T12:00-04:00"))
        found = plan(day_suite, make.make_dhe(), utc("2027-03-15T09:00-04:00"), days=1)
        assert ("unit", "24-hour suite") not in [(one.kind, one.unit.name) for one in found.alternatives]
        for one in found.alternatives:
            again = plan(one.unit, one.protocol, one.start, days=1)
            assert again.fits

    def test_doses_that_cannot_start_on_the_hour_shift_inside_their_window_and_say_so(self, actor, night_suite):
        unit = night_suite
        unit.staffing_patterns.all().update(nurses=1, patients=1, acuity=9)
        other = make.make_bed(unit)
        book(actor, other, SATURDAY + timedelta(hours=8, minutes=-60), minutes=40)  # watched until 16:40
        found = plan(unit, make.make_dhe(), SATURDAY, days=1)
        assert found.fits
        second = found.visits[1]
        assert local(second.slot.start) > "Sat 05 Dec 17:00"
        assert [refusal.code for refusal in second.shifted] == ["nurses_can_cover"]

    def test_doses_of_home_count_against_the_first_dose(self, actor, center, night_suite):
        patient = make.make_patient(center)
        attendance.record_dose_elsewhere(
            actor=actor,
            center=center,
            patient=patient,
            substance="dihydroergotamine",
            mg=Decimal("0.5"),
            given_at=SATURDAY - timedelta(hours=5),
            now=SATURDAY - timedelta(hours=5),
        )
        found = plan(night_suite, make.make_dhe(), SATURDAY, days=1, patient=patient, now=SATURDAY - timedelta(hours=4))
        assert "interval_is_kept" in codes(found.visits[0])
        assert not found.fits

    def test_what_was_cancelled_leaves_room_again(self, actor, night_suite):
        rows = [book(actor, bed, SATURDAY + timedelta(hours=4)) for bed in chairs(night_suite)]
        protocol = make.make_dhe()
        assert not plan(night_suite, protocol, SATURDAY, days=1).fits
        booking.cancel(actor=actor, appointment=rows[0], reason="Ill.", now=NOW)
        assert plan(night_suite, protocol, SATURDAY, days=1).fits


def test_a_plan_reads_in_a_bounded_number_of_queries(day_suite, django_assert_max_num_queries):
    protocol = make.make_quarterly()
    with django_assert_max_num_queries(60):
        plan(day_suite, protocol, MONDAY)
    assert not Course.objects.exists()
    assert not Visit.objects.exists()
