"""Names as no form expects them, on real pages: nothing reaches out of its place, and no page scrolls sideways."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import factories as make
from tests.browser.conftest import Site, is_at

SHOTS = os.environ.get("SHOTS", "")
NAMES = {
    "long": "W" * 200,
    "rtl": "محمد عبد الله بن عبد الرحمن العبدالله",
    "marks": "Z" + "\u0301\u0322\u030a\u0316" * 40 + "oë \u202eSzabó",
}
DESK, TABLET = {"width": 1440, "height": 900}, {"width": 1024, "height": 768}


@pytest.fixture(params=NAMES)
def site_with(site: Site, request: pytest.FixtureRequest) -> tuple[Site, str, int]:
    """Her name is all that is written about her, in two visits of today and among those who are found."""
    clinic, name = site.clinic, NAMES[request.param]
    values = {"first_name": name, "last_name": name, "allergies": name[:200], "needs": name[:200], "desk_notes": name}
    patient = make.make_patient(clinic.center, mrn="K-17", search_text="k", email="k@example.org", **values)
    make.make_patient(clinic.center, mrn="K-18", search_text="k", **values)
    clinic.arrive(clinic.book("2026-11-24T10:30-05:00", patient=patient))
    clinic.book("2026-11-24T15:00-05:00", chair=1, patient=patient, protocol=None, minutes=15)
    clinic.book("2026-11-25T10:00-05:00", patient=patient)
    return site, request.param, patient.pk


def look(page: Page, site: Site, path: str, name: str, marker: str) -> None:
    """At the desk's and the tablet's width; a picture of each where they are asked for."""
    for width, size in (("desk", DESK), ("tablet", TABLET)):
        page.set_viewport_size(size)
        page.goto(f"{site.url}{path}")
        is_at(page, f"{site.url}{path}")
        expect(page.locator(marker).first).to_be_visible()
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"odd-{name}-{path.strip('/').replace('/', '-')}-{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, name, width)


def test_no_page_scrolls_sideways_whatever_somebody_is_called(site_with):
    site, name, patient = site_with
    page = site.page()
    day = site.clinic.day.code
    for path, marker in (
        (f"/board/{day}/2026-11-24/", "[data-visit]"),
        (f"/floor/{day}/", "main"),
        (f"/patients/{patient}/", "main h1"),
        ("/worklist/", "main h1"),
        (f"/sheet/{day}/2026-11-24/", "main"),
        (f"/book/?patient={patient}", "main h1"),
        (f"/patients/{patient}/merge/", "main h1"),
    ):
        look(page, site, path, name, marker)
