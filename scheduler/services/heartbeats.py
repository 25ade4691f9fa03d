"""Signs of life of the background processes and jobs; `/readyz` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from scheduler.models import Heartbeat


def beat(name: str, *, now: datetime, detail: Mapping[str, int] | None = None) -> None:
    """`name` lives at `now`. `detail` is counts, nothing personal."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now, "detail": dict(detail or {})})
