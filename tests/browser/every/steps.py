"""What is done on a page before it is looked at: dragging, asking, searching."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.every.shown import Things

WRONG = 5  # passwords, until a name waits


def _box(place: Locator) -> tuple[float, float, float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def _drag(page: Page, things: Things, *, minutes: int) -> None:
    """The first of the two visits of the quiet day, into the other's chair; the board shows ten hours."""
    taken = page.locator(f'[data-visit="{things["taken"]}"]')
    expect(taken).to_be_visible()
    row = page.locator(".lane", has=taken)
    x, y, _width, height = _box(page.locator(f'[data-visit="{things["mover"]}"]'))
    left, _top, whole, _height = _box(row)
    name = _box(row.locator(".chair"))[2]
    _left, top, _whole, tall = _box(row)
    page.mouse.move(x + 12, y + height / 2)
    page.mouse.down()
    page.mouse.move(x + 20, y + height / 2)
    page.mouse.move(x + 12 + (whole - name) * minutes / 600, top + tall / 2, steps=4)
    assert left < x


def carried(page: Page, things: Things) -> None:
    _drag(page, things, minutes=110)
    expect(page.locator(".ghost")).to_be_visible()
    expect(page.locator(".nofit").first).to_be_attached()


def refused(page: Page, things: Things) -> None:
    _drag(page, things, minutes=180)
    page.mouse.up()
    expect(page.get_by_role("alertdialog").locator(".option").first).to_be_visible()


def swap_asked(page: Page, things: Things) -> None:
    _drag(page, things, minutes=245)
    page.mouse.up()
    expect(page.get_by_role("alertdialog")).to_contain_text("change places?")


def why_not(page: Page, things: Things) -> None:
    taken = page.locator(f'[data-visit="{things["taken"]}"]')
    expect(taken).to_be_visible()
    x, y, _width, _height = _box(taken)
    page.mouse.click(x - 40, y + 6, button="right")
    spot = page.get_by_role("alertdialog", name="Why not here?")
    expect(spot).to_be_visible()
    spot.get_by_label("For").select_option(label="Rescue infusion, standard")
    expect(spot.locator(".option").first).to_be_visible()


def keys(page: Page, things: Things) -> None:
    page.keyboard.press("?")
    expect(page.locator("#key-table")).to_be_visible()


def book_here(page: Page, things: Things) -> None:
    """A free hour is clicked; the place is held while the form is filled in."""
    page.locator("a.free").nth(40).click(position={"x": 2, "y": 4})
    expect(page.get_by_label("Name, MRN or birth date")).to_be_visible()
    page.get_by_label("Name, MRN or birth date").fill("an")
    expect(page.get_by_role("button", name="Find").or_(page.locator(".option")).first).to_be_visible()


def snoozing(page: Page, things: Things) -> None:
    """One thing is opened, with what would work, and its snooze."""
    page.locator(".work-title").nth(2).click()
    expect(page.locator(".work.is-open")).to_be_visible()


def wrong_password(page: Page, things: Things) -> None:
    _try(page, "front-desk")


def locked_out(page: Page, things: Things) -> None:
    for _number in range(WRONG):
        _try(page, "operator")


def code_asked(page: Page, things: Things) -> None:
    _try(page, "careful", things["password"])


def _try(page: Page, name: str, password: str = "not it") -> None:
    page.fill("#username", name)
    page.fill("#password", password)
    with page.expect_navigation(wait_until="load"):
        page.click("main button")
