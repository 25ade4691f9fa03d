"""The workload, the same at every run: a unit of 24 chairs, 13 weeks about half full, 400 patients.

Rows are written in bulk, without the services: they are what earlier bookings left. Measured bookings go over HTTP.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from scheduler.domain import localtime, permissions
from scheduler.domain.permissions import Actor
from scheduler.models import (
    Appointment,
    Center,
    Chair,
    Contact,
    Membership,
    Occupancy,
    OpeningHours,
    Patient,
    Protocol,
    Registration,
    StaffingPattern,
    Unit,
    UnitDay,
)
from scheduler.services import api_keys

OPENS, CLOSES, STEP = 8 * 60, 18 * 60, 15  # minutes of the local day
LENGTHS, WEIGHTS = (30, 60, 90, 120, 180, 240), (20, 25, 15, 20, 12, 8)
NURSES = 8  # as many starts fit in each quarter hour
VISIT_MINUTES = 30  # of a measured booking


@dataclass(frozen=True, slots=True)
class Size:
    """How much is filled and measured. `calls` are those of each search and reading."""

    weeks: int
    bookings_a_day: int
    patients: int
    calls: int
    bookings: int
    courses: int
    due: int


FULL = Size(weeks=13, bookings_a_day=75, patients=400, calls=200, bookings=400, courses=10_000, due=1_000)
QUICK = Size(weeks=13, bookings_a_day=75, patients=400, calls=40, bookings=120, courses=500, due=50)
TINY = Size(weeks=2, bookings_a_day=10, patients=60, calls=2, bookings=16, courses=3, due=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A free place for one measured booking, that no other of them takes."""

    chair: int
    patient: int
    start: datetime


@dataclass(frozen=True, slots=True)
class Workload:
    center: Center
    unit: Unit
    protocol: Protocol
    monday: date
    key: str
    session: str
    places: list[Place]
    booked: int

    def at(self, day: int, minute: int = 0) -> datetime:
        """The wall-clock minute, so many days after the first Monday, in UTC."""
        return localtime.at(self.monday + timedelta(days=day), minute, self.center.zone)

    def local_date(self, moment: datetime) -> date:
        return localtime.local_date(moment, self.center.zone)


def fill(size: Size, now: datetime) -> Workload:
    center = Center.objects.create(
        code="bench", name="Bench", mail_name="Bench", time_zone="America/New_York", phone="555", reminder_days=[3, 1]
    )
    unit = Unit.objects.create(center=center, code="day", name="Day unit")
    chairs = Chair.objects.bulk_create(Chair(unit=unit, name=f"{number:02}", position=number) for number in range(24))
    for weekday in range(5):
        OpeningHours.objects.create(unit=unit, weekday=weekday, opens=OPENS, closes=CLOSES)
        StaffingPattern.objects.create(
            unit=unit, weekday=weekday, opens=OPENS, closes=CLOSES, nurses=NURSES, patients=32, acuity=64
        )
    protocol = Protocol.objects.create(
        code="bench", name="Bench", short_name="Bench", abbreviation="B", cadence_kind="calendar", cadence_every=3,
        visit_minutes=VISIT_MINUTES, substance="bench", dose_mg=100, min_interval=1, window_before=7, window_after=7,
        counts_in="days", caps=[], published_at=now,
    )  # fmt: skip
    patients = _patients(center, size.patients, now)
    today = localtime.local_date(now, center.zone)
    monday = today + timedelta(days=7 - today.weekday())
    dice = random.Random(3)
    days = [monday + timedelta(days=7 * week + day) for week in range(size.weeks) for day in range(5)]
    rows: list[Appointment] = []
    places: list[list[Place]] = []
    for day in days:
        booked, free = _day(day, unit, chairs, patients, protocol, size, dice, now)
        rows += booked
        places.append(free)
    _write(rows)
    UnitDay.objects.bulk_create(UnitDay(unit=unit, date=day) for day in days)
    key = api_keys.issue(
        actor=Actor(who="command:benchmark", role="operator", center_id=None),
        name="benchmark", center_code="bench", role=permissions.MANAGER, now=now,
    )  # fmt: skip
    session = _signed_in(center)
    # Day by day in turn: the bookings of several clients seldom meet on one day, as a day's load does not.
    spread = [free[turn] for turn in range(max(map(len, places))) for free in places if turn < len(free)]
    return Workload(center, unit, protocol, monday, key, session, spread, len(rows))


def _signed_in(center: Center) -> str:
    """The session of somebody at the desk."""
    person = get_user_model().objects.create_user("benchmark")
    Membership.objects.create(user=person, center=center, role=permissions.FRONT_DESK)
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _patients(center: Center, count: int, now: datetime) -> list[Patient]:
    made = Patient.objects.bulk_create(
        Patient(
            first_name=f"First{number}", last_name=f"Last{number}", search_text=f"first{number} last{number}",
            birth_date=date(1980, 1, 1), created_at=now,
        )
        for number in range(count)
    )  # fmt: skip
    Registration.objects.bulk_create(Registration(center=center, patient=each, mrn=f"M{each.pk}") for each in made)
    Contact.objects.bulk_create(
        Contact(patient=each, email=f"p{each.pk}@example.org", is_primary=True) for each in made
    )
    return made


def _day(
    day: date,
    unit: Unit,
    chairs: list[Chair],
    patients: list[Patient],
    protocol: Protocol,
    size: Size,
    dice: random.Random,
    now: datetime,
) -> tuple[list[Appointment], list[Place]]:
    """The bookings of one day, and what is left free after them for measured bookings, each with its own patient."""
    zone = unit.center.zone
    midnight = localtime.at(day, 0, zone)
    free = {chair.pk: set(range(OPENS, CLOSES, STEP)) for chair in chairs}
    starts: dict[int, int] = defaultdict(int)
    order = dice.sample(patients, len(patients))
    rows: list[Appointment] = []

    def take(minutes: int) -> tuple[Chair, int] | None:
        for _ in range(40):
            chair, start = dice.choice(chairs), dice.randrange(OPENS, CLOSES - minutes + 1, STEP)
            wanted = set(range(start, start + minutes, STEP))
            if wanted <= free[chair.pk] and starts[start] < NURSES:
                free[chair.pk] -= wanted
                starts[start] += 1
                return chair, start
        return None

    for minutes in dice.choices(LENGTHS, WEIGHTS, k=size.bookings_a_day):
        if (found := take(minutes)) is None:
            continue
        chair, minute = found
        start = midnight + timedelta(minutes=minute)
        rows.append(
            Appointment(
                center=unit.center, unit=unit, chair=chair, patient=order.pop(), protocol=protocol, start=start,
                end=start + timedelta(minutes=minutes), promised_zone=zone.key, created_at=now,
                promised_wall=f"{start.astimezone(zone):%Y-%m-%dT%H:%M}",
            )
        )  # fmt: skip
    places: list[Place] = []
    while len(places) < 20 and (found := take(VISIT_MINUTES)) is not None:
        chair, minute = found
        places.append(Place(chair.pk, order.pop().pk, midnight + timedelta(minutes=minute)))
    return rows, places


def _write(rows: list[Appointment]) -> None:
    Appointment.objects.bulk_create(rows, batch_size=500)
    Occupancy.objects.bulk_create(
        (
            Occupancy(
                appointment=row, chair_id=row.chair_id, chair_from=row.start, chair_until=row.end,
                patient_id=row.patient_id, patient_from=row.start, patient_until=row.end,
            )
            for row in rows
        ),
        batch_size=500,
    )  # fmt: skip
