"""What a reaction at the visit before is called: in words for nurses, as a hint for everybody else."""

from __future__ import annotations

from django.utils.translation import gettext as _

from scheduler.models import Reaction
from scheduler.web import words
from scheduler.web.door import Desk


def reaction_words(desk: Desk, reaction: Reaction | None) -> str:
    """Reaction on 3 March: hives. Who sees no clinical detail reads only that a nurse knows."""
    if reaction is None:
        return ""
    if not desk.may("view-clinical"):
        return _("See nurse before this visit")
    at = reaction.at.astimezone(desk.center.zone)
    return _("Reaction on %(day)s: %(what)s") % {"day": words.day(at.date(), desk.today), "what": what_of(reaction)}


def what_of(reaction: Reaction) -> str:
    said = str(reaction.get_kind_display())
    if reaction.kind == Reaction.Kind.OTHER and reaction.note:
        return reaction.note
    return f"{said} ({reaction.note})" if reaction.note else said
