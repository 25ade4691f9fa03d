"""What the same rows cost without the service: raw SQL on one open connection, fetched and thrown away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from django.db import connection, transaction

from scheduler.management.benchmark.workload import VISIT_MINUTES, Place, Workload

_TAKEN = """SELECT o.chair_id, o.chair_from, o.chair_until FROM scheduler_occupancy o JOIN scheduler_chair c
    ON c.id = o.chair_id WHERE c.unit_id = %s AND o.chair_until > %s AND o.chair_from < %s"""
_WATCHED = """SELECT id, start, "end", prep_minutes, observation_minutes, acuity FROM scheduler_appointment
    WHERE unit_id = %s AND start > %s AND start < %s"""
_DAY = """SELECT a.*, p.first_name, p.last_name FROM scheduler_appointment a
    JOIN scheduler_patient p ON p.id = a.patient_id WHERE a.unit_id = %s AND a.start >= %s AND a.start < %s"""


def _rows(sql: str, *values: int | datetime) -> Callable[[], None]:
    def read() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            cursor.fetchall()

    return read


def search(workload: Workload, start: datetime, end: datetime) -> Callable[[], None]:
    taken = _rows(_TAKEN, workload.unit.pk, start, end)
    watched = _rows(_WATCHED, workload.unit.pk, start, end)

    def read() -> None:
        taken()
        watched()

    return read


def day(workload: Workload) -> Callable[[], None]:
    return _rows(_DAY, workload.unit.pk, workload.at(0), workload.at(1))


def booking(workload: Workload, places: list[Place]) -> Callable[[], None]:
    """One transaction with the booking's two rows, at the next of `places`; no lock, no rule, no record."""
    waiting = iter(places)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM scheduler_appointment ORDER BY id LIMIT 1")
        names = [column[0] for column in cursor.description]
        like = dict(zip(names, cursor.fetchone(), strict=True))
        cursor.execute("SELECT max(id) FROM scheduler_appointment")
        ids = count(cursor.fetchone()[0] + 1_000_000)
    columns = ", ".join(f'"{name}"' for name in names)
    insert = f"INSERT INTO scheduler_appointment ({columns}) VALUES ({', '.join(['%s'] * len(names))})"

    def write() -> None:
        place = next(waiting)
        end = place.start + timedelta(minutes=VISIT_MINUTES)
        row = like | {"id": next(ids), "chair_id": place.chair, "patient_id": place.patient}
        row |= {"start": place.start, "end": end}
        times = [place.start, end]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(insert, list(row.values()))
            cursor.execute(
                "INSERT INTO scheduler_occupancy (appointment_id, chair_id, chair_from, chair_until, patient_id, "
                "patient_from, patient_until) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [row["id"], place.chair, *times, place.patient, *times],
            )

    return write
