"""A nurse is sick at 07:30, by keyboard alone; a chair breaks with people booked in it."""

from __future__ import annotations

import re
from datetime import date

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from scheduler.models import Appointment, Closure, Nurse, Shift, UnitDay
from tests import factories as make
from tests.browser.conftest import Site
from tests.browser.test_first_pages import RULES
from tests.factories import utc

HALF_EIGHT = utc("2026-11-24T07:30-05:00")


@pytest.fixture
def early(site: Site) -> Site:
    """Half past seven on the Tuesday; two nurses on a published day, three visits from nine to eleven."""
    clinic = site.clinic
    UnitDay.objects.update_or_create(unit=clinic.day, date=date(2026, 11, 24), defaults={"shifts_published": True})
    for name in ("Ines Falk", "Jo Lund"):
        Shift.objects.create(
            nurse=Nurse.objects.create(center=clinic.center, name=name),
            unit=clinic.day,
            starts_at=utc("2026-11-24T07:00-05:00"),
            ends_at=utc("2026-11-24T18:00-05:00"),
            patients=2,
            acuity=4,
        )
    for index, when in enumerate(("09:00", "09:30", "10:00")):
        patient = make.make_patient(clinic.center, first_name="Lucille", last_name=f"Abbott {index}")
        clinic.book(f"2026-11-24T{when}-05:00", chair=index, patient=patient)
    return site


def press(page: Page, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def check(page: Page, where: str) -> None:
    found = Axe().run(page, options={"runOnly": RULES})
    assert not found.response["violations"], f"{where}: {found.generate_report()}"


def test_a_nurse_is_sick_at_half_past_seven_by_three_keys(early: Site):
    with time_machine.travel(HALF_EIGHT, tick=True):
        page = early.page("front-desk", path="/board/day/2026-11-24/")
        expect(page.get_by_role("link", name="Chair 1", exact=True)).to_be_visible()
        page.wait_for_load_state()
        actions = ("x", "1", "a")
        press(page, actions[0])
        expect(page.get_by_role("button", name=re.compile("Ines Falk"))).to_be_visible()
        check(page, "the form")
        press(page, actions[1])
        expect(page.get_by_role("heading", name="Without Ines Falk from 07:30?")).to_be_visible()
        expect(page.get_by_text("1 visit has a new place")).to_be_visible()
        check(page, "the preview")
        assert Shift.objects.filter(ends_at=utc("2026-11-24T18:00-05:00")).count() == 2, "nothing is saved yet"
        press(page, actions[2])
        expect(page.get_by_role("status")).to_contain_text("Ines Falk is away.")
        check(page, "what was done")
        assert len(actions) == 3
        assert Shift.objects.get(nurse__name="Ines Falk").ends_at == HALF_EIGHT


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chair_closes_with_who_is_ticked_and_opens_again(early: Site, scheme: str):
    with time_machine.travel(HALF_EIGHT, tick=True):
        page = early.page("front-desk", path="/board/day/2026-11-24/", color_scheme=scheme)
        page.get_by_role("link", name="Chair 1", exact=True).click()
        page.get_by_label("Why").fill("Armrest broken")
        page.get_by_role("button", name="Show who is affected").click()
        expect(page.get_by_text("1 visit has a new place")).to_be_visible()
        check(page, "who is affected")
        page.get_by_label("Move Lucille Abbott 0").uncheck()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Day suite, chair 1 is closed. Nobody was moved.")
        assert Closure.objects.count() == 1
        assert Appointment.objects.filter(chair=early.clinic.chairs[0]).count() == 1
        page.keyboard.press("z")
        expect(page.get_by_text("Nothing is closed.")).to_be_visible()
        assert not Closure.objects.exists()
