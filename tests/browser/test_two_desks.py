"""Two desks at once, each with a browser of its own: what one does the other sees, with the live channel and without;
what was overtaken is refused and explained. How long it takes is measured in tests/faults/test_two_screens.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scheduler.models import Appointment
from tests.browser.desks import CUT, STREAM, Desks, two_desks

# No clock of the page runs, so that it asks for nothing by itself: what comes came because the stream said so.
ONLY_THE_STREAM = """() => {
  window.setInterval = () => 0;
  window.heard = 0;
  const Source = window.EventSource;
  window.EventSource = class extends Source {
    constructor(url) {
      super(url);
      this.addEventListener("message", () => { window.heard += 1; });
    }
  };
}"""


@pytest.fixture
def desks(web_server: Callable[..., Any], browser: Browser) -> Iterator[Desks]:
    with two_desks(web_server(), browser) as both:
        yield both


def block(page: Page, visit: Appointment | int) -> Locator:
    return page.locator(f'[data-visit="{visit if isinstance(visit, int) else visit.pk}"]')


def lane(page: Page, desks: Desks, chair: int) -> Locator:
    return page.locator(f'.lane[data-chair="{desks.clinic.chairs[chair].pk}"]')


def drag(page: Page, hit: Locator, to: Locator) -> None:
    """Straight up or down into another chair's row; left hanging until `page.mouse.up()`."""
    hit.hover(position={"x": 12, "y": 6})
    page.mouse.down()
    to.hover(position={"x": 700, "y": 6}, force=True)
    page.mouse.move(700, 300, steps=2)
    to.hover(position={"x": 600, "y": 6}, force=True)
    expect(page.locator(".ghost")).to_be_attached()


def test_a_booking_is_on_the_other_desks_screen_because_the_stream_said_so(desks: Desks):
    context = desks.window()
    context.add_init_script(f"({ONLY_THE_STREAM})()")
    asked: list[str] = []
    watching = desks.watch(context)
    watching.on("request", lambda request: asked.append(request.url))
    expect(watching.locator(".appt")).to_have_count(0)
    patient = desks.patient("Katalin", "Szabo")
    visit = desks.book_in(desks.window().new_page(), patient, 13, chair=1)
    expect(lane(watching, desks, 1).locator(f'[data-visit="{visit}"]')).to_contain_text("Szabo")
    assert watching.evaluate("window.heard") >= 1
    assert [url for url in asked if url.endswith("/version/")], "it asked only after it had heard"
    expect(watching.locator(".live")).to_have_text("Live")


def test_without_the_live_channel_a_booking_is_on_the_other_desks_screen_within_fifteen_seconds(desks: Desks):
    context = desks.window()
    cut: list[str] = []

    def abort(route: Any) -> None:
        cut.append(route.request.url)
        route.abort()

    context.route(STREAM, abort)
    watching = desks.watch(context)
    visit = desks.book_in(desks.window().new_page(), desks.patient("Katalin", "Szabo"), 13)
    expect(block(watching, visit)).to_contain_text("Szabo", timeout=CUT * 1000)
    expect(watching.locator(".live")).to_have_text("Live")
    assert cut, "the page had no stream"


def test_a_stale_drag_of_another_desk_is_refused_and_explained_and_nothing_is_lost(desks: Desks):
    visit = desks.book(desks.patient("Eva", "Novak"), 9)
    first, second = desks.watch(), desks.watch()
    drag(second, block(second, visit), lane(second, desks, 1))
    block(first, visit).focus()
    for key in ("m", "ArrowDown", "ArrowDown", "Enter"):
        first.keyboard.press(key)
    expect(lane(first, desks, 2).locator(f'[data-visit="{visit.pk}"]')).to_be_focused()
    expect(second.locator(".ghost")).to_be_attached()  # nothing moves under a hand
    second.mouse.up()
    spot = second.get_by_role("alertdialog")
    expect(spot).to_contain_text("Now: ")
    expect(spot).to_contain_text("chair 3")
    expect(lane(second, desks, 2).locator(f'[data-visit="{visit.pk}"]')).to_be_visible()
    visit.refresh_from_db()
    assert visit.chair == desks.clinic.chairs[2]


def test_of_two_desks_that_book_one_place_the_second_hears_who_has_it_and_takes_another_by_a_key(desks: Desks):
    first, second = desks.window().new_page(), desks.window().new_page()
    eva, ute = desks.patient("Eva", "Novak"), desks.patient("Ute", "Hartmann")
    place = f"chair={desks.clinic.chairs[0].pk}&at={desks.at(9).isoformat()}".replace("+", "%2B")
    second.goto(f"{desks.url}/book/?patient={ute.pk}&{place}")
    second.get_by_label("What").select_option(label="Minutes, as given")
    desks.book_in(first, eva, 9)
    second.get_by_role("button", name=re.compile("^Book ")).click()
    expect(second.get_by_role("alert")).to_contain_text("Chair 1 is taken")
    second.wait_for_load_state("load")
    second.keyboard.press("1")
    expect(second.locator(".panel .panel-name")).to_contain_text("Ute Hartmann")
    assert Appointment.objects.filter(status="booked").count() == 2


def test_a_move_undone_at_one_desk_is_undone_on_the_others_screen(desks: Desks):
    visit = desks.book(desks.patient("Eva", "Novak"), 9)
    first, second = desks.watch(), desks.watch()
    block(first, visit).focus()
    for key in ("m", "ArrowDown", "Enter"):
        first.keyboard.press(key)
    expect(lane(second, desks, 1).locator(f'[data-visit="{visit.pk}"]')).to_be_visible()
    expect(lane(first, desks, 1).locator(f'[data-visit="{visit.pk}"]')).to_be_focused()
    with first.expect_navigation():
        first.keyboard.press("z")
    expect(lane(second, desks, 0).locator(f'[data-visit="{visit.pk}"]')).to_be_visible()
