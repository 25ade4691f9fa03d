"""Hand-written statements for the few reads that every booking makes: one round trip, no query building.

Names in the SQL are as models.py has them; parameters are named, `%(unit)s`. Moments go in aware and come out aware
in UTC on both databases: SQLite keeps them as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeVar

from django.db import connection
from django.db.models import DateTimeField, Model

Row = TypeVar("Row", bound=Model)


def rows(sql: str, given: Mapping[str, Any] | None = None, *, prepared: bool = False) -> list[tuple[Any, ...]]:
    """The statement's rows as the driver gives them; `moment` reads a moment of one, `instance` a model's columns.

    `prepared` is for long statements whose text never varies: PostgreSQL then plans them once in each connection,
    which can take longer than to run them. SQLite's driver keeps its plans anyway.
    """
    with _preparing() if prepared and connection.vendor == "postgresql" else connection.cursor() as cursor:
        cursor.execute(sql, _kept(given))
        return cursor.fetchall()


_ONLY_WHERE_ASKED = 2**31  # psycopg prepares by itself what it has executed so many times


def _preparing() -> Any:
    """Django's cursors write the values into the text; psycopg's own send them beside it. The wrapper is Django's, so
    that errors and logs are as everywhere."""
    from psycopg import Cursor

    connection.ensure_connection()
    if connection.connection.prepare_threshold is None:  # as Django leaves it: never, even where it is asked for
        connection.connection.prepare_threshold = _ONLY_WHERE_ASKED
    return connection._prepare_cursor(_Prepared(Cursor(connection.connection)))  # type: ignore[attr-defined]


class _Prepared:
    """A cursor of psycopg that prepares what it executes at the first time already."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._query: Any = None  # where Django's log of queries looks for the text

    def execute(self, sql: str, given: Any = None) -> Any:
        self._query = SimpleNamespace(query=sql.encode())
        return self._cursor.execute(sql, given, prepare=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def run(sql: str, given: Mapping[str, Any]) -> int:
    """Run a writing statement; returns how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql, _kept(given))
        return cursor.rowcount


def ids(numbers: Iterable[int]) -> str:
    """Ids as they stand between the brackets of IN; no ids are NULL, which is none of them."""
    return ", ".join(str(int(number)) for number in numbers) or "NULL"


def columns(model: type[Model], alias: str) -> str:
    """The model's columns, as `instance` reads them."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def width(model: type[Model]) -> int:
    """How many columns `columns` are."""
    return len(model._meta.concrete_fields)


def instance(model: type[Row], values: Sequence[Any]) -> Row | None:
    """The model's row from the values of its `columns`; None where an outer join found none."""
    if values[0] is None:
        return None
    known = list(values)
    for position, field, converters in _converters(model, connection.vendor):
        for convert in converters:
            known[position] = convert(known[position], field, connection)
    return model.from_db(connection.alias, _names(model), known)


@cache
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _converters(model: type[Model], vendor: str) -> list[tuple[int, Any, list[Any]]]:
    """Position, column and converters of the fields that the driver of this database doesn't give as they are."""
    found = []
    for position, field in enumerate(model._meta.concrete_fields):
        column = field.cached_col
        converters = [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]
        if isinstance(field, DateTimeField):
            converters = [_moment_or_none]
        if converters:
            found.append((position, column, converters))
    return found


def _moment_or_none(value: Any, *_unused: Any) -> datetime | None:
    """As Django's converter, in an eighth of its time."""
    return None if value is None else moment(value)


def moment(value: datetime | str) -> datetime:
    """A moment of a row, aware and in UTC."""
    if isinstance(value, str):
        return datetime.fromisoformat(f"{value}+00:00")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _kept(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: _as_kept(value) for name, value in given.items()} if given else None


def _as_kept(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
