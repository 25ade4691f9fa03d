"""All patients by API: a key with the scope, so many within a day, each page on record."""

from __future__ import annotations

import pytest
from django.test import Client

from scheduler.domain.permissions import INTEGRATION
from scheduler.models import Event
from scheduler.services import exports
from tests import factories as make
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(center):
    return client_of(center, INTEGRATION)


@pytest.fixture
def three(center):
    return [make.make_patient(center, last_name=f"P{number}") for number in range(3)]


def test_all_page_by_page_with_contacts(program, three):
    make.make_patient(make.make_center())
    first = program.get("/patients/?page_size=2").json()
    assert (first["count"], [one["last_name"] for one in first["results"]]) == (3, ["P0", "P1"])
    assert first["results"][0]["contacts"]
    assert [one["last_name"] for one in program.get("/patients/?page_size=2&page=2").json()["results"]] == ["P2"]
    assert [one.after for one in Event.objects.filter(verb="export-patients").order_by("pk")] == [
        {"patients": 2, "form": "api"},
        {"patients": 1, "form": "api"},
    ]


def test_a_key_has_so_many_within_a_day(program, three, monkeypatch):
    monkeypatch.setattr(exports, "KEY_ROWS_A_DAY", 5)
    assert program.get("/patients/").status_code == 200
    refused = program.get("/patients/")
    assert refused.status_code == 403
    assert "P0" not in refused.content.decode()
    assert program.get("/patients/?page_size=2").status_code == 200
    assert Event.objects.filter(verb="export-patients").count() == 2


def test_a_person_exports_on_the_page(center, three):
    client = Client()
    client.force_login(make.make_user(center))
    assert client.get("/api/v1/patients/").status_code == 403
