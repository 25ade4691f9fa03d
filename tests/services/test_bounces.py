"""An address that bounces stops being used, and the patient is called."""

from __future__ import annotations

import smtplib

import pytest
from django.test import Client

from scheduler.models import Contact, Event
from scheduler.services import bounces
from scheduler.services.sending import send_due
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, entries

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(smtp_server, settings):
    for name, value in smtp_server.settings.items():
        setattr(settings, name, value)
    return smtp_server


@pytest.mark.parametrize(
    ("answer", "bounced"),
    [
        ((550, b"no such mailbox"), True),
        ((550, b"5.1.1 user unknown"), True),
        ((553, b"5.1.3 bad name"), True),
        ((550, b"5.7.1 not from your network"), False),
        ((550, b"5.2.2 mailbox full"), False),
        ((554, b"5.7.1 relaying denied"), False),
        ((451, b"later"), False),
    ],
)
def test_only_a_word_about_the_address_itself_is_a_bounce(answer, bounced):
    assert bounces.is_bounce(smtplib.SMTPRecipientsRefused({"a@example.org": answer})) is bounced


def test_a_refusal_of_the_message_says_nothing_about_the_address():
    assert not bounces.is_bounce(smtplib.SMTPDataError(550, b"spam"))


def test_after_a_bounce_the_address_is_not_tried_again_and_each_message_is_a_call(server):
    clinic = Clinic()
    server.refused.add("gone@example.org")
    patient = clinic.patient("gone@example.org")
    clinic.book(patient)
    assert send_due(now=NOW) == {"failed": 1}
    assert Contact.objects.get(patient=patient).bounced_at is not None
    assert Event.objects.filter(verb="address-bounced").count() == 1
    server.refused.clear()
    assert send_due(now=utc("2026-11-23T10:00-05:00")) == {"missed": 1, "superseded": 1}
    assert server.messages == []
    assert ("reminder", "call", 1, "due") in entries()


def test_another_contact_of_hers_is_written_to_instead(server):
    clinic = Clinic()
    server.refused.add("gone@example.org")
    patient = clinic.patient("gone@example.org")
    Contact.objects.create(patient=patient, relation="mother", email="mother@example.org")
    clinic.book(patient)
    send_due(now=NOW)
    send_due(now=utc("2026-11-23T10:00-05:00"))
    assert [message["To"] for message in server.messages] == ["mother@example.org"]


def test_one_click_of_a_mail_program_stops_mails_and_opening_the_address_does_not(server):
    clinic = Clinic()
    clinic.book()
    send_due(now=NOW)
    [message] = server.messages
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = "/v/" + message["List-Unsubscribe"].strip("<>").rpartition("/v/")[2]
    Client().get(path)
    assert Contact.objects.get().may_be_mailed
    answer = Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not Contact.objects.get().may_be_mailed
    send_due(now=utc("2026-11-23T10:00-05:00"))
    assert len(server.messages) == 1
