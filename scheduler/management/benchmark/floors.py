"""What the same rows cost without the service: raw SQL on one open connection, fetched and thrown away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from scheduler.management.benchmark.workload import VISIT_MINUTES, Place, Workload
from scheduler.models import Access, Appointment, Event, LedgerEntry, Occupancy, UnitDay
from scheduler.queries import raw

_TAKEN = """SELECT o.chair_id, o.chair_from, o.chair_until FROM scheduler_occupancy o JOIN scheduler_chair c
    ON c.id = o.chair_id WHERE c.unit_id = %(unit)s AND o.chair_until > %(first)s AND o.chair_from < %(last)s"""
_WATCHED = """SELECT id, start, "end", prep_minutes, observation_minutes, acuity FROM scheduler_appointment
    WHERE unit_id = %(unit)s AND start > %(first)s AND start < %(last)s"""
_DAY = """SELECT a.*, p.first_name, p.last_name FROM scheduler_appointment a JOIN scheduler_patient p
    ON p.id = a.patient_id WHERE a.unit_id = %(unit)s AND a.start >= %(first)s AND a.start < %(last)s"""

# What a booking may write: rows that are new after one are its rows. Appointments go first, others point to them.
_WRITTEN = (Appointment, Occupancy, LedgerEntry, Event, Access)
_BUMP = "UPDATE scheduler_unitday SET version = version + 1 WHERE unit_id = %s AND date = %s"

Row = dict[str, Any]


def search(workload: Workload, start: datetime, end: datetime) -> Callable[[], None]:
    given = {"unit": workload.unit.pk, "first": start, "last": end}

    def read() -> None:
        raw.rows(_TAKEN, given)
        raw.rows(_WATCHED, given)

    return read


def day(workload: Workload) -> Callable[[], None]:
    given = {"unit": workload.unit.pk, "first": workload.at(0), "last": workload.at(1)}

    def read() -> None:
        raw.rows(_DAY, given)

    return read


@dataclass(frozen=True, slots=True)
class Written:
    """What one booking wrote: its rows by table, as the database gives them, its place, and how many days it bumped."""

    rows: Mapping[str, list[Row]]
    place: Place
    bumped: int

    def __str__(self) -> str:
        names = {table.removeprefix("scheduler_"): len(rows) for table, rows in self.rows.items() if rows}
        return ", ".join(
            f"{number} {name}" for name, number in [*names.items(), ("bump of the unit's day", self.bumped)]
        )


def written_by(book: Callable[[], Any], place: Place) -> tuple[Written, Any]:
    """Runs `book`, which books `place`; what it wrote, and what it returned."""
    before = {model: _last_id(model._meta.db_table) for model in _WRITTEN}
    versions = _versions()
    said = book()
    rows = {model._meta.db_table: _rows_after(model._meta.db_table, last) for model, last in before.items()}
    return Written(rows, place, sum(_versions()) - sum(versions)), said


def booking(workload: Workload, like: Written, places: list[Place]) -> Callable[[], None]:
    """One transaction with the rows that a booking writes, at the next of `places`; no lock, no rule, no reading."""
    waiting = iter(places)
    statements = {table: _insert(table, rows[0]) for table, rows in like.rows.items() if rows}

    def write() -> None:
        place = next(waiting)
        day = connection.ops.adapt_datefield_value(workload.local_date(place.start))
        with transaction.atomic(), connection.cursor() as cursor:
            appointment = None
            for table, sql in statements.items():
                for row in like.rows[table]:
                    cursor.execute(sql, _values(_elsewhere(row, place, appointment)))
                    (made,) = cursor.fetchone()
                    appointment = appointment or made
            for _ in range(like.bumped):
                cursor.execute(_BUMP, [workload.unit.pk, day])

    return write


def _elsewhere(row: Row, place: Place, appointment: int | None) -> Row:
    """The row for another place. Its moments are those of the new place, where they are the booking's times."""
    end = place.start + timedelta(minutes=VISIT_MINUTES)
    new = {
        "chair_id": place.chair, "patient_id": place.patient, "appointment_id": appointment,
        "subject_id": appointment, "appointment_start": place.start, "start": place.start, "end": end,
        "chair_from": place.start, "chair_until": end, "patient_from": place.start, "patient_until": end,
    }  # fmt: skip
    return row | {name: value for name, value in new.items() if row.get(name) is not None}


def _insert(table: str, row: Row) -> str:
    columns = ", ".join(f'"{name}"' for name in row)
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join(['%s'] * len(row))}) RETURNING id"


def _values(row: Row) -> list[Any]:
    # As Django keeps moments. The driver's own text of them sorts differently on SQLite, where text is compared.
    adapt = connection.ops.adapt_datetimefield_value
    return [adapt(value) if isinstance(value, datetime) else value for value in row.values()]


def _rows_after(table: str, last: int) -> list[Row]:
    """The rows with a higher id, without it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} WHERE id > %s ORDER BY id", [last])
        names = [column[0] for column in cursor.description]
        return [
            {name: value for name, value in zip(names, row, strict=True) if name != "id"} for row in cursor.fetchall()
        ]


def _last_id(table: str) -> int:
    return int(raw.rows(f"SELECT COALESCE(max(id), 0) FROM {table}", {})[0][0])


def _versions() -> list[int]:
    return list(UnitDay.objects.values_list("version", flat=True))
