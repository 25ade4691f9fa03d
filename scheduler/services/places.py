"""Managers change the center, its units and its chairs. Closures are in setup.py, shifts in staffing.py.

A change that could take the ground from under bookings locks every day of the unit from today on, so that a booking
either sees it or is seen by it. Functions are keyword-only and take `now`. They raise Forbidden for who may not,
Malformed, Refused (with the bookings in the way), Stale where `as_read` is not what is there, and Busy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model, Q

from scheduler.domain import localtime
from scheduler.domain.errors import Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Chair, OpeningHours, StaffingPattern, Unit
from scheduler.queries import taken_places
from scheduler.services import ledger, record
from scheduler.services.fingerprints import check_unchanged, fingerprint
from scheduler.services.locking import UnitDayKey, locked, retrying
from scheduler.services.setup import check_may

# Courses are generated 414 days ahead; days with bookings beyond that are locked by name.
DAYS_AHEAD = 430
CENTER_FIELDS = frozenset(
    {
        "name",
        "mail_name",
        "phone",
        "address",
        "country",
        "reminder_days",
        "reminder_minute",
        "quiet_from",
        "quiet_until",
        "no_show_after_minutes",
    }
)
REMINDING = frozenset({"reminder_days", "reminder_minute", "quiet_from", "quiet_until"})
MOST_REMINDER_DAYS = 30


@dataclass(frozen=True, slots=True)
class HoursFacts:
    """Wall-clock minutes `[opens, closes)` of a weekday, 0 is Monday, in the center's zone."""

    weekday: int
    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class PatternFacts(HoursFacts):
    """So many nurses then, and how many patients and how much acuity they watch together."""

    nurses: int
    patients: int
    acuity: int


def center_fingerprint(center: Center) -> str:
    return fingerprint(center)


def unit_fingerprint(unit: Unit) -> str:
    """With its hours and staffing patterns."""
    return fingerprint(unit, unit.opening_hours.all(), unit.staffing_patterns.all())


def change_center(
    *, actor: Actor, center: Center, changes: Mapping[str, Any], as_read: str | None = None, now: datetime
) -> Center:
    """Its names, address, phone, country, when it reminds and when it is quiet; unsent reminders are re-planned by
    that. `reminder_minute` and the quiet ones are of the local day, `no_show_after_minutes` counts from the start.
    Zone and code stay: bookings hang on them."""
    check_may(actor)
    _check_known(changes, CENTER_FIELDS)
    _check_reminder_days(changes.get("reminder_days", []))
    with transaction.atomic():
        row = Center.objects.select_for_update(no_key=True).get(pk=center.pk)
        check_unchanged(as_read, center_fingerprint(row))
        before = _apply(row, changes)
        row.save()
        record.event(actor=actor, verb="change-center", subject=row, now=now, before=before, after=_said(row, changes))
        if any(getattr(row, name) != before[name] for name in REMINDING & changes.keys()):
            ledger.replan(row, now=now)
    return row


def add_unit(
    *,
    actor: Actor,
    center: Center,
    code: str,
    name: str,
    position: int = 0,
    opening_hours: Sequence[HoursFacts] = (),
    staffing: Sequence[PatternFacts] = (),
    now: datetime,
) -> Unit:
    """A unit without hours takes nobody yet. Raises Refused where the code is taken."""
    check_may(actor)
    if not re.fullmatch(r"[-\w]{1,40}", code, re.ASCII) or code.isdigit():
        raise Malformed("code", gettext_noop("A code has letters, digits and hyphens, and at least one letter."))
    _check_hours("opening_hours", opening_hours)
    _check_hours("staffing", staffing)
    row = Unit(center=center, code=code, name=name.strip(), position=position)
    _check_columns(row)
    with _unless_taken("unit_code_is_free", gettext_noop("Another unit has the code {name} already."), code):
        row.save()
        _write_hours(row, opening_hours, staffing)
        after = _said(row, ("code", "name", "position")) | _hours_said(row)
        record.event(actor=actor, verb="add-unit", subject=row, now=now, after=after)
    return row


def change_unit(
    *,
    actor: Actor,
    unit: Unit,
    changes: Mapping[str, Any],
    opening_hours: Sequence[HoursFacts] | None = None,
    staffing: Sequence[PatternFacts] | None = None,
    as_read: str | None = None,
    now: datetime,
) -> Unit:
    """Name and position; hours and staffing, where given, replace all of the unit's. Fewer nurses may overload days
    (soft, so they are on the worklist); hours that leave bookings outside are refused."""
    check_may(actor)
    _check_known(changes, frozenset({"name", "position"}))
    _check_hours("opening_hours", opening_hours or ())
    _check_hours("staffing", staffing or ())
    days = _days_ahead(unit, now) if opening_hours is not None or staffing is not None else set()

    @retrying
    def run() -> Unit:
        with locked(patients=[], days=days, now=now):
            row = Unit.objects.select_for_update(no_key=True, of=("self",)).select_related("center").get(pk=unit.pk)
            check_unchanged(as_read, unit_fingerprint(row))
            outside = taken_places.outside_opening(row, now) if opening_hours is not None else set()
            before = _apply(row, changes) | _hours_said(row)
            row.save()
            _write_hours(row, opening_hours, staffing)
            if opening_hours is not None:
                _check_nobody_outside(row, outside, now)
            after = _said(row, changes) | _hours_said(row)
            record.event(actor=actor, verb="change-unit", subject=row, now=now, before=before, after=after)
        return row

    return run()


def add_chair(
    *, actor: Actor, unit: Unit, name: str, kind: str = "recliner", position: int = 0, now: datetime
) -> Chair:
    """Can be booked at once. Raises Refused where the name is taken in this unit."""
    check_may(actor)
    row = Chair(unit=unit, name=name.strip(), kind=kind, position=position)
    _check_columns(row)
    with _unless_chair_taken(row.name):
        row.save()
        record.event(actor=actor, verb="add-chair", subject=row, now=now, after=_said(row, ("unit_id", "name", "kind")))
    return row


def change_chair(
    *, actor: Actor, chair: Chair, changes: Mapping[str, Any], as_read: str | None = None, now: datetime
) -> Chair:
    """Name, kind, position, and whether it is in service at all (for some days close it instead). Refused while
    bookings are kept there that could then not be: all of them, or those that need a bed."""
    check_may(actor)
    _check_known(changes, frozenset({"name", "kind", "position", "is_active"}))
    days = _days_ahead(chair.unit, now) if {"kind", "is_active"} & changes.keys() else set()

    @retrying
    def run() -> Chair:
        with locked(patients=[], days=days, now=now), _unless_chair_taken(changes.get("name", "")):
            row = Chair.objects.select_for_update(no_key=True, of=("self",)).select_related("unit").get(pk=chair.pk)
            check_unchanged(as_read, fingerprint(row))
            was_bed = row.is_bed
            before = _apply(row, changes)
            row.save()
            _check_nobody_loses_it(row, was_bed, now)
            record.event(
                actor=actor, verb="change-chair", subject=row, now=now, before=before, after=_said(row, changes)
            )
        return row

    return run()


def _days_ahead(unit: Unit, now: datetime) -> set[UnitDayKey]:
    """Every local date of the unit from today on that a booking may be written for."""
    zone = unit.center.zone
    today = localtime.local_date(now, zone)
    days = {today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD)}
    for row in taken_places.promised(Q(chair__unit=unit), now):
        if row.chair_time is not None:
            days.update(localtime.dates_touched(row.chair_time, zone))
    return {(unit.pk, day) for day in days}


def _check_nobody_outside(unit: Unit, before: set[int], now: datetime) -> None:
    lost = taken_places.outside_opening(unit, now) - before
    if lost:
        rows = list(taken_places.promised(Q(pk__in=lost), now))
        appointments = taken_places.appointments_of(rows, now)
        raise Refused(
            [
                Refusal(
                    "unit_is_open",
                    gettext_noop("{count} bookings lie outside these hours. Move or cancel them first."),
                    {"count": len(appointments), "appointments": appointments},
                )
            ]
        )


def _check_nobody_loses_it(chair: Chair, was_bed: bool, now: datetime) -> None:
    lost = []
    if not chair.is_active:
        lost = list(taken_places.promised(Q(chair=chair), now))
    elif was_bed and not chair.is_bed:
        lost = taken_places.need_a_bed(chair, now)
    if lost:
        appointments = taken_places.appointments_of(lost, now)
        raise Refused(
            [
                Refusal(
                    "chair_is_suitable",
                    gettext_noop("{count} bookings need {chair} as it is. Move or cancel them first."),
                    {"count": len(appointments), "chair": chair.name, "appointments": appointments},
                )
            ]
        )


def _check_known(changes: Mapping[str, Any], known: frozenset[str]) -> None:
    for name in sorted(set(changes) - known):
        raise Malformed(name, gettext_noop("This can’t be changed here."))


def _check_reminder_days(days: Sequence[int]) -> None:
    if len(set(days)) < len(days) or not all(1 <= day <= MOST_REMINDER_DAYS for day in days):
        raise Malformed(
            "reminder_days",
            gettext_noop("These are different numbers of days from 1 to {most}."),
            most=MOST_REMINDER_DAYS,
        )


def _check_hours(field: str, hours: Sequence[HoursFacts]) -> None:
    """Raises Malformed for an empty range and for two that overlap."""
    before: HoursFacts | None = None
    for each in sorted(hours, key=lambda one: (one.weekday, one.opens)):
        if not each.opens < each.closes:
            raise Malformed(field, gettext_noop("The end comes after the start."))
        if before is not None and before.weekday == each.weekday and each.opens < before.closes:
            raise Malformed(field, gettext_noop("Two of them overlap."))
        before = each


def _write_hours(
    unit: Unit, opening_hours: Sequence[HoursFacts] | None, staffing: Sequence[PatternFacts] | None
) -> None:
    if opening_hours is not None:
        unit.opening_hours.all().delete()
        OpeningHours.objects.bulk_create(
            OpeningHours(unit=unit, weekday=each.weekday, opens=each.opens, closes=each.closes)
            for each in opening_hours
        )
    if staffing is not None:
        unit.staffing_patterns.all().delete()
        StaffingPattern.objects.bulk_create(
            StaffingPattern(
                unit=unit, weekday=each.weekday, opens=each.opens, closes=each.closes,
                nurses=each.nurses, patients=each.patients, acuity=each.acuity,
            )
            for each in staffing
        )  # fmt: skip


def _hours_said(unit: Unit) -> dict[str, Any]:
    names = ("weekday", "opens", "closes")
    more = ("nurses", "patients", "acuity")
    return {
        "opening_hours": list(unit.opening_hours.values(*names)),
        "staffing": list(unit.staffing_patterns.values(*names, *more)),
    }


def _apply(row: Model, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Set what `changes` names, and return what stood there. Raises Malformed with the column's name."""
    before = _said(row, changes)
    for name, value in changes.items():
        setattr(row, name, value.strip() if isinstance(value, str) else value)
    _check_columns(row)
    return before


def _said(row: Model, names: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _check_columns(row: Model) -> None:
    # Not what other rows are held against: that is the database's to say, and said in words below.
    try:
        row.clean_fields(exclude=["reminder_days", "center", "unit"])
        row.validate_constraints(
            exclude=[field.name for field in row._meta.concrete_fields if field.name != "reminder_minute"]
        )
    except ValidationError as wrong:
        name, messages = next(iter(wrong.message_dict.items()))
        raise Malformed(name.replace("__all__", "reminder_minute"), "{reason}", reason=messages[0]) from wrong


@contextmanager
def _unless_taken(code: str, sentence: str, name: str) -> Iterator[None]:
    """A transaction that turns the database's word about a name that is taken into a refusal."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as taken:
        raise Refused([Refusal(code, sentence, {"name": name})]) from taken


def _unless_chair_taken(name: str) -> AbstractContextManager[None]:
    return _unless_taken("chair_name_is_free", gettext_noop("Another chair of this unit is {name} already."), name)
