"""Rows that become bookings: what is past as history, what is to come by the hard rules.

History is what was: no rule speaks against it, but a chair and a patient can't be in two places, so what overlaps is
said and left out. It takes the time it is said to have taken, without preparation or cleaning, and a treatment on a
protocol is a dose that was given, which counts from then on. What is to come is checked as any booking is; where only
soft rules speak against it, it is booked and stands on the worklist (queries/worklist/imported.py). The patients have
known of their visits for long: reminders are planned, and no confirmation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from scheduler.domain import localtime, names
from scheduler.domain.errors import Malformed, Refused, gettext_noop
from scheduler.domain.import_rows import AppointmentRow
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Chair, Import, ImportRow, Occupancy, Patient, Protocol, Registration, Unit
from scheduler.queries import needs, one_place, people
from scheduler.queries.course_request import FARTHEST_START
from scheduler.services import ledger, record
from scheduler.services.attendance import give_dose
from scheduler.services.changes import snapshot
from scheduler.services.import_outcome import Outcome, State, known, problems, wrong
from scheduler.services.import_people import no_unit, unit_named
from scheduler.services.locking import UnitDayKey, unit_days
from scheduler.services.settle import Wanted, occupy, settle
from scheduler.services.writing import recorded

OLDEST_YEAR = 1990  # before that a year is a slip, not an infusion


@dataclass(frozen=True, slots=True)
class Places:
    """A center's chairs and protocols, as its spreadsheet may call them."""

    units: Sequence[Unit]
    chairs: Sequence[Chair]
    protocols: Sequence[Protocol]

    @classmethod
    def of(cls, source: Import) -> Places:
        offered = Protocol.objects.filter(
            Q(center__isnull=True) | Q(center=source.center), published_at__isnull=False
        ).order_by("code", "-version")
        newest: dict[str, Protocol] = {}
        for protocol in offered:
            newest.setdefault(protocol.code, protocol)
        chairs = Chair.objects.filter(unit__center=source.center).select_related("unit__center")
        return cls(list(Unit.objects.filter(center=source.center)), list(chairs), list(newest.values()))

    def chair(self, source: Import, row: AppointmentRow) -> Chair | Outcome:
        unit = source.unit if not row.unit else unit_named(self.units, row.unit)
        if row.unit and unit is None:
            return no_unit(row.unit)
        named = [chair for chair in self.chairs if names.plain(chair.name) == names.plain(row.chair)]
        named = [chair for chair in named if unit is None or chair.unit_id == unit.pk]
        if not named:
            return wrong(gettext_noop("There is no chair “{chair}” here."), about="chair", chair=row.chair)
        if len(named) > 1:
            sentence = gettext_noop("Several units have a chair “{chair}”. Choose a unit for the whole file.")
            return wrong(sentence, about="chair", chair=row.chair)
        return named[0]

    def protocol(self, said: str) -> Protocol | Outcome | None:
        if not said:
            return None
        plain = names.plain(said)
        for name in ("code", "name", "short_name", "abbreviation"):
            found = [each for each in self.protocols if names.plain(getattr(each, name)) == plain]
            if len(found) == 1:
                return found[0]
            if found:
                several = ", ".join(each.name for each in found)
                sentence = gettext_noop("“{protocol}” could be any of {several}.")
                return wrong(sentence, about="protocol", protocol=said, several=several)
        return wrong(gettext_noop("There is no protocol “{protocol}” here."), about="protocol", protocol=said)


@dataclass(frozen=True, slots=True)
class Booking:
    """A row with all that it names; `start` in UTC."""

    kept: ImportRow
    row: AppointmentRow
    patient: Patient
    chair: Chair
    protocol: Protocol | None
    start: datetime
    minutes: int

    @property
    def end(self) -> datetime:
        return localtime.add_elapsed(self.start, self.minutes)

    def status(self, now: datetime) -> str:
        """Past without a word about it was done."""
        return self.row.status or ("fulfilled" if self.end <= now else "booked")

    def wanted(self) -> Wanted:
        need = needs.for_protocol(self.protocol) if self.protocol is not None else needs.for_minutes(self.minutes)
        return Wanted(need=need, chair=self.chair, start=self.start, patient=self.patient, protocol=self.protocol)

    def time(self, now: datetime) -> Interval:
        return (
            self.wanted().proposal().own_chair_time if self.status(now) == "booked" else Interval(self.start, self.end)
        )


def resolve(
    source: Import, places: Places, rows: Sequence[tuple[ImportRow, AppointmentRow]], now: datetime
) -> tuple[list[Booking], dict[int, Outcome]]:
    """What the rows name, and by row id what can't be: a handful of statements for any number of rows."""
    who = _patients(source, [row for _kept, row in rows])
    found: list[Booking] = []
    failed: dict[int, Outcome] = {}
    for kept, row in rows:
        one = _resolve(source, places, who, kept, row, now)
        if isinstance(one, Outcome):
            failed[kept.pk] = one
        else:
            found.append(one)
    return found, failed


def _resolve(
    source: Import, places: Places, who: _Known, kept: ImportRow, row: AppointmentRow, now: datetime
) -> Booking | Outcome:
    patient = who.find(row)
    if isinstance(patient, Outcome):
        return patient
    chair = places.chair(source, row)
    if isinstance(chair, Outcome):
        return chair
    protocol = places.protocol(row.protocol)
    if isinstance(protocol, Outcome):
        return protocol
    if localtime.kind_of_wall(row.wall, source.center.zone) == "gap":
        return wrong(gettext_noop("There is no such time on that day: the clocks go forward."), about="time")
    start = localtime.to_utc(row.wall, source.center.zone)
    if start.year < OLDEST_YEAR or start > now + FARTHEST_START:
        return wrong(gettext_noop("{day} is too long ago, or too far ahead."), about="date", day=row.wall.date())
    minutes = row.minutes or (protocol.spec().lengths(1).treatment if protocol is not None else 0)
    if not minutes:
        return wrong(gettext_noop("Nothing says how long it lasts."), about="minutes")
    booking = Booking(kept, row, patient, chair, protocol, start, minutes)
    if booking.status(now) in ("fulfilled", "noshow") and start > now:
        return wrong(gettext_noop("It is still to come, so it can’t be over."), about="status", patient=patient.pk)
    return booking


@dataclass(frozen=True, slots=True)
class _Known:
    by_mrn: Mapping[str, Patient]
    by_day: Mapping[object, Sequence[Patient]]

    def find(self, row: AppointmentRow) -> Patient | Outcome:
        said = names.search_text(row.first_name, row.last_name)
        if not row.mrn:
            like = [one for one in self.by_day.get(row.birth_date, ()) if names.are_similar(one.search_text, said)]
            if len(like) == 1:
                return like[0]
            if like:
                return wrong(gettext_noop("Several patients could be meant. Give the MRN."), about="mrn")
            return wrong(
                gettext_noop("Nobody of that name and birth date is here. Import the patients first."), about="mrn"
            )
        patient = self.by_mrn.get(row.mrn)
        if patient is None:
            sentence = gettext_noop("Nobody has the MRN {mrn} here. Import the patients first.")
            return wrong(sentence, about="mrn", mrn=row.mrn)
        if (row.birth_date and row.birth_date != patient.birth_date) or (
            said and not names.share_a_word(patient.search_text, said)
        ):
            sentence = gettext_noop("MRN {mrn} is {name} here, born {born}. Check the MRN.")
            facts = {"mrn": row.mrn, "name": patient.listed_name, "born": patient.birth_date}
            return wrong(sentence, about="mrn", patient=patient.pk, **facts)
        return patient


def _patients(source: Import, rows: Sequence[AppointmentRow]) -> _Known:
    here = Registration.objects.filter(center=source.center, mrn__in={row.mrn for row in rows if row.mrn})
    by_mrn = {each.mrn: each.patient for each in here.select_related("patient__merged_into")}
    by_mrn = {mrn: patient.merged_into or patient for mrn, patient in by_mrn.items()}
    by_day: dict[object, list[Patient]] = {}
    days = {row.birth_date for row in rows if not row.mrn and row.birth_date is not None}
    if days:
        for patient in people.registered(source.center).filter(birth_date__in=days):
            by_day.setdefault(patient.birth_date, []).append(patient)
    return _Known(by_mrn, by_day)


def days(bookings: Sequence[Booking], now: datetime) -> set[UnitDayKey]:
    """What has to be locked besides the patients."""
    return {key for one in bookings for key in unit_days(one.chair.unit, one.time(now))}


def write(*, actor: Actor, one: Booking, takes_doubtful: bool, now: datetime) -> Outcome:
    """Call it inside `locked`; it is a savepoint of its own."""
    there = Appointment.objects.filter(patient=one.patient, center=one.chair.unit.center, start=one.start)
    if there.exclude(status="entered-in-error").exists():
        return known(gettext_noop("She has this visit already."), patient=one.patient.pk)
    try:
        if one.status(now) != "booked":
            with transaction.atomic():
                return _history(actor, one, now)
        return _to_come(actor, one, takes_doubtful, now)
    except (Malformed, Refused) as no:
        return Outcome(State.WRONG, problems(no), patient=one.patient.pk)


def _to_come(actor: Actor, one: Booking, takes_doubtful: bool, now: datetime) -> Outcome:
    doubts: Refused | None = None
    try:
        with transaction.atomic():
            rows = settle(actor=actor, wanted=[one.wanted()], override=None, now=now)
    except Refused as refused:
        if any(refusal.is_hard for refusal in refused.refusals):
            raise
        if not takes_doubtful:
            return Outcome(State.DOUBTFUL, problems(refused), patient=one.patient.pk)
        doubts = refused
        with transaction.atomic():
            rows = settle(actor=actor, wanted=[one.wanted()], override=None, now=now, hard_only=True)
    row = rows[0]
    recorded(actor, "import", row, {}, None, now)
    ledger.plan_reminders(row, now=now)
    codes = [refusal.code for refusal in doubts.refusals] if doubts is not None else []
    return _made(one, row, problems(doubts) if doubts is not None else [], codes)


def _history(actor: Actor, one: Booking, now: datetime) -> Outcome:
    status, zone = one.status(now), one.chair.unit.center.zone
    if status == "fulfilled":
        taken = _taken(one, now)
        if taken is not None:
            return taken
    row = Appointment(
        center=one.chair.unit.center,
        unit=one.chair.unit,
        chair=one.chair,
        patient=one.patient,
        protocol=one.protocol,
        start=one.start,
        end=one.end,
        promised_wall=f"{one.start.astimezone(zone):%Y-%m-%dT%H:%M}",
        promised_zone=zone.key,
        acuity=needs.for_protocol(one.protocol).acuity if one.protocol is not None else 1,
        status=status,
        created_at=now,
    )
    if status == "fulfilled":
        row.actual_start, row.actual_end, row.outcome, row.phase = one.start, one.end, "given", "discharged"
    row.save()
    if status == "fulfilled":
        occupy(row)
        give_dose(row, actor, now)
    record.event(actor=actor, verb="import", subject=row, now=now, after={k: v for k, v in snapshot(row).items() if v})
    return _made(one, row, [], [])


def _taken(one: Booking, now: datetime) -> Outcome | None:
    during = Interval(one.start, one.end)
    if one_place.is_taken(chair=one.chair.pk, during=during, now=now):
        sentence = gettext_noop("{chair} was taken by another visit at that time.")
        return wrong(sentence, about="chair", patient=one.patient.pk, chair=one.chair.name)
    hers = Occupancy.objects.filter(patient=one.patient, patient_from__lt=one.end, patient_until__gt=one.start)
    if hers.exists():
        return wrong(gettext_noop("She had another visit at that time."), about="date", patient=one.patient.pk)
    return None


def _made(one: Booking, row: Appointment, doubts: list[dict[str, object]], codes: Sequence[str]) -> Outcome:
    mark = " ".join([str(row.version), *sorted(set(codes))])[:64]
    return Outcome(State.IMPORTED, doubts, patient=one.patient.pk, appointment=row.pk, mark=mark)
