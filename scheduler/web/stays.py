"""Whole stays below the board: each from its first dose to its last, with the shown day framed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.domain.intervals import Interval
from scheduler.queries.day import Day, Stay
from scheduler.web import words
from scheduler.web.grid import Grid

WIDTH, LEFT = 1372, 150
TOP, ROW = 22, 68


@dataclass(frozen=True, slots=True)
class Dose:
    x: str
    number: int
    clock: str
    css: str


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    text: str
    y: int
    x: str
    width: str
    doses: tuple[Dose, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Ready to draw in a box of WIDTH by `height`."""

    height: int
    bottom: int
    frame_height: int
    lines: tuple[Line, ...]
    days: tuple[tuple[str, str], ...]
    frame: tuple[str, str]
    now: str
    label: str


def overview(day: Day, grid: Grid, now: datetime) -> Overview | None:
    """None where nobody stays."""
    stays = [stay for row in day.chairs for stay in row.stays]
    if not stays:
        return None
    span = Interval(
        min(grid.span.start, *(stay.interval.start for stay in stays)),
        max(grid.span.end, *(stay.interval.end for stay in stays)),
    )
    scale = (WIDTH - LEFT - 4) / (span.end - span.start).total_seconds()

    def x(moment: datetime) -> float:
        return LEFT + (moment - span.start).total_seconds() * scale

    bottom = TOP + ROW * len(stays)
    midnights = [localtime.day(each, grid.zone).start for each in localtime.dates_touched(span, grid.zone)]
    return Overview(
        height=bottom + 4,
        bottom=bottom,
        frame_height=bottom - TOP,
        lines=tuple(_line(stay, day, index, x, now, grid) for index, stay in enumerate(stays)),
        days=tuple(
            (f"{x(moment):.1f}", words.short_label(moment.astimezone(grid.zone).date()))
            for moment in midnights
            if span.start <= moment < span.end - timedelta(hours=3)
        ),
        frame=(f"{x(grid.span.start):.1f}", f"{x(grid.span.end) - x(grid.span.start):.1f}"),
        now=f"{x(now):.1f}" if span.contains(now) else "",
        label=_("Every stay with its doses: %(names)s")
        % {"names": ", ".join(stay.course.patient.full_name for stay in stays)},
    )


def _line(stay: Stay, day: Day, index: int, x, now: datetime, grid: Grid) -> Line:  # type: ignore[no-untyped-def]
    chair = next(row.chair.name for row in day.chairs if row.chair.pk == stay.chair_id)
    doses = day.doses.get(stay.course.pk, ())
    done = sum(each.status == "fulfilled" for each in doses)
    return Line(
        name=stay.course.patient.full_name,
        text=_("%(chair)s, %(done)s of %(all)s doses given")
        % {"chair": chair, "done": done, "all": stay.course.doses or len(doses)},
        y=TOP + ROW * index,
        x=f"{x(stay.interval.start):.1f}",
        width=f"{x(stay.interval.end) - x(stay.interval.start):.1f}",
        doses=tuple(
            Dose(
                x=f"{x(each.actual_start or each.start):.1f}",
                number=each.visit.ordinal if each.visit is not None else 0,
                clock=words.clock((each.actual_start or each.start).astimezone(grid.zone)),
                css=_css(each.status, each.phase),
            )
            for each in doses
        ),
    )


def _css(status: str, phase: str) -> str:
    if status == "fulfilled":
        return "l-done"
    return "l-treat" if phase in ("infusing", "observing", "in-chair", "pre-medication") else "l-plan"
