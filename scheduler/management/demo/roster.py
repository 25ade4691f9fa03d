"""The nurses' published shifts around today, with breaks and who covers them; beyond, the pattern stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from scheduler.domain import localtime
from scheduler.management.demo.clinic import Clinic
from scheduler.models import Break, Nurse, Shift, Unit, UnitDay

DAYS_BACK, DAYS_AHEAD = 10, 14
# Four teams of two, two days, two nights, four off: on each date one team has the day and one the night.
CYCLE = 8


def publish(*, clinic: Clinic, plan: Mapping[str, Any], today: date) -> None:
    """Shifts for the open days from ten days ago to two weeks ahead, and these days marked as published."""
    days = [today + timedelta(days=step) for step in range(-DAYS_BACK, DAYS_AHEAD + 1)]
    for code, unit in clinic.units.items():
        row = plan["nurses"][code]
        by_name = {nurse.name: nurse for nurse in Nurse.objects.filter(center=clinic.center, name__in=row["names"])}
        nurses = [by_name[name] for name in row["names"]]
        works_nights = len(row["names"]) == CYCLE
        open_days = [day for day in days if works_nights or clinic.day_is_open(day)]
        written: list[tuple[Shift, Break]] = []
        # The night before the first day reaches into it.
        for day in [open_days[0] - timedelta(days=1), *open_days] if works_nights else open_days:
            for number, times in enumerate(row["shifts"]):
                team = _around_the_clock(nurses, day, number) if works_nights else _halves(nurses, day, number)
                written += _shifts(clinic, unit, day, times, team, row)
        Shift.objects.bulk_create([shift for shift, _ in written])
        Break.objects.bulk_create([pause for _, pause in written])
        UnitDay.objects.bulk_create([UnitDay(unit=unit, date=day, shifts_published=True) for day in open_days])


def _around_the_clock(nurses: Sequence[Nurse], day: date, shift: int) -> Sequence[Nurse]:
    """Shift 0 is the day, 1 the night. The night team of a date had the day two dates before."""
    for team in range(CYCLE // 2):
        phase = (day.toordinal() + 2 * team) % CYCLE
        if phase // 2 == shift:
            return nurses[2 * team : 2 * team + 2]
    raise AssertionError("eight days hold each team's day and night once")


def _halves(nurses: Sequence[Nurse], day: date, shift: int) -> Sequence[Nurse]:
    """Early one week, late the next."""
    half = len(nurses) // 2
    is_first = (day.isocalendar().week + shift) % 2 == 0
    return nurses[:half] if is_first else nurses[half:]


def _shifts(
    clinic: Clinic, unit: Unit, day: date, times: Mapping[str, Any], team: Sequence[Nurse], row: Mapping[str, Any]
) -> Iterator[tuple[Shift, Break]]:
    for number, (nurse, (pause, minutes)) in enumerate(zip(team, times["breaks"], strict=True)):
        shift = Shift(
            nurse=nurse,
            unit=unit,
            starts_at=_at(clinic, day, times["opens"]),
            ends_at=_at(clinic, day, times["closes"]),
            patients=row["patients"],
            acuity=row["acuity"],
        )
        yield (
            shift,
            Break(
                shift=shift,
                starts_at=_at(clinic, day, pause),
                ends_at=_at(clinic, day, pause + minutes),
                covered_by=team[(number + 1) % len(team)],
            ),
        )


def _at(clinic: Clinic, day: date, minute: int) -> datetime:
    """Minutes of the day on the wall; from 1440 on they are the next day's."""
    return clinic.at(day + timedelta(days=minute // localtime.MINUTES_PER_DAY), minute % localtime.MINUTES_PER_DAY)
