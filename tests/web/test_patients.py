"""Find, register, look at a patient."""

from __future__ import annotations

from datetime import date

import pytest

from scheduler.models import Patient
from scheduler.queries.course_request import CourseRequest
from scheduler.services import attendance, booking, courses
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import EARLY, NOW, Clinic


@pytest.fixture
def katalin(clinic: Clinic):
    return make.make_patient(
        clinic.center,
        first_name="Katalin",
        last_name="Szabó",
        search_text="szabo katalin",
        birth_date=date(1979, 9, 8),
        mrn="203 551",
        phone="555 0137",
        email="k.szabo@example.org",
        allergies="latex",
    )


@pytest.mark.parametrize(
    "query", ["szabo", "Szabó Kat", "kat", "203 551", "203551", "8 9 1979", "1979-09-08", "555 0137", "0137"]
)
def test_a_patient_is_found_by_name_number_birth_date_and_phone(clinic: Clinic, katalin, query):
    make.make_patient(clinic.center, first_name="Vera", last_name="Sokol", search_text="sokol vera")
    answer = clinic.client().post("/patients/", {"q": query})
    assert answer.status_code == 302
    assert answer["Location"] == f"/patients/{katalin.pk}/"


@pytest.mark.parametrize("query", ["zabo", "s", "8 9 1980", "%", "_"])
def test_what_does_not_match_finds_nobody(clinic: Clinic, katalin, query):
    assert "Nobody found" in clinic.client().post("/patients/", {"q": query}).content.decode()


def test_another_centers_patients_are_not_found(clinic: Clinic, stranger: Clinic):
    make.make_patient(stranger.center, last_name="Okafor", search_text="okafor ana", mrn="77 123")
    for query in ("okafor", "77 123"):
        assert "Nobody found" in clinic.client().post("/patients/", {"q": query}).content.decode()


def test_a_patient_is_registered(clinic: Clinic):
    answer = clinic.client("front-desk").post(
        "/patients/new/",
        {
            "first_name": "Zoë",
            "last_name": "Müller-Ødegård",
            "birth_date": "31 3 1980",
            "mrn": "204 999",
            "email": "z@example.org",
            "phone": "555 0100",
            "may_be_mailed": "1",
        },
    )
    patient = Patient.objects.get()
    assert answer["Location"] == f"/patients/{patient.pk}/"
    assert patient.birth_date == date(1980, 3, 31)
    assert patient.search_text == "muller odegard zoe"
    assert patient.contacts.get().email == "z@example.org"
    assert clinic.client().post("/patients/", {"q": "odegard"}).status_code == 302


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"birth_date": "31 13 1980"}, "There is no such date"),
        ({"birth_date": "30 2 1980"}, "There is no such date"),
        ({"birth_date": "1 1 2050"}, "in the future"),
        ({"birth_date": "1 1 1850"}, "too long ago"),
        ({"last_name": " "}, "The last name is missing"),
        ({"mrn": ""}, "The MRN is missing"),
        ({"mrn": "203 551"}, "has the MRN 203 551 already"),
        ({"email": "nobody"}, "looks like name@example.org"),
    ],
)
def test_what_makes_no_sense_is_said_beside_the_field_and_nothing_is_written(
    clinic: Clinic, katalin, changed, sentence
):
    form = {"first_name": "A", "last_name": "Bee", "birth_date": "31 3 1980", "mrn": "9", **changed}
    answer = clinic.client().post("/patients/new/", form)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert Patient.objects.count() == 1


def test_a_long_or_hostile_name_is_text(clinic: Clinic):
    name = "<script>alert(1)</script>" + "W" * 60
    patient = make.make_patient(clinic.center, last_name=name, desk_notes="<b>bold</b>")
    page = clinic.client().get(f"/patients/{patient.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<b>bold" not in page


def test_the_page_shows_coming_running_past_contacts_and_messages(
    clinic: Clinic, katalin, django_assert_max_num_queries
):
    course = courses.create(
        actor=clinic.actor,
        center=clinic.center,
        request=CourseRequest(
            patient=katalin,
            protocol=clinic.quarterly,
            unit=clinic.day,
            start=utc("2026-11-30T10:00-05:00"),
            preferred_weekdays=(0,),
            preferred_minute=600,
            prescriber="Dr Osborne",
        ),
        now=EARLY,
    )
    visit = course.visits.get(ordinal=1)
    booking.book(
        actor=clinic.actor, chair=clinic.chairs[0], start=utc("2026-11-30T10:00-05:00"), visit=visit, now=EARLY
    )
    gone = clinic.book("2026-11-24T15:00-05:00", patient=katalin)
    booking.cancel(actor=clinic.actor, appointment=gone, reason="ill", now=NOW)
    done = clinic.book("2026-11-24T09:00-05:00", patient=katalin)
    attendance.complete(actor=clinic.actor, appointment=done, now=NOW)
    client = clinic.client()
    client.get("/worklist/")
    with django_assert_max_num_queries(20):
        page = client.get(f"/patients/{katalin.pk}/").content.decode()
    for said in (
        "8 Sep 1979 (47), MRN 203 551",
        "Allergy: latex",
        "Mon 30 Nov, 10:00",
        "Not confirmed",
        "no place yet",
        "Eptinezumab, every 3 months",
        "Dr Osborne",
        "Given",
        "Cancelled",
        "k.szabo@example.org",
        "Monday, 10:00",
        "Reminder, 3 days",
    ):
        assert said in page, said


def test_a_patient_without_anything_says_what_to_do(clinic: Clinic):
    patient = make.make_patient(clinic.center)
    page = clinic.client().get(f"/patients/{patient.pk}/").content.decode()
    assert "Nothing is coming" in page
    assert "Start a course" in page
