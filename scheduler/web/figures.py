"""The month in figures for the manager, and the same as a file for a spreadsheet. Counts only, no patients."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _

from scheduler.domain import spreadsheet
from scheduler.queries.monthly import Line, Month, month
from scheduler.services import record
from scheduler.web import words
from scheduler.web.board import UNIT_IN_SESSION
from scheduler.web.door import Desk, door, page
from scheduler.web.exports import BYTE_ORDER_MARK
from scheduler.web.sorting import Column, arrange


@door("view-figures")
def home(desk: Desk) -> HttpResponse:
    """This month of the unit that was looked at last."""
    if not desk.units:
        return page(desk, "scheduler/no_unit.html", {"title": _("Figures"), "place": "figures"})
    last = desk.request.session.get(UNIT_IN_SESSION)
    unit = next((each for each in desk.units if each.pk == last), desk.units[0])
    return redirect("figures", unit=unit.code, year=desk.today.year, month=desk.today.month)


@door("view-figures")
def show(desk: Desk, *, unit: str, year: int, month: int) -> HttpResponse:
    found = _read(desk, unit, year, month)
    after = found.last + timedelta(days=1)
    before = (found.first - timedelta(days=1)).replace(day=1)
    context = {
        "title": _("%(unit)s: %(month)s") % {"unit": found.unit.name, "month": words.month_name(found.first)},
        "place": "figures",
        "unit": found.unit,
        "units": [(each, _address(each.code, found.first)) for each in desk.units],
        "heading": words.month_name(found.first),
        "before": _address(unit, before),
        "after": _address(unit, after) if after <= desk.today else "",
        "is_running": found.last >= desk.today,
        "found": found,
        "total": _shown(found.total),
        "table": arrange(desk, [_shown(line) for line in found.lines], _columns()),
        "used": _whole(found.used),
        "opened": _whole(found.opened),
        "percent": _percent(found.share),
        "file": reverse("figures-file", kwargs={"unit": unit, "year": year, "month": month}),
    }
    return page(desk, "scheduler/figures.html", context)


@door("view-figures")
def file(desk: Desk, *, unit: str, year: int, month: int) -> HttpResponse:
    """One line per figure, so that months can be put under one another."""
    found = _read(desk, unit, year, month)
    text = io.StringIO(newline="")
    text.write(BYTE_ORDER_MARK)
    sheet = csv.writer(text)
    sheet.writerow([_("Month"), _("Unit"), _("Figure"), _("Protocol"), _("Number")])
    for figure, protocol, number in _rows(found):
        cells = [f"{found.first:%Y-%m}", found.unit.name, figure, protocol, number]
        sheet.writerow([spreadsheet.harmless(cell) for cell in cells])
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.unit.code}-{found.first:%Y-%m}.csv"'
    return response


def _columns() -> list[Column[dict[str, Any]]]:
    numbers = (
        ("given", _("Given"), lambda each: each["line"].given),
        ("not-given", _("Not given"), lambda each: each["line"].not_given),
        ("no-show", _("Did not come"), lambda each: each["line"].no_show),
        ("share", _("No-show share"), lambda each: each["line"].no_show_share),
        ("cancelled", _("Cancelled"), lambda each: each["line"].cancelled),
        ("to-come", _("To come"), lambda each: each["line"].to_come),
    )
    name: Column[dict[str, Any]] = Column("protocol", _("Protocol"), lambda each: each["name"])
    return [name, *(Column(key, label, by, falls=True, is_number=True) for key, label, by in numbers)]


def _read(desk: Desk, unit: str, year: int, number: int) -> Month:
    place = desk.unit(unit)
    if not (1900 < year < 2200 and 1 <= number <= 12):
        raise Http404
    desk.request.session[UNIT_IN_SESSION] = place.pk
    found = month(unit=place, first=date(year, number, 1), now=desk.now)
    record.access(actor=desk.actor, patient=None, what="figures", now=desk.now)
    return found


def _address(unit: str, first: date) -> str:
    return reverse("figures", kwargs={"unit": unit, "year": first.year, "month": first.month})


def _shown(line: Line) -> dict[str, Any]:
    return {"line": line, "name": line.protocol or _("Without a protocol"), "share": _percent(line.no_show_share)}


def _percent(share: float | None) -> str:
    return "–" if share is None else _("%(percent)s %%") % {"percent": f"{share * 100:.1f}"}


def _whole(value: timedelta) -> str:
    return formats.number_format(round(value / timedelta(hours=1)), use_l10n=True, force_grouping=True)


def _hours(value: timedelta) -> str:
    return f"{value / timedelta(hours=1):.1f}"


def _rows(found: Month) -> list[tuple[str, str, str]]:
    rows = []
    for line in (*found.lines, found.total):
        name = _("all") if line is found.total else line.protocol or _("Without a protocol")
        rows += [
            (_("given"), name, str(line.given)),
            (_("not given"), name, str(line.not_given)),
            (_("did not come"), name, str(line.no_show)),
            (_("cancelled"), name, str(line.cancelled)),
            (_("to come"), name, str(line.to_come)),
        ]
    rows.append((_("cancelled within 24 hours"), _("all"), str(found.cancelled_late)))
    rows.append((_("chair-hours used"), _("all"), _hours(found.used)))
    rows.append((_("chair-hours open"), _("all"), _hours(found.opened)))
    for starts in found.starts:
        rows.append((_("doses begun"), starts.protocol, str(starts.begun)))
        rows.append((_("doses begun within tolerance"), starts.protocol, str(starts.within)))
    return rows
