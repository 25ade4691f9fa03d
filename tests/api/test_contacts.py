"""How to reach a patient, by the API: her channel, her language, and that she stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scheduler.models import Contact, Event, LedgerEntry
from scheduler.services import stops
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

ANA = {"email": "ana@example.org", "phone": "212 555 0142"}


@pytest.fixture
def patient(center):
    patient = make.make_patient(center, **ANA)
    return patient


def patch(client: Any, patient: Any, *contacts: dict[str, Any]) -> Any:
    return client.patch(f"/patients/{patient.pk}/", {"contacts": list(contacts)})


def test_channel_and_language_are_written_and_read_back(desk, patient):
    answer = patch(desk, patient, ANA | {"channel": "text", "language": "es"})
    assert answer.status_code == 200, answer.json()
    [contact] = answer.json()["contacts"]
    assert (contact["channel"], contact["language"], contact["is_primary"]) == ("text", "es", True)
    assert desk.get(f"/patients/{patient.pk}/").json()["contacts"] == [contact]


def test_a_contact_that_is_named_again_stays_itself(desk, patient):
    before = Contact.objects.get()
    patch(desk, patient, {"id": before.pk, "email": "new@example.org"}, {"phone": "212 555 0143"})
    first, second = Contact.objects.all()
    assert (first.pk, first.email, second.phone) == (before.pk, "new@example.org", "212 555 0143")
    assert patch(desk, patient, ANA | {"id": second.pk + 1}).json()["field"].endswith("id")


def test_stop_is_honoured_and_no_later_sync_undoes_it(desk, patient, day_suite):
    place = {"patient": patient.pk, "chair": day_suite.chairs.first().pk, "minutes": 30}
    desk.post("/appointments/", place | {"start": "2026-12-01T10:00-05:00"})
    [contact] = patch(desk, patient, ANA | {"stopped": True}).json()["contacts"]
    assert (contact["may_be_mailed"], contact["stopped_at"]) == (False, "2026-11-16T10:00-05:00")
    assert set(LedgerEntry.objects.filter(state="due").values_list("channel", flat=True)) == {"call"}
    patch(desk, patient, ANA | {"may_be_mailed": True})
    assert Contact.objects.get().stopped_at is not None
    [contact] = patch(desk, patient, ANA | {"stopped": False}).json()["contacts"]
    assert (contact["may_be_mailed"], contact["stopped_at"]) == (True, None)
    said = Event.objects.filter(verb__endswith="-messages").order_by("pk").values_list("verb", flat=True)
    assert list(said) == ["stop-messages", "start-messages"]


def test_what_she_stopped_herself_stays_stopped_when_her_contacts_are_sent_anew(desk, patient):
    stops.stop(actor=make.make_actor(patient.registrations.get().center), contact=Contact.objects.get(), now=NOW)
    assert patch(desk, patient, ANA).status_code == 200
    assert not Contact.objects.get().may_be_mailed


def test_an_address_that_came_back_is_shown_and_a_new_one_is_tried(desk, patient):
    Contact.objects.update(bounced_at=NOW - timedelta(days=1))
    [contact] = patch(desk, patient, ANA | {"may_be_mailed": True}).json()["contacts"]
    assert contact["bounced_at"] == "2026-11-15T10:00-05:00"
    [contact] = patch(desk, patient, ANA | {"email": "right@example.org"}).json()["contacts"]
    assert contact["bounced_at"] is None


@pytest.mark.parametrize("contact", [{"channel": "text", "phone": "12"}, {"channel": "text"}])
def test_texts_need_a_number(desk, patient, contact):
    answer = patch(desk, patient, contact)
    assert (answer.status_code, answer.json()["field"]) == (400, "phone")


def test_where_no_texts_are_sent_nobody_can_choose_them(desk, patient, settings):
    settings.SMS_BACKEND = ""
    assert patch(desk, patient, ANA | {"channel": "text"}).json()["field"] == "channel"
    assert patch(desk, patient, ANA | {"channel": "pigeon"}).status_code == 400
