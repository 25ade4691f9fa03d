"""The sheet on real paper, the file on a desk computer without any server, and the wall on its big screen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from scheduler.models import SheetPrint
from scheduler.services import attendance, sheet_files
from tests import factories as make
from tests.browser.conftest import Site
from tests.browser.test_first_pages import RULES
from tests.factories import utc
from tests.web.conftest import NOW

A4 = (842, 595)  # points, landscape


@pytest.fixture
def busy(site: Site) -> Site:
    """Twelve visits of the day, some of them over, one with an allergy."""
    for hour in ("08:30", "11:00", "13:30", "16:00"):
        for chair in range(3):
            site.clinic.book(f"2026-11-24T{hour}-05:00", chair=chair)
    patient = make.make_patient(site.clinic.center, last_name="Szabó", allergies="Penicillin: hives")
    seated = site.clinic.arrive(site.clinic.book("2026-11-24T10:25-05:00", chair=1, minutes=15, protocol=None))
    attendance.check_in(actor=site.clinic.actor, appointment=seated, now=NOW)
    attendance.start(actor=site.clinic.actor, appointment=seated, now=NOW)
    site.clinic.arrive(site.clinic.book("2026-11-24T10:25-05:00", chair=0, minutes=15, protocol=None, patient=patient))
    return site


def pages(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of each page, in points."""
    boxes = re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", pdf)
    return [(float(width), float(height)) for width, height in boxes]


def test_a_file_from_the_folder_prints_on_a4_without_any_server(busy: Site, tmp_path: Path, settings: Any) -> None:
    settings.SHEETS_DIR = tmp_path
    sheet_files.write(now=NOW)
    page = busy.window(viewport={"width": 1047, "height": 718}, offline=True)
    page.goto(next(tmp_path.glob("*-day-2026-11-24.html")).as_uri())
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_contain_text("Day sheet, Tue 24 Nov")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator(".allergy")).to_have_text("Penicillin: hives")
    printed = pages(page.pdf(prefer_css_page_size=True))
    assert printed
    assert all((round(width), round(height)) == A4 for width, height in printed)


def test_nothing_on_paper_needs_colour(busy: Site) -> None:
    page = busy.page("nurse", path="/sheet/day/2026-11-24/")
    page.emulate_media(media="print", color_scheme="dark")
    colours = page.evaluate("""() => [...document.querySelectorAll("main *")].flatMap((each) => {
      const style = getComputedStyle(each);
      return [style.color, style.backgroundColor];
    })""")
    grey = re.compile(r"rgba?\((\d+), \1, \1(, [\d.]+)?\)")
    assert {colour for colour in colours if not grey.fullmatch(colour)} == set()
    assert page.locator(".paper-bar").is_hidden()


def test_printing_numbers_the_version_and_the_next_shows_what_changed(busy: Site) -> None:
    page = busy.page("nurse", path="/sheet/day/2026-11-24/")
    page.add_init_script("window.print = () => { window.isPrinted = true; }")
    page.get_by_role("button", name="Print version 1").click()
    page.wait_for_function("() => window.isPrinted")
    assert SheetPrint.objects.get().number == 1
    page.goto(f"{busy.url}/sheet/day/2026-11-24/")
    expect(page.locator(".sheet-changes")).to_contain_text("Changed since version 1 (10:42): nothing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_to_object_to(busy: Site, scheme: str) -> None:
    page = busy.page("nurse", path="/sheet/day/2026-11-24/", color_scheme=scheme)
    for path in ("/sheet/day/2026-11-24/", "/wall/day/"):
        page.goto(f"{busy.url}{path}")
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
        assert found.violations_count == 0, found.generate_report()


class TestTheWall:
    SIZE = {"width": 1920, "height": 1080}

    @pytest.mark.parametrize("chairs", [3, 12, 20])
    def test_it_fits_its_screen_and_nothing_on_it_is_small(self, busy: Site, chairs: int) -> None:
        while busy.clinic.day.chairs.count() < chairs:
            make.make_chair(busy.clinic.day)
        page = busy.page("wall", path="/wall/day/", viewport=self.SIZE)
        expect(page.locator(".wall-chair")).to_have_count(chairs)
        page.wait_for_load_state()  # its style sheets too
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        found = page.evaluate("""() => [...document.querySelectorAll("main *")]
          .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
          .map((each) => [each.textContent.trim(), parseFloat(getComputedStyle(each).fontSize),
            each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== "inline",
            each.getBoundingClientRect().bottom > innerHeight])""")
        assert [each for each in found if each[1] < 30 or each[2] or each[3]] == []
        assert page.locator(".wall-who").first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 48

    def test_it_shows_a_change_by_itself_and_says_when_it_is_old(self, busy: Site) -> None:
        page = busy.page("wall", path="/wall/day/", viewport=self.SIZE)
        expect(page.locator(".wall-side")).to_contain_text("Waiting")
        visit = busy.clinic.arrive(busy.clinic.book("2026-11-24T10:25-05:00", chair=2, minutes=15, protocol=None))
        expect(page.locator(".wall-side .is-here")).to_contain_text(visit.chair.name)
        page.context.set_offline(True)
        busy.said.clear()
        expect(page.locator(".live")).to_have_text("Offline")
        expect(page.locator("#stale")).to_contain_text("Offline. This is as of 10:42", timeout=40_000)
        page.context.set_offline(False)
        expect(page.locator(".live")).to_have_text("Live", timeout=20_000)
        expect(page.locator("#stale")).to_be_hidden()
        busy.said.clear()  # the browser's own lines about being offline

    def test_it_dims_at_nine_while_nobody_answers(self, busy: Site) -> None:
        page = busy.window(viewport=self.SIZE)
        page.clock.install(time=utc("2026-11-24T20:58-05:00"))
        user = make.make_user(busy.clinic.center, "wall")
        page.goto(f"{busy.url}/sign-in/?next=/wall/day/")
        page.fill("#username", user.username)
        page.fill("#password", "pass-for-tests")
        with page.expect_response(lambda answer: "/version/" in answer.url):
            page.click("main button")
        page.context.set_offline(True)
        expect(page.locator("body")).not_to_have_class(re.compile("is-night"))
        page.clock.run_for(3 * 60_000)
        expect(page.locator("body")).to_have_class(re.compile("is-night"))
        page.context.close()
        busy.said.clear()  # the browser's own lines about being offline

    def test_it_shows_nobody_once_it_may_not(self, busy: Site) -> None:
        page = busy.page("wall", path="/wall/day/", viewport=self.SIZE)
        expect(page.locator(".wall-side")).to_contain_text("Waiting")
        busy.clinic.center.memberships.filter(role="wall").update(role="auditor")
        expect(page.locator("h1")).to_have_text("Sign in", timeout=80_000)
