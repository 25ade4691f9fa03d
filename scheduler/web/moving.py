"""Move a booking: places are suggested; what follows for later visits is shown and accepted together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refused, Stale
from scheduler.domain.placement import Wishes
from scheduler.models import Appointment
from scheduler.queries.slots import slots
from scheduler.services import following, moving, record, undo
from scheduler.web import history, last, words
from scheduler.web.actions import appointment_of, visit_url
from scheduler.web.booking import DAYS_SEARCHED, OFFERED
from scheduler.web.dates import read_date, read_minute
from scheduler.web.door import Desk, door, page
from scheduler.web.lanes import treatment
from scheduler.web.places import places, pressed, read_override, read_slot, refusals, slot_value
from scheduler.web.sign import safe_next


@door("book", posts=True)
def move(desk: Desk, *, pk: int) -> HttpResponse:
    appointment = appointment_of(desk, pk)
    if appointment.patient is None or appointment.status not in ("pending", "booked", "arrived", "checked-in"):
        return redirect(visit_url(desk, appointment))
    data = desk.request.POST if desk.request.method == "POST" else desk.request.GET
    shown: dict[str, Any] = {"wrong": ""}
    if desk.request.method == "POST" and (value := pressed(data)):
        done = _move(desk, appointment, value, shown)
        if done is not None:
            return done
    else:
        _search(desk, appointment, shown)
    return _show(desk, appointment, shown)


def _move(desk: Desk, appointment: Appointment, value: str, shown: dict[str, Any]) -> HttpResponse | None:
    chosen = read_slot(desk, value)
    if chosen is None:
        raise NotFound
    chair, start = chosen
    post = desk.request.POST
    accepts = "accept_slot" in post
    try:
        if not accepts and _ask_first(desk, appointment, value, chair, start, shown):
            return None
        moved = moving.move(
            actor=desk.actor,
            appointment=appointment,
            chair=chair,
            start=start,
            override=read_override(desk),
            accept_following=accepts,
            version=int(post["version"]) if post.get("version", "").isdigit() else None,
            now=desk.now,
        )
    except Refused as refused:
        local = start.astimezone(desk.center.zone)
        title = _("Not to %(moment)s") % {"moment": words.moment(local, desk.today)}
        shown["refusals"] = refusals(desk, refused.refusals, refused.alternatives, title=title, slot=value)
        _following(desk, refused.proposals, value, shown)
        return None
    except (Malformed, Forbidden) as wrong:
        desk.note_denial(wrong)
        shown["wrong"] = wrong.say(_)
        return None
    except Stale:
        shown["wrong"] = _who_was_quicker(desk, appointment)
        return None
    also = undo.moved_along(undo.last_change(moved))
    last.remember(desk.request.session, verb="move", appointment=moved, now=desk.now, also=also)
    if wanted := post.get("next"):
        return redirect(safe_next(desk.request, wanted))
    return redirect(visit_url(desk, moved))


def _who_was_quicker(desk: Desk, appointment: Appointment) -> str:
    """What somebody else did to it meanwhile, and where it is now."""
    local = desk.now.astimezone(desk.center.zone)
    done = history.of_appointment(appointment, local)[:1]
    return _("%(what)s, since you looked. Now: %(moment)s, %(chair)s. Nothing else was moved; choose again.") % {
        "what": done[0].what if done else _("Somebody has changed this visit"),
        "moment": words.moment(appointment.start.astimezone(desk.center.zone), desk.today),
        "chair": words.low(appointment.chair.name),
    }


def _ask_first(
    desk: Desk, appointment: Appointment, value: str, chair: Any, start: datetime, shown: dict[str, Any]
) -> bool:
    """Where later visits would no longer fit, the move waits for a yes to all of it."""
    proposals = following.propose(appointment=appointment, chair=chair, start=start, now=desk.now)
    _following(desk, proposals, value, shown)
    return bool(proposals)


def _following(desk: Desk, proposals: Any, value: str, shown: dict[str, Any]) -> None:
    zone = desk.center.zone
    shown["slot"] = value
    shown["following"] = [
        {
            "number": proposal.draft.ordinal,
            "before": words.moment(proposal.appointment.start.astimezone(zone), desk.today),
            "after": words.moment(proposal.slot.start.astimezone(zone), desk.today) if proposal.slot else "",
            "chair": words.low(proposal.slot.chair.name) if proposal.slot else "",
            "why": " ".join(refusal.say(_) for refusal in proposal.why or proposal.refusals),
        }
        for proposal in proposals
    ]
    shown["can_follow"] = bool(proposals) and all(proposal.slot is not None for proposal in proposals)


def _search(desk: Desk, appointment: Appointment, shown: dict[str, Any]) -> None:
    data = desk.request.POST if desk.request.method == "POST" else desk.request.GET
    zone = desk.center.zone
    day = read_date(data.get("day")) or appointment.start.astimezone(zone).date()
    minute = read_minute(data.get("time"))
    start = max(localtime.day(max(day, desk.today), zone).start, desk.now)
    what: dict[str, Any] = {"protocol": appointment.protocol}
    if appointment.visit is not None:
        what = {"visit": appointment.visit}
    elif appointment.protocol is None:
        what = {"minutes": int((appointment.end - appointment.start) / timedelta(minutes=1))}
    try:
        found = slots(
            center=desk.center,
            from_=start,
            to=start + timedelta(days=DAYS_SEARCHED),
            now=desk.now,
            unit=next((each for each in desk.units if each.code == data.get("unit")), appointment.unit),
            patient=appointment.patient,
            wishes=Wishes(time_of_day=minute, chair=appointment.chair_id) if minute is not None else None,
            ignoring=[appointment.pk],
            limit=OFFERED,
            **what,
        )
    except Malformed as wrong:
        shown["wrong"] = wrong.say(_)
        return
    shown["slots"] = places(found.slots, desk)
    if not found.slots:
        title = _("No place in these two weeks")
        shown["refusals"] = refusals(desk, found.refusals, found.alternatives, title=title)
    if minute is not None:
        exact = localtime.at(max(day, desk.today), minute, zone)
        shown["exact"] = {
            "value": slot_value(appointment.chair_id, exact.astimezone(zone)),
            "say": f"{words.moment(exact.astimezone(zone), desk.today)}, {words.low(appointment.chair.name)}",
        }


def _show(desk: Desk, appointment: Appointment, shown: dict[str, Any]) -> HttpResponse:
    zone = desk.center.zone
    local = appointment.start.astimezone(zone)
    data = desk.request.POST if desk.request.method == "POST" else desk.request.GET
    record.access(actor=desk.actor, patient=appointment.patient, what="move", now=desk.now)
    refused = bool(shown.get("refusals") or shown["wrong"]) and desk.request.method == "POST"
    context = shown | {
        "title": _("Move a visit"),
        "place": "board",
        "appointment": appointment,
        "patient": appointment.patient,
        "what": treatment(appointment)[0],
        "now_at": f"{words.moment(local, desk.today)}, {words.low(appointment.chair.name)}",
        "back": visit_url(desk, appointment),
        "day": data.get("day") or local.date().isoformat(),
        "time": data.get("time", ""),
        "unit_code": data.get("unit") or appointment.unit.code,
        "next": desk.request.POST.get("next", ""),
    }
    return page(desk, "scheduler/move.html", context, status=409 if refused else 200)
