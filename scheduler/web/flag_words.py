"""The flag of a reaction at the visit before, for whoever sits at the desk."""

from __future__ import annotations

from scheduler.models import Reaction
from scheduler.queries import flags
from scheduler.web.door import Desk


def reaction_words(desk: Desk, reaction: Reaction | None) -> str:
    """In words for nurses, as a hint for everybody else; empty without one."""
    return flags.said(reaction, zone=desk.center.zone, today=desk.today, clinical=desk.may("view-clinical"))
