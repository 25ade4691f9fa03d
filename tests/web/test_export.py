"""The managers' export: after signing in again, on record, and harmless in a spreadsheet program."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from scheduler.domain.permissions import MANAGER
from scheduler.models import Event
from tests import factories as make
from tests.web.conftest import Clinic
from tests.web.signing import PASSWORD, later, person, sign_in

FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def manager(clinic: Clinic) -> Client:
    return sign_in(person(clinic.center, MANAGER))


def rows_of(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_all_patients_of_the_center_and_no_others(clinic: Clinic, manager: Client):
    make.make_patient(clinic.center, last_name="Szabó", first_name="Katalin", mrn="203 551", email="k@example.org")
    make.make_patient(make.make_center(), last_name="Elsewhere")
    clinic.book("2026-11-25T10:00-05:00", patient=make.make_patient(clinic.center, last_name="Booked"))
    answer = manager.post("/patients/export/")
    assert answer["Content-Disposition"] == 'attachment; filename="patients-2026-11-24.csv"'
    assert "no-store" in answer["Cache-Control"]
    head, *rows = rows_of(answer)
    assert head[0] == "MRN"
    found = {row[1]: row for row in rows}
    assert "Elsewhere" not in found
    assert found["Szabó"][:4] == ["203 551", "Szabó", "Katalin", "1985-03-14"]
    assert found["Booked"][-1] == "2026-11-25 10:00"


def test_it_is_on_record_with_its_size(clinic: Clinic, manager: Client):
    make.make_patient(clinic.center)
    manager.post("/patients/export/")
    event = Event.objects.get(verb="export-patients")
    assert event.after == {"patients": clinic.center.registrations.count(), "form": "csv"}


def test_after_ten_minutes_she_proves_again_who_she_is(clinic: Clinic, manager: Client):
    make.make_patient(clinic.center, last_name="Szabó")
    with later(minutes=11):
        asked = manager.post("/patients/export/")
        assert "Szabó" not in asked.content.decode()
        assert 'name="password"' in asked.content.decode()
        assert not Event.objects.filter(verb="export-patients").exists()
        kept = asked.context["kept"]
        answer = manager.post("/sign-in/again/", {"password": PASSWORD, "kept": kept}, follow=True)
        assert answer.status_code == 200


@pytest.mark.parametrize("cell", [FORMULA, "+1 212", "-2", "@SUM(A1)", "\t=1", " =1"])
def test_a_formula_stays_text(clinic: Clinic, manager: Client, cell):
    make.make_patient(clinic.center, last_name=cell)
    names = [row[1] for row in rows_of(manager.post("/patients/export/"))]
    assert f"'{cell}" in names


def test_the_number_of_queries_does_not_grow_with_the_patients(clinic, manager, django_assert_max_num_queries):
    for _ in range(12):
        make.make_patient(clinic.center)
    manager.get("/account/")
    with django_assert_max_num_queries(14):
        manager.post("/patients/export/")


def test_the_button_is_for_who_may(clinic: Clinic, manager: Client):
    assert "/patients/export/" in manager.get("/patients/").content.decode()
    nurse = sign_in(person(clinic.center, "nurse"))
    assert "/patients/export/" not in nurse.get("/patients/").content.decode()
    assert nurse.post("/patients/export/").status_code == 403
