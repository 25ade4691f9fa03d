"""What the desk does all day, by keyboard alone, with the number of actions that it takes: see keyboard.Hands."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from scheduler.models import Appointment, Course, Patient
from scheduler.queries.course_request import CourseRequest
from scheduler.services import courses, worklist
from scheduler.services.placing import place_visit
from tests import factories as make
from tests.browser.conftest import Site, is_at
from tests.browser.keyboard import Hands, reach
from tests.browser.test_first_pages import check, katalin
from tests.factories import utc
from tests.web.conftest import EARLY, NOW

BOARD = "/board/day/2026-11-25/"
ON_BOARD = re.compile(r"/board/day/2026-1\d-\d\d/\?visit=\d+$")


def due(site: Site, patient: Patient, *, start: str = "2026-11-25T10:00-05:00", doses: int = 4) -> Course:
    """A course whose visits have no place yet."""
    request = CourseRequest(
        patient=patient, protocol=site.clinic.quarterly, unit=site.clinic.day, start=utc(start), doses=doses
    )
    return courses.create(actor=site.clinic.actor, center=site.clinic.center, request=request, now=EARLY)


def find(hands: Hands, name: str) -> None:
    """From any page to hers, who is the only one of that name: "/", some letters, Enter."""
    hands.press("/")
    expect(hands.page.get_by_label("Find a patient")).to_be_focused()
    hands.type(name)
    hands.press("Enter", leads=True)
    expect(hands.page.get_by_role("heading", name="Katalin Szabó")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_return_visit_is_booked_by_two_actions_once_she_is_found(site: Site, scheme: str):
    patient = katalin(site)
    due(site, patient)
    page = site.page("front-desk", path=BOARD, color_scheme=scheme)
    is_at(page, re.compile(BOARD))
    hands = Hands(page)
    find(hands, "sza")
    check(page, "her page")
    assert (hands.actions, hands.keys) == (3, 3)
    hands.press("n", leads=True)
    expect(page.get_by_text("Places, best first")).to_be_visible()
    check(page, "the places")
    hands.press("1", leads=True)
    is_at(page, ON_BOARD)
    expect(page.locator(".panel .panel-name")).to_contain_text("Katalin Szabó")
    assert Appointment.objects.get(patient=patient).status == "booked"
    assert (hands.actions, hands.keys) == (5, 5), "three to find her, two to book"


def test_of_several_that_are_found_the_first_has_the_focus(site: Site):
    katalin(site)
    make.make_patient(site.clinic.center, first_name="Kata", last_name="Szabados", search_text="szabados kata")
    page = site.page("front-desk", path="/patients/")
    hands = Hands(page)
    expect(page.get_by_label("Name, MRN, birth date or phone")).to_be_focused()
    hands.type("sza")
    hands.press("Enter", leads=True)
    expect(page.locator(".person").first).to_be_focused()
    check(page, "who was found")
    hands.press("Tab")
    hands.press("Enter", leads=True)
    expect(page.get_by_role("heading", name="Katalin Szabó")).to_be_visible()
    assert hands.actions == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_is_room_for_two_hours_this_week_is_one_action_and_booking_it_six_more(site: Site, scheme: str):
    """Until Thursday an hour is left in the morning and one in the evening; Friday has room."""
    two_hours = make.make_rescue(code="two-hours", name="Rescue infusion, two hours", visit_minutes=120)
    patient = katalin(site)
    site.clinic.book("2026-11-20T09:00-05:00", patient=patient, protocol=two_hours)
    for day in ("24", "25", "26"):
        make.make_closure(
            site.clinic.center, f"2026-11-{day}T09:00-05:00", f"2026-11-{day}T17:00-05:00", unit=site.clinic.day
        )
    page = site.page("front-desk", path="/board/day/2026-11-24/", color_scheme=scheme)
    is_at(page, re.compile("/board/day/2026-11-24/"))
    hands = Hands(page)
    hands.press("g", "c", leads=True)
    expect(page.get_by_text("First room for 2 h")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Fri 27 Nov")).first).to_be_visible()
    check(page, "where there is room")
    assert hands.actions == 1
    hands.press("1", leads=True)
    is_at(page, re.compile("/board/day/2026-11-27/"))
    hands.press("n", leads=True)
    expect(page.get_by_label("Name, MRN or birth date")).to_be_focused()
    hands.type("sza")
    hands.press("Enter", leads=True)
    expect(page.get_by_role("button", name=re.compile("Szabó, Katalin"))).to_be_focused()
    hands.press("Enter", leads=True)
    expect(page.get_by_label("What")).to_have_value(f"protocol:{two_hours.pk}")
    expect(page.locator("#book-day")).to_have_value("2026-11-27")
    check(page, "the places")
    hands.press("1", leads=True)
    is_at(page, ON_BOARD)
    expect(page.locator(".panel .panel-name")).to_contain_text("Katalin Szabó")
    made = Appointment.objects.get(patient=patient, status="booked", start__gt=utc("2026-11-24T00:00-05:00"))
    assert made.start.date().isoformat() == "2026-11-27"
    assert made.end - made.start == timedelta(hours=2)
    assert (hands.actions, hands.keys) == (7, 8)


def test_the_heat_map_is_walked_by_arrows_and_a_number_opens_its_day(site: Site):
    site.clinic.book("2026-11-26T10:00-05:00")
    page = site.page("front-desk", path="/capacity/day/")
    is_at(page, re.compile("/capacity/day/"))
    reach(page, "Tue 24, ")
    at = page.locator(".heat a:focus")
    expect(at).to_have_attribute("aria-label", re.compile("^Tue 24, 11:00: "))
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    expect(at).to_have_attribute("aria-label", "Thu 26, 11:30: 2 chairs")
    check(page, "a number that has the focus")
    page.keyboard.press("Enter")
    is_at(page, re.compile("/board/day/2026-11-26/"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_next_person_on_the_worklist_takes_three_actions(site: Site, scheme: str):
    """Lucille Abbott was to come at 10:20 and it is 10:42; somebody else has been claimed by a colleague."""
    clinic = site.clinic
    abbott = make.make_patient(clinic.center, first_name="Lucille", last_name="Abbott")
    late = clinic.book("2026-11-24T10:20-05:00", patient=abbott)
    jo = replace(clinic.actor, who=f"user:{make.make_user(clinic.center).pk}")
    later = clinic.book("2026-11-24T10:10-05:00", chair=1, patient=katalin(site))
    worklist.claim(actor=jo, center=clinic.center, item=f"late:{later.pk}", now=NOW)
    page = site.page("front-desk", path=BOARD, color_scheme=scheme)
    is_at(page, re.compile(BOARD))
    hands = Hands(page)
    hands.press("g", "w", leads=True)
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    check(page, "the worklist")
    hands.press("c", leads=True)
    expect(page.get_by_role("button", name="Arrived")).to_be_focused()
    expect(page.locator(".work.is-open")).to_contain_text("Lucille Abbott has not come")
    check(page, "what is hers to do")
    hands.press("Enter", leads=True)
    expect(page.get_by_text("Lucille Abbott has not come")).to_have_count(0)
    late.refresh_from_db()
    assert late.status == "arrived"
    assert (hands.actions, hands.keys) == (3, 4)


def test_a_visit_without_a_place_gets_one_from_the_worklist_in_three_actions(site: Site):
    clinic = site.clinic
    shut = make.make_closure(clinic.center, "2026-11-17T00:00-05:00", "2026-12-20T00:00-05:00", unit=clinic.day)
    course = due(site, katalin(site), doses=1)
    visit = course.visits.get(ordinal=1)
    place_visit(actor=clinic.actor, visit=visit, now=EARLY)
    shut.delete()
    page = site.page("front-desk", path="/worklist/")
    is_at(page, re.compile("/worklist/"))
    hands = Hands(page)
    hands.press("ArrowDown")
    expect(page.locator(".work-title").first).to_be_focused()
    hands.press("Enter", leads=True)
    way = page.locator(".work-more .option").first
    expect(way).to_be_focused()
    check(page, "what would work")
    # A colleague does something meanwhile: the list follows, and her hands stay where they are.
    before = str(page.locator("main").get_attribute("data-version"))
    clinic.book("2026-12-21T09:00-05:00", chair=2)
    expect(page.locator("main")).not_to_have_attribute("data-version", before)
    expect(way).to_be_focused()
    hands.press("Enter", leads=True)
    is_at(page, ON_BOARD)
    visit.refresh_from_db()
    assert visit.state == "booked"
    assert (hands.actions, hands.keys) == (3, 3)
