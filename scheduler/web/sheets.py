"""The day sheet: one print for when everything is down. Black and white, blanks for actual times."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.models import SheetPrint, Unit
from scheduler.queries import sheet as query
from scheduler.queries.words import dose_words
from scheduler.services import record
from scheduler.web import words
from scheduler.web.door import Desk, door, page

MARKS = {"new": "NEW", "moved": "MOVED", "cancelled": "CANCELLED"}


@door("view-schedule", posts=True)
def sheet(desk: Desk, *, unit: str, date: date) -> HttpResponse:
    """GET shows the sheet as it would be printed; POST notes that it went to paper, so that the next one marks what
    changed since."""
    place = desk.unit(unit)
    if not 1900 < date.year < 2200:
        raise Http404
    if desk.request.method == "POST":
        return redirect(f"{desk.request.path}?printed={_note_print(desk, place, date)}")
    text = desk.request.GET.get("printed", "")
    printed = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
    found = query.sheet(unit=place, day=date, number=printed)
    record.access(actor=desk.actor, patient=None, what="day-sheet", now=desk.now)
    rows = [_row(desk, each) for each in found.rows]
    context = {
        "title": _("Day sheet, %(day)s, version %(number)s") % {"day": words.long_day(date), "number": found.number},
        "unit": place,
        "heading": words.day(date),
        "number": found.number,
        "since": found.since,
        "since_clock": words.clock(found.since.printed_at.astimezone(desk.center.zone)) if found.since else "",
        "printed": words.clock(desk.now.astimezone(desk.center.zone)),
        "by": desk.actor.label,
        "rows": rows,
        "changes": [row for row in rows if row["mark"]],
        "is_noted": printed is not None,
        "is_clinical": desk.may("view-clinical"),
        "phone": desk.center.phone,
    }
    return page(desk, "scheduler/sheet.html", context)


def _note_print(desk: Desk, unit: Unit, day: date) -> int:
    """The number of the sheet that goes to paper now."""
    last = SheetPrint.objects.filter(unit=unit, date=day).order_by("-number").values_list("number", flat=True).first()
    try:
        with transaction.atomic():
            SheetPrint.objects.create(
                unit=unit, date=day, number=(last or 0) + 1, printed_at=desk.now, printed_by=desk.actor.label
            )
    except IntegrityError:
        pass  # somebody printed the same sheet at the same moment
    record.access(actor=desk.actor, patient=None, what="day-sheet-print", now=desk.now)
    return (last or 0) + 1


def _row(desk: Desk, row: query.Row) -> dict[str, Any]:
    appointment = row.appointment
    zone = desk.center.zone
    patient, protocol = appointment.patient, appointment.protocol
    assert patient is not None  # holds are on no sheet
    clinical = desk.may("view-clinical") and protocol is not None
    return {
        "time": words.clock(appointment.start.astimezone(zone)),
        "was": words.clock(row.was.astimezone(zone)) if row.mark == "moved" and row.was is not None else "",
        "chair": appointment.chair.name,
        "patient": patient,
        "born": words.date_only(patient.birth_date, desk.today),
        "mrn": row.mrn,
        "phone": row.phone,
        "what": dose_words(appointment),
        "components": [
            f"{each.name} {each.dose}, {each.minutes} min"
            for each in (protocol.spec().components if clinical else ())  # type: ignore[union-attr]
        ],
        "observe": appointment.observation_minutes,
        "driver": protocol is not None and protocol.needs_driver,
        # The codes in words: paper is narrow, and the questions hang at the chair.
        "asks": [each["code"].replace("-", " ") for each in (protocol.checklist if clinical else [])],  # type: ignore[union-attr]
        "mark": MARKS.get(row.mark, ""),
        "is_cancelled": row.mark == "cancelled",
        "reason": appointment.reason,
        "last": words.moment(row.last_dose.astimezone(zone), desk.today) if clinical and row.last_dose else "",
    }
