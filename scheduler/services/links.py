"""The links in mails: made when a mail is composed, answered once, refused when the visit is no longer what was told.

A token is 146 random bits and a signature for its one purpose; only its hash is stored. A forged one is refused
before the database is asked, and looks like one that never was. Opening a link changes nothing (mail scanners open
them all): the functions that act are called for a POST.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from enum import Enum

from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from scheduler.domain.errors import NotFound, Refused, Stale, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Contact, LedgerEntry, Link, Offer
from scheduler.queries import own_times
from scheduler.services import booking, calls, catalogues, offers, record, stops
from scheduler.services.changes import fetch
from scheduler.services.locking import retrying

Purpose = Link.Purpose

# Consonants only: by chance no token has a word or a number in it that could be taken for a hint.
_ALPHABET = "bcdfghjklmnpqrstvwxz"
_RANDOM_SIGNS = 34  # 146 bits
_SIGNATURE_SIGNS = 30  # 129 bits
BY_LINK = gettext_noop("Cancelled by the patient.")


class Standing(Enum):
    """What a link can still do."""

    OPEN = "open"
    ANSWERED = "answered"  # what it asks for is so
    CHANGED = "changed"  # the visit has another time, or is off
    OVER = "over"  # the visit has begun
    GONE = "gone"  # the offered place is somebody else's, or the offer has ended


def make(
    *,
    entry: LedgerEntry,
    contact: Contact,
    appointment: Appointment | None,
    offer: Offer | None = None,
    now: datetime,
) -> dict[str, str]:
    """Fresh tokens by purpose, for one try of one mail: about `appointment` (None: about none), and to stop mails.
    With an `offer` about that one only. A text gets one, whose page has all answers and the way to stop."""
    purposes = [Purpose.STOP]
    if entry.channel == LedgerEntry.Channel.TEXT and appointment is not None:
        purposes = [Purpose.OFFER if offer is not None else Purpose.ANSWER]
    elif appointment is not None and offer is not None:
        purposes.append(Purpose.OFFER)
    elif appointment is not None:
        purposes += [Purpose.CANCEL, Purpose.ANOTHER_TIME]
        if appointment.confirmed_at is None:
            purposes.append(Purpose.CONFIRM)
    tokens = {purpose.value: _token(purpose) for purpose in purposes}
    Link.objects.bulk_create(
        _row(purpose, tokens[purpose.value], entry, contact, appointment, offer, now) for purpose in purposes
    )
    return tokens


def find(token: str) -> Link:
    """The link with this token. Raises NotFound, the same for a token that was never given out and a forged one."""
    purpose = _signed_purpose(token)
    if purpose is None:
        raise NotFound
    link = (
        Link.objects.select_related(
            "entry__center", "entry__patient", "appointment__visit", "contact", "offer__chair__unit"
        )
        .filter(token_hash=_hash(token), purpose=purpose)
        .first()
    )
    if link is None:
        raise NotFound
    return link


def standing(link: Link, now: datetime) -> Standing:
    """As the visit is now: a link is tied to the time that its mail told."""
    if link.purpose == Purpose.STOP:
        return Standing.OPEN if link.contact.may_be_mailed else Standing.ANSWERED
    appointment = link.appointment
    assert appointment is not None  # all but `stop` have one
    if link.offer is not None:
        return _standing_of_offer(link, link.offer, now)
    if link.used_at is not None and link.purpose != Purpose.CONFIRM:
        return Standing.ANSWERED
    if appointment.status != "booked" or appointment.start != link.appointment_start:
        return Standing.CHANGED
    if link.expires_at is not None and link.expires_at <= now:
        return Standing.OVER
    if link.purpose == Purpose.CONFIRM and appointment.confirmed_at is not None:
        return Standing.ANSWERED
    return Standing.OPEN


def _standing_of_offer(link: Link, offer: Offer, now: datetime) -> Standing:
    if offer.state in (Offer.State.ACCEPTED, Offer.State.DECLINED):
        return Standing.ANSWERED
    if offer.state != Offer.State.OPEN or offer.expires_at <= now:
        return Standing.GONE
    changed = link.appointment is None or link.appointment.start != link.appointment_start
    return Standing.CHANGED if changed or link.appointment.status != "booked" else Standing.OPEN  # type: ignore[union-attr]


def confirm(*, link: Link, now: datetime) -> None:
    """She comes. Raises Stale where the visit has changed or begun."""
    if link.purpose == Purpose.ANSWER:
        _confirm_by_text(link, now)
        return
    _once(
        link,
        now,
        lambda actor, row: booking.confirm(actor=actor, appointment=row, version=row.version, now=now),
    )


def cancel(*, link: Link, now: datetime) -> None:
    """She can't come. Raises Stale where the visit has changed or begun."""
    _once(
        link,
        now,
        lambda actor, row: booking.cancel(actor=actor, appointment=row, reason=BY_LINK, version=row.version, now=now),
    )


def choose(*, link: Link, chair: int, start: datetime, now: datetime) -> None:
    """Take one of the times that queries/own_times.py offers her. Raises Stale where the visit has changed, and
    Refused where the time has gone meanwhile or is none of them."""
    appointment = link.appointment
    assert appointment is not None
    offered = own_times.offered(fetch(appointment.pk), now=now)
    target = next((slot for slot in offered if (slot.chair.id, slot.start) == (chair, start)), None)
    if target is None:
        raise Refused([own_times.gone()])
    _once(
        link,
        now,
        lambda actor, row: booking.move(
            actor=actor,
            appointment=row,
            chair=own_times.chair_of(target),
            start=start,
            version=row.version,
            now=now,
        ),
    )


def ask(*, link: Link, now: datetime) -> None:
    """She wants another time and somebody shall call her; the visit stays booked. Raises Stale."""
    _once(link, now, lambda actor, row: _call_back(actor, link, row, now))


def answer_offer(*, link: Link, takes_it: bool, now: datetime) -> None:
    """She takes the earlier place, or keeps the time she has. Raises Stale and Refused as services/offers.py does."""
    assert link.offer is not None  # a link of this purpose has one
    act = offers.accept if takes_it else offers.decline
    act(actor=actor_of(link), offer=link.offer, now=now)


def stop(*, link: Link, now: datetime) -> None:
    """No more messages to this contact, from now on: what is due becomes a call. Safe to repeat."""
    with transaction.atomic():
        if link.purpose == Purpose.STOP:
            Link.objects.filter(pk=link.pk, used_at__isnull=True).update(used_at=now)
        stops.stop(actor=actor_of(link), contact=link.contact, now=now)


def speak(*, link: Link, language: str, now: datetime) -> None:
    """Write to this contact in one of the languages that are spoken here; another one changes nothing."""
    if language not in catalogues.SPOKEN:
        return
    with transaction.atomic():
        if Contact.objects.filter(pk=link.contact_id).exclude(language=language).update(language=language):
            record.event(
                actor=actor_of(link),
                verb="choose-language",
                subject=link.entry.patient,
                now=now,
                after={"contact": link.contact_id, "language": language},
            )


def actor_of(link: Link) -> Actor:
    """Who answers by this link; on record by the link's id."""
    return Actor(who=f"link:{link.pk}", role="link", center_id=link.entry.center_id)


def _once(link: Link, now: datetime, act: Callable[[Actor, Appointment], object]) -> None:
    """`act`, unless this link was used already. The conditional update decides between a hundred taps at once."""

    @retrying
    def run() -> None:
        with transaction.atomic():
            if not Link.objects.filter(pk=link.pk, used_at__isnull=True).update(used_at=now):
                return
            fresh, row = _as_it_is(link)
            fresh.used_at = None  # as it was before this tap
            found = standing(fresh, now)
            if found in (Standing.CHANGED, Standing.OVER):
                raise Stale
            if found is Standing.OPEN:
                act(actor_of(link), row)

    run()


def _as_it_is(link: Link) -> tuple[Link, Appointment]:
    """The link, and the visit that it is judged by. It is read once: what is done goes by this very version, so that a
    desk which moves the visit meanwhile is not undone by a tap about its old time."""
    fresh = Link.objects.select_related("appointment", "contact").get(pk=link.pk)
    row = fetch(fresh.appointment_id or 0)
    fresh.appointment = row
    return fresh, row


def _confirm_by_text(link: Link, now: datetime) -> None:
    """Not used up by this: the one link of a text is also the way to cancel later. Of many taps at once the booking's
    version lets one through."""

    @retrying
    def run() -> None:
        with transaction.atomic():
            fresh, row = _as_it_is(link)
            found = standing(fresh, now)
            if found in (Standing.CHANGED, Standing.OVER):
                raise Stale
            if found is Standing.OPEN and row.confirmed_at is None:
                booking.confirm(actor=actor_of(link), appointment=row, version=row.version, now=now)

    run()


def _call_back(actor: Actor, link: Link, appointment: Appointment, now: datetime) -> None:
    calls.plan_call_back(appointment, now=now)
    record.event(
        actor=actor, verb="ask-another-time", subject=appointment, now=now, after={"start": link.appointment_start}
    )


def _row(
    purpose: Purpose,
    token: str,
    entry: LedgerEntry,
    contact: Contact,
    appointment: Appointment | None,
    offer: Offer | None,
    now: datetime,
) -> Link:
    about = appointment if purpose != Purpose.STOP else None
    return Link(
        token_hash=_hash(token),
        purpose=purpose,
        entry=entry,
        appointment=about,
        appointment_start=about.start if about is not None else None,
        offer=offer if purpose == Purpose.OFFER else None,
        contact=contact,
        created_at=now,
        expires_at=about.start if about is not None else None,
    )


def _token(purpose: Purpose) -> str:
    chance = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_SIGNS))
    return chance + _signature(purpose, chance)


def _signature(purpose: Purpose, chance: str) -> str:
    number = int.from_bytes(salted_hmac(f"scheduler.link.{purpose.value}", chance, algorithm="sha256").digest())
    signs = []
    for _ in range(_SIGNATURE_SIGNS):
        number, rest = divmod(number, len(_ALPHABET))
        signs.append(_ALPHABET[rest])
    return "".join(signs)


def _signed_purpose(token: str) -> Purpose | None:
    """The purpose that the signature is for; None for a token that was not made here."""
    chance, signature = token[:_RANDOM_SIGNS], token[_RANDOM_SIGNS:]
    if not (token.isascii() and len(signature) == _SIGNATURE_SIGNS):
        return None
    matching = [purpose for purpose in Purpose if constant_time_compare(signature, _signature(purpose, chance))]
    return matching[0] if matching else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def purge(*, before: datetime) -> int:
    """Forget links whose visit began before that moment. Returns how many."""
    return Link.objects.filter(expires_at__lt=before).delete()[0]
