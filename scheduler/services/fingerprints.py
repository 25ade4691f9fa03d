"""What a row held when it was read, as a short text: for an ETag of rows that keep no version of their own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model

from scheduler.domain.errors import Stale


def fingerprint(row: Model, *related: Iterable[Model]) -> str:
    """Of all columns of `row`, and of the rows that belong to it. The same for the same content, on any machine."""
    said = [_columns(row), *(sorted(_columns(other) for other in others) for others in related)]
    return hashlib.sha256(json.dumps(said, cls=DjangoJSONEncoder).encode()).hexdigest()[:16]


def check_unchanged(as_read: str | None, now_there: str) -> None:
    """Raises Stale where the caller has read something else. None asks for nothing. Call it inside the lock."""
    if as_read is not None and as_read != now_there:
        raise Stale


def _columns(row: Model) -> list[str]:
    return [json.dumps(getattr(row, field.attname), cls=DjangoJSONEncoder) for field in row._meta.concrete_fields]
