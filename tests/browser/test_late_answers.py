"""What a page asked for before something was done here, and hears after it, is older than what it shows: it is left."""

from __future__ import annotations

import re

from playwright.sync_api import APIResponse, Page, Route, expect

from tests import factories as make
from tests.browser.conftest import Site

DAY = "/board/day/2026-11-25/"
FLOOR = "/floor/day/"


class Held:
    """The first answer to such a question of the page: made when it was asked for, kept back until `let_go`."""

    def __init__(self, page: Page, path: str, *, is_reading: bool) -> None:
        self._held: tuple[Route, APIResponse] | None = None
        self._is_reading, self._page = is_reading, page
        page.route(re.compile(re.escape(path) + r"(\?.*)?$"), self._hold)

    def _hold(self, route: Route) -> None:
        asked = route.request
        is_reading = asked.method == "GET" and asked.header_value("x-requested-with") == "fetch"
        if self._held is None and (is_reading if self._is_reading else asked.method == "POST"):
            self._held = route, route.fetch(max_redirects=20 if self._is_reading else 0)
        else:
            route.continue_()

    def wait(self) -> None:
        for _ in range(600):
            if self._held is not None:
                return
            self._page.wait_for_timeout(50)
        raise AssertionError("the page did not ask")

    def let_go(self) -> None:
        assert self._held is not None
        route, answer = self._held
        route.fulfill(response=answer)


def keep_an_eye_on(page: Page, wrong: str) -> None:
    """Notes whether that is so from now on, for a moment only too; `wrong` is an expression of the page."""
    page.evaluate(
        """() => {
            window.wentWrong = false;
            new MutationObserver(() => { window.wentWrong ||= wrong(); })
                .observe(document.body, { childList: true, subtree: true });
        }""".replace("wrong()", f"Boolean({wrong})")
    )


def test_a_late_board_does_not_close_the_panel_of_what_was_just_booked(site: Site):
    make.make_patient(site.clinic.center, first_name="Katalin", last_name="Szabo", search_text="szabo katalin")
    page = site.page("front-desk", path=DAY)
    page.locator('.lane a.free[href*="13%3A00"]').nth(1).click(position={"x": 2, "y": 4})
    panel = page.get_by_role("complementary", name="Book a visit")
    panel.get_by_label("Name, MRN or birth date").press_sequentially("sza")
    panel.get_by_role("button", name=re.compile("Szabo, Katalin")).click()
    panel.get_by_label("What").select_option(index=1)
    # Booked, but not answered; the open board hears of it and reads itself, without the panel. Then the answers cross.
    booking = Held(page, "/book/", is_reading=False)
    reading = Held(page, DAY, is_reading=True)
    panel.get_by_role("button", name=re.compile("^Book Wed 25 Nov, 13:00")).click()
    booking.wait()
    reading.wait()
    booking.let_go()
    expect(page.locator(".panel .panel-name")).to_contain_text("Katalin Szabo")
    keep_an_eye_on(page, "!document.querySelector('.panel .panel-name')")
    reading.let_go()
    site.clinic.book("2026-11-25T09:00-05:00")
    expect(page.locator(".appt")).to_have_count(2)
    assert page.evaluate("window.wentWrong") is False


def test_a_late_floor_does_not_take_back_what_was_just_tapped(site: Site):
    visit = site.clinic.book("2026-11-24T11:30-05:00")
    page = site.page("nurse", path=f"{FLOOR}?visit={visit.pk}")
    arrived = page.locator(".floor-foot").get_by_role("button", name="Arrived")
    expect(arrived).to_be_visible()
    reading = Held(page, FLOOR, is_reading=True)
    site.clinic.book("2026-11-24T14:00-05:00", chair=1)
    reading.wait()
    arrived.click()
    check_in = page.locator(".floor-foot").get_by_role("button", name="Check in")
    expect(check_in).to_be_visible()
    keep_an_eye_on(page, "document.querySelector('.floor-foot .is-primary')?.textContent.includes('Arrived')")
    reading.let_go()
    site.clinic.book("2026-11-24T15:30-05:00", chair=2)
    expect(page.locator(".floor-list")).to_contain_text("Chair 3")
    assert page.evaluate("window.wentWrong") is False
