"""The nurses' daily schedule: who is next, waiting, in treatment, late; one visit large beside it, one tap a step.

Read at arm's length on a tablet. By need (late and waiting first) or by chair; live by the same number as the board.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from scheduler.models import Appointment, Dose, Registration, Unit
from scheduler.queries import checklist as checklists
from scheduler.queries import day as days
from scheduler.queries.checklist import Checklist
from scheduler.queries.words import dose_words
from scheduler.services import record
from scheduler.web import words
from scheduler.web.door import Desk, door, page
from scheduler.web.glyphs import glyph
from scheduler.web.states import State, expected_at, state_of
from scheduler.web.visit import buttons

SOON = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Seat:
    """One visit in the list. `timer` counts minutes: up for waiting and over, down for what runs or comes."""

    appointment: Appointment
    chair: str
    what: str
    state: State
    glyph: SafeString
    timer: str
    under: str
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
    lists = checklists.of(visits) if desk.may("view-clinical") else {}
    seats = [_seat(desk, unit, each, lists.get(each.pk), order, picked) for each in visits]
    chosen = next((each for each in visits if each.pk == picked), None)
    record.access(actor=desk.actor, patient=chosen.patient if chosen is not None else None, what="floor", now=desk.now)
    context = {
        "title": _("%(unit)s: today") % {"unit": unit.name},
        "place": "floor",
        "unit": unit,
        "day": day,
        "order": order,
        "groups": _by_need(seats) if order == "need" else _by_chair(day, seats),
        "clock": words.clock(desk.now.astimezone(day.zone)),
        "count": len(visits),
        "visit": _visit(desk, chosen, lists.get(chosen.pk), trouble) if chosen is not None else None,
        "here": reverse("floor", kwargs={"unit": unit.code}),
        "sheet": reverse("sheet", kwargs={"unit": unit.code, "date": desk.today}),
    }
    return page(desk, "scheduler/floor.html", context, status=status)


def _seat(
    desk: Desk, unit: Unit, appointment: Appointment, asked: Checklist | None, order: str, picked: int | None
) -> Seat:
    zone = desk.center.zone
    state = state_of(appointment, desk.now, zone)
    if asked is not None and asked.held and appointment.actual_start is None:
        state = State("is-ask is-hold", "pause", _("Held for the prescriber"))
    timer, under = _timer(appointment, state, desk.now, zone)
    url = reverse("floor", kwargs={"unit": unit.code})
    return Seat(
        appointment=appointment,
        chair=appointment.chair.name,
        what=_short(appointment),
        state=state,
        glyph=glyph(state.glyph),
        timer=timer,
        under=under,
        css=state.css,
        url=f"{url}?visit={appointment.pk}" + ("&order=chair" if order == "chair" else ""),
        is_picked=appointment.pk == picked,
    )


def _timer(appointment: Appointment, state: State, now: datetime, zone: Any) -> tuple[str, str]:
    """The figure, and what it counts."""
    if appointment.status == "booked":
        expected = expected_at(appointment)
        if now >= expected:
            return f"+{words.length(now - expected)}", _("since %(time)s") % {
                "time": words.clock(expected.astimezone(zone))
            }
        return words.length(expected - now), _("to go")
    if appointment.status in ("fulfilled", "noshow"):
        ended = appointment.actual_end or appointment.end
        return words.clock(ended.astimezone(zone)), _("ended")
    if appointment.phase == "infusing":
        until = (appointment.actual_start or appointment.start) + (appointment.end - appointment.start)
    elif appointment.phase == "observing":
        until = (appointment.actual_end or appointment.end) + timedelta(minutes=appointment.observation_minutes)
    else:
        since = appointment.phase_at or appointment.arrived_at or now
        return words.length(now - since), _("since %(time)s") % {"time": words.clock(since.astimezone(zone))}
    if now > until:
        return f"+{words.length(now - until)}", _("since %(time)s") % {"time": words.clock(until.astimezone(zone))}
    return words.length(until - now), _("left")


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


def _visit(desk: Desk, appointment: Appointment, asked: Checklist | None, trouble: Any) -> dict[str, Any]:
    zone, patient = desk.center.zone, appointment.patient
    assert patient is not None  # holds are not on the floor
    state = state_of(appointment, desk.now, zone)
    mrn = Registration.objects.filter(patient=patient, center=desk.center).values_list("mrn", flat=True).first()
    steps = buttons(desk, appointment)
    primary = next((each for each in steps if each.is_primary), None)
    found: dict[str, Any] = {
        "appointment": appointment,
        "patient": patient,
        "person": f"{words.born(patient.birth_date, desk.today)}, MRN {mrn or ''}, {appointment.chair.name}",
        "state": state,
        "glyph": glyph(state.glyph),
        "dose": dose_words(appointment),
        "components": _components(desk, appointment),
        "steps": _steps(appointment, desk.now, zone),
        "primary": primary,
        "others": [each for each in steps if each is not primary and not each.is_move and each.action != "wait"],
        "trouble": trouble,
        "driver": appointment.protocol is not None and appointment.protocol.needs_driver,
        "checklist": asked if asked is not None and asked.questions else None,
        "last_dose": _last_dose(desk, appointment),
        "missing": _missing(asked) if asked is not None and appointment.actual_start is None else "",
    }
    return found


def _missing(asked: Checklist) -> str:
    """What the main action still lacks."""
    parts = []
    if asked.unanswered:
        parts.append(_("%(count)s answers") % {"count": asked.unanswered})
    if asked.held:
        parts.append(_("a decision") if asked.held == 1 else _("%(count)s decisions") % {"count": asked.held})
    return _("%(what)s left") % {"what": _(" and ").join(parts)} if parts else ""


def _components(desk: Desk, appointment: Appointment) -> list[tuple[str, str]]:
    """In order with minutes; clinical detail is for those who may see it."""
    if appointment.protocol is None or not desk.may("view-clinical"):
        return []
    return [
        (f"{each.name} {each.dose}".strip(), f"{each.minutes} min") for each in appointment.protocol.spec().components
    ]


def _last_dose(desk: Desk, appointment: Appointment) -> str:
    """When the substance was given last, and not before when it may be given again."""
    protocol = appointment.protocol
    if protocol is None or not protocol.substance or not desk.may("view-clinical"):
        return ""
    given = (
        Dose.objects.filter(patient=appointment.patient_id, substance=protocol.substance, given_at__lte=desk.now)
        .exclude(appointment=appointment)
        .exclude(status=Dose.Status.NOT_GIVEN)
        .order_by("-given_at")
        .values_list("given_at", flat=True)
        .first()
    )
    return words.moment(given.astimezone(desk.center.zone), desk.today) if given is not None else ""


def _steps(appointment: Appointment, now: datetime, zone: Any) -> list[dict[str, Any]]:
    """Arrived to out, with the times of those that are over and how long the present one has lasted."""
    order = ["arrived", "checked", "in-chair", "pre-medication", "infusing", "observing", "out"]
    names = {
        "arrived": _("Arrived"),
        "checked": _("Checklist"),
        "in-chair": _("In chair"),
        "pre-medication": _("Pre-med"),
        "infusing": _("Infusing"),
        "observing": _("Observing"),
        "out": _("Out"),
    }
    times = {
        "arrived": appointment.arrived_at,
        "checked": appointment.checked_in_at,
        "infusing": appointment.actual_start,
        "out": appointment.actual_end if appointment.status == "fulfilled" else None,
    }
    at = _present(appointment)
    present = order.index(at) if at else -1
    found = []
    for number, step in enumerate(order):
        moment = times.get(step)
        label = words.clock(moment.astimezone(zone)) if moment is not None and number <= present else ""
        found.append({"name": names[step], "time": label, "is_past": number < present, "is_present": number == present})
    return found


def _present(appointment: Appointment) -> str:
    if appointment.status == "fulfilled":
        return "out"
    if appointment.phase in ("in-chair", "pre-medication", "infusing", "observing"):
        return appointment.phase
    if appointment.status == "checked-in":
        return "checked"
    return "arrived" if appointment.status == "arrived" else ""
