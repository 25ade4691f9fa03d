"""A patient's entry is corrected at the desk."""

from __future__ import annotations

import re
from datetime import date

import pytest

from scheduler.domain.permissions import AUDITOR, FRONT_DESK
from scheduler.models import Event, Patient
from scheduler.queries import people
from scheduler.services.patients import update_patient
from tests import factories as make
from tests.web.conftest import NOW, Clinic


@pytest.fixture
def katalin(clinic: Clinic) -> Patient:
    return make.make_patient(
        clinic.center, first_name="Katalin", last_name="Szabo", birth_date=date(1979, 9, 8), allergies="latex"
    )


def opened(clinic: Clinic, patient: Patient) -> dict[str, str]:
    """The form as a browser would send it back untouched."""
    page = clinic.client().get(f"/patients/{patient.pk}/edit/").content.decode()
    fields = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', page.partition("<main")[2]))
    fields.pop("csrfmiddlewaretoken", None)
    return fields | {"desk_notes": re.findall(r'name="desk_notes"[^>]*>([^<]*)<', page)[0]}


def test_a_name_and_a_note_are_corrected_and_she_is_found_by_them(clinic: Clinic, katalin: Patient):
    form = opened(clinic, katalin)
    assert form["birth_date"] == "8 9 1979"
    form |= {"last_name": "Szabó-Kiss", "desk_notes": "Door code 4711.\r\nDog is friendly."}
    answer = clinic.client().post(f"/patients/{katalin.pk}/edit/", form)
    assert (answer.status_code, answer["Location"]) == (302, f"/patients/{katalin.pk}/")
    katalin.refresh_from_db()
    assert (katalin.last_name, katalin.allergies, katalin.birth_date) == ("Szabó-Kiss", "latex", date(1979, 9, 8))
    assert katalin.desk_notes == "Door code 4711.\nDog is friendly."
    assert [each.pk for each in people.search(center=clinic.center, query="kiss")] == [katalin.pk]
    event = Event.objects.filter(subject="patient", verb="corrected").get()
    assert event.after == {"fields": ["desk_notes", "last_name"]}


def test_two_at_once_the_second_sees_what_the_first_wrote_and_keeps_her_own(clinic: Clinic, katalin: Patient):
    form = opened(clinic, katalin) | {"allergies": "latex, penicillin"}
    update_patient(actor=clinic.actor, patient=katalin, center=clinic.center, changes={"allergies": "iodine"}, now=NOW)
    answer = clinic.client().post(f"/patients/{katalin.pk}/edit/", form)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody changed this entry since you opened it. Nothing is saved yet." in page
    assert "iodine" in page
    assert 'value="latex, penicillin"' in page
    katalin.refresh_from_db()
    assert katalin.allergies == "iodine"
    again = form | {"as_read": re.findall(r'name="as_read" value="([^"]+)"', page)[0]}
    assert clinic.client().post(f"/patients/{katalin.pk}/edit/", again).status_code == 302
    katalin.refresh_from_db()
    assert katalin.allergies == "latex, penicillin"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"birth_date": "31 2 1980"}, "There is no such date."),
        ({"birth_date": "1 1 2999"}, "is in the future"),
        ({"last_name": " "}, "The last name is missing."),
        ({"needs": "x" * 201}, "This is longer than 200 signs."),
    ],
)
def test_what_can_not_be_is_said_at_its_field_and_nothing_typed_is_lost(clinic: Clinic, katalin, typed, says):
    form = opened(clinic, katalin) | {"first_name": "Kata"} | typed
    answer = clinic.client().post(f"/patients/{katalin.pk}/edit/", form)
    page = answer.content.decode()
    field = next(iter(typed))
    assert answer.status_code == 400
    assert says in page
    assert f'id="{field}-wrong"' in page
    assert 'value="Kata"' in page
    katalin.refresh_from_db()
    assert katalin.first_name == "Katalin"


def test_it_is_for_who_may_edit_patients_of_this_center(clinic: Clinic, katalin: Patient):
    path = f"/patients/{katalin.pk}/edit/"
    assert clinic.client(AUDITOR).get(path).status_code == 403
    elsewhere = make.make_patient(make.make_center())
    assert clinic.client(FRONT_DESK).get(f"/patients/{elsewhere.pk}/edit/").status_code == 404
    assert f'href="{path}"' in clinic.client(FRONT_DESK).get(f"/patients/{katalin.pk}/").content.decode()
