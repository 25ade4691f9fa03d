"""So many calls a minute for each key: a client that runs away must not take the service from the others.

Counted in the memory of each web process, so that no broker, cache or table is asked and none can fail: with several
processes a key gets up to the rate from each. A minute's worth may come at once (the import of a day's load).
"""

from __future__ import annotations

from time import monotonic

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from scheduler.api.authentication import membership_of
from scheduler.services.meter import Meter

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
