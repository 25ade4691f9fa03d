"""The number beside "Worklist" in the bar."""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache

from scheduler.models import Center
from scheduler.queries import worklist

KEPT_SECONDS = 10  # the worklist asks many questions, and every page shows the number


def waiting(center: Center, now: datetime) -> int:
    """How many things need a person now; at most some seconds old."""
    key = f"worklist-count-{center.pk}"
    known = cache.get(key)
    if known is None:
        known = len(worklist.items(center=center, now=now))
        cache.set(key, known, KEPT_SECONDS)
    return int(known)
