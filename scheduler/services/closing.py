"""Close a chair, a unit or the center, or take a nurse off for the rest of the day, with the moves that were accepted.

What is closed and who moves is one transaction: all of it or nothing. Everything is checked again under the locks;
whoever was affected when the preview was made must be who is affected now, or Stale is raised and the door shows the
new preview. Messages are those of any move: they are planned with it, so nobody hears of a proposal.

Functions are keyword-only and take `now`; times are aware. Errors as in booking.py and setup.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from scheduler.domain.errors import Malformed, NotFound, Stale, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Center, Chair, Closure, Shift
from scheduler.queries import absence as absences
from scheduler.queries import closing as closings
from scheduler.queries.absence import Absence
from scheduler.queries.away import NOTED, remembered
from scheduler.queries.course_request import check_reason
from scheduler.services import record, setup, staffing
from scheduler.services.changes import fetch
from scheduler.services.locking import UnitDayKey, locked, retrying, unit_days
from scheduler.services.moving import moved_to, write_moves
from scheduler.services.settle import Wanted
from scheduler.services.setup import ClosureFacts, check_may
from scheduler.services.staffing import BreakFacts, ShiftFacts
from scheduler.services.writing import check_place, days, patients

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Accepted:
    """One booking at the place that was proposed for it, in the version that was shown."""

    appointment: int
    version: int
    chair: int
    start: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    closure: Closure
    moved: tuple[Appointment, ...]


def draft_of(center: Center, facts: ClosureFacts) -> Closure:
    """The closure as it would be, for its preview. Raises Malformed as add_closure does."""
    setup.check(facts)
    row = Closure(center=center)
    setup.fill(row, facts)
    return row


def close(
    *, actor: Actor, center: Center, facts: ClosureFacts, accepted: Sequence[Accepted], picture: str, now: datetime
) -> Closed:
    """Save the closure and move who was accepted. Who was not stays as a clash on the worklist."""
    row = draft_of(center, facts)
    wanted, versions = _wanted(actor, center, accepted, now)

    def write() -> Closed:
        if closings.picture_of(closings.affected(row, now=now)) != picture:
            raise Stale
        closure = setup.add_closure(actor=actor, center=center, facts=facts, now=now)
        return Closed(closure, _move(actor, wanted, versions, now))

    return _together(write, wanted, setup.days_of(row), now)


def take_off(
    *, actor: Actor, absence: Absence, accepted: Sequence[Accepted], reason: str, picture: str, now: datetime
) -> tuple[Appointment, ...]:
    """End her shifts of the day, or remove those that have not begun, and move who was accepted. What the others
    then cannot carry is on the worklist. Raises NotFound where she has no shift any more."""
    check_may(actor, "edit-setup", "note-outage")
    check_reason(reason)
    wanted, versions = _wanted(actor, absence.nurse.center, accepted, now)
    shifts = absences.shifts_of(absence.nurse, absence.since)
    if not shifts:
        raise NotFound
    touched = {key for shift in shifts for key in unit_days(shift.unit, Interval(shift.starts_at, shift.ends_at))}

    def write() -> tuple[Appointment, ...]:
        if absences.picture(absence, now=now) != picture:
            raise Stale
        were = [remembered(shift) for shift in shifts]
        for shift in shifts:
            _end(actor, shift, absence.since, now)
        record.event(
            actor=actor,
            verb=NOTED,
            subject=absence.nurse,
            now=now,
            after={"since": absence.since, "were": were, "moved": [one.appointment for one in accepted]},
            reason=reason,
        )
        return _move(actor, wanted, versions, now)

    return _together(write, wanted, touched, now)


def _together(write: Callable[[], Result], wanted: Sequence[Wanted], touched: set[UnitDayKey], now: datetime) -> Result:
    """One transaction under all locks that the steps inside ask for: theirs are then had already."""

    @retrying
    def run() -> Result:
        with locked(patients=patients(wanted), days=touched | days(wanted), now=now):
            return write()

    return run()


def _wanted(
    actor: Actor, center: Center, accepted: Sequence[Accepted], now: datetime
) -> tuple[list[Wanted], dict[int, int | None]]:
    if accepted:
        check_may(actor, "book")
    known = Chair.objects.select_related("unit__center").filter(unit__center=center)
    chairs = known.in_bulk({one.chair for one in accepted})
    wanted: list[Wanted] = []
    versions: dict[int, int | None] = {}
    for one in accepted:
        row = fetch(one.appointment)
        if row.center_id != center.pk or one.chair not in chairs:
            raise NotFound
        if one.appointment in versions:
            raise Malformed("accept", gettext_noop("Each visit has one new place."))
        start = check_place(chairs[one.chair], one.start, now)
        wanted.append(moved_to(row, chairs[one.chair], start))
        versions[row.pk] = one.version
    return wanted, versions


def _move(
    actor: Actor, wanted: Sequence[Wanted], versions: dict[int, int | None], now: datetime
) -> tuple[Appointment, ...]:
    if not wanted:
        return ()
    return tuple(write_moves(actor=actor, wanted=wanted, override=None, versions=versions, now=now))


def _end(actor: Actor, shift: Shift, since: datetime, now: datetime) -> None:
    if shift.starts_at >= since:
        staffing.remove_shift(actor=actor, shift=shift, now=now)
        return
    since = since.astimezone(UTC)
    rest = [
        BreakFacts(pause.starts_at, min(pause.ends_at, since), pause.covered_by)
        for pause in shift.breaks.select_related("covered_by")
        if pause.starts_at < since
    ]
    facts = ShiftFacts(
        nurse=shift.nurse,
        unit=shift.unit,
        start=shift.starts_at,
        end=since,
        patients=shift.patients,
        acuity=shift.acuity,
        breaks=rest,
    )
    staffing.change_shift(actor=actor, shift=shift, facts=facts, now=now)
