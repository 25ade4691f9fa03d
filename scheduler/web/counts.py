"""The number beside "Worklist" in the bar."""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache

from scheduler.models import Center
from scheduler.queries import worklist

KEPT_SECONDS = 10  # the worklist asks many questions, and every page shows the number


def waiting(center: Center, now: datetime) -> int:
    """How many things need a person now; at most some seconds old."""
    key = _key(center)
    known = cache.get(key)
    if known is None:
        known = len(worklist.items(center=center, now=now))
        cache.set(key, known, KEPT_SECONDS)
    return int(known)


def forget(center: Center) -> None:
    """After a mark the number must be right at once for who made it."""
    cache.delete(_key(center))


def _key(center: Center) -> str:
    return f"worklist-count-{center.pk}"
