"""How we reach her, on the patient's page: forms without a script, stop at once, and nothing told twice."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from scheduler.models import Contact, Event, LedgerEntry
from scheduler.queries import worklist
from scheduler.services import ledger, sending, stops, texting
from scheduler.services.contacts import contact_fingerprint
from tests import factories as make
from tests.support.clinic import entries
from tests.web.conftest import EARLY, NOW, Clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient(clinic: Clinic):
    return make.make_patient(clinic.center, email="ana@example.org", phone="212 555 0142")


@pytest.fixture
def contact(patient) -> Contact:
    return Contact.objects.get(patient=patient)


def page(clinic: Clinic, patient: Any, role: str = "front-desk") -> str:
    return " ".join(clinic.client(role).get(f"/patients/{patient.pk}/").content.decode().split())


def post(clinic: Clinic, contact: Contact, do: str = "save", **values: str) -> Any:
    facts = {"relation": "self", "email": contact.email, "phone": contact.phone, "channel": contact.channel}
    facts["as_read"] = contact_fingerprint(contact)
    path = f"/patients/{contact.patient_id}/contacts/{contact.pk}/"
    return clinic.client("front-desk").post(path, facts | {"do": do} | values)


def due(channel: str) -> int:
    return LedgerEntry.objects.filter(channel=channel, state="due").count()


def test_the_page_says_first_where_messages_go(clinic, patient, contact):
    assert "Messages go to ana@example.org." in page(clinic, patient)
    post(clinic, contact, channel="text")
    assert "Texts go to 212 555 0142." in page(clinic, patient)
    contact.refresh_from_db()
    post(clinic, contact, channel="call")
    assert "She is called on 212 555 0142" in page(clinic, patient)
    contact.delete()
    assert "There is no way to reach her." in page(clinic, patient)


def test_channel_language_and_address_are_saved_and_on_record(clinic, patient, contact):
    answer = post(clinic, contact, channel="text", language="es", email="new@example.org", name="Ana")
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"/patients/{patient.pk}/#contact-{contact.pk}")
    contact.refresh_from_db()
    assert (contact.channel, contact.language, contact.email) == ("text", "es", "new@example.org")
    event = Event.objects.get(verb="change-contact")
    assert event.after == {
        "contact": contact.pk,
        "fields": ["channel", "email", "language", "name"],
        "channel": "text",
    }
    assert "Español" in page(clinic, patient)


def test_stop_is_honoured_at_once_and_the_desk_has_a_call_list(clinic, patient, contact):
    clinic.book("2026-11-26T10:00-05:00", patient=patient)
    assert due("email") > 0
    post(clinic, contact, "stop")
    assert due("email") == 0
    calls = [item for item in worklist.items(center=clinic.center, now=NOW) if item.kind == "call"]
    assert any("212 555 0142" in item.detail for item in calls)
    shown = page(clinic, patient)
    assert re.search(r"Stopped on 24 Nov, by [\w -]+\. Somebody calls instead\.", shown)
    assert Event.objects.filter(verb="stop-messages", patient_id=patient.pk).count() == 1
    sending.send_due(now=NOW)
    assert LedgerEntry.objects.filter(state="sent").count() == 0


def test_starting_again_writes_what_is_to_come_and_nothing_twice(clinic, patient, contact):
    clinic.book("2026-12-10T10:00-05:00", patient=patient)
    sending.send_due(now=EARLY)
    before = sorted(entries(kind="reminder", state="due"))
    for _ in range(3):
        post(clinic, contact, "stop")
        assert due("email") == 0
        assert due("call") == 2
        post(clinic, contact, "start")
        assert sorted(entries(kind="reminder", state="due")) == before
    shown = page(clinic, patient)
    assert "Stopped on" not in shown
    for days in (3, 1):
        assert LedgerEntry.objects.filter(kind="reminder", offset_days=days, channel="email").count() == 1


def test_to_and_fro_between_channels_tells_each_thing_once(clinic, patient, contact):
    booked = clinic.book("2026-12-10T10:00-05:00", patient=patient)
    three_days_before = booked.start - timedelta(days=3)
    for number, channel in enumerate(["text", "email", "text", "email"]):
        contact.refresh_from_db()
        post(clinic, contact, channel=channel)
        assert {row[1] for row in entries(state="due")} == {channel}, number
    sending.send_due(now=three_days_before)
    contact.refresh_from_db()
    post(clinic, contact, channel="text")
    texting.send_due(now=three_days_before + timedelta(minutes=1))
    texting.send_due(now=booked.start - timedelta(days=1))
    sent = [(kind, days) for kind, _channel, days, state in entries() if state == "sent"]
    assert sorted(sent) == sorted(set(sent))
    assert ("reminder", 3) in sent
    assert ("reminder", 1) in sent


def test_a_reminder_that_was_mailed_is_not_texted_after_the_visit_is_planned_anew(clinic, patient, contact):
    booked = clinic.book("2026-12-10T10:00-05:00", patient=patient)
    LedgerEntry.objects.filter(kind="reminder", offset_days=3).update(state="sent", done_at=NOW)
    post(clinic, contact, channel="text")
    ledger.replan(clinic.center, now=NOW)
    rows = entries(kind="reminder", appointment=booked)
    assert [row for row in rows if row[2] == 3] == [("reminder", "email", 3, "sent")]
    assert ("reminder", "text", 1, "due") in rows


def test_an_address_that_came_back_says_so_and_a_corrected_one_is_used(clinic, patient, contact):
    Contact.objects.update(bounced_at=NOW - timedelta(days=2))
    assert "The address came back on 22 Nov: correct it, or call." in page(clinic, patient)
    contact.refresh_from_db()
    post(clinic, contact, email="right@example.org")
    contact.refresh_from_db()
    assert contact.bounced_at is None
    assert "Messages go to right@example.org." in page(clinic, patient)


def test_a_call_that_is_on_the_list_stays_there_when_she_starts_again(clinic, patient, contact):
    stops.stop(actor=clinic.actor, contact=contact, now=EARLY)
    clinic.book("2026-12-10T10:00-05:00", patient=patient)
    post(clinic, contact, "start")
    assert entries(kind="booked") == [("booked", "call", 0, "due")]
    assert {row[1] for row in entries(kind="reminder", state="due")} == {"email"}


def test_contacts_are_added_made_the_first_and_removed(clinic, patient, contact):
    client = clinic.client("front-desk")
    path = f"/patients/{patient.pk}/contacts/"
    mother = {"relation": "mother", "name": "Eva", "email": "eva@example.org", "channel": "email"}
    assert client.post(path, mother | {"may_be_mailed": "1"}).status_code == 302
    eva = Contact.objects.get(name="Eva")
    assert (eva.is_primary, eva.may_be_mailed) == (False, True)
    post(clinic, eva, "primary")
    assert [one.name for one in patient.contacts.filter(is_primary=True)] == ["Eva"]
    assert "Messages go to eva@example.org." in page(clinic, patient)
    eva.refresh_from_db()
    post(clinic, eva, "remove")
    assert [one.pk for one in patient.contacts.filter(is_primary=True)] == [contact.pk]
    assert list(Event.objects.filter(verb__contains="contact").order_by("pk").values_list("verb", flat=True)) == [
        "add-contact",
        "make-primary-contact",
        "remove-contact",
    ]


def test_who_did_not_agree_is_not_written_to(clinic, patient, contact):
    contact.delete()
    path = f"/patients/{patient.pk}/contacts/"
    clinic.client("front-desk").post(path, {"email": "eva@example.org", "phone": "212 555 0143", "channel": "email"})
    shown = page(clinic, patient)
    assert "Did not agree to be written to." in shown
    assert "She is called on 212 555 0143" in shown


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"email": "", "channel": "email"}, "There is no address to write to."),
        ({"phone": "", "channel": "call"}, "There is no number to call."),
        ({"phone": "12", "channel": "text"}, "Texts need the whole number of a mobile phone"),
        ({"email": "ana"}, "An e-mail address looks like name@example.org."),
        ({"name": "n" * 201}, "This is longer than 200 signs."),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field_and_what_was_typed_stays(clinic, patient, contact, values, says):
    answer = post(clinic, contact, **({"phone": "212 555 0777"} | values))
    text = answer.content.decode()
    assert answer.status_code == 400
    assert says in text
    assert "phone" in values or "212 555 0777" in text
    contact.refresh_from_db()
    assert contact.phone == "212 555 0142"


def test_a_form_that_somebody_else_overtook_says_so_and_keeps_what_was_typed(clinic, patient, contact):
    Contact.objects.update(phone="212 555 0900")
    answer = post(clinic, contact, email="typed@example.org")
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody changed this contact meanwhile" in text
    assert "212 555 0900" in text
    assert "typed@example.org" in text
    again = re.search(rf'contacts/{contact.pk}/".*?name="as_read" value="(\w+)"', text, re.DOTALL)
    assert again is not None
    assert post(clinic, contact, email="typed@example.org", as_read=again[1]).status_code == 302


def test_texts_are_no_choice_where_none_are_sent(clinic, patient, contact, settings):
    settings.SMS_BACKEND = ""
    assert '<option value="text"' not in page(clinic, patient)
    Contact.objects.update(channel="text")
    shown = page(clinic, patient)
    assert "No texts are sent here: she is called." in shown
    assert '<option value="text" selected>' in shown


def test_only_who_may_edit_patients_has_forms_and_only_for_her_own_contacts(clinic, stranger, patient, contact):
    theirs = make.make_patient(stranger.center)
    client = clinic.client("front-desk")
    own = f"/patients/{patient.pk}/contacts/"
    assert client.post(f"{own}{theirs.contacts.get().pk}/", {"do": "stop"}).status_code == 404
    assert client.post(f"/patients/{theirs.pk}/contacts/{contact.pk}/", {"do": "stop"}).status_code == 404
    assert client.post(f"{own}{contact.pk}/", {"do": "everything"}).status_code == 404
    assert client.get(f"{own}{contact.pk}/").status_code == 405
    assert clinic.client("auditor").post(f"{own}{contact.pk}/", {"do": "stop"}).status_code == 403
