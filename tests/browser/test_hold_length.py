"""Beside the board: what is chosen says how long the place is held, at once and without losing one's place."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from scheduler.models import Appointment
from tests.browser.conftest import Site
from tests.browser.test_board import DAY, lane, person
from tests.browser.test_first_pages import check


def test_a_longer_protocol_is_held_as_soon_as_it_is_chosen_and_the_focus_stays(site: Site):
    person(site, "Katalin", "Szabo")
    page = site.page("front-desk", path=DAY)
    page.wait_for_load_state("load")
    lane(page, site, 1).locator('a.free[href*="13%3A00"]').click(position={"x": 2, "y": 4})
    panel = page.get_by_role("complementary", name="Book a visit")
    expect(panel).to_contain_text("30 min of treatment")
    page.get_by_label("Name, MRN or birth date").press_sequentially("sza")
    page.get_by_role("button", name=re.compile("Szabo, Katalin")).click()
    what = panel.get_by_label("What")
    expect(what).to_have_value("")
    what.select_option(f"protocol:{site.clinic.rescue.pk}")
    minutes = site.clinic.rescue.spec().lengths(1).treatment
    expect(panel).to_contain_text(f"{minutes} min of treatment")
    expect(panel.get_by_label("What")).to_be_focused()
    expect(panel.get_by_label("What")).to_have_value(f"protocol:{site.clinic.rescue.pk}")
    held = Appointment.objects.get(status="pending")
    assert held.end - held.start == timedelta(minutes=minutes)


def test_where_there_is_less_room_the_panel_says_so_and_keeps_the_shorter_hold(site: Site):
    person(site, "Katalin", "Szabo")
    site.clinic.book("2026-11-25T14:10-05:00", chair=1)
    page = site.page("front-desk", path=DAY)
    page.wait_for_load_state("load")
    lane(page, site, 1).locator('a.free[href*="13%3A00"]').click(position={"x": 2, "y": 4})
    panel = page.get_by_role("complementary", name="Book a visit")
    page.get_by_label("Name, MRN or birth date").press_sequentially("sza")
    page.get_by_role("button", name=re.compile("Szabo, Katalin")).click()
    panel.get_by_label("What").select_option(f"protocol:{site.clinic.rescue.pk}")
    expect(panel.get_by_role("alert")).to_contain_text("Not as long as this takes at 13:00")
    expect(panel).to_contain_text("What would work")
    expect(panel).to_contain_text("30 min of treatment")
    check(page, "no room for what was chosen")
