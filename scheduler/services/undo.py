"""Undo the last thing that happened to a booking, from what its event remembers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from scheduler.domain import lifecycle
from scheduler.domain.errors import Refusal, Refused, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Chair, Course, Dose, Event, Visit
from scheduler.queries import needs
from scheduler.services import ledger, record
from scheduler.services.booking import release_time
from scheduler.services.changes import days_of, difference, fetch, fresh, snapshot
from scheduler.services.following import redate
from scheduler.services.locking import locked, retrying, unit_days
from scheduler.services.settle import Wanted, settle

UNDOABLE = frozenset({"arrive", "check-in", "start", "phase", "complete", "confirm", "no-show", "cancel", "move"})
_TIMES = {"start", "end", "confirmed_at", "arrived_at", "checked_in_at", "actual_start", "actual_end", "phase_at"}


def undo(*, actor: Actor, appointment: Appointment, version: int | None = None, now: datetime) -> Appointment:
    """Put the booking back to how it was before its last change. Where that needs a place again, the hard rules
    decide; raises Refused when there is nothing to undo, or the place has gone to somebody else."""
    appointment = fetch(appointment.pk)
    last = last_change(appointment)
    if last is None:
        raise Refused([Refusal("transition_is_allowed", gettext_noop("There is nothing to undo for this visit."))])
    before = {name: _value(name, value) for name, value in last.before.items()}
    chair = (
        Chair.objects.select_related("unit__center").get(pk=before["chair_id"])
        if "chair_id" in before
        else appointment.chair
    )
    start = before.get("start", appointment.start)
    length = appointment.end - appointment.start
    days = days_of(appointment) | unit_days(chair.unit, Interval(start, start + length))

    @retrying
    def run() -> Appointment:
        with locked(patients=[appointment.patient_id], days=days, now=now):
            row = fresh(appointment, version)
            if last_change(row) != last:
                raise Refused(
                    [Refusal("transition_is_allowed", gettext_noop("Somebody has changed this visit since."))]
                )
            was = snapshot(row)
            row = _put_back(actor, row, before, chair, start, now)
            Course.objects.filter(visits=row.visit_id, status="completed").update(status="active")
            if row.visit is not None:
                redate(row.visit.course, now=now)
            changed, became = difference(was, snapshot(row))
            record.event(actor=actor, verb="undo", subject=row, now=now, before=changed, after=became)
            return row

    return run()


def last_change(appointment: Appointment) -> Event | None:
    """The event that undo would take back; None when the last one is no such thing."""
    last = Event.objects.filter(subject="appointment", subject_id=appointment.pk).order_by("-pk").first()
    return last if last is not None and last.verb in UNDOABLE else None


def _put_back(
    actor: Actor, row: Appointment, before: dict[str, Any], chair: Chair, start: datetime, now: datetime
) -> Appointment:
    held_before = row.status in lifecycle.LIVE
    moved = (row.chair_id, row.start) != (chair.pk, start)
    status = before.get("status", row.status)
    for name, value in before.items():
        if name not in ("chair_id", "start", "end"):
            setattr(row, name, value)
    if row.status != "fulfilled":
        Dose.objects.filter(appointment=row).delete()
        if row.visit_id is not None and row.status in lifecycle.LIVE:
            Visit.objects.filter(pk=row.visit_id, state="done").update(state="booked")
    if row.status in lifecycle.LIVE and (moved or not held_before):
        wanted = Wanted(
            need=needs.for_appointment(row),
            chair=chair,
            start=start,
            patient=row.patient,
            visit=row.visit,
            protocol=row.protocol,
            appointment=row,
        )
        row = settle(actor=actor, wanted=[wanted], override=None, now=now, hard_only=True)[0]
        ledger.plan_for(row, kind="moved" if held_before else "booked", now=now)
        return row
    if held_before and row.status not in lifecycle.LIVE:
        release_time(row, reason=row.reason or str(status))
    row.version += 1
    row.save()
    return row


def _value(name: str, value: Any) -> Any:
    return parse_datetime(value) if name in _TIMES and isinstance(value, str) else value
