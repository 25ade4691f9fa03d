"""The ledger as a queue, the same for every channel: what may leave now, whose row it is, and how it ended.

A claim is a conditional update, and so is every end of it: after the lease another worker may own the row.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from scheduler.models import Center, LedgerEntry

State, Channel = LedgerEntry.State, LedgerEntry.Channel

LEASE = timedelta(minutes=5)  # longer than any one sending takes; after it a claim is taken for a crash
LONGEST_BACKOFF = timedelta(hours=1)
# An address that was "not now" so often (about half a day) is as good as wrong: somebody calls.
TRIES_AT_AN_ADDRESS = 16

# The center's own limit of what leaves in a minute.
_RATES = {Channel.EMAIL: "mails_a_minute", Channel.TEXT: "texts_a_minute"}


def within_rate(channel: str, *, now: datetime, limit: int) -> list[int]:
    """Ids of what is due on this channel, oldest first, and of each center no more than may leave now: one center's
    thousand messages never hold up another's. The rest stays due."""
    left = _left_this_minute(channel, now)
    messages = _claimable(now).filter(channel=channel)
    found: list[tuple[datetime, int]] = []
    for center in set(messages.order_by().values_list("center_id", flat=True).distinct()):
        found += messages.filter(center=center).values_list("due", "pk")[: min(left[center], limit)]
    return [pk for _due, pk in sorted(found)[:limit]]


def _left_this_minute(channel: str, now: datetime) -> dict[int, int]:
    """By center id, how many may still leave in this minute."""
    sent = Q(ledger__channel=channel, ledger__state=State.SENT, ledger__done_at__gt=now - timedelta(minutes=1))
    most = _RATES[Channel(channel)]
    rows = Center.objects.annotate(sent=Count("ledger", filter=sent)).values_list("pk", most, "sent")
    return {pk: max(allowed - sent, 0) for pk, allowed, sent in rows}


def _claimable(now: datetime) -> QuerySet[LedgerEntry]:
    """Due rows, and claims whose owner must have died."""
    return LedgerEntry.objects.filter(
        Q(state=State.DUE) | Q(state=State.CLAIMED, claimed_at__lt=now - LEASE), due__lte=now
    ).order_by("due", "pk")


def claim(pk: int, *, at: datetime) -> LedgerEntry | None:
    """The row, if it is ours now. The update decides: of two workers one changes a row."""
    if not _claimable(at).filter(pk=pk).order_by().update(state=State.CLAIMED, claimed_at=at):
        return None
    return LedgerEntry.objects.select_related("center", "patient", "appointment", "course__protocol", "offer").get(
        pk=pk
    )


def finish(entry: LedgerEntry, **changes: Any) -> None:
    """Only while the claim is still ours."""
    LedgerEntry.objects.filter(pk=entry.pk, state=State.CLAIMED, claimed_at=entry.claimed_at).update(**changes)


def try_later(entry: LedgerEntry, *, error: str, at: datetime) -> None:
    """Due again after a while that doubles with every try, up to an hour."""
    backoff = min(timedelta(minutes=2 ** min(entry.attempts + 1, 10)), LONGEST_BACKOFF)
    finish(entry, state=State.DUE, due=at + backoff, claimed_at=None, error=error)
