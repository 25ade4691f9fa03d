"""Faults that are planted on purpose, each small enough to slip through a review. What must notice each of them is in
scripts.py; docs/mutants.md is the table of both."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import wraps
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from scheduler.domain import recurrence, rules
from scheduler.domain.intervals import Interval
from scheduler.domain.rules import DoseFact, visits
from scheduler.models import Center, Occupancy, backstop
from scheduler.queries import facts, one_place, reminder_times
from scheduler.services import booking, changes, following, holds, ledger, locking, record, settle, writing

Patch = pytest.MonkeyPatch
MINUTE = timedelta(minutes=1)


def everywhere(patch: Patch, original: Any, replacement: Any) -> None:
    """In every module of the service that imported it by name."""
    planted = 0
    for name, module in list(sys.modules.items()):
        if name.startswith("scheduler."):
            for attribute, value in list(vars(module).items()):
                if value is original:
                    patch.setattr(module, attribute, replacement)
                    planted += 1
    assert planted, f"nothing in the service is {original} any more"


def _instead_of(patch: Patch, rule: rules.Rule, *others: rules.Rule) -> None:
    kept = ((others if each is rule else (each,)) for each in rules.HARD_RULES)
    patch.setattr(rules, "HARD_RULES", tuple(each for some in kept for each in some))


def _touching(rule: rules.Rule) -> rules.Rule:
    """The same rule with `<=` for `<` wherever it asks whether two intervals overlap."""

    @wraps(rule)
    def run(*asked: Any) -> Any:
        with Patch.context() as patch:
            patch.setattr(Interval, "overlaps", lambda one, other: one.start <= other.end and other.start <= one.end)
            return rule(*asked)

    return run


def a_chair_is_taken_at_its_last_minute(patch: Patch) -> None:
    _instead_of(patch, rules.chair_is_free, _touching(rules.chair_is_free))


def a_patient_is_busy_at_her_last_minute(patch: Patch) -> None:
    _instead_of(patch, rules.patient_is_free, _touching(rules.patient_is_free))


def a_patient_may_be_in_two_places(patch: Patch) -> None:
    _instead_of(patch, rules.patient_is_free)


def a_cap_is_not_counted(patch: Patch) -> None:
    _instead_of(patch, rules.rolling_cap_is_kept)


def doses_taken_elsewhere_do_not_count(patch: Patch) -> None:
    search, check = facts.doses, one_place.read

    def without(doses: Iterable[DoseFact]) -> list[DoseFact]:
        return [dose for dose in doses if dose.kind != "elsewhere"]

    def read(**asked: Any) -> one_place.Place:
        found = check(**asked)
        return replace(found, patient=replace(found.patient, doses=without(found.patient.doses)))

    everywhere(patch, search, lambda **asked: without(search(**asked)))
    everywhere(patch, check, read)


def exactly_the_interval_is_too_short(patch: Patch) -> None:
    def kept(gap: recurrence.Gap, earlier: datetime, later: datetime, zone: ZoneInfo) -> bool:
        return later > recurrence.earliest_after(gap, earlier, zone)

    everywhere(patch, recurrence.gap_kept, kept)


def a_minute_less_than_the_interval_is_enough(patch: Patch) -> None:
    def kept(gap: recurrence.Gap, earlier: datetime, later: datetime, zone: ZoneInfo) -> bool:
        return later + MINUTE >= recurrence.earliest_after(gap, earlier, zone)

    everywhere(patch, recurrence.gap_kept, kept)


def the_last_day_of_the_window_is_outside(patch: Patch) -> None:
    real = recurrence.window

    def shorter(spread: recurrence.Spread, due: datetime, zone: ZoneInfo) -> Interval:
        whole = real(spread, due, zone)
        return Interval(whole.start, whole.end - (timedelta(days=1) if spread.counts_in == "days" else MINUTE))

    everywhere(patch, real, shorter)


def a_closure_is_ignored(patch: Patch) -> None:
    hours = facts.opened
    everywhere(patch, hours, lambda rows, span, zone, closures: hours(rows, span, zone, ()))
    everywhere(patch, facts.closed, lambda closures: [])


def the_center_is_in_utc(patch: Patch) -> None:
    patch.setattr(Center, "zone", property(lambda center: ZoneInfo("UTC")))


def an_authorization_ends_with_the_utc_day(patch: Patch) -> None:
    def local_date(moment: datetime, zone: ZoneInfo) -> Any:
        return moment.astimezone(UTC).date()

    patch.setattr(visits, "localtime", SimpleNamespace(**{**vars(visits.localtime), "local_date": local_date}))


def reminders_leave_by_utc(patch: Patch) -> None:
    real = reminder_times.reminder_times

    def by_utc(center: Center, start: datetime) -> dict[int, datetime]:
        utc: Any = SimpleNamespace(
            zone=ZoneInfo("UTC"),
            reminder_days=center.reminder_days,
            reminder_minute=center.reminder_minute,
            quiet_from=center.quiet_from,
            quiet_until=center.quiet_until,
        )
        return real(utc, start)

    everywhere(patch, real, by_utc)


def eight_hours_by_the_wall_clock(patch: Patch) -> None:
    real = recurrence.project

    def project(cadence: recurrence.Cadence, anchor: datetime, steps: int, zone: ZoneInfo) -> datetime:
        if cadence.kind != "elapsed" or not steps:
            return real(cadence, anchor, steps, zone)
        wall = recurrence.to_wall(anchor, zone) + timedelta(hours=cadence.every * steps)
        return recurrence.to_utc(wall, zone)

    everywhere(patch, real, project)


def months_and_weeks_in_elapsed_time(patch: Patch) -> None:
    real = recurrence._Anchor.project

    def project(anchor: Any, cadence: recurrence.Cadence, ordinal: int, zone: ZoneInfo) -> Any:
        found = real(anchor, cadence, ordinal, zone)
        return replace(found, moment=anchor.moment + (found.wall - anchor.wall))

    patch.setattr(recurrence._Anchor, "project", project)


def a_stays_chair_is_not_kept(patch: Patch) -> None:
    everywhere(patch, settle.keep_stay, lambda course_id: None)


def a_cancelled_visit_is_not_put_back(patch: Patch) -> None:
    everywhere(patch, booking.release_time, lambda row, *, reason: Occupancy.objects.filter(appointment=row).delete())


def reminders_are_not_superseded(patch: Patch) -> None:
    everywhere(patch, ledger.supersede, lambda *appointments, now: 0)


def what_happened_moves_no_due_time(patch: Patch) -> None:
    everywhere(patch, following.redate, lambda course, *, now: 0)


def a_hold_that_ran_out_keeps_its_place(patch: Patch) -> None:
    everywhere(patch, holds.expired, lambda units, patients, *, now: [])


def a_hold_that_ran_out_can_still_be_booked(patch: Patch) -> None:
    a_hold_that_ran_out_keeps_its_place(patch)
    real = writing.still_open
    everywhere(patch, real, lambda one, now: real(one, now - timedelta(hours=1)))


def a_refused_batch_stays_half_written(patch: Patch) -> None:
    patch.setattr(locking, "transaction", SimpleNamespace(atomic=nullcontext))


def a_change_locks_no_day(patch: Patch) -> None:
    everywhere(patch, changes.days_of, lambda appointment: set())


def confirming_is_not_on_record(patch: Patch) -> None:
    real = record.event
    patch.setattr(record, "event", lambda **told: None if told["verb"] == "confirm" else real(**told))


def the_version_is_not_looked_at(patch: Patch) -> None:
    everywhere(patch, changes.fresh, lambda appointment, version: changes.fetch(appointment.pk))


def the_lock_is_off(patch: Patch, *, callers: int) -> None:
    """No lock and no transaction, and as unlucky as can be: nobody writes before everybody has looked."""
    looked, real = threading.Barrier(callers), settle._write
    mine = threading.local()

    def write(*asked: Any, **more: Any) -> Any:
        if not hasattr(mine, "has_looked"):
            mine.has_looked = True
            looked.wait(30)
        return real(*asked, **more)

    everywhere(patch, locking.locked, lambda **_: nullcontext())
    patch.setattr(settle, "_write", write)


def the_lock_and_the_constraint_are_off(patch: Patch, *, callers: int) -> None:
    the_lock_is_off(patch, callers=callers)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE scheduler_occupancy DROP CONSTRAINT {backstop.CHAIR_OVERLAP}")
        else:
            cursor.execute(f"DROP TRIGGER {backstop.CHAIR_OVERLAP}_insert")


Mutant = Callable[[Patch], None]
MUTANTS: Mapping[str, Mutant] = {
    mutant.__name__: mutant
    for mutant in (
        a_chair_is_taken_at_its_last_minute,
        a_patient_is_busy_at_her_last_minute,
        a_patient_may_be_in_two_places,
        a_cap_is_not_counted,
        doses_taken_elsewhere_do_not_count,
        exactly_the_interval_is_too_short,
        a_minute_less_than_the_interval_is_enough,
        the_last_day_of_the_window_is_outside,
        a_closure_is_ignored,
        the_center_is_in_utc,
        an_authorization_ends_with_the_utc_day,
        reminders_leave_by_utc,
        eight_hours_by_the_wall_clock,
        months_and_weeks_in_elapsed_time,
        a_stays_chair_is_not_kept,
        a_cancelled_visit_is_not_put_back,
        reminders_are_not_superseded,
        what_happened_moves_no_due_time,
        a_hold_that_ran_out_keeps_its_place,
        a_hold_that_ran_out_can_still_be_booked,
        a_refused_batch_stays_half_written,
        a_change_locks_no_day,
        confirming_is_not_on_record,
        the_version_is_not_looked_at,
    )
}
# Only callers at the same time notice: test_lock.py.
LOCKS = ("the_lock_is_off", "the_lock_and_the_constraint_are_off")
