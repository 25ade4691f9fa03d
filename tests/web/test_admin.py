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


def test_what_an_operator_changes_is_an_event_with_names_of_fields_only(client, clinic: Clinic):
    nurse = clinic.center.nurses.create(name="Ines Falk")
    url = f"/admin/scheduler/nurse/{nurse.pk}/"
    answer = client.post(f"{url}change/", {"name": "Ines Falk-Ruiz", "center": clinic.center.pk, "is_active": "on"})
    assert answer.status_code == 302
    event = models.Event.objects.get(verb="admin-change")
    assert (event.subject, event.subject_id, event.after) == ("nurse", nurse.pk, {"fields": ["Name"]})
    assert client.post(f"{url}delete/", {"post": "yes"}).status_code == 302
    assert models.Event.objects.filter(verb="admin-delete", subject="nurse", subject_id=nurse.pk).exists()


def test_looking_at_bookings_in_the_admin_is_on_record(client, clinic: Clinic):
    booked = clinic.book("2026-11-25T13:00-05:00")
    client.get("/admin/scheduler/appointment/")
    client.get(f"/admin/scheduler/appointment/{booked.pk}/change/")
    rows = models.Access.objects.filter(what="admin-appointment").order_by("pk")
    assert [row.patient_id for row in rows] == [None, booked.patient_id]


def test_a_manager_looks_at_the_set_up_of_her_center_and_changes_nothing_there(clinic: Clinic, stranger: Clinic):
    client = clinic.client("manager", is_staff=True)
    for name in ("unit", "chair", "center", "protocol", "closure", "nurse", "shift", "unitday"):
        assert client.get(f"/admin/scheduler/{name}/").status_code == 200, name
        assert client.get(f"/admin/scheduler/{name}/add/").status_code == 403, name
    own = f"/admin/scheduler/unit/{clinic.day.pk}/change/"
    assert client.get(own).status_code == 200
    assert client.post(own, {"name": "Mine"}).status_code == 403
    page = client.get("/admin/scheduler/chair/").content.decode()
    assert "Elsewhere" not in page
    for other in (f"unit/{stranger.day.pk}", f"center/{stranger.center.pk}", f"protocol/{stranger.rescue.pk}"):
        for view in ("change", "delete", "history"):
            assert client.get(f"/admin/scheduler/{other}/{view}/").status_code in (403, 404), (other, view)
        assert client.get(f"/admin/scheduler/{other}/change/").status_code == 404, other
    for people in ("/admin/auth/user/", "/admin/scheduler/membership/", "/admin/scheduler/apikey/"):
        assert client.get(people).status_code == 403, people


def test_a_manager_who_becomes_a_nurse_is_out_of_the_admin_at_the_next_request(clinic: Clinic):
    client = clinic.client("manager", is_staff=True)
    assert client.get("/admin/scheduler/unit/").status_code == 200
    membership = models.Membership.objects.get(role="manager", user_id=client.session["_auth_user_id"])
    membership.role = "nurse"
    membership.save()
    answer = client.get("/admin/scheduler/unit/")
    assert answer["Location"].startswith("/admin/login/")  # a changed role ends the session
    client.force_login(membership.user)
    assert client.get("/admin/scheduler/unit/").status_code == 403
