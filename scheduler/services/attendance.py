"""What happens to a booking on the day: arrive, check in, start, phases, complete, no-show, undo; and doses given
elsewhere. Actual times are never refused for what they break: the breach is a clash on the worklist."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db.models import F

from scheduler.domain import lifecycle
from scheduler.domain.errors import Malformed, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Center, Course, Dose, Patient, Protocol, Visit
from scheduler.queries.course_request import MOST_MG, check_moment, check_reason
from scheduler.services import ledger, record
from scheduler.services.booking import release_time
from scheduler.services.changes import changing
from scheduler.services.following import redate, redate_without
from scheduler.services.locking import locked, retrying
from scheduler.services.writing import not_possible

# Clocks of the ward and of the server may differ by this much before a time counts as in the future.
CLOCK_SKEW = timedelta(minutes=10)
LONGEST_SUBSTANCE = 60


def arrive(*, actor: Actor, appointment: Appointment, version: int | None = None, now: datetime) -> Appointment:
    def set_(row: Appointment) -> None:
        row.status, row.arrived_at, row.phase, row.phase_at = "arrived", now, "waiting", now

    return _change(actor, appointment, "arrive", set_, version, now)


def check_in(*, actor: Actor, appointment: Appointment, version: int | None = None, now: datetime) -> Appointment:
    def set_(row: Appointment) -> None:
        row.status, row.checked_in_at = "checked-in", now
        row.arrived_at = row.arrived_at or now
        if not row.phase:
            row.phase, row.phase_at = "waiting", now

    return _change(actor, appointment, "check-in", set_, version, now)


def start(
    *,
    actor: Actor,
    appointment: Appointment,
    actual_start: datetime | None = None,
    version: int | None = None,
    now: datetime,
) -> Appointment:
    """Treatment has begun: the phase changes, and later due times count from `actual_start` (default: now)."""
    began = _actual("actual_start", actual_start or _minute(now), now)

    def set_(row: Appointment) -> None:
        row.actual_start, row.phase, row.phase_at = began, "infusing", now
        row.arrived_at = row.arrived_at or began
        row.checked_in_at = row.checked_in_at or began
        row.status = "checked-in"

    return _change(actor, appointment, "start", set_, version, now, redates=True)


def set_phase(
    *, actor: Actor, appointment: Appointment, phase: str, version: int | None = None, now: datetime
) -> Appointment:
    """The nurses' finer steps. Raises Malformed for an unknown one, Refused for one that cannot follow."""
    if phase not in lifecycle.PHASES:
        raise Malformed("phase", gettext_noop("There is no step “{phase}”."), phase=phase)

    def set_(row: Appointment) -> None:
        refusal = lifecycle.phase_is_allowed(row.phase, phase)
        if refusal is not None:
            raise Refused([refusal])
        row.phase, row.phase_at = phase, now
        _stamp(row, phase, _minute(now))

    return _change(actor, appointment, "phase", set_, version, now, redates=phase == "infusing")


def complete(
    *,
    actor: Actor,
    appointment: Appointment,
    actual_start: datetime | None = None,
    actual_end: datetime | None = None,
    outcome: str = "given",
    reason: str = "",
    version: int | None = None,
    now: datetime,
) -> Appointment:
    """The visit is over. `given` and `partial` count as a dose; `not-given` needs a reason, frees the place and puts
    the visit back to unplaced."""
    if outcome not in Appointment.Outcome.values:
        raise Malformed("outcome", gettext_noop("The outcome is given, partial or not-given."))
    check_reason(reason, gettext_noop("Say why it was not given, or only partly."), is_needed=outcome != "given")

    def set_(row: Appointment) -> None:
        ended = _actual("actual_end", actual_end or row.actual_end or _minute(now), now)
        began = _actual("actual_start", actual_start or row.actual_start or min(row.start, ended), now)
        if ended < began:
            raise Malformed("actual_end", gettext_noop("It cannot end before it began."))
        row.actual_start, row.actual_end, row.outcome, row.reason = began, ended, outcome, reason
        if actual_end is None:  # a tap at the moment she goes; who gives a time writes up what was
            row.observed_at = _minute(now) if row.phase == "observing" else row.observed_at
            row.discharged_at = _minute(now)
        row.phase, row.phase_at = "discharged", now
        if outcome == "not-given":
            row.status, row.phase = "cancelled", ""
            release_time(row, reason=reason)
            ledger.plan_without(row, now=now)
        else:
            row.status = "fulfilled"
            if row.visit_id is not None:
                Visit.objects.filter(pk=row.visit_id).update(state="done")
        give_dose(row, actor, now)

    return _change(actor, appointment, "complete", set_, version, now, reason=reason, redates=True)


def no_show(
    *, actor: Actor, appointment: Appointment, reason: str = "", version: int | None = None, now: datetime
) -> Appointment:
    """She did not come. Her place is free again and her visit unplaced."""
    check_reason(reason, is_needed=False)

    def set_(row: Appointment) -> None:
        row.status, row.reason = "noshow", reason
        release_time(row, reason=reason or "did not come")
        ledger.plan_without(row, now=now)
        redate_without(row, now=now)

    return _change(actor, appointment, "no-show", set_, version, now, reason=reason)


def record_dose_elsewhere(
    *,
    actor: Actor,
    center: Center,
    patient: Patient,
    substance: str,
    mg: Decimal,
    given_at: datetime,
    visit: Visit | None = None,
    now: datetime,
) -> Dose:
    """A dose taken at home or given by another site. It counts for intervals and caps; with `visit` it is that
    visit's dose, which is then done, and later ones count from it."""
    check_moment("given_at", given_at)
    if given_at > now + CLOCK_SKEW:
        raise Malformed("given_at", gettext_noop("This time has not come yet."))
    mg = Decimal(mg)
    if not (mg.is_finite() and 0 <= mg <= MOST_MG):
        raise Malformed("mg", gettext_noop("A dose is from 0 to {most} mg."), most=MOST_MG)
    substance = _as_in_protocols(substance)
    if not 0 < len(substance) <= LONGEST_SUBSTANCE:
        raise Malformed("substance", gettext_noop("Say which substance, in at most 60 characters."))
    if not patient.registrations.filter(center=center).exists():
        raise Malformed("patient", gettext_noop("This patient is not registered in {center}."), center=center.name)
    if visit is not None and visit.course.patient_id != patient.pk:
        raise Malformed("visit", gettext_noop("This visit belongs to another patient."))

    @retrying
    def run() -> Dose:
        with locked(patients=[patient.pk], days=[], now=now):
            taken = Visit.objects.filter(pk=visit.pk, state="unplaced").update(state="done") if visit else 1
            if not taken:
                raise not_possible(gettext_noop("Only a visit that has no place can be done elsewhere."))
            dose = Dose.objects.create(
                patient=patient,
                substance=substance,
                mg=mg,
                given_at=given_at.astimezone(UTC),
                place=Dose.Place.ELSEWHERE,
                visit=visit,
                recorded_at=now,
                recorded_by=actor.who,
            )
            if visit is not None:
                redate(visit.course, now=now)
                complete_course_if_over(visit.course, actor=actor, now=now)
            record.event(actor=actor, verb="dose-elsewhere", subject=dose, now=now, after={"given_at": given_at})
            return dose

    return run()


def _as_in_protocols(substance: str) -> str:
    """The substance as protocols spell it: rules compare it letter by letter, people don't."""
    wanted = substance.strip()
    known = Protocol.objects.filter(substance__iexact=wanted).values_list("substance", flat=True).first()
    return known or wanted


def complete_course_if_over(course: Course, *, actor: Actor, now: datetime) -> None:
    """A course is completed once its last dose is done or waived."""
    if course.doses is None or course.status != "active":
        return
    over = Visit.objects.filter(course=course, ordinal__lte=course.doses, state__in=["done", "waived"]).count()
    if over < course.doses:
        return
    if Course.objects.filter(pk=course.pk, status="active").update(status="completed", version=F("version") + 1):
        record.event(
            actor=actor,
            verb="complete-course",
            subject=course,
            now=now,
            before={"status": "active"},
            after={"status": "completed"},
        )


def _change(
    actor: Actor,
    appointment: Appointment,
    verb: str,
    set_: Callable[[Appointment], None],
    version: int | None,
    now: datetime,
    *,
    reason: str = "",
    redates: bool = False,
) -> Appointment:
    @retrying
    def run() -> Appointment:
        changed: AbstractContextManager[Appointment] = changing(
            actor=actor, appointment=appointment, verb=verb, now=now, version=version, reason=reason
        )
        with changed as row:
            set_(row)
            if redates and row.visit is not None:
                row.save()  # due times count from what the row says now
                redate(row.visit.course, now=now)
                complete_course_if_over(row.visit.course, actor=actor, now=now)
        return row

    return run()


def _stamp(row: Appointment, phase: str, moment: datetime) -> None:
    """The time of the step that begins now. Back from observing to the infusion, its end is open again."""
    if phase == "infusing":
        row.actual_start = row.actual_start or moment
        row.actual_end = row.observed_at = None
    elif phase == "observing":
        row.actual_end = max(moment, row.actual_start or moment)
    elif phase == "discharged":
        row.observed_at = row.discharged_at = moment
    elif phase in _STAMPS:
        setattr(row, _STAMPS[phase], moment)


_STAMPS = {"in-chair": "in_chair_at", "pre-medication": "premedication_at", "chair-cleaning": "cleaned_at"}


def give_dose(row: Appointment, actor: Actor, now: datetime) -> None:
    """What the booking says was given stands among the doses, once. Called in the transaction of the change."""
    if row.protocol is None or row.patient_id is None or row.actual_start is None:
        return
    ordered = row.visit.course.dose_mg if row.visit is not None else None
    Dose.objects.update_or_create(
        appointment=row,
        defaults={
            "patient_id": row.patient_id,
            "substance": row.protocol.substance or row.protocol.code,
            "mg": ordered or row.protocol.dose_mg or Decimal(0),
            "given_at": row.actual_start,
            "status": row.outcome,
            "reason": row.reason,
            "visit": row.visit,
            "recorded_at": now,
            "recorded_by": actor.who,
        },
    )


def _actual(field: str, moment: datetime, now: datetime) -> datetime:
    check_moment(field, _minute(moment))
    if moment > now + CLOCK_SKEW:
        raise Malformed(field, gettext_noop("This time has not come yet."))
    return _minute(moment).astimezone(UTC)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
