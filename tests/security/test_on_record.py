"""Every address and call, by everybody who is let in at the door: what was done, seen or refused is on record, with
who, in which role and from where."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from scheduler.domain.permissions import INTEGRATION
from scheduler.models import Access, Event, SignIn
from tests.security.api_map import API, CALLS, Call
from tests.security.web_map import MEMBER, OPEN, OPERATOR, SOMEBODYS, WEB, Case
from tests.security.world import SECRET, World
from tests.web.conftest import NOW

PEOPLE = ("front-desk", "nurse", "manager", "auditor")
CASES = [case for cases in WEB.values() for case in cases if case.needs not in (OPEN, MEMBER, OPERATOR, SOMEBODYS)]
DO_NOTHING = {
    "post slots/search/",  # without a patient: free places
    # What is asked for is so already.
    "POST /courses/{course}/accept/",
    "POST /floor/answers/{appointment}/rest/",  # her protocol asks nothing
    "POST /floor/overruns/{appointment}/",  # nobody is in anybody's way
    "POST /floor/following/{appointment}/",  # a single visit
    "POST /assign/{unit_code}/2026-11-25/accept/",  # nobody was suggested anything
    "POST /people/second-factor/",
    "POST /people/{membership}/nurse/",
    "POST /people/{membership}/role/",
    "POST /people/{membership}/give/",
}
BOARD = "GET /board/{unit_code}/2026-11-25/"
GUARDED = [call for call in CALLS if call.needs != OPEN]


@dataclass
class Done:
    """What one request was answered and what it wrote to the record; that is taken back."""

    status: int
    body: str
    events: list[Event]
    accesses: list[Access]

    @property
    def tells_of_a_patient(self) -> bool:
        body = self.body.replace('<span class="given">', "")
        return any(sign in body for sign in (f"Ana {SECRET}", f"{SECRET}, Ana", f'"last_name":"{SECRET}"'))

    def __str__(self) -> str:
        return f"{self.status} {[event.verb for event in self.events]} {[access.what for access in self.accesses]}"


def ask(client: Client, method: str, path: str, **sent: Any) -> Done:
    last = [
        model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0 for model in (Event, Access)
    ]
    with transaction.atomic():
        answer = getattr(client, method)(path, **sent)
        body = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined]
        done = Done(
            answer.status_code, body.decode(),
            list(Event.objects.filter(pk__gt=last[0])), list(Access.objects.filter(pk__gt=last[1])),
        )  # fmt: skip
        transaction.set_rollback(True)
    return done


def of_page(world: World, who: str, case: Case) -> Done:
    """She has just proved who she is, so that what asks for that again is really done."""
    client = world.person(who)
    client.get("/account/")
    SignIn.objects.update(confirmed_at=NOW)
    sent = {"data": world.own.fill(case.data)} if case.method == "POST" else {}
    return ask(client, case.method.lower(), world.own.fill(case.path), **sent)


def of_call(world: World, who: str, call: Call) -> Done:
    client = world.key() if who == INTEGRATION else world.person(who)
    sent: dict[str, Any] = {}
    if call.body is not None:
        sent = {"data": json.dumps(world.own.fill(call.body)), "content_type": "application/json"}
    return ask(client, call.method, f"/{API}{world.own.fill(call.at)}", **sent)


def hold_to_the_promise(done: Done, who: str) -> None:
    said = f"{who}: {done}"
    assert (done.status == 403) == any(event.verb == "denied" for event in done.events), said
    if done.status < 300 and done.tells_of_a_patient:
        assert done.accesses or any(event.patient_id or event.verb == "export-patients" for event in done.events), said
    for row in (*done.events, *done.accesses):
        assert row.role == who, said
        assert row.actor.startswith("key:" if who == INTEGRATION else "user:"), said
        assert row.address == "127.0.0.1", said
        assert row.center_id, said


@pytest.mark.parametrize("call", GUARDED, ids=str)
def test_each_call_leaves_what_it_did_showed_or_refused(world: World, call: Call):
    for who in (*PEOPLE, INTEGRATION):
        done = of_call(world, who, call)
        hold_to_the_promise(done, who)
        if call.method != "get" and done.status < 300 and str(call) not in DO_NOTHING:
            assert done.events or done.accesses, f"{who}: {done}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_page_leaves_what_it_did_showed_or_refused(world: World, case: Case):
    for who in PEOPLE:
        done = of_page(world, who, case)
        hold_to_the_promise(done, who)
        if case.method == "POST" and done.status == 302 and str(case) not in DO_NOTHING:  # a form that says no is a 200
            assert done.events or done.accesses, f"{who}: {done}"


def test_the_walk_would_see_a_patient(world: World):
    """So that a page that is no longer recognised doesn't pass for one that shows nobody."""
    shown = [str(case) for case in CASES if of_page(world, "manager", case).tells_of_a_patient]
    told = [str(call) for call in GUARDED if of_call(world, INTEGRATION, call).tells_of_a_patient]
    assert {"GET /patients/{patient}/", BOARD, "GET /patients/{patient}/erase/", "GET /waitlist/"} <= set(shown), shown
    assert {"get patients/<int:pk>/", "get patients/", "get worklist/"} <= set(told), told


def test_the_walk_does_something(world: World):
    """So that bodies which are no longer right don't pass for writes."""
    verbs = {event.verb for case in CASES if case.method == "POST" for event in of_page(world, "manager", case).events}
    assert {"export-patients", "cancel", "waive", "start", "disable-user", "revoke-key"} <= verbs, verbs
