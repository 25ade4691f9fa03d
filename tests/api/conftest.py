"""A center at 10:00 on Mon 16 Nov 2026 in New York, and clients who hold keys there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from scheduler.domain.permissions import FRONT_DESK, MANAGER, Actor
from scheduler.models import Center, Unit
from scheduler.services import api_keys
from tests import factories as make
from tests.factories import NOW

API = "/api/v1"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def later(clock: Any) -> Callable[[timedelta], None]:
    return lambda by: clock.shift(by)


class Client(APIClient):
    """Paths without the API's own prefix; bodies are JSON, in ASCII so that any text can be sent."""

    def _encode_data(self, data: Any, format: str | None = None, content_type: str | None = None) -> Any:
        if data is not None and format is None and content_type is None:
            return json.dumps(data).encode(), "application/json"
        return super()._encode_data(data, format, content_type)

    def generic(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        return super().generic(method, path if path.startswith("/api/") else API + path, *args, **kwargs)


def client_of(center: Center, role: str = FRONT_DESK, scopes: Iterable[str] | None = None) -> Client:
    key = api_keys.issue(
        actor=Actor.job("test"),
        name=f"Test {role}",
        center_code=center.code,
        role=role,
        scopes=scopes,
        now=NOW - timedelta(days=1),
    )
    client = Client()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


@pytest.fixture
def center(db: None) -> Center:
    return make.make_center()


@pytest.fixture
def day_suite(center: Center) -> Unit:
    unit = make.make_day_suite(center)
    for _ in range(3):
        make.make_chair(unit)
    make.make_bed(unit)
    make.make_closure(center, "2027-05-31T00:00-04:00", "2027-06-01T00:00-04:00", unit=unit, reason="Memorial Day")
    return unit


@pytest.fixture
def night_suite(center: Center) -> Unit:
    unit = make.make_night_suite(center)
    for _ in range(2):
        make.make_bed(unit)
    return unit


@pytest.fixture
def desk(center: Center) -> Client:
    return client_of(center)


@pytest.fixture
def manager(center: Center) -> Client:
    return client_of(center, MANAGER)


@pytest.fixture
def stranger(db: None) -> Client:
    """A manager of another center."""
    return client_of(make.make_center(), MANAGER)


@pytest.fixture
def booked(center: Center, day_suite: Unit, desk: Client) -> dict[str, Any]:
    """A thirty-minute booking today at 11:00, as the API answered."""
    body = {
        "patient": make.make_patient(center).pk,
        "chair": day_suite.chairs.first().pk,
        "start": "2026-11-16T11:00-05:00",
        "minutes": 30,
    }
    response = desk.post("/appointments/", body)
    assert response.status_code == 201, response.json()
    return response.json()
