"""What stands on a day sheet, in words: for the page that a nurse prints, and for the files that lie ready when
everything is down (sheet_files.py)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from scheduler.domain.permissions import Actor
from scheduler.models import SheetPrint, Unit
from scheduler.queries import flags, words
from scheduler.queries import sheet as query
from scheduler.queries.assignments import nurses_of
from scheduler.services import record


def context(
    *,
    unit: Unit,
    day: date,
    now: datetime,
    by: str,
    clinical: bool,
    number: int | None = None,
    nurse: int | None = None,
) -> dict[str, Any]:
    """For the template `_sheet.html`. `number` is the version that was just printed; without it, the next one.
    `clinical`: with components, checklist and doses. `nurse`: of her patients only."""
    found = query.sheet(unit=unit, day=day, number=number)
    zone = unit.center.zone
    today = now.astimezone(zone).date()
    held = nurses_of(row.appointment.pk for row in found.rows)
    names = {pk: each.name for pk, each in held.items()}
    rows = [
        _row(row, zone=zone, day=day, today=today, clinical=clinical) | {"nurse": names.get(row.appointment.pk, "")}
        for row in found.rows
        if nurse is None or (row.appointment.pk in held and held[row.appointment.pk].pk == nurse)
    ]
    return {
        "title": _("Day sheet, %(day)s, version %(number)s") % {"day": words.long_day(day), "number": found.number},
        "unit": unit,
        "heading": words.day(day),
        "number": found.number,
        "since": found.since,
        "since_clock": words.clock(found.since.printed_at.astimezone(zone)) if found.since else "",
        "printed": _moment(now.astimezone(zone), day),
        "by": by,
        "rows": rows,
        "nurses": sorted({(each.name, each.pk) for each in held.values()}),
        "nurse": nurse,
        "changes": [row for row in rows if row["mark"]],
        "is_clinical": clinical,
        "phone": unit.center.phone,
        "phones": unit.center.sheet_phones,
    }


def note_print(*, actor: Actor, unit: Unit, day: date, now: datetime) -> int:
    """The sheet goes to paper: the version it gets. What stands on it is kept, without anything personal, so that the
    next one marks what changed."""
    found = query.sheet(unit=unit, day=day)
    try:
        with transaction.atomic():
            SheetPrint.objects.create(
                unit=unit,
                date=day,
                number=found.number,
                printed_at=now,
                printed_by=actor.label,
                rows=found.as_printed(),
            )
    except IntegrityError:
        pass  # somebody printed the same sheet at the same moment
    record.access(actor=actor, patient=None, what="day-sheet-print", now=now)
    return found.number


def _row(row: query.Row, *, zone: ZoneInfo, day: date, today: date, clinical: bool) -> dict[str, Any]:
    appointment = row.appointment
    patient, protocol = appointment.patient, appointment.protocol
    assert patient is not None  # holds are on no sheet
    known = clinical and protocol is not None
    is_over = appointment.status in ("fulfilled", "noshow")  # paper is for what is still to come

    def at(moment: datetime | None) -> str:
        return _moment(moment.astimezone(zone), day) if moment is not None else ""

    return {
        "time": at(row.stood_at),
        "was": at(row.was) if row.mark == "moved" and not row.is_gone else "",
        "chair": row.was_chair if row.is_gone and row.was_chair else appointment.chair.name,
        "was_chair": row.was_chair if not row.is_gone else "",
        "patient": patient,
        "born": words.date_only(patient.birth_date, today),
        "mrn": row.mrn,
        "phone": row.phone,
        "relation": row.relation if row.relation != "self" else "",
        "what": words.dose_words(appointment),
        "components": [
            f"{each.name} {each.dose}, {each.minutes} min"
            for each in (protocol.spec().components if known and not is_over else ())  # type: ignore[union-attr]
        ],
        "flag": flags.said(row.reaction, zone=zone, today=today, clinical=clinical),
        "observe": appointment.observation_minutes,
        "driver": protocol is not None and protocol.needs_driver,
        "asks": _asks(row) if known else [],
        "is_held": known and row.asked is not None and row.asked.held > 0,
        "mark": _mark(row.mark),
        "is_gone": row.is_gone,
        "is_over": is_over,
        "gone": _gone(row, zone, today),
        "reason": appointment.reason if not row.is_away else "",
        "state": _state(row),
        "seated": at(appointment.in_chair_at),
        "begun": at(appointment.actual_start),
        "ended": at(appointment.actual_end),
        "out": at(appointment.discharged_at),
        "last": at(row.last_dose) if clinical else "",
        "not_before": at(row.not_before) if clinical else "",
        "next": at(row.next_dose) if clinical else "",
    }


def _moment(local: datetime, day: date) -> str:
    """The clock; with the day where it is not the sheet's."""
    return words.clock(local) if local.date() == day else words.moment(local, day)


def _mark(mark: str) -> str:
    return {"new": _("NEW"), "moved": _("MOVED"), "changed": _("CHANGED"), "cancelled": _("CANCELLED")}.get(mark, "")


def _gone(row: query.Row, zone: ZoneInfo, today: date) -> str:
    if row.is_away:
        start = row.appointment.start.astimezone(zone)
        return _("Moved to %(moment)s, %(chair)s") % {
            "moment": words.moment(start, today),
            "chair": row.appointment.chair.name,
        }
    return _("Cancelled") if row.is_gone else ""


def _state(row: query.Row) -> str:
    """What has happened by the time of printing, where the blanks don't say it."""
    appointment = row.appointment
    if appointment.status == "noshow":
        return _("did not come")
    if appointment.status == "fulfilled":
        return str(appointment.get_outcome_display()) if appointment.outcome else _("done")
    return _("here") if appointment.status in ("arrived", "checked-in") else ""


def _asks(row: query.Row) -> list[dict[str, str]]:
    """The questions' codes in words: paper is narrow, and the questions hang at the chair. What is answered says
    how."""
    questions = row.asked.questions if row.asked is not None else ()
    says = {"yes": _("yes"), "no": _("no")}
    return [
        {"text": each.code.replace("-", " "), "answer": says[each.answer.says] if each.answer is not None else ""}
        for each in questions
    ]
