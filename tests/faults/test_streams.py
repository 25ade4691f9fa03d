"""Ninety-eight open pages on one unit: how long until each has heard of a change, and two browsers show it."""

from __future__ import annotations

import http.client
import selectors
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from time import monotonic, time
from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser

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
        pages = _opened(stack, server, clinic, cookie)
        for _ in range(rounds(2, 60)):
            day.version += 1
            day.save()
            took += _heard(pages, monotonic())
    took.sort()
    assert len(took) == PAGES * rounds(2, 60)
    p50, p95 = (took[int(len(took) * part)] for part in (0.5, 0.95))
    note(f"{PAGES} pages, {rounds(2, 60)} changes: p50 {p50:.2f} s, p95 {p95:.2f} s, slowest {took[-1]:.2f} s")


def test_two_browsers_among_ninety_eight_pages_show_each_change(
    web_server: Callable[..., Any],
    rounds: Callable[[int, int], int],
    note: Callable[[str], None],
    browser: Browser,
) -> None:
    clinic, client, took = Clinic(), Client(), list[float]()
    client.force_login(make.make_user(clinic.center, NURSE))
    name = settings.SESSION_COOKIE_NAME
    value = client.cookies[name].value
    day = UnitDay.objects.create(unit=clinic.day, date=DAY)
    server = web_server()
    with ExitStack() as stack:
        _opened(stack, server, clinic, f"{name}={value}")
        screens = []
        for _ in range(2):
            context = browser.new_context()
            stack.callback(context.close)
            context.add_cookies([{"name": name, "value": value, "url": server.url}])
            screen = context.new_page()
            with screen.expect_response(lambda answer: "/live/" in answer.url):
                screen.goto(f"{server.url}/board/{clinic.day.code}/{DAY.isoformat()}/")
            screen.evaluate(SEEN)
            screens.append(screen)
        for _ in range(rounds(2, 60)):
            day.version += 1
            day.save()
            saved = time()
            for screen in screens:
                screen.wait_for_function("version => window.seen[version]", arg=str(day.version), timeout=20_000)
                took.append(screen.evaluate("version => window.seen[version]", str(day.version)) / 1000 - saved)
    took.sort()
    p50, p95 = (took[int(len(took) * part)] for part in (0.5, 0.95))
    note(f"change to screen, {len(took)} times: p50 {p50:.2f} s, p95 {p95:.2f} s, slowest {took[-1]:.2f} s")


# When each version came onto the screen, by the browser's clock, which is the machine's: ms since 1970.
SEEN = """() => {
  window.seen = {};
  const look = () => {
    const version = document.querySelector("[data-stream]").dataset.version;
    window.seen[version] ??= Date.now();
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


def _opened(stack: ExitStack, server: Any, clinic: Clinic, cookie: str) -> selectors.BaseSelector:
    """The streams of that many pages, each just opened."""
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
    return pages


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
