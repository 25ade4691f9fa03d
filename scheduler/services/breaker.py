"""A server that is down is asked by one message each interval, whichever worker's turn it is, and not by every one.

What the last tries showed is one row for each channel, so that all workers know it, and the next one after a restart.
It closes by itself with the first message that the server answers, whatever it says about that message.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import F
from django.db.models.functions import Coalesce

from scheduler.models import Breaker

log = logging.getLogger(__name__)

FAULTS_IN_A_ROW = 3  # fewer may be a hiccup
INTERVAL = timedelta(minutes=1)


def lets_try(channel: str, *, now: datetime) -> bool:
    """Whether a sweep may ask the server now. While it is held to be down the first to ask in each interval may, with
    one message: ask only with something to send."""
    if not Breaker.objects.filter(pk=channel, open_since__isnull=False).exists():
        return True
    # The update decides: of two workers one changes the row.
    mine = Breaker.objects.filter(pk=channel, open_since__isnull=False, try_at__lte=now)
    return bool(mine.update(try_at=now + INTERVAL))


class Line:
    """What one sweep learns about a channel's server. `is_down`: stop, the rest waits."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._knows_it_answers = False
        self.is_down = False

    def answered(self) -> None:
        """It took a message, or refused that one: it is there."""
        if self._knows_it_answers:
            return
        self._knows_it_answers = True
        row = Breaker.objects.filter(pk=self._channel)
        if row.filter(open_since__isnull=False).update(**_CLOSED):
            log.warning("the %s server answers again", self._channel)
        else:
            row.filter(faults__gt=0).update(**_CLOSED)

    def faulted(self, error: str, *, at: datetime) -> None:
        """It refused the connection, stalled, hung up or was busy. `error`: class and number, nobody's address."""
        self._knows_it_answers = False
        row = Breaker.objects.filter(pk=self._channel)
        if not row.exists():
            Breaker.objects.bulk_create([Breaker(channel=self._channel)], ignore_conflicts=True)
        row.update(error=error)
        row.filter(faults__lt=FAULTS_IN_A_ROW).update(faults=F("faults") + 1)
        down = row.filter(faults__gte=FAULTS_IN_A_ROW)
        if down.filter(open_since__isnull=True).exists():
            log.warning("the %s server is down: %s", self._channel, error)
        self.is_down = bool(down.update(open_since=Coalesce(F("open_since"), at), try_at=at + INTERVAL))


_CLOSED = {"faults": 0, "open_since": None, "try_at": None, "error": ""}
