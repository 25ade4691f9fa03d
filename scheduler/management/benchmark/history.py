"""The day schedule beside many earlier bookings: does it cost more with ten million of them than with few?

PostgreSQL only. Earlier bookings are made by the database itself (generate_series): twenty years back from the
workload's first Monday, in as many more units of 24 chairs as that takes, one in 27 of the rows in the unit measured.
Indexes are dropped and made again as they were. The two exclusion constraints are left out: no reading uses them, and
to build them on ten million rows takes longer than all the rest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from scheduler.management.benchmark import floors, servers
from scheduler.management.benchmark.calls import Call, Timed, here, over_http
from scheduler.management.benchmark.measure import API, Watch
from scheduler.management.benchmark.workload import Size, Workload, fill
from scheduler.models import Chair, Unit
from scheduler.models.backstop import CHAIR_OVERLAP, PATIENT_OVERLAP

YEARS = 20
A_DAY = 3  # earlier bookings of each chair and day, of two hours each
UNITS = 27  # 27 units of 24 chairs with 3 bookings on each of 20 years' days are 14 million
TABLES = ("scheduler_appointment", "scheduler_occupancy")

# One row for each number: chairs change fastest, so that any count spreads over all of them.
_APPOINTMENTS = """INSERT INTO scheduler_appointment (
        center_id, unit_id, chair_id, patient_id, protocol_id, start, "end", promised_wall, promised_zone,
        prep_minutes, observation_minutes, turnover_minutes, acuity, status, phase, held_by, outcome, reason,
        created_at, version)
    SELECT %(center)s, (%(units)s::bigint[])[1 + c / 24], (%(chairs)s::bigint[])[1 + c],
        (%(patients)s::bigint[])[1 + n %% %(patient_count)s], %(protocol)s, at, at + interval '2 hours',
        to_char(at AT TIME ZONE %(zone)s, 'YYYY-MM-DD"T"HH24:MI'), %(zone)s, 0, 0, 0, 1, 'fulfilled', '', '', 'given',
        '', at - interval '30 days', 5
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
    CROSS JOIN LATERAL (SELECT (n %% %(chair_count)s)::int AS c, n / %(chair_count)s AS turn) a
    CROSS JOIN LATERAL (SELECT %(until)s::timestamptz - make_interval(days => 1 + (turn %% %(days)s)::int)
        + make_interval(hours => 13 + 3 * (turn / %(days)s)::int) AS at) b"""
_OCCUPANCIES = """INSERT INTO scheduler_occupancy (
        appointment_id, chair_id, chair_from, chair_until, patient_id, patient_from, patient_until)
    SELECT id, chair_id, start, "end", patient_id, start, "end" FROM scheduler_appointment WHERE id > %(last)s"""
_INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%(tables)s)
    AND indexname NOT IN (SELECT conname FROM pg_constraint)"""


@dataclass(frozen=True, slots=True)
class Beside:
    """Milliseconds, p50 but where it says p95, beside `rows` appointments. `empty` is the empty authenticated view."""

    rows: int
    p50: float
    p95: float
    sql: float
    empty: float


def run(*, size: Size, counts: list[int], now: datetime, directory: Path, watch: Watch) -> dict[str, Any]:
    """The day schedule beside each of `counts` appointments in turn, the smallest first. Raises ValueError for more
    rows than the years hold."""
    if connection.vendor != "postgresql":
        raise ValueError("Earlier bookings are only made on PostgreSQL.")
    workload = fill(replace(size, courses=0, due=0), now)
    _without_exclusions()
    units = [workload.unit, *_more_units(workload)]
    found = []
    for turn, count in enumerate(sorted(counts)):
        watch(turn / len(counts), f"Making {count:,} appointments")
        grow(workload, units, count)
        watch((turn + 0.8) / len(counts), f"The day beside {count:,}")
        found.append(asdict(_measured(workload, size, directory)))
    return {"history": found}


def grow(workload: Workload, units: list[Unit], count: int) -> None:
    """Earlier bookings until there are `count` appointments, in batches of a million, with all indexes."""
    with connection.cursor() as cursor:
        present, last = _appointments(cursor)
        days, chairs = YEARS * 365, [chair.pk for unit in units for chair in unit.chairs.all()]
        if count - workload.booked > days * len(chairs) * A_DAY:
            raise ValueError(f"{count:,} appointments don't fit in {YEARS} years of {len(chairs)} chairs.")
        patients = list(workload.center.registrations.values_list("patient_id", flat=True))
        given: dict[str, Any] = {
            "center": workload.center.pk, "units": [unit.pk for unit in units], "chairs": chairs, "days": days,
            "chair_count": len(chairs), "patients": patients, "patient_count": len(patients), "tables": list(TABLES),
            "protocol": workload.protocol.pk, "zone": workload.center.time_zone, "until": workload.at(0),
        }  # fmt: skip
        cursor.execute(_INDEXES, given)
        indexes = cursor.fetchall()
        cursor.execute("SET session_replication_role = replica")  # each foreign key would be looked up
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for first in range(present - workload.booked, count - workload.booked, 1_000_000):
            until = min(first + 1_000_000, count - workload.booked) - 1
            cursor.execute(_APPOINTMENTS, {**given, "first": first, "last": until})
        cursor.execute(_OCCUPANCIES, {"last": last})
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


def _measured(workload: Workload, size: Size, directory: Path) -> Beside:
    """With a web process of its own, which has planned nothing yet."""
    port = servers.free_port()
    web = servers.web(port, directory / "web.log", {"PORT": str(port), "API_RATE": "off"})
    day = Call("GET", f"{API}/schedule/?unit={workload.unit.pk}&date={workload.monday}")
    try:
        over_http(port, workload.key, [day] * 20)
        # In turns, so that whatever else the machine does falls on both.
        took = over_http(port, workload.key, [Call("GET", f"{API}/centers/"), day] * size.calls).only(200).took
    finally:
        web.stop()
    with connection.cursor() as cursor:
        count, _last = _appointments(cursor)
    empty, timed = Timed(took[::2], [], 0), Timed(took[1::2], [], 0)
    return Beside(count, timed.p50, timed.p95, here(floors.day(workload), size.calls).p50, empty.p50)


def _appointments(cursor: Any) -> tuple[int, int]:
    """How many there are, and the highest id."""
    cursor.execute("SELECT count(*), COALESCE(max(id), 0) FROM scheduler_appointment")
    count, last = cursor.fetchone()
    return int(count), int(last)


def _without_exclusions() -> None:
    with connection.cursor() as cursor:
        for name in (CHAIR_OVERLAP, PATIENT_OVERLAP):
            cursor.execute(f"ALTER TABLE scheduler_occupancy DROP CONSTRAINT {name}")


def _more_units(workload: Workload) -> list[Unit]:
    units = [
        Unit.objects.create(center=workload.center, code=f"more-{number}", name=f"More {number}")
        for number in range(1, UNITS)
    ]
    Chair.objects.bulk_create(
        Chair(unit=unit, name=f"{number:02}", position=number) for unit in units for number in range(24)
    )
    return units
