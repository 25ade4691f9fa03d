"""Freed places for patients who wait for an earlier one: offered by mail or by a call, to the best match first.

Nothing is kept free for an offer: the first to accept has the place, her old one is free in the same transaction, and
whoever else was asked is told kindly. Guard rules are the center's: how soon, how often, how many at once; never at
night or in its quiet hours, so that no offer ends before she could hear of it (queries/offerable.py).
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q

from scheduler.domain import localtime, quiet_hours
from scheduler.domain.errors import NotFound, Refused, Stale
from scheduler.domain.permissions import Actor
from scheduler.models import Center, LedgerEntry, Occupancy, Offer, WaitlistEntry
from scheduler.queries import freed, offerable
from scheduler.services import booking, failures, ledger, record
from scheduler.services.changes import fetch
from scheduler.services.locking import retrying

log = logging.getLogger(__name__)

State = Offer.State

ENTRIES_A_TICK = 20
# Only where something became free, or somebody new waits: otherwise the answer is the same as last time.
LOOK_BACK = timedelta(minutes=10)
A_DAY, A_WEEK = timedelta(days=1), timedelta(days=7)
LEAVES_WITHIN = timedelta(minutes=5)  # some ticks of the job that sends
ASKED_FROM, ASKED_UNTIL = 8 * 60, 20 * 60  # local minutes between which anybody is asked


def offer_freed(*, now: datetime) -> Counter[str]:
    """Close what is over, then offer the earliest free place to those who wait: most urgent first, then longest
    waiting. Returns counts. Safe twice at once."""
    counts: Counter[str] = Counter()
    counts["closed"] = _close_over(now)
    counts["expired"] = Offer.objects.filter(state=State.OPEN, expires_at__lte=now).update(
        state=State.EXPIRED, answered_at=now
    )
    counts["gone"] = _close_taken(now)
    for entry in _waiting(now):
        try:
            counts["offered"] += _offer(entry, now)
        except Exception as problem:  # noqa: BLE001 - the others who wait are looked at all the same
            log.error("waitlist entry %s: %s", entry.pk, failures.describe(problem))
            counts["failed"] += 1
    return counts


def accept(*, actor: Actor, offer: Offer, now: datetime) -> None:
    """Move her booking to the offered place and take her from the list. Raises Stale where the offer is over or her
    visit has changed, and Refused where somebody else has the place: the offer is then closed, her visit as it was."""
    try:
        _take(actor, offer, now)
    except Refused:
        _close(offer, State.GONE, now)
        raise
    # After the commit, in short transactions of their own: an accept that waits for our locks holds its offer's row.
    for other in Offer.objects.filter(
        state=State.OPEN, chair=offer.chair_id, taken_from__lt=offer.taken_until, taken_until__gt=offer.taken_from
    ):
        _close(other, State.GONE, now, tell=True)


def decline(*, actor: Actor, offer: Offer, now: datetime) -> None:
    """She keeps her time, and goes on waiting. Raises Stale where the offer is over."""
    with transaction.atomic():
        if not _close(offer, State.DECLINED, now):
            raise Stale
        record.event(actor=actor, verb="decline-offer", subject=offer.appointment, now=now, after={"offer": offer.pk})


def withdraw(*, actor: Actor, center: Center, pk: int, now: datetime) -> None:
    """The desk needs the place for somebody else. She is told kindly. Raises NotFound; safe to repeat."""
    offer = find(center, pk)
    with transaction.atomic():
        if _close(offer, State.WITHDRAWN, now, tell=True):
            record.event(
                actor=actor, verb="withdraw-offer", subject=offer.appointment, now=now, after={"offer": offer.pk}
            )


def find(center: Center, pk: int) -> Offer:
    """Raises NotFound for another center's."""
    offer = Offer.objects.select_related("entry", "appointment", "chair__unit__center").filter(center=center, pk=pk)
    found = offer.first()
    if found is None:
        raise NotFound
    return found


@retrying
def _take(actor: Actor, offer: Offer, now: datetime) -> None:
    with transaction.atomic():
        # The conditional update decides between her tap and the end of the offer.
        mine = Offer.objects.filter(pk=offer.pk, state=State.OPEN, expires_at__gt=now)
        if not mine.update(state=State.ACCEPTED, answered_at=now):
            raise Stale
        appointment = fetch(offer.appointment_id)
        if appointment.status != "booked" or appointment.start != offer.appointment_start:
            raise Stale
        booking.move(actor=actor, appointment=appointment, chair=offer.chair, start=offer.start, now=now)
        WaitlistEntry.objects.filter(pk=offer.entry_id, closed_at__isnull=True).update(closed_at=now)
        record.event(actor=actor, verb="accept-offer", subject=appointment, now=now, after={"offer": offer.pk})


def _close(offer: Offer, state: str, now: datetime, *, tell: bool = False) -> bool:
    with transaction.atomic():
        if not Offer.objects.filter(pk=offer.pk, state=State.OPEN).update(state=state, answered_at=now):
            return False
        if tell:
            ledger.plan_offer(offer, kind=LedgerEntry.Kind.OFFER_GONE, now=now)
    return True


def _close_over(now: datetime) -> int:
    """Who waits for a visit that began, moved out of the booking, or cannot be earlier any more, waits no longer."""
    over = WaitlistEntry.objects.filter(
        Q(latest__lte=now) | Q(appointment__start__lte=now) | ~Q(appointment__status="booked"),
        closed_at__isnull=True,
        appointment__isnull=False,
    )
    Offer.objects.filter(entry__in=over, state=State.OPEN).update(state=State.WITHDRAWN, answered_at=now)
    return over.update(closed_at=now)


def _close_taken(now: datetime) -> int:
    """Offers of places that somebody else has now, and of visits that moved by another way."""
    taken = (
        Occupancy.objects.filter(
            chair=OuterRef("chair"), chair_from__lt=OuterRef("taken_until"), chair_until__gt=OuterRef("taken_from")
        )
        .exclude(appointment=OuterRef("appointment"))
        .exclude(appointment__status="pending")
    )
    over = Offer.objects.filter(state=State.OPEN).filter(Exists(taken) | ~Q(appointment__start=F("appointment_start")))
    return sum(
        _close(offer, State.GONE, now, tell=offer.appointment.start == offer.appointment_start)
        for offer in over.select_related("appointment")
    )


def _waiting(now: datetime) -> list[WaitlistEntry]:
    """Those to look at now: something became free in their center, or they are new, and nobody has asked them yet."""
    entries = (
        WaitlistEntry.objects.filter(
            _looked_at(now),
            ~Exists(Offer.objects.filter(entry=OuterRef("pk"), state=State.OPEN)),
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
            "center",
        )
        .order_by("-priority", "created_at", "pk")[:ENTRIES_A_TICK]
    )
    return [entry for entry in entries if _may_be_asked(entry, now)]


def _looked_at(now: datetime) -> Q:
    """Of each center that may ask now: all who wait where something became free since the last look, else the new.
    When the night is over everything since it began counts."""
    freed_at = freed.since(now - LOOK_BACK - A_DAY)
    found = Q(pk__in=[])
    for center in Center.objects.filter(waitlist__closed_at__isnull=True).distinct():
        if not _may_ask(center, now):
            continue
        since = now - LOOK_BACK if _may_ask(center, now - LOOK_BACK) else now - LOOK_BACK - A_DAY
        answered = Offer.objects.filter(center=center, answered_at__gte=since).exclude(state=State.ACCEPTED)
        if freed_at.get(center.pk, since - LOOK_BACK) >= since or answered.exists():
            found |= Q(center=center)
        else:
            found |= Q(center=center, created_at__gte=since)
    return found


def _may_ask(center: Center, now: datetime) -> bool:
    """Not at night, and not in the hours in which the center writes to nobody."""
    local = now.astimezone(center.zone)
    return ASKED_FROM <= local.hour * 60 + local.minute < ASKED_UNTIL and _quiet_until(center, now) is None


def _quiet_until(center: Center, at: datetime) -> datetime | None:
    return quiet_hours.over_at(at, quiet_from=center.quiet_from, quiet_until=center.quiet_until, zone=center.zone)


def _may_be_asked(entry: WaitlistEntry, now: datetime) -> bool:
    """Not the same person too often."""
    asked = Offer.objects.filter(entry__patient=entry.patient_id, center=entry.center_id, created_at__gt=now - A_WEEK)
    return asked.count() < entry.center.offers_a_week


def _ends(center: Center, start: datetime, now: datetime) -> datetime | None:
    """When an offer of a place at `start` ends: so many minutes after she can be told. Right before the quiet hours a
    message may be held until they are over, and then the minutes count from there; None where that is too late."""
    told = _quiet_until(center, now + LEAVES_WITHIN) or now
    return min(localtime.add_elapsed(told, center.offer_minutes), start) if told < start else None


def _offer(entry: WaitlistEntry, now: datetime) -> int:
    appointment = entry.appointment
    assert appointment is not None  # _waiting joins it
    center = appointment.unit.center
    offers = list(Offer.objects.filter(Q(chair__unit=appointment.unit_id, state=State.OPEN) | Q(entry=entry)))
    place = offerable.earliest(entry, offers=offers, now=now)
    if place is None:
        return 0
    expires_at = _ends(center, place.start, now)
    if expires_at is None:
        return 0
    try:
        with transaction.atomic():
            offer = Offer.objects.create(
                center=center,
                entry=entry,
                appointment=appointment,
                appointment_start=appointment.start,
                chair=place.chair,
                start=place.start,
                taken_from=place.taken.start,
                taken_until=place.taken.end,
                created_at=now,
                expires_at=expires_at,
            )
            WaitlistEntry.objects.filter(pk=entry.pk).update(offered_at=now, offered_start=place.start)
            ledger.plan_offer(offer, kind=LedgerEntry.Kind.OFFER, now=now)
            record.event(
                actor=Actor.job("offer-slots"),
                verb="offer",
                subject=appointment,
                now=now,
                after={"offer": offer.pk, "start": place.start, "chair": place.chair.pk},
            )
    except IntegrityError:  # another worker was quicker: one open offer for each who waits
        return 0
    return 1
