"""The nurses' load above the board: a bar for every quarter hour, the capacity as a line, what changes in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.domain import staffing
from scheduler.domain.quarters import QUARTER
from scheduler.queries.day import Day, QuarterHour
from scheduler.web import words
from scheduler.web.grid import Grid

HEIGHT = 58.0
TALLEST = 43.1  # the words stand above
LONGEST_BREAK = 6  # quarter hours; fewer nurses for longer is no break
SLOTS_A_QUARTER = 3


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    height: str
    css: str


@dataclass(frozen=True, slots=True)
class Say:
    """Words at a slot; `is_over` where there is more to do than the nurses can."""

    at: int
    text: str
    is_over: bool = False
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class LoadStrip:
    """Ready to draw in a box as many units wide as there are quarter hours. `label` says it all in words."""

    quarters: int
    bars: tuple[Bar, ...]
    line: str
    says: tuple[Say, ...]
    now: str
    label: str


def strip(day: Day, grid: Grid, now: datetime) -> LoadStrip:
    shown = [each for each in day.quarters if grid.span.contains(each.start)]
    over = {each.start: _over(each) for each in shown}
    top = max([1, *(each.can.acuity for each in shown), *(each.load.acuity for each in shown)])
    scale = TALLEST / top
    bars = tuple(_bar(index, each, scale, over[each.start], now) for index, each in enumerate(shown))
    says = _apart([*_overs(shown, over, grid), *_changes(shown, grid)], grid)
    present = next((each for each in shown if each.start <= now < each.start + QUARTER), None)
    text = ""
    if present is not None:
        text = _("%(load)s of %(can)s now") % {"load": present.load.acuity, "can": present.can.acuity}
    label = [_("Nurses’ load."), text and f"{text}.", *(f"{say.text}." for say in says)]
    return LoadStrip(len(shown), bars, _line(shown, scale), tuple(says), text, " ".join(filter(None, label)))


def _bar(index: int, each: QuarterHour, scale: float, over: int, now: datetime) -> Bar:
    height = each.load.acuity * scale
    css = "load-bar"
    if over:
        css += " is-over"
    elif each.start + QUARTER <= now:
        css += " is-past"
    return Bar(f"{index + 0.08:.2f}", f"{HEIGHT - height:.1f}", f"{height:.1f}", css)


def _over(each: QuarterHour) -> int:
    """By how much the quarter is over, in the measure that is worst."""
    found = staffing.overloads({each.start: each.can}, {each.start: each.load})
    return max((overload.have - overload.can for overload in found), default=0)


def _line(shown: list[QuarterHour], scale: float) -> str:
    path, before = "", None
    for index, each in enumerate(shown):
        y = f"{HEIGHT - each.can.acuity * scale:.1f}"
        if y != before:
            path += f"H{index}V{y}" if path else f"M{index} {y}"
        before = y
    return f"{path}H{len(shown)}" if path else ""


def _overs(shown: list[QuarterHour], over: dict[datetime, int], grid: Grid) -> list[Say]:
    found = []
    for is_over, group in groupby(shown, key=lambda each: over[each.start] > 0):
        if is_over:
            quarters = list(group)
            most = max(over[each.start] for each in quarters)
            start = quarters[0].start
            time = words.clock(start.astimezone(grid.zone))
            text = _("%(time)s over by %(points)s") % {"time": time, "points": most}
            found.append(Say(grid.at(start), text, is_over=True))
    return found


def _changes(shown: list[QuarterHour], grid: Grid) -> list[Say]:
    """Where the number of nurses changes: a break, going home, coming."""
    runs = [(count, list(group)) for count, group in groupby(shown, key=lambda each: each.can.nurses)]
    found, back = [], False
    for index in range(1, len(runs)):
        before, (count, quarters) = runs[index - 1][0], runs[index]
        after = runs[index + 1][0] if index + 1 < len(runs) else None
        start = quarters[0].start
        time = words.clock(start.astimezone(grid.zone))
        if back:
            back = False
            if count == runs[index - 2][0]:
                continue
        if count < before and after is not None and after > count and len(quarters) <= LONGEST_BREAK:
            text = ngettext("%(count)s on break", "%(count)s on break", before - count) % {"count": before - count}
            back = True
        elif count < before and count:
            text = ngettext("%(count)s goes home at %(time)s", "%(count)s go home at %(time)s", before - count) % {
                "count": before - count,
                "time": time,
            }
        elif count > before:
            text = ngettext("%(count)s nurse from %(time)s", "%(count)s nurses from %(time)s", count) % {
                "count": count,
                "time": time,
            }
        else:
            text = _("Nobody from %(time)s") % {"time": time}
        found.append(Say(grid.at(start), text))
    return found


def _apart(says: list[Say], grid: Grid) -> list[Say]:
    """The words that fit beside one another; what is over goes first."""
    room = grid.slots * 0.13
    chosen: list[Say] = []
    for say in says:
        is_end = say.at > grid.slots - room
        at = max(grid.slots - round(room), 0) if is_end else say.at
        if all(abs(at - other.at) >= room for other in chosen):
            chosen.append(Say(at, say.text, say.is_over, is_end))
    return sorted(chosen, key=lambda say: say.at)
