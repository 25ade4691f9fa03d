"""Every call of the API, read from the URL configuration and held against the schema, with everybody at the door, and
own, foreign and missing things: the answers follow the domain's table, and a call that this walk doesn't know fails it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from scheduler.domain import permissions
from scheduler.domain.permissions import INTEGRATION, NEEDED
from scheduler.models import Access, ApiKey, Event
from tests.security import routes
from tests.security.api_map import API, CALLS, NOT_CALLS, OPEN, Call
from tests.security.world import SECRET, THEIRS, Things, World, may

PEOPLE = ("front-desk", "nurse", "manager", "auditor")
METHODS = ("get", "post", "put", "patch", "delete")
GUARDED = [call for call in CALLS if call.needs != OPEN]


def ask(client: Client, call: Call, things: Things) -> Any:
    """The answer; what it wrote is taken back."""
    sent: dict[str, Any] = {}
    if call.body is not None:
        sent = {"data": json.dumps(things.fill(call.body)), "content_type": "application/json"}
    with transaction.atomic():
        answer = client.generic(call.method.upper(), f"/{API}{things.fill(call.at)}", **sent)
        transaction.set_rollback(True)
    return answer


def test_the_walk_knows_every_call_and_no_others():
    found = set()
    for route in routes.of_api():
        path = route.path.removeprefix(API)
        if path not in NOT_CALLS:
            found |= {(method, path) for method in METHODS if hasattr(route.view.view_class, method)}  # type: ignore[attr-defined]
    known = {(call.method, call.path) for call in CALLS}
    assert found - known == set(), "a call without a line in api_map.py"
    assert known - found == set(), "a line in api_map.py without a call"


def test_the_schema_has_the_same_calls():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    described = {
        (method, path.removeprefix(f"/{API}")) for path, calls in paths.items() for method in METHODS if method in calls
    }
    known = {(call.method, re.sub(r"<int:pk>", "{id}", call.path)) for call in GUARDED}
    assert {(method, re.sub(r"\{\w+\}", "{id}", path)) for method, path in described} == known


@pytest.mark.parametrize("call", GUARDED, ids=str)
def test_everybody_gets_what_the_table_says(world: World, call: Call):
    for who in (*PEOPLE, INTEGRATION, "stranger", "nobody", "anonymous"):
        client = world.key() if who == INTEGRATION else world.person(who)
        answer = ask(client, call, world.own)
        said = (who, answer.status_code, answer.content[:200])
        if who == "anonymous":
            assert answer.status_code == 401, said
        elif who == "nobody":
            assert answer.status_code == 403, said
        elif call.is_for_keys and who != INTEGRATION:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), said
        elif who == "stranger":
            assert answer.status_code == 404 if call.names else answer.status_code < 300, said
        elif all(may(who, action) for action in call.needs):
            assert answer.status_code in (200, 201, 204, 409), said
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), said
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json", said
        if who in ("stranger", "nobody", "anonymous") or answer.status_code in (401, 403, 404):
            assert SECRET not in answer.content.decode(), said
        if who != "stranger":
            assert THEIRS not in answer.content.decode(), said
        assert "no-store" in answer["Cache-Control"], said


@pytest.mark.parametrize("call", GUARDED, ids=str)
def test_a_key_needs_each_scope_of_the_call(world: World, call: Call):
    if not all(may(INTEGRATION, action) for action in call.needs):
        assert ask(world.key(), call, world.own).status_code == 403
        return
    needed = frozenset[str]().union(*(NEEDED[action] for action in call.needs))
    assert ask(world.key(scopes=needed), call, world.own).status_code in (200, 201, 204, 409)
    for scope in needed:
        narrowed = permissions.scopes_of(INTEGRATION) - {scope}
        answer = ask(world.key(scopes=narrowed), call, world.own)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), scope


@pytest.mark.parametrize("call", [call for call in GUARDED if call.names], ids=str)
def test_another_centers_things_look_like_nothing_at_all(world: World, call: Call):
    before = (Event.objects.count(), Access.objects.count())
    for who in (*PEOPLE, "key of a manager"):
        client = world.key("manager") if who == "key of a manager" else world.person(who)
        foreign, nowhere = ask(client, call, world.foreign), ask(client, call, world.own.nowhere)
        assert (foreign.status_code, foreign.json()) == (nowhere.status_code, nowhere.json()), who
        role = "manager" if who == "key of a manager" else who
        allowed = all(may(role, action) for action in call.needs)
        assert foreign.status_code in ((404,) if allowed else (403, 404)), (who, foreign.content)
        assert THEIRS not in foreign.content.decode(), who
    assert Access.objects.count() == before[1]


@pytest.mark.parametrize("call", [call for call in GUARDED if call.method != "get"], ids=str)
def test_a_session_needs_the_csrf_token_for_every_write(world: World, call: Call):
    client = world.person("manager", enforce_csrf_checks=True)
    before = Event.objects.count()
    answer = ask(client, call, world.own)
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]
    assert Event.objects.count() == before


@pytest.mark.parametrize("call", [call for call in CALLS if call.needs == OPEN], ids=str)
def test_what_is_open_names_nobody(world: World, call: Call):
    answer = ask(world.person("anonymous"), call, world.own)
    assert answer.status_code == 200
    assert SECRET not in answer.content.decode()


def test_a_revoked_key_is_nobody(world: World):
    client = world.key("manager")
    assert client.get("/api/v1/units/").status_code == 200
    ApiKey.objects.update(revoked_at=ApiKey.objects.values_list("created_at")[0][0])
    assert client.get("/api/v1/units/").status_code == 401
