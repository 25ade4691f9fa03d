"""Undo the last thing that happened to a booking, from what its event remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.dateparse import parse_datetime

from scheduler.domain import lifecycle
from scheduler.domain.errors import Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Chair, Course, Dose, Event, Occupancy, Reaction, Visit
from scheduler.services import ledger, record
from scheduler.services.booking import release_time
from scheduler.services.changes import REMEMBERED, days_of, difference, fetch, fresh, snapshot
from scheduler.services.following import redate_all
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


@dataclass(frozen=True, slots=True)
class _Step:
    """One booking that undo brings back: the event that changed it last, and what that event remembers."""

    row: Appointment
    event: Event
    before: dict[str, Any]


def undo(*, actor: Actor, appointment: Appointment, version: int | None = None, now: datetime) -> Appointment:
    """Put the booking back to how it was before its last change; where that change moved other bookings with it
    (visits that follow, the doses of a stay, the other one of a swap), all of them, or none. Where that needs a place
    again, the hard rules decide. Raises Refused where there is nothing to undo, the place has gone to somebody else,
    one of them was changed since, or its visit or course has gone on without it; Stale as booking does."""
    appointment = fetch(appointment.pk)
    last = last_change(appointment)
    if last is None:
        raise not_possible(gettext_noop("There is nothing to undo for this visit."))
    steps = [_step(appointment, last), *_moved_with(appointment, last)]
    wanted = _places_before(steps)

    @retrying
    def run() -> Appointment:
        touched = days(wanted).union(*(days_of(step.row) for step in steps))
        with locked(patients=[step.row.patient_id for step in steps], days=touched, now=now):
            row = fresh(appointment, version)
            if last_change(row) != last:
                raise not_possible(gettext_noop("Somebody has changed this visit since."))
            others = [_as_moved(step) for step in steps[1:]]
            was, before = snapshot(row), steps[0].before
            if wanted:
                row, *others = _take_again(actor, [row, *others], steps, wanted, now)
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
            redate_all([row, *others], now=now)
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


def moved_along(last: Event | None) -> int:
    """How many other bookings were moved by the action of this event."""
    return max(len(last.after.get("together", ())) - 1, 0) if last is not None else 0


def _step(row: Appointment, event: Event) -> _Step:
    return _Step(row, event, {name: _value(name, value) for name, value in event.before.items()})


def _moved_with(appointment: Appointment, last: Event) -> list[_Step]:
    """The other bookings that the same action moved, each as long as that is still its last change."""
    together = last.after.get("together", [])
    steps = []
    for pk in together:
        if pk == appointment.pk:
            continue
        row = fetch(pk)
        event = last_change(row)
        if event is None or event.verb != last.verb or event.after.get("together") != together:
            raise _changed_since(row)
        steps.append(_step(row, event))
    return steps


def _as_moved(step: _Step) -> Appointment:
    """The booking inside the lock. Raises Refused where it is no longer as the action left it."""
    row = fetch(step.row.pk)
    if row.version != step.row.version or last_change(row) != step.event:
        raise _changed_since(row)
    return row


def _changed_since(row: Appointment) -> Refused:
    return not_possible(
        gettext_noop(
            "Several visits were moved together, and the one at {start} has been changed since. So none was moved "
            "back; move each by itself."
        ),
        start=row.start.astimezone(row.unit.center.zone),
    )


def _places_before(steps: Sequence[_Step]) -> list[Wanted]:
    """The places that have to be taken again, with the other doses of a stay where the chair changes; empty where
    the booking has its place."""
    row, before = steps[0].row, steps[0].before
    if len(steps) > 1:
        return [_back(step.row, step.before) for step in steps]
    status = before.get("status", row.status)
    if status not in lifecycle.LIVE or (row.status in lifecycle.LIVE and not _PLACE & before.keys()):
        return []
    wanted = [_back(row, before)]
    if keeps_chair(row) and row.status in lifecycle.LIVE and wanted[0].chair.pk != row.chair_id:
        wanted += rest_of_stay(row, wanted[0].chair, besides=wanted)
    return wanted


def _back(row: Appointment, before: dict[str, Any]) -> Wanted:
    chair = row.chair
    if "chair_id" in before:
        chair = Chair.objects.select_related("unit__center").get(pk=before["chair_id"])
    return moved_to(row, chair, before.get("start", row.start))


def _take_again(
    actor: Actor, rows: Sequence[Appointment], steps: Sequence[_Step], wanted: Sequence[Wanted], now: datetime
) -> list[Appointment]:
    """`rows` are those of `steps`, the booking itself first; returns what was written, in the order of `wanted`."""
    row = rows[0]
    had_place = row.status in lifecycle.LIVE
    if not had_place:
        still_open(replace(wanted[0], appointment=None), now)
    rest = [fresh(one.appointment, None) for one in wanted[len(rows) :] if one.appointment is not None]
    everybody = [*rows, *rest]
    was = [snapshot(each) for each in everybody]
    for each, step in zip(rows, steps, strict=True):
        # The same rules may have been set aside for both places, for reasons of their own.
        aside = each.override["codes"] if each.override else None
        _set(each, {"override": aside} | step.before)
    current = [replace(one, appointment=known) for one, known in zip(wanted, everybody, strict=True)]
    written = settle(actor=actor, wanted=current, override=None, now=now, hard_only=True)
    for other, before in zip(written[1:], was[1:], strict=True):
        _recorded(actor, other, before, now)
    told = [
        each
        for each, before in zip(written, was, strict=True)
        if each.status != "pending" and (not had_place or each.start != before["start"])
    ]
    if told:
        ledger.plan_for(*told, kind="moved" if had_place else "booked", now=now)
    return written


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
