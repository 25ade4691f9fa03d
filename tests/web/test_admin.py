"""The set-up in Django's admin."""

from __future__ import annotations

import pytest
from django.contrib import admin

from scheduler import models
from tests.web.conftest import Clinic


@pytest.fixture
def client(clinic: Clinic):
    return clinic.client(is_staff=True, is_superuser=True)


@pytest.mark.parametrize(
    "name", sorted(model._meta.model_name for model in admin.site._registry if model.__module__.startswith("scheduler"))
)
def test_every_list_opens(client, name):
    assert client.get(f"/admin/scheduler/{name}/").status_code == 200


@pytest.mark.parametrize("name", ["appointment", "occupancy", "event", "access", "dose", "ledgerentry", "apikey"])
def test_what_services_write_is_read_only(client, clinic: Clinic, name):
    assert client.get(f"/admin/scheduler/{name}/add/").status_code == 403


def test_an_appointment_can_be_looked_at_and_not_changed(client, clinic: Clinic):
    booked = clinic.book("2026-11-25T13:00-05:00")
    url = f"/admin/scheduler/appointment/{booked.pk}/change/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"status": "cancelled"}).status_code == 403
    assert client.post(f"/admin/scheduler/appointment/{booked.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_published_protocol_is_read_only_and_a_draft_is_not(client, clinic: Clinic):
    url = f"/admin/scheduler/protocol/{clinic.rescue.pk}/"
    assert client.post(f"{url}change/", {}).status_code == 403
    assert client.post(f"{url}delete/", {"post": "yes"}).status_code == 403
    draft = models.Protocol.objects.create(
        code="draft", name="Draft", short_name="Draft", abbreviation="DRA", cadence_kind="once",
        visit_minutes=30, counts_in="days", doses=[], days={},
    )  # fmt: skip
    assert client.post(f"/admin/scheduler/protocol/{draft.pk}/change/", {}).status_code == 200


def test_a_user_who_is_not_staff_has_no_admin(clinic: Clinic):
    assert clinic.client("manager").get("/admin/scheduler/unit/").status_code == 302
