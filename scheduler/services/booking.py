"""Hold, book, move, cancel, reopen, confirm.

Every function is keyword-only and takes `now`. Times are aware; they are kept in UTC. They raise Malformed for what
makes no sense, Refused with all reasons and the nearest alternatives, Stale where the row has changed since it was
read, Forbidden where the role may not, Busy where the database could not give the locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from scheduler.domain import lifecycle
from scheduler.domain.errors import Malformed, Refused, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.domain.rules import Need
from scheduler.models import Appointment, Chair, Occupancy, Patient, Protocol, Unit, Visit
from scheduler.queries import needs
from scheduler.queries.course_request import FARTHEST_START, check_moment
from scheduler.queries.search import DAYS_AROUND, Slot, ground, nearest
from scheduler.services import following, ledger, record
from scheduler.services.changes import changing, days_of, difference, fetch, fresh, snapshot
from scheduler.services.holds import release
from scheduler.services.locking import UnitDayKey, locked, retrying, unit_days
from scheduler.services.settle import Override, Wanted, check_override, keep_stay, keeps_chair, settle, stays

HOLD_FOR = timedelta(minutes=5)
LONGEST_MINUTES = 12 * 60

__all__ = ["Override", "Wanted", "book", "cancel", "confirm", "expire_holds", "hold", "move", "reopen"]


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
    wanted = _wanted(chair, start, patient, protocol, minutes, visit, now)
    wanted = replace(wanted, hold_expires_at=now + HOLD_FOR)
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
    if visit is not None and patient is None:
        patient = visit.course.patient
    if patient is None:
        raise Malformed("patient", gettext_noop("A booking needs a patient."))
    wanted = _wanted(chair, start, patient, protocol, minutes, visit, now)
    if hold is not None:
        if hold.unit.center_id != chair.unit.center_id or hold.status != "pending":
            raise Malformed("hold", gettext_noop("This hold has ended. Choose the place again."))
        wanted = replace(wanted, appointment=hold)
    return _write_all(actor=actor, wanted=[wanted], override=override, verb="book", now=now)[0]


def book_all(
    *, actor: Actor, wanted: Sequence[Wanted], override: Override | None = None, now: datetime
) -> list[Appointment]:
    """Book all of them or none, in one transaction: Refused says what speaks against each."""
    return _write_all(actor=actor, wanted=wanted, override=override, verb="book", now=now)


def move(
    *,
    actor: Actor,
    appointment: Appointment,
    chair: Chair | None = None,
    start: datetime | None = None,
    override: Override | None = None,
    accept_following: bool = False,
    version: int | None = None,
    now: datetime,
) -> Appointment:
    """Move a booking. Where later visits of its course no longer keep their interval or window, Refused carries
    `proposals` for them; with `accept_following` they move together with it, all or none."""
    appointment = fetch(appointment.pk)
    target_chair = chair or appointment.chair
    target_start = (start or appointment.start).astimezone(UTC)
    _check_place(target_chair, target_start, appointment.patient, now)
    if target_chair.unit.center_id != appointment.center_id:
        raise Malformed("chair", gettext_noop("This chair is in another center."))
    proposals = following.propose(appointment=appointment, chair=target_chair, start=target_start, now=now)
    wanted = [_moved(appointment, target_chair, target_start)]
    if keeps_chair(appointment) and target_chair.pk != appointment.chair_id:
        wanted += _rest_of_stay(appointment, target_chair)
    if accept_following:
        wanted += [proposal.wanted() for proposal in proposals]
    try:
        return _move_all(actor=actor, wanted=wanted, override=override, version=version, now=now)
    except Refused as refused:
        raise Refused(
            refused.refusals,
            alternatives=refused.alternatives,
            proposals=() if accept_following else proposals,
        ) from None


def cancel(
    *, actor: Actor, appointment: Appointment, reason: str, version: int | None = None, now: datetime
) -> Appointment:
    """Free its time. Its visit goes back to unplaced, so that it is not lost."""
    if not reason.strip():
        raise Malformed("reason", gettext_noop("Say why it is cancelled."))

    @retrying
    def run() -> Appointment:
        with changing(
            actor=actor, appointment=appointment, verb="cancel", now=now, version=version, reason=reason
        ) as row:
            was_hold = row.status == "pending"
            row.status, row.hold_expires_at, row.reason, row.phase = "cancelled", None, reason, ""
            release_time(row, reason=reason)
            if not was_hold:
                ledger.plan_for(row, kind="cancelled", now=now)
        return row

    return run()


def reopen(
    *,
    actor: Actor,
    appointment: Appointment,
    override: Override | None = None,
    version: int | None = None,
    now: datetime,
) -> Appointment:
    """Book a cancelled or missed visit again at its old place, if every rule still allows it."""
    appointment = fetch(appointment.pk)
    wanted = [_moved(appointment, appointment.chair, appointment.start)]
    return _move_all(actor=actor, wanted=wanted, override=override, version=version, now=now, verb="reopen")


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
    """Give back the chair and the patient's time, and put the visit back to unplaced."""
    Occupancy.objects.filter(appointment=row).delete()
    if row.visit_id is not None:
        Visit.objects.filter(pk=row.visit_id, state="booked").update(
            state="unplaced", reason=reason[:200], refusals=[], tried_at=None
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
    start = _check_place(chair, start, patient, now)
    if visit is not None:
        _check_visit(visit, chair, patient)
        protocol = visit.course.protocol
    elif protocol is not None and protocol.center_id not in (None, chair.unit.center_id):
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


def _check_place(chair: Chair, start: datetime, patient: Patient | None, now: datetime) -> datetime:
    check_moment("start", start)
    center = chair.unit.center
    if start.astimezone(center.zone).date() < now.astimezone(center.zone).date():
        raise Malformed("start", gettext_noop("That day is over. Book today or later."))
    if start > now + FARTHEST_START:
        raise Malformed("start", gettext_noop("The start is more than three years ahead."))
    if patient is not None and not patient.registrations.filter(center_id=center.pk).exists():
        raise Malformed("patient", gettext_noop("This patient is not registered in {center}."), center=center.name)
    return start.astimezone(UTC)


def _check_visit(visit: Visit, chair: Chair, patient: Patient | None) -> None:
    course = visit.course
    if patient is not None and course.patient_id != patient.pk:
        raise Malformed("visit", gettext_noop("This visit belongs to another patient."))
    if course.center_id != chair.unit.center_id:
        raise Malformed("visit", gettext_noop("This visit belongs to another center."))
    if course.status != "active":
        raise Malformed("visit", gettext_noop("This course is not active, so its visits are not booked."))
    if visit.state not in (Visit.State.UNPLACED, Visit.State.BOOKED):
        raise Malformed("visit", gettext_noop("This visit is done or waived, so it needs no place."))


def _moved(appointment: Appointment, chair: Chair, start: datetime) -> Wanted:
    return Wanted(
        need=needs.for_appointment(appointment),
        chair=chair,
        start=start,
        patient=appointment.patient,
        visit=appointment.visit,
        protocol=appointment.protocol,
        appointment=appointment,
        hold_expires_at=appointment.hold_expires_at,
    )


def _rest_of_stay(appointment: Appointment, chair: Chair) -> list[Wanted]:
    """The other doses of a stay go along to another chair, as long as none has begun there."""
    assert appointment.visit is not None  # keeps_chair() says so
    others = list(following.live_of_course(appointment.visit.course_id).exclude(pk=appointment.pk))
    if any(other.actual_start is not None or other.status == "fulfilled" for other in others):
        raise Malformed(
            "chair", gettext_noop("This stay has begun in {chair}, so its doses stay there."), chair=appointment.chair
        )
    return [_moved(other, chair, other.start) for other in others]


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
        with locked(patients=_patients(wanted), days=_days(wanted), now=now):
            for one in wanted:
                _check_still_open(one, now)
            written = settle(actor=actor, wanted=wanted, override=override, now=now, hard_only=hard_only)
            for row in written:
                _recorded(actor, verb, row, {}, override, now)
            ledger.plan_for(*written, kind="booked", now=now)
            following.redate_moved(written, now=now)
            return written

    return _with_alternatives(run, wanted, now)


def _check_still_open(one: Wanted, now: datetime) -> None:
    """Inside the lock: a hold may have run out, a visit may have been booked by somebody else."""
    if one.appointment is not None:
        current = fetch(one.appointment.pk)
        if current.status != "pending" or current.hold_expires_at is None or current.hold_expires_at <= now:
            raise Malformed("hold", gettext_noop("This hold has ended. Choose the place again."))
    if one.visit is not None:
        booked = following.live_of_course(one.visit.course_id).filter(visit=one.visit)
        if one.appointment is not None:
            booked = booked.exclude(pk=one.appointment.pk)
        other = booked.first()
        if other is not None:
            raise Malformed(
                "visit",
                gettext_noop("This visit is already booked for {start}. Move that booking instead."),
                start=other.start.astimezone(other.unit.center.zone),
            )


def _move_all(
    *,
    actor: Actor,
    wanted: Sequence[Wanted],
    override: Override | None,
    version: int | None,
    now: datetime,
    verb: str = "move",
) -> Appointment:
    check_override(actor, override, wanted)
    old_days = {day for one in wanted if one.appointment is not None for day in days_of(one.appointment)}

    @retrying
    def run() -> list[Appointment]:
        with locked(patients=_patients(wanted), days=_days(wanted) | old_days, now=now):
            current: list[Wanted] = []
            before = {}
            for position, one in enumerate(wanted):
                assert one.appointment is not None  # moves are of bookings
                row = fresh(one.appointment, version if position == 0 else None)
                refusal = lifecycle.transition_is_allowed(verb, row.status)
                if refusal is not None:
                    raise Refused([refusal])
                before[row.pk] = snapshot(row)
                current.append(replace(one, appointment=row))
            if verb == "reopen":
                _check_still_open(replace(current[0], appointment=None), now)
            written = settle(actor=actor, wanted=current, override=override, now=now)
            for row in written:
                if row.confirmed_at is not None and before[row.pk]["start"] != row.start:
                    row.confirmed_at = None  # she confirmed another time
                    row.save(update_fields=["confirmed_at"])
                _recorded(actor, verb, row, before[row.pk], override, now)
            _tell(written, before, verb, now)
            following.redate_moved(written, now=now)
            return written

    return _with_alternatives(run, wanted, now)[0]


def _tell(written: Sequence[Appointment], before: dict, verb: str, now: datetime) -> None:
    if verb == "reopen":
        ledger.plan_for(*written, kind="booked", now=now)
        return
    moved = [row for row in written if row.status != "pending" and before[row.pk]["start"] != row.start]
    if moved:
        ledger.plan_for(*moved, kind="moved", now=now)


def _recorded(
    actor: Actor, verb: str, row: Appointment, before: dict, override: Override | None, now: datetime
) -> None:
    after = snapshot(row)
    was, became = difference(before, after) if before else ({}, {k: v for k, v in after.items() if v})
    record.event(
        actor=actor,
        verb=verb,
        subject=row,
        now=now,
        before=was,
        after=became | ({"override": sorted(override.codes)} if override is not None else {}),
        reason=override.reason if override is not None else "",
    )


def _patients(wanted: Sequence[Wanted]) -> list[int | None]:
    return [one.patient.pk for one in wanted if one.patient is not None]


def _days(wanted: Sequence[Wanted]) -> set[UnitDayKey]:
    days: set[UnitDayKey] = set()
    for one in wanted:
        days |= unit_days(one.chair.unit, one.proposal().own_chair_time)
    units = {one.need.course: one.chair.unit for one in wanted}
    for course, stay in stays(wanted).items():
        days |= unit_days(units[course], stay)
    return days


def _with_alternatives(run, wanted: Sequence[Wanted], now: datetime) -> list[Appointment]:
    try:
        return run()
    except Refused as refused:
        if refused.alternatives or len(wanted) > 1:
            raise
        raise Refused(refused.refusals, alternatives=alternatives_to(wanted[0], now=now)) from None


def alternatives_to(one: Wanted, *, now: datetime) -> list[Slot]:
    """The nearest places for a refused booking, in its unit, read outside every lock."""
    unit: Unit = one.chair.unit
    around = timedelta(days=DAYS_AROUND + 1)
    where = ground(
        unit=unit,
        patient_id=one.patient.pk if one.patient is not None else None,
        need=one.need,
        span=Interval(max(one.start, now) - around, max(one.start, now) + around),
        now=now,
        ignoring=[one.appointment.pk] if one.appointment is not None else [],
    )
    return nearest(where, one.need, one.start, chair=one.chair.pk, now=now)
