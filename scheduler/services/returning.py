"""A nurse who was noted away is here after all: her shifts are as they were. Visits that were moved meanwhile stay;
nobody is moved back.

Functions are keyword-only and take `now`; times are aware. Errors as in staffing.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from scheduler.domain.errors import NotFound, Refused, Stale, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Event, Nurse, Shift, Unit
from scheduler.queries.away import BACK, NOTED, Away, Taken, away
from scheduler.services import record, staffing
from scheduler.services.locking import locked, retrying, unit_days
from scheduler.services.setup import check_may
from scheduler.services.staffing import BreakFacts, ShiftFacts
from scheduler.services.writing import not_possible

ABOUT = timedelta(minutes=1)  # an absence counts from the full minute


def bring_back(*, actor: Actor, center: Center, noted: int, now: datetime) -> Away:
    """Write her shifts as they were before the absence `noted`, all or none. Raises NotFound for none such, Stale
    where somebody brought her back already or her shift is over, Refused where a shift was written anew or she has
    another one now."""
    check_may(actor, "edit-setup", "note-outage")
    found = _find(center, noted, now)
    if found is None:
        raise Stale if Event.objects.filter(pk=noted, center_id=center.pk, verb=NOTED).exists() else NotFound
    units = Unit.objects.select_related("center").in_bulk({shift.unit for shift in found.shifts})
    touched = {
        key
        for shift in found.shifts
        if shift.unit in units
        for key in unit_days(units[shift.unit], Interval(shift.start, shift.end))
    }

    @retrying
    def run() -> Away:
        with locked(patients=[], days=touched, now=now):
            if _find(center, noted, now) is None:
                raise Stale
            for shift in found.shifts:
                if shift.unit not in units:
                    raise _changed(found)
                _restore(actor, found, shift, units[shift.unit], now)
            record.event(actor=actor, verb=BACK, subject=found.nurse, now=now, after={"noted": noted})
        return found

    return run()


def _find(center: Center, noted: int, now: datetime) -> Away | None:
    return next((one for one in away(center.pk, now) if one.noted == noted), None)


def _restore(actor: Actor, found: Away, was: Taken, unit: Unit, now: datetime) -> None:
    row = Shift.objects.select_related("unit__center", "nurse").filter(pk=was.pk).first()
    was_removed = was.start >= found.since - ABOUT
    is_cut = row is not None and (row.nurse_id, row.unit_id, row.starts_at, row.ends_at) == (
        found.nurse.pk,
        was.unit,
        was.start,
        found.since,
    )
    if (row is None and not was_removed) or (row is not None and not is_cut):
        raise _changed(found)
    nurses = Nurse.objects.in_bulk({pause.covered_by for pause in was.breaks if pause.covered_by is not None})
    facts = ShiftFacts(
        nurse=found.nurse,
        unit=unit,
        start=was.start,
        end=was.end,
        patients=was.patients,
        acuity=was.acuity,
        breaks=tuple(BreakFacts(pause.start, pause.end, nurses.get(pause.covered_by or 0)) for pause in was.breaks),
    )
    staffing.restore_shift(actor=actor, shift=row, facts=facts, now=now)


def _changed(found: Away) -> Refused:
    return not_possible(
        gettext_noop("The shift of {nurse} has been written anew since. A manager changes it in the set-up."),
        nurse=found.nurse.name,
    )
