"""Proposals are accepted as they were seen: once, whoever taps; and never others than those."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Stale
from scheduler.models import Appointment, Event
from scheduler.queries import unsettled
from scheduler.services import accepting, attendance
from scheduler.services.following import proposals
from tests import factories as make
from tests.services.steps import SATURDAY, assert_kept, live, local, place_all, start_course

pytestmark = pytest.mark.django_db
LATE = SATURDAY + timedelta(minutes=80)


@pytest.fixture
def stay(actor, night_suite):
    course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=1)
    place_all(course, actor)
    attendance.start(actor=actor, appointment=live(course)[0], now=LATE)
    course.refresh_from_db()
    return course


def seen(stay) -> str:
    return accepting.sign(proposals(stay, now=LATE))


def looked_at(course) -> set[int]:
    rows = Appointment.objects.filter(visit__course=course).select_related("visit__course", "protocol")
    return unsettled.courses(rows, course.center.zone)


def test_both_later_doses_move_together(actor, stay):
    assert looked_at(stay) == {stay.pk}
    accepting.accept(actor=actor, course=stay, seen=seen(stay), now=LATE)
    assert [local(row.start) for row in live(stay)][1:] == ["Sat 05 Dec 18:20", "Sun 06 Dec 02:20"]
    assert looked_at(stay) == set()
    assert_kept()


def test_the_second_nurse_to_accept_finds_it_done(actor, stay):
    word = seen(stay)
    accepting.accept(actor=actor, course=stay, seen=word, now=LATE)
    assert accepting.accept(actor=actor, course=stay, seen=word, now=LATE) is None
    assert Event.objects.filter(verb="move").count() == 2


def test_what_is_proposed_by_now_is_not_what_was_seen(actor, stay):
    word = seen(stay)
    row = live(stay)[0]
    row.actual_start += timedelta(minutes=25)
    row.save()
    with pytest.raises(Stale):
        accepting.accept(actor=actor, course=stay, seen=word, now=LATE + timedelta(minutes=26))
    assert [local(row.start) for row in live(stay)][1:] == ["Sat 05 Dec 17:00", "Sun 06 Dec 01:00"]


def test_too_near_without_a_window_broken_is_looked_at_too(actor, night_suite):
    protocol = make.make_dhe(code="wide", window_before=180, window_after=180, tolerance_before=90, tolerance_after=90)
    course = start_course(actor, night_suite, protocol, SATURDAY, days=1)
    place_all(course, actor)
    assert looked_at(course) == set()
    attendance.start(actor=actor, appointment=live(course)[0], now=LATE)
    course.refresh_from_db()
    assert looked_at(course) == {course.pk}
    assert next(local(each.slot.start) for each in proposals(course, now=LATE)) >= "Sat 05 Dec 17:20"
