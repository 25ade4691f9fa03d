"""A nurse is ill or has to go: her shifts of the day end now, and the page suggests who takes her patients."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from scheduler.domain import localtime
from scheduler.domain.permissions import Actor
from scheduler.models import Nurse, Shift, Unit
from scheduler.queries.away import NOTED, remembered
from scheduler.services import record, staffing
from scheduler.services.setup import check_may


def absent(*, actor: Actor, unit: Unit, nurse: Nurse, day: date, now: datetime) -> int:
    """From `now` on, for the rest of this local day: a shift that runs ends at this minute, one to come is removed. How
    many shifts that were; safe to repeat. Raises Forbidden (another day than today is a manager's), Stale, NotFound and
    Busy."""
    check_may(actor, "edit-setup", "note-outage")
    interval = localtime.day(day, unit.center.zone)
    until = now.replace(second=0, microsecond=0)
    rows = list(
        Shift.objects.filter(unit=unit, nurse=nurse, starts_at__lt=interval.end, ends_at__gt=max(until, interval.start))
        .select_related("nurse", "unit__center")
        .prefetch_related("breaks__covered_by")
    )
    were = [remembered(row) for row in rows]
    for row in rows:
        if row.starts_at < until - timedelta(minutes=1):
            staffing.change_shift(actor=actor, shift=row, facts=_until(row, until), now=now)
        else:
            staffing.remove_shift(actor=actor, shift=row, now=now)
    if rows:
        record.event(actor=actor, verb=NOTED, subject=nurse, now=now, after={"since": until, "were": were})
    return len(rows)


def _until(row: Shift, end: datetime) -> staffing.ShiftFacts:
    """The same shift up to `end`, with what of its breaks lies before."""
    return staffing.ShiftFacts(
        nurse=row.nurse,
        unit=row.unit,
        start=row.starts_at,
        end=end,
        patients=row.patients,
        acuity=row.acuity,
        breaks=tuple(
            staffing.BreakFacts(pause.starts_at, min(pause.ends_at, end), pause.covered_by)
            for pause in row.breaks.all()
            if pause.starts_at < end
        ),
    )
