"""Another dose or another number of doses; and what a change would do, rehearsed without a trace."""

from __future__ import annotations

from decimal import Decimal

import pytest

from scheduler.domain.errors import Malformed, Refused, Stale
from scheduler.models import Appointment, Event, LedgerEntry, UnitDay
from scheduler.queries import integrity
from scheduler.queries.course_request import CourseRequest
from scheduler.services import attendance, courses, redosing, rehearsal
from scheduler.services.placing import place_visit
from tests import factories as make
from tests.factories import NOW, utc


@pytest.fixture
def stay(center, night_suite, actor):
    """Three doses of 0.5 mg, every eight hours, in one bed."""
    request = CourseRequest(
        patient=make.make_patient(center),
        protocol=make.make_dhe(),
        unit=night_suite,
        start=utc("2026-11-18T08:00-05:00"),
        days=1,
    )
    course = courses.create(actor=actor, center=center, request=request, now=NOW)
    place_visit(actor=actor, visit=course.visits.first(), now=NOW)
    return course


def change(actor, course, **values):
    given = {"doses": course.doses, "dose_mg": course.dose_mg, "reason": "New order 7781", **values}
    return redosing.change_doses(actor=actor, course=course, now=NOW, **given)


def test_a_dose_over_the_cap_is_refused_and_nothing_changes(stay, actor):
    with pytest.raises(Refused) as raised:
        change(actor, stay, dose_mg=Decimal("1"))
    assert {refusal.code for refusal in raised.value.refusals} == {"rolling_cap_is_kept"}
    stay.refresh_from_db()
    assert stay.dose_mg is None
    assert Appointment.objects.filter(visit__course=stay, status="booked").count() == 3


def test_more_doses_are_generated_and_wait_for_their_places(stay, actor):
    change(actor, stay, doses=6)
    assert list(stay.visits.values_list("state", flat=True)) == ["booked"] * 3 + ["unplaced"] * 3
    assert Event.objects.filter(verb="amend").get().reason == "New order 7781"


def test_what_was_left_out_is_due_again_when_the_number_goes_up(stay, actor):
    change(actor, stay, doses=6)
    change(actor, stay, doses=3)
    assert list(stay.visits.values_list("state", flat=True)) == ["booked"] * 3 + ["waived"] * 3
    change(actor, stay, doses=6)
    assert list(stay.visits.values_list("state", flat=True)) == ["booked"] * 3 + ["unplaced"] * 3


def test_a_number_the_protocol_is_not_given_with_makes_no_sense(stay, actor):
    with pytest.raises(Malformed):
        change(actor, stay, doses=4)


def test_doses_given_stay_part_of_the_course(center, day_suite, actor):
    request = CourseRequest(
        patient=make.make_patient(center),
        protocol=make.make_quarterly(window_before=60),
        unit=day_suite,
        start=utc("2026-11-17T10:00-05:00"),
        doses=3,
    )
    course = courses.create(actor=actor, center=center, request=request, now=NOW)
    for visit in course.visits.all():
        place_visit(actor=actor, visit=visit, now=NOW)
    first = Appointment.objects.get(visit__course=course, visit__ordinal=1)
    later = utc("2026-11-17T12:00-05:00")
    attendance.complete(actor=actor, appointment=first, actual_start=first.start, actual_end=first.end, now=later)
    changed = redosing.change_doses(actor=actor, course=course, doses=1, dose_mg=None, reason="It is enough", now=later)
    changed.refresh_from_db()
    assert changed.status == "completed"
    assert list(course.visits.values_list("state", flat=True)) == ["done", "waived", "waived"]
    assert integrity.check(now=later) == []


def test_a_rehearsal_leaves_no_trace(stay, actor):
    before = (
        list(UnitDay.objects.order_by("pk").values_list("pk", "version")),
        Event.objects.count(),
        list(LedgerEntry.objects.order_by("pk").values_list("pk", "state")),
    )
    outcome = rehearsal.rehearse(
        course=stay, step=lambda: courses.discontinue(actor=actor, course=stay, reason="x", now=NOW), now=NOW
    )
    assert outcome.status == "discontinued"
    assert all(one.before.start is not None and one.after.start is None for one in outcome.changes)
    assert before == (
        list(UnitDay.objects.order_by("pk").values_list("pk", "version")),
        Event.objects.count(),
        list(LedgerEntry.objects.order_by("pk").values_list("pk", "state")),
    )


def test_what_would_now_do_something_else_is_not_done(stay, actor):
    def step():
        return courses.pause(actor=actor, course=stay, reason="x", now=NOW)

    seen = rehearsal.rehearse(course=stay, step=step, now=NOW)
    courses.waive(actor=actor, visit=stay.visits.last(), reason="y", now=NOW)
    with pytest.raises(Stale):
        rehearsal.carry_out(course=stay, step=step, picture=seen.picture, now=NOW)
    stay.refresh_from_db()
    assert stay.status == "active"
