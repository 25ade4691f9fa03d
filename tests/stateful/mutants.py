"""Faults that are planted on purpose, each small enough to slip through a review. The table of which test catches
which is docs/mutants.md."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scheduler.domain import recurrence, rules
from scheduler.domain.intervals import Interval
from scheduler.domain.rules import DoseFact, visits
from scheduler.models import Center, Occupancy
from scheduler.queries import facts, one_place, reminder_times
from scheduler.services import booking, changes, following, ledger, locking, record, settle

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]


def everywhere(patch: Patch, original: Any, replacement: Any) -> None:
    """In every module of the service that imported it by name."""
    for name, module in list(sys.modules.items()):
        if name.startswith("scheduler."):
            for attribute, value in list(vars(module).items()):
                if value is original:
                    patch.setattr(module, attribute, replacement)


def touching_overlaps(patch: Patch) -> None:
    patch.setattr(Interval, "overlaps", lambda one, other: one.start <= other.end and other.start <= one.end)


def exact_interval_is_too_short(patch: Patch) -> None:
    def kept(gap: recurrence.Gap, earlier: datetime, later: datetime, zone: ZoneInfo) -> bool:
        return later > recurrence.earliest_after(gap, earlier, zone)

    everywhere(patch, recurrence.gap_kept, kept)


def last_day_of_the_window_is_outside(patch: Patch) -> None:
    real = recurrence.window

    def shorter(spread: recurrence.Spread, due: datetime, zone: ZoneInfo) -> Interval:
        whole = real(spread, due, zone)
        cut = timedelta(days=1) if spread.counts_in == "days" else timedelta(minutes=1)
        return Interval(whole.start, max(whole.end - cut, whole.start + timedelta(minutes=1)))

    everywhere(patch, recurrence.window, shorter)


def caps_are_not_asked(patch: Patch) -> None:
    patch.setattr(rules, "HARD_RULES", tuple(r for r in rules.HARD_RULES if r is not rules.rolling_cap_is_kept))


def doses_taken_elsewhere_do_not_count(patch: Patch) -> None:
    search, check = facts.doses, one_place.read

    def without(doses: Iterable[DoseFact]) -> list[DoseFact]:
        return [dose for dose in doses if dose.kind != "elsewhere"]

    def read(**asked: Any) -> one_place.Place:
        found = check(**asked)
        return replace(found, patient=replace(found.patient, doses=without(found.patient.doses)))

    patch.setattr(facts, "doses", lambda **asked: without(search(**asked)))
    patch.setattr(one_place, "read", read)


def a_patient_may_be_in_two_places(patch: Patch) -> None:
    patch.setattr(rules, "HARD_RULES", tuple(r for r in rules.HARD_RULES if r is not rules.patient_is_free))


def authorization_is_read_in_utc(patch: Patch) -> None:
    def local_date(moment: datetime, zone: ZoneInfo) -> Any:
        return moment.astimezone(UTC).date()

    patch.setattr(visits, "localtime", SimpleNamespace(**{**vars(visits.localtime), "local_date": local_date}))


def the_center_is_in_utc(patch: Patch) -> None:
    patch.setattr(Center, "zone", property(lambda center: ZoneInfo("UTC")))


def reminders_leave_by_utc(patch: Patch) -> None:
    real = reminder_times.reminder_times
    utc = SimpleNamespace(zone=ZoneInfo("UTC"), reminder_days=[3, 1], reminder_minute=600)
    everywhere(patch, real, lambda center, start: real(utc, start))


def eight_hours_by_the_wall_clock(patch: Patch) -> None:
    real = recurrence.project

    def project(cadence: recurrence.Cadence, anchor: datetime, steps: int, zone: ZoneInfo) -> datetime:
        if cadence.kind != "elapsed" or not steps:
            return real(cadence, anchor, steps, zone)
        wall = recurrence.to_wall(anchor, zone) + timedelta(hours=cadence.every * steps)
        return recurrence.to_utc(wall, zone)

    everywhere(patch, real, project)


def a_stay_is_not_kept(patch: Patch) -> None:
    everywhere(patch, settle.keep_stay, lambda course_id: None)


def a_cancelled_visit_is_not_put_back(patch: Patch) -> None:
    everywhere(patch, booking.release_time, lambda row, *, reason: Occupancy.objects.filter(appointment=row).delete())


def reminders_are_not_superseded(patch: Patch) -> None:
    everywhere(patch, ledger.supersede, lambda *appointments, now: 0)


def what_happened_moves_no_due_time(patch: Patch) -> None:
    everywhere(patch, following.redate, lambda course, *, now: 0)


def a_refused_batch_stays_half_written(patch: Patch) -> None:
    patch.setattr(locking, "transaction", SimpleNamespace(atomic=nullcontext))


def a_change_locks_no_day(patch: Patch) -> None:
    everywhere(patch, changes.days_of, lambda appointment: set())


def confirming_is_not_on_record(patch: Patch) -> None:
    real = record.event
    patch.setattr(record, "event", lambda **told: None if told["verb"] == "confirm" else real(**told))


def the_version_is_not_looked_at(patch: Patch) -> None:
    everywhere(patch, changes.fresh, lambda appointment, version: changes.fetch(appointment.pk))


MUTANTS: Mapping[str, Mutant] = {
    mutant.__name__: mutant
    for mutant in (
        touching_overlaps,
        exact_interval_is_too_short,
        last_day_of_the_window_is_outside,
        caps_are_not_asked,
        doses_taken_elsewhere_do_not_count,
        a_patient_may_be_in_two_places,
        authorization_is_read_in_utc,
        the_center_is_in_utc,
        reminders_leave_by_utc,
        eight_hours_by_the_wall_clock,
        a_stay_is_not_kept,
        a_cancelled_visit_is_not_put_back,
        reminders_are_not_superseded,
        what_happened_moves_no_due_time,
        a_refused_batch_stays_half_written,
        a_change_locks_no_day,
        confirming_is_not_on_record,
        the_version_is_not_looked_at,
    )
}
