"""The set-up that the machine plays in, once as rows and once as the oracle knows it.

Two centers share their patients: one has a day suite and a suite that never closes, the other a single room in another
time zone. Few chairs and few nurses, so that whatever is asked for has a good chance to clash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.domain.permissions import FRONT_DESK, MANAGER, Actor
from scheduler.models import Center, Chair, Nurse, Patient, Protocol, Unit
from scheduler.services import api_keys
from tests import factories as make
from tests.factories import utc

# Zone of the center, zone of the other one, and a Friday morning two days before the clocks change in 2027.
SCENES = (
    ("America/New_York", "Australia/Lord_Howe", "2027-03-12T09:00-05:00"),
    ("America/New_York", "Australia/Lord_Howe", "2027-11-05T09:00-04:00"),
    ("Australia/Lord_Howe", "America/New_York", "2027-04-02T09:00+11:00"),
    ("Australia/Lord_Howe", "America/New_York", "2027-10-01T09:00+10:30"),
)
REMINDER_DAYS = (3, 1)
REMINDER_MINUTE = 600
_scene_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` of `counts` ("doses" or "mg") start within any `minutes`."""

    counts: str
    limit: Decimal
    minutes: int
    attestable: bool


@dataclass(frozen=True, slots=True)
class Therapy:
    """What the oracle knows of a protocol version. Days or minutes as in `counts_in`; `every` is (number, unit)."""

    code: str
    minutes: int
    prep: int = 0
    first_prep: int | None = None
    observation: int = 0
    turnover: int = 0
    acuity: int = 1
    first_acuity: int | None = None
    needs_bed: bool = False
    substance: str = ""
    mg: Decimal = Decimal(0)
    counts_in: str = "days"
    window: tuple[int, int] = (0, 0)
    gap: int = 0
    caps: tuple[Cap, ...] = ()
    every: tuple[int, str] | None = None
    within_day: tuple[int, ...] = (0,)
    keeps_chair: bool = False


QUARTERLY = Therapy(
    "quarterly", 30, substance="eptinezumab", mg=Decimal(100), window=(5, 7), gap=84, every=(3, "months")
)
QUARTERLY_2 = Therapy(
    "quarterly", 45, substance="eptinezumab", mg=Decimal(100), window=(3, 4), gap=80, every=(3, "months")
)
WEEKLY = Therapy(
    "weekly", 60, prep=10, observation=15, turnover=5, acuity=2, substance="magnesium", mg=Decimal(2000),
    window=(1, 1), gap=6, every=(1, "weeks"), caps=(Cap("mg", Decimal(6000), 16 * 24 * 60, False),),
)  # fmt: skip
DHE = Therapy(
    "dhe-q8h", 60, prep=35, first_prep=60, observation=30, acuity=3, first_acuity=4, needs_bed=True,
    substance="dihydroergotamine", mg=Decimal("0.5"), counts_in="minutes", window=(60, 60), gap=420,
    caps=(Cap("doses", Decimal(3), 1380, False), Cap("mg", Decimal(2), 1440, True)),
    every=(8, "hours"), keeps_chair=True,
)  # fmt: skip
RESCUE = Therapy("rescue", 75, prep=20, observation=30, turnover=10, acuity=2, window=(2, 2))


def plain(minutes: int) -> Therapy:
    """A booking of so many minutes, without a protocol."""
    return Therapy("", minutes)


@dataclass(frozen=True, slots=True)
class Staff:
    """What nurses can watch together over `[start, end)`."""

    start: datetime
    end: datetime
    nurses: int
    patients: int
    acuity: int


@dataclass(slots=True)
class Place:
    """A unit as the oracle knows it. `hours` are wall-clock minutes `[opens, closes)` by weekday."""

    center: int
    zone: ZoneInfo
    hours: dict[int, tuple[int, int]]
    pattern: tuple[int, int, int]  # nurses, patients, acuity
    closed: list[tuple[datetime, datetime, int | None]] = field(default_factory=list)  # chair, or None: all of it
    extra: list[tuple[datetime, datetime]] = field(default_factory=list)
    published: set[Any] = field(default_factory=set)  # local dates
    shifts: dict[int, Staff] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """Rows for the services; plain values for the oracle."""

    now: datetime
    centers: list[Center]
    units: dict[int, Unit]
    chairs: dict[int, Chair]
    beds: frozenset[int]
    patients: list[Patient]
    protocols: dict[str, Protocol]
    therapies: dict[int, Therapy]
    nurses: list[Nurse]
    manager: Actor
    desk: Actor
    away: Actor
    places: dict[int, Place]
    keys: dict[tuple[int, str], str]  # of the API, by center and role

    @property
    def zones(self) -> dict[int, ZoneInfo]:
        return {center.pk: ZoneInfo(center.time_zone) for center in self.centers}

    def place_of(self, chair: int) -> Place:
        return self.places[self.chairs[chair].unit_id]


def build(zone: str, other_zone: str, now: str) -> World:
    """The rows of one scene. Every scene has its own centers, so that several can stand in one database."""
    number = next(_scene_numbers)
    center = make.make_center(code=f"scene-{number}", time_zone=zone, reminder_days=list(REMINDER_DAYS))
    other = make.make_center(code=f"scene-{number}-other", time_zone=other_zone, reminder_days=list(REMINDER_DAYS))
    day = make.make_unit(
        center, name="Day suite", code="day", days=range(6), opens=480, closes=1080, nurses=2, patients=3, acuity=6
    )
    night = make.make_night_suite(center, nurses=2, patients=3, acuity=8)
    room = make.make_unit(other, name="Room", code="room", days=range(7), opens=480, closes=1200, nurses=1, patients=1)
    rows = [make.make_chair(day), make.make_chair(day), make.make_bed(day)]
    rows += [make.make_bed(night), make.make_bed(night), make.make_bed(room)]
    patients = [make.make_patient(center, mrn=f"{number}-{n}") for n in range(3)]
    for patient in patients:
        patient.registrations.create(center=other, mrn=f"{number}-{patient.pk}")
    protocols = {
        "quarterly": _row(QUARTERLY, number, default_doses=3, may_be_open_ended=True),
        "quarterly-2": _row(QUARTERLY_2, number, version=2, default_doses=3, may_be_open_ended=True),
        "weekly": _row(WEEKLY, number, default_doses=3),
        "dhe": _row(DHE, number, doses=[3, 4]),
        "rescue": _row(RESCUE, number, default_doses=1),
    }
    known = {"quarterly": QUARTERLY, "quarterly-2": QUARTERLY_2, "weekly": WEEKLY, "dhe": DHE, "rescue": RESCUE}
    hours = {day.pk: (range(6), 480, 1080), night.pk: (range(7), 0, 1440), room.pk: (range(7), 480, 1200)}
    patterns = {day.pk: (2, 3, 6), night.pk: (2, 3, 8), room.pk: (1, 1, 80)}
    units = {unit.pk: unit for unit in (day, night, room)}
    return World(
        now=utc(now),
        centers=[center, other],
        units=units,
        chairs={chair.pk: chair for chair in rows},
        beds=frozenset(chair.pk for chair in rows if chair.kind == "bed"),
        patients=patients,
        protocols=protocols,
        therapies={protocols[name].pk: therapy for name, therapy in known.items()},
        nurses=[Nurse.objects.create(center=center, name=f"Nurse {n}") for n in range(2)],
        manager=make.make_actor(center),
        desk=make.make_actor(center, FRONT_DESK),
        away=make.make_actor(other),
        places={
            pk: Place(
                center=unit.center_id,
                zone=ZoneInfo(unit.center.time_zone),
                hours=dict.fromkeys(hours[pk][0], hours[pk][1:]),
                pattern=patterns[pk],
            )
            for pk, unit in units.items()
        },
        keys={
            (row.pk, role): api_keys.issue(
                actor=Actor.job("test"), name=role, center_code=row.code, role=role, now=utc(now) - timedelta(days=1)
            )
            for row in (center, other)
            for role in (MANAGER, FRONT_DESK)
        },
    )


def _row(therapy: Therapy, number: int, *, version: int = 1, **values: Any) -> Protocol:
    """The same therapy as the service is told about it."""
    every, unit = therapy.every or (1, "months")
    kinds = {"months": "calendar", "weeks": "calendar", "hours": "elapsed"}
    return Protocol.objects.create(
        code=f"{therapy.code}-{number}",
        version=version,
        name=therapy.code,
        short_name=therapy.code,
        abbreviation=therapy.code[:3],
        published_at=make.NOW - timedelta(days=1),
        cadence_kind="once" if therapy.every is None else kinds[unit],
        cadence_every=every,
        cadence_unit=unit,
        visit_minutes=therapy.minutes,
        prep_minutes=therapy.prep,
        observation_minutes=therapy.observation,
        turnover_minutes=therapy.turnover,
        first_visits=1 if therapy.first_prep is not None else 0,
        first_prep_minutes=therapy.first_prep,
        counts_in=therapy.counts_in,
        window_before=therapy.window[0],
        window_after=therapy.window[1],
        tolerance_before=therapy.window[0],
        tolerance_after=therapy.window[1],
        min_interval=therapy.gap,
        caps=[
            {"counts": c.counts, "limit": str(c.limit), "within_minutes": c.minutes, "attestable": c.attestable}
            for c in therapy.caps
        ],
        substance=therapy.substance,
        dose_mg=therapy.mg or None,
        acuity=therapy.acuity,
        first_acuity=therapy.first_acuity,
        needs_bed=therapy.needs_bed,
        keeps_chair=therapy.keeps_chair,
        **values,
    )
