"""Two patients who are one: everything moves, nothing that can't be is forced, and doses of both count afterwards."""

from __future__ import annotations

import pytest

from scheduler.domain.errors import Forbidden, Malformed, Refused
from scheduler.models import (
    Appointment,
    Contact,
    Dose,
    Event,
    HandoverNote,
    LedgerEntry,
    Occupancy,
    Patient,
    Registration,
)
from scheduler.queries import integrity, people
from scheduler.queries.course_request import CourseRequest
from scheduler.services import attendance, booking, courses, erasure, merging
from tests import factories as make
from tests.factories import NOW, utc


class World:
    def __init__(self) -> None:
        self.center = make.make_center()
        self.unit = make.make_day_suite(self.center)
        self.chairs = [make.make_chair(self.unit) for _ in range(3)]
        self.quarterly = make.make_quarterly()
        self.actor = make.make_actor(self.center)
        self.kept = make.make_patient(
            self.center, mrn="K", last_name="Rivera", search_text="rivera ana", email="k@example.org"
        )
        self.gone = make.make_patient(
            self.center, mrn="G-12", last_name="Rivéra", search_text="rivera ana", phone="212 555 0777"
        )

    def book(self, patient: Patient, when: str, **values) -> Appointment:
        values.setdefault("minutes", 30)
        return booking.book(
            actor=self.actor,
            chair=self.chairs[values.pop("chair", 0)],
            start=utc(when),
            patient=patient,
            now=NOW,
            **values,
        )

    def merge(self, **values) -> Patient:
        return merging.merge(
            **{"actor": self.actor, "center": self.center, "kept": self.kept, "gone": self.gone, "now": NOW, **values}
        )


@pytest.fixture
def world(db: None) -> World:
    return World()


def test_all_that_was_hers_is_the_other_ones(world):
    row = world.book(world.gone, "2026-11-24T10:00-05:00")
    request = CourseRequest(
        patient=world.gone, protocol=world.quarterly, unit=world.unit, start=utc("2026-12-01T10:00-05:00"), doses=2
    )
    course = courses.create(actor=world.actor, center=world.center, request=request, now=NOW)
    dose = attendance.record_dose_elsewhere(
        actor=world.actor, center=world.center, patient=world.gone, substance="x", mg=1, given_at=NOW, now=NOW
    )
    note = HandoverNote.objects.create(
        unit=world.unit, date=NOW.date(), patient=world.gone, text="x", author=make.make_user(world.center), at=NOW
    )
    messages = LedgerEntry.objects.filter(patient=world.gone).count()
    seen = merging.preview(center=world.center, kept=world.kept, gone=world.gone, now=NOW)
    assert (seen.refusals, seen.moved["courses"], seen.moved["appointments"], seen.moved["messages"]) == (
        [],
        1,
        1,
        messages,
    )
    world.merge()
    for thing in (row, course, dose, note):
        thing.refresh_from_db()
        assert thing.patient == world.kept
    assert Occupancy.objects.get(appointment=row).patient == world.kept
    assert LedgerEntry.objects.filter(patient=world.kept).count() >= messages
    assert [contact.is_primary for contact in Contact.objects.filter(patient=world.kept)] == [True, False]
    assert not integrity.check(now=NOW)


def test_who_was_merged_leads_to_who_was_kept(world):
    world.merge()
    assert people.led_to(center=world.center, pk=world.gone.pk) == world.kept.pk
    assert people.led_to(center=world.center, pk=world.kept.pk) is None
    assert [each.pk for each in people.search(center=world.center, query="rivera")] == [world.kept.pk]
    assert [each.pk for each in people.search(center=world.center, query="g-12")] == [world.kept.pk]
    assert Registration.objects.get(mrn="G-12").patient == world.gone  # nobody else gets her number


def test_it_is_on_record_for_both_and_the_earlier_record_stays(world):
    world.book(world.gone, "2026-11-24T10:00-05:00")
    before = Event.objects.filter(patient_id=world.gone.pk).count()
    messages = LedgerEntry.objects.filter(patient=world.gone).count()
    world.merge()
    assert Event.objects.get(verb="merge").after == {
        "from": world.gone.pk, "appointments": 1, "contacts": 1, "messages": messages,
    }  # fmt: skip
    assert Event.objects.filter(patient_id=world.gone.pk).count() == before + 1


def test_two_visits_at_one_time_are_said(world):
    world.book(world.kept, "2026-11-24T10:00-05:00")
    world.book(world.gone, "2026-11-24T10:15-05:00", chair=1)
    with pytest.raises(Refused) as no:
        world.merge()
    assert no.value.refusals[0].say() == (
        "Both have a visit at one time: Tue 24 Nov 2026, 10:00 and Tue 24 Nov 2026, 10:15. Cancel one of them first."
    )
    assert Patient.objects.get(pk=world.gone.pk).merged_into is None


def test_two_courses_on_one_protocol_are_said(world):
    for patient in (world.kept, world.gone):
        request = CourseRequest(
            patient=patient, protocol=world.quarterly, unit=world.unit, start=utc("2026-12-01T10:00-05:00"), doses=2
        )
        courses.create(actor=world.actor, center=world.center, request=request, now=NOW)
    with pytest.raises(Refused) as no:
        world.merge()
    assert "Eptinezumab, every 3 months" in no.value.refusals[0].say()


def test_visits_that_would_come_too_near_are_said_and_nothing_moves(world):
    world.book(world.kept, "2026-11-24T10:00-05:00", protocol=world.quarterly, minutes=None)
    theirs = world.book(world.gone, "2026-12-08T10:00-05:00", protocol=world.quarterly, minutes=None)
    with pytest.raises(Refused) as no:
        world.merge()
    assert "too near" in no.value.refusals[0].say()
    theirs.refresh_from_db()
    assert theirs.patient == world.gone


def test_doses_of_both_count_for_the_rules_afterwards(world):
    attendance.record_dose_elsewhere(
        actor=world.actor, center=world.center, patient=world.gone, substance="eptinezumab", mg=100,
        given_at=utc("2026-11-01T10:00-05:00"), now=NOW,
    )  # fmt: skip
    world.merge()
    assert Dose.objects.get().patient == world.kept
    with pytest.raises(Refused) as no:
        world.book(world.kept, "2026-11-24T10:00-05:00", protocol=world.quarterly, minutes=None)
    assert [refusal.code for refusal in no.value.refusals] == ["interval_is_kept"]


def test_allergies_of_both_are_kept_and_a_stop_holds(world):
    Patient.objects.filter(pk=world.kept.pk).update(allergies="latex")
    Patient.objects.filter(pk=world.gone.pk).update(allergies="penicillin", needs="dim light")
    Contact.objects.filter(patient=world.gone).update(email="K@example.org", stopped_at=NOW, may_be_mailed=False)
    kept = world.merge()
    assert (kept.allergies, kept.needs) == ("latex; penicillin", "dim light")
    assert all(contact.stopped_at == NOW for contact in kept.contacts.filter(email__iexact="k@example.org"))


def test_who_another_center_knows_is_the_one_to_keep(world):
    Registration.objects.create(center=make.make_center(), patient=world.gone, mrn="X")
    with pytest.raises(Refused):
        world.merge()
    world.merge(kept=world.gone, gone=world.kept)


@pytest.mark.parametrize("role", ["front-desk", "nurse", "auditor", "integration"])
def test_only_managers_merge(world, role):
    with pytest.raises(Forbidden):
        world.merge(actor=make.make_actor(world.center, role))


def test_nobody_is_merged_with_herself_or_twice(world):
    with pytest.raises(Malformed):
        world.merge(gone=world.kept)
    world.merge()
    with pytest.raises(Refused):
        world.merge()


def test_who_is_erased_is_erased_in_both_entries(world):
    world.merge()
    erasure.erase(actor=world.actor, center=world.center, patient=world.kept, reason="asked", now=NOW)
    assert {patient.first_name for patient in Patient.objects.all()} == {""}
    assert not Registration.objects.filter(mrn__in=["K", "G-12"]).exists()
