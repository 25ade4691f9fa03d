"""Hold, book, cancel, confirm; with move, swap and reopen, which live in moving.py.

Every function is keyword-only and takes `now`. Times are aware; they are kept in UTC. They raise Malformed for what
makes no sense, Refused with all reasons and the nearest alternatives, Stale where the row has changed since it was
read, Forbidden where the role may not, Busy where the database could not give the locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.domain.rules import Need
from scheduler.models import Appointment, Chair, Occupancy, Patient, Protocol, Visit
from scheduler.queries import needs
from scheduler.queries.course_request import check_reason
from scheduler.services import following, ledger
from scheduler.services.changes import changing, days_of, fetch
from scheduler.services.holds import release
from scheduler.services.locking import UnitDayKey, locked, retrying
from scheduler.services.moving import move, reopen, swap
from scheduler.services.settle import Override, Wanted, check_override, keep_stay, keeps_chair, refuse_if_taken, settle
from scheduler.services.writing import (
    check_place,
    check_waiting,
    days,
    patients,
    recorded,
    still_open,
    with_alternatives,
)

HOLD_FOR = timedelta(minutes=5)
LONGEST_MINUTES = 12 * 60

__all__ = [
    "Override",
    "Wanted",
    "book",
    "cancel",
    "confirm",
    "expire_holds",
    "hold",
    "mark_error",
    "move",
    "reopen",
    "resize",
    "swap",
]


def hold(
    *,
    actor: Actor,
    chair: Chair,
    start: datetime,
    protocol: Protocol | None = None,
    minutes: int | None = None,
    patient: Patient | None = None,
    visit: Visit | None = None,
    now: datetime,
) -> Appointment:
    """Keep a place for five minutes while somebody types. Hard rules count; soft ones are for the booking."""
    if visit is not None and patient is None:
        patient = visit.course.patient
    wanted = _wanted(chair, start, patient, protocol, minutes, visit, now)
    wanted = replace(wanted, hold_expires_at=now + HOLD_FOR)
    return _write_all(actor=actor, wanted=[wanted], override=None, verb="hold", now=now, hard_only=True)[0]


def resize(
    *,
    actor: Actor,
    hold: Appointment,
    protocol: Protocol | None = None,
    minutes: int | None = None,
    visit: Visit | None = None,
    now: datetime,
) -> Appointment:
    """The hold keeps its place for as long as what was chosen takes, longer or shorter, until it would have run out
    anyway. Hard rules about the chair count; whether it is right for the patient is for the booking to say. Where
    Refused is raised the hold is as it was. A dose of a stay is held as before: its chair is the whole stay's."""
    hold = fetch(hold.pk)
    need = _need(protocol, minutes, visit)
    if need.keeps_chair or hold.hold_expires_at is None or need.lengths == needs.for_appointment(hold).lengths:
        return hold
    wanted = Wanted(
        need=need, chair=hold.chair, start=hold.start, appointment=hold, hold_expires_at=hold.hold_expires_at
    )
    return _write_all(actor=actor, wanted=[wanted], override=None, verb="hold", now=now, hard_only=True)[0]


def book(
    *,
    actor: Actor,
    chair: Chair,
    start: datetime,
    patient: Patient | None = None,
    protocol: Protocol | None = None,
    minutes: int | None = None,
    visit: Visit | None = None,
    hold: Appointment | None = None,
    override: Override | None = None,
    now: datetime,
) -> Appointment:
    """Book a treatment that starts at `start` in `chair`: a visit of a course, a protocol, or plain minutes.

    `hold` is turned into the booking; the place may differ from what it held.
    """
    if hold is not None:
        hold = fetch(hold.pk)
        if hold.center_id != chair.unit.center_id:
            raise Malformed("hold", gettext_noop("This hold is in another center."))
        if hold.visit is not None and visit is not None and hold.visit_id != visit.pk:
            raise Malformed("hold", gettext_noop("This hold is for another visit."))
        visit = visit or hold.visit
    if visit is not None and patient is None:
        patient = visit.course.patient
    if patient is None:
        raise Malformed("patient", gettext_noop("A booking needs a patient."))
    wanted = _wanted(chair, start, patient, protocol, minutes, visit, now)
    if hold is not None:
        wanted = replace(wanted, appointment=hold)
    return _write_all(actor=actor, wanted=[wanted], override=override, verb="book", now=now)[0]


def book_all(
    *, actor: Actor, wanted: Sequence[Wanted], override: Override | None = None, now: datetime
) -> list[Appointment]:
    """Book all of them or none, in one transaction: Refused says what speaks against each."""
    return _write_all(actor=actor, wanted=wanted, override=override, verb="book", now=now)


def cancel(
    *, actor: Actor, appointment: Appointment, reason: str, version: int | None = None, now: datetime
) -> Appointment:
    """Free its time. Its visit goes back to unplaced, so that it is not lost."""
    check_reason(reason, gettext_noop("Say why it is cancelled."))
    return _take_down(actor, appointment, "cancel", "cancelled", reason, version, now)


def mark_error(
    *, actor: Actor, appointment: Appointment, reason: str, version: int | None = None, now: datetime
) -> Appointment:
    """It should never have been booked: as `cancel`, but nobody cancelled, so no figure counts it."""
    return _take_down(actor, appointment, "mark-error", "entered-in-error", reason, version, now)


def _take_down(
    actor: Actor, appointment: Appointment, verb: str, status: str, reason: str, version: int | None, now: datetime
) -> Appointment:
    @retrying
    def run() -> Appointment:
        with changing(actor=actor, appointment=appointment, verb=verb, now=now, version=version, reason=reason) as row:
            was_hold = row.status == "pending"
            row.status, row.hold_expires_at, row.reason, row.phase = status, None, reason, ""
            release_time(row, reason=reason)
            if not was_hold:
                ledger.plan_for(row, kind="cancelled", now=now)
                following.redate_without(row, now=now)
        return row

    return run()


def confirm(*, actor: Actor, appointment: Appointment, version: int | None = None, now: datetime) -> Appointment:
    """Note that the patient said she comes. A time stamp, not a status."""

    @retrying
    def run() -> Appointment:
        with changing(actor=actor, appointment=appointment, verb="confirm", now=now, version=version) as row:
            row.confirmed_at = now
        return row

    return run()


def expire_holds(*, now: datetime) -> int:
    """Release every hold that ran out, a center's whole backlog in one go; returns how many."""
    days: dict[int, set[UnitDayKey]] = {}
    due = Appointment.objects.filter(status="pending", hold_expires_at__lte=now).select_related(
        "unit__center", "visit__course__protocol"
    )
    for row in due:
        days.setdefault(row.pk, set()).update(days_of(row))
    released = 0
    for pk, locks in days.items():
        released += _expire(pk, locks, now)
    return released


@retrying
def _expire(pk: int, locks: set[UnitDayKey], now: datetime) -> int:
    with locked(patients=[], days=locks, now=now):
        return release(Appointment.objects.filter(pk=pk), now=now) or int(
            Appointment.objects.filter(pk=pk, status="cancelled").exists()
        )


def release_time(row: Appointment, *, reason: str) -> None:
    """Give back the chair and the patient's time, and put the visit back to unplaced. With a reason it then waits
    for a person's decision, without one for the job."""
    Occupancy.objects.filter(appointment=row).delete()
    if row.visit_id is not None:
        # Nobody looks for a place for a course that was given up meanwhile.
        state = "waived" if row.visit.course.status == "discontinued" else "unplaced"  # type: ignore[union-attr]
        Visit.objects.filter(pk=row.visit_id, state="booked").update(
            state=state, reason=reason[:200], refusals=[], tried_at=None
        )
        if keeps_chair(row):
            row.save()  # the stay counts live doses, and this one no longer is
            keep_stay(row.visit.course_id)  # type: ignore[union-attr]


def _wanted(
    chair: Chair,
    start: datetime,
    patient: Patient | None,
    protocol: Protocol | None,
    minutes: int | None,
    visit: Visit | None,
    now: datetime,
) -> Wanted:
    start = check_place(chair, start, now)
    if visit is not None:
        _check_visit(visit, chair, patient)
        protocol = visit.course.protocol
    elif protocol is not None and (
        protocol.center_id not in (None, chair.unit.center_id) or protocol.published_at is None
    ):
        raise Malformed("protocol", gettext_noop("This protocol is not offered here."))
    return Wanted(
        need=_need(protocol, minutes, visit), chair=chair, start=start, patient=patient, visit=visit, protocol=protocol
    )


def _need(protocol: Protocol | None, minutes: int | None, visit: Visit | None) -> Need:
    if visit is not None:
        return needs.for_visit(visit)
    if protocol is not None:
        return needs.for_protocol(protocol)
    if minutes is None:
        raise Malformed("minutes", gettext_noop("Say which protocol, or how many minutes."))
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise Malformed("minutes", gettext_noop("A treatment lasts from 1 minute to 12 hours."))
    return needs.for_minutes(minutes)


def _check_visit(visit: Visit, chair: Chair, patient: Patient | None) -> None:
    course = visit.course
    if patient is not None and course.patient_id != patient.pk:
        raise Malformed("visit", gettext_noop("This visit belongs to another patient."))
    if course.center_id != chair.unit.center_id:
        raise Malformed("visit", gettext_noop("This visit belongs to another center."))
    check_waiting(visit)


def _write_all(
    *,
    actor: Actor,
    wanted: Sequence[Wanted],
    override: Override | None,
    verb: str,
    now: datetime,
    hard_only: bool = False,
) -> list[Appointment]:
    check_override(actor, override, wanted)

    @retrying
    def run() -> list[Appointment]:
        if len(wanted) == 1 and wanted[0].appointment is None and not wanted[0].need.keeps_chair:
            refuse_if_taken(wanted[0], override=override, now=now, hard_only=hard_only)
        with locked(patients=patients(wanted), days=days(wanted), now=now):
            current = [still_open(one, now) for one in wanted]
            written = settle(actor=actor, wanted=current, override=override, now=now, hard_only=hard_only)
            for row in written:
                recorded(actor, verb, row, {}, override, now)
            ledger.plan_for(*written, kind="booked", now=now)
            following.redate_all([row for row in written if row.override], now=now)
            return written

    return with_alternatives(run, wanted, now)
