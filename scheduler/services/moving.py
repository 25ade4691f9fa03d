"""Move a booking, with what follows for later visits; let two change places; reopen one that was cancelled or missed.

Errors as in booking.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from scheduler.domain import lifecycle
from scheduler.domain.errors import Malformed, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Chair
from scheduler.queries import needs
from scheduler.services import following, ledger
from scheduler.services.changes import fetch, fresh, snapshot
from scheduler.services.locking import locked, retrying
from scheduler.services.settle import Override, Wanted, check_override, keeps_chair, settle
from scheduler.services.writing import (
    check_place,
    days,
    not_possible,
    patients,
    recorded,
    still_open,
    with_alternatives,
)


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
    target_start = check_place(target_chair, start or appointment.start, now)
    if target_chair.unit.center_id != appointment.center_id:
        raise Malformed("chair", gettext_noop("This chair is in another center."))
    proposals = following.propose(appointment=appointment, chair=target_chair, start=target_start, now=now)
    wanted = [moved_to(appointment, target_chair, target_start)]
    if accept_following:
        wanted += [proposal.wanted() for proposal in proposals]
    if keeps_chair(appointment) and target_chair.pk != appointment.chair_id:
        wanted += rest_of_stay(appointment, target_chair, besides=wanted)
    try:
        return _move_all(actor=actor, wanted=wanted, override=override, versions={appointment.pk: version}, now=now)
    except Refused as refused:
        raise Refused(
            refused.refusals,
            alternatives=refused.alternatives,
            proposals=() if accept_following else proposals,
        ) from None


def swap(
    *,
    actor: Actor,
    appointment: Appointment,
    other: Appointment,
    override: Override | None = None,
    version: int | None = None,
    other_version: int | None = None,
    now: datetime,
) -> Appointment:
    """Two bookings change places, both or neither: each gets the chair and the start of the other, and keeps its own
    length. Returns `appointment`. Doses of a stay are moved with their stay, so they are not swapped."""
    first, second = fetch(appointment.pk), fetch(other.pk)
    if first.pk == second.pk:
        raise Malformed("appointment", gettext_noop("A booking can't change places with itself."))
    if first.center_id != second.center_id:
        raise Malformed("appointment", gettext_noop("This booking is in another center."))
    for one in (first, second):
        check_place(one.chair, one.start, now)
        if keeps_chair(one):
            raise not_possible(
                gettext_noop("{chair} is kept for a whole stay. Move the stay instead."), chair=one.chair.name
            )
    wanted = [moved_to(first, second.chair, second.start), moved_to(second, first.chair, first.start)]
    versions = {first.pk: version, second.pk: other_version}
    return _move_all(actor=actor, wanted=wanted, override=override, versions=versions, now=now)


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
    if appointment.patient is None:
        raise not_possible(gettext_noop("This was held for nobody yet. Book the place for the patient instead."))
    wanted = [moved_to(appointment, appointment.chair, appointment.start)]
    versions = {appointment.pk: version}
    return _move_all(actor=actor, wanted=wanted, override=override, versions=versions, now=now, verb="reopen")


def moved_to(appointment: Appointment, chair: Chair, start: datetime) -> Wanted:
    """The booking as it is, at another place."""
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


def rest_of_stay(appointment: Appointment, chair: Chair, *, besides: Sequence[Wanted]) -> list[Wanted]:
    """The other doses of a stay, `besides` those that move anyway, go along to another chair, as long as none has
    begun there."""
    assert appointment.visit is not None  # keeps_chair() says so
    known = {one.appointment.pk for one in besides if one.appointment is not None}
    others = list(following.live_of_course(appointment.visit.course_id).exclude(pk__in=known))
    if any(other.actual_start is not None or other.status == "fulfilled" for other in others):
        raise not_possible(
            gettext_noop("This stay has begun in {chair}, so its doses stay there."), chair=appointment.chair.name
        )
    return [moved_to(other, chair, other.start) for other in others]


def _move_all(
    *,
    actor: Actor,
    wanted: Sequence[Wanted],
    override: Override | None,
    versions: Mapping[int, int | None],
    now: datetime,
    verb: str = "move",
) -> Appointment:
    check_override(actor, override, wanted)

    @retrying
    def run() -> list[Appointment]:
        with locked(patients=patients(wanted), days=days(wanted), now=now):
            return write_moves(
                actor=actor, wanted=wanted, override=override, versions=versions, now=now, verb=verb, as_one=True
            )

    return with_alternatives(run, wanted, now)[0]


def write_moves(
    *,
    actor: Actor,
    wanted: Sequence[Wanted],
    override: Override | None,
    versions: Mapping[int, int | None],
    now: datetime,
    verb: str = "move",
    as_one: bool = False,
) -> list[Appointment]:
    """All of them or none, with their events and messages. Called inside `locked` with the patients and days of
    `wanted`. `as_one`: one undo brings all of them back. Raises Refused and Stale."""
    current: list[Wanted] = []
    before = {}
    for one in wanted:
        assert one.appointment is not None  # moves are of bookings
        row = fresh(one.appointment, versions.get(one.appointment.pk))
        refusal = lifecycle.transition_is_allowed(verb, row.status)
        if refusal is not None:
            raise Refused([refusal])
        if row.actual_start is not None and verb == "move" and one.start != row.start:
            raise not_possible(gettext_noop("This treatment has begun, so its time stays."))
        before[row.pk] = snapshot(row)
        current.append(replace(one, appointment=row))
    if verb == "reopen":
        still_open(replace(current[0], appointment=None), now)
        _begin_anew(current[0].appointment)
    written = settle(actor=actor, wanted=current, override=override, now=now)
    together = [row.pk for row in written] if as_one and len(written) > 1 else []
    for row in written:
        if row.confirmed_at is not None and before[row.pk]["start"] != row.start:
            row.confirmed_at = None  # she confirmed another time
            row.save(update_fields=["confirmed_at"])
        recorded(actor, verb, row, before[row.pk], override, now, together=together)
    _tell(written, before, verb, now)
    following.redate_all(written, now=now)
    return written


def _begin_anew(row: Appointment | None) -> None:
    """What is reopened has not begun, whatever happened before it was taken down."""
    assert row is not None  # a booking is reopened
    row.phase, row.outcome, row.reason = "", "", ""
    row.arrived_at = row.checked_in_at = row.actual_start = row.actual_end = row.phase_at = None
    row.in_chair_at = row.premedication_at = row.observed_at = row.discharged_at = row.cleaned_at = None
    row.extra_observation_minutes = 0


def _tell(written: Sequence[Appointment], before: Mapping[int, dict[str, Any]], verb: str, now: datetime) -> None:
    if verb == "reopen":
        ledger.plan_for(*written, kind="booked", now=now)
        return
    moved = [row for row in written if row.status != "pending" and before[row.pk]["start"] != row.start]
    if moved:
        ledger.plan_for(*moved, kind="moved", now=now)
