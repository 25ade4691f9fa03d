"""The doses of an elapsed cadence against the unit's opening hours: which fit, which don't."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.domain.intervals import Interval
from scheduler.queries import facts
from scheduler.queries.plan import CoursePlan
from scheduler.web import words
from scheduler.web.door import Desk

if TYPE_CHECKING:
    from scheduler.web.preview_view import Row

WIDTH, TOP, HEIGHT = 824, 26, 74


@dataclass(frozen=True, slots=True)
class Dose:
    x: str
    mid: str
    width: str
    number: int
    clock: str
    css: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class DoseLine:
    open: tuple[tuple[str, str], ...]
    hours: tuple[tuple[str, str, str], ...]
    days: tuple[tuple[str, str], ...]
    doses: tuple[Dose, ...]
    fits: str
    refused: str
    every: str
    label: str


def line(desk: Desk, plan: CoursePlan, rows: Sequence[Row]) -> DoseLine | None:
    if not plan.visits:
        return None
    zone, unit = desk.center.zone, plan.course.unit
    starts = [row.start or visit.draft.due for row, visit in zip(rows, plan.visits, strict=True)]
    span = Interval(min(starts) - timedelta(hours=2), max(starts) + timedelta(hours=3))
    scale = WIDTH / (span.end - span.start).total_seconds()

    def x(moment) -> float:  # type: ignore[no-untyped-def]
        return min(max((moment - span.start).total_seconds() * scale, 0.0), float(WIDTH))

    opening = facts.opening(unit, span, zone, facts.closures_of(unit, span))
    shown = [cut for part in opening if (cut := part.intersection(span)) is not None]
    midnights = [localtime.day(day, zone).start for day in localtime.dates_touched(span, zone)]
    crowded = len(starts) > 9
    doses = []
    for row, visit, start in zip(rows, plan.visits, starts, strict=True):
        width = max(visit.draft.need.lengths.treatment * 60 * scale, 12)
        refused = bool(visit.refusals) and not row.is_chosen
        doses.append(
            Dose(
                x=f"{x(start):.1f}",
                mid=f"{x(start) + width / 2:.1f}",
                width=f"{width:.1f}",
                number=row.number,
                clock="" if crowded and row.number % 2 == 0 else words.clock(start.astimezone(zone)),
                css="l-no" if refused else "l-plan",
                is_refused=refused,
            )
        )
    fine = [str(dose.number) for dose in doses if not dose.is_refused]
    bad = [str(dose.number) for dose in doses if dose.is_refused]
    return DoseLine(
        open=tuple((f"{x(part.start):.1f}", f"{x(part.end) - x(part.start):.1f}") for part in shown),
        hours=tuple(_hours(shown, span, x, zone)),
        days=tuple((f"{x(max(moment, span.start)):.1f}", _day(max(moment, span.start), zone)) for moment in midnights),
        doses=tuple(doses),
        fits=", ".join(fine),
        refused=", ".join(bad),
        every=_("every %(hours)s real hours after the one before") % {"hours": plan.course.protocol.cadence_every},
        label=", ".join(
            f"{dose.number}: {words.moment(start.astimezone(zone))}"
            + (f" {_('does not fit')}" if dose.is_refused else "")
            for dose, start in zip(doses, starts, strict=True)
        ),
    )


def _day(moment, zone) -> str:  # type: ignore[no-untyped-def]
    local = moment.astimezone(zone).date()
    return words.day(local, local)


def _hours(shown, span, x, zone):
    """Opening and closing hours under the line, where they lie inside it."""
    for part in shown:
        if part.start > span.start:
            yield f"{x(part.start):.1f}", f"{part.start.astimezone(zone):%H}", ""
        if part.end < span.end:
            yield f"{x(part.end):.1f}", f"{part.end.astimezone(zone):%H}", "t-end"
