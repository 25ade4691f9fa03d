"""What is posted from a visit's card besides its steps: reactions, times, what follows, who is next in the chair."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dateparse import parse_datetime, parse_time
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.domain.errors import Forbidden, Malformed, Refused, Stale, gettext_noop
from scheduler.domain.steps import STEPS
from scheduler.models import Appointment, Chair
from scheduler.queries import overruns
from scheduler.queries.overruns import Overrun
from scheduler.queries.worklist.clashes import overrun_key, window_key
from scheduler.services import accepting, checklists, following, making_room, reactions, times, worklist
from scheduler.web import counts, floor, last, words
from scheduler.web.actions import Trouble, appointment_of
from scheduler.web.door import Desk, door

EARLIEST = timedelta(hours=6)  # before the planned start; a time of the day then means the 24 hours from there


@door("view-clinical", posts=True, gets=False)
def react(desk: Desk, *, pk: int) -> HttpResponse:
    """A reaction: its kind is one tap, words are optional."""
    appointment, post = appointment_of(desk, pk), desk.request.POST

    def run() -> None:
        reactions.react(
            actor=desk.actor,
            appointment=appointment,
            kind=post.get("kind", ""),
            note=post.get("note", ""),
            now=desk.now,
        )
        last.remember(desk.request.session, verb="reaction", appointment=appointment_of(desk, pk), now=desk.now)

    return done(desk, appointment, run)


@door("view-clinical", posts=True, gets=False)
def rest(desk: Desk, *, pk: int) -> HttpResponse:
    """All the rest of the checklist was asked, and nothing is of concern."""
    appointment = appointment_of(desk, pk)
    return done(
        desk, appointment, lambda: checklists.answer_rest(actor=desk.actor, appointment=appointment, now=desk.now)
    )


@door("treat", posts=True, gets=False)
def enter(desk: Desk, *, pk: int) -> HttpResponse:
    """Times of steps, each as 10:20, with one reason for all; those left as they are change nothing."""
    appointment = appointment_of(desk, pk)

    def run() -> None:
        given = _times(desk, appointment)
        times.enter(
            actor=desk.actor,
            appointment=appointment,
            times=given,
            reason=desk.request.POST.get("reason", ""),
            now=desk.now,
        )
        last.remember(desk.request.session, verb="correct", appointment=appointment_of(desk, pk), now=desk.now)

    return done(desk, appointment, run)


def _times(desk: Desk, appointment: Appointment) -> dict[str, datetime]:
    """By step the moments that were typed. The day follows from the planned start: a dose booked for
    01:00 may have begun at 23:50, and who came at 17:00 may have left at 01:30."""
    zone, found = desk.center.zone, {}
    for step in STEPS:
        text = desk.request.POST.get(step.code, "")
        known = getattr(appointment, step.field)
        if not text or (known is not None and f"{known.astimezone(zone):%H:%M}" == text):
            continue
        clock = parse_time(text)
        if clock is None:
            raise Malformed("time", gettext_noop("A time of the day is written as 10:00."))
        day = appointment.start.astimezone(zone).date()
        moments = [
            localtime.at(day + timedelta(days=days), clock.hour * 60 + clock.minute, zone) for days in (-1, 0, 1)
        ]
        found[step.code] = next(moment for moment in moments if moment >= appointment.start - EARLIEST)
    return found


@door("book", posts=True, gets=False)
def follow(desk: Desk, *, pk: int) -> HttpResponse:
    """Accept what follows from this visit for the later ones, as it was shown, or leave it to the desk."""
    appointment, post = appointment_of(desk, pk), desk.request.POST
    if post.get("do") not in ("accept", "desk"):
        raise Http404
    course = appointment.visit.course if appointment.visit is not None else None

    def run() -> None:
        if course is None:
            return  # a single visit: nothing follows from it
        if post.get("do") == "accept":
            accepting.accept(actor=desk.actor, course=course, seen=post.get("seen", ""), now=desk.now)
            return
        first = next(iter(following.proposals(course, now=desk.now)), None)
        if first is not None:
            _ask(desk, window_key(first.appointment))

    return done(desk, appointment, run)


@door("book", posts=True, gets=False)
def make_room(desk: Desk, *, pk: int) -> HttpResponse:
    """Who is next in the chair: another chair, later, one of the places that would work, or the desk decides."""
    appointment, post = appointment_of(desk, pk), desk.request.POST
    answers: dict[str, Callable[[Overrun, dict[str, Any]], Any]] = {
        "swap": lambda found, common: making_room.swap_chair(overrun=found, **common),
        "later": lambda found, common: making_room.come_later(overrun=found, **common),
        "place": lambda found, common: making_room.go_to(overrun=found, **_place(desk), **common),
        "desk": lambda found, common: _ask(desk, overrun_key(found.appointment)),
    }
    if post.get("do") not in answers:
        raise Http404

    def run() -> None:
        found = next(iter(overruns.of([appointment], desk.now)), None)
        if found is None or found.next is None or str(found.next.pk) != post.get("next"):
            return  # somebody was quicker: the card shows how it is now
        version = post.get("version", "")
        common = {
            "actor": desk.actor,
            "version": int(version) if version.isascii() and version.isdigit() else None,
            "now": desk.now,
        }
        answers[post["do"]](found, common)

    return done(desk, appointment, run)


def _place(desk: Desk) -> dict[str, Any]:
    """One of the places that were offered: a chair of the center and a start."""
    number, _sign, moment = desk.request.POST.get("place", "").partition("|")
    chair = (
        Chair.objects.select_related("unit__center").filter(unit__center=desk.center, pk=number).first()
        if number.isascii() and number.isdigit() and len(number) < 10
        else None
    )
    if chair is None:
        raise Http404
    try:
        start = parse_datetime(moment)
    except ValueError:
        start = None
    if start is None:
        raise Malformed("start", gettext_noop("A time of the day is written as 10:00."))
    return {"chair": chair, "start": start}


def _ask(desk: Desk, key: str) -> None:
    worklist.ask(actor=desk.actor, center=desk.center, item=key, now=desk.now)
    counts.forget(desk.center)


def done(desk: Desk, appointment: Appointment, act: Callable[[], Any]) -> HttpResponse:
    """Back to the card; or the card with why not, and what would work."""
    try:
        act()
    except Refused as refused:
        ways = [
            {
                "chair": slot.chair.id,
                "start": slot.start.isoformat(),
                "label": f"{slot.chair.name}, {words.clock(slot.start.astimezone(desk.center.zone))}",
            }
            for slot in refused.alternatives
            if slot.start.astimezone(desk.center.zone).date() == desk.today
        ]
        trouble = Trouble([each.say(_) for each in refused.refusals], ways=ways)
    except (Malformed, Forbidden) as wrong:
        desk.note_denial(wrong)
        trouble = Trouble([wrong.say(_)])
    except Stale:
        trouble = Trouble([_("Somebody has changed this visit since. This is how it is now; nothing was saved.")])
    else:
        return redirect(f"{reverse('floor', kwargs={'unit': appointment.unit.code})}?visit={appointment.pk}")
    return floor.show(desk, appointment.unit, picked=appointment.pk, trouble=trouble, status=409)
