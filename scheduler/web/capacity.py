"""Capacity at a glance: where is room for two hours, this week and the next, or in a month?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from scheduler.models import Unit
from scheduler.queries.capacity import CapacityDay, capacity
from scheduler.queries.search import Slot
from scheduler.services import record
from scheduler.web import heat, words
from scheduler.web.board import UNIT_IN_SESSION
from scheduler.web.dates import read_date
from scheduler.web.door import Desk, door, page

LENGTHS = (30, 60, 120, 210)
USUAL_LENGTH = 120
TWO_WEEKS, MONTH = "weeks", "month"
FARTHEST = timedelta(days=3 * 366)  # no booking lies beyond


@door("view-schedule")
def home(desk: Desk) -> HttpResponse:
    """The unit that was looked at last."""
    if not desk.units:
        return page(desk, "scheduler/no_unit.html", {"title": _("Capacity"), "place": "capacity"})
    last = desk.request.session.get(UNIT_IN_SESSION)
    unit = next((each for each in desk.units if each.pk == last), desk.units[0])
    return redirect("capacity", unit=unit.code)


@door("view-schedule")
def show(desk: Desk, *, unit: str) -> HttpResponse:
    place = desk.unit(unit)
    desk.request.session[UNIT_IN_SESSION] = place.pk
    asked = desk.request.GET
    day = read_date(asked.get("from")) or desk.today
    if abs(day - desk.today) > FARTHEST:
        raise Http404
    minutes = next((each for each in LENGTHS if str(each) == asked.get("minutes")), USUAL_LENGTH)
    span = MONTH if asked.get("span") == MONTH else TWO_WEEKS
    first, last = _month_of(day) if span == MONTH else _weeks_of(day)
    found = capacity(unit=place, first=first, last=last, minutes=minutes, now=desk.now)
    record.access(actor=desk.actor, patient=None, what="capacity", now=desk.now)
    before = _month_of(first - timedelta(days=1))[0] if span == MONTH else first - timedelta(days=14)

    def address(where: str = unit, **changed: Any) -> str:
        kept: dict[str, Any] = {"from": first.isoformat(), "minutes": minutes, "span": span} | changed
        return f"{reverse('capacity', kwargs={'unit': where})}?{urlencode(kept)}"

    context = {
        "title": _("%(unit)s: capacity") % {"unit": place.name},
        "place": "capacity",
        "unit": place,
        "units": [(each, address(each.code)) for each in desk.units],
        "spans": [
            (_("Two weeks"), address(span=TWO_WEEKS), span == TWO_WEEKS),
            (_("Month"), address(span=MONTH), span == MONTH),
        ],
        "lengths": [
            (words.length(timedelta(minutes=each)), address(minutes=each), each == minutes) for each in LENGTHS
        ],
        "length": words.length(timedelta(minutes=minutes)),
        "heading": _heading(first, last, span, desk.today),
        "is_month": span == MONTH,
        "before": address(**{"from": before.isoformat()}),
        "after": address(**{"from": (last + timedelta(days=1)).isoformat()}),
        "map": heat.draw(found),
        "shades": range(heat.SHADES + 1),
        "first": [_first(desk, place, slot) for slot in found.first],
        "lines": [_line(place, day) for day in found.days],
        "is_empty": not found.rows or not found.days,
    }
    return page(desk, "scheduler/capacity.html", context)


def _weeks_of(day: date) -> tuple[date, date]:
    """Two weeks from the Monday of the day's week."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=13)


def _month_of(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _heading(first: date, last: date, span: str, today: date) -> str:
    if span == MONTH:
        return words.month_name(first)
    return _("%(first)s to %(last)s") % {
        "first": words.date_only(first, today),
        "last": words.date_only(last, today),
    }


def _first(desk: Desk, unit: Unit, slot: Slot) -> dict[str, Any]:
    zone = desk.center.zone
    start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
    return {
        "when": words.moment(start, desk.today),
        "chair": slot.chair.name,
        "ends": words.clock(end),
        "why": [reason.say(_) for reason in slot.reasons],
        "url": reverse("board", kwargs={"unit": unit.code, "date": start.date()}),
    }


def _line(unit: Unit, day: CapacityDay) -> dict[str, Any]:
    return {
        "label": words.short_label(day.date),
        "url": reverse("board", kwargs={"unit": unit.code, "date": day.date}),
        "visits": day.visits,
        "taken": round(day.taken / timedelta(hours=1)),
        "opened": round(day.opened / timedelta(hours=1)),
        "percent": None if day.full is None else round(day.full * 100),
    }
