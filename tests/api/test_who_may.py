"""Roles and centers: what a role may not is 403, another center's things are 404 on every route."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scheduler.domain.permissions import AUDITOR, FRONT_DESK, INTEGRATION, MANAGER, NURSE
from scheduler.models import Access, Appointment, Center, Course, Event, Patient, WaitlistEntry
from tests import factories as make
from tests.api.conftest import client_of
from tests.factories import utc

pytestmark = pytest.mark.django_db


@pytest.fixture
def things(center, day_suite, desk, booked) -> dict[str, int]:
    """One of everything in the center."""
    make.make_quarterly()
    own = make.make_rescue(center=center, code="own")
    course = desk.post(
        "/courses/",
        {
            "patient": booked["patient"],
            "protocol": "eptinezumab-quarterly",
            "unit": "day",
            "start": "2026-11-30T10:00-05:00",
        },
    ).json()
    nurse = center.nurses.create(name="Ines Falk")
    shift = nurse.shifts.create(unit=day_suite, starts_at=utc("2026-11-16T13:00"), ends_at=utc("2026-11-16T21:00"))
    assert desk.post("/waitlist/", {"appointment": booked["id"]}).status_code == 201
    return {
        "patient": booked["patient"],
        "appointment": booked["id"],
        "course": course["id"],
        "visit": course["visits"][0]["id"],
        "unit": day_suite.pk,
        "chair": booked["chair"],
        "protocol": own.pk,
        "nurse": nurse.pk,
        "shift": shift.pk,
        "closure": center.closures.first().pk,
        "center": center.pk,
    }


STEPS = {
    "move": {"start": "2026-11-17T12:00-05:00"},
    "cancel": {"reason": "Ill."},
    "reopen": {},
    "confirm": {},
    "arrive": {},
    "check-in": {},
    "start": {},
    "complete": {},
    "no-show": {},
    "phase": {"phase": "in-chair"},
    "undo": {},
}
ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/patients/{patient}/", None),
    ("PATCH", "/patients/{patient}/", {"first_name": "Eve"}),
    ("GET", "/courses/{course}/", None),
    ("PATCH", "/courses/{course}/", {"indication": "x"}),
    ("POST", "/courses/{course}/pause/", {"reason": "x"}),
    ("POST", "/courses/{course}/resume/", {}),
    ("POST", "/courses/{course}/discontinue/", {"reason": "x"}),
    ("POST", "/visits/{visit}/waive/", {"reason": "x"}),
    ("GET", "/appointments/{appointment}/", None),
    *[("POST", f"/appointments/{{appointment}}/{step}/", body) for step, body in STEPS.items()],
    ("GET", "/centers/{center}/", None),
    ("GET", "/units/{unit}/", None),
    ("GET", "/chairs/{chair}/", None),
    ("GET", "/protocols/{protocol}/", None),
    ("GET", "/nurses/{nurse}/", None),
    ("GET", "/shifts/{shift}/", None),
    ("GET", "/closures/{closure}/", None),
    ("GET", "/appointments/?unit={unit}", None),
    ("GET", "/appointments/?chair={chair}", None),
    ("GET", "/appointments/?patient={patient}", None),
    ("GET", "/schedule/?date=2026-11-16&unit={unit}", None),
    ("GET", "/reminders/?appointment={appointment}", None),
    ("GET", "/reminders/?course={course}", None),
    ("GET", "/reminders/?patient={patient}", None),
    ("GET", "/waitlist/?patient={patient}", None),
    ("POST", "/waitlist/", {"appointment": "{appointment}"}),
    ("GET", "/chairs/?unit={unit}", None),
    ("GET", "/shifts/?unit={unit}", None),
    ("GET", "/closures/?unit={unit}", None),
]


def fill(template: Any, things: dict[str, int]) -> Any:
    if isinstance(template, dict):
        return {name: fill(value, things) for name, value in template.items()}
    return template.format(**things) if isinstance(template, str) else template


def sent(body: Any) -> dict[str, Any]:
    return {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}


def state() -> list[Any]:
    return [
        list(Appointment.objects.order_by("pk").values_list("pk", "status", "version")),
        list(Course.objects.order_by("pk").values_list("pk", "status", "version")),
        list(Patient.objects.order_by("pk").values_list("pk", "first_name")),
        Event.objects.exclude(verb="denied").count(),
        WaitlistEntry.objects.count(),
        Access.objects.count(),
    ]


def test_another_centers_things_are_not_there(things, stranger):
    before = state()
    nowhere = dict.fromkeys(things, 987654)
    for method, path, body in ROUTES:
        response = stranger.generic(method, fill(path, things), **sent(fill(body, things)))
        assert response.status_code == 404, (method, path, response.content)
        assert response.json()["code"] == "not_found"
        same = stranger.generic(method, fill(path, nowhere), **sent(fill(body, nowhere)))
        assert same.json() == response.json()  # what is elsewhere looks like what is nowhere
    assert state() == before


@pytest.mark.parametrize("name", ["patient", "chair", "protocol", "visit", "hold"])
def test_another_centers_id_in_a_booking_is_not_there(things, stranger, name):
    center = stranger_center(stranger)
    unit = make.make_day_suite(center)
    mine = {
        "patient": make.make_patient(center).pk,
        "chair": make.make_chair(unit).pk,
        "start": "2026-11-17T10:00-05:00",
    }
    mine |= {"minutes": 30} if name not in ("protocol", "visit") else {}
    theirs = things | {"hold": things["appointment"]}
    before = state()
    response = stranger.post("/appointments/", mine | {name: theirs[name]})
    assert (response.status_code, response.json()["field"]) == (404, name)
    assert state() == before


@pytest.mark.parametrize("name", ["patient", "unit", "protocol", "preferred_chair"])
@pytest.mark.parametrize("path", ["/courses/", "/courses/preview/"])
def test_another_centers_id_in_a_course_is_not_there(things, stranger, name, path):
    center = stranger_center(stranger)
    mine = {
        "patient": make.make_patient(center).pk,
        "unit": make.make_day_suite(center).pk,
        "protocol": "eptinezumab-quarterly",
        "start": "2026-11-30T10:00-05:00",
    }
    before = state()
    response = stranger.post(path, mine | {name: (things | {"preferred_chair": things["chair"]})[name]})
    assert (response.status_code, response.json()["field"]) == (404, name)
    assert state() == before


def test_a_strangers_lists_are_empty_of_it(things, stranger):
    for path in ("patients/search", "appointments", "units", "chairs", "nurses", "shifts", "closures", "reminders"):
        if path == "patients/search":
            found = stranger.post(f"/{path}/", {"query": "Rivera"}).json()
        else:
            found = stranger.get(f"/{path}/").json()
        assert found["count"] == 0, path
    assert stranger.get("/waitlist/").json()["count"] == 0
    assert stranger.get("/worklist/").json()["count"] == 0
    assert things["protocol"] not in {row["id"] for row in stranger.get("/protocols/").json()["results"]}


def stranger_center(stranger: Any) -> Any:
    return Center.objects.get(pk=stranger.get("/centers/").json()["results"][0]["id"])


STAFF = {FRONT_DESK, NURSE, MANAGER}
EVERYBODY_BUT_AUDITORS = STAFF | {INTEGRATION}
MAY: list[tuple[str, str, dict[str, Any] | None, set[str]]] = [
    ("GET", "/appointments/", None, EVERYBODY_BUT_AUDITORS),
    ("GET", "/units/", None, EVERYBODY_BUT_AUDITORS),
    ("GET", "/worklist/", None, EVERYBODY_BUT_AUDITORS),
    ("GET", "/patients/{patient}/", None, EVERYBODY_BUT_AUDITORS),
    ("PATCH", "/patients/{patient}/", {"pronouns": "she"}, EVERYBODY_BUT_AUDITORS),
    ("POST", "/appointments/{appointment}/move/", {"start": "2026-11-17T12:00-05:00"}, EVERYBODY_BUT_AUDITORS),
    ("POST", "/appointments/{appointment}/confirm/", {}, EVERYBODY_BUT_AUDITORS),
    ("POST", "/appointments/{appointment}/arrive/", {}, STAFF),
    ("POST", "/appointments/{appointment}/check-in/", {}, STAFF),
    ("POST", "/appointments/{appointment}/no-show/", {}, STAFF),
    ("POST", "/appointments/{appointment}/start/", {}, {NURSE, MANAGER}),
    ("POST", "/appointments/{appointment}/complete/", {}, {NURSE, MANAGER}),
    ("POST", "/courses/{course}/pause/", {"reason": "x"}, EVERYBODY_BUT_AUDITORS),
]


@pytest.mark.parametrize("role", [FRONT_DESK, NURSE, MANAGER, AUDITOR, INTEGRATION])
@pytest.mark.parametrize(("method", "path", "body", "allowed"), MAY, ids=[f"{row[0]} {row[1]}" for row in MAY])
def test_a_role_does_what_it_may_and_nothing_else(center, things, role, method, path, body, allowed):
    client = client_of(center, role)
    before = state()
    response = client.generic(
        method,
        fill(path, things),
        **sent(body),
    )
    if role in allowed:
        assert response.status_code == 200, response.json()
    else:
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        assert state() == before
        denied = Event.objects.filter(verb="denied").get()
        assert (denied.role, denied.subject, denied.center_id) == (role, "center", center.pk)


def test_undo_needs_what_the_change_needed(center, manager, booked):
    url = f"/appointments/{booked['id']}"
    assert manager.post(f"{url}/start/").status_code == 200
    assert client_of(center, FRONT_DESK).post(f"{url}/undo/").status_code == 403
    assert client_of(center, NURSE).post(f"{url}/undo/").status_code == 200


def test_the_front_desk_sets_aside_only_the_window(desk, center, day_suite):
    body = {
        "patient": make.make_patient(center).pk,
        "chair": day_suite.chairs.first().pk,
        "start": "2026-11-17T10:00-05:00",
        "minutes": 30,
        "override": {"codes": ["nurses_can_cover"], "reason": "Busy."},
    }
    assert desk.post("/appointments/", body).status_code == 403
    assert client_of(center, INTEGRATION).post("/appointments/", body).status_code == 403
    assert client_of(center, NURSE).post("/appointments/", body).status_code == 201
