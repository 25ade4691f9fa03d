"""Who watches whom: accepted as suggested, set by hand, or given back. Nothing is ever assigned by itself.

Functions are keyword-only and take `now`. They raise Forbidden for who may not, NotFound for another center's nurse,
Malformed, Stale where somebody else was quicker, and Busy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from scheduler.domain import lifecycle
from scheduler.domain.errors import Forbidden, Malformed, NotFound, Stale, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Assignment, Nurse, Shift, Unit
from scheduler.queries.assignments import care_time
from scheduler.services import record
from scheduler.services.changes import days_of, fetch, fresh
from scheduler.services.locking import locked, retrying


@dataclass(frozen=True, slots=True)
class Given:
    """One line of a suggestion as it was seen: `nurse` is to watch the appointment, who had `was` (ids)."""

    appointment: int
    nurse: int
    was: int | None = None


def assign(*, actor: Actor, appointment: Appointment, nurse: Nurse, now: datetime) -> Assignment:
    """Set by hand: no suggestion changes it. Limits don't stop a person; the page shows where they are passed. Safe to
    repeat."""
    _check_may(actor)
    _check_nurse(nurse, appointment.center_id)

    @retrying
    def run() -> Assignment:
        row = fetch(appointment.pk)
        with locked(patients=[], days=days_of(row), now=now):
            row = _live(fresh(row, None))
            return _give(actor, row, nurse.pk, Assignment.How.BY_HAND, now)

    return run()


def clear(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """Nobody's again. Safe to repeat."""
    _check_may(actor)

    @retrying
    def run() -> None:
        row = fetch(appointment.pk)
        with locked(patients=[], days=days_of(row), now=now):
            held = Assignment.objects.select_related("appointment").filter(appointment=fresh(row, None)).first()
            if held is not None:
                record.event(
                    actor=actor, verb="unassign", subject=held, now=now,
                    before={"appointment": row.pk, "nurse": held.nurse_id, "how": held.how},
                )  # fmt: skip
                held.delete()

    run()


def accept(*, actor: Actor, unit: Unit, given: Iterable[Given], now: datetime) -> int:
    """A suggestion becomes the plan, line by line as it was seen, all or none; how many lines changed something. Raises
    Stale where an appointment or a nurse is no longer as it was then."""
    _check_may(actor)
    lines = sorted(given, key=lambda line: line.appointment)

    @retrying
    def run() -> int:
        rows = Appointment.objects.filter(unit=unit, pk__in=[line.appointment for line in lines])
        found = {row.pk: row for row in rows.select_related("unit__center", "visit__course")}
        if len(found) < len(lines):
            raise Stale
        before = [days_of(row) for row in found.values()]
        with locked(patients=[], days=set().union(*before), now=now):
            changed = 0
            for line in lines:
                row = fresh(found[line.appointment], None)
                held = Assignment.objects.filter(appointment=row).first()
                if row.status not in lifecycle.LIVE or (held.nurse_id if held else None) != line.was:
                    raise Stale
                _check_is_there(unit, row, line.nurse, now)
                if held is None or held.nurse_id != line.nurse:
                    _give(actor, row, line.nurse, Assignment.How.SUGGESTED, now)
                    changed += 1
        return changed

    return run()


def _give(actor: Actor, row: Appointment, nurse: int, how: str, now: datetime) -> Assignment:
    held = Assignment.objects.filter(appointment=row).first()
    if held is not None and (held.nurse_id, held.how) == (nurse, how):
        return held
    before = {"nurse": held.nurse_id, "how": held.how} if held is not None else {}
    found, _made = Assignment.objects.update_or_create(
        appointment=row, defaults={"nurse_id": nurse, "how": how, "actor": actor.who, "at": now}
    )
    found.appointment = row
    after = {"appointment": row.pk, "nurse": nurse, "how": how}
    record.event(actor=actor, verb="assign", subject=found, now=now, before=before, after=after)
    return found


def _live(row: Appointment) -> Appointment:
    if row.status not in lifecycle.LIVE or row.patient_id is None:
        raise Malformed("appointment", gettext_noop("This visit is no longer on the floor."))
    return row


def _check_may(actor: Actor) -> None:
    if not actor.may("assign"):
        raise Forbidden(gettext_noop("This role does not do that."))


def _check_nurse(nurse: Nurse, center: int) -> None:
    if nurse.center_id != center:
        raise NotFound
    if not nurse.is_active:
        raise Malformed("nurse", gettext_noop("{nurse} no longer works here."), nurse=nurse.name)


def _check_is_there(unit: Unit, row: Appointment, nurse: int, now: datetime) -> None:
    """She fell ill while the suggestion was looked at."""
    care = care_time(row)
    needed = max(care.start, now) if care.end > now else care.start
    if not Shift.objects.filter(unit=unit, nurse=nurse, starts_at__lte=needed, ends_at__gt=needed).exists():
        raise Stale
