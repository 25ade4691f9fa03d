"""So many calls a minute for each key: a client that runs away must not take the service from the others.

Counted in the memory of each web process, so that no broker, cache or table is asked and none can fail: with several
processes a key gets up to the rate from each. A minute's worth may come at once (the import of a day's load).
"""

from __future__ import annotations

import threading
from time import monotonic

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from scheduler.api.authentication import membership_of

PERIOD = 60.0  # seconds


class Meter:
    """For each caller the time (monotonic seconds) at which all her calls until now are paid for. Each call costs
    one interval, and nobody may owe more than the period. One number for each key: nothing grows with the calls."""

    def __init__(self) -> None:
        self._paid_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, who: str, *, per_minute: int, at: float) -> float:
        """0 where the call is taken; else the seconds after which the next would be."""
        interval = PERIOD / per_minute
        with self._lock:
            paid_at = max(self._paid_at.get(who, at), at) + interval
            owed = paid_at - at
            if owed > PERIOD + interval / 2:  # half a call, against the rounding of the sums
                return owed - PERIOD
            self._paid_at[who] = paid_at
        return 0.0

    def forget(self) -> None:
        with self._lock:
            self._paid_at.clear()


meter = Meter()


class PerCaller(BaseThrottle):
    """By key, or by user of the web application; settings.API_RATE calls a minute, 0 is no limit."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not settings.API_RATE:
            return True
        membership = membership_of(request)
        who = f"key:{membership.api_key_id}" if membership.api_key_id is not None else f"user:{membership.user_id}"
        self._wait = meter.wait(who, per_minute=settings.API_RATE, at=monotonic())
        return self._wait == 0.0

    def wait(self) -> float:
        return self._wait
