"""Drains the ledger: each due message once, with a fresh look at the world before it leaves.

The table is the queue. A row is claimed by a conditional update and sent outside any transaction; a crash
between sending and marking repeats that one message, with the same Message-ID. What waits too long is missed,
never sent after the visit began. One patient's failure never holds up the next one.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

from scheduler.domain import quiet_hours
from scheduler.models import Appointment, Center, LedgerEntry
from scheduler.services import bounces, breaker, calls, claiming, ledger, links, mail, offer_mail, smtp_faults, ways
from scheduler.services.claiming import LEASE as LEASE
from scheduler.services.recipients import recipients_of
from scheduler.services.smtp_faults import Fault

State, Kind, Channel = LedgerEntry.State, LedgerEntry.Kind, LedgerEntry.Channel

log = logging.getLogger(__name__)

# About a visit that is still to come she has to know these, by voice where a mail can't come in time.
_NEWS = (Kind.BOOKED, Kind.MOVED, Kind.CANCELLED)
TICK_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a message on the last look: send it about `appointments`, or end in `state`, or wait."""

    appointments: tuple[Appointment, ...] = ()
    send: bool = False
    state: str = ""
    until: datetime | None = None
    call: bool = False


def send_due(*, now: datetime, limit: int = 100) -> dict[str, int]:
    """Send at most `limit` due messages. Returns how many ended how (sent, later, failed, missed ...).

    Safe twice at once and after a crash. Never call it inside a transaction.
    """
    began = monotonic()
    counts: Counter[str] = Counter()
    counts["missed"] += _calls_too_late(now)
    due = claiming.within_rate(Channel.EMAIL, now=now, limit=limit)
    if due and not breaker.lets_try(Channel.EMAIL, now=now):
        due = []
    connection = get_connection()
    line = breaker.Line(Channel.EMAIL)
    try:
        for pk in due:
            passed = monotonic() - began
            if passed > TICK_SECONDS or line.is_down:
                break
            at = now + timedelta(seconds=passed)
            entry = claiming.claim(pk, at=at)
            if entry is None:
                continue
            counts[_send(entry, connection, line, at)] += 1
    finally:
        _close(connection)
    return {name: count for name, count in sorted(counts.items()) if count}


def _send(entry: LedgerEntry, connection: BaseEmailBackend, line: breaker.Line, at: datetime) -> str:
    """How it ended."""
    recipient = recipients_of([entry.patient_id])[entry.patient_id]
    verdict = look(entry, at)
    if verdict.send and recipient.channel != Channel.EMAIL:
        ways.pass_on_claimed(entry, recipient, at=at)
        return State.SUPERSEDED
    if not verdict.send or recipient.contact is None:
        return end_unsent(entry, verdict, at)
    entry.contact = recipient.contact  # as it is now: she may have changed how she is told since the row was written
    try:
        about = verdict.appointments[0] if len(verdict.appointments) == 1 and entry.kind != Kind.CANCELLED else None
        if entry.offer is not None:
            about = None if entry.kind == Kind.OFFER_GONE else about
            tokens = links.make(entry=entry, contact=recipient.contact, appointment=about, offer=entry.offer, now=at)
            message = offer_mail.compose(entry, entry.offer, address=recipient.contact.email, tokens=tokens)
        else:
            tokens = links.make(entry=entry, contact=recipient.contact, appointment=about, now=at)
            message = mail.compose(
                entry,
                address=recipient.contact.email,
                appointments=verdict.appointments,
                tokens=tokens,
                no_longer=_no_longer(entry, at) if entry.kind == Kind.OVERVIEW else (),
            )
        message.connection = connection
        claiming.finish(
            entry,
            state=State.CLAIMED,
            message_id=mail.message_id(entry),
            contact=recipient.contact,
            attempts=entry.attempts + 1,
        )
        # Opened here, so that a server that stalls over the goodbye doesn't undo what it has taken.
        connection.open()
        message.send()
    except Exception as problem:  # noqa: BLE001 - whatever went wrong with this one, the next patient gets hers
        _close(connection)
        return _failed(entry, smtp_faults.classify(problem), problem, line, at)
    claiming.finish(entry, state=State.SENT, done_at=at, error="")
    line.answered()
    return "sent"


def look(entry: LedgerEntry, at: datetime) -> Verdict:
    """The world at the moment of sending: is it still true, still in time, and a decent hour?"""
    if entry.kind == Kind.OVERVIEW or entry.appointment is None:
        return _look_at_course(entry, at)
    appointment = entry.appointment
    start = entry.appointment_start or appointment.start
    if entry.kind == Kind.OFFER and not (
        entry.offer is not None and entry.offer.state == "open" and entry.offer.expires_at > at
    ):
        return Verdict(state=State.SUPERSEDED)
    wanted = Appointment.Status.CANCELLED if entry.kind == Kind.CANCELLED else Appointment.Status.BOOKED
    if appointment.status != wanted or appointment.start != start:
        return Verdict(state=State.SUPERSEDED)
    if start <= at:
        return Verdict(state=State.MISSED, call=entry.kind in (Kind.MOVED, Kind.CANCELLED))
    if entry.kind == Kind.REMINDER and _nearer_one_is_due(entry, at):
        return Verdict(state=State.MISSED)
    until = quiet_until(entry.center, at)
    if until is not None:
        # What can't wait until the morning is told by voice; a reminder alone is no reason to ring at night.
        return Verdict(until=until) if until < start else Verdict(state=State.MISSED, call=entry.kind in _NEWS)
    return Verdict(appointments=(appointment,), send=True)


def quiet_until(center: Center, at: datetime) -> datetime | None:
    """When the center's quiet hours are over, if it has them now."""
    return quiet_hours.over_at(at, quiet_from=center.quiet_from, quiet_until=center.quiet_until, zone=center.zone)


def _look_at_course(entry: LedgerEntry, at: datetime) -> Verdict:
    booked = tuple(
        Appointment.objects.filter(
            visit__course=entry.course_id, status=Appointment.Status.BOOKED, start__gt=at
        ).order_by("start")
    )
    until = quiet_until(entry.center, at)
    if booked and until is not None and booked[-1].start <= until:
        return Verdict(state=State.MISSED, call=True)  # in the morning there is nothing left to tell
    if until is not None:
        return Verdict(until=until)
    if booked:
        return Verdict(appointments=booked, send=True)
    if Appointment.objects.filter(
        visit__course=entry.course_id, status__in=["booked", "arrived", "checked-in", "fulfilled", "noshow"]
    ).exists():
        return Verdict(state=State.MISSED)  # they have all begun
    told = LedgerEntry.objects.filter(course=entry.course_id, state=State.SENT).exists()
    return Verdict(send=True) if told else Verdict(state=State.SUPERSEDED)


def _no_longer(entry: LedgerEntry, at: datetime) -> tuple[Appointment, ...]:
    """Cancelled ones of the course that would still be to come and that she was told of."""
    off = Appointment.objects.filter(
        visit__course=entry.course_id, status=Appointment.Status.CANCELLED, start__gt=at
    ).select_related("visit")
    known = ledger.who_know(list(off)) if off else set()
    return tuple(appointment for appointment in off if appointment.pk in known)


def _nearer_one_is_due(entry: LedgerEntry, at: datetime) -> bool:
    """After an outage the reminders of three days and of one day are due together: only the latter counts."""
    return (
        LedgerEntry.objects.filter(
            appointment=entry.appointment_id,
            appointment_start=entry.appointment_start,
            kind=Kind.REMINDER,
            offset_days__lt=entry.offset_days,
            due__lte=at,
        )
        .exclude(state=State.SUPERSEDED)
        .exists()
    )


def end_unsent(entry: LedgerEntry, verdict: Verdict, at: datetime) -> str:
    """It waits, or is over, or is a call now. Returns how it ended."""
    if verdict.until is not None:
        claiming.finish(entry, state=State.DUE, due=verdict.until, claimed_at=None)
        return "later"
    if verdict.call:
        calls.call_instead(entry, now=at)
    claiming.finish(entry, state=verdict.state, done_at=at)
    return verdict.state


def _failed(entry: LedgerEntry, fault: Fault, problem: Exception, line: breaker.Line, at: datetime) -> str:
    """Log ids and classes only: an SMTP answer may quote the address."""
    attempts = entry.attempts + 1
    code = smtp_faults.describe(problem)
    log.warning("ledger entry %s: %s (%s), try %s", entry.pk, fault.value, code, attempts)
    if fault is Fault.SERVER_LATER:
        line.faulted(code, at=at)
    elif smtp_faults.is_an_answer(problem):
        line.answered()
    if fault is Fault.NEVER or (fault is Fault.ADDRESS_LATER and attempts >= claiming.TRIES_AT_AN_ADDRESS):
        if entry.contact is not None and bounces.is_bounce(problem):
            bounces.stop_using(contact=entry.contact, entry=entry, now=at)
        calls.call_instead(entry, now=at)
        claiming.finish(entry, state=State.FAILED, done_at=at, error=code)
        return "failed"
    claiming.try_later(entry, error=code, at=at)
    return "later"


def _calls_too_late(now: datetime) -> int:
    """A call about a visit that began is nobody's work any more, except the news that it moved or is off."""
    return LedgerEntry.objects.filter(
        channel=Channel.CALL,
        state=State.DUE,
        appointment_start__lte=now,
        kind__in=[Kind.BOOKED, Kind.REMINDER, Kind.OFFER, Kind.OFFER_GONE, Kind.CALL_BACK],
    ).update(state=State.MISSED, done_at=now)


def _close(connection: BaseEmailBackend) -> None:
    """A connection that broke can't say goodbye; the next message opens a new one."""
    try:
        connection.close()
    except OSError as problem:
        log.info("closing the mail connection: %s", type(problem).__name__)
