"""Undo puts a booking back to how it was before its last change, or says in words why it cannot."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from scheduler.domain.errors import Refused, Stale
from scheduler.models import Appointment, Course, Dose, Event, Visit
from scheduler.services import attendance, booking, courses, moving
from scheduler.services.settle import Override
from scheduler.services.undo import undo
from tests import factories as make
from tests.factories import NOW
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

KEPT = (
    "status", "phase", "chair_id", "start", "end", "confirmed_at", "arrived_at", "checked_in_at", "actual_start",
    "actual_end", "phase_at", "outcome", "reason", "override",
)  # fmt: skip


def at(minutes: int) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


@pytest.fixture
def course(actor, day_suite):
    course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
    place_all(course, actor)
    return course


@pytest.fixture
def row(course):
    return live(course)[0]


def world(course: Course) -> dict:
    """All that undo must bring back."""
    course.refresh_from_db()
    rows = Appointment.objects.filter(visit__course=course).order_by("pk")
    return {
        "rows": [tuple(getattr(row, name) for name in KEPT) for row in rows],
        "visits": list(Visit.objects.filter(course=course).values_list("ordinal", "due", "window_start", "state")),
        "doses": list(Dose.objects.exclude(status="not-given").values_list("visit__ordinal", "given_at")),
        "course": course.status,
    }


STEPS = {
    "arrive": lambda actor, row: attendance.arrive(actor=actor, appointment=row, now=at(-10)),
    "check-in": lambda actor, row: attendance.check_in(actor=actor, appointment=row, now=at(-5)),
    "start": lambda actor, row: attendance.start(actor=actor, appointment=row, now=at(5)),
    "start late": lambda actor, row: attendance.start(actor=actor, appointment=row, now=at(20 * 1440)),
    "complete": lambda actor, row: attendance.complete(actor=actor, appointment=row, now=at(35)),
    "complete late": lambda actor, row: attendance.complete(
        actor=actor, appointment=row, actual_start=at(20 * 1440), now=at(20 * 1440 + 30)
    ),
    "not given": lambda actor, row: attendance.complete(
        actor=actor, appointment=row, outcome="not-given", reason="High pressure.", now=at(5)
    ),
    "partly given": lambda actor, row: attendance.complete(
        actor=actor, appointment=row, outcome="partial", reason="Flushing.", now=at(25)
    ),
    "no-show": lambda actor, row: attendance.no_show(actor=actor, appointment=row, now=at(60)),
    "confirm": lambda actor, row: booking.confirm(actor=actor, appointment=row, now=NOW),
    "cancel": lambda actor, row: booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW),
    "move": lambda actor, row: booking.move(
        actor=actor, appointment=row, chair=chairs(row.unit)[2], start=at(120), now=NOW
    ),
    "move outside": lambda actor, row: booking.move(
        actor=actor,
        appointment=row,
        start=at(-6 * 1440),
        override=Override(frozenset({"window_is_kept"}), "She travels."),
        now=NOW,
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_brings_back_booking_visit_due_times_and_doses(actor, course, row, step):
    before = world(course)
    STEPS[step](actor, row)
    assert world(course) != before
    undone = undo(actor=actor, appointment=row, now=at(61))
    assert world(course) == before
    assert undone.version == Appointment.objects.get(pk=row.pk).version > row.version + 1
    assert verbs(row)[-1] == "undo"
    assert_kept()


def test_a_decision_to_set_the_window_aside_comes_back_with_who_and_why(actor, course, row):
    STEPS["move outside"](actor, row)
    before = world(course)
    booking.move(actor=actor, appointment=row, start=MONDAY, now=NOW)
    assert Appointment.objects.get(pk=row.pk).override is None
    undo(actor=actor, appointment=row, now=NOW)
    assert world(course) == before
    assert Appointment.objects.get(pk=row.pk).override["reason"] == "She travels."


def test_a_phase(actor, row):
    attendance.arrive(actor=actor, appointment=row, now=at(-5))
    attendance.set_phase(actor=actor, appointment=row, phase="in-chair", now=at(-4))
    assert undo(actor=actor, appointment=row, now=at(-3)).phase == "waiting"


def test_of_the_last_dose_makes_the_course_active_again_on_record(actor, night_suite):
    course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=1)
    rows = place_all(course, actor)
    for row in rows:
        attendance.complete(actor=actor, appointment=row, actual_start=row.start, now=row.end)
    course.refresh_from_db()
    assert course.status == "completed"
    undo(actor=actor, appointment=rows[-1], now=rows[-1].end)
    course.refresh_from_db()
    assert course.status == "active"
    assert verbs(course)[-1] == "undo"
    assert_kept()


def test_of_something_else_leaves_a_completed_course_completed(actor, center, night_suite):
    course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=1)
    rows = place_all(course, actor)
    for row in rows:
        attendance.complete(actor=actor, appointment=row, actual_start=row.start, now=row.end)
    attendance.set_phase(actor=actor, appointment=rows[0], phase="chair-cleaning", now=rows[-1].end)
    undo(actor=actor, appointment=rows[0], now=rows[-1].end)
    course.refresh_from_db()
    assert course.status == "completed"
    plain = book(actor, chairs(night_suite)[2], MONDAY)
    Course.objects.filter(pk=course.pk).update(status="completed")
    booking.confirm(actor=actor, appointment=plain, now=NOW)
    undo(actor=actor, appointment=plain, now=NOW)
    course.refresh_from_db()
    assert course.status == "completed"


def test_goes_back_one_step_only(actor, row):
    booking.confirm(actor=actor, appointment=row, now=NOW)
    attendance.arrive(actor=actor, appointment=row, now=at(-5))
    undo(actor=actor, appointment=row, now=at(-4))
    with pytest.raises(Refused) as refused:
        undo(actor=actor, appointment=row, now=at(-3))
    assert codes(refused) == ["transition_is_allowed"]


def test_a_booking_that_only_was_booked_has_nothing_to_undo(actor, row):
    before = counts()
    with pytest.raises(Refused):
        undo(actor=actor, appointment=row, now=NOW)
    assert counts() == before


def test_is_refused_where_the_place_has_gone_to_somebody_else(actor, row):
    for step in ("cancel", "move", "no-show"):
        if step == "no-show":
            undo(actor=actor, appointment=row, now=at(61))
        STEPS[step](actor, row)
        other = book(actor, row.chair, MONDAY)
        with pytest.raises(Refused) as refused:
            undo(actor=actor, appointment=row, now=at(61))
        assert codes(refused) == ["chair_is_free"]
        booking.cancel(actor=actor, appointment=other, reason="Ill.", now=NOW)
        undo(actor=actor, appointment=row, now=at(61))
        if step != "no-show":
            STEPS["confirm"](actor, row)
        assert_kept()


def test_of_a_cancellation_is_refused_once_the_visit_is_booked_again(actor, course, row):
    booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
    visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)
    book(actor, row.chair, at(180), visit=visit)
    before = counts()
    with pytest.raises(Refused) as refused:
        undo(actor=actor, appointment=row, now=NOW)
    assert codes(refused) == ["transition_is_allowed"]
    assert counts() == before
    assert_kept()


@pytest.mark.parametrize("end", ["waive", "pause", "discontinue"])
def test_does_not_bring_back_a_visit_or_a_course_that_ended(actor, course, row, end):
    if end == "waive":
        courses.waive(actor=actor, visit=course.visits.get(ordinal=1), reason="Pregnant.", now=NOW)
    else:
        getattr(courses, end)(actor=actor, course=course, reason="Pregnant.", now=NOW)
    with pytest.raises(Refused):
        undo(actor=actor, appointment=row, now=NOW)
    assert_kept()


def test_of_a_treatment_not_given_is_refused_once_the_visit_was_given_elsewhere(actor, center, course, row):
    STEPS["not given"](actor, row)
    visit = course.visits.select_related("course__protocol", "course__center").get(ordinal=1)
    attendance.record_dose_elsewhere(
        actor=actor,
        center=center,
        patient=course.patient,
        substance="eptinezumab",
        mg=100,
        given_at=at(60),
        visit=visit,
        now=at(60),
    )
    with pytest.raises(Refused):
        undo(actor=actor, appointment=row, now=at(61))
    assert_kept()


def test_of_a_cancelled_hold_brings_no_booking_into_being(actor, chair):
    held = booking.hold(actor=actor, chair=chair, start=MONDAY, minutes=60, now=NOW)
    booking.cancel(actor=actor, appointment=held, reason="Changed her mind.", now=NOW)
    with pytest.raises(Refused):
        undo(actor=actor, appointment=held, now=NOW)
    held.refresh_from_db()
    assert held.status == "cancelled"
    assert_kept()


def test_with_an_old_version_is_stale(actor, row):
    booking.confirm(actor=actor, appointment=row, now=NOW)
    with pytest.raises(Stale):
        undo(actor=actor, appointment=row, version=row.version, now=NOW)


class TestStay:
    @pytest.fixture
    def stay(self, actor, night_suite):
        course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=2)
        place_all(course, actor)
        return course

    def test_a_change_of_bed_is_undone_for_the_whole_stay(self, actor, stay, night_suite):
        before = world(stay)
        row = live(stay)[2]
        other = next(bed for bed in chairs(night_suite) if bed.pk != row.chair_id)
        booking.move(actor=actor, appointment=row, chair=other, now=NOW)
        undo(actor=actor, appointment=row, now=NOW)
        assert world(stay) == before
        assert_kept()

    def test_a_cancelled_first_dose_comes_back_into_its_bed(self, actor, stay):
        before = world(stay)
        row = live(stay)[0]
        booking.cancel(actor=actor, appointment=row, reason="Late train.", now=NOW)
        undo(actor=actor, appointment=row, now=NOW)
        assert world(stay) == before
        assert_kept()

    def test_a_cancelled_first_dose_does_not_come_back_over_somebody_else(self, actor, stay):
        row = live(stay)[0]
        booking.cancel(actor=actor, appointment=row, reason="Late train.", now=NOW)
        book(actor, row.chair, row.start)
        with pytest.raises(Refused) as refused:
            undo(actor=actor, appointment=row, now=NOW)
        assert "chair_is_free" in codes(refused)
        assert_kept()

    def test_a_late_start_undone_puts_the_due_times_back(self, actor, stay):
        before = world(stay)
        row = live(stay)[0]
        attendance.start(actor=actor, appointment=row, now=row.start + timedelta(minutes=80))
        assert local(stay.visits.get(ordinal=2).due) == "Sat 05 Dec 18:20"
        undo(actor=actor, appointment=row, now=row.start + timedelta(minutes=85))
        assert world(stay) == before


class TestMovedTogether:
    @pytest.fixture
    def moved(self, actor, course):
        """The second visit two weeks later, and the third and fourth along with it."""
        before = world(course)
        rows = live(course)
        booking.move(
            actor=actor,
            appointment=rows[1],
            start=rows[1].start + timedelta(days=14),
            override=Override(frozenset({"window_is_kept"}), "She travels."),
            accept_following=True,
            now=NOW,
        )
        assert [old.start < new.start for old, new in zip(rows, live(course), strict=True)] == [False, True, True, True]
        return before

    @pytest.mark.parametrize("which", [1, 2, 3])
    def test_all_come_back_whichever_of_them_is_undone(self, actor, course, moved, which):
        undo(actor=actor, appointment=live(course)[which], now=NOW)
        assert world(course) == moved
        assert [verbs(row)[-1] for row in live(course)] == ["book", "undo", "undo", "undo"]
        assert_kept()

    @pytest.mark.parametrize(
        "change",
        [
            lambda actor, row: booking.confirm(actor=actor, appointment=row, now=NOW),
            lambda actor, row: booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW),
            lambda actor, row: booking.move(
                actor=actor, appointment=row, start=row.start + timedelta(minutes=30), now=NOW
            ),
        ],
        ids=["confirmed", "cancelled", "moved"],
    )
    def test_none_comes_back_where_one_was_changed_since(self, actor, course, moved, change):
        change(actor, live(course)[2])
        after = world(course)
        with pytest.raises(Refused) as refused:
            undo(actor=actor, appointment=live(course)[1], now=NOW)
        assert codes(refused) == ["transition_is_allowed"]
        assert "has been changed since" in str(refused.value.refusals[0].say())
        assert world(course) == after
        assert_kept()

    def test_none_comes_back_where_one_place_has_gone_to_somebody_else(self, actor, course, moved):
        _status, _phase, chair, start, *_rest = moved["rows"][3]
        book(actor, next(each for each in chairs(course.unit) if each.pk == chair), start)
        after = world(course)
        with pytest.raises(Refused) as refused:
            undo(actor=actor, appointment=live(course)[1], now=NOW)
        assert codes(refused) == ["chair_is_free"]
        assert world(course) == after
        assert_kept()

    def test_a_change_of_the_whole_group_is_undone_one_action_at_a_time(self, actor, course, moved):
        once = world(course)
        first = live(course)[1]
        booking.move(
            actor=actor,
            appointment=first,
            start=first.start + timedelta(days=14),
            override=Override(frozenset({"window_is_kept"}), "She travels on."),
            accept_following=True,
            now=NOW,
        )
        undo(actor=actor, appointment=live(course)[1], now=NOW)
        assert world(course) == once
        with pytest.raises(Refused):
            undo(actor=actor, appointment=live(course)[2], now=NOW)
        assert world(course) == once


class TestSwap:
    @pytest.fixture
    def two(self, actor, day_suite):
        first, second, _ = chairs(day_suite)[:3]
        return book(actor, first, MONDAY), book(actor, second, at(180))

    def places(self, two):
        for row in two:
            row.refresh_from_db()
        return [(row.chair_id, row.start) for row in two]

    @pytest.mark.parametrize("which", [0, 1])
    def test_both_go_back_whichever_of_them_is_undone(self, actor, two, which):
        before = self.places(two)
        moving.swap(actor=actor, appointment=two[0], other=two[1], now=NOW)
        assert self.places(two) == before[::-1]
        undo(actor=actor, appointment=two[which], now=NOW)
        assert self.places(two) == before
        assert_kept()

    def test_neither_goes_back_where_the_other_was_moved_since(self, actor, two, day_suite):
        moving.swap(actor=actor, appointment=two[0], other=two[1], now=NOW)
        booking.move(actor=actor, appointment=two[1], chair=chairs(day_suite)[2], now=NOW)
        after = self.places(two)
        with pytest.raises(Refused):
            undo(actor=actor, appointment=two[0], now=NOW)
        assert self.places(two) == after
        assert_kept()


def test_every_undo_is_on_record_with_before_and_after(actor, row):
    attendance.arrive(actor=actor, appointment=row, now=at(-5))
    undo(actor=actor, appointment=row, now=at(-4))
    event = Event.objects.get(verb="undo")
    assert (event.before["status"], event.after["status"]) == ("arrived", "booked")
