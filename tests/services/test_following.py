"""What follows for later visits: due times at once, bookings only as proposals that staff accept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Refused
from scheduler.models import Appointment
from scheduler.services import attendance, booking, courses, jobs
from scheduler.services.following import proposals
from scheduler.services.settle import Override
from scheduler.services.undo import undo
from tests import factories as make
from tests.factories import NOW, utc
from tests.services.steps import (
    MONDAY,
    SATURDAY,
    assert_kept,
    book,
    chairs,
    codes,
    live,
    local,
    place_all,
    start_course,
)

pytestmark = pytest.mark.django_db
LATE = Override(codes=frozenset({"window_is_kept"}), reason="She travels.")


@pytest.fixture
def stay(actor, night_suite):
    course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=1)
    place_all(course, actor)
    return course


@pytest.fixture
def course(actor, day_suite):
    course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
    place_all(course, actor)
    return course


def proposed(course, now=NOW) -> list[tuple]:
    return [
        (one.visit.ordinal, local(one.appointment.start), local(one.slot.start) if one.slot else None)
        for one in proposals(course, now=now)
    ]


class TestDHE:
    def test_begun_at_10_20_the_booked_17_00_becomes_a_proposal_for_18_20(self, actor, stay):
        attendance.start(actor=actor, appointment=live(stay)[0], now=SATURDAY + timedelta(minutes=80))
        stay.refresh_from_db()
        now = SATURDAY + timedelta(minutes=81)
        assert proposed(stay, now) == [
            (2, "Sat 05 Dec 17:00", "Sat 05 Dec 18:20"),
            (3, "Sun 06 Dec 01:00", "Sun 06 Dec 02:20"),
        ]
        # Nobody was moved silently.
        assert [local(row.start) for row in live(stay)][1:] == ["Sat 05 Dec 17:00", "Sun 06 Dec 01:00"]

    def test_each_proposal_says_why_the_booking_no_longer_fits(self, actor, stay):
        attendance.start(actor=actor, appointment=live(stay)[0], now=SATURDAY + timedelta(minutes=80))
        first = proposals(stay, now=SATURDAY + timedelta(minutes=81))[0]
        assert {refusal.code for refusal in first.why} == {"window_is_kept", "interval_is_kept"}
        assert "10:20" in " ".join(refusal.detail for refusal in first.why)
        assert first.slot.chair.id == first.appointment.chair_id

    def test_accepted_both_move_in_their_bed(self, actor, stay):
        attendance.start(actor=actor, appointment=live(stay)[0], now=SATURDAY + timedelta(minutes=80))
        now = SATURDAY + timedelta(minutes=81)
        booking.move(
            actor=actor,
            appointment=live(stay)[1],
            start=SATURDAY + timedelta(hours=9, minutes=20),
            accept_following=True,
            now=now,
        )
        assert [local(row.start) for row in live(stay)][1:] == ["Sat 05 Dec 18:20", "Sun 06 Dec 02:20"]
        assert proposed(stay, now) == []
        assert len({row.chair_id for row in live(stay)}) == 1
        assert_kept()

    def test_inside_the_tolerance_and_the_interval_bookings_stay(self, actor, stay):
        attendance.start(actor=actor, appointment=live(stay)[0], now=SATURDAY + timedelta(minutes=45))
        assert proposed(stay, SATURDAY + timedelta(minutes=46)) == []

    def test_a_bed_that_is_wanted_by_somebody_else_afterwards_leaves_a_proposal_without_a_place(
        self, actor, stay, night_suite
    ):
        rows = live(stay)
        book(actor, rows[0].chair, rows[2].end + timedelta(minutes=30))
        attendance.start(actor=actor, appointment=rows[0], now=SATURDAY + timedelta(minutes=80))
        found = proposals(stay, now=SATURDAY + timedelta(minutes=81))
        last = next(one for one in found if one.visit.ordinal == 3)
        assert last.slot is None or last.slot.chair.id == rows[0].chair_id
        assert last.slot is None or last.slot.start <= rows[2].start
        if last.slot is None:
            assert last.refusals

    def test_a_dose_not_given_moves_nothing(self, actor, stay):
        row = live(stay)[0]
        attendance.complete(
            actor=actor, appointment=row, outcome="not-given", reason="Pressure.", now=SATURDAY + timedelta(minutes=80)
        )
        assert proposed(stay, SATURDAY + timedelta(minutes=81)) == []
        assert [local(visit.due) for visit in stay.visits.all()][1:] == ["Sat 05 Dec 17:00", "Sun 06 Dec 01:00"]


class TestQuarterly:
    def test_given_two_weeks_late_the_later_ones_are_proposed_again(self, actor, course):
        now = utc("2026-12-14T15:00-05:00")
        attendance.complete(
            actor=actor, appointment=live(course)[0], actual_start=utc("2026-12-14T14:00-05:00"), now=now
        )
        assert [(ordinal, was) for ordinal, was, _ in proposed(course, now)] == [
            (2, "Mon 01 Mar 10:00"),
            (3, "Mon 31 May 10:00"),
            (4, "Mon 30 Aug 10:00"),
        ]
        assert proposed(course, now)[0][2] == "Mon 15 Mar 10:00"

    def test_moved_inside_its_window_nothing_follows(self, actor, course):
        row = live(course)[0]
        booking.move(actor=actor, appointment=row, start=MONDAY + timedelta(days=3), now=NOW)
        assert proposed(course) == []

    def test_moved_late_inside_its_window_the_minimum_interval_counts_from_it(self, actor, day_suite):
        protocol = make.make_quarterly(window_before=14, window_after=14, tolerance_before=14, tolerance_after=14)
        course = start_course(actor, day_suite, protocol, MONDAY)
        rows = place_all(course, actor)
        with pytest.raises(Refused) as refused:
            booking.move(actor=actor, appointment=rows[0], start=MONDAY + timedelta(days=11), now=NOW)
        assert codes(refused) == ["interval_is_kept"]  # 11 Dec to 1 Mar are 80 days
        [proposal] = refused.value.proposals
        assert (proposal.visit.ordinal, local(proposal.slot.start)) == (2, "Fri 05 Mar 10:00")

    def test_an_override_stays_where_somebody_put_it(self, actor, course):
        rows = live(course)
        booking.cancel(actor=actor, appointment=rows[2], reason="Later.", now=NOW)
        booking.cancel(actor=actor, appointment=rows[3], reason="Later.", now=NOW)
        booking.move(actor=actor, appointment=rows[1], start=utc("2027-03-15T10:00-04:00"), override=LATE, now=NOW)
        assert proposed(course) == []
        assert local(course.visits.get(ordinal=3).due) == "Tue 15 Jun 10:00"

    def test_what_was_set_aside_is_noted_only_where_it_had_to_be(self, actor, course):
        rows = live(course)
        booking.move(
            actor=actor,
            appointment=rows[1],
            start=utc("2027-03-15T10:00-04:00"),
            override=LATE,
            accept_following=True,
            now=NOW,
        )
        assert [row.override is not None for row in live(course)] == [False, True, False, False]

    def test_undone_its_followers_come_back_with_it_and_nothing_is_proposed(self, actor, course):
        rows = live(course)
        before = [row.start for row in rows]
        booking.move(
            actor=actor,
            appointment=rows[1],
            start=utc("2027-03-15T10:00-04:00"),
            override=LATE,
            accept_following=True,
            now=NOW,
        )
        undo(actor=actor, appointment=rows[1], now=NOW)
        assert [row.start for row in live(course)] == before
        assert proposed(course) == []

    def test_moved_back_into_its_window_the_later_due_times_come_back(self, actor, course):
        before = list(course.visits.values_list("due", flat=True))
        rows = live(course)
        for row in rows[2:]:
            booking.cancel(actor=actor, appointment=row, reason="Later.", now=NOW)
        booking.move(actor=actor, appointment=rows[1], start=utc("2027-03-15T10:00-04:00"), override=LATE, now=NOW)
        booking.move(actor=actor, appointment=rows[1], start=utc("2027-03-01T10:00-05:00"), now=NOW)
        assert list(course.visits.values_list("due", flat=True)) == before

    def test_a_refused_move_changes_nothing(self, actor, course):
        before = [(row.start, row.version) for row in live(course)]
        dues = list(course.visits.values_list("due", flat=True))
        with pytest.raises(Refused):
            booking.move(
                actor=actor, appointment=live(course)[1], start=utc("2027-03-15T10:00-04:00"), override=LATE, now=NOW
            )
        assert [(row.start, row.version) for row in live(course)] == before
        assert list(course.visits.values_list("due", flat=True)) == dues

    def test_accepted_together_all_or_none(self, actor, course, center):
        make.make_closure(center, "2027-06-01T00:00-04:00", "2027-07-15T00:00-04:00", reason="Renovation")
        before = [(row.start, row.version) for row in live(course)]
        with pytest.raises(Refused):
            booking.move(
                actor=actor,
                appointment=live(course)[1],
                start=utc("2027-03-15T10:00-04:00"),
                override=LATE,
                accept_following=True,
                now=NOW,
            )
        assert [(row.start, row.version) for row in live(course)] == before

    def test_waived_moves_nothing(self, actor, course):
        courses.waive(actor=actor, visit=course.visits.get(ordinal=1), reason="Travels.", now=NOW)
        assert proposed(course) == []


class TestNobodyIsLost:
    def test_after_every_kind_of_upset_each_visit_has_its_state_and_reason(self, actor, course, day_suite):
        rows = live(course)
        attendance.complete(actor=actor, appointment=rows[0], now=rows[0].end)
        booking.cancel(actor=actor, appointment=rows[1], reason="Ill.", now=NOW)
        attendance.no_show(actor=actor, appointment=rows[2], now=rows[2].end)
        courses.pause(actor=actor, course=course, reason="Surgery.", now=NOW)
        courses.resume(actor=actor, course=course, now=NOW)
        jobs.place_visits(NOW)
        states = list(course.visits.values_list("state", flat=True))
        assert states == ["done", "unplaced", "unplaced", "booked"]
        assert [visit.reason for visit in course.visits.filter(state="unplaced")] == ["Ill.", "did not come"]
        assert_kept()

    def test_two_courses_of_one_substance_see_each_other(self, actor, day_suite, course):
        second = start_course(
            actor, day_suite, make.make_quarterly(code="their-own"), MONDAY + timedelta(days=10), patient=course.patient
        )
        place_all(second, actor)
        first = second.visits.get(ordinal=1)
        assert first.state == "unplaced"
        assert {refusal["code"] for refusal in first.refusals} == {"interval_is_kept"}
        assert "10 days" in first.refusals[0]["detail"]
        assert_kept()

    def test_the_bed_of_a_stay_moves_with_the_doses_that_follow(self, actor, stay, night_suite):
        other = next(bed for bed in chairs(night_suite) if bed.pk != live(stay)[0].chair_id)
        booking.move(actor=actor, appointment=live(stay)[0], chair=other, now=NOW)
        assert set(Appointment.objects.values_list("chair_id", flat=True)) == {other.pk}
        assert_kept()
