"""Who is next in the chair of what runs over gets another chair or comes later, by the same rules; or the desk is
asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Refused, Stale
from scheduler.models import Appointment, Chair, LedgerEntry, WorklistMark
from scheduler.queries import overruns
from scheduler.queries.overruns import Overrun
from scheduler.queries.worklist import items
from scheduler.queries.worklist.clashes import overrun_key
from scheduler.services import attendance, making_room, worklist
from tests import factories as make
from tests.factories import NOW
from tests.services.steps import MONDAY, SATURDAY, assert_kept, book, chairs, codes, live, place_all, start_course

pytestmark = pytest.mark.django_db
NEXT = MONDAY + timedelta(minutes=65)
LATER = MONDAY + timedelta(minutes=76)


@pytest.fixture
def running(actor, day_suite) -> Appointment:
    """An hour in the first chair; at LATER it is sixteen minutes over."""
    row = book(actor, chairs(day_suite)[0], MONDAY)
    return attendance.start(actor=actor, appointment=row, now=MONDAY)


@pytest.fixture
def following(actor, running, center) -> Appointment:
    return book(actor, running.chair, NEXT, patient=make.make_patient(center, email="ana@example.org"))


def overrun(running, now=LATER) -> Overrun:
    row = Appointment.objects.select_related("visit").get(pk=running.pk)
    [found] = overruns.of([row], now)
    return found


def gone(running, now=LATER) -> bool:
    row = Appointment.objects.select_related("visit").get(pk=running.pk)
    return overruns.of([row], now) == []


def test_the_next_one_gets_another_chair_at_her_time(actor, running, following):
    moved = making_room.swap_chair(actor=actor, overrun=overrun(running), version=following.version, now=LATER)
    assert (moved.pk, moved.start) == (following.pk, NEXT)
    assert moved.chair_id != running.chair_id
    assert gone(running)
    assert_kept()


def test_a_chair_that_is_taken_is_passed_over(actor, day_suite, running, following):
    taken = making_room.other_chair(following, now=LATER).chair
    book(actor, Chair.objects.select_related("unit__center").get(pk=taken.id), NEXT + timedelta(minutes=10))
    other = making_room.other_chair(following, now=LATER).chair
    assert other is not None
    assert other.id not in (taken.id, running.chair_id)


def test_without_one_it_says_why_and_what_works(actor, day_suite, running, following):
    for chair in chairs(day_suite)[1:]:
        book(actor, chair, NEXT)
    with pytest.raises(Refused) as refused:
        making_room.swap_chair(actor=actor, overrun=overrun(running), version=None, now=LATER)
    assert set(codes(refused)) == {"chair_is_free"}
    assert "No other chair" in refused.value.refusals[0].detail
    slot = refused.value.alternatives[0]
    chair = Chair.objects.select_related("unit__center").get(pk=slot.chair.id)
    making_room.go_to(actor=actor, overrun=overrun(running), chair=chair, start=slot.start, version=None, now=LATER)
    assert_kept()


def test_twenty_minutes_later_and_she_is_told(actor, running, following):
    LedgerEntry.objects.filter(appointment=following, kind="booked").update(state="sent", done_at=NOW)
    moved = making_room.come_later(actor=actor, overrun=overrun(running), version=following.version, now=LATER)
    assert moved.start == NEXT + timedelta(minutes=20)
    told = LedgerEntry.objects.get(appointment=moved, state="due", due=LATER)
    assert told.kind == "moved"
    assert gone(running)
    assert_kept()


def test_as_many_times_twenty_minutes_as_it_needs(actor, running, following):
    now = LATER + timedelta(minutes=15)
    assert making_room.minutes_later(overrun(running, now)) == 40
    making_room.come_later(actor=actor, overrun=overrun(running, now), version=None, now=now)
    assert gone(running, now)


def test_whom_it_would_push_into_somebody_elses_time_is_not_moved(actor, running, following):
    book(actor, running.chair, following.end)
    with pytest.raises(Refused) as refused:
        making_room.come_later(actor=actor, overrun=overrun(running), version=None, now=LATER)
    assert "chair_is_free" in codes(refused)
    assert refused.value.alternatives
    following.refresh_from_db()
    assert following.start == NEXT


def test_what_was_changed_since_is_left_alone(actor, running, following):
    with pytest.raises(Stale):
        making_room.come_later(actor=actor, overrun=overrun(running), version=following.version - 1, now=LATER)


def test_of_a_stay_the_whole_stay_goes(actor, night_suite):
    protocol = make.make_dhe()
    course = start_course(actor, night_suite, protocol, SATURDAY, days=1)
    bed = place_all(course, actor)[0].chair
    running = book(actor, bed, SATURDAY - timedelta(minutes=130))
    attendance.start(actor=actor, appointment=running, now=running.start)
    now = SATURDAY - timedelta(minutes=50)
    found = overrun(running, now)
    assert found.next == live(course)[0]
    making_room.swap_chair(actor=actor, overrun=found, version=None, now=now)
    assert {row.chair_id for row in live(course)}.isdisjoint({bed.pk})
    assert_kept()


class TestTheDesk:
    def test_is_asked_and_the_item_is_urgent(self, actor, center, running, following):
        key = overrun_key(running)
        worklist.ask(actor=actor, center=center, item=key, now=LATER)
        item = next(each for each in items(center=center, now=LATER) if each.key == key)
        assert item.urgency == "now"
        assert "The floor asks the desk" in item.detail

    def test_asked_twice_it_is_one_question(self, actor, center, running, following):
        first = worklist.ask(actor=actor, center=center, item="clash-overrun:1", now=LATER)
        again = worklist.ask(actor=actor, center=center, item="clash-overrun:1", now=LATER + timedelta(minutes=1))
        assert (again.pk, again.asked_at) == (first.pk, LATER)

    def test_what_was_put_off_is_back(self, center, running):
        actor = make.make_actor(center)
        worklist.snooze(
            actor=actor, center=center, item="clash-overrun:1", until=NOW + timedelta(days=1), reason="Later.", now=NOW
        )
        worklist.ask(actor=actor, center=center, item="clash-overrun:1", now=NOW)
        assert WorklistMark.objects.get().snoozed_until is None
