"""The wall: one unit on a big screen that everybody passes, readable from five metres. Initials instead of names, no
treatment; who comes, who is late, when a chair is free. Dim at night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from scheduler.models import Appointment, Patient
from scheduler.queries import day as days
from scheduler.services import record, sessions
from scheduler.web import limits, words
from scheduler.web.door import Desk, door, page
from scheduler.web.glyphs import glyph
from scheduler.web.states import State, expected_at, state_of

DIM_FROM, DIM_UNTIL = 21 * 60, 7 * 60  # minutes of the local day
SEATED = ("in-chair", "pre-medication", "infusing", "observing")
COMING_SHOWN, LATE_SHOWN, WAITING_SHOWN = 5, 4, 4
SOON_OVER = timedelta(days=7)  # the screen says so long before that somebody has to sign in again


@dataclass(frozen=True, slots=True)
class Place:
    """One chair: who is in it, and how long it takes until she leaves, or until when it is free."""

    name: str
    who: str
    figure: str
    under: str
    css: str
    glyph: SafeString | None


@dataclass(frozen=True, slots=True)
class Line:
    who: str
    chair: str
    time: str


@door("view-wall")
def home(desk: Desk) -> HttpResponse:
    if not desk.units:
        raise Http404
    return redirect("wall", unit=desk.units[0].code)


@door("view-wall")
def wall(desk: Desk, *, unit: str) -> HttpResponse:
    place = desk.unit(unit)
    day = days.schedule(unit=place, date=desk.today, now=desk.now)
    if not limits.is_background(desk.request):
        # Once a screen, not once a minute: the record would be full of a wall that nobody need be looking at.
        record.access(actor=desk.actor, patient=None, what="wall", now=desk.now)
    visits = sorted((each for each in day.appointments if each.patient is not None), key=expected_at)
    states = {each.pk: state_of(each, desk.now, day.zone) for each in visits}
    local = desk.now.astimezone(day.zone)
    late = [each for each in visits if each.status == "booked" and states[each.pk].is_late]
    waiting = [each for each in visits if each.status in ("arrived", "checked-in") and each.phase not in SEATED]
    coming = [
        each for each in visits if each.status == "booked" and each not in late and not _is_between_doses(each, day)
    ]
    context = {
        "title": _("%(unit)s: wall") % {"unit": place.name},
        "unit": place,
        "day": day,
        "clock": words.clock(local),
        "date": words.day(local.date(), local.date()),
        "is_night": is_night(local),
        "dim_from": DIM_FROM,
        "dim_until": DIM_UNTIL,
        "chairs": [_place(desk, row, states, day) for row in day.chairs],
        "late": _lines(late[:LATE_SHOWN], [words.length(desk.now - expected_at(each)) for each in late]),
        "late_more": len(late[LATE_SHOWN:]),
        "waiting": _lines(
            waiting[:WAITING_SHOWN], [words.length(desk.now - (each.arrived_at or desk.now)) for each in waiting]
        ),
        "waiting_more": len(waiting[WAITING_SHOWN:]),
        "coming": _lines(
            coming[:COMING_SHOWN], [words.clock(expected_at(each).astimezone(day.zone)) for each in coming]
        ),
        "coming_more": len(coming[COMING_SHOWN:]),
        "ends": _ends(desk),
    }
    return page(desk, "scheduler/wall.html", context)


def is_night(local: datetime) -> bool:
    """From 21:00 to 07:00 on the center's clocks."""
    minute = local.hour * 60 + local.minute
    return minute >= DIM_FROM or minute < DIM_UNTIL


def _lines(visits: Sequence[Appointment], times: Sequence[str]) -> list[Line]:
    return [Line(_who(each.patient), each.chair.name, time) for each, time in zip(visits, times, strict=False)]


def _who(patient: Patient | None) -> str:
    """J D. A wall has no names."""
    return " ".join(words.initials(patient.full_name)) if patient is not None else ""


def _place(desk: Desk, row: days.ChairDay, states: dict[int, State], day: days.Day) -> Place:
    own = [each for each in row.appointments if each.pk in states]
    seated = next((each for each in own if each.phase in SEATED and each.status != "fulfilled"), None)
    if seated is not None:
        state, left = states[seated.pk], _leaves(seated, desk.now) - desk.now
        over = left < timedelta(0)
        return Place(
            name=row.chair.name,
            who=_who(seated.patient),
            figure=f"+{words.length(-left)}" if over else words.length(left),
            under=_("over") if over else _("left"),
            css=state.css.split()[0],
            glyph=glyph(state.glyph),
        )
    if any(each.phase == "chair-cleaning" for each in own):
        return Place(row.chair.name, "", _("Cleaning"), "", "is-done", glyph("clean"))
    if any(each.starts_at <= desk.now < each.ends_at for each in row.closures) or not row.chair.is_active:
        return Place(row.chair.name, "", _("Closed"), "", "is-done", glyph("x"))
    following = next((each for each in sorted(own, key=lambda each: each.start) if _is_to_come(each, desk.now)), None)
    time = words.clock(expected_at(following).astimezone(day.zone)) if following is not None else ""
    stay = next((each for each in row.stays if each.interval.contains(desk.now)), None)
    if stay is not None and _has_come(own, stay):
        under = _("next %(time)s") % {"time": time} if time else ""
        return Place(row.chair.name, _who(stay.course.patient), _("Stays"), under, "is-here", glyph("here"))
    if following is not None and states[following.pk].is_late:
        return Place(
            row.chair.name, "", _("Free"), _("%(who)s is late") % {"who": _who(following.patient)}, "is-free", None
        )
    under = _("until %(time)s") % {"time": time} if time else ""
    if following is not None and expected_at(following) <= desk.now:
        under = _("for %(who)s") % {"who": _who(following.patient)}
    return Place(row.chair.name, "", _("Free"), under, "is-free", None)


def _leaves(appointment: Appointment, now: datetime) -> datetime:
    """When she is out, as things stand; before the treatment begins it is taken to begin now at the soonest."""
    observed = timedelta(minutes=appointment.observation_minutes)
    if appointment.actual_end is not None:
        return appointment.actual_end + observed
    begun = appointment.actual_start or max(appointment.start, now)
    return begun + (appointment.end - appointment.start) + observed


def _is_to_come(appointment: Appointment, now: datetime) -> bool:
    return appointment.status in ("booked", "arrived", "checked-in") and appointment.end > now


def _has_come(own: Sequence[Appointment], stay: days.Stay) -> bool:
    """To her first dose, today or before."""
    doses = [each for each in own if each.visit is not None and each.visit.course_id == stay.course.pk]
    here = ("arrived", "checked-in", "fulfilled")
    return any(each.status in here or each.visit.ordinal > 1 for each in doses if each.visit is not None)


def _is_between_doses(appointment: Appointment, day: days.Day) -> bool:
    """A later dose of a stay: she is here already."""
    visit = appointment.visit
    return visit is not None and visit.ordinal > 1 and visit.course_id in day.doses


def _ends(desk: Desk) -> str:
    """When somebody has to sign the screen in again, if that is soon."""
    standing = limits.standing_of(desk.request)
    if standing is None or not sessions.is_wall(standing.sign_in.user, standing.memberships):
        return ""
    ends, _is_final = sessions.ends_at(standing)
    return words.day(ends.astimezone(desk.center.zone).date(), desk.today) if ends - desk.now < SOON_OVER else ""
