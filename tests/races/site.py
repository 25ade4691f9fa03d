"""A center with one large unit, for crowds: twenty chairs, nurses enough, and patients who all want the same."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from scheduler.domain.permissions import INTEGRATION, MANAGER, Actor
from scheduler.models import Patient
from scheduler.services import api_keys
from tests import factories as make
from tests.races.crowd import Answer, Caller

CHAIRS = 20

OVERLAPS = """
SELECT count(*) FROM scheduler_occupancy a JOIN scheduler_occupancy b ON a.id < b.id
 AND a.{what}_id = b.{what}_id AND a.{what}_from < b.{what}_until AND b.{what}_from < a.{what}_until
"""


class Site:
    """The clock is the real one, as in the web processes; everything is booked on weekdays weeks ahead."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.center = make.make_center()
        self.unit = make.make_day_suite(self.center, nurses=60, patients=200, acuity=500)
        self.chairs = [make.make_chair(self.unit) for _ in range(CHAIRS)]
        self.now = timezone.now()
        self.keys = {role: self._key(role) for role in (INTEGRATION, MANAGER)}

    def _key(self, role: str) -> str:
        return api_keys.issue(actor=Actor.job("test"), name=role, center_code=self.center.code, role=role, now=self.now)

    def patients(self, number: int) -> list[Patient]:
        return [make.make_patient(self.center) for _ in range(number)]

    def caller(self, number: int = 0, *, role: str = INTEGRATION) -> Caller:
        """Clients are spread over the web processes."""
        return Caller(self.ports[number % len(self.ports)], self.keys[role])

    def at(self, weekday: int, hour: int, minute: int = 0) -> datetime:
        """Local time on the so manyth weekday, counted from a Monday two weeks ahead."""
        local = self.now.astimezone(self.center.zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
        monday = local - timedelta(days=local.weekday()) + timedelta(weeks=2)  # wall clock: the hour stays
        return monday + timedelta(weeks=weekday // 5, days=weekday % 5)

    def body(self, patient: Patient, chair: int, start: datetime, minutes: int = 30) -> dict[str, object]:
        return {"patient": patient.pk, "chair": self.chairs[chair].pk, "start": text(start), "minutes": minutes}

    def book(self, caller: Caller, patient: Patient, chair: int, start: datetime, minutes: int = 30) -> Answer:
        return caller.post("appointments/", self.body(patient, chair, start, minutes))


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def overlaps(what: str) -> int:
    """Pairs of rows that take the same chair or patient at the same time, by a self-join over all that is kept."""
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPS.format(what=what))
        return int(cursor.fetchone()[0])
