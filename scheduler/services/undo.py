"""Undo the last thing that happened to a booking, from what its event remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.dateparse import parse_datetime

from scheduler.domain import lifecycle
from scheduler.domain.errors import gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Chair, Course, Dose, Event, Occupancy, Reaction, Visit
from scheduler.services import ledger, record
from scheduler.services.booking import release_time
from scheduler.services.changes import REMEMBERED, days_of, difference, fetch, fresh, snapshot
from scheduler.services.following import redate
from scheduler.services.locking import locked, retrying
from scheduler.services.moving import moved_to, rest_of_stay
from scheduler.services.settle import Wanted, keep_stay, keeps_chair, occupy, settle
from scheduler.services.writing import days, not_possible, still_open

UNDOABLE = frozenset(
    {"arrive", "check-in", "start", "phase", "complete", "confirm", "no-show", "cancel", "move"}
    | {"correct", "reaction"}
)
_TIMES = {"start", "end", *(name for name in REMEMBERED if name.endswith("_at")), "actual_start", "actual_end"}
_PLACE = {"chair_id", "start", "end"}


def undo(*, actor: Actor, appointment: Appointment, version: int | None = None, now: datetime) -> Appointment:
    """Put the booking back to how it was before its last change. Where that needs a place again, the hard rules
    decide. Raises Refused where there is nothing to undo, the place has gone to somebody else, or its visit or
    course has gone on without it."""
    appointment = fetch(appointment.pk)
    last = last_change(appointment)
    if last is None:
        raise not_possible(gettext_noop("There is nothing to undo for this visit."))
    before = {name: _value(name, value) for name, value in last.before.items()}
    wanted = _place_before(appointment, before)

    @retrying
    def run() -> Appointment:
        with locked(patients=[appointment.patient_id], days=days_of(appointment) | days(wanted), now=now):
            row = fresh(appointment, version)
            if last_change(row) != last:
                raise not_possible(gettext_noop("Somebody has changed this visit since."))
            was = snapshot(row)
            if wanted:
                row = _take_again(actor, row, before, wanted, now)
            else:
                if last.verb == "correct":
                    _entered_no_more(actor, row, before, now)
                _set(row, before)
                if row.status not in lifecycle.LIVE and (was["status"] in lifecycle.LIVE or last.verb == "correct"):
                    release_time(row, reason=row.reason or str(row.status))
                row.version += 1
                row.save()
            if last.verb == "complete":
                _take_dose_back(actor, row, now)
            elif last.verb == "correct" and row.actual_start is not None:
                Dose.objects.filter(appointment=row).update(given_at=row.actual_start)
            elif last.verb == "reaction":
                _take_reaction_back(row, last)
            if row.visit is not None:
                redate(row.visit.course, now=now)
            _recorded(actor, row, was, now)
            return row

    return run()


def last_change(appointment: Appointment) -> Event | None:
    """The event that undo would take back; None when the last one is no such thing. A cancelled hold is over: it
    would have run out by itself."""
    last = Event.objects.filter(subject="appointment", subject_id=appointment.pk).order_by("-pk").first()
    if last is None or last.verb not in UNDOABLE:
        return None
    return None if last.verb == "cancel" and last.before.get("status") == "pending" else last


def _place_before(row: Appointment, before: dict[str, Any]) -> list[Wanted]:
    """The place that has to be taken again, with the other doses of its stay where the chair changes; empty where
    the booking has its place."""
    status = before.get("status", row.status)
    if status not in lifecycle.LIVE or (row.status in lifecycle.LIVE and not _PLACE & before.keys()):
        return []
    chair = row.chair
    if "chair_id" in before:
        chair = Chair.objects.select_related("unit__center").get(pk=before["chair_id"])
    wanted = [moved_to(row, chair, before.get("start", row.start))]
    if keeps_chair(row) and row.status in lifecycle.LIVE and chair.pk != row.chair_id:
        wanted += rest_of_stay(row, chair, besides=wanted)
    return wanted


def _take_again(
    actor: Actor, row: Appointment, before: dict[str, Any], wanted: Sequence[Wanted], now: datetime
) -> Appointment:
    had_place, old_start = row.status in lifecycle.LIVE, row.start
    if not had_place:
        still_open(replace(wanted[0], appointment=None), now)
    others = [fresh(one.appointment, None) for one in wanted[1:] if one.appointment is not None]
    befores = [snapshot(other) for other in others]
    _set(row, before)
    current = [replace(one, appointment=known) for one, known in zip(wanted, [row, *others], strict=True)]
    row, *others = settle(actor=actor, wanted=current, override=None, now=now, hard_only=True)
    for other, was in zip(others, befores, strict=True):
        _recorded(actor, other, was, now)
    if row.status != "pending" and (not had_place or row.start != old_start):
        ledger.plan_for(row, kind="moved" if had_place else "booked", now=now)
    return row


def _set(row: Appointment, before: dict[str, Any]) -> None:
    for name, value in before.items():
        if name == "override":
            row.override = _decision(row, value) if value else None
        elif name not in _PLACE:
            setattr(row, name, value)


def _decision(row: Appointment, codes: list[str]) -> dict[str, Any]:
    """The rules set aside for its old place, with who did and why, as the event of that place remembers."""
    made = Event.objects.filter(subject="appointment", subject_id=row.pk, after__override=codes).order_by("-pk").first()
    return {"codes": codes, "reason": made.reason if made else "", "by": made.actor if made else ""}


def _take_dose_back(actor: Actor, row: Appointment, now: datetime) -> None:
    """The visit is not done, and a course that its dose completed goes on."""
    Dose.objects.filter(appointment=row).delete()
    if row.visit is None:
        return
    Visit.objects.filter(pk=row.visit.pk, state="done").update(state="booked")
    course = row.visit.course
    if Course.objects.filter(pk=course.pk, status="completed").update(status="active", version=F("version") + 1):
        record.event(
            actor=actor,
            verb="undo",
            subject=course,
            now=now,
            before={"status": "completed"},
            after={"status": "active"},
        )


def _entered_no_more(actor: Actor, row: Appointment, before: dict[str, Any], now: datetime) -> None:
    """The dose that came with times entered afterwards; one that was there before them stays."""
    was_given = row.status == "fulfilled" and "status" not in before
    dose = Dose.objects.filter(appointment=row).first()
    if dose is None or was_given:
        return
    if dose.visit_id is None:
        dose.delete()
    else:
        _take_dose_back(actor, row, now)


def _take_reaction_back(row: Appointment, last: Event) -> None:
    """Tapped by mistake: the observation is as long as before, in the chair's plan too."""
    Reaction.objects.filter(appointment=row, pk=last.after["reaction"]).delete()
    if row.status in lifecycle.LIVE and "observation_minutes" in last.before:
        Occupancy.objects.filter(appointment=row).delete()
        occupy(row)
        if keeps_chair(row) and row.visit is not None:
            keep_stay(row.visit.course_id)


def _recorded(actor: Actor, row: Appointment, was: dict[str, Any], now: datetime) -> None:
    changed, became = difference(was, snapshot(row))
    record.event(actor=actor, verb="undo", subject=row, now=now, before=changed, after=became)


def _value(name: str, value: object) -> object:
    return parse_datetime(value) if name in _TIMES and isinstance(value, str) else value
