"""An `Idempotency-Key` makes a retried booking one booking: the answer is kept in the booking's own transaction.

A web process that dies between commit and answer has kept the answer too, so the retry gets the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from scheduler.domain.errors import SchedulingError
from scheduler.models import IdempotencyKey
from scheduler.services.locking import retrying
from scheduler.services.turns import turn

KEPT_FOR = timedelta(days=7)
PURGED_AT_ONCE = 5_000


class KeyReused(SchedulingError):
    """The key was used for another request (422)."""


class StillInFlight(SchedulingError):
    """The first request with this key has not been answered yet (409)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as bytes; only successes come here."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def digest_of(*parts: bytes) -> str:
    """What makes two requests the same: method, path and body, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def once(*, principal: str, key: str, digest: str, now: datetime, answer: Callable[[], Answer]) -> Answer:
    """The kept answer of this principal's key, or a new one from `answer`, kept with what it wrote.

    Whatever `answer` raises is not kept, and nothing it wrote stays. Raises KeyReused and StillInFlight.
    """

    @retrying
    def run() -> Answer:
        with turn(), transaction.atomic():
            if not _claimed(principal, key):
                raise StillInFlight
            kept = _kept(principal, key, digest)
            if kept is not None:
                return kept
            made = answer()
            IdempotencyKey.objects.create(
                principal=principal,
                key=key,
                digest=digest,
                status=made.status,
                headers=made.headers,
                body=made.body,
                created_at=now,
            )
            return made

    return _kept(principal, key, digest) or run()


def purge(*, now: datetime) -> int:
    """Forget keys older than seven days, a bounded number at a time."""
    old = IdempotencyKey.objects.filter(created_at__lt=now - KEPT_FOR).order_by("created_at")
    pks = list(old.values_list("pk", flat=True)[:PURGED_AT_ONCE])
    return IdempotencyKey.objects.filter(pk__in=pks).delete()[0]


def _kept(principal: str, key: str, digest: str) -> Answer | None:
    row = IdempotencyKey.objects.filter(principal=principal, key=key).first()
    if row is None:
        return None
    if row.digest != digest:
        raise KeyReused
    return Answer(status=row.status, body=bytes(row.body), headers=row.headers)


def _claimed(principal: str, key: str) -> bool:
    """Whether nobody else is answering this key now, without waiting for them. SQLite has one writer at a time."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"{principal}\n{key}"])
        return bool(cursor.fetchone()[0])
