"""When something fails inside, nobody outside learns what: no traceback, no name, no SQL, in page, answer or log."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError
from django.test import Client

from scheduler.admin import UnitAdmin
from scheduler.services.logs import Line
from scheduler.web import patient_view
from tests.security.world import World

WORDS = "Zarathustra, born 1985-03-14: SELECT * FROM scheduler_patient WHERE mrn = '204 116'"
INTERNALS = ("Zarathustra", "1985", "204 116", "SELECT", "scheduler_patient", "Traceback", "ValueError", ".py", "DEBUG")
PROBLEMS = [ValueError(WORDS), DatabaseError(WORDS), KeyError(WORDS), RecursionError(WORDS)]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the service's own handler would write."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Line("{asctime} {levelname} {name}: {message}", style="{"))
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def failing(problem: Exception) -> Any:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise problem

    return fail


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: type(each).__name__)
class TestInsideFails:
    def test_a_page(self, world: World, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
        monkeypatch.setattr(patient_view, "view", failing(problem))
        answer = world.person("manager").get(world.own.fill("/patients/{patient}/"))
        assert answer.status_code == 500
        page = answer.content.decode()
        assert "Something went wrong on our side" in page
        for word in INTERNALS:
            assert word not in page, word
        self.check_log(log, problem)

    def test_a_call(self, world: World, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
        monkeypatch.setattr("scheduler.api.patients.people.patient", failing(problem))
        answer = world.key().get(world.own.fill("/api/v1/patients/{patient}/"))
        assert answer.status_code == 500
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "internal"
        for word in INTERNALS:
            assert word not in answer.content.decode(), word
        self.check_log(log, problem)

    def test_the_admin(
        self, world: World, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, problem: Exception
    ) -> None:
        monkeypatch.setattr(UnitAdmin, "get_queryset", failing(problem))
        answer = world.person("operator").get("/admin/scheduler/unit/")
        assert answer.status_code == 500
        for word in INTERNALS:
            assert word not in answer.content.decode(), word
        self.check_log(log, problem)

    @staticmethod
    def check_log(log: io.StringIO, problem: Exception) -> None:
        said = log.getvalue()
        assert type(problem).__name__ in said
        for word in ("Zarathustra", "1985", "204 116", "SELECT"):
            assert word not in said, word


def test_a_database_that_does_not_answer_the_api_is_503_without_its_words(
    world: World, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.api.patients.people.patient", failing(OperationalError(WORDS)))
    answer = world.key().get(world.own.fill("/api/v1/patients/{patient}/"))
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert "Zarathustra" not in answer.content.decode() + log.getvalue()


@pytest.mark.parametrize("path", ["/no/such/page/", "/api/v1/no-such/", "/admin/no-such/", "/patients/x/", "/static/x"])
def test_what_is_not_there_says_no_more_than_that(world: World, path: str) -> None:
    answer = world.person("operator").get(path)
    assert answer.status_code == 404
    for word in ("urlconf", "urlpatterns", "Traceback", "django", ".py"):
        assert word not in answer.content.decode().lower(), word


def test_a_strange_host_is_refused_without_internals(world: World) -> None:
    answer = Client(raise_request_exception=False, headers={"Host": "evil.example"}).get("/sign-in/")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "ALLOWED_HOSTS" not in page
    assert "evil.example" not in page


def test_form_and_csrf_refusals_tell_no_reason(world: World) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "x", "password": "Zarathustra"})
    assert answer.status_code == 403
    page = answer.content.decode()
    for word in ("Zarathustra", "CSRF", "cookie", "Referer"):
        assert word not in page, word
