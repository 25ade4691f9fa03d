"""The day sheet for paper: a unit's visits of a day, and what changed since it was printed last."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils.dateparse import parse_datetime

from scheduler.domain import localtime
from scheduler.models import Appointment, Contact, Dose, Event, Registration, SheetPrint, Unit

CHANGING = ("book", "place", "move", "cancel", "reopen", "no-show", "complete")
DOSES_LOOKED_BACK = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Row:
    """One visit. `mark` is new, moved or cancelled since the last sheet, `was` the start it had there."""

    appointment: Appointment
    mrn: str
    phone: str
    mark: str = ""
    was: datetime | None = None
    last_dose: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """`number` is that of the sheet that would be printed now; `since` the one before."""

    number: int
    since: SheetPrint | None
    rows: list[Row] = field(default_factory=list)


def sheet(*, unit: Unit, day: date, number: int | None = None) -> Sheet:
    """The visits of the local day by time, those cancelled since the sheet before too. `number` is the sheet that was
    just printed; without it, the one that would be next."""
    interval = localtime.day(day, unit.center.zone)
    before = SheetPrint.objects.filter(unit=unit, date=day)
    last = (before.filter(number__lt=number) if number is not None else before).order_by("-number").first()
    changed = _changes(unit, last.printed_at) if last is not None else {}
    appointments = [
        row
        for row in Appointment.objects.filter(unit=unit, start__gte=interval.start, start__lt=interval.end)
        .select_related("patient", "chair", "protocol", "visit__course")
        .order_by("start", "chair__position", "pk")
        if row.patient_id is not None
        and (row.status not in ("pending", "cancelled", "entered-in-error") or row.pk in changed)
        and not (row.status in ("cancelled", "entered-in-error") and _is_new(row, last))
    ]
    patients = [row.patient_id for row in appointments]
    mrns = dict(Registration.objects.filter(center=unit.center_id, patient__in=patients).values_list("patient", "mrn"))
    phones: dict[int, str] = {}
    for contact in Contact.objects.filter(patient__in=patients).exclude(phone=""):
        phones.setdefault(contact.patient_id, contact.phone)
    doses: dict[tuple[int, str], datetime] = {}
    given = Dose.objects.filter(patient__in=patients, given_at__gt=interval.start - DOSES_LOOKED_BACK)
    for dose in given.exclude(status=Dose.Status.NOT_GIVEN).order_by("given_at"):
        doses[(dose.patient_id, dose.substance)] = dose.given_at
    rows = [
        Row(
            appointment=row,
            mrn=mrns.get(row.patient_id or 0, ""),
            phone=phones.get(row.patient_id or 0, ""),
            mark=_mark(row, last, changed),
            was=changed.get(row.pk),
            last_dose=doses.get((row.patient_id or 0, row.protocol.substance)) if row.protocol is not None else None,
        )
        for row in appointments
    ]
    return Sheet(number=(last.number if last is not None else 0) + 1, since=last, rows=rows)


def _changes(unit: Unit, since: datetime) -> dict[int, datetime | None]:
    """By appointment id what happened after that moment: the start it had before, or None where it kept it."""
    found: dict[int, datetime | None] = {}
    events = Event.objects.filter(subject="appointment", center_id=unit.center_id, at__gt=since, verb__in=CHANGING)
    for subject, before in events.order_by("id").values_list("subject_id", "before"):
        start = parse_datetime(before["start"]) if isinstance(before, dict) and before.get("start") else None
        if found.get(subject) is None:
            found[subject] = start
    return found


def _is_new(row: Appointment, last: SheetPrint | None) -> bool:
    """Not on the last sheet at all: booked and cancelled in between."""
    return last is None or row.created_at > last.printed_at


def _mark(row: Appointment, last: SheetPrint | None, changed: dict[int, datetime | None]) -> str:
    if last is None or row.pk not in changed:
        return ""
    if row.status in ("cancelled", "entered-in-error"):
        return "cancelled"
    if _is_new(row, last):
        return "new"
    was = changed[row.pk]
    return "moved" if was is not None and was != row.start else ""
