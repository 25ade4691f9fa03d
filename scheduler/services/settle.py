"""Checking and writing bookings under the locks: the one place where chair and patient time is taken.

`settle` takes any number of wanted bookings and writes all of them or none. Each is checked against every rule as
the database stands at that moment, the ones written just before it included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import QuerySet

from scheduler.domain import lifecycle, localtime, permissions
from scheduler.domain.errors import Forbidden, Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.permissions import Actor
from scheduler.domain.rules import SOFT_CODES, ChairFacts, Need, Proposal, Situation, refusals
from scheduler.models import Appointment, Chair, Occupancy, Patient, Protocol, Visit
from scheduler.queries import one_place
from scheduler.queries.course_request import check_reason
from scheduler.queries.search import widened


@dataclass(frozen=True, slots=True)
class Override:
    """Soft rules that staff set aside, and why."""

    codes: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One booking to be written: a new one, or (with `appointment`) an existing one at another place."""

    need: Need
    chair: Chair
    start: datetime
    patient: Patient | None = None
    visit: Visit | None = None
    protocol: Protocol | None = None
    appointment: Appointment | None = None
    hold_expires_at: datetime | None = None

    def facts(self) -> ChairFacts:
        return ChairFacts(id=self.chair.pk, name=self.chair.name, kind=self.chair.kind, is_active=self.chair.is_active)

    def proposal(self, stay: Interval | None = None) -> Proposal:
        return Proposal(
            need=self.need,
            chair=self.facts(),
            start=self.start,
            zone=self.chair.unit.center.zone,
            center=self.chair.unit.center_id,
            appointment=self.appointment.pk if self.appointment is not None else None,
            stay=stay,
        )


def settle(
    *, actor: Actor, wanted: Sequence[Wanted], override: Override | None, now: datetime, hard_only: bool = False
) -> list[Appointment]:
    """Write all of `wanted` or raise Refused with everything that speaks against each. Call it inside `locked`,
    and let Refused leave that block, so that nothing of a half-written batch stays."""
    kept = stays(wanted)
    waiting = {one.appointment.pk for one in wanted if one.appointment is not None}
    # Release before occupying: two visits that swap their chairs would clash with each other's old place.
    if waiting:
        Occupancy.objects.filter(appointment_id__in=waiting).delete()
    if kept:
        Occupancy.objects.filter(stay_id__in=kept).delete()
    said: list[Refusal] = [refusal for course in kept for refusal in _in_one_chair(course, wanted)]
    written: list[Appointment] = []
    for one in wanted:
        stay = kept.get(one.need.course) if one.need.keeps_chair and one.need.course is not None else None
        one, situation = _as_it_stands(one, stay, ignoring=waiting, now=now)
        found = refusals(one.proposal(stay), situation)
        aside = {refusal.code for refusal in found if not refusal.is_hard} & _codes(override)
        found = _that_count(found, override, hard_only)
        said += [_of_visit(refusal, one, len(wanted)) for refusal in found]
        if not found:
            if not hard_only and one.appointment is not None:
                one.appointment.override = None  # what was set aside for its old place is no decision about this one
            decided = replace(override, codes=frozenset(aside)) if override is not None and aside else None
            written.append(_write(one, actor=actor, override=decided, now=now))
            if one.appointment is not None:
                waiting.discard(one.appointment.pk)
    if said:
        raise Refused(sorted(_once(said), key=lambda refusal: not refusal.is_hard))
    for course in kept:
        keep_stay(course)
    return written


def refuse_if_taken(one: Wanted, *, override: Override | None, now: datetime, hard_only: bool = False) -> None:
    """Raise Refused, with all that speaks against it, where somebody else visibly has the chair: of many who want
    one place, the later ones need not wait for each other's locks to hear so. What passes here is not yet allowed;
    `settle` decides under the locks. For one new booking; a stay's chair is asked about there only."""
    if not one_place.is_taken(chair=one.chair.pk, during=one.proposal().own_chair_time, now=now):
        return
    one, situation = _as_it_stands(one, None, ignoring=(), now=now)
    found = _that_count(refusals(one.proposal(), situation), override, hard_only)
    if any(refusal.code == "chair_is_free" for refusal in found):
        raise Refused(found)


def _that_count(found: Iterable[Refusal], override: Override | None, hard_only: bool) -> list[Refusal]:
    """Hard ones always; soft ones unless they are set aside, or only hard ones are asked about."""
    aside = _codes(override)
    return [refusal for refusal in found if refusal.is_hard or not (hard_only or refusal.code in aside)]


def _in_one_chair(course: int, wanted: Sequence[Wanted]) -> list[Refusal]:
    """A stay has one chair: its doses are given there, all of them."""
    moving = {one.appointment.pk for one in wanted if one.appointment is not None}
    rows = _live_of_course(course).exclude(pk__in=moving).select_related("chair")
    chairs = [row.chair for row in rows] + [one.chair for one in wanted if one.need.course == course]
    if len({chair.pk for chair in chairs}) == 1:
        return []
    return [
        Refusal(
            "chair_is_suitable",
            gettext_noop("This stay is in {chair}, so all of its doses are given there."),
            {"chair": chairs[0].name},
        )
    ]


def _live_of_course(course: int) -> QuerySet[Appointment]:
    return Appointment.objects.filter(visit__course_id=course, status__in=lifecycle.LIVE)


def stays(wanted: Iterable[Wanted]) -> dict[int, Interval]:
    """By course, the whole time its chair will be kept once all of `wanted` is written."""
    moving = {one.appointment.pk for one in wanted if one.appointment is not None}
    ranges: dict[int, list[Interval]] = {}
    for one in wanted:
        if one.need.keeps_chair and one.need.course is not None:
            ranges.setdefault(one.need.course, []).append(one.proposal().own_chair_time)
    for course in ranges:
        for row in _live_of_course(course).exclude(pk__in=moving):
            ranges[course].append(chair_time(row))
    return {
        course: Interval(min(one.start for one in found), max(one.end for one in found))
        for course, found in ranges.items()
    }


def keep_stay(course_id: int) -> None:
    """Make the stay's occupancy what its live doses need: from the first preparation to the last cleaning."""
    Occupancy.objects.filter(stay_id=course_id).delete()
    live = list(_live_of_course(course_id).order_by("start"))
    if live:
        times = [chair_time(row) for row in live]
        Occupancy.objects.create(
            stay_id=course_id,
            chair_id=live[-1].chair_id,
            chair_from=min(time.start for time in times),
            chair_until=max(time.end for time in times),
        )


def keeps_chair(appointment: Appointment) -> bool:
    """A dose of a stay: its chair is kept by the course, not by the dose."""
    return appointment.visit is not None and appointment.visit.course.protocol.keeps_chair


def chair_time(appointment: Appointment) -> Interval:
    """`[start - prep, end + observation + turnover)`."""
    return Interval(
        appointment.start - timedelta(minutes=appointment.prep_minutes),
        appointment.end + timedelta(minutes=appointment.observation_minutes + appointment.turnover_minutes),
    )


def stay_of(appointment: Appointment) -> Interval | None:
    """The stay that the appointment is part of, for its locks."""
    if not keeps_chair(appointment):
        return None
    row = Occupancy.objects.filter(stay_id=appointment.visit.course_id).first()  # type: ignore[union-attr]
    return row.chair_time if row is not None else None


def _as_it_stands(
    one: Wanted, stay: Interval | None, *, ignoring: Iterable[int], now: datetime
) -> tuple[Wanted, Situation]:
    """The same with its chair as it is now, and what the rules look at. The caller may have read the chair before it
    went out of service. Raises Malformed for a patient whom the center's staff would not see."""
    place = _read(one, stay, now)
    if one.patient is not None and not place.is_registered:
        raise Malformed(
            "patient",
            gettext_noop("This patient is not registered in {center}."),
            center=one.chair.unit.center.name,
        )
    if place.is_elsewhere:
        one = replace(one, chair=Chair.objects.select_related("unit__center").get(pk=one.chair.pk))
        place = _read(one, stay, now)
    elif place.chair != one.facts():
        chair = copy(one.chair)
        chair.name, chair.kind, chair.is_active = place.chair.name, place.chair.kind, place.chair.is_active
        one = replace(one, chair=chair)
    return one, Situation(unit=place.unit, patient=place.patient, ignoring=frozenset(ignoring))


def _read(one: Wanted, stay: Interval | None, now: datetime) -> one_place.Place:
    proposal = one.proposal(stay)
    whole = Interval(
        min(proposal.chair_time.start, proposal.care.start), max(proposal.chair_time.end, proposal.care.end)
    )
    return one_place.read(
        chair=one.chair,
        patient_id=one.patient.pk if one.patient is not None else None,
        need=one.need,
        span=widened(whole, one.need),
        now=now,
    )


def _write(one: Wanted, *, actor: Actor, override: Override | None, now: datetime) -> Appointment:
    row = one.appointment or Appointment(created_at=now)
    zone, lengths = one.chair.unit.center.zone, one.need.lengths
    row.center = one.chair.unit.center
    row.unit, row.chair = one.chair.unit, one.chair
    row.patient, row.visit, row.protocol = one.patient, one.visit, one.protocol
    row.start = one.start
    row.end = localtime.add_elapsed(one.start, lengths.treatment)
    row.promised_wall = f"{one.start.astimezone(zone):%Y-%m-%dT%H:%M}"
    row.promised_zone = zone.key
    row.prep_minutes = lengths.prep
    row.observation_minutes = lengths.observation
    row.turnover_minutes = lengths.turnover
    row.acuity = one.need.acuity
    if one.hold_expires_at is not None:
        row.status, row.hold_expires_at, row.held_by = "pending", one.hold_expires_at, actor.label or actor.who
    elif row.status in ("pending", "cancelled", "noshow", "entered-in-error"):
        row.status, row.hold_expires_at = "booked", None
    if override is not None:
        row.override = {"codes": sorted(override.codes), "reason": override.reason, "by": actor.who}
    if row.pk is not None:
        row.version += 1
    row.save()
    occupy(row)
    if one.visit is not None:
        Visit.objects.filter(pk=one.visit.pk).update(state="booked", refusals=[], tried_at=now)
    return row


def occupy(row: Appointment) -> None:
    """Take the chair and the patient's time. A dose of a stay takes only hers: the stay has the chair."""
    chair = chair_time(row)
    takes_chair = not keeps_chair(row)
    Occupancy.objects.create(
        appointment=row,
        chair_id=row.chair_id if takes_chair else None,
        chair_from=chair.start if takes_chair else None,
        chair_until=chair.end if takes_chair else None,
        patient_id=row.patient_id,
        patient_from=chair.start if row.patient_id is not None else None,
        patient_until=row.end + timedelta(minutes=row.observation_minutes) if row.patient_id is not None else None,
    )


def check_override(actor: Actor, override: Override | None, wanted: Sequence[Wanted]) -> None:
    """Only soft rules, only with a reason, only by roles that may; the front desk only the window, and only up to
    21 days after the due day."""
    if override is None or not override.codes:
        return
    unknown = override.codes - SOFT_CODES
    if unknown:
        raise Malformed(
            "override", gettext_noop("{rules} cannot be set aside by anybody."), rules=", ".join(sorted(unknown))
        )
    check_reason(override.reason, gettext_noop("Setting a rule aside needs a reason."))
    if not actor.may("override"):
        raise Forbidden(gettext_noop("This role does not set rules aside."))
    if actor.role != permissions.FRONT_DESK:
        return
    if override.codes - permissions.DESK_OVERRIDES:
        raise Forbidden(
            gettext_noop("The front desk may set aside only a visit's window. A nurse or manager may do more.")
        )
    for one in wanted:
        due = one.need.due
        zone = one.chair.unit.center.zone
        if due is not None and (localtime.local_date(one.start, zone) - localtime.local_date(due, zone)) > timedelta(
            days=permissions.DESK_OVERRIDE_DAYS_LATE
        ):
            raise Forbidden(
                gettext_noop("More than {days} days after the due day a nurse or a manager decides."),
                days=permissions.DESK_OVERRIDE_DAYS_LATE,
            )


def _codes(override: Override | None) -> frozenset[str]:
    return override.codes if override is not None else frozenset()


def _of_visit(refusal: Refusal, one: Wanted, many: int) -> Refusal:
    """In a batch each refusal says which visit it is about."""
    if many == 1 or one.need.ordinal is None:
        return refusal
    return replace(refusal, facts={**refusal.facts, "ordinal": one.need.ordinal})


def _once(said: Iterable[Refusal]) -> list[Refusal]:
    kept: list[Refusal] = []
    for refusal in said:
        if refusal not in kept:
            kept.append(refusal)
    return kept
