"""How the messages stand: what is due and late, what was sent, what failed, and which rows are stuck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Min, Q, QuerySet

from scheduler.models import Breaker, Center, LedgerEntry

State = LedgerEntry.State

LATE_AFTER = timedelta(minutes=10)  # some ticks of the job, and a backoff
A_DAY = timedelta(days=1)
MOST = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts of mails (calls are on the worklist); `lag` is how long the oldest of those due has waited."""

    due_now: int
    later: int
    in_flight: int
    sent_today: int
    failed: int
    missed: int
    lag: timedelta | None


def standing(center: Center, now: datetime) -> Standing:
    rows = _mails(center).aggregate(
        due_now=Count("pk", filter=Q(state=State.DUE, due__lte=now)),
        later=Count("pk", filter=Q(state=State.DUE, due__gt=now)),
        in_flight=Count("pk", filter=Q(state=State.CLAIMED)),
        sent_today=Count("pk", filter=Q(state=State.SENT, done_at__gt=now - A_DAY)),
        failed=Count("pk", filter=Q(state=State.FAILED, done_at__gt=now - 7 * A_DAY)),
        missed=Count("pk", filter=Q(state=State.MISSED, done_at__gt=now - 7 * A_DAY)),
        oldest=Min("due", filter=Q(state__in=[State.DUE, State.CLAIMED], due__lte=now)),
    )
    oldest = rows.pop("oldest")
    return Standing(**rows, lag=now - oldest if oldest is not None else None)


def stuck(center: Center, now: datetime) -> list[LedgerEntry]:
    """What waits longer than it should, and what failed for good in the last week: newest trouble first."""
    rows = _mails(center).filter(
        Q(state=State.FAILED, done_at__gt=now - 7 * A_DAY)
        | Q(state__in=[State.DUE, State.CLAIMED], due__lt=now - LATE_AFTER)
        | Q(state=State.DUE, attempts__gt=0)
    )
    return list(rows.select_related("patient", "contact").order_by(F("done_at").desc(nulls_last=True), "due")[:MOST])


def newest(center: Center) -> list[LedgerEntry]:
    """What was sent last."""
    rows = _mails(center).filter(state=State.SENT).select_related("patient")
    return list(rows.order_by("-done_at", "-pk")[:50])


def down() -> list[Breaker]:
    """Servers that are held to be down (services/breaker.py); they are the whole service's, not one center's."""
    return list(Breaker.objects.filter(open_since__isnull=False).order_by("channel"))


def _mails(center: Center) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(center=center).exclude(channel=LedgerEntry.Channel.CALL)
