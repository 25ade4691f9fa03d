"""Keys: what their scopes allow, when they were used, revoking, and how many calls a minute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scheduler.api import rate
from scheduler.domain import permissions
from scheduler.domain.permissions import INTEGRATION, Actor
from scheduler.models import ApiKey, Event
from scheduler.services import api_keys
from tests.api.conftest import Client, client_of
from tests.api.test_who_may import fill, state, things  # noqa: F401  # a fixture
from tests.factories import NOW
from tests.support.threads import together

pytestmark = pytest.mark.django_db

SCOPED: list[tuple[str, str, dict[str, Any] | None, set[str]]] = [
    ("get", "/appointments/", None, {"read-schedule"}),
    ("get", "/schedule/?unit=day", None, {"read-schedule"}),
    ("get", "/worklist/", None, {"read-schedule", "read-patients"}),
    ("get", "/patients/{patient}/", None, {"read-patients"}),
    ("post", "/patients/search/", {"query": "x"}, {"read-patients"}),
    ("get", "/courses/{course}/", None, {"read-patients"}),
    ("patch", "/patients/{patient}/", {"pronouns": "she"}, {"book", "read-patients"}),
    ("patch", "/courses/{course}/", {"indication": "x"}, {"book", "read-patients"}),
    ("post", "/appointments/{appointment}/confirm/", {}, {"book"}),
    ("post", "/slots/search/", {"minutes": 30, "from": "2026-11-17T08:00Z", "to": "2026-11-18T08:00Z"}, {"book"}),
]


@pytest.mark.parametrize("left_out", sorted(permissions.scopes_of(INTEGRATION)))
@pytest.mark.parametrize(("method", "path", "body", "needed"), SCOPED, ids=[row[1] for row in SCOPED])
def test_a_call_needs_each_of_its_scopes(center, things, method, path, body, needed, left_out):  # noqa: F811
    client = client_of(center, INTEGRATION, scopes=permissions.scopes_of(INTEGRATION) - {left_out})
    before = state()
    response = getattr(client, method)(fill(path, things), body)
    if left_out not in needed:
        assert response.status_code == 200, response.json()
    else:
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        assert state() == before


def test_a_key_without_scopes_of_its_own_may_what_its_role_may(center, day_suite):
    client = client_of(center, INTEGRATION)
    ApiKey.objects.update(scopes=None)  # as written before there were scopes
    assert client.get("/units/").status_code == 200


def test_a_scope_never_gives_more_than_the_role():
    for role in permissions.ROLES:
        actor = Actor(who="key:1", role=role, center_id=1, scopes=frozenset(permissions.SCOPES))
        assert {action for action in permissions.ALLOWED if actor.may(action)} == {
            action for action in permissions.NEEDED if permissions.may(role, action)
        }


def test_every_action_that_a_key_can_do_needs_a_scope():
    assert permissions.NEEDED.keys() | permissions.PEOPLE_ONLY == permissions.ALLOWED.keys()
    assert all(needed and needed <= set(permissions.SCOPES) for needed in permissions.NEEDED.values())


class TestUse:
    def used(self) -> Any:
        return ApiKey.objects.get().last_used_at

    def test_the_use_of_a_key_is_noted_at_most_once_a_minute(self, desk, clock):
        desk.get("/units/")
        assert self.used() == NOW
        clock.shift(timedelta(seconds=60))
        desk.get("/units/")
        assert self.used() == NOW
        clock.shift(timedelta(seconds=1))
        desk.get("/units/")
        assert self.used() == NOW + timedelta(seconds=61)

    def test_revoked_is_revoked_at_once_and_on_record(self, desk):
        assert desk.get("/units/").status_code == 200
        key = ApiKey.objects.get()
        for _ in range(2):
            api_keys.revoke(actor=Actor.job("test"), prefix=key.prefix, now=NOW)
        assert desk.get("/units/").status_code == 401
        assert Event.objects.filter(verb="revoke-key", subject_id=key.pk).count() == 1


class TestRate:
    @pytest.fixture(autouse=True)
    def _fresh(self, settings):
        settings.API_RATE = 3
        rate.meter.forget()
        yield
        rate.meter.forget()

    def test_more_calls_than_the_rate_are_told_when_to_come_back(self, desk, center):
        assert [desk.get("/units/").status_code for _ in range(4)] == [200, 200, 200, 429]
        response = desk.get("/units/")
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "throttled"
        assert 1 <= int(response["Retry-After"]) <= 20

    def test_each_key_has_a_rate_of_its_own(self, desk, center):
        other = client_of(center)
        assert [desk.get("/units/").status_code for _ in range(4)][-1] == 429
        assert other.get("/units/").status_code == 200

    def test_unknown_keys_are_not_counted(self, desk):
        for _ in range(5):
            assert Client().get("/units/").status_code == 401
        assert desk.get("/units/").status_code == 200

    def test_no_rate_is_no_limit(self, desk, settings):
        settings.API_RATE = 0
        assert {desk.get("/units/").status_code for _ in range(5)} == {200}

    def test_a_minutes_worth_comes_at_once_and_then_one_every_interval(self):
        meter = rate.Meter()
        taken = [meter.wait("key:1", per_minute=60, at=1000.0) for _ in range(61)]
        assert taken[:60] == [0.0] * 60
        assert taken[60] == pytest.approx(1.0)
        assert meter.wait("key:1", per_minute=60, at=1000.4) > 0
        assert meter.wait("key:1", per_minute=60, at=1001.0) == 0
        assert [meter.wait("key:1", per_minute=60, at=2000.0) for _ in range(60)] == [0.0] * 60

    def test_simultaneous_calls_are_all_counted(self):
        meter = rate.Meter()
        calls = [lambda: [meter.wait("key:1", per_minute=100, at=5.0) for _ in range(50)] for _ in range(4)]
        answers = [wait for several in together(calls) for wait in several]
        assert answers.count(0.0) == 100
