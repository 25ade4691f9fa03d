"""What stands on the large card of a visit besides its steps: what follows from what happened, who is next in the
chair, reactions, and the times that can be set right."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from scheduler.domain import steps
from scheduler.models import Appointment, Course, WorklistMark
from scheduler.queries.flags import what_of
from scheduler.queries.overruns import Overrun
from scheduler.queries.worklist.clashes import overrun_key, window_key
from scheduler.services import accepting, following, making_room
from scheduler.services.following import Proposal
from scheduler.web import words
from scheduler.web.door import Desk


def proposal(desk: Desk, course: Course) -> dict[str, Any] | None:
    """What follows for the course's later bookings, as `accepting.accept` takes it; None where all fits."""
    found = following.proposals(course, now=desk.now)
    if not found:
        return None
    return {
        "course": course,
        "lines": [_line(desk, each) for each in found],
        "sign": accepting.sign(found),
        "count": len(found),
        "fits": all(each.slot is not None for each in found),
        "why": " ".join(dict.fromkeys(refusal.say(_) for refusal in found[0].why)),
        "key": window_key(found[0].appointment),
        "asked": _asked(desk, window_key(found[0].appointment)),
    }


def _line(desk: Desk, each: Proposal) -> dict[str, Any]:
    zone = desk.center.zone
    before = each.appointment.start.astimezone(zone)
    line: dict[str, Any] = {"number": each.draft.ordinal, "before": _when(before, desk), "after": "", "where": ""}
    if each.slot is None:
        return line | {"why": " ".join(refusal.say(_) for refusal in each.refusals)}
    after = each.slot.start.astimezone(zone)
    same_day = after.date() == before.date()
    return line | {
        "after": words.clock(after) if same_day else _when(after, desk),
        # A place that was found passes every rule, the nurses' too.
        "where": _("%(chair)s, nurses: fits") % {"chair": each.slot.chair.name},
    }


def _when(local: datetime, desk: Desk) -> str:
    return words.clock(local) if local.date() == desk.today else words.moment(local, desk.today)


def overrun(desk: Desk, found: Overrun | None) -> dict[str, Any] | None:
    """Who is next in the chair, and what the one-tap answers would do."""
    if found is None or found.next is None or found.next.patient is None:
        return None
    zone = desk.center.zone
    following_ = found.next
    other = making_room.other_chair(following_, now=desk.now) if desk.may("book") else None
    minutes = making_room.minutes_later(found)
    return {
        "running": found.appointment,
        "next": following_,
        "name": following_.patient.full_name if following_.patient is not None else "",
        "needs_it": words.clock(found.begins.astimezone(zone)),
        "until": words.clock(found.until.astimezone(zone)),
        "by": words.length(found.by),
        "chair": found.appointment.chair.name,
        "other": other.chair.name if other is not None and other.chair is not None else "",
        "minutes": minutes,
        "asked": _asked(desk, overrun_key(found.appointment)),
    }


def _asked(desk: Desk, key: str) -> str:
    """Since when the desk has the question; empty where nobody asked."""
    at = WorklistMark.objects.filter(center=desk.center, item=key).values_list("asked_at", flat=True).first()
    return words.clock(at.astimezone(desk.center.zone)) if at is not None else ""


def own_reactions(desk: Desk, appointment: Appointment) -> list[str]:
    """Those of this visit, for who may read them."""
    if not desk.may("view-clinical"):
        return []
    zone = desk.center.zone
    return [f"{words.clock(each.at.astimezone(zone))} {what_of(each)}" for each in appointment.reactions.all()]


def step_names() -> dict[str, str]:
    return {
        "arrived": _("Arrived"),
        "checked-in": _("Checked in"),
        "in-chair": _("In chair"),
        "pre-medication": _("Pre-medication"),
        "infusing": _("Infusion began"),
        "infusion-over": _("Infusion ended"),
        "observed": _("Observation ended"),
        "discharged": _("Discharged"),
        "cleaned": _("Chair cleaned"),
    }


def times(desk: Desk, appointment: Appointment) -> list[dict[str, str]]:
    """Every step with its time, to be set right or entered from paper."""
    names = step_names()
    found = []
    for step in steps.STEPS:
        at = getattr(appointment, step.field)
        local = at.astimezone(desk.center.zone) if at is not None else None
        found.append({"code": step.code, "name": names[step.code], "value": f"{local:%H:%M}" if local else ""})
    return found
