"""The one lock discipline: lock what you consume, once, in a fixed order, before checking.

First the patient rows, sorted; then the unit-day rows of every local date that the old and new occupancies touch,
sorted by unit and date; then check, then write. Unit-days alone deadlocked, a constraint alone stalled for
seconds; in this order neither (DESIGN section 4). On SQLite the IMMEDIATE transaction is the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import wraps
from typing import Any, TypeVar

import psycopg
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from scheduler.domain import localtime
from scheduler.domain.errors import Busy, Unavailable
from scheduler.domain.intervals import Interval
from scheduler.models import Appointment, Unit, UnitDay
from scheduler.queries import raw
from scheduler.services.holds import expired, release
from scheduler.services.settle import chair_time, stay_of
from scheduler.services.turns import turn

TRIES = 5
# Serialisation failure, deadlock, lock not available: nothing is wrong with the request, so it is tried again.
_PASSING = {"40001", "40P01", "55P03"}

UnitDayKey = tuple[int, date]
Result = TypeVar("Result")


def unit_days(unit: Unit, *intervals: Interval | None) -> set[UnitDayKey]:
    """Every local date of the unit that one of the intervals touches."""
    zone = unit.center.zone
    return {
        (unit.pk, day)
        for interval in intervals
        if interval is not None
        for day in localtime.dates_touched(interval, zone)
    }


@contextmanager
def locked(*, patients: Iterable[int | None], days: Iterable[UnitDayKey], now: datetime) -> Iterator[None]:
    """A transaction that holds the locks. When it ends well every unit-day's version has gone up by one.

    Expired holds on these days and of these patients are released inside, so that what they kept is free for the
    check. Their own days are locked too: they change.
    """
    wanted = set(days)
    known = sorted({patient for patient in patients if patient is not None})
    lapsed = _lapsed(wanted, known, now)
    with turn(), transaction.atomic():
        _lock_patients(known)
        _lock_unit_days(sorted(wanted.union(*lapsed.values())))
        if lapsed:
            release(Appointment.objects.filter(pk__in=lapsed), now=now)
        yield


def _lapsed(days: set[UnitDayKey], patients: list[int], now: datetime) -> dict[int, set[UnitDayKey]]:
    """Holds that ran out and are in the way, with their days. Looked for before the locks are taken: whatever has
    run out by `now` is there already."""
    found: dict[int, set[UnitDayKey]] = {}
    for hold in expired({unit for unit, _ in days}, patients, now=now):
        touched = unit_days(hold.unit, chair_time(hold), stay_of(hold))
        if touched & days or hold.patient_id in patients:
            found[hold.pk] = touched
    return found


def _lock_patients(patients: list[int]) -> None:
    # NO KEY: rows that merely refer to the patient (messages, contacts) can still be written meanwhile.
    if patients and connection.features.has_select_for_update:
        raw.rows(f"SELECT id FROM scheduler_patient WHERE id IN ({raw.ids(patients)}) ORDER BY id FOR NO KEY UPDATE")


def _lock_unit_days(wanted: list[UnitDayKey]) -> None:
    """Lock the days, their rows made where they are missing, and raise their versions."""
    if len(wanted) == 1:
        # Nearly always. The UPDATE of one row is its lock, as strong as FOR NO KEY UPDATE.
        if not _raise_version(wanted[0]):
            _make_rows(wanted)
            _raise_version(wanted[0])
        return
    # An UPDATE of several rows would take them in any order.
    found = _locked_rows(wanted)
    if len(found) < len(wanted):
        _make_rows([key for key in wanted if key not in found])
        found = _locked_rows(wanted)
    UnitDay.objects.filter(pk__in=found.values()).update(version=F("version") + 1)


def _raise_version(key: UnitDayKey) -> int:
    unit, day = key
    return raw.run(
        "UPDATE scheduler_unitday SET version = version + 1 WHERE unit_id = %(unit)s AND date = %(day)s",
        {"unit": unit, "day": day},
    )


def _make_rows(wanted: list[UnitDayKey]) -> None:
    UnitDay.objects.bulk_create([UnitDay(unit_id=unit, date=day) for unit, day in wanted], ignore_conflicts=True)


def _locked_rows(wanted: list[UnitDayKey]) -> dict[UnitDayKey, int]:
    rows = (
        UnitDay.objects.select_for_update(no_key=True)
        .filter(unit_id__in={unit for unit, _ in wanted}, date__in={day for _, day in wanted})
        .order_by("unit_id", "date")
        .values_list("unit_id", "date", "pk")
    )
    return {(unit, day): pk for unit, day, pk in rows if (unit, day) in set(wanted)}


def retrying(service: Callable[..., Result]) -> Callable[..., Result]:
    """Run the service again when the database asks for it; raise Busy when it keeps asking, and Unavailable when it is
    gone.

    An IntegrityError here is the backstop that spoke (an overlap, a second live appointment of a visit): on the
    next try the rules see what was committed meanwhile and refuse in words.
    """

    @wraps(service)
    def run(*args: Any, **kwargs: Any) -> Result:
        for attempt in range(1, TRIES + 1):
            try:
                return service(*args, **kwargs)
            except (OperationalError, IntegrityError) as error:
                if _inside_a_transaction():
                    raise  # it belongs to whoever began the transaction, who tries the whole of it again
                if went_away(error):
                    raise Unavailable from error
                if not _is_passing(error) or attempt == TRIES:
                    raise Busy from error
        raise Busy

    return run


def went_away(error: BaseException) -> bool:
    """Whether PostgreSQL broke off, or gave no connection, rather than refuse a lock."""
    if not isinstance(error, OperationalError) or not isinstance(error.__cause__, psycopg.Error):
        return False
    return error.__cause__.sqlstate not in _PASSING


def _is_passing(error: DatabaseError) -> bool:
    if isinstance(error, IntegrityError):
        return True
    if connection.vendor == "sqlite":
        return False  # "database is locked" comes after twenty seconds of waiting already
    return getattr(error.__cause__, "sqlstate", None) in _PASSING


def _inside_a_transaction() -> bool:
    return connection.in_atomic_block
