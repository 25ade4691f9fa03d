"""Courses and entries by keyboard alone: the wizard with one visit's place changed; pause, amend and discontinue with
before and after; two entries of one patient merged. What an action is: keyboard.Hands."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from scheduler.models import Appointment, Course, Patient, Visit
from scheduler.services.placing import place_visit
from tests import factories as make
from tests.browser.conftest import Site, is_at
from tests.browser.keyboard import Hands
from tests.browser.test_desk_journeys import due
from tests.browser.test_first_pages import check, katalin
from tests.web.conftest import EARLY

MOST_KEYS = 40  # each Tab on the way counts
COURSE = re.compile(r"/courses/\d+/$")


def placed(site: Site, patient: Patient) -> Course:
    """Four visits, all booked."""
    course = due(site, patient, start="2026-11-30T10:00-05:00")
    for visit in course.visits.all():
        place_visit(actor=site.clinic.actor, visit=visit, now=EARLY)
    return course


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_course_of_four_visits_takes_five_actions_and_three_more_to_move_one_of_them(site: Site, scheme: str):
    patient = katalin(site)
    page = site.page("front-desk", path=f"/patients/{patient.pk}/", color_scheme=scheme)
    is_at(page, re.compile(r"/patients/\d+/$"))
    hands = Hands(page)
    hands.go("Start a course", leads=True)
    expect(page.get_by_label("Protocol", exact=True)).to_be_focused()
    check(page, "the form")
    hands.type("Ept")
    hands.type("11302026", into="First treatment on")
    hands.type("1000AM", into="at")
    hands.press("Enter", leads=True)
    expect(page.get_by_text("Mon 1 Mar 2027, 10:00")).to_be_visible()
    check(page, "the visits")
    assert hands.actions == 5
    hands.go("Change visit 3", leads=True)
    group = page.get_by_role("group", name="Another place for visit 3")
    first = group.locator(".option").first
    expect(first).to_be_focused()
    check(page, "one visit's places")
    choice = first.locator("b").inner_text()
    hands.press("1", leads=True)
    expect(group).to_have_count(0)
    expect(page.get_by_role("button", name="Change visit 3")).to_be_focused()
    expect(page.locator(".visit").nth(2)).to_contain_text("Chosen by you.")
    assert not Course.objects.exists(), "nothing is booked until she says so"
    hands.press("b", leads=True)
    is_at(page, COURSE)
    expect(page.locator("main table tbody tr").nth(2)).to_contain_text(choice.split(", ")[0].split(" 20")[0])
    check(page, "the course")
    assert Appointment.objects.filter(patient=patient, status="booked").count() == 4
    assert hands.actions == 8
    assert hands.keys <= MOST_KEYS


def test_enter_in_a_visits_own_time_checks_that_time_and_says_what_speaks_against_it(site: Site):
    patient = katalin(site)
    site.clinic.book("2026-12-01T10:00-05:00")
    page = site.page("front-desk", path=f"/patients/{patient.pk}/course/")
    is_at(page, re.compile("/course/$"))
    hands = Hands(page)
    expect(page.get_by_label("Protocol", exact=True)).to_be_focused()
    hands.type("Ept")
    hands.type("11302026", into="First treatment on")
    hands.type("1000AM", into="at")
    hands.press("Enter", leads=True)
    hands.go("Change visit 1", leads=True)
    hands.type("12012026", into="Or on")
    hands.press("Enter", leads=True)
    group = page.get_by_role("group", name="Another place for visit 1")
    expect(group.get_by_role("alert")).to_contain_text("Chair 1 is taken")
    expect(group.locator(".option").first).to_be_focused()
    check(page, "what speaks against it")
    hands.press("Escape", leads=True)
    expect(group).to_have_count(0)
    expect(page.get_by_role("button", name="Book 4 visits")).to_be_visible()


def look(hands: Hands, opens: str, reason: str) -> list[tuple[str, ...]]:
    """Open it, say why, and see before and after: three actions, and nothing is saved."""
    page = hands.page
    before = list(Visit.objects.order_by("ordinal").values_list("state", "pk"))
    hands.go(opens)
    hands.type(reason, into="Why")
    check(page, f"the reason: {opens}")
    hands.press("Enter", leads=True)
    expect(page.get_by_role("heading", name="Visits, before and after")).to_be_visible()
    check(page, f"before and after: {opens}")
    assert list(Visit.objects.order_by("ordinal").values_list("state", "pk")) == before, "nothing is saved yet"
    return [tuple(row.locator("td").all_inner_texts()[1:]) for row in page.locator("main tbody tr").all()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pausing_takes_four_actions_and_escape_leaves_it_as_it_was(site: Site, scheme: str):
    course = placed(site, katalin(site))
    page = site.page("front-desk", path=f"/courses/{course.pk}/", color_scheme=scheme)
    is_at(page, COURSE)
    look(Hands(page), "Pause…", "On leave until spring")
    page.keyboard.press("Escape")
    is_at(page, COURSE)
    assert Appointment.objects.filter(status="booked").count() == 4
    page.reload()
    hands = Hands(page)
    seen = look(hands, "Pause…", "On leave until spring")
    assert seen[0] == ("Mon 30 Nov, 10:00, chair 1", "no place yet, due Mon 30 Nov, 10:00", "waits")
    assert [row[2] for row in seen] == ["waits"] * 4
    hands.press("a", leads=True)
    is_at(page, COURSE)
    expect(page.locator("main .chip").first).to_contain_text("On hold")
    assert not Appointment.objects.filter(status="booked").exists()
    assert hands.actions == 4
    assert hands.keys <= MOST_KEYS


def test_discontinuing_takes_four_actions(site: Site):
    course = placed(site, katalin(site))
    page = site.page("front-desk", path=f"/courses/{course.pk}/")
    is_at(page, COURSE)
    hands = Hands(page)
    seen = look(hands, "Discontinue…", "Moves abroad")
    assert seen[0] == ("Mon 30 Nov, 10:00, chair 1", "waived, due Mon 30 Nov, 10:00", "goes, and is cancelled")
    hands.press("a", leads=True)
    is_at(page, COURSE)
    expect(page.locator("main .chip").first).to_contain_text("Discontinued")
    assert set(Visit.objects.values_list("state", flat=True)) == {"waived"}
    assert hands.actions == 4
    assert hands.keys <= MOST_KEYS


def test_amending_takes_four_actions_and_a_fifth_moves_the_visits(site: Site):
    course = placed(site, katalin(site))
    make.make_quarterly(version=2, cadence_every=4)
    page = site.page("front-desk", path=f"/courses/{course.pk}/")
    is_at(page, COURSE)
    hands = Hands(page)
    seen = look(hands, "Amend to version 2…", "Every four months from now on")
    assert [row[2] for row in seen] == [
        "stays",
        "no longer fits; proposed: Tue 30 Mar 2027, 10:00, chair 1",
        "no longer fits; proposed: Fri 30 Jul 2027, 10:00, chair 1",
        "no longer fits; proposed: Tue 30 Nov 2027, 10:00, chair 1",
    ]
    hands.press("a", leads=True)
    is_at(page, COURSE)
    course.refresh_from_db()
    assert course.protocol.version == 2
    assert hands.actions == 4
    expect(page.get_by_role("heading", name="Proposed: other times")).to_be_visible()
    check(page, "what is proposed")
    hands.go("Accept, move 3 visits", leads=True)
    expect(page.get_by_role("link", name="Tue 30 Mar 2027, 10:00")).to_be_visible()
    assert hands.actions == 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_entries_of_one_patient_are_merged_by_three_actions(site: Site, scheme: str):
    kept = katalin(site)
    gone = make.make_patient(
        site.clinic.center, first_name="Katalin", last_name="Szabo", search_text="szabo katalin", allergies="latex"
    )
    page = site.page("manager", path=f"/patients/{kept.pk}/", color_scheme=scheme)
    is_at(page, re.compile(r"/patients/\d+/$"))
    hands = Hands(page)
    hands.go("Merge with another entry", leads=True)
    expect(page.get_by_role("button", name=re.compile("Szabo, Katalin"))).to_be_focused()
    check(page, "which entry")
    hands.press("Enter", leads=True)
    expect(page.get_by_text("Nobody can undo this.")).to_be_visible()
    expect(page.get_by_role("cell", name="latex")).to_be_visible()
    check(page, "both side by side")
    gone.refresh_from_db()
    assert gone.merged_into is None, "nothing is saved yet"
    hands.go("Merge for good", leads=True)
    is_at(page, re.compile(rf"/patients/{kept.pk}/$"))
    gone.refresh_from_db()
    assert gone.merged_into == kept
    assert hands.actions == 3
    assert hands.keys <= MOST_KEYS
