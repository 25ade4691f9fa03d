"""The database as it stands: all of it for fingerprints, and the part that the oracle has a picture of."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model

from scheduler.models import Event
from tests.stateful.picture import GONE, Booking, Course, Dose, Picture, Visit

Rows = dict[int, dict[str, Any]]
Database = dict[str, Rows]


# What the oracle reads as values; the other tables are only compared, as the database gives them.
READ = {"Appointment", "Course", "Dose", "Event", "LedgerEntry", "Occupancy", "UnitDay", "Visit"}

DENIED = "denied"


def read() -> Database:
    """Every row of every table of the service but the record of who read what, and of who was denied what."""
    models = [model for model in apps.get_app_config("scheduler").get_models() if model.__name__ != "Access"]
    return {model.__name__: _values(model) if model.__name__ in READ else _raw(model) for model in models}


def _values(model: type[Model]) -> Rows:
    wanted = model._base_manager.exclude(verb=DENIED) if model is Event else model._base_manager
    return {row["id"]: row for row in wanted.values()}


def denials() -> int:
    """How often somebody was told that her role may not do it."""
    return Event.objects.filter(verb=DENIED).count()


def _raw(model: type[Model]) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table}")
        names = [column[0] for column in cursor.description]
        key = names.index(model._meta.pk.column)
        return {row[key]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def changed(before: Database, after: Database) -> dict[str, list[Any]]:
    """Keys of the rows that came, went or changed, by table."""
    found: dict[str, list[Any]] = {}
    for table, rows in after.items():
        old = before[table]
        keys = [key for key in {**old, **rows} if old.get(key) != rows.get(key)]
        if keys:
            found[table] = keys
    return found


def picture(database: Database) -> Picture:
    courses = {
        pk: Course(
            pk=pk,
            unit=row["unit_id"],
            patient=row["patient_id"],
            protocol=row["protocol_id"],
            status=row["status"],
            start=row["start"],
            doses=row["doses"],
            mg=row["dose_mg"],
            attested=row["attested_at"] is not None,
            authorized_until=row["authorization_until"],
        )
        for pk, row in database["Course"].items()
    }
    names = ("course_id", "ordinal", "state", "due", "window_start", "window_end")
    visits = {pk: Visit(pk, *(row[name] for name in names)) for pk, row in database["Visit"].items()}
    return Picture(
        bookings={pk: _booking(row, database) for pk, row in database["Appointment"].items()},
        visits=visits,
        courses=courses,
        doses={
            pk: Dose(
                pk=pk,
                patient=row["patient_id"],
                substance=row["substance"],
                mg=row["mg"],
                at=row["given_at"],
                counts=row["status"] != "not-given",
                booking=row["appointment_id"],
                visit=row["visit_id"],
            )
            for pk, row in database["Dose"].items()
        },
    )


def _booking(row: dict[str, Any], database: Database) -> Booking:
    stay = None
    if row["visit_id"] is not None:
        course = database["Visit"][row["visit_id"]]["course_id"]
        if database["Protocol"][database["Course"][course]["protocol_id"]]["keeps_chair"]:
            stay = course
    return Booking(
        pk=row["id"],
        unit=row["unit_id"],
        chair=row["chair_id"],
        patient=row["patient_id"],
        protocol=row["protocol_id"],
        visit=row["visit_id"],
        stay=stay,
        start=row["start"],
        end=row["end"],
        prep=row["prep_minutes"],
        observation=row["observation_minutes"],
        turnover=row["turnover_minutes"],
        acuity=row["acuity"],
        status=row["status"],
        expires=row["hold_expires_at"],
        # What happened to one that is off is history: nothing counts from it.
        began=row["actual_start"] if row["status"] not in GONE else None,
        confirmed=row["confirmed_at"] is not None if row["status"] not in GONE else False,
        aside=frozenset(row["override"]["codes"]) if row["override"] else frozenset(),
    )
