"""Absences of today and chairs out of service: desk, nurse and manager note them; the rest is the manager's."""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.domain.permissions import AUDITOR, FRONT_DESK, INTEGRATION, MANAGER, NURSE
from scheduler.models import Closure, Shift
from tests import factories as make
from tests.api.conftest import client_of
from tests.factories import utc

pytestmark = pytest.mark.django_db

ROLES = {FRONT_DESK: True, NURSE: True, MANAGER: True, AUDITOR: False, INTEGRATION: False}
TODAY = {"start": "2026-11-16T10:00-05:00", "end": "2026-11-16T12:00-05:00", "reason": "Backrest broken"}


def shift_of(center: Any, unit: Any, start: str, end: str) -> Shift:
    nurse = center.nurses.create(name="Ines Falk")
    return Shift.objects.create(nurse=nurse, unit=unit, starts_at=utc(start), ends_at=utc(end), patients=4, acuity=8)


@pytest.mark.parametrize(("role", "may"), ROLES.items())
def test_a_chair_out_of_service_is_noted_and_ended_by_the_staff(center, day_suite, role, may):
    client = client_of(center, role)
    made = client.post("/closures/", TODAY | {"chair": day_suite.chairs.first().pk})
    assert made.status_code == (201 if may else 403)
    if may:
        path = f"/closures/{made.json()['id']}/"
        assert client.patch(path, {"end": "2026-11-16T13:00-05:00"}).status_code == 200
        assert client.delete(path).status_code == 204
    assert not Closure.objects.filter(reason=TODAY["reason"]).exists()


@pytest.mark.parametrize("role", [FRONT_DESK, NURSE])
def test_units_centers_and_extra_openings_are_the_managers(center, day_suite, role):
    client = client_of(center, role)
    for place in ({}, {"unit": "day"}, {"unit": "day", "kind": "open"}):
        assert client.post("/closures/", TODAY | place).status_code == 403, place
    holiday = center.closures.get(unit=day_suite)
    assert client.patch(f"/closures/{holiday.pk}/", {"chair": day_suite.chairs.first().pk}).status_code == 403
    assert client.delete(f"/closures/{holiday.pk}/").status_code == 403
    chair = Closure.objects.get(
        pk=client.post("/closures/", TODAY | {"chair": day_suite.chairs.first().pk}).json()["id"]
    )
    assert client.patch(f"/closures/{chair.pk}/", {"chair": None, "unit": "day"}).status_code == 403


@pytest.mark.parametrize(("role", "may"), ROLES.items())
def test_a_nurse_who_is_absent_today_is_noted_by_the_staff(center, day_suite, role, may):
    client = client_of(center, role)
    shift = shift_of(center, day_suite, "2026-11-16T08:00-05:00", "2026-11-16T16:00-05:00")
    shorter = client.patch(f"/shifts/{shift.pk}/", {"end": "2026-11-16T12:00-05:00"})
    assert shorter.status_code == (200 if may else 403)
    assert client.delete(f"/shifts/{shift.pk}/").status_code == (204 if may else 403)


def test_the_night_shift_that_runs_now_is_today(center, night_suite, clock):
    clock.move_to(utc("2026-11-17T02:00-05:00"))
    shift = shift_of(center, night_suite, "2026-11-16T22:00-05:00", "2026-11-17T06:00-05:00")
    assert client_of(center, NURSE).delete(f"/shifts/{shift.pk}/").status_code == 204


@pytest.mark.parametrize("role", [FRONT_DESK, NURSE])
def test_other_staffing_is_the_managers(center, day_suite, role):
    client = client_of(center, role)
    today = shift_of(center, day_suite, "2026-11-16T08:00-05:00", "2026-11-16T16:00-05:00")
    for change in ({"end": "2026-11-16T17:00-05:00"}, {"patients": 9}, {"acuity": 9}):
        assert client.patch(f"/shifts/{today.pk}/", change).status_code == 403, change
    tomorrow = shift_of(center, day_suite, "2026-11-17T08:00-05:00", "2026-11-17T16:00-05:00")
    assert client.delete(f"/shifts/{tomorrow.pk}/").status_code == 403
    assert client.patch(f"/shifts/{tomorrow.pk}/", {"end": "2026-11-17T12:00-05:00"}).status_code == 403
    assert client.post("/shifts/publish/", {"unit": "day", "date": "2026-11-16"}).status_code == 403


def test_components_of_protocols_are_for_nurses_integrators_and_who_writes_them(center, day_suite):
    own = make.make_rescue(code="own", center=center, components=[{"name": "Ketorolac", "dose": "30 mg", "minutes": 5}])
    for role in (NURSE, MANAGER, INTEGRATION):
        assert "Ketorolac" in client_of(center, role).get(f"/protocols/{own.pk}/").content.decode(), role
    desk = client_of(center, FRONT_DESK)
    for path in (f"/protocols/{own.pk}/", "/protocols/"):
        assert "Ketorolac" not in desk.get(path).content.decode(), path
    narrowed = client_of(center, INTEGRATION, scopes={"read-schedule", "book"})
    assert "components" not in narrowed.get(f"/protocols/{own.pk}/").json()
