"""A whole mail in Spanish, to the patient or to the one who reads for her."""

from __future__ import annotations

import re

import pytest
from django.core import mail as outbox
from django.test import Client

from scheduler.models import Contact, Patient
from scheduler.services.sending import send_due
from tests.factories import NOW
from tests.support.clinic import Clinic

pytestmark = pytest.mark.django_db

ENGLISH = re.compile(r"\b(the|your|you|visit|call|where|hello|time|mail|questions|november|tuesday)\b", re.IGNORECASE)


@pytest.fixture
def clinic() -> Clinic:
    return Clinic(mail_name="Lakeside Center")


def without_names(text: str) -> str:
    return re.sub(r"<style>.*?</style>|<[^>]*>|https?://\S+|Lakeside Center|1 Lake Street", " ", text, flags=re.DOTALL)


def test_a_whole_mail_is_spanish(clinic):
    clinic.book(clinic.patient(language="es"))
    send_due(now=NOW)
    [sent] = outbox.outbox
    assert sent.subject == "Su visita del martes 24 de noviembre, 10:00\u00a0a.\u00a0m."
    html = sent.alternatives[0].content
    for part in ("Hola, Ana:", "martes 24 de noviembre de 2026", "hora de New York", "212 555 0100", "Confirmar"):
        assert part in sent.body
        assert part in html
    assert '<html lang="es">' in html
    assert ENGLISH.findall(without_names(sent.body)) == []
    assert ENGLISH.findall(without_names(html)) == []
    [calendar] = [part.get_payload(decode=True).decode() for part in sent.attachments]
    assert "SUMMARY:Visita: Lakeside Center" in calendar


def test_the_contact_s_language_goes_before_the_patient_s(clinic):
    patient = clinic.patient(language="en")
    Contact.objects.filter(patient=patient).update(language="es-MX")
    clinic.book(patient)
    send_due(now=NOW)
    assert outbox.outbox[0].subject.startswith("Su visita")


def test_a_language_nobody_here_speaks_is_english_to_the_last_word(clinic):
    clinic.book(clinic.patient(language="fr"))
    send_due(now=NOW)
    assert outbox.outbox[0].subject == "Your visit on Tuesday 24 November, 10:00 am"


def test_the_pages_behind_the_links_are_spanish_too(clinic, time_machine):
    time_machine.move_to(NOW)
    clinic.book(clinic.patient(language="es"))
    assert Patient.objects.get().language == "es"
    send_due(now=NOW)
    links = re.findall(r"https?://[^/\s]+(/v/\w+/)", outbox.outbox[0].body)
    assert len(links) == 4
    for link in links:
        page = Client().get(link)
        text = page.content.decode()
        assert page.status_code == 200
        assert '<html lang="es">' in text
        assert ENGLISH.findall(without_names(text)) == []
