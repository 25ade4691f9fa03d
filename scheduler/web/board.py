"""A unit's day: the board."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.models import Unit
from scheduler.queries import day as days
from scheduler.services import record
from scheduler.web import last, stays, words
from scheduler.web.dates import read_date
from scheduler.web.door import Desk, door, page
from scheduler.web.grid import Grid, grid_for
from scheduler.web.lanes import lanes
from scheduler.web.load import strip
from scheduler.web.states import state_of
from scheduler.web.visit import panel

UNIT_IN_SESSION = "unit"


@door(None)
def home(desk: Desk) -> HttpResponse:
    """Today's board of the unit that was looked at last; for who sees no schedule, the record."""
    if desk.may("read-record") and not desk.may("view-schedule"):
        return redirect("record")
    if desk.may("view-wall") and not desk.may("view-schedule"):
        return redirect("wall-home")
    desk.need("view-schedule")
    if not desk.units:
        return page(desk, "scheduler/no_unit.html", {"title": _("No unit yet"), "place": "board"})
    seen = desk.request.session.get(UNIT_IN_SESSION)
    unit = next((each for each in desk.units if each.pk == seen), desk.units[0])
    return redirect("board", unit=unit.code, date=desk.today)


@door("view-schedule")
def today(desk: Desk, *, unit: str) -> HttpResponse:
    """`?date=` is what the day picker sends."""
    chosen = read_date(desk.request.GET.get("date")) or desk.today
    return redirect("board", unit=desk.unit(unit).code, date=chosen)


@door("view-schedule")
def board(desk: Desk, *, unit: str, date: date) -> HttpResponse:
    picked = desk.request.GET.get("visit", "")
    return show(desk, desk.unit(unit), date, picked=int(picked) if picked.isascii() and picked.isdigit() else None)


@door("view-wall")
def version(desk: Desk, *, unit: str, date: date) -> HttpResponse:
    """What the open board asks every few seconds: has anything changed?"""
    return JsonResponse({"version": days.version(unit=desk.unit(unit), date=date)})


def show(
    desk: Desk, unit: Unit, date: date, *, picked: int | None = None, trouble: Any = None, status: int = 200
) -> HttpResponse:
    """The board with a visit's panel open, and what a rule said about it where `trouble` is given."""
    if not 1900 < date.year < 2200:
        raise Http404
    if desk.request.session.get(UNIT_IN_SESSION) != unit.pk:
        desk.request.session[UNIT_IN_SESSION] = unit.pk
    day = days.schedule(unit=unit, date=date, now=desk.now)
    grid = grid_of(day)
    visit = next((each for each in day.appointments if each.pk == picked), None)
    rows = lanes(day, grid, now=desk.now, picked=picked, may_book=desk.may("book"))
    record.access(actor=desk.actor, patient=None, what="board", now=desk.now)
    context = {
        "title": _("%(unit)s, %(day)s: board") % {"unit": unit.name, "day": words.day(date, desk.today)},
        "place": "board",
        "unit": unit,
        "day": day,
        "slots": grid.slots,
        "from": int(grid.span.start.timestamp()) // 60,
        "lanes": rows,
        "is_tall": len(rows) <= 8,
        "marks": grid.marks(),
        "last_slot": grid.slots - 12,
        "nights": grid.nights(),
        "load": strip(day, grid, desk.now),
        "now": _now(grid, desk),
        "heading": words.day(date, desk.today),
        "in_full": words.long_day(date),
        "printed": _("Version %(version)s, printed %(moment)s by %(name)s")
        % {
            "version": day.version,
            "moment": words.moment(desk.now.astimezone(day.zone), desk.today),
            "name": desk.actor.label,
        },
        "hours": _hours(day),
        "near": _near(desk, day),
        "previous": date - timedelta(days=1),
        "next_day": date + timedelta(days=1),
        "is_today": date == desk.today,
        "today": desk.today,
        "counts": _counts(day, desk),
        "stays": stays.overview(day, grid, desk.now),
        "here": reverse("board", kwargs={"unit": unit.code, "date": date}),
        "toast": last.toast(desk.request.session, desk.center, desk.now, shown=day.appointments),
        "panel": panel(desk, visit, trouble=trouble) if visit is not None else None,
    }
    return page(desk, "scheduler/board.html", context, status=status)


def grid_of(day: days.Day) -> Grid:
    """The hours the unit is open on such a day, and all that lies outside them."""
    usual = None
    if day.open:
        usual = days.Interval(min(part.start for part in day.open), max(part.end for part in day.open))
    shown = [days.shown_time(each) for each in day.appointments]
    shown += [stay.interval for row in day.chairs for stay in row.stays]
    return grid_for(day.date, day.zone, usual, shown)


def _now(grid: Grid, desk: Desk) -> dict[str, Any] | None:
    if not grid.span.contains(desk.now):
        return None
    return {"at": grid.at(desk.now), "clock": words.clock(desk.now.astimezone(grid.zone))}


def _hours(day: days.Day) -> str:
    """A day of 23 or 25 hours says so."""
    hours = round(day.interval.minutes / 60)
    if hours == 24:
        return ""
    text = _("clocks go forward") if hours < 24 else _("clocks go back")
    return _("%(hours)s hours: %(why)s") % {"hours": hours, "why": text}


def _near(desk: Desk, day: days.Day) -> list[dict[str, Any]]:
    return [
        {
            "date": each.date,
            "label": words.short_label(each.date),
            "is_open": each.is_open,
            "is_shown": each.date == day.date,
            "fill": round(each.fill * 40),
            "percent": round(each.fill * 100),
            "url": reverse("board", kwargs={"unit": day.unit.code, "date": each.date}),
        }
        for each in day.near
    ]


def _counts(day: days.Day, desk: Desk) -> dict[str, int]:
    visits = [each for each in day.appointments if each.status != "pending"]
    states = [state_of(each, desk.now, day.zone) for each in visits]
    return {
        "visits": len(visits),
        "over": sum(state.is_over for state in states),
        "here": sum(each.status in ("arrived", "checked-in") for each in visits),
        "late": sum(state.is_late for state in states),
    }
