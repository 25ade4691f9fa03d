"""Accepting what follows from what happened: the proposals for a course's later bookings, as they were shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from scheduler.domain.errors import Refused, Stale
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Chair, Course
from scheduler.services.following import Proposal, proposals
from scheduler.services.moving import move


def accept(*, actor: Actor, course: Course, seen: str | None = None, now: datetime) -> Appointment | None:
    """Move the first booking that no longer fits to its proposed place, and what follows from it along: all or none.

    `seen` is the `sign` of the proposals that the person looked at: Stale where they are others by now. None where
    there is nothing to accept any more: somebody else has done it. Raises Refused as moving does.
    """
    found = proposals(course, now=now)
    first = next((each for each in found if each.slot is not None), None)
    if first is None or first.slot is None or first is not found[0]:
        if found and seen is not None:
            raise Stale
        return None
    if seen is not None and sign(found) != seen:
        raise Stale
    try:
        return move(
            actor=actor,
            appointment=first.appointment,
            chair=Chair.objects.select_related("unit__center").get(pk=first.slot.chair.id),
            start=first.slot.start,
            accept_following=True,
            version=first.appointment.version,
            now=now,
        )
    except (Stale, Refused):
        if proposals(course, now=now):
            raise
        return None  # a colleague accepted the same at the same moment


def sign(found: Sequence[Proposal]) -> str:
    """What is proposed, in a word that a form can carry: ids and minutes only."""
    return "-".join(
        f"{each.appointment.pk}.{each.slot.chair.id}.{int(each.slot.start.timestamp()) // 60}" if each.slot else "x"
        for each in found
    )
