"""Managers write shifts and say which days' shifts count. The locks are those of services/setup.py, then the nurses'.

Functions are keyword-only and take `now`; times are aware. They raise Forbidden for who may not, Malformed, Refused,
Stale, NotFound and Busy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from scheduler.domain import localtime
from scheduler.domain.errors import Malformed, NotFound, Refusal, Refused, Stale, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.models import Break, Nurse, Shift, Unit, UnitDay
from scheduler.services import record
from scheduler.services.locking import UnitDayKey, locked, retrying, unit_days
from scheduler.services.setup import check_may

LONGEST_SHIFT = timedelta(hours=24)
MOST_PATIENTS = 100
MOST_ACUITY = 1_000


@dataclass(frozen=True, slots=True)
class BreakFacts:
    start: datetime
    end: datetime
    covered_by: Nurse | None = None


@dataclass(frozen=True, slots=True)
class ShiftFacts:
    """One nurse in one unit for `[start, end)`, and how many patients and how much acuity she watches at once."""

    nurse: Nurse
    unit: Unit
    start: datetime
    end: datetime
    patients: int = 4
    acuity: int = 8
    breaks: Sequence[BreakFacts] = ()


def add_shift(*, actor: Actor, facts: ShiftFacts, now: datetime) -> Shift:
    """Counts once the day's shifts are published; until then the staffing pattern stands in."""
    check_may(actor)
    _check(facts)

    @retrying
    def run() -> Shift:
        with _locked([facts.nurse], unit_days(facts.unit, Interval(facts.start, facts.end)), now):
            row = _write(Shift(), facts)
            record.event(actor=actor, verb="add-shift", subject=row, now=now, after=_said(row))
        return row

    return run()


def change_shift(*, actor: Actor, shift: Shift, facts: ShiftFacts, now: datetime) -> Shift:
    """All of `facts`, its breaks too, replace what stands."""
    check_may(actor, *_may_write(_is_today(shift, now) and _is_less(shift, facts)))
    _check(facts)

    @retrying
    def run() -> Shift:
        days = _days_of(shift) | unit_days(facts.unit, Interval(facts.start, facts.end))
        with _locked([shift.nurse, facts.nurse], days, now):
            row = _as_it_is(shift)
            before = _said(row)
            _write(row, facts)
            record.event(actor=actor, verb="change-shift", subject=row, now=now, before=before, after=_said(row))
        return row

    return run()


def restore_shift(*, actor: Actor, shift: Shift | None, facts: ShiftFacts, now: datetime) -> Shift:
    """A shift that an absence ended (`shift` as it stands) or removed is again as `facts` say it was."""
    check_may(actor, "edit-setup", "note-outage")
    _check(facts)

    @retrying
    def run() -> Shift:
        with _locked([facts.nurse], unit_days(facts.unit, Interval(facts.start, facts.end)), now):
            row = _as_it_is(shift) if shift is not None else Shift()
            before = _said(row) if shift is not None else {}
            verb = "change-shift" if shift is not None else "add-shift"
            _write(row, facts)
            record.event(actor=actor, verb=verb, subject=row, now=now, before=before, after=_said(row))
        return row

    return run()


def remove_shift(*, actor: Actor, shift: Shift, now: datetime) -> None:
    """On a published day what the other nurses then can't carry goes to the worklist."""
    check_may(actor, *_may_write(_is_today(shift, now)))

    @retrying
    def run() -> None:
        with _locked([shift.nurse], _days_of(shift), now):
            row = _as_it_is(shift)
            record.event(actor=actor, verb="remove-shift", subject=row, now=now, before=_said(row))
            row.delete()

    run()


def publish_shifts(*, actor: Actor, unit: Unit, day: date, is_published: bool = True, now: datetime) -> UnitDay:
    """From now on the shifts of this local date count, and no longer the pattern of its weekday; or, taken back, the
    other way round. Safe to repeat. Overloads of the day are on the worklist."""
    check_may(actor)

    @retrying
    def run() -> UnitDay:
        with locked(patients=[], days=[(unit.pk, day)], now=now):
            row = UnitDay.objects.get(unit=unit, date=day)
            if row.shifts_published != is_published:
                row.shifts_published = is_published
                row.save(update_fields=["shifts_published"])
                record.event(
                    actor=actor,
                    verb="publish-shifts" if is_published else "withdraw-shifts",
                    subject=row,
                    now=now,
                    after={"unit": unit.pk, "date": day},
                )
        return UnitDay.objects.get(pk=row.pk)

    return run()


def _may_write(is_absence: bool) -> tuple[str, ...]:
    """A nurse who is ill this morning can't wait for a manager; tomorrow's staffing does."""
    return ("edit-setup", "note-outage") if is_absence else ("edit-setup",)


def _is_today(shift: Shift, now: datetime) -> bool:
    """On the unit's local date, or running now (the night shift that began yesterday)."""
    zone = shift.unit.center.zone
    begins_today = localtime.local_date(shift.starts_at, zone) == localtime.local_date(now, zone)
    return begins_today or shift.starts_at <= now < shift.ends_at


def _is_less(shift: Shift, facts: ShiftFacts) -> bool:
    """The same nurse in the same unit, there for a part of the time only."""
    same = (shift.nurse_id, shift.unit_id) == (facts.nurse.pk, facts.unit.pk)
    within = shift.starts_at <= facts.start and facts.end <= shift.ends_at
    return same and within and facts.patients <= shift.patients and facts.acuity <= shift.acuity


@contextmanager
def _locked(nurses: Iterable[Nurse], days: set[UnitDayKey], now: datetime) -> Iterator[None]:
    """The nurses after the days, sorted: she may be wanted in two units at the same moment."""
    with locked(patients=[], days=days, now=now):
        wanted = {nurse.pk for nurse in nurses}
        list(Nurse.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk").values_list("pk"))
        yield


def _check(facts: ShiftFacts) -> None:
    if facts.nurse.center_id != facts.unit.center_id:
        raise Malformed("nurse", gettext_noop("This nurse is in another center."))
    if not facts.nurse.is_active:
        raise Malformed("nurse", gettext_noop("{nurse} no longer works here."), nurse=facts.nurse.name)
    if facts.end <= facts.start:
        raise Malformed("end", gettext_noop("The end comes after the start."))
    if facts.end - facts.start > LONGEST_SHIFT:
        raise Malformed("end", gettext_noop("A shift lasts at most 24 hours."))
    for name, number, most in (("patients", facts.patients, MOST_PATIENTS), ("acuity", facts.acuity, MOST_ACUITY)):
        if not 0 <= number <= most:
            raise Malformed(name, gettext_noop("This is a number from 0 to {most}."), most=most)
    until = facts.start
    for pause in sorted(facts.breaks, key=lambda each: each.start):
        if not until <= pause.start < pause.end <= facts.end:
            raise Malformed("breaks", gettext_noop("Breaks lie within the shift, one after the other."))
        if pause.covered_by is not None and (
            pause.covered_by.pk == facts.nurse.pk or pause.covered_by.center_id != facts.nurse.center_id
        ):
            raise Malformed("breaks", gettext_noop("Another nurse of this center covers a break."))
        until = pause.end


def _write(row: Shift, facts: ShiftFacts) -> Shift:
    """Raises Refused where she has another shift then."""
    other = (
        Shift.objects.filter(nurse=facts.nurse, starts_at__lt=facts.end, ends_at__gt=facts.start)
        .exclude(pk=row.pk)
        .select_related("unit__center")
        .first()
    )
    if other is not None:
        zone = other.unit.center.zone
        raise Refused(
            [
                Refusal(
                    "nurse_is_free",
                    gettext_noop("{nurse} has a shift in {unit} from {from} until {until}."),
                    {
                        "nurse": facts.nurse.name,
                        "unit": other.unit.name,
                        "from": other.starts_at.astimezone(zone),
                        "until": other.ends_at.astimezone(zone),
                    },
                )
            ]
        )
    row.nurse, row.unit = facts.nurse, facts.unit
    row.starts_at, row.ends_at = facts.start.astimezone(UTC), facts.end.astimezone(UTC)
    row.patients, row.acuity = facts.patients, facts.acuity
    row.save()
    row.breaks.all().delete()
    Break.objects.bulk_create(
        Break(
            shift=row,
            starts_at=pause.start.astimezone(UTC),
            ends_at=pause.end.astimezone(UTC),
            covered_by=pause.covered_by,
        )
        for pause in facts.breaks
    )
    return row


def _days_of(row: Shift) -> set[UnitDayKey]:
    return unit_days(row.unit, Interval(row.starts_at, row.ends_at))


def _as_it_is(shift: Shift) -> Shift:
    """The row inside the lock. Raises NotFound where somebody removed it meanwhile, Stale where it was changed."""
    row = Shift.objects.select_related("unit__center", "nurse").filter(pk=shift.pk).first()
    if row is None:
        raise NotFound
    if _said(row) != _said(shift):
        raise Stale
    return row


def _said(row: Shift) -> dict[str, Any]:
    return {
        "nurse": row.nurse_id,
        "unit": row.unit_id,
        "start": row.starts_at,
        "end": row.ends_at,
        "patients": row.patients,
        "acuity": row.acuity,
        "breaks": row.breaks.count(),
    }
