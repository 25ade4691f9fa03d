"""Who watches whom in a real browser: by mouse, by finger, by keys alone; a silent console, and nothing axe
objects to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from scheduler.domain.permissions import NURSE
from scheduler.models import Assignment, Nurse, Shift
from tests import factories as make
from tests.browser.conftest import Site
from tests.browser.keyboard import reach
from tests.browser.test_first_pages import RULES
from tests.factories import utc

PAGE = "/assign/day/2026-11-24/"
TABLET = {"viewport": {"width": 1024, "height": 768}, "has_touch": True}
SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def shared(site: Site) -> Site:
    """Mara and Ines are there; Hedda and Carys have no nurse yet."""
    for name in ("Mara", "Ines"):
        Shift.objects.create(
            nurse=site.clinic.center.nurses.create(name=name), unit=site.clinic.day,
            starts_at=utc("2026-11-24T08:00-05:00"), ends_at=utc("2026-11-24T18:00-05:00"),
        )  # fmt: skip
    for chair, (first, last) in enumerate((("Hedda", "Lund"), ("Carys", "Bevan"))):
        patient = make.make_patient(site.clinic.center, first_name=first, last_name=last)
        site.clinic.book("2026-11-24T13:00-05:00", chair=chair, patient=patient)
    return site


def column(page: Page, name: str):
    return page.locator(f'.column[data-name="{name}"]')


def held_by(name: str) -> list[str]:
    rows = Assignment.objects.filter(nurse__name=name).select_related("appointment__patient")
    return [row.appointment.patient.first_name for row in rows if row.appointment.patient is not None]


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def test_a_card_is_dragged_to_a_nurse_and_back_by_mouse(shared: Site) -> None:
    page = shared.page(NURSE, path=PAGE)
    for name in ("Mara", "nobody"):
        grip = page.get_by_role("button", name="Move Hedda Lund").bounding_box()
        there = column(page, name).bounding_box()
        assert grip is not None
        assert there is not None
        page.mouse.move(grip["x"] + 20, grip["y"] + 20)
        page.mouse.down()
        page.mouse.move(there["x"] + 60, there["y"] + 120, steps=5)
        expect(page.locator(".column.is-target")).to_have_attribute("data-name", name)
        page.mouse.up()
        expect(column(page, name).get_by_text("Hedda Lund")).to_be_visible()
        assert held_by("Mara") == (["Hedda"] if name == "Mara" else [])


def test_by_keys_alone_a_card_is_lifted_carried_and_given(shared: Site) -> None:
    page = shared.page(NURSE, path=PAGE)
    reach(page, "Move Hedda Lund")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    said = page.locator("[data-said]")
    expect(said).to_have_text("Hedda Lund: to Ines. Enter gives her, Escape leaves all as it was.")
    page.keyboard.press("Escape")
    expect(said).to_have_text("Nothing changed.")
    page.keyboard.press(" ")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(column(page, "Mara").get_by_text("Hedda Lund")).to_be_visible()
    expect(page.get_by_role("button", name="Move Hedda Lund")).to_be_focused()
    assert held_by("Mara") == ["Hedda"]


def test_on_a_tablet_by_finger_every_target_is_large_and_a_suggestion_is_accepted(shared: Site) -> None:
    page = shared.page(NURSE, path=PAGE, **TABLET)
    small = page.evaluate(
        """() => [...document.querySelectorAll("main button, main summary, main select, main a.btn")]
            .filter((each) => each.offsetParent && each.getBoundingClientRect().height < 44)
            .map((each) => each.innerText || each.getAttribute("aria-label"))"""
    )
    assert small == []
    touch = page.context.new_cdp_session(page)
    grip = page.get_by_role("button", name="Move Carys Bevan").bounding_box()
    there = column(page, "Ines").bounding_box()
    assert grip is not None
    assert there is not None
    start, end = (grip["x"] + 20, grip["y"] + 20), (there["x"] + 60, there["y"] + 120)
    for kind, points in (("touchStart", [start]), ("touchMove", [end]), ("touchMove", [end]), ("touchEnd", [])):
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": round(x), "y": round(y)} for x, y in points]},
        )
    expect(column(page, "Ines").get_by_text("Carys Bevan")).to_be_visible()
    page.get_by_role("link", name="Suggest", exact=True).click()
    expect(page.get_by_text("Ines 1 patient, Mara 1 patient")).to_be_visible()
    page.get_by_role("button", name="Accept").click()
    expect(column(page, "Mara").get_by_text("Hedda Lund")).to_be_visible()
    assert (held_by("Mara"), held_by("Ines")) == (["Hedda"], ["Carys"])


def test_without_scripts_the_form_gives_her(shared: Site) -> None:
    page = shared.page(NURSE, path=PAGE, java_script_enabled=False)
    assert page.locator(".grip:visible").count() == 0
    card = page.locator(".who-card", has_text="Hedda Lund")
    card.locator("summary").click()
    card.locator("select").select_option("Mara")
    card.get_by_role("button", name="Give", exact=True).click()
    expect(column(page, "Mara").get_by_text("Hedda Lund")).to_be_visible()


def test_without_the_service_nothing_is_done_and_it_says_so(shared: Site) -> None:
    page = shared.page(NURSE, path=PAGE)
    page.route("**/assign/visits/**", lambda route: route.abort("timedout"))
    page.get_by_role("button", name="Move Hedda Lund").focus()
    for key in ("Enter", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("[data-not-done]")).to_contain_text("Not done: the service can’t be reached.")
    expect(column(page, "nobody").get_by_text("Hedda Lund")).to_be_visible()
    assert not Assignment.objects.exists()
    shared.said[:] = [each for each in shared.said if "ERR_TIMED_OUT" not in each]  # the browser's own note of it


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_to_object_to(shared: Site, scheme: str) -> None:
    page = shared.page(NURSE, path=PAGE, color_scheme=scheme)
    me = Nurse.objects.get(name="Mara")
    page.get_by_role("link", name="Suggest", exact=True).click()
    expect(page.get_by_role("button", name="Accept")).to_be_visible()
    shot(page, f"suggested-{scheme}")
    assert Axe().run(page, options={"runOnly": RULES}).response["violations"] == []
    page.get_by_role("button", name="Accept").click()
    column(page, "Mara").locator("summary", has_text="Not here").click()
    page.get_by_role("button", name="Mara is not here").click()
    expect(page.get_by_text("Mara is not there: 1 patient needs another nurse.")).to_be_visible()
    assert not me.shifts.filter(ends_at__gt=utc("2026-11-24T10:43-05:00")).exists()
    shot(page, f"ill-{scheme}")
    assert Axe().run(page, options={"runOnly": RULES}).response["violations"] == []
    page.goto(f"{shared.url}/handover/day/")
    page.get_by_label("What they must know").fill("The pump of chair 2 beeps.")
    page.get_by_role("button", name="Leave the note").click()
    expect(page.get_by_text("The pump of chair 2 beeps.")).to_be_visible()
    assert Axe().run(page, options={"runOnly": RULES}).response["violations"] == []
