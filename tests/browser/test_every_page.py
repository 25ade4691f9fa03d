"""Every page and state of the table, in light and dark, wide and on a tablet: nothing that axe objects to, nothing to
scroll sideways, no target too small, and a silent console."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page

from scheduler.management.demo_accounts import demo_password
from tests.browser.conftest import Site, _Quiet, _Server
from tests.browser.every import look, stage
from tests.browser.every.shown import Shown, go, sign_in
from tests.browser.every.table import PAGES

WIDE, TABLET = {"width": 1440, "height": 900}, {"width": 1024, "height": 768}


@pytest.fixture
def clinic(committed_db: None, browser: Browser, settings: Any, tmp_path: Path) -> Iterator[tuple[Site, stage.Things]]:
    """The demo clinic with what its year leaves out; mails go into a folder, as in the demo."""
    settings.ALLOWED_HOSTS, settings.DATA_DIR, settings.MAIL_DIR = ["127.0.0.1"], tmp_path, tmp_path / "mail"
    settings.EMAIL_BACKEND = "scheduler.services.eml.EmailBackend"
    cache.clear()
    with time_machine.travel(stage.NOW, tick=True):
        things = stage.set_the_stage()
        server = _Server(("127.0.0.1", 0), _Quiet)
        server.set_app(StaticFilesHandler(get_wsgi_application()))  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = Site(f"http://127.0.0.1:{server.server_port}", None, browser)  # type: ignore[arg-type]
        yield site, things
        for context in browser.contexts:
            context.close()
        server.shutdown()
        server.server_close()


def test_no_page_in_any_state_has_a_fault(clinic: tuple[Site, stage.Things]):
    site, things = clinic
    rooms: dict[str, Page] = {}
    found: dict[str, list[str]] = {}
    for shown in PAGES:
        site.said.clear()
        page = rooms[shown.who] if shown.who in rooms else _room(site, shown.who, things)
        if shown.who:
            rooms[shown.who] = page
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        page.emulate_media(color_scheme="light")
        faults = _looked_at(page, site, shown, things)
        faults += [said for said in site.said if not shown.may_say(said)]
        if not shown.who:
            page.context.close()
        if faults:
            found[shown.name] = list(dict.fromkeys(faults))
    assert found == {}


def _room(site: Site, who: str, things: stage.Things) -> Page:
    """A window in which somebody of that role has signed in; for nobody, one that is closed afterwards."""
    page = site.window(reduced_motion="reduce")  # colours change at once
    page.route(
        "**/broken/",
        lambda route: route.fulfill(status=500, content_type="text/html", body=render_to_string("500.html")),
    )
    if who:
        sign_in(page, site.url, who, things["password"] if who == "operator" else demo_password())
    return page


def _looked_at(page: Page, site: Site, shown: Shown, things: stage.Things) -> list[str]:
    """Opened once; colours and width change under it, as on a screen that is turned."""
    status = go(page, site.url, shown, things)
    faults = [] if status == shown.says else [f"answered {status}, not {shown.says}"]
    faults += look.accessible(page) + look.fits(page)
    page.emulate_media(color_scheme="dark")
    faults += look.accessible(page, look.COLOURS)
    if not shown.is_wide:
        page.set_viewport_size(TABLET)  # type: ignore[arg-type]
        faults += look.fits(page)
    return faults
