"""Hand-written statements for the few reads that every booking makes: one round trip, no query building.

Names in the SQL are as models.py has them; parameters are named, `%(unit)s`. Moments go in aware and come out aware
in UTC on both databases: SQLite keeps them as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection


def rows(sql: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The statement's rows as the driver gives them; `moment` reads a moment of one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {name: _as_kept(value) for name, value in given.items()})
        return cursor.fetchall()


def moment(value: datetime | str) -> datetime:
    """A moment of a row, aware and in UTC."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _as_kept(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
