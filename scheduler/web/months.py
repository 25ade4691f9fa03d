"""Small calendars: the months of a course, with due days, booked days and windows."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import formats
from django.utils.translation import gettext as _

from scheduler.domain.intervals import Interval
from scheduler.domain.localtime import day as local_day
from scheduler.queries import facts
from scheduler.queries.plan import CoursePlan
from scheduler.web.door import Desk

if TYPE_CHECKING:
    from scheduler.web.preview_view import Row

CELL, ROW, TOP = 28, 24, 46
MOST = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """A day at its place in a box of 196 by 154 or more. `window` is "", open or shut; `mark` "", booked, ask, due."""

    day: int
    x: int
    y: int
    is_shut: bool
    is_struck: bool
    window: str
    mark: str


@dataclass(frozen=True, slots=True)
class Month:
    name: str
    height: int
    heads: tuple[tuple[int, str], ...]
    cells: tuple[Cell, ...]
    label: str


def months(desk: Desk, plan: CoursePlan, rows: Sequence[Row]) -> list[Month]:
    zone = desk.center.zone
    dues = {visit.ordinal: visit.draft.due.astimezone(zone).date() for visit in plan.visits}
    booked = {row.number: row.start.date() for row in rows if row.start is not None}
    shown: list[tuple[int, int]] = []
    for ordinal, due in dues.items():
        for each in (due, booked.get(ordinal, due)):
            if (each.year, each.month) not in shown:
                shown.append((each.year, each.month))
    shown = sorted(shown)[:MOST]
    if not shown:
        return []
    windows = [_dates(visit.draft.window, zone) for visit in plan.visits]
    open_days = _open_days(desk, plan, shown)
    return [_month(year, month, dues, booked, windows, open_days) for year, month in shown]


def _dates(window: Interval, zone) -> tuple[date, date]:  # type: ignore[no-untyped-def]
    last = (window.end - timedelta(microseconds=1)).astimezone(zone).date()
    return window.start.astimezone(zone).date(), last


def _open_days(desk: Desk, plan: CoursePlan, shown: list[tuple[int, int]]) -> tuple[set[date], set[int]]:
    """The days the unit works on, and the weekdays it usually does."""
    zone = desk.center.zone
    first = date(*shown[0], 1)
    last = date(shown[-1][0], shown[-1][1], calendar.monthrange(*shown[-1])[1])
    span = Interval(local_day(first, zone).start, local_day(last, zone).end)
    unit = plan.course.unit
    parts = facts.opening(unit, span, zone, facts.closures_of(unit, span))
    days = {_date(part.start, zone) + timedelta(days=step) for part in parts for step in range(_length(part, zone))}
    return days, {day.weekday() for day in days}


def _date(moment: datetime, zone) -> date:  # type: ignore[no-untyped-def]
    return moment.astimezone(zone).date()


def _length(part: Interval, zone) -> int:  # type: ignore[no-untyped-def]
    return (_date(part.end - timedelta(microseconds=1), zone) - _date(part.start, zone)).days + 1


def _month(
    year: int,
    month: int,
    dues: dict[int, date],
    booked: dict[int, date],
    windows: list[tuple[date, date]],
    opened: tuple[set[date], set[int]],
) -> Month:
    open_days, weekdays = opened
    cells = []
    weeks = calendar.Calendar().monthdatescalendar(year, month)
    for index, week in enumerate(weeks):
        for column, day in enumerate(week):
            if day.month != month:
                continue
            is_shut = day not in open_days
            inside = any(first <= day <= last for first, last in windows)
            cells.append(
                Cell(
                    day=day.day,
                    x=column * CELL,
                    y=TOP + index * ROW,
                    is_shut=is_shut,
                    is_struck=is_shut and day.weekday() in weekdays,
                    window=("shut" if is_shut else "open") if inside else "",
                    mark=_mark(day, dues, booked),
                )
            )
    name = formats.date_format(date(year, month, 1), "F Y")
    said = [
        _("visit %(number)s due %(due)s") % {"number": ordinal, "due": due.day}
        + (_(", booked %(day)s") % {"day": formats.date_format(booked[ordinal], "j F")} if ordinal in booked else "")
        for ordinal, due in dues.items()
        if (due.year, due.month) == (year, month)
    ]
    letters = [formats.date_format(date(2024, 1, 1 + column), "D")[:1] for column in range(7)]
    return Month(
        name=name,
        height=TOP + len(weeks) * ROW - 12,
        heads=tuple((column * CELL + CELL // 2, letter) for column, letter in enumerate(letters)),
        cells=tuple(cells),
        label=f"{name}: {', '.join(said)}" if said else name,
    )


def _mark(day: date, dues: dict[int, date], booked: dict[int, date]) -> str:
    if day in booked.values():
        return "booked"
    if any(due == day and ordinal not in booked for ordinal, due in dues.items()):
        return "ask"
    return "due" if day in dues.values() else ""
