"""Managers close centers, units and chairs, and open units out of hours. Shifts are in services/staffing.py.

Each change locks every local date of the units it touches, so that a booking is either seen by it or sees it, and
bumps those days' versions. Functions are keyword-only and take `now`; times are aware. They raise Forbidden for who
may not, Malformed, Refused, Stale, NotFound and Busy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refusal, Refused, Stale, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Chair, Closure, Unit
from scheduler.queries.closures import outside_hours
from scheduler.services import record
from scheduler.services.locking import UnitDayKey, locked, retrying, unit_days

LONGEST_CLOSURE = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class ClosureFacts:
    """`[start, end)` in which the chair, the unit, or (neither) the whole center takes nobody; `is_open` is an extra
    opening of a unit."""

    start: datetime
    end: datetime
    reason: str
    unit: Unit | None = None
    chair: Chair | None = None
    is_open: bool = False


def add_closure(*, actor: Actor, center: Center, facts: ClosureFacts, now: datetime) -> Closure:
    """Bookings that lie there stay: each becomes a clash on the worklist (queries/closures.py names them)."""
    check_may(actor, *_may_write(facts.chair is not None and not facts.is_open))
    check(facts)

    @retrying
    def run() -> Closure:
        row = Closure(center=center)
        fill(row, facts)
        with locked(patients=[], days=days_of(row), now=now):
            row.save()
            record.event(actor=actor, verb="add-closure", subject=row, now=now, after=_said(row), reason=facts.reason)
        return row

    return run()


def change_closure(*, actor: Actor, closure: Closure, facts: ClosureFacts, now: datetime) -> Closure:
    """Raises Refused where bookings lie in what would no longer be an extra opening."""
    check_may(actor, *_may_write(_is_outage(closure) and facts.chair is not None and not facts.is_open))
    check(facts)

    @retrying
    def run() -> Closure:
        row = Closure(pk=closure.pk, center_id=closure.center_id)
        fill(row, facts)
        with locked(patients=[], days=days_of(closure) | days_of(row), now=now):
            before = _as_it_is(closure)
            row.save(force_update=True)
            _check_nobody_shut_out(before, now)
            record.event(
                actor=actor,
                verb="change-closure",
                subject=row,
                now=now,
                before=_said(before),
                after=_said(row),
                reason=facts.reason,
            )
        return row

    return run()


def remove_closure(*, actor: Actor, closure: Closure, now: datetime) -> None:
    """Raises Refused for an extra opening with bookings in it."""
    check_may(actor, *_may_write(_is_outage(closure)))

    @retrying
    def run() -> None:
        with locked(patients=[], days=days_of(closure), now=now):
            row = _as_it_is(closure)
            record.event(actor=actor, verb="remove-closure", subject=row, now=now, before=_said(row), reason=row.reason)
            Closure.objects.filter(pk=row.pk).delete()
            _check_nobody_shut_out(row, now)

    run()


def check_may(actor: Actor, *actions: str) -> None:
    """The set-up decides about everybody's day, so the service asks too, whatever door was used. Any of `actions` is
    enough; without any it is edit-setup."""
    if not any(actor.may(action) for action in actions or ("edit-setup",)):
        raise Forbidden(gettext_noop("This role does not do that."))


def _may_write(is_outage: bool) -> tuple[str, ...]:
    """A chair that breaks can't wait for a manager; what closes a unit or the center does."""
    return ("edit-setup", "note-outage") if is_outage else ("edit-setup",)


def _is_outage(closure: Closure) -> bool:
    return closure.chair_id is not None and closure.kind == Closure.Kind.CLOSED


def check(facts: ClosureFacts) -> None:
    """Raises Malformed with the field."""
    if facts.end <= facts.start:
        raise Malformed("end", gettext_noop("The end comes after the start."))
    if facts.end - facts.start > LONGEST_CLOSURE:
        raise Malformed("end", gettext_noop("This lasts at most {days} days."), days=LONGEST_CLOSURE.days)
    if not facts.reason.strip():
        raise Malformed("reason", gettext_noop("Say why."))
    if facts.chair is not None and facts.unit is not None and facts.chair.unit_id != facts.unit.pk:
        raise Malformed("chair", gettext_noop("This chair is in another unit."))
    if facts.is_open and (facts.unit is None or facts.chair is not None):
        raise Malformed("unit", gettext_noop("An extra opening is for a whole unit."))


def fill(row: Closure, facts: ClosureFacts) -> None:
    """Nothing is saved."""
    row.chair = facts.chair
    row.unit = facts.chair.unit if facts.chair is not None else facts.unit
    row.kind = Closure.Kind.OPEN if facts.is_open else Closure.Kind.CLOSED
    row.starts_at, row.ends_at = facts.start.astimezone(UTC), facts.end.astimezone(UTC)
    row.reason = facts.reason.strip()


def days_of(row: Closure) -> set[UnitDayKey]:
    """Every local date of its units that the closure touches."""
    units = Unit.objects.filter(center_id=row.center_id).select_related("center")
    span = Interval(row.starts_at, row.ends_at)
    return {key for unit in units if row.unit_id in (None, unit.pk) for key in unit_days(unit, span)}


def _as_it_is(closure: Closure) -> Closure:
    """The row inside the lock. Raises NotFound where somebody removed it meanwhile, Stale where it was changed, since
    then other days would have to be locked."""
    row = Closure.objects.select_related("unit__center").filter(pk=closure.pk).first()
    if row is None:
        raise NotFound
    if _said(row) != _said(closure):
        raise Stale
    return row


def _check_nobody_shut_out(was: Closure, now: datetime) -> None:
    """Where an extra opening ends, nobody may be left in a unit that is closed."""
    if was.kind != Closure.Kind.OPEN or was.unit is None:
        return
    lost = outside_hours(was.unit, Interval(was.starts_at, was.ends_at), now)
    if lost:
        raise Refused(
            [
                Refusal(
                    "unit_is_open",
                    gettext_noop("{count} bookings lie in this extra opening. Move or cancel them first."),
                    {"count": len(lost), "appointments": [row.pk for row in lost]},
                )
            ]
        )


def _said(row: Closure) -> dict[str, Any]:
    return {
        "kind": str(row.kind),
        "unit": row.unit_id,
        "chair": row.chair_id,
        "start": row.starts_at,
        "end": row.ends_at,
    }
