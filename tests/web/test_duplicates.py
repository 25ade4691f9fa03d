"""Before somebody is registered twice, the page asks whether it is she."""

from __future__ import annotations

import pytest

from scheduler.models import Access, Patient
from tests import factories as make

FORM = {"first_name": "Ana", "last_name": "Rivera", "birth_date": "14 3 1985", "mrn": "N-1"}


@pytest.fixture
def there(clinic):
    return make.make_patient(
        clinic.center, first_name="Ána", last_name="Rivera", search_text="rivera ana", phone="(212) 555-0777"
    )


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"first_name": "Rivera", "last_name": "Ana"},
        {"last_name": "RIVÉRA"},
        {"last_name": "Riverra"},
        {"first_name": "Otto", "last_name": "Else", "birth_date": "1 1 1950", "phone": "212 555 0777"},
    ],
)
def test_who_is_probably_here_is_shown_before_anything_is_saved(clinic, there, typed):
    client = clinic.client("front-desk")
    answer = client.post("/patients/new/", {**FORM, **typed})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Is it she?" in page
    assert f"/patients/{there.pk}/" in page
    assert Patient.objects.count() == 1
    assert Access.objects.filter(what="patient-duplicates").exists()
    assert client.post("/patients/new/", {**FORM, **typed, "somebody_else": "1"}).status_code == 302
    assert Patient.objects.count() == 2


@pytest.mark.parametrize(
    "typed", [{"birth_date": "15 3 1985"}, {"last_name": "Okafor", "first_name": "Ngozi"}, {"phone": "0777"}]
)
def test_who_is_only_a_little_alike_is_registered(clinic, there, typed):
    answer = clinic.client().post("/patients/new/", {**FORM, "birth_date": "15 3 1985", **typed})
    assert answer.status_code == 302


def test_another_centers_patients_are_nobodys_business(clinic, stranger):
    make.make_patient(stranger.center, first_name="Ana", last_name="Rivera", search_text="rivera ana")
    assert clinic.client().post("/patients/new/", FORM).status_code == 302
