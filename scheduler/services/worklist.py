"""Marks on the worklist: who took an item, and until when it is put off. The worklist itself is a query."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, WorklistMark
from scheduler.services import record

LONGEST_SNOOZE = timedelta(days=90)


def claim(*, actor: Actor, center: Center, item: str, now: datetime) -> WorklistMark:
    """The acting user takes the item; taking it from somebody else is allowed and on record."""
    return _mark(actor, center, item, "claim", now, claimed_by_id=_user(actor))


def release(*, actor: Actor, center: Center, item: str, now: datetime) -> WorklistMark:
    """Nobody has the item any more."""
    return _mark(actor, center, item, "release-claim", now, claimed_by_id=None)


def snooze(*, actor: Actor, center: Center, item: str, until: datetime, reason: str, now: datetime) -> WorklistMark:
    """Put the item off until a later moment, for a reason. Raises Malformed without either."""
    if not reason.strip():
        raise Malformed("reason", gettext_noop("Say why it is put off."))
    if not now < until <= now + LONGEST_SNOOZE:
        raise Malformed(
            "until", gettext_noop("Put it off until a later day, at most {days} days ahead."), days=LONGEST_SNOOZE.days
        )
    return _mark(actor, center, item, "snooze", now, snoozed_until=until, reason=reason.strip()[:200])


def wake(*, actor: Actor, center: Center, item: str, now: datetime) -> WorklistMark:
    """Back on the list at once."""
    return _mark(actor, center, item, "wake", now, snoozed_until=None, reason="")


def ask(*, actor: Actor, center: Center, item: str, now: datetime) -> WorklistMark:
    """The floor leaves it to the desk: it is urgent now, and back on the list if it was put off. Asked again it is
    the same question."""
    with transaction.atomic():
        known = (
            WorklistMark.objects.select_for_update().filter(center=center, item=item, asked_at__isnull=False).first()
        )
        if known is not None and known.snoozed_until is None:
            return known
        return _mark(actor, center, item, "ask", now, asked_at=now, asked_by=actor.who, snoozed_until=None, reason="")


def _mark(actor: Actor, center: Center, item: str, verb: str, now: datetime, **values: object) -> WorklistMark:
    if not item or len(item) > 60:
        raise Malformed("item", gettext_noop("There is no such thing on the worklist."))
    with transaction.atomic():
        mark, _made = WorklistMark.objects.update_or_create(center=center, item=item, defaults=values)
        record.event(
            actor=actor,
            verb=verb,
            subject=mark,
            now=now,
            after={"item": item, "until": mark.snoozed_until},
            reason=mark.reason if verb == "snooze" else "",
        )
    return mark


def _user(actor: Actor) -> int:
    kind, _sign, number = actor.who.partition(":")
    if kind != "user":
        raise Malformed("item", gettext_noop("Only people take things from the worklist."))
    return int(number)
