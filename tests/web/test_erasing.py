"""A patient who asked is gone from every table; the record is as it was sealed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.db.models import CharField, DateField, JSONField, Model, TextField

from scheduler.domain.errors import Forbidden, Malformed, Refused
from scheduler.domain.permissions import MANAGER
from scheduler.models import Appointment, Event, LedgerEntry, Patient, PrescriberDecision, WorklistMark
from scheduler.queries import integrity, people
from scheduler.services import booking, erasure, patients, seal, waitlist
from scheduler.services.patients import ContactFacts
from tests import factories as make
from tests.web.conftest import NOW, Clinic
from tests.web.signing import PASSWORD, later, person, sign_in

MARKS = (
    "Zarathustra",
    "zarathustra",
    "mrn-774411",
    "1971-07-13",
    "zora@example.org",
    "555 0142",
    "latex-mark",
    "Ill-mark",
)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    made = patients.create_patient(
        actor=clinic.actor, center=clinic.center, first_name="Zora", last_name="Zarathustra",
        birth_date=date(1971, 7, 13), mrn="mrn-774411", allergies="latex-mark",
        contacts=[ContactFacts(email="zora@example.org", phone="555 0142")], now=NOW,
    )  # fmt: skip
    return people.patient(center=clinic.center, pk=made.pk)


@pytest.fixture
def past(clinic: Clinic, patient: Patient):
    """She had a visit that was cancelled, and waited for another."""
    row = clinic.book("2026-11-25T10:00-05:00", patient=patient)
    waitlist.add(actor=clinic.actor, appointment=row, now=NOW)
    return booking.cancel(actor=clinic.actor, appointment=row, reason="Ill-mark", now=NOW)


def erase(clinic: Clinic, patient: Patient, **values) -> None:
    actor = make.make_actor(clinic.center, values.pop("role", MANAGER))
    erasure.erase(actor=actor, center=clinic.center, patient=patient, **{"reason": "She asked.", "now": NOW} | values)


def everything() -> str:
    """All text of all tables but the record's reasons, which are the staff's words."""
    said = []
    for model in apps.get_app_config("scheduler").get_models():
        fields = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, (CharField, TextField, DateField, JSONField))
        ]
        if fields:
            said += [str(_without_reasons(model, row)) for row in model._default_manager.values(*fields)]
    return "\n".join(said)


def _without_reasons(model: type[Model], row: dict[str, Any]) -> dict[str, Any]:
    if model is not Event:
        return row
    row.pop("reason")
    for side in ("before", "after"):
        row[side].pop("reason", None)
    return row


def test_nothing_of_her_is_left_and_the_record_is_whole(clinic: Clinic, patient: Patient, past):
    seal.seal_new(now=NOW)
    head = seal.head()
    assert all(mark in everything() for mark in ("Zarathustra", "mrn-774411", "555 0142", "latex-mark", "Ill-mark"))
    erase(clinic, patient)
    left = everything().replace("datetime.date(1971, 7, 13)", "1971-07-13")
    assert [mark for mark in MARKS if mark in left] == []
    assert seal.verify(head) == []
    assert people.search(center=clinic.center, query="Zarathustra") == []
    assert people.patient(center=clinic.center, pk=patient.pk).full_name == f"Erased {patient.pk}"
    event = Event.objects.get(verb="erase")
    assert (event.patient_id, event.reason, event.before, event.after) == (patient.pk, "She asked.", {}, {})
    assert integrity.check(now=NOW) == []


def test_who_is_still_expected_is_not_erased(clinic: Clinic, patient: Patient):
    clinic.book("2026-11-25T10:00-05:00", patient=patient)
    with pytest.raises(Refused) as refused:
        erase(clinic, patient)
    assert "visit to come" in refused.value.refusals[0].detail
    assert Patient.objects.get(pk=patient.pk).last_name == "Zarathustra"


def test_who_is_known_elsewhere_is_not_erased_here(clinic: Clinic, patient: Patient):
    make.make_center().registrations.create(patient=patient, mrn="x")
    with pytest.raises(Refused) as refused:
        erase(clinic, patient)
    assert "Another center" in refused.value.refusals[0].detail


def test_reasons_for_overrides_decisions_and_putting_off_are_gone_too(clinic: Clinic, patient: Patient, past):
    other = clinic.book("2026-11-26T10:00-05:00", patient=make.make_patient(clinic.center))
    Appointment.objects.filter(pk=past.pk).update(override={"codes": ["x"], "reason": "Mark-1", "by": "user:1"})
    PrescriberDecision.objects.create(
        appointment=past, code="fever", decision="go-on", prescriber="Mark-2", order_reference="Mark-3",
        decided_at=NOW, actor="user:1", at=NOW,
    )  # fmt: skip
    hers = [f"late:{past.pk}", *(f"call:{entry.pk}" for entry in LedgerEntry.objects.filter(patient=patient))]
    others = [f"late:{other.pk}", f"overload:{clinic.day.pk}:2026-11-25"]
    for item in hers + others:
        WorklistMark.objects.create(center=clinic.center, item=item, snoozed_until=NOW, reason="Mark-4")
    erase(clinic, patient)
    assert [mark for mark in ("Mark-1", "Mark-2", "Mark-3") if mark in everything()] == []
    assert sorted(WorklistMark.objects.values_list("item", flat=True)) == others


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
def test_it_needs_a_reason(clinic: Clinic, patient: Patient, reason: str):
    with pytest.raises(Malformed):
        erase(clinic, patient, reason=reason)


@pytest.mark.parametrize("role", ["front-desk", "nurse", "auditor", "integration"])
def test_only_managers_erase(clinic: Clinic, patient: Patient, role: str):
    with pytest.raises(Forbidden):
        erase(clinic, patient, role=role)


class TestPage:
    def test_a_manager_erases_after_reading_what_it_means(self, clinic: Clinic, patient: Patient):
        manager = sign_in(person(clinic.center, MANAGER))
        at = f"/patients/{patient.pk}/erase/"
        assert at in manager.get(f"/patients/{patient.pk}/").content.decode()
        assert "Nobody can undo this." in manager.get(at).content.decode()
        assert manager.post(at, {"reason": " "}).status_code == 400
        assert manager.post(at, {"reason": "She asked."}, follow=True).status_code == 200
        assert Patient.objects.get(pk=patient.pk).last_name == f"Erased {patient.pk}"

    def test_what_hinders_it_is_said(self, clinic: Clinic, patient: Patient):
        clinic.book("2026-11-25T10:00-05:00", patient=patient)
        manager = sign_in(person(clinic.center, MANAGER))
        answer = manager.post(f"/patients/{patient.pk}/erase/", {"reason": "She asked."})
        assert answer.status_code == 409
        assert "Cancel it first" in answer.content.decode()

    def test_after_ten_minutes_she_proves_again_who_she_is(self, clinic: Clinic, patient: Patient):
        manager = sign_in(person(clinic.center, MANAGER))
        with later(minutes=11):
            asked = manager.post(f"/patients/{patient.pk}/erase/", {"reason": "She asked."})
            assert 'name="password"' in asked.content.decode()
            assert Patient.objects.get(pk=patient.pk).last_name == "Zarathustra"
            manager.post("/sign-in/again/", {"password": PASSWORD, "kept": asked.context["kept"]})
