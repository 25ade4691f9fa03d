"""A small clinic with a day in it, and people of every role signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from scheduler.domain import permissions
from scheduler.models import Appointment, Center, Chair, Patient, Protocol, Unit
from scheduler.services import attendance, booking
from tests import factories as make
from tests.factories import utc

NOW = utc("2026-11-24T10:42-05:00")  # a Tuesday
EARLY = utc("2026-11-16T09:00-05:00")


@dataclass
class Clinic:
    center: Center
    day: Unit
    night: Unit
    chairs: list[Chair]
    bed: Chair
    quarterly: Protocol
    rescue: Protocol
    dhe: Protocol
    actor: permissions.Actor
    clients: dict[str, Client] = field(default_factory=dict)

    def client(self, role: str = permissions.MANAGER, **user: Any) -> Client:
        """A browser in which somebody of that role is signed in."""
        if role not in self.clients or user:
            client = Client(enforce_csrf_checks=False)
            client.force_login(make.make_user(self.center, role, **user))
            if user:
                return client
            self.clients[role] = client
        return self.clients[role]

    def book(self, when: str, *, chair: int = 0, patient: Patient | None = None, **values: Any) -> Appointment:
        values.setdefault("protocol", self.rescue)
        return booking.book(
            actor=self.actor,
            chair=self.chairs[chair],
            start=utc(when),
            patient=patient or make.make_patient(self.center),
            now=EARLY,
            **values,
        )

    def arrive(self, appointment: Appointment, now: datetime = NOW) -> Appointment:
        return attendance.arrive(actor=self.actor, appointment=appointment, now=now - timedelta(minutes=5))


@pytest.fixture
def clinic(db: None, _today: None) -> Clinic:
    cache.clear()  # rows get the same ids in every test, and under a standing clock nothing expires
    return make_clinic()


def make_clinic() -> Clinic:
    center = make.make_center(name="Lakeside Center")
    day = make.make_day_suite(center, position=1)
    night = make.make_night_suite(center, position=2)
    return Clinic(
        center=center,
        day=day,
        night=night,
        chairs=[make.make_chair(day) for _ in range(3)],
        bed=make.make_bed(night),
        quarterly=make.make_quarterly(),
        rescue=make.make_rescue(),
        dhe=make.make_dhe(),
        actor=make.make_actor(center),
    )


@pytest.fixture
def stranger(db: None) -> Clinic:
    """Another center altogether."""
    center = make.make_center(name="Elsewhere")
    day = make.make_day_suite(center)
    night = make.make_night_suite(center)
    return Clinic(
        center=center,
        day=day,
        night=night,
        chairs=[make.make_chair(day)],
        bed=make.make_bed(night),
        quarterly=make.make_quarterly(code="elsewhere-quarterly", center=center),
        rescue=make.make_rescue(code="elsewhere-rescue", center=center),
        dhe=make.make_dhe(code="elsewhere-dhe", center=center),
        actor=make.make_actor(center),
    )


@pytest.fixture
def _today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def board_url(clinic: Clinic) -> Callable[..., str]:
    def url(date: str = "2026-11-24", unit: str = "day") -> str:
        return f"/board/{unit}/{date}/"

    return url
