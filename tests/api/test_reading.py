"""Reading stays cheap and is described: query counts that don't grow, the OpenAPI schema, its page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduler.api.appointment_actions import ACTIONS
from scheduler.services import booking
from scheduler.services.jobs import JOBS
from tests import factories as make
from tests.api.conftest import Client
from tests.factories import NOW, utc

pytestmark = pytest.mark.django_db


@pytest.fixture
def grow(center, day_suite, manager) -> Callable[[int], None]:
    """More of everything."""
    make.make_quarterly()
    actor = make.make_actor(center)
    chairs = list(day_suite.chairs.select_related("unit__center"))
    grown = {"hours": 0}

    def more(times: int) -> None:
        for _ in range(times):
            grown["hours"] += 1
            start = utc("2026-11-16T16:00") + timedelta(minutes=45 * grown["hours"])
            patient = make.make_patient(center, email="ana@example.org")
            row = booking.book(actor=actor, chair=chairs[0], start=start, patient=patient, minutes=30, now=NOW)
            nurse = center.nurses.create(name=f"Nurse {grown['hours']}")
            shift = nurse.shifts.create(
                unit=day_suite, starts_at=utc("2026-11-16T13:00"), ends_at=utc("2026-11-16T21:00")
            )
            shift.breaks.create(
                starts_at=utc("2026-11-16T17:00"), ends_at=utc("2026-11-16T17:30"), covered_by=center.nurses.first()
            )
            make.make_closure(center, "2026-12-25T00:00-05:00", "2026-12-26T00:00-05:00", unit=day_suite)
            make.make_day_suite(center, code=f"more-{grown['hours']}")
            assert manager.post("/waitlist/", {"appointment": row.pk}).status_code == 201

    return more


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        response = client.get(path)
    assert response.status_code == 200, response.content
    return len(asked)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/appointments/?date=2026-11-16", 4),
        ("/schedule/?date=2026-11-16&unit=day", 16),
        ("/reminders/", 4),
        ("/waitlist/", 4),
        ("/units/", 5),
        ("/chairs/", 3),
        ("/shifts/", 4),
        ("/closures/", 3),
        ("/nurses/", 3),
        ("/protocols/", 3),
    ],
)
def test_a_list_takes_the_same_few_queries_however_long_it_is(manager, grow, path, most):
    grow(1)
    queries_of(manager, path)  # the first use of a key is noted
    few = queries_of(manager, path)
    grow(4)
    assert queries_of(manager, path) == few <= most


def test_a_course_takes_the_same_queries_with_four_visits_and_with_nine(desk, center, night_suite):
    make.make_dhe()
    counts = []
    for days, start in ((1, "2027-03-13T09:00-05:00"), (3, "2027-04-13T09:00-04:00")):
        body = {
            "patient": make.make_patient(center).pk,
            "protocol": "dhe-q8h",
            "unit": "suite-24",
            "start": start,
            "days": days,
        }
        made = desk.post("/courses/", body).json()
        JOBS["place-visits"](NOW)
        counts.append(queries_of(desk, f"/courses/{made['id']}/"))
    assert counts[0] == counts[1] <= 6


class TestSchema:
    @pytest.fixture
    def schema(self, db: None) -> dict[str, Any]:
        response = Client().get("/schema/?format=json")
        assert response.status_code == 200
        return json.loads(response.content)

    def test_it_is_openapi_3_and_has_every_call_of_the_contract(self, schema):
        assert schema["openapi"].startswith("3.")
        calls = {
            f"{method.upper()} {path.removeprefix('/api/v1')}"
            for path, methods in schema["paths"].items()
            for method in methods
        }
        assert calls >= {
            *(f"GET /{name}/" for name in ["centers", "units", "chairs", "protocols", "nurses", "shifts", "closures"]),
            *(f"POST /appointments/{{id}}/{step}/" for step in ACTIONS),
            *(f"POST /{name}/" for name in ("closures", "shifts")),
            *(f"{call} /{name}/{{id}}/" for name in ("closures", "shifts") for call in ("PATCH", "DELETE")),
            "POST /shifts/publish/",
            *(f"POST /courses/{{id}}/{step}/" for step in ("pause", "resume", "discontinue")),
            "POST /patients/",
            "GET /patients/{id}/",
            "PATCH /patients/{id}/",
            "POST /patients/search/",
            "POST /courses/preview/",
            "POST /courses/",
            "GET /courses/{id}/",
            "PATCH /courses/{id}/",
            "POST /visits/{id}/waive/",
            "POST /slots/search/",
            "GET /appointments/",
            "POST /appointments/",
            "GET /appointments/{id}/",
            "GET /schedule/",
            "GET /worklist/",
            "GET /reminders/",
            "GET /waitlist/",
            "POST /waitlist/",
        }

    def test_it_is_valid_and_made_without_a_warning(self, tmp_path):
        call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yml"))

    def test_every_call_documents_what_can_go_wrong_as_problems(self, schema):
        for path, methods in schema["paths"].items():
            if path.startswith("/api/v1/schema"):
                continue
            for method, call in methods.items():
                answers = call["responses"]
                wrong = {status for status in answers if int(status) >= 400}
                needed = {"401", "403", "406", "429", "503"}
                needed |= {"400", "411", "413", "415"} if method in ("post", "patch") else set()
                names = {parameter["name"] for parameter in call.get("parameters", [])}
                needed |= {"404"} if "{id}" in path else set()
                needed |= {"412"} if "If-Match" in names else set()
                needed |= {"409", "422"} if "Idempotency-Key" in names else set()
                assert wrong >= needed, (method, path, needed - wrong)
                assert {media for status in wrong for media in answers[status]["content"]} == {
                    "application/problem+json"
                }
                assert "Retry-After" in answers["429"]["headers"]

    def test_every_writing_post_takes_an_idempotency_key(self, schema):
        without = {
            path
            for path, methods in schema["paths"].items()
            if "post" in methods
            and "Idempotency-Key" not in {each["name"] for each in methods["post"].get("parameters", [])}
        }
        assert without == {
            f"/api/v1/{name}/" for name in ("courses/preview", "patients/search", "slots/search")
        }  # these write nothing

    def test_no_query_parameter_is_personal(self, schema):
        names = {
            parameter["name"]
            for methods in schema["paths"].values()
            for call in methods.values()
            for parameter in call.get("parameters", [])
            if parameter["in"] == "query"
        }
        assert names <= {
            "appointment",
            "chair",
            "code",
            "course",
            "date",
            "kind",
            "page",
            "page_size",
            "patient",
            "state",
            "status",
            "unit",
        }

    def test_its_page_needs_nothing_inline_and_nothing_from_elsewhere(self, db):
        page = Client().get("/docs/")
        assert page.status_code == 200
        assert "unsafe-inline" not in page["Content-Security-Policy"]
        html = page.content.decode()
        assert "<style" not in html
        assert "<script>" not in html
        assert "//" not in html.replace("<!doctype html>", "").replace("/static/", "")
        script = Client().get("/docs/?script=")
        assert script["Content-Type"].startswith("application/javascript")
        assert "/api/v1/schema/" in script.content.decode()
