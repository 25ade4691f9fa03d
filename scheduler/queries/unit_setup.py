"""How a unit is set up over some time, by one statement: chairs, closures, hours, staffing patterns, published days.

Read anew for each search. Kept in memory it would be quicker still, but several processes write these rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from scheduler.domain.intervals import Interval
from scheduler.domain.rules import ChairFacts
from scheduler.models import Closure, Unit
from scheduler.queries import raw


@dataclass(frozen=True, slots=True)
class UnitSetup:
    """`hours` are (weekday, opens, closes), `patterns` the same with (nurses, patients, acuity) behind. `published` are
    the local dates whose shifts are; a day more at both ends may be among them. Closures come by start; they can be
    shown, but lack their center and cannot be saved. `resting` are the chairs out of service and `version` is that of
    the day; both only where `read` was asked for a day."""

    chairs: tuple[ChairFacts, ...]
    closures: tuple[Closure, ...]
    hours: tuple[tuple[int, int, int], ...]
    patterns: tuple[tuple[int, int, int, int, int, int], ...]
    published: frozenset[date]
    resting: frozenset[int] = frozenset()
    version: int = 0


def read(unit: Unit, span: Interval, *, day: date | None = None) -> UnitSetup:
    """`span` in UTC. The chairs are those in service, in their order; for a `day` (local) all of them."""
    found: dict[str, list[Sequence[Any]]] = defaultdict(list)
    given = {"unit": unit.pk, "center": unit.center_id, "first": span.start, "last": span.end}
    statement = _STATEMENTS[connection.vendor]
    if day is not None:
        statement, given = statement + _OF_A_DAY, given | {"day": day}
    for what, *row in raw.rows(statement, given, prepared=True):
        found[what].append(row)
    chairs = sorted([*found["chair"], *found["resting"]], key=lambda row: (row[1], row[0]))
    resting = frozenset(row[0] for row in found["resting"])
    return UnitSetup(
        chairs=tuple(
            ChairFacts(id=pk, name=name, kind=kind, is_active=pk not in resting)
            for pk, _position, *_others, name, kind in chairs
        ),
        closures=tuple(sorted((_closure(row) for row in found["closure"]), key=lambda row: (row.starts_at, row.pk))),
        hours=tuple((row[0], row[1], row[2]) for row in found["hours"]),
        patterns=tuple((row[0], row[1], row[2], row[3], row[4], row[5]) for row in found["pattern"]),
        published=frozenset(date.fromisoformat(row[-2]) for row in found["published"]),
        resting=resting,
        version=next((row[0] for row in found["version"]), 0),
    )


def _closure(row: Sequence[Any]) -> Closure:
    chair, pk, unit, *_others, starts_at, ends_at, kind, reason = row
    return Closure(
        pk=pk, unit_id=unit, chair_id=chair, starts_at=raw.moment(starts_at), ends_at=raw.moment(ends_at), kind=kind,
        reason=reason,
    )  # fmt: skip


# Rows of one shape: what it is, six numbers, two moments, two texts. The first part says the types for PostgreSQL.
_STATEMENT = """SELECT 'chair', CAST(id AS bigint), CAST(position AS bigint), CAST(NULL AS bigint),
        CAST(NULL AS bigint), CAST(NULL AS bigint), CAST(NULL AS bigint), {moment}, {moment},
        CAST(name AS text), CAST(kind AS text)
    FROM scheduler_chair WHERE unit_id = %(unit)s AND is_active
    UNION ALL SELECT 'closure', chair_id, id, unit_id, NULL, NULL, NULL, starts_at, ends_at, kind, reason
    FROM scheduler_closure WHERE center_id = %(center)s AND (unit_id IS NULL OR unit_id = %(unit)s)
        AND starts_at < %(last)s AND ends_at > %(first)s
    UNION ALL SELECT 'hours', weekday, opens, closes, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM scheduler_openinghours WHERE unit_id = %(unit)s
    UNION ALL SELECT 'pattern', weekday, opens, closes, nurses, patients, acuity, NULL, NULL, NULL, NULL
    FROM scheduler_staffingpattern WHERE unit_id = %(unit)s
    UNION ALL SELECT 'published', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, CAST(date AS text), NULL
    FROM scheduler_unitday
    WHERE unit_id = %(unit)s AND date >= {first_day} AND date <= {last_day} AND shifts_published"""
_OF_A_DAY = """
    UNION ALL SELECT 'resting', id, position, NULL, NULL, NULL, NULL, NULL, NULL, name, kind
    FROM scheduler_chair WHERE unit_id = %(unit)s AND NOT is_active
    UNION ALL SELECT 'version', version, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM scheduler_unitday WHERE unit_id = %(unit)s AND date = %(day)s"""
_STATEMENTS = {
    "sqlite": _STATEMENT.format(
        moment="NULL", first_day="date(%(first)s, '-1 day')", last_day="date(%(last)s, '+1 day')"
    ),
    "postgresql": _STATEMENT.format(
        moment="CAST(NULL AS timestamptz)",
        first_day="CAST(CAST(%(first)s AS timestamptz) AS date) - 1",
        last_day="CAST(CAST(%(last)s AS timestamptz) AS date) + 1",
    ),
}
