"""Ninety-eight open pages on one unit: how long until each has heard of a change."""

from __future__ import annotations

import http.client
import selectors
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from time import monotonic
from typing import Any

from django.conf import settings
from django.test import Client

from scheduler.domain.permissions import NURSE
from scheduler.models import UnitDay
from tests import factories as make
from tests.support.clinic import Clinic

PAGES = 98
DAY = date(2026, 11, 24)


def test_ninety_eight_open_pages_hear_of_each_change(
    web_server: Callable[..., Any], rounds: Callable[[int, int], int], note: Callable[[str], None]
) -> None:
    clinic, client, took = Clinic(), Client(), list[float]()
    client.force_login(make.make_user(clinic.center, NURSE))
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    day = UnitDay.objects.create(unit=clinic.day, date=DAY)
    server = web_server()
    with ExitStack() as stack:
        pages = selectors.DefaultSelector()
        stack.callback(pages.close)
        for _ in range(PAGES):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            stack.callback(connection.close)
            connection.request("GET", f"/live/{clinic.day.code}/{DAY.isoformat()}/", headers={"Cookie": cookie})
            link = connection.sock
            response = connection.getresponse()
            assert response.status == 200
            stack.callback(response.close)
            link.setblocking(False)
            pages.register(link, selectors.EVENT_READ)
        for _ in range(rounds(2, 60)):
            day.version += 1
            day.save()
            took += _heard(pages, monotonic())
    took.sort()
    assert len(took) == PAGES * rounds(2, 60)
    p50, p95 = (took[int(len(took) * part)] for part in (0.5, 0.95))
    note(f"{PAGES} pages, {rounds(2, 60)} changes: p50 {p50:.2f} s, p95 {p95:.2f} s, slowest {took[-1]:.2f} s")


def _heard(pages: selectors.BaseSelector, since: float) -> list[float]:
    """Seconds until each page heard of the change."""
    waiting, took = {key.fd for key in pages.get_map().values()}, []
    while waiting:
        ready = pages.select(20)
        assert ready, f"{len(waiting)} pages heard nothing"
        for key, _ in ready:
            said = key.fileobj.recv(4096)  # type: ignore[union-attr]  # they are sockets
            assert said, "a stream ended"
            if b"data: changed" in said and key.fd in waiting:
                waiting.remove(key.fd)
                took.append(monotonic() - since)
    return took
