"""What happened, in words, from the events on record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from scheduler.models import Appointment, Event
from scheduler.web import words

MOST = 12


@dataclass(frozen=True, slots=True)
class Line:
    when: str
    what: str


def of_appointment(appointment: Appointment, now: datetime) -> list[Line]:
    """Newest first. `now` in the center's zone."""
    events = list(Event.objects.filter(subject="appointment", subject_id=appointment.pk).order_by("-pk")[:MOST])
    return lines(events, now)


def lines(events: Iterable[Event], now: datetime) -> list[Line]:
    events = list(events)
    people = _people(events)
    zone = now.tzinfo
    return [Line(words.ago(event.at.astimezone(zone), now), _said(event, people, zone)) for event in events]


def _people(events: Iterable[Event]) -> dict[str, str]:
    """Names of the users among the actors, in one query."""
    keys = {event.actor.partition(":")[2] for event in events if event.actor.startswith("user:")}
    users = get_user_model().objects.filter(pk__in=[key for key in keys if key.isdigit()]) if keys else []
    return {f"user:{user.pk}": words.person(user) for user in users}


def _said(event: Event, people: dict[str, str], zone: Any) -> str:
    what = _verbs().get(event.verb, event.verb)
    if event.verb == "move" and "start" in event.before:
        what = _("Moved from %(start)s") % {"start": _moment(event.before["start"], zone)}
    text = what
    if event.actor in people:
        text = _("%(what)s by %(name)s") % {"what": what, "name": people[event.actor]}
    elif event.actor.startswith("job:"):
        text = _("%(what)s automatically") % {"what": what}
    return f"{text}: {event.reason}" if event.reason else text


def _moment(value: Any, zone: Any) -> str:
    moment = parse_datetime(value) if isinstance(value, str) else value
    return words.moment(moment.astimezone(zone), moment.astimezone(zone).date()) if moment is not None else ""


def _verbs() -> dict[str, str]:
    return {
        "hold": _("Held"),
        "book": _("Booked"),
        "move": _("Moved"),
        "cancel": _("Cancelled"),
        "reopen": _("Booked again"),
        "mark-error": _("Taken back"),
        "confirm": _("Confirmed"),
        "arrive": _("Arrived"),
        "check-in": _("Checked in"),
        "start": _("Treatment started"),
        "phase": _("Next step"),
        "complete": _("Completed"),
        "correct": _("Times entered"),
        "reaction": _("Reaction noted"),
        "observe": _("Observation longer"),
        "no-show": _("Did not come, noted"),
        "undo": _("Last step undone"),
        "expire": _("Hold ended"),
        "release": _("Hold ended"),
        "start-course": _("Course started"),
        "extend-course": _("Visits added"),
        "pause": _("Paused"),
        "resume": _("Resumed"),
        "discontinue": _("Discontinued"),
        "amend": _("Amended"),
        "waive": _("Waived"),
        "complete-course": _("Course completed"),
        "wait": _("Put on the waiting list"),
        "stop-waiting": _("Taken off the waiting list"),
        "prioritise": _("Urgency changed"),
        "offer": _("Earlier time offered"),
        "accept-offer": _("Earlier time accepted"),
        "decline-offer": _("Earlier time declined"),
        "withdraw-offer": _("Offer withdrawn"),
        "ask-another-time": _("Asked for another time"),
    }
