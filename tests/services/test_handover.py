"""Notes for the next shift, and who has read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Forbidden, Malformed, NotFound
from scheduler.domain.permissions import FRONT_DESK, MANAGER, NURSE, Actor
from scheduler.models import Event, HandoverNote, HandoverRead, UnitDay
from scheduler.queries import handover as query
from scheduler.services import erasure, handover
from tests import factories as make
from tests.factories import NOW


def person(center, role: str = NURSE) -> Actor:
    """Somebody with an account: a note stands under a name."""
    return Actor(who=f"user:{make.make_user(center, role).pk}", role=role, center_id=center.pk)


@pytest.fixture
def mara(center):
    return person(center)


@pytest.fixture
def ines(center):
    return person(center)


def user_of(actor) -> int:
    return int(actor.who.partition(":")[2])


def open_for(actor, unit, now=NOW) -> list[str]:
    found = query.open_notes(unit=unit, reader=user_of(actor), clinical=actor.may("view-clinical"), now=now)
    return [note.text for note in found]


def test_a_note_is_open_for_the_others_until_each_has_read_it(mara, ines, day_suite, center):
    third = person(center)
    note = handover.write(actor=mara, unit=day_suite, text=" The pump of chair 2 beeps. ", now=NOW)
    assert [open_for(each, day_suite) for each in (mara, ines, third)] == [
        [], ["The pump of chair 2 beeps."], ["The pump of chair 2 beeps."],
    ]  # fmt: skip
    handover.read(actor=ines, note=note, now=NOW)
    assert [open_for(each, day_suite) for each in (ines, third)] == [[], ["The pump of chair 2 beeps."]]


def test_read_twice_the_first_time_counts(mara, ines, day_suite):
    note = handover.write(actor=mara, unit=day_suite, text="Quiet.", now=NOW)
    for minutes in (2, 9):
        handover.read(actor=ines, note=note, now=NOW + timedelta(minutes=minutes))
    assert HandoverRead.objects.get().at == NOW + timedelta(minutes=2)
    assert Event.objects.filter(verb="read-handover").count() == 1


def test_after_two_nights_it_is_found_on_its_page_only(mara, ines, day_suite):
    handover.write(actor=mara, unit=day_suite, text="Quiet.", now=NOW)
    later = NOW + timedelta(hours=49)
    assert open_for(ines, day_suite, later) == []
    assert len(query.notes(unit=day_suite, clinical=True, now=later)) == 1


def test_writing_and_reading_are_on_record_without_the_words_and_live(mara, ines, day_suite, patient):
    note = handover.write(actor=mara, unit=day_suite, patient=patient, text="Vomited at ten.", now=NOW)
    before = UnitDay.objects.get(unit=day_suite).version
    handover.read(actor=ines, note=note, now=NOW)
    events = Event.objects.filter(verb__in=["hand-over", "read-handover"]).order_by("pk")
    assert [(row.actor, row.patient_id) for row in events] == [(mara.who, patient.pk), (ines.who, patient.pk)]
    assert "Vomited" not in str([(row.before, row.after, row.reason) for row in events])
    assert UnitDay.objects.get(unit=day_suite).version == before + 1


def test_a_note_about_a_patient_is_for_nurses_only(center, mara, day_suite, patient):
    manager = person(center, MANAGER)
    note = handover.write(actor=mara, unit=day_suite, patient=patient, text="Vomited at ten.", now=NOW)
    assert open_for(manager, day_suite) == []
    assert query.notes(unit=day_suite, clinical=False, now=NOW) == []
    with pytest.raises(Forbidden):
        handover.read(actor=manager, note=note, now=NOW)
    with pytest.raises(Forbidden):
        handover.write(actor=manager, unit=day_suite, patient=patient, text="x", now=NOW)


def test_the_front_desk_hands_nothing_over(center, mara, day_suite):
    desk = person(center, FRONT_DESK)
    note = handover.write(actor=mara, unit=day_suite, text="Quiet.", now=NOW)
    with pytest.raises(Forbidden):
        handover.write(actor=desk, unit=day_suite, text="x", now=NOW)
    with pytest.raises(Forbidden):
        handover.read(actor=desk, note=note, now=NOW)


@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_a_note_says_something_and_is_no_novel(mara, day_suite, text):
    with pytest.raises(Malformed):
        handover.write(actor=mara, unit=day_suite, text=text, now=NOW)


def test_another_centers_patient_is_none_of_ours(mara, day_suite):
    stranger = make.make_patient(make.make_center())
    with pytest.raises(NotFound):
        handover.write(actor=mara, unit=day_suite, patient=stranger, text="x", now=NOW)


def test_erasing_the_patient_erases_what_was_noted_about_her(center, actor, mara, ines, day_suite, patient):
    note = handover.write(actor=mara, unit=day_suite, patient=patient, text="Vomited at ten.", now=NOW)
    handover.read(actor=ines, note=note, now=NOW)
    kept = handover.write(actor=mara, unit=day_suite, text="Quiet.", now=NOW)
    erasure.erase(actor=actor, center=center, patient=patient, reason="She asked.", now=NOW)
    assert list(HandoverNote.objects.all()) == [kept]
