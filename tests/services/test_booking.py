"""Hold, book, move, cancel, reopen, confirm: what they write, what they refuse, and that a refusal writes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from scheduler.domain.errors import Forbidden, Malformed, Refused, Stale
from scheduler.models import Appointment, Center, Course, Event, Occupancy, UnitDay, Visit
from scheduler.queries.course_request import CourseRequest
from scheduler.services import attendance, booking, courses, placing
from scheduler.services.booking import HOLD_FOR
from scheduler.services.courses import Placement
from scheduler.services.following import redate
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
LATE = Override(codes=frozenset({"window_is_kept"}), reason="She travels.")


def hour(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


class TestBook:
    def test_a_booking_takes_chair_and_patient_and_is_on_record(self, actor, chair, patient):
        row = book(actor, chair, MONDAY, patient=patient, protocol=make.make_rescue())
        assert (row.status, row.start, row.end) == ("booked", MONDAY, MONDAY + timedelta(minutes=75))
        assert (row.promised_wall, row.promised_zone) == ("2026-11-30T10:00", "America/New_York")
        taken = Occupancy.objects.get(appointment=row)
        assert (taken.chair_from, taken.chair_until) == (hour(-20 / 60), MONDAY + timedelta(minutes=75 + 30 + 10))
        assert (taken.patient_from, taken.patient_until) == (hour(-20 / 60), MONDAY + timedelta(minutes=75 + 30))
        event = Event.objects.get(subject="appointment")
        assert (event.verb, event.actor, event.patient_id, event.center_id) == (
            "book",
            actor.who,
            patient.pk,
            chair.unit.center_id,
        )
        assert event.after["status"] == "booked"

    def test_back_to_back_bookings_share_a_chair_and_a_patient(self, actor, chair, patient):
        book(actor, chair, MONDAY, patient=patient)
        book(actor, chair, hour(1), patient=patient)
        book(actor, chair, hour(-1), patient=patient)
        assert_kept()

    def test_a_minute_of_overlap_is_refused_for_chair_and_patient_and_writes_nothing(self, actor, day_suite, patient):
        first, second, *_ = chairs(day_suite)
        book(actor, first, MONDAY, patient=patient)
        before = counts()
        late = hour(1) - timedelta(minutes=1)
        with pytest.raises(Refused) as refused:
            book(actor, first, late)
        assert codes(refused) == ["chair_is_free"]
        with pytest.raises(Refused) as refused:
            book(actor, second, late, patient=patient)
        assert codes(refused) == ["patient_is_free"]
        with pytest.raises(Refused) as refused:
            book(actor, first, late, patient=patient)
        assert codes(refused) == ["chair_is_free", "patient_is_free"]
        assert counts() == before

    def test_a_refusal_names_the_nearest_places_that_can_be_booked(self, actor, chair):
        book(actor, chair, MONDAY)
        with pytest.raises(Refused) as refused:
            book(actor, chair, MONDAY)
        slots = refused.value.alternatives
        assert len(slots) == 3
        free = chairs(chair.unit)
        for slot in slots:
            book(actor, next(one for one in free if one.pk == slot.chair.id), slot.start)

    def test_every_booking_bumps_its_unit_day(self, actor, chair):
        book(actor, chair, MONDAY)
        first = UnitDay.objects.get(unit=chair.unit, date=date(2026, 11, 30)).version
        book(actor, chair, hour(1))
        assert UnitDay.objects.get(unit=chair.unit, date=date(2026, 11, 30)).version == first + 1

    def test_an_appointment_in_another_center_says_only_that(self, actor, chair, patient):
        other = make.make_center(name="Lakeside")
        unit = make.make_day_suite(other, code="other")
        elsewhere = make.make_chair(unit)
        from scheduler.models import Registration

        Registration.objects.create(center=other, patient=patient, mrn="X-1")
        book(make.make_actor(other), elsewhere, MONDAY, patient=patient)
        with pytest.raises(Refused) as refused:
            book(actor, chair, MONDAY, patient=patient)
        [refusal] = refused.value.refusals
        assert (refusal.detail, dict(refusal.facts)) == ("Another appointment at that time.", {})

    def test_the_chair_is_judged_as_it_is_now_not_as_the_caller_read_it(self, actor, chair):
        type(chair).objects.filter(pk=chair.pk).update(is_active=False)
        with pytest.raises(Refused) as refused:
            book(actor, chair, MONDAY)
        assert codes(refused) == ["chair_is_suitable"]


class TestVisits:
    @pytest.fixture
    def course(self, actor, day_suite):
        return start_course(actor, day_suite, make.make_quarterly(), MONDAY)

    def first(self, course):
        return course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)

    def test_a_visit_is_booked_once(self, actor, course, chair):
        row = book(actor, chair, MONDAY, visit=self.first(course))
        assert (row.visit.ordinal, self.first(course).state) == (1, "booked")
        before = counts()
        with pytest.raises(Refused):
            book(actor, chair, hour(2), visit=self.first(course))
        assert counts() == before
        assert_kept()

    def test_a_visit_that_was_waived_after_it_was_read_is_not_booked(self, actor, course, chair):
        read_before = self.first(course)
        courses.waive(actor=actor, visit=self.first(course), reason="Pregnant.", now=NOW)
        with pytest.raises(Refused):
            book(actor, chair, MONDAY, visit=read_before)
        assert_kept()

    def test_a_visit_of_a_course_that_was_paused_after_it_was_read_is_not_booked(self, actor, course, chair):
        read_before = self.first(course)
        courses.pause(actor=actor, course=course, reason="Surgery.", now=NOW)
        with pytest.raises(Refused):
            book(actor, chair, MONDAY, visit=read_before)
        assert_kept()

    def test_outside_its_window_it_needs_an_override_and_later_visits_count_from_it(self, actor, course, chair):
        fortnight_late = MONDAY + timedelta(days=14)
        with pytest.raises(Refused) as refused:
            book(actor, chair, fortnight_late, visit=self.first(course))
        assert codes(refused) == ["window_is_kept"]
        row = book(actor, chair, fortnight_late, visit=self.first(course), override=LATE)
        assert row.override == {"codes": ["window_is_kept"], "reason": "She travels.", "by": actor.who}
        assert Event.objects.get(verb="book").reason == "She travels."
        assert local(course.visits.get(ordinal=2).due) == "Sun 14 Mar 10:00"

    def test_cancelled_outside_its_window_it_no_longer_moves_the_later_ones(self, actor, course, chair):
        row = book(actor, chair, MONDAY + timedelta(days=14), visit=self.first(course), override=LATE)
        booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
        assert local(course.visits.get(ordinal=2).due) == "Sun 28 Feb 10:00"

    def test_a_hold_outside_its_window_moves_no_due_time(self, actor, course, chair):
        booking.hold(actor=actor, chair=chair, start=MONDAY + timedelta(days=14), visit=self.first(course), now=NOW)
        redate(course, now=NOW)
        assert local(course.visits.get(ordinal=2).due) == "Sun 28 Feb 10:00"

    def test_a_visit_of_another_patient_or_center_is_refused(self, actor, course, chair, center):
        with pytest.raises(Malformed) as malformed:
            book(actor, chair, MONDAY, visit=self.first(course), patient=make.make_patient(center))
        assert malformed.value.field == "visit"
        other = make.make_center()
        theirs = make.make_chair(make.make_day_suite(other))
        with pytest.raises(Malformed) as malformed:
            book(actor, theirs, MONDAY, visit=self.first(course))
        assert malformed.value.field in ("visit", "patient")


class TestOverride:
    @pytest.fixture
    def visit(self, actor, day_suite):
        course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
        return course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)

    def test_the_desk_sets_the_window_aside_up_to_21_days_after_the_due_day(self, desk, visit, chair):
        last = MONDAY + timedelta(days=21, hours=4)  # Mon 21 Dec, the last day, whatever the hour
        with pytest.raises(Forbidden):
            book(desk, chair, MONDAY + timedelta(days=22), visit=visit, override=LATE)
        assert book(desk, chair, last, visit=visit, override=LATE).status == "booked"

    def test_nurses_and_managers_go_further(self, actor, visit, chair):
        assert book(actor, chair, MONDAY + timedelta(days=22), visit=visit, override=LATE).status == "booked"

    def test_the_desk_sets_nothing_else_aside(self, desk, chair):
        with pytest.raises(Forbidden):
            book(desk, chair, MONDAY, override=Override(frozenset({"nurses_can_cover"}), "Full."))

    @pytest.mark.parametrize("role", ["auditor", "integration"])
    def test_other_roles_set_nothing_aside(self, center, visit, chair, role):
        with pytest.raises(Forbidden):
            book(make.make_actor(center, role), chair, MONDAY + timedelta(days=10), visit=visit, override=LATE)

    def test_nobody_sets_a_hard_rule_aside(self, actor, chair):
        with pytest.raises(Malformed) as malformed:
            book(actor, chair, MONDAY, override=Override(frozenset({"chair_is_free"}), "Please."))
        assert "chair_is_free" in malformed.value.detail

    def test_it_needs_a_reason(self, actor, visit, chair):
        with pytest.raises(Malformed):
            book(
                actor,
                chair,
                MONDAY + timedelta(days=10),
                visit=visit,
                override=Override(frozenset({"window_is_kept"}), " "),
            )

    def test_setting_one_rule_aside_leaves_the_others(self, actor, visit, chair):
        Course.objects.update(order_until=date(2026, 12, 1))
        visit.course.refresh_from_db()
        with pytest.raises(Refused) as refused:
            book(actor, chair, MONDAY + timedelta(days=10), visit=visit, override=LATE)
        assert codes(refused) == ["order_is_valid"]


class TestHold:
    def hold(self, actor, chair, start=MONDAY, *, now=NOW, **values):
        if not values.keys() & {"visit", "protocol"}:
            values.setdefault("minutes", 60)
        return booking.hold(actor=actor, chair=chair, start=start, now=now, **values)

    def test_keeps_the_place_for_five_minutes_without_a_patient(self, actor, chair):
        held = self.hold(actor, chair)
        assert (held.status, held.patient, held.hold_expires_at) == ("pending", None, NOW + HOLD_FOR)
        with pytest.raises(Refused) as refused:
            book(actor, chair, MONDAY, now=NOW + HOLD_FOR - timedelta(seconds=1))
        assert codes(refused) == ["chair_is_free"]

    def test_becomes_the_booking(self, actor, chair, patient):
        held = self.hold(actor, chair)
        row = book(actor, chair, MONDAY, patient=patient, hold=held)
        assert (row.pk, row.status, row.hold_expires_at, row.patient) == (held.pk, "booked", None, patient)
        assert verbs(row) == ["hold", "book"]
        assert_kept()

    def test_may_become_a_booking_somewhere_else_and_tells_both_days(self, actor, day_suite, patient):
        first, second, *_ = chairs(day_suite)
        held = self.hold(actor, first)
        old = UnitDay.objects.get(date=date(2026, 11, 30)).version
        row = book(actor, second, MONDAY + timedelta(days=1), patient=patient, hold=held)
        assert (row.pk, row.chair) == (held.pk, second)
        book(actor, first, MONDAY)
        assert UnitDay.objects.get(date=date(2026, 11, 30)).version == old + 2
        assert_kept()

    def test_that_ran_out_is_released_by_the_next_booking_inside_its_lock(self, actor, chair):
        held = self.hold(actor, chair)
        row = book(actor, chair, MONDAY, now=NOW + HOLD_FOR)
        assert row.status == "booked"
        held.refresh_from_db()
        assert (held.status, held.hold_expires_at) == ("cancelled", None)
        assert verbs(held) == ["hold", "expire"]
        assert_kept()

    def test_that_ran_out_in_another_unit_lets_its_patient_go(self, actor, chair, night_suite, patient):
        self.hold(actor, chair, patient=patient)
        bed = chairs(night_suite)[0]
        assert book(actor, bed, MONDAY, patient=patient, now=NOW + HOLD_FOR).status == "booked"
        assert_kept()

    def test_of_a_visit_that_ran_out_in_another_unit_lets_the_visit_go(self, actor, chair, night_suite):
        course = start_course(actor, chair.unit, make.make_quarterly(), MONDAY)
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)
        self.hold(actor, chair, visit=visit)
        bed = chairs(night_suite)[0]
        assert book(actor, bed, hour(2), visit=visit, now=NOW + HOLD_FOR).status == "booked"
        assert_kept()

    def test_that_ran_out_cannot_be_booked(self, actor, chair, patient):
        held = self.hold(actor, chair)
        with pytest.raises(Refused) as refused:
            book(actor, chair, MONDAY, patient=patient, hold=held, now=NOW + HOLD_FOR)
        assert codes(refused) == ["transition_is_allowed"]

    def test_is_released_by_the_job(self, actor, chair):
        held = self.hold(actor, chair)
        assert booking.expire_holds(now=NOW + HOLD_FOR - timedelta(seconds=1)) == 0
        assert booking.expire_holds(now=NOW + HOLD_FOR) == 1
        assert booking.expire_holds(now=NOW + HOLD_FOR) == 0
        held.refresh_from_db()
        assert held.status == "cancelled"
        assert_kept()

    def test_of_a_dose_gives_back_the_stay_when_it_runs_out(self, actor, night_suite):
        course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=1)
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)
        bed = chairs(night_suite)[0]
        self.hold(actor, bed, SATURDAY, visit=visit)
        assert Occupancy.objects.filter(stay=course).exists()
        booking.expire_holds(now=NOW + HOLD_FOR)
        assert not Occupancy.objects.exists()
        assert course.visits.get(ordinal=1).state == "unplaced"
        assert_kept()

    def test_of_another_center_cannot_be_used(self, actor, chair, patient):
        theirs = make.make_chair(make.make_day_suite(make.make_center()))
        held = self.hold(make.make_actor(theirs.unit.center), theirs)
        with pytest.raises(Malformed):
            book(actor, chair, MONDAY, patient=patient, hold=held)

    def test_is_subject_to_hard_rules_only(self, actor, chair):
        with pytest.raises(Refused):
            self.hold(actor, chair, utc("2026-11-29T10:00-05:00"))
        course = start_course(actor, chair.unit, make.make_quarterly(), MONDAY)
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)
        assert self.hold(actor, chair, MONDAY + timedelta(days=14), visit=visit).status == "pending"


class TestMove:
    def test_to_another_chair_and_time(self, actor, day_suite):
        first, second, *_ = chairs(day_suite)
        row = book(actor, first, MONDAY)
        booking.confirm(actor=actor, appointment=row, now=NOW)
        moved = booking.move(actor=actor, appointment=row, chair=second, start=hour(3), now=NOW)
        assert (moved.pk, moved.chair, moved.start, moved.status) == (row.pk, second, hour(3), "booked")
        assert moved.promised_wall == "2026-11-30T13:00"
        assert moved.confirmed_at is None  # she confirmed another time
        assert moved.version > row.version
        event = Event.objects.filter(verb="move").get()
        assert (event.before["chair_id"], event.after["chair_id"]) == (first.pk, second.pk)
        assert_kept()

    def test_into_time_that_overlaps_its_own_old_place(self, actor, chair):
        row = book(actor, chair, MONDAY)
        assert booking.move(actor=actor, appointment=row, start=hour(0.5), now=NOW).start == hour(0.5)
        assert_kept()

    def test_frees_its_old_place(self, actor, chair):
        row = book(actor, chair, MONDAY)
        booking.move(actor=actor, appointment=row, start=hour(3), now=NOW)
        book(actor, chair, MONDAY)
        assert_kept()

    def test_two_bookings_cannot_swap_one_after_the_other(self, actor, day_suite):
        first, second, *_ = chairs(day_suite)
        one, other = book(actor, first, MONDAY), book(actor, second, MONDAY)
        for row, target in ((one, second), (other, first)):
            with pytest.raises(Refused) as refused:
                booking.move(actor=actor, appointment=row, chair=target, now=NOW)
            assert codes(refused) == ["chair_is_free"]
        one.refresh_from_db()
        assert one.chair_id == first.pk
        assert_kept()

    def test_two_bookings_swap_in_one_step_and_keep_their_lengths(self, actor, day_suite):
        first, second, *_ = chairs(day_suite)
        one = book(actor, first, MONDAY, minutes=60)
        other = book(actor, second, hour(2), minutes=30)
        booking.swap(actor=actor, appointment=one, other=other, now=NOW)
        one.refresh_from_db()
        other.refresh_from_db()
        assert (one.chair_id, one.start, one.end) == (second.pk, hour(2), hour(3))
        assert (other.chair_id, other.start, other.end) == (first.pk, MONDAY, hour(0.5))
        assert Event.objects.filter(verb="move").count() == 2
        assert_kept()

    def test_a_swap_that_fits_only_one_of_the_two_moves_neither(self, actor, day_suite):
        first, second, *_ = chairs(day_suite)
        one = book(actor, first, MONDAY, minutes=120)
        other = book(actor, second, MONDAY, minutes=30)
        book(actor, second, hour(1), minutes=30)
        before = counts()
        with pytest.raises(Refused) as refused:
            booking.swap(actor=actor, appointment=one, other=other, now=NOW)
        assert codes(refused) == ["chair_is_free"]
        assert counts() == before
        assert_kept()

    def test_a_swap_looks_at_both_versions(self, actor, day_suite):
        first, second, *_ = chairs(day_suite)
        one, other = book(actor, first, MONDAY), book(actor, second, MONDAY)
        booking.confirm(actor=actor, appointment=other, now=NOW)
        with pytest.raises(Stale):
            booking.swap(actor=actor, appointment=one, other=other, other_version=other.version, now=NOW)
        with pytest.raises(Malformed):
            booking.swap(actor=actor, appointment=one, other=one, now=NOW)

    def test_both_days_are_told(self, actor, chair):
        row = book(actor, chair, MONDAY)
        booking.move(actor=actor, appointment=row, start=MONDAY + timedelta(days=1), now=NOW)
        assert UnitDay.objects.get(date=date(2026, 11, 30)).version == 3
        assert UnitDay.objects.filter(date=date(2026, 12, 1)).exists()

    def test_with_an_old_version_is_stale(self, actor, chair):
        row = book(actor, chair, MONDAY)
        booking.confirm(actor=actor, appointment=row, now=NOW)
        before = counts()
        with pytest.raises(Stale):
            booking.move(actor=actor, appointment=row, start=hour(1), version=row.version, now=NOW)
        assert counts() == before

    def test_of_a_cancelled_booking_is_refused(self, actor, chair):
        row = book(actor, chair, MONDAY)
        booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
        with pytest.raises(Refused) as refused:
            booking.move(actor=actor, appointment=row, start=hour(1), now=NOW)
        assert "transition_is_allowed" in codes(refused)

    def test_to_another_center_is_malformed(self, actor, chair):
        theirs = make.make_chair(make.make_day_suite(make.make_center()))
        row = book(actor, chair, MONDAY)
        with pytest.raises(Malformed):
            booking.move(actor=actor, appointment=row, chair=theirs, now=NOW)

    def test_without_a_zone_is_malformed(self, actor, chair):
        row = book(actor, chair, MONDAY)
        with pytest.raises(Malformed) as malformed:
            booking.move(actor=actor, appointment=row, start=datetime(2026, 11, 30, 18, 0), now=NOW)  # noqa: DTZ001
        assert malformed.value.field == "start"

    def test_a_running_treatment_keeps_its_time_and_may_change_its_chair(self, actor, day_suite):
        first, second, *_ = chairs(day_suite)
        row = book(actor, first, MONDAY)
        attendance.start(actor=actor, appointment=row, now=hour(0.1))
        with pytest.raises(Refused) as refused:
            booking.move(actor=actor, appointment=row, start=hour(3), now=hour(0.2))
        assert "transition_is_allowed" in codes(refused)
        assert booking.move(actor=actor, appointment=row, chair=second, now=hour(0.2)).chair == second
        assert_kept()


class TestCancelAndReopen:
    def test_cancelling_frees_the_place_and_takes_the_visit_back(self, actor, day_suite):
        course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
        row = place_all(course, actor)[0]
        cancelled = booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
        assert (cancelled.status, cancelled.reason) == ("cancelled", "Ill.")
        visit = course.visits.get(ordinal=1)
        assert (visit.state, visit.reason) == ("unplaced", "Ill.")
        assert verbs(row) == ["book", "cancel"]
        assert_kept()

    def test_needs_a_reason_that_fits(self, actor, chair):
        row = book(actor, chair, MONDAY)
        for reason in ("", "  ", "x" * 201):
            with pytest.raises(Malformed) as malformed:
                booking.cancel(actor=actor, appointment=row, reason=reason, now=NOW)
            assert malformed.value.field == "reason"
        row.refresh_from_db()
        assert row.status == "booked"

    def test_twice_is_refused(self, actor, chair):
        row = book(actor, chair, MONDAY)
        booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
        with pytest.raises(Refused) as refused:
            booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
        assert codes(refused) == ["transition_is_allowed"]

    def test_reopened_it_stands_at_its_old_place(self, actor, chair):
        row = book(actor, chair, MONDAY)
        booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
        again = booking.reopen(actor=actor, appointment=row, now=NOW)
        assert (again.pk, again.status, again.start, again.reason) == (row.pk, "booked", MONDAY, "")
        assert verbs(row) == ["book", "cancel", "reopen"]
        assert_kept()

    def test_its_place_may_be_gone(self, actor, chair):
        row = book(actor, chair, MONDAY)
        booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
        book(actor, chair, MONDAY)
        with pytest.raises(Refused) as refused:
            booking.reopen(actor=actor, appointment=row, now=NOW)
        assert codes(refused) == ["chair_is_free"]
        assert_kept()

    def test_a_visit_booked_again_meanwhile_is_not_reopened(self, actor, day_suite, chair):
        course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
        row = place_all(course, actor)[0]
        booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)
        book(actor, chair, hour(3), visit=visit)
        with pytest.raises(Refused):
            booking.reopen(actor=actor, appointment=row, now=NOW)
        assert_kept()

    @pytest.mark.parametrize("end", ["waive", "pause", "discontinue"])
    def test_nothing_is_reopened_for_a_visit_or_course_that_ended(self, actor, day_suite, end):
        course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
        row = place_all(course, actor)[0]
        if end == "waive":
            courses.waive(actor=actor, visit=course.visits.get(ordinal=1), reason="Pregnant.", now=NOW)
        else:
            getattr(courses, end)(actor=actor, course=course, reason="Pregnant.", now=NOW)
        with pytest.raises(Refused):
            booking.reopen(actor=actor, appointment=row, now=NOW)
        assert_kept()

    def test_what_was_stopped_is_reopened_as_if_it_had_not_begun(self, actor, day_suite):
        course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
        row = place_all(course, actor)[0]
        attendance.complete(actor=actor, appointment=row, outcome="not-given", reason="High pressure.", now=hour(0.2))
        again = booking.reopen(actor=actor, appointment=row, now=hour(0.3))
        assert (again.actual_start, again.actual_end, again.outcome, again.phase) == (None, None, "", "")
        assert_kept()


class TestStay:
    @pytest.fixture
    def course(self, actor, night_suite):
        course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=2)
        place_all(course, actor)
        return course

    def kept(self, course):
        stay = Occupancy.objects.get(stay=course)
        return stay.chair_id, local(stay.chair_from), local(stay.chair_until)

    def test_cancelling_the_first_dose_shortens_it_at_the_front(self, actor, course):
        rows = live(course)
        booking.cancel(actor=actor, appointment=rows[0], reason="Late train.", now=NOW)
        assert self.kept(course) == (rows[0].chair_id, "Sat 05 Dec 16:25", "Mon 07 Dec 02:30")
        assert_kept()

    def test_cancelling_every_dose_gives_the_bed_back(self, actor, course):
        for row in live(course):
            booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
        assert not Occupancy.objects.exists()
        assert_kept()

    def test_moving_a_dose_to_another_bed_moves_the_whole_stay(self, actor, course, night_suite):
        other = chairs(night_suite)[2]
        booking.move(actor=actor, appointment=live(course)[2], chair=other, now=NOW)
        assert {row.chair_id for row in live(course)} == {other.pk}
        assert self.kept(course)[0] == other.pk
        assert_kept()

    def test_moving_the_last_dose_extends_it_if_the_bed_stays_free(self, actor, course, night_suite):
        last = live(course)[-1]
        booking.move(actor=actor, appointment=last, start=last.start + timedelta(minutes=45), now=NOW)
        assert self.kept(course)[2] == "Mon 07 Dec 03:15"
        book(actor, last.chair, last.start + timedelta(minutes=45 + 90))
        with pytest.raises(Refused) as refused:
            booking.move(actor=actor, appointment=last, start=last.start + timedelta(minutes=60), now=NOW)
        assert "chair_is_free" in codes(refused)
        assert_kept()

    def test_moving_dose_and_bed_together_with_what_follows(self, actor, course, night_suite):
        other = chairs(night_suite)[2]
        first = live(course)[0]
        booking.move(
            actor=actor,
            appointment=first,
            chair=other,
            start=first.start + timedelta(hours=2),
            override=LATE,
            accept_following=True,
            now=NOW,
        )
        rows = live(course)
        assert {row.chair_id for row in rows} == {other.pk}
        assert local(rows[0].start) == "Sat 05 Dec 11:00"
        assert rows[1].start - rows[0].start >= timedelta(hours=7)
        assert_kept()

    def test_a_dose_cannot_be_booked_into_another_bed(self, actor, course, night_suite):
        row = live(course)[1]
        booking.cancel(actor=actor, appointment=row, reason="Late.", now=NOW)
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=2)
        other = next(bed for bed in chairs(night_suite) if bed.pk != row.chair_id)
        with pytest.raises(Refused):
            book(actor, other, row.start, visit=visit)
        assert book(actor, row.chair, row.start, visit=visit).status == "booked"
        assert_kept()

    def test_a_preview_cannot_put_its_doses_into_two_beds(self, actor, center, night_suite):
        beds = chairs(night_suite)
        request = CourseRequest(
            patient=make.make_patient(center), protocol=make.make_dhe(), unit=night_suite, start=SATURDAY, days=1
        )
        placements = [Placement(n + 1, beds[n % 2].pk, SATURDAY + timedelta(hours=8 * n)) for n in range(3)]
        before = counts()
        with pytest.raises(Refused):
            courses.create(actor=actor, center=center, request=request, placements=placements, now=NOW)
        assert counts() == before

    def test_a_dose_put_back_by_the_job_goes_into_its_bed(self, actor, course):
        row = live(course)[1]
        booking.cancel(actor=actor, appointment=row, reason="Late.", now=NOW)
        again = place_all(course, actor)
        assert {one.chair_id for one in again} == {row.chair_id}
        assert len(again) == 6
        assert_kept()

    def test_a_dose_that_a_person_took_down_is_not_put_back_beside_another(self, actor, course):
        rows = live(course)
        for row in (rows[1], rows[4]):
            booking.cancel(actor=actor, appointment=row, reason="Sleeps.", now=NOW)
        course.visits.filter(ordinal=5).update(reason="")  # as after a hold that ran out
        visit = course.visits.select_related("course__protocol").get(ordinal=5)
        placing.place_visit(actor=actor, visit=visit, now=NOW)
        assert [row.visit.ordinal for row in live(course)] == [1, 3, 4, 5, 6]
        assert_kept()

    def test_a_dose_whose_bed_went_out_of_service_waits_with_the_reason(self, actor, course):
        row = live(course)[1]
        booking.cancel(actor=actor, appointment=row, reason="Late.", now=NOW)
        type(row.chair).objects.filter(pk=row.chair_id).update(is_active=False)
        visit = course.visits.select_related("course__protocol", "course__center", "course__unit__center").get(
            ordinal=2
        )
        assert placing.place_visit(actor=actor, visit=visit, now=NOW) == []
        visit.refresh_from_db()
        assert [refusal["code"] for refusal in visit.refusals] == ["chair_is_suitable"]

    def test_nobody_else_is_in_the_bed_and_she_is_nowhere_else_between_doses(self, actor, course, night_suite):
        bed = live(course)[0].chair
        between = utc("2026-12-05T13:00-05:00")
        with pytest.raises(Refused) as refused:
            book(actor, bed, between)
        assert codes(refused) == ["chair_is_free"]
        other = next(one for one in chairs(night_suite) if one.pk != bed.pk)
        with pytest.raises(Refused) as refused:
            book(actor, other, between, patient=course.patient)
        assert codes(refused) == ["patient_is_free"]


class TestPlacingBesidePeople:
    def test_a_visit_booked_by_hand_while_the_job_planned_is_left_alone(self, actor, day_suite, chair, monkeypatch):
        course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)
        real = placing.plan_visits

        def slow(*args, **kwargs):
            plans = real(*args, **kwargs)
            if not Appointment.objects.exists():
                book(actor, chair, hour(3), visit=visit)
            return plans

        monkeypatch.setattr(placing, "plan_visits", slow)
        assert placing.place_visit(actor=actor, visit=visit, now=NOW) == []
        assert [local(row.start) for row in live(course)] == ["Mon 30 Nov 13:00"]
        visit.refresh_from_db()
        assert (visit.state, visit.refusals) == ("booked", [])

    @pytest.mark.parametrize("end", ["waive", "pause"])
    def test_a_visit_that_ended_while_the_job_was_planning_is_left_alone(self, actor, day_suite, monkeypatch, end):
        course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)
        real = placing.plan_visits

        def slow(*args, **kwargs):
            plans = real(*args, **kwargs)
            if end == "pause":
                courses.pause(actor=actor, course=Course.objects.get(), reason="Surgery.", now=NOW)
            else:
                courses.waive(actor=actor, visit=Visit.objects.get(ordinal=1), reason="Pregnant.", now=NOW)
            return plans

        monkeypatch.setattr(placing, "plan_visits", slow)
        assert placing.place_visit(actor=actor, visit=visit, now=NOW) == []
        assert not Appointment.objects.exists()
        assert_kept()

    def test_a_place_taken_while_the_job_was_planning_is_planned_again(self, actor, day_suite, monkeypatch):
        course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)
        real, taken = placing.plan_visits, []

        def slow(*args, **kwargs):
            plans = real(*args, **kwargs)
            if not taken:
                slot = plans[0].slot
                chair = next(one for one in chairs(day_suite) if one.pk == slot.chair.id)
                taken.append(book(actor, chair, slot.start))
            return plans

        monkeypatch.setattr(placing, "plan_visits", slow)
        [row] = placing.place_visit(actor=actor, visit=visit, now=NOW)
        assert row.chair_id != taken[0].chair_id
        assert_kept()


class TestBadInput:
    @pytest.mark.parametrize(
        ("field", "values"),
        [
            ("minutes", {"minutes": 0}),
            ("minutes", {"minutes": -5}),
            ("minutes", {"minutes": 721}),
            ("minutes", {"minutes": None}),
            ("start", {"start": datetime(2026, 11, 30, 10, 0)}),  # noqa: DTZ001 - that is the point
            ("start", {"start": MONDAY + timedelta(seconds=1)}),
            ("start", {"start": NOW - timedelta(days=1)}),
            ("start", {"start": NOW + timedelta(days=4 * 366)}),
            ("start", {"start": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}),
            ("start", {"start": datetime(1, 1, 1, tzinfo=UTC)}),
            ("patient", {"patient": None}),
        ],
    )
    def test_says_which_field_and_writes_nothing(self, actor, chair, patient, field, values):
        before = counts()
        asked = {"start": MONDAY, "patient": patient, "minutes": 60, **values}
        with pytest.raises(Malformed) as malformed:
            booking.book(actor=actor, chair=chair, now=NOW, **asked)
        assert malformed.value.field == field
        assert malformed.value.detail
        assert counts() == before

    def test_a_patient_of_another_center_is_unknown_here(self, actor, chair):
        stranger = make.make_patient(make.make_center())
        with pytest.raises(Malformed) as malformed:
            book(actor, chair, MONDAY, patient=stranger)
        assert malformed.value.field == "patient"

    def test_a_closed_unit_and_a_chair_out_of_service(self, actor, chair, center):
        make.make_closure(center, "2026-11-30T00:00-05:00", "2026-12-01T00:00-05:00", reason="Burst pipe")
        before = counts()
        with pytest.raises(Refused) as refused:
            book(actor, chair, MONDAY)
        assert codes(refused)[0] == "unit_is_open"
        assert "Burst pipe" in refused.value.refusals[0].detail
        assert refused.value.alternatives
        assert counts() == before

    def test_a_long_reason_for_an_override_is_said_to_be_too_long(self, actor, chair):
        with pytest.raises(Malformed):
            book(actor, chair, MONDAY, override=Override(frozenset({"nurses_can_cover"}), "x" * 201))

    def test_the_leap_day_can_be_booked(self, actor, chair):
        leap = utc("2028-02-29T10:00-05:00")
        row = book(actor, chair, leap, now=utc("2028-02-01T12:00"))
        assert row.promised_wall == "2028-02-29T10:00"

    def test_a_center_without_a_known_zone_cannot_be_saved(self, center):
        from django.core.exceptions import ValidationError

        for name in ("Mars/Olympus", "", "../etc/passwd", "Factory"):
            center.time_zone = name
            with pytest.raises(ValidationError):
                center.full_clean()
        assert Center.objects.get(pk=center.pk).time_zone == "America/New_York"


def test_a_booking_takes_few_queries(actor, chair, patient, django_assert_max_num_queries):
    with django_assert_max_num_queries(45):
        book(actor, chair, MONDAY, patient=patient)
    assert connection.vendor in ("sqlite", "postgresql")
