"""Seals the record: hash-chained batches of the event and access rows, so that a change to one of them shows.

Each seal's digest covers the digest before it, what the seal says of itself and every row of its batch in order. The
rows hold ids, times, statuses and reasons, nothing that would ever have to be erased (models/record.py), so their own
values are hashed. Who could write as the database's owner could also seal anew from the first row on: against that,
the head (both chains' newest digests) is kept elsewhere, and `verify` is told of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Max, Model

from scheduler.models import Access, Event, Seal, backstop

TABLES: dict[str, type[Model]] = {"event": Event, "access": Access}
ROWS_A_SEAL = 1000
SEALS_A_TICK = 20
FORM = 2  # models.Seal.form
ADDED_LATER = frozenset({"address"})
FIRST = "0" * 64  # what the first seal of a table is chained to


def seal_new(*, now: datetime) -> dict[str, int]:
    """Seal all rows that are there. Returns how many of each table. Safe twice at once: the chain cannot fork."""
    return {name: _seal_table(name, model, now) for name, model in TABLES.items()}


def head() -> str:
    """Where both chains end, as `event:12:ab34… access:9:cd56…`: the table, its last sealed id, the digest. To be kept
    where nobody who can write to this database can write."""
    return " ".join(f"{name}:{_last_id(last)}:{last.digest if last else FIRST}" for name, last in _ends())


def verify(known: str = "", *, seen: Callable[[int], None] = lambda rows: None) -> list[str]:
    """What is wrong with the record: a line for each broken place, none where it is sound. `known` is a head of an
    earlier day; `seen` is told how many rows were looked at, batch by batch. Raises ValueError for what is no head."""
    marks = _marks(known)
    strange = Seal.objects.exclude(table__in=TABLES).values_list("pk", flat=True)
    problems = [f"seal {pk} is of no table that is sealed" for pk in strange]
    for name, model in TABLES.items():
        if below := model._default_manager.filter(pk__lt=1).count():
            problems.append(f"{name}: {below} rows with numbers that are never given out")
        previous, following, ends = FIRST, 1, {0: FIRST}
        for seal in Seal.objects.filter(table=name).order_by("id").iterator():
            if seal.previous != previous or seal.first_id != following or seal.last_id < seal.first_id:
                problems.append(f"{name}: seal {seal.pk} does not follow the one before it")
            digest, rows = _digest(seal, _rows(model, seal.first_id, seal.last_id))
            if digest != seal.digest or rows != seal.rows:
                problems.append(f"{name}: rows {seal.first_id} to {seal.last_id} are not what was sealed")
            previous, following = seal.digest, seal.last_id + 1
            ends[seal.last_id] = seal.digest
            seen(rows)
        if name in marks and ends.get(marks[name][0]) != marks[name][1]:
            problems.append(f"{name}: the chain does not contain the head that was kept; it was cut off or made anew")
    return problems


def _ends() -> list[tuple[str, Seal | None]]:
    return [(name, Seal.objects.filter(table=name).order_by("-id").first()) for name in TABLES]


def _last_id(seal: Seal | None) -> int:
    return seal.last_id if seal is not None else 0


def _marks(known: str) -> dict[str, tuple[int, str]]:
    marks: dict[str, tuple[int, str]] = {}
    for part in known.split():
        name, last, digest = part.split(":")
        if name not in TABLES or len(digest) != len(FIRST):
            raise ValueError(part)
        marks[name] = (int(last), digest)
    return marks


def _seal_table(name: str, model: type[Model], now: datetime) -> int:
    newest = _newest_settled(model)
    sealed = 0
    for _ in range(SEALS_A_TICK):
        last = Seal.objects.filter(table=name).order_by("-id").first()
        first_id = last.last_id + 1 if last else 1
        ids = list(
            model._default_manager.filter(pk__gte=first_id, pk__lte=newest)
            .order_by("pk")
            .values_list("pk", flat=True)[:ROWS_A_SEAL]
        )
        if not ids:
            break
        seal = Seal(
            table=name,
            first_id=first_id,
            last_id=ids[-1],
            rows=len(ids),
            previous=last.digest if last else FIRST,
            sealed_at=now,
            form=FORM,
        )
        seal.digest, rows = _digest(seal, _rows(model, first_id, ids[-1]))
        try:
            with transaction.atomic():
                seal.save(force_insert=True)
        except IntegrityError:  # another worker sealed this batch a moment ago
            break
        sealed += rows
    return sealed


def _newest_settled(model: type[Model]) -> int:
    """The highest id below which no row can appear any more.

    Ids are given out before their transactions commit: without care a late row would slip in below a seal. On
    PostgreSQL a function of the tables' owner waits for the writers (models/backstop.py); where they don't end at
    once, nothing is sealed this time: new writers never queue behind it for long. On SQLite there is one writer at a
    time, so what is committed is all there is.
    """
    if connection.vendor != "postgresql":
        return model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
            cursor.execute(f"SELECT {backstop.SETTLED}(%s)", [model._meta.db_table])
            return int(cursor.fetchone()[0])
    except OperationalError as busy:
        if getattr(busy.__cause__, "sqlstate", None) != "55P03":
            raise
        return 0


def _rows(model: type[Model], first: int, last: int) -> Iterable[dict[str, Any]]:
    return model._default_manager.filter(pk__gte=first, pk__lte=last).order_by("pk").values().iterator()


def _digest(seal: Seal, rows: Iterable[dict[str, Any]]) -> tuple[str, int]:
    total, count = hashlib.sha256(seal.previous.encode()), 0
    if seal.form >= 2:
        of_itself = ("form", "table", "first_id", "last_id", "rows", "sealed_at")
        total.update(hashlib.sha256(_canonical({name: getattr(seal, name) for name in of_itself})).digest())
    for row in rows:
        total.update(hashlib.sha256(_canonical(row)).digest())
        count += 1
    return total.hexdigest(), count


def _canonical(row: dict[str, Any]) -> bytes:
    """The same bytes on both databases and in every zone. What was added later is left out while it is empty, so that
    rows from before are what was sealed; once filled it counts, and emptied it shows."""
    plain = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if not (name in ADDED_LATER and value is None)
    }
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder).encode()
