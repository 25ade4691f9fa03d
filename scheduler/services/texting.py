"""Drains the ledger's texts, as services/sending.py drains its mails: each due one once, after a fresh look at the
world, claimed by a conditional update and sent outside any transaction.

A provider that is down holds up texts only. One number's failure never holds up the next one.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta
from time import monotonic

from django.utils.crypto import salted_hmac

from scheduler.domain.permissions import Actor
from scheduler.models import LedgerEntry
from scheduler.services import bounces, calls, claiming, links, numbers, stops, text_message, text_provider, ways
from scheduler.services.breaker import FAULTS_IN_A_ROW
from scheduler.services.recipients import recipients_of
from scheduler.services.sending import TICK_SECONDS, end_unsent, look
from scheduler.services.text_provider import AgainLater, HasStopped, Never, NoSuchNumber, TextProblem

State, Kind, Channel = LedgerEntry.State, LedgerEntry.Kind, LedgerEntry.Channel

log = logging.getLogger(__name__)


def send_due(*, now: datetime, limit: int = 100) -> dict[str, int]:
    """Send at most `limit` due texts. Returns how many ended how (sent, later, failed, missed ...).

    Safe twice at once and after a crash. Never call it inside a transaction. Where texts are switched off, those that
    are due become calls.
    """
    began = monotonic()
    counts: Counter[str] = Counter()
    due = claiming.within_rate(Channel.TEXT, now=now, limit=limit)
    if not due:
        return {}
    provider = text_provider.make() if text_provider.is_on() else None
    in_a_row = 0
    for pk in due:
        passed = monotonic() - began
        if passed > TICK_SECONDS or in_a_row >= FAULTS_IN_A_ROW:
            break
        at = now + timedelta(seconds=passed)
        entry = claiming.claim(pk, at=at)
        if entry is None:
            continue
        outcome, is_transport = _send(entry, provider, at)
        counts[outcome] += 1
        in_a_row = in_a_row + 1 if is_transport else 0
    return {name: count for name, count in sorted(counts.items()) if count}


def stable_id(entry: LedgerEntry) -> str:
    """The same for every try of a row."""
    return salted_hmac("scheduler.text", str(entry.pk), algorithm="sha256").hexdigest()[:32]


def _send(entry: LedgerEntry, provider: text_provider.Provider | None, at: datetime) -> tuple[str, bool]:
    """How it ended, and whether the provider as a whole was at fault."""
    recipient = recipients_of([entry.patient_id])[entry.patient_id]
    verdict = look(entry, at)
    if verdict.send and recipient.channel != Channel.TEXT:
        ways.pass_on_claimed(entry, recipient, at=at)
        return State.SUPERSEDED, False
    if not verdict.send or recipient.contact is None or provider is None:
        return end_unsent(entry, verdict, at), False
    entry.contact = recipient.contact
    try:
        to = numbers.e164(recipient.contact.phone, country=entry.center.country)
        if to is None:
            raise NoSuchNumber("not-a-number")
        about = verdict.appointments[0] if len(verdict.appointments) == 1 else None
        if entry.kind in (Kind.CANCELLED, Kind.OFFER_GONE):
            about = None
        tokens = links.make(entry=entry, contact=recipient.contact, appointment=about, offer=entry.offer, now=at)
        text = text_message.compose(entry, appointments=verdict.appointments, tokens=tokens)
        claiming.finish(entry, state=State.CLAIMED, contact=recipient.contact, attempts=entry.attempts + 1)
        provider_id = provider.send(to, text, stable_id(entry))
    except Exception as problem:  # noqa: BLE001 - whatever went wrong with this one, the next patient gets hers
        return _failed(entry, problem, at)
    claiming.finish(entry, state=State.SENT, done_at=at, error="", message_id=provider_id[:120])
    return "sent", False


def _failed(entry: LedgerEntry, problem: Exception, at: datetime) -> tuple[str, bool]:
    """Log ids, classes and the provider's code only: its words may quote the number."""
    code = describe(problem)
    log.warning("ledger entry %s: %s, try %s", entry.pk, code, entry.attempts + 1)
    is_over = isinstance(problem, Never) or (
        not _is_transport(problem) and entry.attempts + 1 >= claiming.TRIES_AT_AN_ADDRESS
    )
    if not is_over:
        claiming.try_later(entry, error=code, at=at)
        return "later", _is_transport(problem)
    calls.call_instead(entry, now=at)
    claiming.finish(entry, state=State.FAILED, done_at=at, error=code)
    if entry.contact is not None and isinstance(problem, NoSuchNumber):
        bounces.stop_texting(contact=entry.contact, entry=entry, now=at)
    if entry.contact is not None and isinstance(problem, HasStopped):
        stops.stop(actor=Actor.job("send-reminders"), contact=entry.contact, now=at)
    return "failed", False


def _is_transport(problem: Exception) -> bool:
    """The provider as a whole, not this number."""
    return isinstance(problem, (AgainLater, OSError))


def describe(problem: Exception) -> str:
    """Class and the provider's own code."""
    if isinstance(problem, TextProblem):
        return " ".join(filter(None, [type(problem).__name__, problem.code]))
    return type(problem).__name__
