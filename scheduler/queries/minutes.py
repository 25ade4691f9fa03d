"""What others take of chairs and nurses over weeks, read as whole minutes since 1970: thousands of rows, so the
database counts the minutes and nothing is made of a row until somebody asks for it.

A begun minute counts as taken. The number of statements does not depend on how many rows there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Model

from scheduler.domain import lifecycle
from scheduler.domain.availability import minute_after, minute_of
from scheduler.domain.intervals import Interval
from scheduler.domain.taken_time import TakenTime, by_chair
from scheduler.domain.watched import WatchedTime
from scheduler.models import Appointment, Course, Patient, Visit
from scheduler.queries import raw

# Holds that ran out are few and have an index of their own; a join would look up every booking for their sake.
_TAKEN = """SELECT o.chair_id, {from_}, {until}, o.appointment_id, o.stay_id FROM scheduler_occupancy o
    WHERE o.chair_id IN ({chairs}) AND o.chair_until > %(first)s AND o.chair_from < %(last)s
    AND (o.appointment_id IS NULL OR o.appointment_id NOT IN (
        SELECT id FROM scheduler_appointment WHERE status = 'pending' AND hold_expires_at <= %(now)s))"""
_WATCHED = """SELECT a.id, {start}, {end}, a.prep_minutes, a.observation_minutes, a.acuity
    FROM scheduler_appointment a
    WHERE a.unit_id = %(unit)s AND a.start > %(care_first)s AND a.start < %(care_last)s AND a.status IN ({live})
    AND (a.status <> 'pending' OR a.hold_expires_at > %(now)s)
    AND ((a.start >= %(first)s AND a.start < %(last)s)
        OR ({end} + a.observation_minutes > %(first_minute)s AND {start} - a.prep_minutes < %(last_minute)s))"""

# The two parts can use an index each, which an OR of them could not: with years of bookings that is all that counts.
_SHOWN = """SELECT {columns} FROM scheduler_appointment a
    WHERE a.unit_id = %(unit)s AND a.start > %(first)s AND a.start < %(last)s
    AND COALESCE({actual_start}, {start}) - a.prep_minutes < %(last_minute)s
    AND (COALESCE({actual_end}, {end}) + a.observation_minutes + a.turnover_minutes >= %(first_minute)s
        OR COALESCE({actual_start}, 0) + {end} - {start} + a.observation_minutes + a.turnover_minutes
            >= %(first_minute)s)
    AND a.status NOT IN ('cancelled', 'entered-in-error')
    AND (a.status <> 'pending' OR a.hold_expires_at > %(now)s)"""
_OF_COURSES = """
    UNION SELECT a.id FROM scheduler_visit v JOIN scheduler_appointment a ON a.visit_id = v.id
    WHERE v.course_id IN ({courses}) AND a.unit_id = %(unit)s AND a.status NOT IN ('cancelled', 'entered-in-error')
    AND (a.status <> 'pending' OR a.hold_expires_at > %(now)s)"""


def taken(chairs: Collection[int], span: Interval, now: datetime) -> TakenTime:
    """What the chairs' occupancies take within `span` (UTC); holds that ran out by `now` take nothing."""
    sql = _TAKEN.format(from_=_floor("o.chair_from"), until=_ceiling("o.chair_until"), chairs=raw.ids(chairs))
    return TakenTime(by_chair(chairs, raw.rows(sql, {"first": span.start, "last": span.end, "now": now})), span)


def watched(unit: int, span: Interval, around: Interval, now: datetime) -> WatchedTime:
    """The live treatments that nurses of the unit watch at some time within `span`. `around` is when they may have
    begun: what the index can find. All in UTC."""
    sql = _WATCHED.format(start=_floor("a.start"), end=_ceiling('a."end"'), live=_LIVE)
    given = {
        "unit": unit,
        "care_first": around.start,
        "care_last": around.end,
        "first": span.start,
        "last": span.end,
        "first_minute": minute_of(span.start),
        "last_minute": minute_after(span.end),
        "now": now,
    }
    return WatchedTime(raw.rows(sql, given))


def shown_on(unit: int, day: Interval, around: Interval, courses: Collection[int], now: datetime) -> list[Appointment]:
    """What may show on the day, planned or real, and all doses of the `courses`, each with its patient, visit and
    course. A little too much: queries/day.py looks closer. `around` is when they may have begun: what the index can
    find. All in UTC."""
    inner = _shown("a.id") + _OF_COURSES.format(courses=raw.ids(courses))
    found = raw.rows(_WITH_PATIENTS.format(shown=inner), _shown_given(unit, day, around, now))
    return [_with_patient(values) for values in found]


def _with_patient(values: Sequence[Any]) -> Appointment:
    parts: list[Any] = []
    first = 0
    for model in _MODELS:
        last = first + raw.width(model)
        parts.append(raw.instance(model, values[first:last]))
        first = last
    row, patient, visit, course = parts
    assert isinstance(row, Appointment)  # its id is the table's key
    row.patient = patient
    if visit is not None:
        visit.course = course
    row.visit = visit
    return row


def rows_on(unit: int, day: Interval, around: Interval, now: datetime) -> list[Appointment]:
    """What may show on the day, as `shown_on`, without what belongs to it: neither patients nor protocols."""
    sql = _shown(raw.columns(Appointment, "a")) + " ORDER BY a.start, a.id"
    found = raw.rows(sql, _shown_given(unit, day, around, now), prepared=True)
    return [row for values in found if (row := raw.instance(Appointment, values)) is not None]


_MODELS: tuple[type[Model], ...] = (Appointment, Patient, Visit, Course)
_WITH_PATIENTS = f"""SELECT {", ".join(raw.columns(model, alias) for model, alias in zip(_MODELS, "rpvc", strict=True))}
    FROM scheduler_appointment r LEFT JOIN scheduler_patient p ON p.id = r.patient_id
    LEFT JOIN scheduler_visit v ON v.id = r.visit_id LEFT JOIN scheduler_course c ON c.id = v.course_id
    WHERE r.id IN ({{shown}}) ORDER BY r.start, r.id"""


def _shown(columns: str) -> str:
    moments = {name: _floor(f"a.{name}") for name in ("start", "actual_start", "actual_end")}
    return _SHOWN.format(columns=columns, end=_ceiling('a."end"'), **moments)


def _shown_given(unit: int, day: Interval, around: Interval, now: datetime) -> dict[str, Any]:
    return {
        "unit": unit,
        "first": around.start,
        "last": around.end,
        "first_minute": minute_of(day.start),
        "last_minute": minute_after(day.end),
        "now": now,
    }


def _floor(moment: str) -> str:
    return f"({_SECONDS[connection.vendor].format(moment)}) / 60"


def _ceiling(moment: str) -> str:
    return f"({_SECONDS[connection.vendor].format(moment)} + 59) / 60"


_LIVE = ", ".join(f"'{status}'" for status in lifecycle.LIVE)
# Whole numbers, so that the divisions above round down.
_SECONDS = {
    "sqlite": "CAST(strftime('%%s', {}) AS integer)",
    "postgresql": "CAST(extract(epoch FROM {}) AS bigint)",
}
