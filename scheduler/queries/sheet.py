"""The day sheet for paper: a unit's visits of a day, and what changed since it was printed last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.dateparse import parse_datetime

from scheduler.domain import localtime
from scheduler.domain.protocols import ProtocolSpec
from scheduler.domain.recurrence import earliest_after
from scheduler.models import Appointment, Contact, Dose, Reaction, Registration, SheetPrint, Unit, Visit
from scheduler.queries import checklist as checklists
from scheduler.queries.checklist import Checklist
from scheduler.queries.flags import reactions_before
from scheduler.queries.words import dose_words

OFF_PAPER = ("pending", "cancelled", "entered-in-error")
DOSES_LOOKED_BACK = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Row:
    """One visit. `mark` is new, moved, changed or cancelled since the last sheet; `was` and `was_chair` are the start
    and the chair it had there. `is_away`: it is on another day or in another unit now, at `appointment.start`.

    For doses whose cadence is counted in hours: `last_dose` when the substance was given last, `not_before` the
    soonest for this visit while it has not begun, `next_dose` when the one after it is booked or due. All UTC.
    """

    appointment: Appointment
    mrn: str = ""
    phone: str = ""
    relation: str = ""
    asked: Checklist | None = None
    reaction: Reaction | None = None
    mark: str = ""
    was: datetime | None = None
    was_chair: str = ""
    is_away: bool = False
    last_dose: datetime | None = None
    not_before: datetime | None = None
    next_dose: datetime | None = None

    @property
    def is_gone(self) -> bool:
        return self.is_away or self.appointment.status in ("cancelled", "entered-in-error")

    @property
    def stood_at(self) -> datetime:
        """Where it stands on the paper: what has gone keeps its old place."""
        return self.was if self.is_gone and self.was is not None else self.appointment.start


@dataclass(frozen=True, slots=True)
class Sheet:
    """`number` is that of the sheet that would be printed now; `since` the one before."""

    number: int
    since: SheetPrint | None
    rows: list[Row] = field(default_factory=list)

    @property
    def changes(self) -> list[Row]:
        return [row for row in self.rows if row.mark]

    def as_printed(self) -> dict[str, list[str]]:
        """What the next sheet is compared with: by appointment id its start, its chair and a digest of the rest.
        Nothing personal: the digest is keyed."""
        return {
            str(row.appointment.pk): [row.appointment.start.isoformat(), row.appointment.chair.name, _digest(row)]
            for row in self.rows
            if not row.is_gone
        }


def sheet(*, unit: Unit, day: date, number: int | None = None) -> Sheet:
    """The visits of the local day by time, with those that were on the sheet before and are gone. `number` is the sheet
    that was just printed; without it, the one that would be next."""
    interval = localtime.day(day, unit.center.zone)
    before = SheetPrint.objects.filter(unit=unit, date=day)
    last = (before.filter(number__lt=number) if number is not None else before).order_by("-number").first()
    printed: Mapping[str, list[str]] = last.rows if last is not None else {}
    all_of = Appointment.objects.filter(patient__isnull=False).select_related("patient", "chair", "visit__course")
    present = list(
        all_of.filter(unit=unit, start__gte=interval.start, start__lt=interval.end)
        .exclude(status__in=OFF_PAPER)
        .prefetch_related("protocol")
    )
    here = {row.pk for row in present}
    gone = list(all_of.filter(pk__in=[pk for pk in map(int, printed) if pk not in here]).prefetch_related("protocol"))
    lists = checklists.of(present)
    flagged = reactions_before(present)
    rows = [
        *(Row(row, asked=lists.get(row.pk), reaction=flagged.get(row.pk)) for row in present),
        *(Row(row, is_away=row.status not in OFF_PAPER) for row in gone),
    ]
    rows = [_marked(row, printed, last) for row in _timed(_reached(rows, unit), interval.start, unit)]
    rows.sort(key=lambda row: (row.stood_at, row.appointment.chair.position, row.appointment.pk))
    return Sheet(number=(last.number if last is not None else 0) + 1, since=last, rows=rows)


def _reached(rows: Iterable[Row], unit: Unit) -> list[Row]:
    """With record numbers and the phone to ring first."""
    found = list(rows)
    patients = {row.appointment.patient_id for row in found}
    mrns = dict(Registration.objects.filter(center=unit.center_id, patient__in=patients).values_list("patient", "mrn"))
    contacts: dict[int, Contact] = {}
    for contact in Contact.objects.filter(patient__in=patients).exclude(phone="").order_by("-is_primary", "pk"):
        contacts.setdefault(contact.patient_id, contact)
    return [
        replace(
            row,
            mrn=mrns.get(row.appointment.patient_id or 0, ""),
            phone=reach.phone if (reach := contacts.get(row.appointment.patient_id or 0)) is not None else "",
            relation=reach.relation if reach is not None else "",
        )
        for row in found
    ]


def _timed(rows: list[Row], since: datetime, unit: Unit) -> list[Row]:
    """With the doses before and after, where hours count between them."""
    counted = {row.appointment.pk: spec for row in rows if (spec := _in_hours(row.appointment)) is not None}
    if not counted:
        return rows
    patients = {row.appointment.patient_id for row in rows if row.appointment.pk in counted}
    given: dict[tuple[int, str], datetime] = {}
    doses = Dose.objects.filter(patient__in=patients, given_at__gt=since - DOSES_LOOKED_BACK)
    for dose in doses.exclude(status=Dose.Status.NOT_GIVEN).order_by("given_at"):
        given[(dose.patient_id, dose.substance)] = dose.given_at
    following = _following(row.appointment for row in rows if row.appointment.pk in counted)
    found = []
    for row in rows:
        spec = counted.get(row.appointment.pk)
        if spec is not None:
            last = given.get((row.appointment.patient_id or 0, spec.substance))
            has_begun = row.appointment.actual_start is not None or row.appointment.status in ("fulfilled", "noshow")
            row = replace(
                row,
                last_dose=last,
                not_before=earliest_after(spec.gap, last, unit.center.zone) if last and not has_begun else None,
                next_dose=following.get(row.appointment.pk),
            )
        found.append(row)
    return found


def _in_hours(appointment: Appointment) -> ProtocolSpec | None:
    spec = appointment.protocol.spec() if appointment.protocol is not None else None
    return spec if spec is not None and spec.substance and spec.gap.counts_in == "minutes" else None


def _following(appointments: Iterable[Appointment]) -> dict[int, datetime]:
    """By appointment id when the next visit of its course is booked, or else due."""
    asked = {(each.visit.course_id, each.visit.ordinal + 1): each.pk for each in appointments if each.visit is not None}
    visits = Visit.objects.filter(course__in={course for course, _ordinal in asked}, state__in=["unplaced", "booked"])
    found = {asked[key]: visit for visit in visits if (key := (visit.course_id, visit.ordinal)) in asked}
    booked = dict(
        Appointment.objects.filter(visit__in=found.values(), status="booked").values_list("visit_id", "start")
    )
    return {pk: booked.get(visit.pk, visit.due) for pk, visit in found.items()}


def _marked(row: Row, printed: Mapping[str, list[str]], last: SheetPrint | None) -> Row:
    if last is None:
        return row
    before = printed.get(str(row.appointment.pk))
    if before is None:
        return replace(row, mark="new")
    was, was_chair, digest = parse_datetime(before[0]), before[1], before[2]
    if row.is_gone:
        return replace(row, mark="moved" if row.is_away else "cancelled", was=was, was_chair=was_chair)
    moved: dict[str, Any] = {}
    if was != row.appointment.start:
        moved["was"] = was
    if was_chair != row.appointment.chair.name:
        moved["was_chair"] = was_chair
    if moved:
        return replace(row, mark="moved", **moved)
    return replace(row, mark="changed") if digest != _digest(row) else row


def _digest(row: Row) -> str:
    """Of all that the paper says besides time and chair: who, how to reach her, what she gets, allergies and needs."""
    patient, appointment = row.appointment.patient, row.appointment
    assert patient is not None  # holds are on no sheet
    said = (patient.full_name, patient.birth_date, row.mrn, row.phone, patient.allergies, patient.needs)
    what = (appointment.protocol_id, dose_words(appointment), appointment.observation_minutes)
    known = (said, what) if row.reaction is None else (said, what, row.reaction.pk)
    return salted_hmac("scheduler.sheet", repr(known), algorithm="sha256").hexdigest()[:16]
