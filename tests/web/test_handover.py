"""Handover: notes by day, who has read them, and those to read on top of the floor."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from scheduler.domain.permissions import FRONT_DESK, MANAGER, NURSE
from scheduler.models import Access, HandoverNote
from tests import factories as make
from tests.web.conftest import NOW, Clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara(clinic: Clinic) -> Client:
    return clinic.client(NURSE, first_name="Mara", last_name="Quist")


@pytest.fixture
def ines(clinic: Clinic) -> Client:
    return clinic.client(NURSE, first_name="Ines", last_name="Bell")


def page_of(client: Client, path: str = "/handover/day/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def leave(client: Client, text: str = "The pump beeps.", **values) -> HandoverNote:
    assert client.post("/handover/day/", {"text": text, **values}).status_code == 302
    return HandoverNote.objects.latest("pk")


def test_a_note_stands_under_its_day_with_who_wrote_it(mara):
    leave(mara)
    page = page_of(mara)
    assert "<h2>Tue 24 Nov</h2>" in page
    assert "The pump beeps." in page
    assert "Mara Quist, Today 10:42" in page


def test_one_tap_and_the_writer_sees_who_has_read_it_and_when(mara, ines):
    note = leave(mara)
    with time_machine.travel(NOW + timedelta(minutes=10), tick=False):
        answer = ines.post(f"/handover/notes/{note.pk}/read/")
        assert answer["Location"] == "/handover/day/"
        assert re.search(r"read by Ines Bell 10:52<", page_of(mara))


def test_who_wrote_it_need_not_read_it(mara, ines):
    note = leave(mara)
    tap = f'action="/handover/notes/{note.pk}/read/"'
    assert tap not in page_of(mara)
    assert tap in page_of(ines)


def test_notes_to_read_stand_on_top_of_the_floor_with_a_count(mara, ines):
    notes = [leave(mara, text) for text in ("One.", "Two.")]
    page = page_of(ines, "/floor/day/")
    assert "2 notes to read" in page
    assert page.index("One.") < page.index("Two.")
    answer = ines.post(f"/handover/notes/{notes[0].pk}/read/", {"next": "/floor/day/"})
    assert answer["Location"] == "/floor/day/"
    assert "1 note to read" in page_of(ines, "/floor/day/")
    assert "to read" not in page_of(mara, "/floor/day/")


def test_a_note_about_a_patient_is_for_nurses_alone(clinic, mara):
    patient = make.make_patient(clinic.center, last_name="Okafor")
    clinic.book("2026-11-24T11:30-05:00", patient=patient)
    assert "Okafor" in page_of(mara)  # in the list of whom it may be about
    note = leave(mara, "Vomited at ten.", patient=patient.pk)
    assert note.patient == patient
    manager = clinic.client(MANAGER)
    for path in ("/handover/day/", "/floor/day/"):
        page = page_of(manager, path)
        assert "Vomited" not in page
    assert manager.post(f"/handover/notes/{note.pk}/read/").status_code == 403
    assert manager.post("/handover/day/", {"text": "x", "patient": patient.pk}).status_code == 403


def test_the_front_desk_has_no_handover(clinic, mara):
    note = leave(mara)
    desk = clinic.client(FRONT_DESK)
    assert desk.get("/handover/day/").status_code == 403
    assert desk.post(f"/handover/notes/{note.pk}/read/").status_code == 403
    floor = page_of(desk, "/floor/day/")
    assert "The pump beeps." not in floor
    assert "/handover/" not in floor


def test_an_empty_note_says_what_is_missing_and_keeps_the_rest(mara):
    answer = mara.post("/handover/day/", {"text": "  "})
    assert answer.status_code == 400
    assert "A note has 1 to 500 signs." in answer.content.decode()


@pytest.mark.parametrize("patient", ["x", "999999", "9" * 30])
def test_about_nobody_we_know(mara, patient):
    assert mara.post("/handover/day/", {"text": "x", "patient": patient}).status_code == 404


def test_without_notes_it_says_what_would_stand_there(mara):
    assert "What is left for the next shift stands here for two weeks." in page_of(mara)


def test_looking_is_on_record(mara):
    page_of(mara)
    assert Access.objects.filter(what="handover").count() == 1


def test_an_address_of_another_site_is_not_gone_to(mara, ines):
    note = leave(mara)
    answer = ines.post(f"/handover/notes/{note.pk}/read/", {"next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_what_was_noted_is_printed_with_the_day_sheet(clinic, mara, ines):
    leave(mara)
    assert "The pump beeps." in page_of(ines, "/sheet/day/2026-11-24/")
    assert "The pump beeps." not in page_of(ines, "/sheet/day/2026-11-25/")
    assert "The pump beeps." not in page_of(clinic.client(FRONT_DESK), "/sheet/day/2026-11-24/")
