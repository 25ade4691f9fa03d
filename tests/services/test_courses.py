"""Courses: started, paused, resumed, amended, discontinued, extended; visits waived. No visit is ever lost."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from scheduler.domain.errors import Malformed, Refused
from scheduler.models import Appointment, Course, Event, Occupancy, Visit
from scheduler.queries.course_request import CourseRequest
from scheduler.services import attendance, booking, courses, jobs
from scheduler.services.courses import Placement
from scheduler.services.settle import Override
from tests import factories as make
from tests.factories import NOW, utc
from tests.services.steps import (
    MONDAY,
    SATURDAY,
    assert_kept,
    book,
    chairs,
    codes,
    counts,
    live,
    local,
    place_all,
    start_course,
    verbs,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def protocol(db):
    return make.make_quarterly()


@pytest.fixture
def course(actor, day_suite, protocol):
    course = start_course(actor, day_suite, protocol, MONDAY)
    place_all(course, actor)
    return course


def states(course) -> list[str]:
    return list(course.visits.order_by("ordinal").values_list("state", flat=True))


def assert_nothing_lost(course) -> None:
    """Each visit is booked, done, waived with a reason, or unplaced with reasons (or still to be tried)."""
    assert_kept()
    ordinals = list(course.visits.order_by("ordinal").values_list("ordinal", flat=True))
    assert ordinals == list(range(1, len(ordinals) + 1))
    for visit in course.visits.all():
        if visit.state == "waived":
            assert visit.reason
        if visit.state == "unplaced" and visit.tried_at is not None:
            assert visit.refusals or visit.reason


class TestCreate:
    def test_writes_all_its_visits_at_once_unplaced_and_on_record(self, actor, day_suite, protocol):
        course = start_course(actor, day_suite, protocol, MONDAY)
        assert states(course) == ["unplaced"] * 4
        assert not Appointment.objects.exists()
        [event] = Event.objects.filter(subject="course")
        assert (event.verb, event.subject_id, event.after) == ("start-course", course.pk, {"visits": 4})

    def test_an_open_ended_course_reaches_the_horizon_and_is_extended_as_time_goes(self, actor, day_suite, protocol):
        course = start_course(actor, day_suite, protocol, MONDAY, is_open_ended=True)
        assert course.visits.count() == 5  # 30 Nov, 28 Feb, 30 May, 30 Aug, 30 Nov: 414 days from 16 Nov 2026
        assert courses.extend(actor=actor, course=course, now=NOW) == 0
        later = NOW + timedelta(days=100)
        assert courses.extend(actor=actor, course=course, now=later) == 1
        assert courses.extend(actor=actor, course=course, now=later) == 0
        assert local(course.visits.get(ordinal=6).due) == "Tue 29 Feb 10:00"  # 2028 leaps
        assert verbs(course) == ["start-course", "extend-course"]
        assert_nothing_lost(course)

    def test_a_course_of_four_is_never_extended_beyond_them(self, actor, day_suite, protocol):
        course = start_course(actor, day_suite, protocol, MONDAY)
        assert courses.extend(actor=actor, course=course, now=NOW + timedelta(days=400)) == 0

    def test_with_placements_everything_is_booked_or_nothing(self, actor, center, day_suite, protocol):
        first, second, *_ = chairs(day_suite)
        request = CourseRequest(patient=make.make_patient(center), protocol=protocol, unit=day_suite, start=MONDAY)
        places = [Placement(1, first.pk, MONDAY), Placement(2, second.pk, utc("2027-03-01T10:00-05:00"))]
        other = book(actor, second, utc("2027-03-01T10:00-05:00"))
        before = counts()
        with pytest.raises(Refused) as refused:
            courses.create(actor=actor, center=center, request=request, placements=places, now=NOW)
        [refusal] = refused.value.refusals
        assert (refusal.code, refusal.facts["ordinal"]) == ("chair_is_free", 2)
        assert counts() == before
        booking.cancel(actor=actor, appointment=other, reason="Ill.", now=NOW)
        course = courses.create(actor=actor, center=center, request=request, placements=places, now=NOW)
        assert states(course) == ["booked", "booked", "unplaced", "unplaced"]
        assert [verbs(row) for row in live(course)] == [["book"], ["book"]]
        assert_nothing_lost(course)

    def test_a_placement_outside_its_window_needs_an_override_and_moves_the_later_due_times(
        self, actor, center, chair, protocol
    ):
        request = CourseRequest(patient=make.make_patient(center), protocol=protocol, unit=chair.unit, start=MONDAY)
        places = [Placement(1, chair.pk, MONDAY + timedelta(days=14))]
        with pytest.raises(Refused) as refused:
            courses.create(actor=actor, center=center, request=request, placements=places, now=NOW)
        assert codes(refused) == ["window_is_kept"]
        course = courses.create(
            actor=actor,
            center=center,
            request=request,
            placements=places,
            override=Override(frozenset({"window_is_kept"}), "She travels."),
            now=NOW,
        )
        assert local(course.visits.get(ordinal=2).due) == "Sun 14 Mar 10:00"

    def test_placements_for_doses_too_close_together_are_refused(self, actor, center, night_suite):
        bed = chairs(night_suite)[0]
        request = CourseRequest(
            patient=make.make_patient(center), protocol=make.make_dhe(), unit=night_suite, start=SATURDAY, days=1
        )
        hours = (0, 7, 13.9)
        places = [Placement(n + 1, bed.pk, SATURDAY + timedelta(hours=h)) for n, h in enumerate(hours)]
        with pytest.raises(Refused) as refused:
            courses.create(actor=actor, center=center, request=request, placements=places, now=NOW)
        assert "interval_is_kept" in codes(refused)
        assert not Course.objects.exists()

    @pytest.mark.parametrize(
        ("field", "values"),
        [
            ("doses", {"doses": 0}),
            ("doses", {"doses": -1}),
            ("doses", {"doses": 1000}),
            ("days", {"days": 2}),
            ("days", {"days": 1, "doses": 3}),
            ("start", {"start": datetime(2026, 11, 30, 10, 0)}),  # noqa: DTZ001 - that is the point
            ("start", {"start": NOW - timedelta(days=1)}),
            ("start", {"start": NOW + timedelta(days=4 * 366)}),
            ("start", {"start": datetime(9999, 12, 31, 23, 59, tzinfo=MONDAY.tzinfo)}),
            ("start", {"start": MONDAY + timedelta(seconds=30)}),
            ("preferred_time", {"preferred_minute": 1440}),
            ("preferred_part", {"preferred_part": "night"}),
            ("preferred_weekdays", {"preferred_weekdays": [7]}),
            ("dose_mg", {"dose_mg": Decimal(0)}),
            ("dose_mg", {"dose_mg": Decimal("NaN")}),
            ("dose_mg", {"dose_mg": Decimal(10**6)}),
            ("order", {"order_from": date(2027, 1, 2), "order_until": date(2027, 1, 1)}),
            ("authorization", {"authorization_from": date(2027, 1, 2), "authorization_until": date(2027, 1, 1)}),
            ("authorization_visits", {"authorization_visits": -1}),
            ("authorization_visits", {"authorization_visits": 10**6}),
            ("attestation", {"attested_at": NOW}),
            ("indication", {"indication": "x" * 121}),
            ("prescriber", {"prescriber": "x" * 121}),
            ("order_reference", {"order_reference": "x" * 61}),
        ],
    )
    def test_bad_input_names_its_field_and_writes_nothing(self, actor, center, day_suite, protocol, field, values):
        patient = make.make_patient(center)
        before = counts()
        asked = {"patient": patient, "protocol": protocol, "unit": day_suite, "start": MONDAY, **values}
        with pytest.raises(Malformed) as malformed:
            courses.create(actor=actor, center=center, request=CourseRequest(**asked), now=NOW)
        assert malformed.value.field == field
        assert malformed.value.detail
        assert counts() == before

    def test_another_centers_unit_chair_protocol_or_patient_is_refused(self, actor, center, day_suite, protocol):
        theirs = make.make_center()
        unit = make.make_day_suite(theirs)
        own = {"patient": make.make_patient(center), "protocol": protocol, "unit": day_suite, "start": MONDAY}
        for field, value in (
            ("unit", unit),
            ("patient", make.make_patient(theirs)),
            ("protocol", make.make_quarterly(code="their-own", center=theirs)),
            ("protocol", make.make_quarterly(code="a-draft", published_at=None)),
            ("preferred_chair", make.make_chair(unit)),
        ):
            with pytest.raises(Malformed) as malformed:
                courses.create(actor=actor, center=center, request=CourseRequest(**{**own, field: value}), now=NOW)
            assert malformed.value.field == field
        with pytest.raises(Malformed):
            courses.create(
                actor=actor,
                center=center,
                request=CourseRequest(**own),
                placements=[Placement(1, make.make_chair(unit).pk, MONDAY)],
                now=NOW,
            )
        assert not Course.objects.exists()

    def test_placements_that_make_no_sense(self, actor, center, chair, protocol):
        request = CourseRequest(patient=make.make_patient(center), protocol=protocol, unit=chair.unit, start=MONDAY)
        for places in (
            [Placement(1, chair.pk, MONDAY), Placement(1, chair.pk, MONDAY + timedelta(hours=1))],
            [Placement(9, chair.pk, MONDAY)],
            [Placement(1, 10**9, MONDAY)],
            [Placement(1, chair.pk, datetime(2026, 11, 30, 10, 0))],  # noqa: DTZ001
            [Placement(1, chair.pk, NOW - timedelta(days=2))],
        ):
            with pytest.raises(Malformed):
                courses.create(actor=actor, center=center, request=request, placements=places, now=NOW)
        assert not Course.objects.exists()

    def test_a_course_from_the_leap_day_is_clipped_in_other_years(self, actor, day_suite, protocol):
        now = utc("2028-02-01T12:00")
        course = start_course(actor, day_suite, protocol, utc("2028-02-29T10:00-05:00"), now=now, is_open_ended=True)
        assert [local(visit.due) for visit in course.visits.all()] == [
            "Tue 29 Feb 10:00",
            "Mon 29 May 10:00",
            "Tue 29 Aug 10:00",
            "Wed 29 Nov 10:00",
            "Wed 28 Feb 10:00",
        ]


class TestPauseAndResume:
    def test_pausing_frees_what_has_not_begun_and_resuming_places_it_again(self, actor, course):
        places = [(row.chair_id, row.start) for row in live(course)]
        courses.pause(actor=actor, course=course, reason="Surgery.", now=NOW)
        course.refresh_from_db()
        assert (course.status, states(course)) == ("on-hold", ["unplaced"] * 4)
        assert not Occupancy.objects.exists()
        assert_nothing_lost(course)
        assert jobs.place_visits(NOW) == {}
        courses.resume(actor=actor, course=course, now=NOW)
        jobs.place_visits(NOW)
        assert [(row.chair_id, row.start) for row in live(course)] == places
        assert verbs(course) == ["start-course", "pause", "resume"]
        assert_nothing_lost(course)

    def test_what_a_person_took_down_before_the_pause_stays_for_a_person(self, actor, course):
        booking.cancel(actor=actor, appointment=live(course)[1], reason="Travels.", now=NOW)
        courses.pause(actor=actor, course=course, reason="Surgery.", now=NOW)
        courses.resume(actor=actor, course=course, now=NOW)
        jobs.place_visits(NOW)
        assert states(course) == ["booked", "unplaced", "booked", "booked"]
        assert course.visits.get(ordinal=2).reason == "Travels."

    def test_a_treatment_under_way_is_not_stopped_by_a_pause(self, actor, course):
        row = live(course)[0]
        attendance.start(actor=actor, appointment=row, now=MONDAY)
        courses.pause(actor=actor, course=course, reason="Surgery.", now=MONDAY)
        assert states(course) == ["booked", "unplaced", "unplaced", "unplaced"]
        attendance.complete(actor=actor, appointment=row, now=row.end)
        assert states(course)[0] == "done"
        assert_nothing_lost(course)

    def test_windows_that_passed_meanwhile_are_told_with_reasons(self, actor, course):
        courses.pause(actor=actor, course=course, reason="Surgery.", now=NOW)
        late = MONDAY + timedelta(days=30)
        courses.resume(actor=actor, course=course, now=late)
        jobs.place_visits(late)
        visit = course.visits.get(ordinal=1)
        assert visit.state == "unplaced"
        assert "passed" in " ".join(refusal["detail"] for refusal in visit.refusals)
        assert states(course)[1:] == ["booked"] * 3
        assert_nothing_lost(course)

    def test_only_what_is_active_is_paused_and_only_what_waits_is_resumed(self, actor, course):
        with pytest.raises(Refused):
            courses.resume(actor=actor, course=course, now=NOW)
        with pytest.raises(Malformed):
            courses.pause(actor=actor, course=course, reason=" ", now=NOW)
        courses.pause(actor=actor, course=course, reason="Surgery.", now=NOW)
        with pytest.raises(Refused) as refused:
            courses.pause(actor=actor, course=course, reason="Surgery.", now=NOW)
        assert codes(refused) == ["transition_is_allowed"]

    def test_a_long_reason_is_refused(self, actor, course):
        for service in (courses.pause, courses.discontinue):
            with pytest.raises(Malformed):
                service(actor=actor, course=course, reason="x" * 201, now=NOW)
        with pytest.raises(Malformed):
            courses.waive(actor=actor, visit=course.visits.get(ordinal=1), reason="x" * 201, now=NOW)


class TestDiscontinue:
    def test_cancels_what_has_not_begun_and_waives_with_the_reason(self, actor, course):
        rows = live(course)
        attendance.complete(actor=actor, appointment=rows[0], now=rows[0].end)
        courses.discontinue(actor=actor, course=course, reason="Pregnant.", now=rows[0].end)
        course.refresh_from_db()
        assert (course.status, states(course)) == ("discontinued", ["done", "waived", "waived", "waived"])
        assert set(course.visits.filter(state="waived").values_list("reason", flat=True)) == {"Pregnant."}
        assert [verbs(row)[-1] for row in rows] == ["complete", "cancel", "cancel", "cancel"]
        assert_nothing_lost(course)

    def test_is_for_good(self, actor, course):
        courses.discontinue(actor=actor, course=course, reason="Pregnant.", now=NOW)
        for again in (courses.resume, courses.pause, courses.discontinue):
            with pytest.raises(Refused):
                again(actor=actor, course=course, reason="Sorry.", now=NOW)

    def test_gives_back_the_bed_of_a_stay(self, actor, night_suite):
        course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=3)
        place_all(course, actor)
        courses.discontinue(actor=actor, course=course, reason="Chest pain.", now=NOW)
        assert not Occupancy.objects.exists()
        assert_nothing_lost(course)

    def test_a_dose_that_is_stopped_afterwards_is_not_waiting_for_anybody(self, actor, course):
        row = live(course)[0]
        attendance.start(actor=actor, appointment=row, now=MONDAY)
        courses.discontinue(actor=actor, course=course, reason="Rash.", now=MONDAY)
        attendance.complete(actor=actor, appointment=row, outcome="not-given", reason="Rash.", now=row.end)
        assert states(course) == ["waived"] * 4
        assert_nothing_lost(course)


class TestWaive:
    def test_cancels_the_booking_and_moves_nothing_else(self, actor, course):
        before = [(row.start, row.visit.due) for row in live(course)[2:]]
        courses.waive(actor=actor, visit=course.visits.get(ordinal=2), reason="Travels.", now=NOW)
        assert states(course) == ["booked", "waived", "booked", "booked"]
        assert [(row.start, row.visit.due) for row in live(course)[1:]] == before
        event = Event.objects.get(verb="waive")
        assert (event.before, event.after, event.reason) == ({"state": "booked"}, {"state": "waived"}, "Travels.")
        assert event.patient_id == course.patient_id
        assert_nothing_lost(course)

    def test_needs_a_reason_and_a_visit_that_is_still_due(self, actor, course):
        visit = course.visits.get(ordinal=1)
        with pytest.raises(Malformed):
            courses.waive(actor=actor, visit=visit, reason="", now=NOW)
        courses.waive(actor=actor, visit=visit, reason="Travels.", now=NOW)
        with pytest.raises(Refused):
            courses.waive(actor=actor, visit=visit, reason="Travels.", now=NOW)

    def test_a_treatment_under_way_is_not_waived(self, actor, course):
        row = live(course)[0]
        attendance.start(actor=actor, appointment=row, now=MONDAY)
        with pytest.raises(Refused):
            courses.waive(actor=actor, visit=course.visits.get(ordinal=1), reason="Travels.", now=MONDAY)
        assert states(course)[0] == "booked"
        assert_nothing_lost(course)

    def test_the_last_visit_waived_completes_the_course(self, actor, course):
        for row in live(course)[:3]:
            attendance.complete(actor=actor, appointment=row, now=row.end)
        courses.waive(actor=actor, visit=course.visits.get(ordinal=4), reason="Enough.", now=NOW)
        course.refresh_from_db()
        assert course.status == "completed"
        assert verbs(course)[-1] == "complete-course"

    def test_a_dose_waived_in_a_stay_leaves_the_bed_to_the_others(self, actor, night_suite):
        course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=1)
        place_all(course, actor)
        courses.waive(actor=actor, visit=course.visits.get(ordinal=3), reason="Better.", now=NOW)
        assert local(Occupancy.objects.get(stay=course).chair_until) == "Sat 05 Dec 18:30"
        assert_nothing_lost(course)


class TestAmend:
    def test_moves_to_a_newer_version_and_keeps_what_was_promised(self, actor, course, protocol):
        newer = make.make_quarterly(version=2, visit_minutes=60, window_before=0, window_after=14)
        before = [(row.start, row.end) for row in live(course)]
        amended = courses.amend(actor=actor, course=course, protocol=newer, reason="Longer.", now=NOW)
        assert amended.protocol == newer
        assert [(row.start, row.end) for row in live(course)] == before
        assert local(course.visits.get(ordinal=1).window_start) == "Mon 30 Nov 00:00"
        event = Event.objects.get(verb="amend")
        assert (event.before, event.after) == ({"protocol": protocol.pk}, {"protocol": newer.pk})
        assert_nothing_lost(course)

    def test_only_to_a_newer_published_version_of_its_own_protocol(self, actor, course, protocol):
        older = make.make_quarterly(code="other-code", version=5)
        draft = make.make_quarterly(version=3, published_at=None)
        theirs = make.make_quarterly(version=4, center=make.make_center())
        for wrong in (protocol, older, draft, theirs):
            with pytest.raises(Malformed):
                courses.amend(actor=actor, course=course, protocol=wrong, reason="Longer.", now=NOW)
        course.refresh_from_db()
        assert course.protocol == protocol

    def test_not_to_one_that_keeps_its_chair_otherwise_while_doses_are_booked(self, actor, night_suite):
        course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=1)
        place_all(course, actor)
        newer = make.make_dhe(version=2, keeps_chair=False)
        with pytest.raises(Refused):
            courses.amend(actor=actor, course=course, protocol=newer, reason="She goes home.", now=NOW)
        for row in live(course):
            booking.cancel(actor=actor, appointment=row, reason="She goes home.", now=NOW)
        courses.amend(actor=actor, course=course, protocol=newer, reason="She goes home.", now=NOW)
        assert_nothing_lost(course)

    def test_a_course_that_ended_meanwhile_is_not_extended(self, actor, day_suite, protocol):
        course = start_course(actor, day_suite, protocol, MONDAY, is_open_ended=True)
        read_before = Course.objects.select_related("protocol", "center").get(pk=course.pk)
        courses.discontinue(actor=actor, course=course, reason="Pregnant.", now=NOW)
        assert courses.extend(actor=actor, course=read_before, now=NOW + timedelta(days=100)) == 0
        assert set(states(course)) == {"waived"}


class TestNothingIsLost:
    def test_what_has_no_place_says_why_and_is_placed_once_there_is_room(self, actor, center, protocol):
        unit = make.make_day_suite(center)
        chair = make.make_chair(unit)
        closed = make.make_closure(center, "2026-11-20T00:00-05:00", "2026-12-20T00:00-05:00", reason="Renovation")
        course = start_course(actor, unit, protocol, MONDAY)
        place_all(course, actor)
        first = course.visits.get(ordinal=1)
        assert first.state == "unplaced"
        assert "Renovation" in first.refusals[0]["detail"]
        closed.delete()
        jobs.place_visits(NOW + timedelta(minutes=11))
        assert states(course) == ["booked"] * 4
        assert live(course)[0].chair_id == chair.pk
        assert_nothing_lost(course)

    def test_a_stay_without_room_has_no_dose_placed_and_each_says_why(self, actor, center):
        unit = make.make_night_suite(center)
        bed = make.make_bed(unit)
        book(actor, bed, SATURDAY + timedelta(hours=20))
        course = start_course(actor, unit, make.make_dhe(), SATURDAY, days=3)
        place_all(course, actor)
        assert states(course) == ["unplaced"] * 9
        assert all(visit.refusals for visit in course.visits.all())
        assert not Visit.objects.filter(state="booked").exists()
        assert_nothing_lost(course)
