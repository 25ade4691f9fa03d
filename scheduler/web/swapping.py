"""Two bookings change places: which two is asked, what that means is shown, and then both move or neither."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.domain.errors import Forbidden, Malformed, Refused, Stale
from scheduler.models import Appointment
from scheduler.queries import day as days
from scheduler.services import moving, record
from scheduler.services.settle import keeps_chair
from scheduler.web import last, words
from scheduler.web.actions import appointment_of, visit_url
from scheduler.web.booking import read_id
from scheduler.web.door import Desk, door, page
from scheduler.web.lanes import treatment
from scheduler.web.places import overridable, read_override
from scheduler.web.sign import safe_next


def can_move(appointment: Appointment) -> bool:
    """Somebody's booking that has not begun."""
    is_open = appointment.status in ("pending", "booked", "arrived", "checked-in")
    return is_open and appointment.actual_start is None and appointment.patient_id is not None


@door("book", posts=True)
def swap(desk: Desk, *, pk: int) -> HttpResponse:
    appointment = appointment_of(desk, pk)
    if not can_move(appointment):
        return redirect(visit_url(desk, appointment))
    data = desk.request.POST if desk.request.method == "POST" else desk.request.GET
    chosen = read_id(data.get("with"))
    other = appointment_of(desk, chosen) if chosen is not None else None
    shown: dict[str, Any] = {"sentences": [], "overridable": ()}
    if desk.request.method == "POST" and other is not None:
        done = _swap(desk, appointment, other, shown)
        if done is not None:
            return done
    return _show(desk, appointment, other, shown)


def _swap(desk: Desk, appointment: Appointment, other: Appointment, shown: dict[str, Any]) -> HttpResponse | None:
    post = desk.request.POST
    try:
        moved = moving.swap(
            actor=desk.actor,
            appointment=appointment,
            other=other,
            override=read_override(desk),
            version=read_id(post.get("version")),
            other_version=read_id(post.get("other_version")),
            now=desk.now,
        )
    except Refused as refused:
        shown["sentences"] = list(dict.fromkeys(each.say(_) for each in refused.refusals))
        shown["overridable"] = overridable(desk, refused.refusals)
        return None
    except (Malformed, Forbidden) as wrong:
        desk.note_denial(wrong)
        shown["sentences"] = [wrong.say(_)]
        return None
    except Stale:
        shown["sentences"] = [_("Somebody has changed one of the two meanwhile. This is how they are now.")]
        return None
    last.remember(desk.request.session, verb="swap", appointment=moved, now=desk.now)
    if wanted := post.get("next"):
        return redirect(safe_next(desk.request, wanted))
    return redirect(visit_url(desk, moved))


def _show(desk: Desk, appointment: Appointment, other: Appointment | None, shown: dict[str, Any]) -> HttpResponse:
    for each in filter(None, (appointment, other)):
        record.access(actor=desk.actor, patient=each.patient, what="swap", now=desk.now)
    context = shown | {
        "title": _("Swap two visits"),
        "place": "board",
        "first": _line(desk, appointment),
        "second": _line(desk, other) if other is not None else None,
        "others": _others(desk, appointment) if other is None else [],
        "back": visit_url(desk, appointment),
        "next": desk.request.POST.get("next", ""),
    }
    return page(desk, "scheduler/swap.html", context, status=409 if shown["sentences"] else 200)


def _line(desk: Desk, appointment: Appointment) -> dict[str, Any]:
    local = appointment.start.astimezone(desk.center.zone)
    return {
        "pk": appointment.pk,
        "version": appointment.version,
        "name": appointment.patient.full_name if appointment.patient is not None else _("Held place"),
        "what": treatment(appointment)[0],
        "when": words.moment(local, desk.today),
        "chair": words.low(appointment.chair.name),
    }


def _others(desk: Desk, appointment: Appointment) -> list[dict[str, Any]]:
    """The other bookings of its unit and day that could change places with it, by time."""
    zone = desk.center.zone
    date = appointment.start.astimezone(zone).date()
    record.access(actor=desk.actor, patient=None, what="board", now=desk.now)
    day = days.schedule(unit=appointment.unit, date=date, now=desk.now)
    inside = localtime.day(date, zone)
    found = [
        each
        for each in day.appointments
        if each.pk != appointment.pk and can_move(each) and inside.contains(each.start) and not keeps_chair(each)
    ]
    return [_line(desk, each) for each in sorted(found, key=lambda each: each.start)]
