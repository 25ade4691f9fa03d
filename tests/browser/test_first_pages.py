"""The main job through a real browser: nothing on the console, no policy violated, nothing axe objects to."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from scheduler.models import Appointment, Course
from tests import factories as make
from tests.browser.conftest import Site, is_at

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def katalin(site: Site):
    return make.make_patient(
        site.clinic.center, first_name="Katalin", last_name="Szabó", search_text="szabo katalin", email="k@example.org"
    )


def test_receive_a_patient_and_undo(site: Site):
    visit = site.clinic.book("2026-11-24T11:30-05:00", patient=katalin(site))
    page = site.page("front-desk")
    page.get_by_role("link", name=re.compile("Szabó")).click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_role("heading", name="Katalin Szabó")).to_be_visible()
    panel.get_by_role("button", name="Arrived").click()
    expect(page.locator(".panel .chip")).to_contain_text("Waiting")
    expect(page.locator(".toast")).to_contain_text("Katalin Szabó has arrived")
    page.wait_for_load_state("load")
    page.keyboard.press("z")
    expect(page.locator(".panel .chip")).to_contain_text("Booked")
    visit.refresh_from_db()
    assert visit.status == "booked"


def test_book_by_form_from_a_free_hour_of_the_board(site: Site):
    katalin(site)
    page = site.page("front-desk", path="/board/day/2026-11-25/")
    page.locator('a.free[href*="13%3A00"]').nth(1).click(position={"x": 2, "y": 4})
    page.get_by_label("Name, MRN or birth date").fill("szab")
    page.get_by_role("button", name=re.compile("Szabó, Katalin")).click()
    page.get_by_label("What").select_option(label="Rescue infusion, standard")
    page.get_by_role("button", name="Book Wed 25 Nov, 13:00, chair 2").click()
    expect(page).to_have_url(re.compile(r"/board/day/2026-11-25/\?visit=\d+$"))
    expect(page.locator(".panel-time")).to_contain_text("13:00")
    assert "szab" not in page.url.lower()


def test_a_refusal_opens_at_the_spot_and_a_number_key_takes_the_way_out(site: Site):
    site.clinic.book("2026-11-25T13:00-05:00", chair=1)
    patient = katalin(site)
    page = site.page("front-desk", path="/patients/")
    page.goto(f"{site.url}/book/?patient={patient.pk}&chair={site.clinic.chairs[1].pk}&at=2026-11-25T13:00-05:00")
    page.get_by_label("What").select_option(label="Rescue infusion, standard")
    page.get_by_role("button", name=re.compile("^Book Wed 25 Nov")).click()
    expect(page.get_by_role("alert")).to_contain_text("Chair 2 is taken")
    page.wait_for_load_state("load")
    page.keyboard.press("1")
    expect(page).to_have_url(re.compile(r"\?visit=\d+$"))
    assert Appointment.objects.filter(patient=patient).count() == 1


def test_start_a_course_look_at_it_and_book_it(site: Site):
    patient = katalin(site)
    page = site.page("front-desk", path=f"/patients/{patient.pk}/")
    page.get_by_role("link", name="Start a course").click()
    page.get_by_label("Protocol", exact=True).select_option(label="Eptinezumab, every 3 months")
    page.get_by_label("First treatment on").fill("2026-11-30")
    page.get_by_label("at", exact=True).fill("10:00")
    page.get_by_role("button", name="Show the visits").click()
    expect(page.get_by_text("Mon 1 Mar 2027, 10:00")).to_be_visible()
    check(page, "the preview")
    assert not Course.objects.exists()
    page.get_by_role("button", name="Book 4 visits").click()
    expect(page.get_by_role("row")).to_have_count(5)
    page.get_by_role("link", name="Mon 30 Nov, 10:00").click()
    expect(page.locator(".appt.is-picked")).to_contain_text("Szabó")


def test_the_board_works_without_javascript(site: Site):
    visit = site.clinic.book("2026-11-24T11:30-05:00", patient=katalin(site))
    page = site.page("nurse", java_script_enabled=False)
    page.locator(".appt-hit").click()
    page.locator(".panel").get_by_role("button", name="Arrived").click()
    page.locator(".panel").get_by_role("button", name="Check in").click()
    page.locator(".panel").get_by_role("button", name="Start treatment").click()
    expect(page.locator(".panel .chip")).to_contain_text("Infusing")
    visit.refresh_from_db()
    assert visit.phase == "infusing"


def test_the_open_board_shows_what_others_do(site: Site):
    page = site.page("front-desk", path="/board/day/2026-11-25/")
    expect(page.locator(".appt")).to_have_count(0)
    site.clinic.book("2026-11-25T13:00-05:00", patient=katalin(site))
    expect(page.locator(".appt")).to_contain_text("Szabó", timeout=15_000)
    expect(page.locator(".live")).to_have_text("Live")


def test_keys_go_places_and_arrows_walk(site: Site):
    for chair in range(2):
        site.clinic.book("2026-11-25T13:00-05:00", chair=chair)
    page = site.page("front-desk", path="/board/day/2026-11-25/")
    page.locator(".appt-hit").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".appt-hit").nth(1)).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Find a patient")).to_be_focused()
    page.keyboard.type("n")
    is_at(page, re.compile("/board/day/2026-11-25/"))
    page.get_by_label("Find a patient").blur()
    page.keyboard.press("]")
    is_at(page, re.compile("/board/day/2026-11-26/"))
    page.keyboard.press("t")
    is_at(page, re.compile("/board/day/2026-11-24/"))
    page.keyboard.press("u")
    is_at(page, re.compile("/board/suite-24/2026-11-24/"))
    page.keyboard.press("n")
    is_at(page, re.compile("/book/"))
    page.get_by_role("heading", name="Book a visit").click()
    page.keyboard.press("g")
    page.keyboard.press("w")
    is_at(page, re.compile("/worklist/"))


def test_a_day_of_eighteen_chairs_is_seen_at_once(site: Site):
    for _ in range(15):
        make.make_chair(site.clinic.day)
    page = site.page(path="/board/day/2026-11-25/")
    assert page.locator(".lane").count() == 18
    assert page.evaluate("document.documentElement.scrollHeight") <= 900
    foot = page.locator(".foot").bounding_box()
    assert foot is not None
    assert foot["y"] + foot["height"] <= 900


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_gives_axe_reason_to_object(site: Site, scheme: str):
    patient = katalin(site)
    late = site.clinic.book("2026-11-24T10:30-05:00", patient=patient)
    page = site.page("manager", color_scheme=scheme)
    day = "/board/day/2026-11-24/"
    for path in (
        day,
        f"{day}?visit={late.pk}",
        f"{day}?visit={late.pk}&ask=cancel",
        "/board/suite-24/2026-11-01/",
        f"/book/?patient={patient.pk}",
        f"/appointments/{late.pk}/move/",
        "/patients/",
        "/patients/new/",
        f"/patients/{patient.pk}/",
        f"/patients/{patient.pk}/course/",
        "/worklist/",
    ):
        page.goto(site.url + path)
        check(page, path)


def check(page: Page, what: str) -> None:
    """No violation, and nothing to scroll to sideways."""
    found = Axe().run(page, options={"runOnly": RULES})
    said = [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found.response["violations"]]
    assert said == [], what
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), what
