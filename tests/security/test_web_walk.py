"""Every address of the web application, read from the URL configuration, with everybody at the door, and own, foreign
and missing things: the answers follow the domain's table, and an address that this walk doesn't know fails it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from scheduler.models import Access, Event, Membership
from tests.security import routes
from tests.security.web_map import MEMBER, OPEN, OPERATOR, SOMEBODYS, WEB, Case
from tests.security.world import SECRET, THEIRS, Things, World, may

PEOPLE = ("front-desk", "nurse", "manager", "auditor")
EVERYBODY = (*PEOPLE, "stranger", "nobody", "anonymous", "key")
CASES = [case for cases in WEB.values() for case in cases]


def ask(client: Client, case: Case, things: Things) -> Any:
    """The answer; what it wrote is taken back, so that the next finds the same."""
    with transaction.atomic():
        path, data = things.fill(case.path), things.fill(case.data)
        answer = client.post(path, data) if case.method == "POST" else client.get(path)
        transaction.set_rollback(True)
    return answer


def at_the_door(world: World, who: str) -> Client:
    return world.key("manager") if who == "key" else world.person(who)


def is_sent_to_sign_in(answer: Any) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith("/sign-in/")


def test_the_walk_knows_every_address_and_no_others():
    found = {route.path for route in routes.of_web()}
    assert found - WEB.keys() == set(), "an address without a line in web_map.py"
    assert WEB.keys() - found == set(), "a line in web_map.py without an address"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_everybody_gets_what_the_table_says(world: World, case: Case):
    for who in EVERYBODY:
        answer = ask(at_the_door(world, who), case, world.own)
        said = (who, answer.status_code, answer.get("Location", ""))
        assert answer.status_code < 500 or (case.path, answer.status_code) == ("/readyz", 503), said
        if case.needs == OPEN:
            assert answer.status_code not in {401, 403, 404} - {*case.may_say}, said
        elif who in ("anonymous", "key"):
            assert is_sent_to_sign_in(answer), said
        elif who == "nobody":
            assert answer.status_code == 403, said
        elif case.needs in (OPERATOR, SOMEBODYS):
            assert answer.status_code == 404, said
        elif who == "stranger":
            refused = {401, 403} - {*case.may_say}
            hidden = 404 if case.needs == MEMBER or may("manager", case.needs) else 403  # she manages the other center
            assert answer.status_code == hidden if case.names else answer.status_code not in refused, said
        elif case.needs == MEMBER or may(who, case.needs):
            assert answer.status_code in (200, 201, 204, 302, 400, 409, *case.may_say), said
            assert not is_sent_to_sign_in(answer), said
        else:
            assert answer.status_code == 403, said
        if who in ("stranger", "nobody", "anonymous", "key") or answer.status_code in (403, 404):
            assert SECRET not in answer.content.decode(), said
        if who != "stranger":
            assert THEIRS not in answer.content.decode(), said


@pytest.mark.parametrize("case", [case for case in CASES if case.names], ids=str)
def test_another_centers_things_look_like_nothing_at_all(world: World, case: Case):
    before = (Event.objects.count(), Access.objects.count())
    for who in PEOPLE:
        foreign, nowhere = (ask(world.person(who), case, things) for things in (world.foreign, world.own.nowhere))
        assert foreign.status_code == nowhere.status_code, (who, foreign.status_code, nowhere.status_code)
        allowed = case.needs == SOMEBODYS or may(who, case.needs)
        assert foreign.status_code in ((404,) if allowed else (403, 404)), who
        assert THEIRS not in foreign.content.decode(), who
    assert (Event.objects.count(), Access.objects.count()) == before


@pytest.mark.parametrize("case", [case for case in CASES if case.method == "POST"], ids=str)
def test_every_write_needs_the_csrf_token(world: World, case: Case):
    client = world.person("manager", enforce_csrf_checks=True)
    before = Event.objects.count()
    answer = client.post(world.own.fill(case.path), world.own.fill(case.data))
    assert answer.status_code == 403
    assert "form was too old" in answer.content.decode()
    assert Event.objects.count() == before


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_answer_carries_the_safe_headers(world: World, case: Case):
    answer = ask(world.person("manager"), case, world.own)
    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_role_change_counts_with_the_next_request(world: World):
    client = world.person("manager")
    assert client.get("/patients/").status_code == 200
    Membership.objects.filter(user_id=client.session["_auth_user_id"]).update(role="auditor")
    answer = client.get("/patients/")
    assert answer.status_code == 403 or is_sent_to_sign_in(answer)


def test_who_leaves_the_center_is_out_with_the_next_request(world: World):
    client = world.person("manager")
    Membership.objects.filter(user_id=client.session["_auth_user_id"]).delete()
    answer = client.get("/patients/")
    assert answer.status_code == 403 or is_sent_to_sign_in(answer)
