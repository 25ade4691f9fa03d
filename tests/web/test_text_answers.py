"""The one link of a text: confirm, another time, cancel, stop and the language on one page, each by its own button."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client

from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Contact, Event, LedgerEntry, Link
from scheduler.services import booking, texting
from scheduler.web import answers
from tests.factories import NOW
from tests.support.clinic import Clinic, entries
from tests.support.threads import together

ADDRESS = re.compile(r"https?://[^/\s]+(/v/[a-z]+/)")


@pytest.fixture(autouse=True)
def clock():
    answers.meter.forget()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MAIL_DIR = tmp_path / "mail"
    return settings.MAIL_DIR


def texted(folder: Path, **center: Any) -> tuple[Appointment, str]:
    """A booking, and the address in its text."""
    clinic = Clinic(mail_name="Lakeside Center", **center)
    patient = clinic.patient(phone="212 555 0142")
    Contact.objects.update(channel="text")
    appointment = clinic.book(patient)
    texting.send_due(now=NOW)
    return appointment, address(folder)


def address(folder: Path) -> str:
    newest = max(folder.glob("*.json"))
    [path] = ADDRESS.findall(json.loads(newest.read_text())["text"])
    return path


def text_of(client: Client, path: str) -> str:
    return client.get(path).content.decode()


@pytest.mark.django_db
class TestOneLink:
    def test_opening_it_changes_nothing_and_neither_does_a_post_without_a_button(self, client, folder):
        appointment, path = texted(folder)
        before = list(Event.objects.values()), list(Link.objects.values())
        client.get(path)
        client.head(path)
        client.post(path)
        client.post(path, {"do": "everything"})
        assert (list(Event.objects.values()), list(Link.objects.values())) == before
        appointment.refresh_from_db()
        assert appointment.confirmed_at is None

    def test_she_confirms_and_can_still_cancel_later(self, client, folder):
        appointment, path = texted(folder)
        assert "Ana, can you come?" in text_of(client, path)
        assert client.post(path, {"do": "confirm"}).status_code == 302
        appointment.refresh_from_db()
        assert appointment.confirmed_at == NOW
        page = text_of(client, path)
        assert "We expect you" in page
        assert 'value="confirm"' not in page
        client.post(path, {"do": "cancel"})
        appointment.refresh_from_db()
        assert appointment.status == "cancelled"
        assert "Your visit is cancelled" in text_of(client, path)
        client.post(path, {"do": "confirm"})
        appointment.refresh_from_db()
        assert appointment.status == "cancelled"

    def test_she_asks_for_a_call_about_another_time(self, client, folder):
        _appointment, path = texted(folder)
        client.post(path, {"do": "another-time"})
        assert ("call-back", "call", 0, "due") in entries()
        assert "We will call you" in text_of(client, path)

    def test_she_takes_another_time_where_the_center_lets_her(self, client, folder):
        appointment, path = texted(folder, patients_choose_times=True)
        value = re.findall(r'name="place" value="([^"]+)"', text_of(client, path))[0]
        client.post(path, {"place": value})
        before = appointment.start
        appointment.refresh_from_db()
        assert appointment.start != before
        assert "Your visit has a new time" in text_of(client, path)

    def test_stop_is_honoured_at_once_and_her_visit_stays(self, client, folder):
        appointment, path = texted(folder)
        client.post(path, {"do": "stop"})
        contact = Contact.objects.get()
        assert (contact.may_be_mailed, contact.stopped_at) == (False, NOW)
        assert {channel for _kind, channel, _days, state in entries() if state == "due"} == {"call"}
        page = text_of(client, path)
        assert "You get no more texts" in page
        assert 'value="stop"' not in page
        appointment.refresh_from_db()
        assert appointment.status == "booked"
        assert Event.objects.get(verb="stop-messages").actor.startswith("link:")

    def test_she_chooses_her_language_and_reads_it_at_once(self, client, folder):
        _appointment, path = texted(folder)
        assert "Escríbanme en español" in text_of(client, path)
        client.post(path, {"language": "es"})
        assert Contact.objects.get().language == "es"
        page = text_of(client, path)
        assert "puede venir" in page
        assert "Write to me in English" in page
        client.post(path, {"language": "xx"})
        assert Contact.objects.get().language == "es"

    def test_moved_away_it_says_so_and_does_nothing(self, client, folder):
        appointment, path = texted(folder)
        Appointment.objects.filter(pk=appointment.pk).update(
            start=appointment.start.replace(hour=20), end=appointment.end.replace(hour=20)
        )
        client.post(path, {"do": "cancel"})
        appointment.refresh_from_db()
        assert appointment.status == "booked"
        assert "What your text said is no longer so" in text_of(client, path)

    def test_the_link_of_what_is_off_stops_texts(self, client, folder, clock):
        appointment, _path = texted(folder)
        booking.cancel(actor=Actor.job("test"), appointment=appointment, reason="Ill", now=NOW)
        clock.shift(1)  # the newer text is the one with the later name
        texting.send_due(now=NOW)
        path = address(folder)
        assert "Stop these texts?" in text_of(client, path)
        client.post(path, {"do": "stop"})
        assert "You get no more texts" in text_of(client, path)
        assert Contact.objects.get().stopped_at is not None


def test_twenty_taps_at_once_confirm_once(committed_db, folder):
    appointment, path = texted(folder)
    together([lambda: Client().post(path, {"do": "confirm"})] * 20)
    appointment.refresh_from_db()
    assert appointment.confirmed_at == NOW
    assert Event.objects.filter(verb="confirm").count() == 1
    assert LedgerEntry.objects.filter(kind="booked").count() == 1
