"""A reaction is a fact: always recorded, and the observation gets longer, in the chair's plan or beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Forbidden, Malformed
from scheduler.domain.permissions import FRONT_DESK, MANAGER, NURSE
from scheduler.models import Appointment, Event, Occupancy, Reaction
from scheduler.queries import overruns
from scheduler.services import attendance, booking, reactions
from scheduler.services.undo import undo
from tests import factories as make
from tests.factories import NOW
from tests.services.steps import MONDAY, assert_kept, book

pytestmark = pytest.mark.django_db
LATER = MONDAY + timedelta(minutes=30)


@pytest.fixture
def nurse(center):
    return make.make_actor(center, NURSE)


@pytest.fixture
def row(actor, chair) -> Appointment:
    """75 minutes, then 30 of observation and 10 of cleaning; the infusion runs."""
    row = book(actor, chair, MONDAY, protocol=make.make_rescue())
    return attendance.start(actor=actor, appointment=row, now=MONDAY)


def react(nurse, row, kind="hives", now=LATER, **values) -> Reaction:
    return reactions.react(actor=nurse, appointment=row, kind=kind, now=now, **values)


def lengths(row) -> tuple[int, int]:
    row.refresh_from_db()
    return row.observation_minutes, row.extra_observation_minutes


def test_it_is_recorded_and_the_plan_keeps_the_chair_an_hour_longer(nurse, row):
    kept = react(nurse, row)
    assert (kept.kind, kept.at, kept.actor, kept.observation_minutes) == ("hives", LATER, nurse.who, 60)
    assert lengths(row) == (90, 0)
    assert Occupancy.objects.get(appointment=row).chair_until == row.end + timedelta(minutes=100)
    assert_kept()


def test_the_protocol_may_say_how_long(actor, nurse, chair):
    row = book(actor, chair, MONDAY, protocol=make.make_rescue(code="own", reaction_minutes=45))
    attendance.start(actor=actor, appointment=row, now=MONDAY)
    react(nurse, row)
    assert lengths(row) == (75, 0)


def test_where_the_chair_is_somebody_elses_by_then_it_becomes_an_overrun(actor, nurse, row):
    following = book(actor, row.chair, row.end + timedelta(minutes=60))
    react(nurse, row)
    assert lengths(row) == (30, 60)
    row = Appointment.objects.select_related("visit").get(pk=row.pk)
    [found] = overruns.of([row], LATER)
    assert (found.next, found.until) == (following, row.end + timedelta(minutes=100))
    assert_kept()


def test_once_the_next_one_has_gone_elsewhere_the_plan_has_the_time(actor, nurse, row):
    following = book(actor, row.chair, row.end + timedelta(minutes=60))
    react(nurse, row)
    booking.cancel(actor=actor, appointment=following, reason="Ill.", now=LATER)
    reactions.take_room(actor=nurse, appointment=row, now=LATER)
    assert lengths(row) == (90, 0)
    assert_kept()


def test_the_words_stand_in_its_row_and_not_in_the_event(nurse, row):
    kept = react(nurse, row, kind="other", note="Metallic taste")
    event = Event.objects.get(verb="reaction")
    assert event.after["reaction"] == kept.pk
    assert "Metallic" not in str(event.after) + event.reason


@pytest.mark.parametrize("status", ["fulfilled", "noshow", "cancelled", "booked"])
def test_a_fact_of_history_is_never_refused(actor, nurse, chair, status):
    row = book(actor, chair, MONDAY, protocol=make.make_rescue())
    if status == "fulfilled":
        attendance.complete(actor=actor, appointment=row, now=row.end)
    elif status == "noshow":
        attendance.no_show(actor=actor, appointment=row, now=row.end)
    elif status == "cancelled":
        booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)
    assert react(nurse, row, now=row.end + timedelta(days=2)).observation_minutes == 0
    assert lengths(row) == (30, 0)


def test_tapped_twice_or_by_two_nurses_it_is_one(center, nurse, row):
    first = react(nurse, row)
    assert react(make.make_actor(center, NURSE), row, now=LATER + timedelta(seconds=20)) == first
    assert lengths(row) == (90, 0)
    assert Event.objects.filter(verb="reaction").count() == 1


def test_undone_it_is_gone_and_the_chair_is_free_again(actor, nurse, row):
    react(nurse, row)
    undo(actor=nurse, appointment=row, now=LATER)
    assert lengths(row) == (30, 0)
    assert not Reaction.objects.exists()
    assert_kept()
    book(actor, row.chair, row.end + timedelta(minutes=40), now=LATER)


@pytest.mark.parametrize("role", [FRONT_DESK, MANAGER])
def test_only_nurses_record_it(center, row, role):
    with pytest.raises(Forbidden):
        react(make.make_actor(center, role), row)


@pytest.mark.parametrize("values", [{"kind": "fever"}, {"kind": "other", "note": "x" * 201}])
def test_what_it_is_has_to_be_known(nurse, row, values):
    with pytest.raises(Malformed):
        react(nurse, row, **values)


class TestOverruns:
    def test_what_runs_over_its_end_reaches_into_the_next_ones_time(self, actor, row):
        following = book(actor, row.chair, row.end + timedelta(minutes=40))
        row = Appointment.objects.select_related("visit").get(pk=row.pk)
        assert overruns.of([row], row.end) == []
        [found] = overruns.of([row], row.end + timedelta(minutes=12))
        assert (found.next, found.by) == (following, timedelta(minutes=12))

    def test_so_does_an_observation(self, actor, row):
        following = book(actor, row.chair, row.end + timedelta(minutes=40))
        attendance.set_phase(actor=actor, appointment=row, phase="observing", now=row.end)
        row = Appointment.objects.select_related("visit").get(pk=row.pk)
        assert overruns.of([row], row.end + timedelta(minutes=34)) == []
        [found] = overruns.of([row], row.end + timedelta(minutes=50))
        assert (found.next, found.by) == (following, timedelta(minutes=20))
