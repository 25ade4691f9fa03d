"""The desk's pages with JavaScript off: booking, the course wizard, closing and the worklist, each to the end."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from scheduler.models import Appointment, Closure, Course, Patient
from tests.browser.conftest import Site
from tests.browser.test_desk_journeys import due
from tests.browser.test_first_pages import katalin


@pytest.fixture
def plain(site: Site) -> Page:
    """A manager's browser that runs no script."""
    katalin(site)
    return site.page("manager", path="/patients/", java_script_enabled=False)


def find(page: Page) -> None:
    page.get_by_label("Name, MRN, birth date or phone").fill("szab")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.get_by_role("heading", name="Katalin Szabó")).to_be_visible()


def test_a_due_visit_is_booked_by_form(site: Site, plain: Page):
    patient = Patient.objects.get()
    due(site, patient)
    find(plain)
    plain.get_by_role("link", name="Book a visit").click()
    expect(plain.get_by_role("heading", name="Places, best first")).to_be_visible()
    plain.get_by_role("button", name=re.compile("^Wed 25 Nov")).first.click()
    expect(plain.locator(".panel .panel-name")).to_contain_text("Katalin Szabó")
    assert Appointment.objects.get(patient=patient).status == "booked"


def test_a_place_of_the_board_is_booked_by_form_or_refused_with_what_works(site: Site, plain: Page):
    site.clinic.book("2026-11-25T13:00-05:00", chair=1)
    plain.goto(f"{site.url}/board/day/2026-11-25/")
    lane = plain.locator(f'.lane[data-chair="{site.clinic.chairs[1].pk}"]')
    lane.locator('a.free[href*="T12%3A00"]').click(position={"x": 2, "y": 4})
    plain.get_by_label("Name, MRN or birth date").fill("szab")
    plain.get_by_role("button", name="Find", exact=True).click()
    plain.get_by_role("button", name=re.compile("Szabó, Katalin")).click()
    plain.get_by_label("What").select_option(label="Rescue infusion, standard")
    plain.get_by_role("button", name=re.compile("^Book Wed 25 Nov")).click()
    expect(plain.get_by_role("alert")).to_contain_text("Chair 2 is taken")
    plain.locator(".option").first.click()
    expect(plain.locator(".panel .panel-name")).to_contain_text("Katalin Szabó")


def test_a_course_is_started_with_one_visit_changed_by_form(site: Site, plain: Page):
    find(plain)
    plain.get_by_role("link", name="Start a course").click()
    plain.get_by_label("Protocol", exact=True).select_option(label="Eptinezumab, every 3 months")
    plain.get_by_label("First treatment on").fill("2026-11-30")
    plain.get_by_label("at", exact=True).fill("10:00")
    plain.get_by_role("button", name="Show the visits").click()
    plain.get_by_role("button", name="Change visit 2").click()
    plain.get_by_label("Or on").fill("2027-03-02")
    plain.get_by_role("button", name="Check this time").click()
    expect(plain.locator(".visit").nth(1)).to_contain_text("Tue 2 Mar 2027, 10:00")
    plain.get_by_role("button", name="Book 4 visits").click()
    expect(plain.get_by_role("link", name="Tue 2 Mar 2027, 10:00")).to_be_visible()
    assert Course.objects.count() == 1


def test_a_chair_is_closed_and_opened_again_by_form(site: Site, plain: Page):
    site.clinic.book("2026-11-25T13:00-05:00", patient=Patient.objects.get())
    plain.goto(f"{site.url}/board/day/2026-11-25/")
    plain.get_by_role("link", name="Chair 1", exact=True).click()
    plain.get_by_label("Why").fill("Armrest broken")
    plain.get_by_role("button", name="Show who is affected").click()
    expect(plain.get_by_text("1 visit has a new place")).to_be_visible()
    plain.get_by_role("button", name="Save, and move who is ticked").click()
    expect(plain.get_by_role("status")).to_contain_text("chair 1 is closed")
    assert Appointment.objects.get().chair != site.clinic.chairs[0]
    plain.get_by_role("button", name=re.compile("^Open again")).click()
    expect(plain.get_by_text("Nothing is closed.")).to_be_visible()
    assert not Closure.objects.exists()


def test_the_worklist_is_worked_by_form(site: Site, plain: Page):
    late = site.clinic.book("2026-11-24T10:20-05:00", patient=Patient.objects.get())
    plain.goto(f"{site.url}/worklist/")
    plain.get_by_role("button", name="Claim").click()
    expect(plain.locator(".work.is-open")).to_contain_text("Katalin Szabó has not come")
    plain.get_by_role("button", name="Arrived").click()
    expect(plain.get_by_text("Katalin Szabó has not come")).to_have_count(0)
    late.refresh_from_db()
    assert late.status == "arrived"
