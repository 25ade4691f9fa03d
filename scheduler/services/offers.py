"""Freed places for patients who wait for an earlier one: found by the same rules, offered by a call.

First version: the desk calls (a call on the worklist) and moves the booking when she says yes. One place is
offered to one patient at a time.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from scheduler.domain.intervals import Interval
from scheduler.models import Appointment, WaitlistEntry
from scheduler.queries import freed, needs
from scheduler.queries.search import ground, possible_starts
from scheduler.services import calls, failures

log = logging.getLogger(__name__)

ENTRIES_A_TICK = 10
# Only where something became free, or somebody new waits: otherwise the answer is the same as last time.
LOOK_BACK = timedelta(minutes=10)
NOTICE = timedelta(hours=2)  # nobody is called about a place that is sooner
STANDS = timedelta(hours=4)  # an offer without an answer; then the place is free for the next one
FARTHEST = timedelta(days=30)  # how much earlier than the booking one search looks


def offer_freed(*, now: datetime) -> Counter[str]:
    """Offer the earliest free place to those who wait, longest waiting first. Returns counts."""
    counts: Counter[str] = Counter()
    counts["closed"] = _close_over(now)
    for entry in _waiting(now):
        try:
            counts["offered"] += _offer(entry, now)
        except Exception as problem:  # noqa: BLE001 - the others who wait are looked at all the same
            log.error("waitlist entry %s: %s", entry.pk, failures.describe(problem))
            counts["failed"] += 1
    return counts


def _close_over(now: datetime) -> int:
    """Who waits for a visit that began, moved out of the booking, or cannot be earlier any more, waits no longer."""
    return WaitlistEntry.objects.filter(
        Q(latest__lte=now) | Q(appointment__start__lte=now) | ~Q(appointment__status="booked"),
        closed_at__isnull=True,
        appointment__isnull=False,
    ).update(closed_at=now)


def _waiting(now: datetime) -> list[WaitlistEntry]:
    centers = set(freed.since(now - LOOK_BACK))
    return list(
        WaitlistEntry.objects.filter(
            Q(center__in=centers) | Q(created_at__gte=now - LOOK_BACK),
            Q(offered_at__isnull=True) | Q(offered_at__lt=now - STANDS),
            closed_at__isnull=True,
            appointment__status="booked",
            appointment__start__gt=now,
        )
        .select_related(
            "appointment__unit__center",
            "appointment__protocol",
            "appointment__patient",
            "appointment__visit__course__protocol",
            "appointment__visit__course__center",
        )
        .order_by("created_at", "pk")[:ENTRIES_A_TICK]
    )


def _offer(entry: WaitlistEntry, now: datetime) -> int:
    appointment = entry.appointment
    assert appointment is not None  # _waiting joins it
    start = _earlier_start(entry, appointment, now)
    if start is None:
        return 0
    with transaction.atomic():
        # The conditional update decides between two workers.
        changed = WaitlistEntry.objects.filter(pk=entry.pk, closed_at__isnull=True, offered_at=entry.offered_at).update(
            offered_at=now, offered_start=start
        )
        if changed:
            calls.plan_offer(appointment, now=now)
        return changed


def _earlier_start(entry: WaitlistEntry, appointment: Appointment, now: datetime) -> datetime | None:
    if appointment.visit is not None and appointment.visit.course.protocol.keeps_chair:
        return None  # a dose of a stay moves with its stay, by a person
    need = needs.for_appointment(appointment)
    first = max(entry.earliest, now + NOTICE, appointment.start - FARTHEST)
    last = min(entry.latest, appointment.start)
    if first >= last:
        return None
    span = Interval(first, last)
    where = ground(
        unit=appointment.unit,
        patient_id=appointment.patient_id,
        need=need,
        span=span,
        now=now,
        ignoring=[appointment.pk],
    )
    offered = WaitlistEntry.objects.filter(
        appointment__unit=appointment.unit, closed_at__isnull=True, offered_at__gt=now - STANDS
    ).values_list("offered_start", flat=True)
    horizon, starts = possible_starts(where, need, span)
    others = 0
    for start in offered:
        if start is not None and horizon.origin <= start < horizon.moment(horizon.minutes):
            others |= 1 << horizon.index(start)
    free = [bits & ~others for bits in starts.values() if bits & ~others]
    # The lowest bit is the earliest start.
    return min((horizon.moment((bits & -bits).bit_length() - 1) for bits in free), default=None)
