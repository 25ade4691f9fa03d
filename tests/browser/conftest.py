"""A real browser against the real pages: a clinic on a fixed day, served by threads of this process.

The server runs here and not in a child, so that its clock can stand on a Tuesday morning.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import time_machine
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.cache import cache
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connections
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests import factories as make
from tests.web.conftest import NOW, Clinic, make_clinic

# A loaded machine is slow, not wrong: what is awaited comes, or the test fails after this long.
expect.set_options(timeout=15_000)


def is_at(page: Page, url: str | re.Pattern[str]) -> None:
    """The page is there and its scripts listen: they are modules, and a key pressed before they ran is lost."""
    expect(page).to_have_url(url)
    page.wait_for_load_state("load")


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadedWSGIServer):
    """Closes the database connection of each request's thread: the test's database is dropped afterwards."""

    daemon_threads = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


@dataclass
class Site:
    """The running site with its clinic. `said` collects what the browsers' consoles said; it must stay empty."""

    url: str
    clinic: Clinic
    browser: Browser
    said: list[str] = field(default_factory=list)

    def page(self, role: str = "manager", *, path: str = "/", **context: Any) -> Page:
        """A fresh browser window in which somebody of that role has signed in through the page."""
        page = self.window(**context)
        user = make.make_user(self.clinic.center, role, first_name="Mara", last_name="Quist")
        page.goto(f"{self.url}/sign-in/?next={path}")
        page.fill("#username", user.username)
        page.fill("#password", "pass-for-tests")
        page.click("main button")
        page.wait_for_url(lambda url: "/sign-in/?" not in url)
        return page

    def window(self, **context: Any) -> Page:
        """A fresh browser in which nobody has signed in."""
        context.setdefault("viewport", {"width": 1440, "height": 900})
        page = self.browser.new_context(**context).new_page()
        page.set_default_timeout(20_000)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        return page

    def _listen(self, message: ConsoleMessage) -> None:
        # A refusal shown on the page: the browser notes the status by itself.
        if "status of 409" in message.text or "status of 403" in message.text:
            return
        # Whoever was quicker than the page keeps the field that she is in.
        if "Autofocus processing was blocked" in message.text:
            return
        self.said.append(f"{message.type}: {message.text}")


@pytest.fixture
def site(committed_db: None, browser: Browser, settings: Any) -> Iterator[Site]:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    cache.clear()  # rows get the same ids in every test
    with time_machine.travel(NOW, tick=True):
        server = _Server(("127.0.0.1", 0), _Quiet)
        server.set_app(StaticFilesHandler(get_wsgi_application()))  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running = Site(f"http://127.0.0.1:{server.server_port}", make_clinic(), browser)
        yield running
        for context in browser.contexts:
            context.close()
        server.shutdown()
        server.server_close()
    assert running.said == [], "the console must stay silent"
