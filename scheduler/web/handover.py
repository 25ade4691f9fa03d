"""Handover: notes for the next shift about patients and the unit, who wrote them, and who has read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.domain.errors import Forbidden, Malformed, NotFound
from scheduler.models import HandoverNote, Patient, Unit
from scheduler.queries import assignments
from scheduler.queries import handover as query
from scheduler.services import handover as service
from scheduler.services import record
from scheduler.web import watched, words
from scheduler.web.door import Desk, door, page
from scheduler.web.sign import safe_next


@dataclass(frozen=True, slots=True)
class Line:
    """One note in words. `reads` such as Mara Quist 14:02; `is_open`: who looks has still to read it."""

    note: HandoverNote
    about: str
    author: str
    at: str
    reads: tuple[str, ...]
    is_open: bool


@door("hand-over", posts=True)
def handover(desk: Desk, *, unit: str) -> HttpResponse:
    """GET lists the notes by day; POST writes one, about field `patient` or, where that is empty, about the unit."""
    place = desk.unit(unit)
    if desk.request.method != "POST":
        return _show(desk, place)
    post = desk.request.POST
    try:
        patient = _patient(desk, post.get("patient", ""))
        service.write(actor=desk.actor, unit=place, text=post.get("text", ""), patient=patient, now=desk.now)
    except Malformed as wrong:
        return _show(desk, place, trouble=wrong.say(_), status=400)
    except Forbidden as wrong:
        desk.note_denial(wrong)
        return _show(desk, place, trouble=wrong.say(_), status=403)
    return redirect("handover", unit=unit)


@door("hand-over", posts=True, gets=False)
def read(desk: Desk, *, pk: int) -> HttpResponse:
    """One tap, back to where it was tapped."""
    note = HandoverNote.objects.filter(unit__center=desk.center, pk=pk).select_related("unit__center").first()
    if note is None:
        raise Http404
    if note.patient_id is not None:
        desk.need("view-clinical")
    service.read(actor=desk.actor, note=note, now=desk.now)
    back = reverse("handover", kwargs={"unit": note.unit.code})
    return redirect(safe_next(desk.request, desk.request.POST.get("next") or back))


def open_lines(desk: Desk, unit: Unit) -> list[Line]:
    """What who looks has still to read, for the top of the floor; nothing for who hands nothing over."""
    if not desk.may("hand-over"):
        return []
    reader = desk.request.user.pk or 0
    rows = query.open_notes(unit=unit, reader=reader, clinical=desk.may("view-clinical"), now=desk.now)
    return [_line(desk, note, []) for note in rows]


def paper_lines(desk: Desk, unit: Unit) -> list[Line]:
    """What is printed with the day sheet, where who prints may read it."""
    if not desk.may("hand-over"):
        return []
    rows = query.for_paper(unit=unit, clinical=desk.may("view-clinical"), now=desk.now)
    return [_line(desk, note, []) for note in rows]


def _show(desk: Desk, unit: Unit, *, trouble: str = "", status: int = 200) -> HttpResponse:
    watching = watched.of_center(desk) if status == 200 else {}
    clinical = desk.may("view-clinical")
    notes = query.notes(unit=unit, clinical=clinical, now=desk.now)
    record.access(actor=desk.actor, patient=None, what="handover", now=desk.now)
    lines = [_line(desk, note, note.reads.all()) for note in notes]
    context: dict[str, Any] = {
        "title": _("Handover, %(unit)s") % {"unit": unit.name},
        "place": "floor",
        "unit": unit,
        "days": [
            (words.day(date, desk.today), list(found))
            for date, found in groupby(lines, key=lambda line: line.note.date)
        ],
        "patients": _patients(desk, unit) if clinical else [],
        "text": desk.request.POST.get("text", "") if trouble else "",
        "most": service.LONGEST,
        "trouble": trouble,
    }
    return page(desk, "scheduler/handover.html", context | watching, status=status)


def _line(desk: Desk, note: HandoverNote, reads: Iterable[Any]) -> Line:
    zone, me = desk.center.zone, desk.request.user.pk
    found = list(reads)
    return Line(
        note=note,
        about=note.patient.full_name if note.patient is not None else note.unit.name,
        author=words.person(note.author),
        at=words.ago(note.at.astimezone(zone), desk.now.astimezone(zone)),
        reads=tuple(f"{words.person(each.reader)} {_clock(desk, note, each.at)}" for each in found),
        is_open=note.author_id != me and all(each.reader_id != me for each in found),
    )


def _clock(desk: Desk, note: HandoverNote, at: Any) -> str:
    """14:02; with the day where it is not the note's."""
    local = at.astimezone(desk.center.zone)
    return words.clock(local) if local.date() == note.date else words.moment(local, desk.today)


def _patients(desk: Desk, unit: Unit) -> list[Patient]:
    """Who is or was here today, by name."""
    day = assignments.shared_day(unit=unit, date=desk.today, now=desk.now)
    found = {row.patient_id: row.patient for row in day.appointments if row.patient is not None}
    return sorted(found.values(), key=lambda patient: (patient.last_name.casefold(), patient.first_name, patient.pk))


def _patient(desk: Desk, text: str) -> Patient | None:
    """Raises NotFound for one who is not registered here."""
    if not text:
        return None
    rows = Patient.objects.filter(registrations__center=desk.center)
    found = rows.filter(pk=text).first() if text.isascii() and text.isdigit() and len(text) < 19 else None
    if found is None:
        raise NotFound
    return found
