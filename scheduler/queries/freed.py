"""What became free lately: cancellations, missed visits, expired holds, moves. Read from the newest events only."""

from __future__ import annotations

from datetime import datetime

from scheduler.models import Event

VERBS = frozenset({"cancel", "no-show", "expire", "move", "pause", "discontinue", "waive"})
NEWEST = 500


def since(moment: datetime) -> dict[int, datetime]:
    """By center id, when something was last freed there since `moment`."""
    found: dict[int, datetime] = {}
    newest = Event.objects.order_by("-id").values_list("verb", "center_id", "at")[:NEWEST]
    for verb, center, at in newest:
        if verb in VERBS and center is not None and at >= moment:
            found[center] = max(at, found.get(center, at))
    return found
