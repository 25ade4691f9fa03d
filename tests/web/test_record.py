"""The page of the record: for managers and auditors, of their own center."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scheduler.domain.permissions import AUDITOR, MANAGER
from scheduler.models import Access, Event
from tests import factories as make
from tests.web.conftest import NOW, Clinic
from tests.web.signing import person, sign_in


@pytest.fixture
def auditor(clinic: Clinic) -> Client:
    return sign_in(person(clinic.center, AUDITOR))


def text(client: Client, query: str = "") -> str:
    answer = client.get(f"/record/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def event(clinic: Clinic, **values) -> Event:
    return Event.objects.create(
        **{
            "at": NOW,
            "actor": "user:1",
            "verb": "book",
            "subject": "appointment",
            "subject_id": 5,
            "center_id": clinic.center.pk,
        }
        | values
    )


def test_an_auditor_is_led_to_it(auditor: Client):
    assert auditor.get("/")["Location"] == "/record/"


def test_a_change_says_who_when_what_before_after_why_and_from_where(clinic: Clinic, auditor: Client):
    nurse = person(clinic.center, "nurse", first_name="Dana", last_name="Okoye")
    event(clinic, actor=f"user:{nurse.pk}", verb="move", role="nurse", address="192.0.2.7", reason="She called.",
          before={"start": "2026-11-25T15:00:00Z"}, after={"start": "2026-11-25T16:00:00Z"})  # fmt: skip
    page = text(auditor, "?what=move")
    who_and_when = ("Dana Okoye", "Nurse", "Tue 24 Nov, 10:42", "192.0.2.7")
    what_and_why = ("move", "appointment 5", "Wed 25 Nov 2026, 10:00", "Wed 25 Nov 2026, 11:00", "She called.")
    for word in who_and_when + what_and_why:
        assert word in page, word


def test_a_request_is_recorded_with_its_address(clinic: Clinic):
    client = sign_in(person(clinic.center, MANAGER), client=Client(REMOTE_ADDR="192.0.2.44"))
    assert Event.objects.get(verb="signed-in").address == "192.0.2.44"
    client.get("/patients/new/")
    client.get("/worklist/")
    assert set(Access.objects.values_list("address", flat=True)) == {"192.0.2.44"}


def test_a_denial_is_an_event(clinic: Clinic, auditor: Client):
    assert auditor.get("/patients/").status_code == 403
    assert Event.objects.get(verb="denied").after == {"action": "view-patients"}
    assert "denied" in text(auditor)


def test_per_patient_who_saw_what(clinic: Clinic):
    manager = sign_in(person(clinic.center, MANAGER, first_name="Ana", last_name="Boss"))
    one, other = (make.make_patient(clinic.center, last_name=name) for name in ("Rivera", "Sokol"))
    manager.get(f"/patients/{one.pk}/")
    manager.get(f"/patients/{other.pk}/")
    page = text(manager, f"?patient={one.pk}&show=readings")
    assert "Rivera" in page
    assert "Sokol" not in page
    assert "Ana Boss" in page
    assert Access.objects.filter(what="record", patient_id=one.pk).exists()


def test_an_auditor_sees_numbers_and_no_names_of_patients(clinic: Clinic, auditor: Client):
    patient = make.make_patient(clinic.center, last_name="Rivera")
    event(clinic, patient_id=patient.pk)
    page = text(auditor)
    assert f"Patient {patient.pk}" in page
    assert "Rivera" not in page


def test_another_centers_record_is_not_shown(clinic: Clinic, auditor: Client):
    event(clinic, center_id=make.make_center().pk, verb="theirs")
    assert "theirs" not in text(auditor)


def test_by_person_and_by_local_day(clinic: Clinic, auditor: Client):
    event(clinic, actor="job:place-visits", verb="extend-course")
    event(clinic, actor="user:999", verb="cancel")
    page = text(auditor, "?who=job:place-visits")
    assert "<b>Job: place visits</b>" in page
    assert "user:999" not in page
    assert "user:999" in text(auditor, "?date=2026-11-24")
    assert "user:999" not in text(auditor, "?date=2026-11-23")


def test_a_long_record_has_pages_and_takes_the_same_queries(clinic: Clinic, auditor: Client):
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            text(auditor, "?who=user:1")
            return len(asked)

    event(clinic)
    few = questions()
    for number in range(120):
        event(clinic, subject_id=1000 + number)
    assert questions() == few
    page = text(auditor, "?who=user:1")
    assert "appointment 1119" in page
    assert "appointment 1010" not in page
    older = page.split('class="btn" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "appointment 1010" in auditor.get(older).content.decode()


@pytest.mark.parametrize("query", ["?patient=x", "?before=-1", "?date=2026-02-30", "?patient=" + "9" * 40])
def test_nonsense_in_the_address_is_no_failure(auditor: Client, query: str):
    assert auditor.get(f"/record/{query}").status_code == 200


def test_what_somebody_typed_is_shown_as_text(clinic: Clinic, auditor: Client):
    event(clinic, reason="<script>alert(1)</script>", after={"name": "<b>x</b>"})
    page = text(auditor)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page
