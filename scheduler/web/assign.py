"""Who watches whom: nurses as columns with their patients by time, a suggestion to look at first, and what a drag, a
key or a plain form changes."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.domain.errors import Forbidden, Malformed, Stale
from scheduler.models import Nurse, Unit
from scheduler.queries import assignments as query
from scheduler.services import absences, assignments, record
from scheduler.services.assignments import Given
from scheduler.web import assign_view, words
from scheduler.web.actions import appointment_of
from scheduler.web.door import Desk, door, page

NOBODY = "nobody"


@door("view-schedule")
def assign(desk: Desk, *, unit: str, date: date) -> HttpResponse:
    """With ?suggest=1 the suggestion stands above, with ?suggest=anew one that need not keep what was suggested."""
    return _show(desk, desk.unit(unit), date, suggest=desk.request.GET.get("suggest", ""))


@door("assign", posts=True, gets=False)
def accept(desk: Desk, *, unit: str, date: date) -> HttpResponse:
    """The suggestion as it was seen: fields `give` of appointment, nurse and who had it before."""
    place = desk.unit(unit)
    given = [_line(text) for text in desk.request.POST.getlist("give")]
    try:
        assignments.accept(actor=desk.actor, unit=place, given=given, now=desk.now)
    except Stale:
        said = _("Something has changed since. Nothing was saved; this is the suggestion for how it is now.")
        return _show(desk, place, date, suggest="1", trouble=said, status=409)
    return redirect("assign", unit=unit, date=date)


@door("assign", posts=True, gets=False)
def give(desk: Desk, *, pk: int) -> HttpResponse:
    """Field `nurse`: her id, or "nobody"."""
    appointment = appointment_of(desk, pk)
    day = appointment.start.astimezone(desk.center.zone).date()
    wanted = desk.request.POST.get("nurse", "")
    try:
        if wanted == NOBODY:
            assignments.clear(actor=desk.actor, appointment=appointment, now=desk.now)
        else:
            nurse = _nurse(desk, wanted)
            assignments.assign(actor=desk.actor, appointment=appointment, nurse=nurse, now=desk.now)
    except (Malformed, Forbidden) as wrong:
        desk.note_denial(wrong)
        return _show(desk, appointment.unit, day, trouble=wrong.say(_), status=409)
    except Stale:
        said = _("Somebody has moved this visit meanwhile. Nothing was saved; this is how it is now.")
        return _show(desk, appointment.unit, day, trouble=said, status=409)
    url = reverse("assign", kwargs={"unit": appointment.unit.code, "date": day})
    return redirect(f"{url}#visit-{appointment.pk}")


@door("note-outage", posts=True, gets=False)
def absent(desk: Desk, *, unit: str, date: date) -> HttpResponse:
    """Field `nurse`. She goes for the rest of the day; the suggestion of who takes her patients is shown at once."""
    place = desk.unit(unit)
    try:
        nurse = _nurse(desk, desk.request.POST.get("nurse", ""))
        absences.absent(actor=desk.actor, unit=place, nurse=nurse, day=date, now=desk.now)
    except Forbidden as wrong:
        desk.note_denial(wrong)  # only a manager changes the shifts of another day than today
        raise PermissionDenied from wrong
    except (Malformed, Stale):
        said = _("Somebody has changed this shift meanwhile. Nothing was saved; this is how it is now.")
        return _show(desk, place, date, trouble=said, status=409)
    return redirect(f"{reverse('assign', kwargs={'unit': unit, 'date': date})}?suggest=1")


def _show(
    desk: Desk, unit: Unit, day: date, *, suggest: str = "", trouble: str = "", status: int = 200
) -> HttpResponse:
    if not 1900 < day.year < 2200:
        raise Http404
    shared = query.shared_day(unit=unit, date=day, now=desk.now)
    record.access(actor=desk.actor, patient=None, what="assignment", now=desk.now)
    left = shared.left_alone()
    may = desk.may("assign")
    wants = may and bool(shared.nurses) and (suggest in ("1", "anew") or bool(left))
    context: dict[str, Any] = {
        "title": _("Nurses, %(day)s") % {"day": words.day(day, desk.today)},
        "place": "floor",
        "unit": unit,
        "date": day,
        "heading": words.day(day, desk.today),
        "is_today": day == desk.today,
        "day": shared,
        "columns": assign_view.columns(shared, desk.now),
        "open": assign_view.unassigned(shared, desk.now),
        "preview": assign_view.preview(shared, is_anew=suggest == "anew") if wants else None,
        "left": assign_view.left_words(shared, left),
        "may": may,
        "may_note_absence": desk.may("edit-setup") or (desk.may("note-outage") and day == desk.today),
        "trouble": trouble,
        "here": reverse("assign", kwargs={"unit": unit.code, "date": day}),
    }
    return page(desk, "scheduler/assign.html", context, status=status)


def _nurse(desk: Desk, text: str) -> Nurse:
    """404 for another center's."""
    rows = Nurse.objects.filter(center=desk.center)
    found = rows.filter(pk=text).first() if text.isascii() and text.isdigit() and len(text) < 19 else None
    if found is None:
        raise Http404
    return found


def _line(text: str) -> Given:
    """12:3:4, the appointment, the nurse, and who had it before (0: nobody)."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise Http404
    appointment, nurse, was = map(int, parts)
    return Given(appointment, nurse, was or None)
