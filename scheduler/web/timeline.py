"""A course as a line: visits over months, or doses over days, with what is done, booked and still due."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils import formats
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.models import Appointment, Course, Visit
from scheduler.web import words
from scheduler.web.door import Desk

WIDTH, LEFT, RIGHT = 840, 20, 820
NEAREST = 26  # units between two circles whose numbers can both be read
DAYS_OF_A_STAY = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Dot:
    x: str
    number: int
    label: str
    css: str
    window_x: str
    window_width: str


@dataclass(frozen=True, slots=True)
class Line:
    dots: tuple[Dot, ...]
    ticks: tuple[tuple[str, str], ...]
    gaps: tuple[tuple[str, str], ...]
    now: str
    label: str


def line(desk: Desk, course: Course, by_visit: dict[int | None, Appointment]) -> Line | None:
    """None for a course without visits, and for a single one, which needs no line."""
    visits = [visit for visit in course.visits.all() if visit.state != Visit.State.WAIVED]
    if len(visits) < 2:
        return None
    zone = desk.center.zone
    moments = [_moment(visit, by_visit) for visit in visits]
    span = moments[-1] - moments[0]
    margin = max(span * 0.06, timedelta(hours=6))
    first, last = min(moments) - margin, max(moments) + margin
    scale = (RIGHT - LEFT) / (last - first).total_seconds()

    def x(moment: datetime) -> float:
        return LEFT + (moment - first).total_seconds() * scale

    is_short = span < DAYS_OF_A_STAY
    dots, last_label = [], -100.0
    for visit, moment in zip(visits, moments, strict=True):
        at = x(moment)
        label = ""
        if at - last_label >= (40 if is_short else 56):
            label, last_label = _label(visit, moment.astimezone(zone), by_visit, is_short), at
        dots.append(
            Dot(
                x=f"{at:.1f}",
                number=visit.ordinal,
                label=label,
                css=_css(visit, by_visit),
                window_x=f"{max(x(visit.window_start), LEFT):.1f}",
                window_width=f"{max(x(visit.window_end) - max(x(visit.window_start), LEFT), 0):.1f}"
                if visit.state in (Visit.State.UNPLACED, Visit.State.BOOKED) and not is_short
                else "0",
            )
        )
    return Line(
        dots=tuple(dots),
        ticks=tuple((f"{x(moment):.1f}", label) for moment, label in _ticks(first, last, zone, is_short)),
        gaps=tuple(_gaps(moments, x)) if not is_short else (),
        now=f"{x(desk.now):.1f}" if first < desk.now < last else "",
        label=", ".join(
            f"{visit.ordinal}: {visit.get_state_display()} {words.day(moment.astimezone(zone).date())}"
            for visit, moment in zip(visits, moments, strict=True)
        ),
    )


def _moment(visit: Visit, by_visit: dict[int | None, Appointment]) -> datetime:
    row = by_visit.get(visit.pk)
    return (row.actual_start or row.start) if row is not None else visit.due


def _label(visit: Visit, local: datetime, by_visit: dict[int | None, Appointment], is_short: bool) -> str:
    text = words.clock(local) if is_short else formats.date_format(local.date(), "j M")
    return text if visit.pk in by_visit or is_short else _("due %(day)s") % {"day": text}


def _css(visit: Visit, by_visit: dict[int | None, Appointment]) -> str:
    if visit.state == Visit.State.DONE:
        return "l-done"
    if visit.state == Visit.State.UNPLACED:
        return "l-ask"
    row = by_visit.get(visit.pk)
    return "l-treat" if row is not None and row.actual_start is not None else "l-plan"


def _ticks(first: datetime, last: datetime, zone, is_short: bool) -> list[tuple[datetime, str]]:  # type: ignore[no-untyped-def]
    """Midnights of a short course, firsts of months of a long one; not so many that they meet."""
    found: list[tuple[datetime, str]] = []
    day = first.astimezone(zone).date()
    while day <= last.astimezone(zone).date():
        if is_short or day.day == 1:
            moment = localtime.day(day, zone).start
            if first <= moment <= last:
                found.append((moment.astimezone(UTC), words.short_label(day) if is_short else _month(day, not found)))
        day += timedelta(days=1)
    step = -(-len(found) // 14) if found else 1
    return found[::step]


def _month(day: date, is_first: bool) -> str:
    return formats.date_format(day, "M Y" if is_first or day.month == 1 else "M")


def _gaps(moments: list[datetime], x) -> list[tuple[str, str]]:  # type: ignore[no-untyped-def]
    found = []
    for before, after in itertools.pairwise(moments):
        if x(after) - x(before) > 90:
            found.append((f"{(x(before) + x(after)) / 2:.1f}", words.days((after - before).days)))
    return found
