"""The demo clinic's set-up: places, hours, nurses, people, sign-ins, as fixtures/demo_clinic.json has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from scheduler.domain import localtime
from scheduler.domain.permissions import Actor
from scheduler.management.demo.holidays import holidays
from scheduler.management.demo_accounts import demo_sign_ins
from scheduler.models import (
    Center,
    Chair,
    Closure,
    Membership,
    Nurse,
    OpeningHours,
    Patient,
    Protocol,
    StaffingPattern,
    Unit,
)
from scheduler.services.patients import ContactFacts, create_patient

FILE = Path(settings.BASE_DIR) / "fixtures" / "demo_clinic.json"
YEARS_BACK, YEARS_AHEAD = 1, 3  # of public holidays: the past that is played, and the farthest a visit may be booked

# user name -> who signs in with it
PEOPLE = {
    "front-desk": ("Mara", "Quist"),
    "nurse": ("Dana", "Amari"),
    "manager": ("Noel", "Ferris"),
    "auditor": ("Ruth", "Palmer"),
    "wall": ("Wall", "Screen"),
}


@dataclass(frozen=True, slots=True)
class Clinic:
    """What the players need to know of the place."""

    center: Center
    units: Mapping[str, Unit]
    protocols: Mapping[str, Protocol]
    patients: tuple[Patient, ...]
    desk: Actor
    nurse: Actor
    closed_days: frozenset[date]

    def day_is_open(self, day: date) -> bool:
        """Whether the day suite takes patients on that date."""
        return day.weekday() < 5 and day not in self.closed_days

    def open_day(self, day: date, step: int = 1) -> date:
        """The date itself, or the next one (before it, for a negative step) on which the day suite is open."""
        while not self.day_is_open(day):
            day += timedelta(days=1 if step > 0 else -1)
        return day

    def at(self, day: date, minute: int) -> datetime:
        """The wall-clock minute of that local day, in UTC."""
        return localtime.at(day, minute, self.center.zone)

    def day_of(self, moment: datetime) -> date:
        return localtime.local_date(moment, self.center.zone)


def read() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def set_up(*, plan: Mapping[str, Any], now: datetime) -> Clinic:
    """Write the set-up. The protocol library must be there."""
    center = Center.objects.create(**plan["center"])
    today = localtime.local_date(now, center.zone)
    closed = holidays(today.year - YEARS_BACK, today.year + YEARS_AHEAD)
    units = {row["code"]: _unit(center, row, number, closed, today) for number, row in enumerate(plan["units"])}
    for row in plan["nurses"].values():
        Nurse.objects.bulk_create([Nurse(center=center, name=name) for name in row["names"]])
    actors = _sign_ins(center)
    registered = now - timedelta(days=420)
    return Clinic(
        center=center,
        units=units,
        protocols={row.code: row for row in Protocol.objects.filter(center=None).order_by("version")},
        patients=tuple(_patient(center, row, actors["front-desk"], registered) for row in plan["patients"]),
        desk=actors["front-desk"],
        nurse=actors["nurse"],
        closed_days=frozenset(closed),
    )


def _unit(center: Center, row: Mapping[str, Any], position: int, closed: Mapping[date, str], today: date) -> Unit:
    unit = Unit.objects.create(center=center, code=row["code"], name=row["name"], position=position)
    names = [(name, group["kind"]) for group in row["chairs"] for name in group["names"]]
    Chair.objects.bulk_create(
        [Chair(unit=unit, name=name, kind=kind, position=place) for place, (name, kind) in enumerate(names, start=1)]
    )
    OpeningHours.objects.bulk_create(
        [
            OpeningHours(unit=unit, weekday=weekday, opens=row["opens"], closes=row["closes"])
            for weekday in row["weekdays"]
        ]
    )
    StaffingPattern.objects.bulk_create(
        [
            StaffingPattern(
                unit=unit, weekday=weekday, opens=opens, closes=closes, nurses=nurses, patients=patients, acuity=acuity
            )
            for weekday in row["weekdays"]
            for opens, closes, nurses, patients, acuity in row["patterns"]
        ]
    )
    closures: list[tuple[date, date, str, Chair | None]] = []
    if row["keeps_holidays"]:
        closures += [(day, day + timedelta(days=1), name, None) for day, name in closed.items()]
    if repair := row.get("out_of_service"):
        chair = unit.chairs.get(name=repair["chair"])
        closures.append((today - timedelta(days=1), today + timedelta(days=2), repair["reason"], chair))
    Closure.objects.bulk_create(
        [
            Closure(
                center=center,
                unit=unit,
                chair=chair,
                starts_at=localtime.at(first, 0, center.zone),
                ends_at=localtime.at(end, 0, center.zone),
                reason=reason,
            )
            for first, end, reason, chair in closures
        ]
    )
    return unit


def _patient(center: Center, row: Mapping[str, Any], actor: Actor, now: datetime) -> Patient:
    facts = dict(row)
    contacts = [ContactFacts(**contact) for contact in facts.pop("contacts")]
    born = date.fromisoformat(facts.pop("birth_date"))
    return create_patient(actor=actor, center=center, birth_date=born, contacts=contacts, now=now, **facts)


def _sign_ins(center: Center) -> dict[str, Actor]:
    """A user for each role, and who acts in the past that is played. A user name that is taken stays as it is."""
    actors: dict[str, Actor] = {}
    User = get_user_model()
    hashed = ""
    for name, role, password in demo_sign_ins():
        first, last = PEOPLE[name]
        user, is_new = User.objects.get_or_create(
            username=name, defaults={"first_name": first, "last_name": last, "is_staff": role == "manager"}
        )
        if is_new:
            hashed = hashed or make_password(password)
            user.password = hashed
            user.save(update_fields=["password"])
            Membership.objects.create(center=center, user=user, role=role)
            Nurse.objects.filter(center=center, name=f"{first} {last}").update(user=user)
        actors[role] = Actor(who=f"user:{user.pk}", role=role, center_id=center.pk, label=f"{first} {last}")
    return actors
