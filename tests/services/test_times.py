"""Times entered afterwards: never refused, on record with before and after, and what follows is dated by them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Malformed
from scheduler.models import Appointment, Dose, Event, LedgerEntry, Occupancy
from scheduler.services import attendance, booking, times
from scheduler.services.following import proposals
from scheduler.services.undo import undo
from tests import factories as make
from tests.factories import NOW
from tests.services.steps import MONDAY, SATURDAY, assert_kept, book, live, local, place_all, start_course

pytestmark = pytest.mark.django_db


def after(minutes: int):
    return MONDAY + timedelta(minutes=minutes)


@pytest.fixture
def row(actor, day_suite) -> Appointment:
    """A visit of a quarterly course at MONDAY."""
    course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
    return place_all(course, actor)[0]


@pytest.fixture
def stay(actor, night_suite):
    course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=1)
    place_all(course, actor)
    return course


def enter(actor, row, now, reason="From the paper sheet.", **given) -> Appointment:
    named = {name.replace("_", "-"): moment for name, moment in given.items()}
    return times.enter(actor=actor, appointment=row, times=named, reason=reason, now=now)


def shown(course, now) -> list[tuple]:
    dues = [local(visit.due) for visit in course.visits.order_by("ordinal")]
    return [dues, [(one.visit.ordinal, one.slot and local(one.slot.start)) for one in proposals(course, now=now)]]


class TestCorrected:
    def test_before_after_and_why_are_on_record(self, actor, row):
        attendance.arrive(actor=actor, appointment=row, now=after(-5))
        enter(actor, row, after(10), "She came while we were busy.", arrived=after(-25))
        row.refresh_from_db()
        assert (row.arrived_at, row.status) == (after(-25), "arrived")
        event = Event.objects.get(verb="correct")
        assert event.before.keys() == event.after.keys() == {"arrived_at"}
        assert event.reason == "She came while we were busy."

    def test_a_start_corrected_moves_what_follows_as_if_it_had_been_entered_so_at_first(self, actor, stay, night_suite):
        second = start_course(actor, night_suite, stay.protocol, SATURDAY, days=1)
        place_all(second, actor)
        began, now = SATURDAY + timedelta(minutes=80), SATURDAY + timedelta(minutes=85)
        attendance.start(actor=actor, appointment=live(stay)[0], actual_start=began, now=now)
        attendance.start(actor=actor, appointment=live(second)[0], now=SATURDAY)
        assert proposals(second, now=now) == []
        enter(actor, live(second)[0], now, infusing=began)
        for course in (stay, second):
            course.refresh_from_db()
        assert shown(second, now) == shown(stay, now)
        assert shown(second, now)[1] == [(2, "Sat 05 Dec 18:20"), (3, "Sun 06 Dec 02:20")]

    def test_of_a_visit_that_is_done_its_dose_and_the_next_quarter_follow(self, actor, row):
        attendance.complete(actor=actor, appointment=row, actual_start=MONDAY, now=after(40))
        late = MONDAY + timedelta(days=14)
        enter(actor, row, late + timedelta(hours=1), infusing=late, infusion_over=late + timedelta(minutes=30))
        assert Dose.objects.get().given_at == late
        assert local(row.visit.course.visits.get(ordinal=2).due) == "Sun 14 Mar 10:00"

    def test_undone_all_is_as_before(self, actor, row):
        attendance.complete(actor=actor, appointment=row, actual_start=MONDAY, now=after(40))
        before = shown(row.visit.course, after(41))
        enter(actor, row, after(50), infusing=after(5))
        undo(actor=actor, appointment=row, now=after(51))
        row.refresh_from_db()
        assert (row.actual_start, Dose.objects.get().given_at) == (MONDAY, MONDAY)
        assert shown(row.visit.course, after(51)) == before

    def test_sent_twice_it_is_on_record_once(self, actor, row):
        enter(actor, row, after(1), arrived=after(-5))
        enter(actor, row, after(1), arrived=after(-5))
        assert Event.objects.filter(verb="correct").count() == 1

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"arrived": after(60)}, "time"),
            ({"infusing": after(20), "infusion_over": after(10)}, "time"),
            ({"tea": after(0)}, "step"),
            ({}, "time"),
        ],
    )
    def test_what_cannot_be_is_said(self, actor, row, given, field):
        with pytest.raises(Malformed) as wrong:
            enter(actor, row, after(45), **given)
        assert wrong.value.field == field

    def test_a_reason_is_needed(self, actor, row):
        with pytest.raises(Malformed, match="reason"):
            enter(actor, row, after(45), " ", arrived=after(0))


class TestFromPaper:
    def test_a_whole_visit_that_nobody_tapped(self, actor, row):
        enter(
            actor, row, after(600), arrived=after(-5), in_chair=after(0), infusing=after(4), infusion_over=after(36),
            discharged=after(40), cleaned=after(50),
        )  # fmt: skip
        row.refresh_from_db()
        assert (row.status, row.phase, row.outcome) == ("fulfilled", "chair-cleaning", "given")
        assert (row.checked_in_at, row.actual_start, row.actual_end) == (after(0), after(4), after(36))
        assert Dose.objects.get().given_at == after(4)
        assert row.visit.course.visits.get(ordinal=1).state == "done"
        assert_kept()

    @pytest.mark.parametrize(
        ("step", "status", "phase"),
        [
            ("arrived", "arrived", "waiting"),
            ("checked_in", "checked-in", "waiting"),
            ("in_chair", "checked-in", "in-chair"),
            ("infusing", "checked-in", "infusing"),
            ("infusion_over", "checked-in", "observing"),
            ("discharged", "fulfilled", "discharged"),
        ],
    )
    def test_the_visit_has_come_as_far_as_the_last_step_on_paper(self, actor, row, step, status, phase):
        found = enter(actor, row, after(60), **{step: after(20)})
        assert (found.status, found.phase) == (status, phase)

    def test_an_earlier_step_takes_nobody_back(self, actor, row):
        attendance.start(actor=actor, appointment=row, now=after(0))
        assert enter(actor, row, after(10), arrived=after(-9)).phase == "infusing"

    def test_one_noted_as_missed_was_there_after_all(self, actor, row):
        attendance.no_show(actor=actor, appointment=row, now=after(61))
        mails = LedgerEntry.objects.filter(kind="booked").count()
        enter(actor, row, after(700), infusing=after(2), discharged=after(40))
        row.refresh_from_db()
        assert (row.status, row.visit.course.visits.get(ordinal=1).state) == ("fulfilled", "done")
        assert Occupancy.objects.filter(appointment=row).exists()
        assert LedgerEntry.objects.filter(kind="booked").count() == mails  # she was there: nobody writes to her
        assert_kept()

    def test_where_somebody_else_has_her_place_by_now_the_dose_counts_all_the_same(self, actor, row):
        attendance.no_show(actor=actor, appointment=row, now=after(61))
        book(actor, row.chair, row.start, now=NOW)
        found = enter(actor, row, after(700), infusing=after(2), discharged=after(40))
        assert (found.status, found.outcome) == ("noshow", "given")
        assert Dose.objects.get().given_at == after(2)
        assert row.visit.course.visits.get(ordinal=1).state == "done"
        assert_kept()

    def test_where_her_visit_has_another_booking_by_now_the_dose_is_nobodys_visit(self, actor, row):
        attendance.no_show(actor=actor, appointment=row, now=after(61))
        visit = row.visit.course.visits.get(ordinal=1)
        booking.book(actor=actor, chair=row.chair, start=MONDAY + timedelta(days=1), visit=visit, now=after(62))
        enter(actor, row, after(700), infusing=after(2), discharged=after(40))
        assert Dose.objects.get().visit_id is None
        visit.refresh_from_db()
        assert visit.state == "booked"
        assert_kept()

    @pytest.mark.parametrize("is_taken", [False, True])
    def test_undone_she_was_missed_again(self, actor, row, is_taken):
        attendance.no_show(actor=actor, appointment=row, now=after(61))
        if is_taken:
            book(actor, row.chair, row.start, now=NOW)
        enter(actor, row, after(700), infusing=after(2), discharged=after(40))
        undo(actor=actor, appointment=row, now=after(701))
        row.refresh_from_db()
        assert (row.status, row.actual_start, Dose.objects.count()) == ("noshow", None, 0)
        assert row.visit.course.visits.get(ordinal=1).state == "unplaced"
        assert_kept()

    def test_what_was_not_given_stays_so(self, actor, row):
        attendance.complete(actor=actor, appointment=row, outcome="not-given", reason="Pressure.", now=after(30))
        enter(actor, row, after(90), infusing=after(3))
        row.refresh_from_db()
        assert (row.status, Dose.objects.get().status) == ("cancelled", "not-given")

    def test_in_a_stay_too(self, actor, stay):
        first = live(stay)[0]
        attendance.no_show(actor=actor, appointment=first, now=SATURDAY + timedelta(hours=2))
        begun = SATURDAY + timedelta(minutes=10)
        enter(actor, first, SATURDAY + timedelta(hours=3), infusing=begun)
        assert len({row.chair_id for row in live(stay)}) == 1
        assert [row.phase for row in live(stay)] == ["infusing", "", ""]
        assert_kept()
