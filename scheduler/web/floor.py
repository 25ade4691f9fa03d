"""The nurses' daily schedule: who is next, waiting, in treatment, late; one visit large beside it, one tap a step.

Read at arm's length on a tablet. By need (late and waiting first) or by chair; live by the same number as the board.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from scheduler.models import Appointment, Unit
from scheduler.queries import checklist as checklists
from scheduler.queries import day as days
from scheduler.queries.checklist import Checklist
from scheduler.services import record
from scheduler.services.changes import RELATED
from scheduler.web import handover, words
from scheduler.web.door import Desk, door, page
from scheduler.web.floor_visit import Around, card
from scheduler.web.glyphs import glyph
from scheduler.web.states import State, state_of
from scheduler.web.timers import Timer, timer_of
from scheduler.web.whose import whose


@dataclass(frozen=True, slots=True)
class Seat:
    """One visit in the list. `note` is what else there is to decide about it."""

    appointment: Appointment
    chair: str
    what: str
    state: State
    glyph: SafeString
    timer: Timer
    note: str
    nurse: str
    css: str
    url: str
    is_picked: bool


@door("view-schedule")
def home(desk: Desk) -> HttpResponse:
    """Today, in the unit that was looked at last."""
    if not desk.units:
        raise Http404
    seen = desk.request.session.get("unit")
    unit = next((each for each in desk.units if each.pk == seen), desk.units[0])
    return redirect("floor", unit=unit.code)


@door("view-schedule")
def floor(desk: Desk, *, unit: str) -> HttpResponse:
    picked = desk.request.GET.get("visit", "")
    return show(desk, desk.unit(unit), picked=int(picked) if picked.isascii() and picked.isdigit() else None)


def show(desk: Desk, unit: Unit, *, picked: int | None = None, trouble: Any = None, status: int = 200) -> HttpResponse:
    """`trouble` is what a rule said about the picked visit."""
    desk.request.session["unit"] = unit.pk
    order = "chair" if desk.request.GET.get("order") == "chair" else "need"
    day = days.schedule(unit=unit, date=desk.today, now=desk.now)
    visits = [each for each in day.appointments if each.patient is not None]
    chosen = next((each for each in visits if each.pk == picked), None) or _of_another_day(unit, picked)
    every = visits if chosen is None or chosen in visits else [*visits, chosen]
    lists = checklists.of(every) if desk.may("view-clinical") else {}
    around = Around.of(every, desk)
    shown = whose(desk, visits)
    seats = [
        _seat(desk, unit, each, lists.get(each.pk), order, picked, around.note(each), shown.names.get(each.pk, ""))
        for each in shown.visits
    ]
    record.access(actor=desk.actor, patient=chosen.patient if chosen is not None else None, what="floor", now=desk.now)
    context = {
        "title": _("%(unit)s: today") % {"unit": unit.name},
        "place": "floor",
        "unit": unit,
        "day": day,
        "order": order,
        "groups": _by_need(seats) if order == "need" else _by_chair(day, seats),
        "clock": words.clock(desk.now.astimezone(day.zone)),
        "count": len(seats),
        "whose": shown,
        "handover": handover.open_lines(desk, unit),
        "moment": int(desk.now.timestamp()),
        "visit": card(desk, chosen, lists.get(chosen.pk), around, trouble) if chosen is not None else None,
        "here": reverse("floor", kwargs={"unit": unit.code}),
        "sheet": reverse("sheet", kwargs={"unit": unit.code, "date": desk.today}),
    }
    return page(desk, "scheduler/floor.html", context, status=status)


def _of_another_day(unit: Unit, picked: int | None) -> Appointment | None:
    """A visit that stands in no list of today: what was written by hand on a bad day is entered on its card."""
    if picked is None:
        return None
    rows = Appointment.objects.filter(unit=unit, pk=picked, patient__isnull=False)
    return rows.select_related(*RELATED).first()


def _seat(
    desk: Desk,
    unit: Unit,
    appointment: Appointment,
    asked: Checklist | None,
    order: str,
    picked: int | None,
    note: str,
    nurse: str,
) -> Seat:
    zone = desk.center.zone
    state = state_of(appointment, desk.now, zone)
    if asked is not None and asked.held and appointment.actual_start is None:
        state = State("is-ask is-hold", "pause", _("Held for the prescriber"))
    url = reverse("floor", kwargs={"unit": unit.code})
    return Seat(
        appointment=appointment,
        chair=appointment.chair.name,
        what=_short(appointment),
        state=state,
        glyph=glyph(state.glyph),
        timer=timer_of(appointment, desk.now, zone),
        note=note,
        nurse=nurse,
        css=state.css,
        url=f"{url}?visit={appointment.pk}" + ("&order=chair" if order == "chair" else ""),
        is_picked=appointment.pk == picked,
    )


def _by_need(seats: list[Seat]) -> list[tuple[str, list[Seat]]]:
    """Late and waiting, then in treatment, next, done; each by time."""
    groups: dict[str, list[Seat]] = {"now": [], "treat": [], "next": [], "done": []}
    for seat in sorted(seats, key=lambda each: each.appointment.start):
        groups[_group(seat)].append(seat)
    names = {"now": _("Now"), "treat": _("In treatment"), "next": _("Next"), "done": _("Done")}
    return [(names[name], found) for name, found in groups.items() if found]


def _group(seat: Seat) -> str:
    if seat.state.is_late or seat.css.startswith(("is-here", "is-ask")):
        return "now"
    if seat.css.startswith(("is-treat", "is-observe")):
        return "treat"
    return "done" if seat.state.is_over else "next"


def _by_chair(day: days.Day, seats: list[Seat]) -> list[tuple[str, list[Seat]]]:
    found = []
    for row in day.chairs:
        own = [seat for seat in seats if seat.appointment.chair_id == row.chair.pk]
        if own:
            found.append((row.chair.name, sorted(own, key=lambda each: each.appointment.start)))
    return found


def _short(appointment: Appointment) -> str:
    """EPT 2/3, under the chair's name."""
    if appointment.protocol is None:
        return _("visit")
    name, visit = appointment.protocol.abbreviation, appointment.visit
    return (
        f"{name} {visit.ordinal}/{visit.course.doses}" if visit is not None and (visit.course.doses or 0) > 1 else name
    )
