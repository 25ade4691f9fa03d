"""The same steps through the API: what the machine would ask of a service, as a call with a key, and the answer as
the service would have given it. Sent twice with one Idempotency-Key, the second answer must be the first's bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

import time_machine
from rest_framework.test import APIClient

from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refusal, Refused, Stale
from scheduler.models import Appointment, Course
from scheduler.services import attendance, booking, courses, undo
from tests.factories import utc
from tests.stateful import rows

Values = dict[str, Any]
_keys = count(1)
# The record of a key's use is not part of what a call changes.
NOT_COUNTED = {"ApiKey"}


@dataclass(frozen=True, slots=True)
class Call:
    center: int
    path: str
    body: Values
    version: int | None = None


def _place(values: Values) -> Call:
    body = {name: values[name].pk for name in ("chair", "patient", "protocol", "visit", "hold") if values.get(name)}
    body |= {name: values[name] for name in ("start", "minutes") if values.get(name) is not None}
    return Call(values["chair"].unit.center_id, "appointments/", body | _override(values))


def _hold(values: Values) -> Call:
    call = _place(values)
    return Call(call.center, call.path, call.body | {"hold": True})


def _override(values: Values) -> Values:
    override = values.get("override")
    return {"override": {"codes": sorted(override.codes), "reason": override.reason}} if override else {}


def _action(name: str, *fields: str) -> Callable[[Values], Call]:
    def call(values: Values) -> Call:
        row = values["appointment"]
        body = {field: values[field] for field in fields if values.get(field) is not None}
        body |= {"chair": values["chair"].pk} if "chair" in body else {}
        path = f"appointments/{row.pk}/{name}/"
        return Call(row.center_id, path, body | _override(values), values.get("version"))

    return call


def _course(name: str) -> Callable[[Values], Call]:
    def call(values: Values) -> Call:
        row = values["course"]
        body = {"reason": values["reason"]} if "reason" in values else {}
        return Call(row.center_id, f"courses/{row.pk}/{name}/", body)

    return call


def _waive(values: Values) -> Call:
    visit = values["visit"]
    return Call(visit.course.center_id, f"visits/{visit.pk}/waive/", {"reason": values["reason"]})


CALLS: dict[Callable[..., Any], Callable[[Values], Call]] = {
    booking.book: _place,
    booking.hold: _hold,
    booking.move: _action("move", "chair", "start", "accept_following"),
    booking.cancel: _action("cancel", "reason"),
    booking.reopen: _action("reopen"),
    booking.confirm: _action("confirm"),
    attendance.arrive: _action("arrive"),
    attendance.check_in: _action("check-in"),
    attendance.start: _action("start", "actual_start"),
    attendance.complete: _action("complete", "outcome", "actual_start", "reason"),
    attendance.no_show: _action("no-show"),
    undo.undo: _action("undo"),
    courses.pause: _course("pause"),
    courses.resume: _course("resume"),
    courses.discontinue: _course("discontinue"),
    courses.waive: _waive,
}


def ask(keys: dict[tuple[int, str], str], service: Callable[..., Any], *, now: datetime, **values: Any) -> Any:
    """What the service would return or raise."""
    call = CALLS[service](values)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {keys[call.center, values['actor'].role]}")
    headers = {"Idempotency-Key": f"machine-{next(_keys)}"}
    if call.version is not None:
        headers["If-Match"] = f'"{call.version}"'
    body = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in call.body.items()}

    def send() -> Any:
        return client.post(f"/api/v1/{call.path}", json.dumps(body), content_type="application/json", headers=headers)

    denied = rows.denials()
    with time_machine.travel(now, tick=False):
        answer = send()
        if answer.status_code < 300:
            written = rows.read()
            again = send()
            assert (again.status_code, again.content) == (answer.status_code, answer.content), (
                "another answer to a retry"
            )
            changed = rows.changed(written, rows.read()).keys() - NOT_COUNTED
            assert not changed, f"a retry of {call} changed {changed}"
    assert rows.denials() == denied + (answer.status_code == 403), (
        "a denial is on record, once, and nothing else is one"
    )
    said = json.loads(answer.content)
    if answer.status_code < 300:
        return _result(call, said)
    assert answer["Content-Type"] == "application/problem+json"
    assert said["status"] == answer.status_code
    raise _error(said)


def _result(call: Call, said: Values) -> Any:
    if call.path.startswith("appointments/"):
        return Appointment.objects.get(pk=said["id"])
    return Course.objects.get(pk=said["id"]) if call.path.startswith("courses/") else None


def _error(said: Values) -> Exception:
    """As the service raised it, with what a client knows of it."""
    if said["code"] == "malformed":
        return Malformed(said.get("field", ""), said["detail"])
    if said["status"] == 409:
        found = [Refusal(each["code"], each["detail"]) for each in said["refusals"]]
        places = [
            SimpleNamespace(chair=SimpleNamespace(id=each["chair"]), start=utc(each["start"]))
            for each in said["alternatives"]
        ]
        return Refused(found, alternatives=places)
    known = {403: Forbidden(said["detail"]), 404: NotFound(), 412: Stale()}
    assert said["status"] in known, f"the API answered {said}"
    return known[said["status"]]
