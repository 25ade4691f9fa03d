"""All that the rules look at for one place, by one statement: what is read under the locks is read at once.

A search reads the same by facts.py, over more time and many chairs; tests hold the two against each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from scheduler.domain import lifecycle, staffing
from scheduler.domain.intervals import Interval
from scheduler.domain.rules import ChairFacts, DoseFact, Need, PatientFacts, Taken, UnitFacts
from scheduler.models import Chair, Closure, Dose, Unit
from scheduler.queries import facts, raw

_MG = Decimal("0.001")  # as the models keep it


@dataclass(frozen=True, slots=True)
class Place:
    """A chair as it stands now, with its unit over some time and the patient's other time and doses.

    `is_elsewhere`: the chair's unit or center is not what the caller read, so that zone and days have to be read
    again. `is_registered`: the patient is, in the chair's center.
    """

    unit: UnitFacts
    patient: PatientFacts
    chair: ChairFacts
    is_elsewhere: bool
    is_registered: bool


def read(*, chair: Chair, patient_id: int | None, need: Need, span: Interval, now: datetime) -> Place:
    """`span` in UTC, on whole quarter hours. Holds that ran out by `now` take nothing."""
    unit = chair.unit
    found = _rows("chair", chair.pk, unit, patient_id, need, span, now)
    is_there = _unit(found["unit"][0])
    return Place(
        unit=_unit_facts(unit, span, found),
        patient=_patient_facts(found),
        chair=_chair(found["chair"][0]),
        is_elsewhere=is_there != (unit.pk, unit.center_id, unit.name, unit.center.time_zone),
        is_registered=bool(found["registered"]),
    )


def read_all(
    *, unit: Unit, patient_id: int | None, need: Need, span: Interval, now: datetime
) -> tuple[UnitFacts, PatientFacts]:
    """The same for all active chairs of the unit."""
    found = _rows("unit", None, unit, patient_id, need, span, now)
    return _unit_facts(unit, span, found), _patient_facts(found)


def is_taken(*, chair: int, during: Interval, now: datetime) -> bool:
    """Whether somebody has the chair at some time of it: one look into an index."""
    given = {"chair": chair, "first": during.start, "last": during.end, "now": now}
    return bool(raw.rows(_IS_TAKEN, given))


Rows = Mapping[str, Sequence[tuple[Any, ...]]]


def _rows(
    which: str, chair: int | None, unit: Unit, patient_id: int | None, need: Need, span: Interval, now: datetime
) -> Rows:
    """By their first word, without it."""
    around = facts.doses_count_in(need, span)
    given = {
        "chair": chair,
        "unit": unit.pk,
        "center": unit.center_id,
        "patient": patient_id,
        "substance": need.substance or None,  # without one no dose counts
        "first": span.start,
        "last": span.end,
        "care_first": span.start - facts.LONGEST_CARE,
        "care_last": span.end + facts.LONGEST_CARE,
        "dose_first": around.start,
        "dose_last": around.end,
        "now": now,
    }
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for what, *row in raw.rows(_STATEMENTS[connection.vendor, which], given, prepared=True):
        found[what].append(tuple(row))
    return found


def _unit_facts(unit: Unit, span: Interval, found: Rows) -> UnitFacts:
    zone = unit.center.zone
    chairs = {chair.id: chair for row in found["chair"] if (chair := _chair(row))}
    taken: dict[int, list[Taken]] = {chair: [] for chair in chairs}
    for row in found["taken"]:
        taken[row[4]].append(_taken(row))
    closures = [_closure(row) for row in found["closure"]]
    days = facts.dates(span, zone)
    published = [day for row in found["published"] if (day := date.fromisoformat(row[-2])) in days]
    return UnitFacts(
        id=unit.pk,
        name=unit.name,
        center=unit.center_id,
        zone=zone,
        span=span,
        open=tuple(facts.opened([row[:3] for row in found["hours"]], span, zone, closures)),
        closed=tuple(facts.closed(closures)),
        chairs=chairs,
        taken=taken,
        capacity=facts.staffed(unit, span, zone, published, [row[:6] for row in found["pattern"]]),
        cares=[care for row in found["care"] if (care := _care(row))[1].interval.overlaps(span)],
    )


def _patient_facts(found: Rows) -> PatientFacts:
    return PatientFacts(
        taken=[_taken(row) for row in found["patient"]],
        doses=[_given(row) for row in found["dose"]] + [_booked(row) for row in found["booked"]],
    )


def _chair(row: Sequence[Any]) -> ChairFacts:
    pk, is_active = row[:2]
    return ChairFacts(id=pk, name=row[-2], kind=row[-1], is_active=bool(is_active))


def _unit(row: Sequence[Any]) -> tuple[int, int, str, str]:
    unit, center = row[:2]
    return unit, center, row[-2], row[-1]


def _closure(row: Sequence[Any]) -> Closure:
    chair, *_others, starts_at, ends_at, kind, reason = row
    return Closure(
        chair_id=chair, starts_at=raw.moment(starts_at), ends_at=raw.moment(ends_at), kind=kind, reason=reason
    )


def _taken(row: Sequence[Any]) -> Taken:
    appointment, stay, center, course, *_others, start, until, _text, _more = row
    return Taken(Interval(raw.moment(start), raw.moment(until)), appointment, stay, center, course)


def _care(row: Sequence[Any]) -> tuple[int, staffing.Care]:
    pk, prep, observation, acuity, *_others, start, end, _text, _more = row
    begin = raw.moment(start)
    watched = Interval(begin - timedelta(minutes=prep), raw.moment(end) + timedelta(minutes=observation))
    return pk, staffing.Care(interval=watched, start=begin, acuity=acuity)


def _given(row: Sequence[Any]) -> DoseFact:
    appointment, center, *_others, mg, _ordered, at, _at, place, _more = row
    return DoseFact(
        at=raw.moment(at),
        mg=_mg(mg),
        kind="elsewhere" if place == Dose.Place.ELSEWHERE else "given",
        appointment=appointment,
        center=center,
    )


def _booked(row: Sequence[Any]) -> DoseFact:
    pk, center, *_others, mg, ordered, start, actual, _text, _more = row
    return DoseFact(
        at=raw.moment(actual or start),
        mg=_mg(ordered or mg or 0),
        kind="given" if actual else "booked",
        appointment=pk,
        center=center,
    )


def _mg(value: Any) -> Decimal:
    """SQLite keeps decimals as binary fractions."""
    return value if isinstance(value, Decimal) else Decimal(str(value)).quantize(_MG)


def _names(statuses: Sequence[str]) -> str:
    return ", ".join(f"'{status}'" for status in statuses)


# Rows of one shape: what it is, six numbers, two amounts, two moments, two texts. NULL fills what a part lacks; the
# first part says the types for PostgreSQL. Each part can use an index of its own, which an OR of two could not.
_HOLD_STANDS = "(a.status <> 'pending' OR a.hold_expires_at > %(now)s)"
# Holds that ran out are few and have an index of their own; a join would read all appointments for their sake.
_NOT_LAPSED = """(o.appointment_id IS NULL OR o.appointment_id NOT IN (
        SELECT id FROM scheduler_appointment WHERE status = 'pending' AND hold_expires_at <= %(now)s))"""
_PARTS = (
    """SELECT 'chair', CAST(c.id AS bigint), CASE WHEN c.is_active THEN 1 ELSE 0 END, CAST(NULL AS bigint),
        CAST(NULL AS bigint), CAST(NULL AS bigint), CAST(NULL AS bigint), CAST(NULL AS numeric),
        CAST(NULL AS numeric), {moment}, {moment}, CAST(c.name AS text), CAST(c.kind AS text)
    FROM scheduler_chair c WHERE {is_chair}""",
    """SELECT 'unit', u.id, u.center_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, u.name, e.time_zone
    FROM scheduler_chair c JOIN scheduler_unit u ON u.id = c.unit_id JOIN scheduler_center e ON e.id = u.center_id
    WHERE c.id = %(chair)s""",
    """SELECT 'registered', patient_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM scheduler_registration WHERE patient_id = %(patient)s AND center_id = %(center)s""",
    """SELECT 'closure', chair_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, starts_at, ends_at, kind, reason
    FROM scheduler_closure
    WHERE center_id = %(center)s AND (unit_id IS NULL OR unit_id = %(unit)s)
        AND starts_at < %(last)s AND ends_at > %(first)s""",
    """SELECT 'hours', weekday, opens, closes, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM scheduler_openinghours WHERE unit_id = %(unit)s""",
    """SELECT 'pattern', weekday, opens, closes, nurses, patients, acuity, NULL, NULL, NULL, NULL, NULL, NULL
    FROM scheduler_staffingpattern WHERE unit_id = %(unit)s""",
    """SELECT 'published', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, CAST(date AS text), NULL
    FROM scheduler_unitday
    WHERE unit_id = %(unit)s AND date >= {first_day} AND date <= {last_day} AND shifts_published""",
    """SELECT 'taken', o.appointment_id, o.stay_id, NULL, NULL, o.chair_id, NULL, NULL, NULL,
        o.chair_from, o.chair_until, NULL, NULL
    FROM scheduler_occupancy o
    WHERE {is_its_chair} AND o.chair_until > %(first)s AND o.chair_from < %(last)s AND {not_lapsed}""",
    """SELECT 'care', a.id, a.prep_minutes, a.observation_minutes, a.acuity, NULL, NULL, NULL, NULL,
        a.start, a."end", NULL, NULL
    FROM scheduler_appointment a
    WHERE a.unit_id = %(unit)s AND a.start > %(care_first)s AND a.start < %(care_last)s
        AND {watched_until} > %(first)s AND {watched_from} < %(last)s
        AND a.status IN ({live}) AND {hold_stands}""",
    """SELECT 'patient', o.appointment_id, NULL, a.center_id, v.course_id, NULL, NULL, NULL, NULL,
        o.patient_from, o.patient_until, NULL, NULL
    FROM scheduler_occupancy o JOIN scheduler_appointment a ON a.id = o.appointment_id
        LEFT JOIN scheduler_visit v ON v.id = a.visit_id
    WHERE o.patient_id = %(patient)s AND o.patient_until > %(first)s AND o.patient_from < %(last)s
        AND {hold_stands}""",
    """SELECT 'patient', NULL, o.stay_id, s.center_id, NULL, NULL, NULL, NULL, NULL,
        o.chair_from, o.chair_until, NULL, NULL
    FROM scheduler_course s JOIN scheduler_occupancy o ON o.stay_id = s.id
    WHERE s.patient_id = %(patient)s AND o.chair_until > %(first)s AND o.chair_from < %(last)s""",
    """SELECT 'dose', d.appointment_id, a.center_id, NULL, NULL, NULL, NULL, d.mg, NULL, d.given_at, NULL, d.place, NULL
    FROM scheduler_dose d LEFT JOIN scheduler_appointment a ON a.id = d.appointment_id
    WHERE d.patient_id = %(patient)s AND d.substance = %(substance)s
        AND d.given_at > %(dose_first)s AND d.given_at < %(dose_last)s AND d.status <> 'not-given'""",
    """SELECT 'booked', a.id, a.center_id, NULL, NULL, NULL, NULL, p.dose_mg, s.dose_mg,
        a.start, a.actual_start, NULL, NULL
    FROM scheduler_appointment a JOIN scheduler_protocol p ON p.id = a.protocol_id
        LEFT JOIN scheduler_visit v ON v.id = a.visit_id LEFT JOIN scheduler_course s ON s.id = v.course_id
    WHERE a.patient_id = %(patient)s AND COALESCE(a.actual_start, a.start) > %(dose_first)s
        AND COALESCE(a.actual_start, a.start) < %(dose_last)s
        AND p.substance = %(substance)s AND a.status IN ({open}) AND {hold_stands}""",
)


_IS_TAKEN = f"""SELECT 1
    FROM scheduler_occupancy o
    WHERE o.chair_id = %(chair)s AND o.chair_until > %(first)s AND o.chair_from < %(last)s AND {_NOT_LAPSED} LIMIT 1"""
_WHICH = {
    "chair": {"is_chair": "c.id = %(chair)s", "is_its_chair": "o.chair_id = %(chair)s"},
    "unit": {
        "is_chair": "c.unit_id = %(unit)s AND c.is_active",
        "is_its_chair": "o.chair_id IN (SELECT id FROM scheduler_chair WHERE unit_id = %(unit)s AND is_active)",
    },
}
_DIALECTS = {
    # SQLite's moments are text of one form, so they compare as text; its datetime() cuts fractions of a second off,
    # hence the minute more: what does not overlap after all is left out above.
    "sqlite": {
        "moment": "NULL",
        "first_day": "date(%(first)s, '-1 day')",
        "last_day": "date(%(last)s, '+1 day')",
        "watched_from": "datetime(a.start, '-' || (a.prep_minutes + 1) || ' minutes')",
        "watched_until": """datetime(a."end", '+' || (a.observation_minutes + 1) || ' minutes')""",
    },
    "postgresql": {
        "moment": "CAST(NULL AS timestamptz)",
        "first_day": "CAST(%(first)s AS date) - 1",
        "last_day": "CAST(%(last)s AS date) + 1",
        "watched_from": "a.start - a.prep_minutes * interval '1 minute'",
        "watched_until": """a."end" + a.observation_minutes * interval '1 minute'""",
    },
}
_STATEMENTS = {
    (vendor, which): "\nUNION ALL ".join(_PARTS).format(
        hold_stands=_HOLD_STANDS,
        not_lapsed=_NOT_LAPSED,
        live=_names(lifecycle.LIVE),
        open=_names(lifecycle.OPEN),
        **dialect,
        **chairs,
    )
    for vendor, dialect in _DIALECTS.items()
    for which, chairs in _WHICH.items()
}
