"""The web process is killed between commit and answer: the retry gets the answer that was lost, and books nothing."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, IdempotencyKey
from scheduler.services import api_keys
from tests import factories as make
from tests.support.waiting import wait_for


def test_a_killed_web_process_loses_no_answer(
    web_server: Callable[..., Any], rounds: Callable[[int, int], int]
) -> None:
    center = make.make_center()
    unit = make.make_day_suite(center, nurses=60, patients=200, acuity=500)
    now = timezone.now()
    secret = api_keys.issue(actor=Actor.job("test"), name="EHR", center_code=center.code, role="integration", now=now)
    local = now.astimezone(center.zone)
    monday = (local + timedelta(days=14 - local.weekday())).replace(hour=10, minute=0)
    for number in range(1, rounds(2, 30) + 1):
        body = {"patient": make.make_patient(center).pk, "chair": make.make_chair(unit).pk, "minutes": 30}
        body |= {"start": monday.isoformat(timespec="minutes")}
        headers = {
            "Authorization": f"Bearer {secret}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"key-{number}",
        }
        server = web_server()
        asked = _ask(server.port, body, headers)  # and the answer is never read
        kept = wait_for(lambda key=f"key-{number}": IdempotencyKey.objects.filter(key=key).first(), 20)
        server.kill()
        asked.close()
        again = web_server()
        answer = _ask(again.port, body, headers).getresponse()
        assert (answer.status, answer.read()) == (201, bytes(kept.body))
        assert Appointment.objects.count() == number
        again.kill()


def _ask(port: int, body: dict[str, Any], headers: dict[str, str]) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/api/v1/appointments/", json.dumps(body), headers)
    return connection
