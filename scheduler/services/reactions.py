"""A reaction to a treatment: a fact that is recorded whatever it breaks, and that makes the observation longer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from scheduler.domain import lifecycle
from scheduler.domain.errors import Forbidden, Malformed, Refused, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.domain.steps import REACTION_MINUTES
from scheduler.models import Appointment, Reaction
from scheduler.services import record
from scheduler.services.changes import days_of, fetch, fresh
from scheduler.services.locking import locked, retrying, unit_days
from scheduler.services.moving import moved_to
from scheduler.services.settle import chair_time, settle

LONGEST_NOTE = 200
SAME_TAP = timedelta(minutes=2)  # the same words again so soon are the same reaction, tapped twice or by two nurses


def react(*, actor: Actor, appointment: Appointment, kind: str, note: str = "", now: datetime) -> Reaction:
    """Record it; while she is here her observation gets longer by the protocol's minutes. Where the chair's plan has no
    room for them they stand beside it, as an overrun. Raises Forbidden for who sees no clinical detail and Malformed
    for an unknown kind; never Refused."""
    if not (actor.may("view-clinical") and actor.may("treat")):
        raise Forbidden(gettext_noop("This role does not do that."))
    note = note.strip()
    if kind not in Reaction.Kind.values:
        raise Malformed("kind", gettext_noop("Say which reaction it was."))
    if len(note) > LONGEST_NOTE:
        raise Malformed("note", gettext_noop("Say it in at most {most} characters."), most=LONGEST_NOTE)

    @retrying
    def run() -> Reaction:
        row = fetch(appointment.pk)
        if row.patient_id is None:
            raise Malformed("appointment", gettext_noop("This was held for nobody yet."))
        minutes = _minutes(row)
        whole = chair_time(row)
        longer = unit_days(row.unit, Interval(whole.start, whole.end + timedelta(minutes=minutes or 1)))
        with locked(patients=[row.patient_id], days=days_of(row) | longer, now=now):
            row = fresh(row, None)
            known = Reaction.objects.filter(appointment=row, kind=kind, note=note, at__gt=now - SAME_TAP).first()
            if known is not None:
                return known
            minutes = _minutes(row)
            reaction = Reaction.objects.create(
                appointment=row, kind=kind, note=note, observation_minutes=minutes, at=now, actor=actor.who
            )
            before = _lengths(row)
            if minutes:
                _longer(actor, row, minutes, now)
            row.version += 1
            row.save()
            after = {name: value for name, value in _lengths(row).items() if value != before[name]}
            record.event(
                actor=actor,
                verb="reaction",
                subject=row,
                now=now,
                before={name: before[name] for name in after},
                after={**after, "reaction": reaction.pk},  # its words are clinical: they stand in its row alone
            )
            return reaction

    return run()


def take_room(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """Whether the chair has room by now for the observation that stood beside the plan: then the plan has it."""

    @retrying
    def run() -> None:
        row = fetch(appointment.pk)
        minutes = row.extra_observation_minutes
        if not minutes or row.status not in lifecycle.OPEN:
            return
        whole = chair_time(row)
        longer = unit_days(row.unit, Interval(whole.start, whole.end + timedelta(minutes=minutes)))
        with locked(patients=[row.patient_id], days=days_of(row) | longer, now=now):
            row = fresh(row, row.version)
            before = _lengths(row)
            row.extra_observation_minutes = 0
            _longer(actor, row, minutes, now)
            if row.extra_observation_minutes == 0:
                row.save()
                record.event(actor=actor, verb="observe", subject=row, now=now, before=before, after=_lengths(row))

    run()


def _minutes(row: Appointment) -> int:
    """None for who has gone, or never came."""
    if row.status not in ("arrived", "checked-in") or row.phase == "discharged":
        return 0
    asked = row.protocol.reaction_minutes if row.protocol is not None else None
    return REACTION_MINUTES if asked is None else asked


def _longer(actor: Actor, row: Appointment, minutes: int, now: datetime) -> None:
    """In the plan of the chair by every hard rule, or beside it."""
    planned = row.observation_minutes
    row.observation_minutes = planned + minutes
    try:
        with transaction.atomic():
            wanted = moved_to(row, row.chair, row.start)
            settle(actor=actor, wanted=[wanted], override=None, now=now, hard_only=True)
    except Refused:
        row.observation_minutes = planned
        row.extra_observation_minutes += minutes


def _lengths(row: Appointment) -> dict[str, Any]:
    return {
        "observation_minutes": row.observation_minutes,
        "extra_observation_minutes": row.extra_observation_minutes,
    }
