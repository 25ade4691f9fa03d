"""Changing one appointment: lock its day and patient, read it afresh, ask the transition table, record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from scheduler.domain import lifecycle
from scheduler.domain.errors import NotFound, Refused, Stale
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment
from scheduler.services import record
from scheduler.services.locking import UnitDayKey, locked, unit_days
from scheduler.services.settle import chair_time, stay_of

RELATED = (
    "unit__center",
    "chair__unit__center",
    "patient",
    "protocol",
    "visit__course__protocol",
    "visit__course__center",
    "visit__course__unit__center",
)

# What an event remembers of an appointment, and what undo puts back.
REMEMBERED = (
    "status",
    "phase",
    "chair_id",
    "start",
    "end",
    "confirmed_at",
    "arrived_at",
    "checked_in_at",
    "actual_start",
    "actual_end",
    "phase_at",
    "in_chair_at",
    "premedication_at",
    "observed_at",
    "discharged_at",
    "cleaned_at",
    "outcome",
    "reason",
)


def snapshot(appointment: Appointment) -> dict[str, Any]:
    """With the codes of the rules set aside; the reason for it is the event's own."""
    aside = appointment.override["codes"] if appointment.override else None
    return {name: getattr(appointment, name) for name in REMEMBERED} | {"override": aside}


def difference(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what changed, as an event stores it."""
    changed = [name for name in before if before[name] != after[name]]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}


def fetch(pk: int) -> Appointment:
    try:
        return Appointment.objects.select_related(*RELATED).get(pk=pk)
    except Appointment.DoesNotExist as missing:
        raise NotFound from missing


def days_of(appointment: Appointment) -> set[UnitDayKey]:
    return unit_days(appointment.unit, chair_time(appointment), stay_of(appointment))


def fresh(appointment: Appointment, version: int | None) -> Appointment:
    """The row as it is now, inside the lock. Raises Stale when it is no longer what the caller saw: where it
    stands decides which days are locked."""
    current = fetch(appointment.pk)
    if version is not None and current.version != version:
        raise Stale
    if (current.chair_id, current.start) != (appointment.chair_id, appointment.start):
        raise Stale
    return current


@contextmanager
def changing(
    *,
    actor: Actor,
    appointment: Appointment,
    verb: str,
    now: datetime,
    version: int | None = None,
    reason: str = "",
    days: Iterable[UnitDayKey] = (),
) -> Iterator[Appointment]:
    """Yields the locked, fresh row; what the block sets on it is saved, versioned and recorded.

    Raises Stale, and Refused with `transition_is_allowed` where the action does not fit the status.
    """
    appointment = fetch(appointment.pk) if not _is_complete(appointment) else appointment
    with locked(patients=[appointment.patient_id], days=days_of(appointment) | set(days), now=now):
        current = fresh(appointment, version)
        refusal = lifecycle.transition_is_allowed(verb, current.status)
        if refusal is not None:
            raise Refused([refusal])
        before = snapshot(current)
        yield current
        current.version += 1
        current.save()
        was, became = difference(before, snapshot(current))
        record.event(actor=actor, verb=verb, subject=current, now=now, before=was, after=became, reason=reason)


def _is_complete(appointment: Appointment) -> bool:
    """Whether the relations that locks and rules need came with the row."""
    return "unit" in appointment._state.fields_cache and (
        appointment.visit_id is None or "visit" in appointment._state.fields_cache
    )
