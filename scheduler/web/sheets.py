"""The day sheet: one print for when everything is down. Black and white, blanks for actual times."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from scheduler.queries import day as days
from scheduler.queries import health
from scheduler.services import record, sheet_page
from scheduler.web import handover, words
from scheduler.web.door import Desk, door, page


@door("view-schedule", posts=True)
def sheet(desk: Desk, *, unit: str, date: date) -> HttpResponse:
    """GET shows the sheet as it would be printed; POST notes that it went to paper, so that the next one marks what
    changed since."""
    place = desk.unit(unit)
    if not 1900 < date.year < 2200:
        raise Http404
    hers = desk.request.GET.get("nurse", "")
    nurse = int(hers) if hers.isascii() and hers.isdigit() and len(hers) < 19 else None
    if desk.request.method == "POST":
        number = sheet_page.note_print(actor=desk.actor, unit=place, day=date, now=desk.now)
        return redirect(f"{desk.request.path}?printed={number}" + (f"&nurse={nurse}" if nurse is not None else ""))
    text = desk.request.GET.get("printed", "")
    printed = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
    context = sheet_page.context(
        unit=place,
        day=date,
        now=desk.now,
        by=desk.actor.label,
        clinical=desk.may("view-clinical"),
        number=printed,
        nurse=nurse,
    )
    record.access(actor=desk.actor, patient=None, what="day-sheet", now=desk.now)
    files = health.sheets()
    context |= {
        "is_noted": printed is not None,
        "date": date,
        "handover": handover.paper_lines(desk, place) if date == desk.today else [],
        "version": days.version(unit=place, date=date),
        "files": files,
        "files_at": words.ago(files.at.astimezone(desk.center.zone), desk.now.astimezone(desk.center.zone))
        if files
        else "",
    }
    return page(desk, "scheduler/sheet.html", context)
