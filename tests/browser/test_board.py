"""The board by mouse, by finger and by keys alone: move, swap, ask why not, book, find; two people at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from scheduler.models import Appointment
from scheduler.queries.course_request import CourseRequest
from scheduler.services import courses, moving
from tests import factories as make
from tests.browser.conftest import Site
from tests.browser.test_first_pages import check
from tests.factories import utc
from tests.web.conftest import EARLY, NOW

DAY = "/board/day/2026-11-25/"


def person(site: Site, first: str, last: str):
    return make.make_patient(
        site.clinic.center,
        first_name=first,
        last_name=last,
        search_text=f"{last} {first}".lower(),
        email="p@example.org",
    )


def block(page: Page, visit: Appointment) -> Locator:
    return page.locator(f'[data-visit="{visit.pk}"]')


def lane(page: Page, site: Site, chair: int) -> Locator:
    return page.locator(f'.lane[data-chair="{site.clinic.chairs[chair].pk}"]')


def x_of(page: Page, minutes: int) -> float:
    """Where on the screen so many minutes after 08:00 are: the board shows ten hours behind the chairs' names."""
    row = page.locator(".lane").first.bounding_box()
    name = page.locator(".lane .chair").first.bounding_box()
    assert row is not None
    assert name is not None
    left = name["x"] + name["width"]
    return left + (row["x"] + row["width"] - left) * minutes / 600


def drag(page: Page, hit: Locator, *, minutes: int, to: Locator) -> None:
    """By so many minutes, into the chair's row; left hanging until `page.mouse.up()`."""
    box, row = hit.bounding_box(), to.bounding_box()
    assert box is not None
    assert row is not None
    x, y = box["x"] + 12, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 8, y)
    page.mouse.move(x + x_of(page, minutes) - x_of(page, 0), row["y"] + row["height"] / 2, steps=4)


def place(visit: Appointment) -> tuple[int, object]:
    visit.refresh_from_db()
    return visit.chair_id, visit.start


def test_a_visit_is_dragged_to_another_chair_and_time_and_back_by_undo(site: Site):
    visit = site.clinic.book("2026-11-25T10:00-05:00", patient=person(site, "Eva", "Novak"))
    site.clinic.book("2026-11-25T14:00-05:00", chair=2)
    page = site.page("front-desk", path=DAY)
    drag(page, block(page, visit), minutes=118, to=lane(page, site, 1))
    expect(page.locator(".ghost")).to_have_text("12:00")
    # Where the service would refuse is shaded: beside the other visit of chair 3, and not where nothing stands.
    expect(lane(page, site, 2).locator(".nofit").first).to_be_attached()
    page.mouse.up()
    expect(page.get_by_role("status").filter(has_text="Eva Novak moved to chair 2, 12:00")).to_be_visible()
    expect(lane(page, site, 1).locator(f'[data-visit="{visit.pk}"]')).to_be_visible()
    assert place(visit) == (site.clinic.chairs[1].pk, utc("2026-11-25T12:00-05:00"))
    expect(page).to_have_url(re.compile(f"{DAY}$"))
    page.keyboard.press("z")
    expect(lane(page, site, 0).locator(f'[data-visit="{visit.pk}"]')).to_be_visible()
    assert place(visit) == (site.clinic.chairs[0].pk, utc("2026-11-25T10:00-05:00"))


@pytest.mark.parametrize("chair", [1, 2], ids=["in the middle", "near the foot"])
def test_a_refusal_snaps_back_says_why_and_offers_three_ways_without_covering_its_row(site: Site, chair: int):
    visit = site.clinic.book("2026-11-25T09:00-05:00", patient=person(site, "Eva", "Novak"))
    site.clinic.book("2026-11-25T13:00-05:00", chair=chair)
    page = site.page("front-desk", path=DAY)
    drag(page, block(page, visit), minutes=180, to=lane(page, site, chair))
    expect(page.locator(".ghost.is-no")).to_contain_text("12:00")
    page.mouse.up()
    spot = page.get_by_role("alertdialog")
    expect(spot).to_contain_text(f"Chair {chair + 1} is taken")
    expect(spot.locator(".option")).to_have_count(3)
    expect(lane(page, site, 0).locator(f'[data-visit="{visit.pk}"]')).to_be_visible()
    expect(page.locator(".pin").first).to_be_attached()
    box, row = spot.bounding_box(), lane(page, site, chair).bounding_box()
    assert box is not None
    assert row is not None
    assert box["y"] >= row["y"] + row["height"] or box["y"] + box["height"] <= row["y"]
    check(page, "the refusal")
    page.keyboard.press("1")
    expect(spot).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="Eva Novak moved to")).to_be_visible()
    assert place(visit)[1] != utc("2026-11-25T09:00-05:00")


def test_escape_leaves_everything_as_it_was(site: Site):
    visit = site.clinic.book("2026-11-25T09:00-05:00")
    page = site.page("front-desk", path=DAY)
    drag(page, block(page, visit), minutes=120, to=lane(page, site, 1))
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".ghost")).to_have_count(0)
    expect(block(page, visit)).to_be_focused()
    assert place(visit) == (site.clinic.chairs[0].pk, utc("2026-11-25T09:00-05:00"))


def test_two_visits_change_places_when_one_is_dropped_on_the_other(site: Site):
    eva = site.clinic.book("2026-11-25T09:00-05:00", patient=person(site, "Eva", "Novak"))
    ute = site.clinic.book("2026-11-25T13:00-05:00", chair=1, patient=person(site, "Ute", "Hartmann"))
    page = site.page("front-desk", path=DAY)
    drag(page, block(page, eva), minutes=245, to=lane(page, site, 1))
    page.mouse.up()
    spot = page.get_by_role("alertdialog")
    expect(spot).to_contain_text("Let these two change places?")
    assert place(eva)[0] == site.clinic.chairs[0].pk
    check(page, "the question")
    spot.get_by_role("button", name="Swap", exact=False).first.click()
    expect(page.get_by_role("status").filter(has_text="Eva Novak swapped to chair 2, 13:00")).to_be_visible()
    assert place(ute) == (site.clinic.chairs[0].pk, utc("2026-11-25T09:00-05:00"))


def test_why_not_here_is_asked_with_the_other_mouse_button(site: Site):
    site.clinic.book("2026-11-25T13:00-05:00", chair=1)
    page = site.page("nurse", path=DAY)
    row = lane(page, site, 1).bounding_box()
    assert row is not None
    page.mouse.click(x_of(page, 275), row["y"] + 10, button="right")
    spot = page.get_by_role("alertdialog", name="Why not here?")
    expect(spot).to_contain_text("12:30, chair 2")
    expect(spot).to_contain_text("Chair 2 is taken")
    spot.get_by_label("For").select_option(label="Rescue infusion, standard")
    expect(spot.locator(".option")).to_have_count(3)
    check(page, "why not here")
    page.keyboard.press("Escape")
    expect(spot).to_have_count(0)


def test_move_swap_ask_and_book_by_keys_alone(site: Site):
    eva = site.clinic.book("2026-11-25T09:00-05:00", patient=person(site, "Eva", "Novak"))
    ute = site.clinic.book("2026-11-25T13:00-05:00", chair=1, patient=person(site, "Ute", "Hartmann"))
    patient = person(site, "Katalin", "Szabo")
    site.clinic.book("2026-11-20T09:00-05:00", patient=patient)
    page = site.page("front-desk", path=DAY)
    press = page.keyboard.press
    expect(page.locator("#find-here")).to_be_visible()
    # Find her, pick her up, two chairs down and a quarter of an hour later, drop.
    press("f")
    page.keyboard.type("nov")
    press("Enter")
    expect(block(page, eva)).to_be_focused()
    press("m")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Shift+ArrowRight"):
        press(key)
    expect(page.locator(".ghost")).to_have_text("09:20")
    press("Enter")
    expect(lane(page, site, 2).locator(f'[data-visit="{eva.pk}"]')).to_be_focused()
    assert place(eva) == (site.clinic.chairs[2].pk, utc("2026-11-25T09:20-05:00"))
    # Swap with the one of the day.
    press("s")
    expect(page.get_by_role("alertdialog")).to_contain_text("with whom?")
    press("Tab")
    press("Tab")
    press("Enter")
    expect(page.get_by_role("alertdialog")).to_contain_text("Let these two change places?")
    press("1")
    expect(lane(page, site, 1).locator(f'[data-visit="{eva.pk}"]')).to_be_focused()
    assert place(ute) == (site.clinic.chairs[2].pk, utc("2026-11-25T09:20-05:00"))
    # Point at the chair above and ask; then book there.
    press("w")
    press("ArrowUp")
    press("Enter")
    expect(page.get_by_role("alertdialog")).to_contain_text("Nothing speaks against it")
    press("Escape")
    expect(block(page, eva)).to_be_focused()
    press("w")
    for key in ("ArrowUp", *["ArrowLeft"] * 8):
        press(key)
    press("n")
    expect(page.get_by_label("Name, MRN or birth date")).to_be_focused()
    page.keyboard.type("sza")
    expect(page.get_by_role("button", name=re.compile("Szabo, Katalin"))).to_be_visible()
    press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Book Wed 25 Nov"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Book Wed 25 Nov")).focus()
    press("Enter")
    expect(page.locator(".panel .panel-name")).to_contain_text("Katalin Szabo")
    assert Appointment.objects.filter(patient=patient, chair=site.clinic.chairs[0], status="booked").exists()


def test_a_return_visit_takes_two_actions_after_she_is_found(site: Site):
    patient = person(site, "Katalin", "Szabo")
    course = courses.create(
        actor=site.clinic.actor,
        center=site.clinic.center,
        request=CourseRequest(
            patient=patient, protocol=site.clinic.quarterly, unit=site.clinic.day, start=utc("2026-11-25T10:00-05:00")
        ),
        now=EARLY,
    )
    page = site.page("front-desk", path=DAY)
    lane(page, site, 1).locator('a.free[href*="13%3A00"]').click(position={"x": 2, "y": 4})
    panel = page.get_by_role("complementary", name="Book a visit")
    expect(panel).to_contain_text(re.compile(r"Held for you [45]:\d\d"))
    held = Appointment.objects.get(status="pending")
    assert (held.chair, held.start) == (site.clinic.chairs[1], utc("2026-11-25T13:00-05:00"))
    page.get_by_label("Name, MRN or birth date").press_sequentially("sza")
    check(page, "booking beside the board")
    actions = 0
    page.get_by_role("button", name=re.compile("Szabo, Katalin")).click()
    actions += 1
    expect(panel.get_by_label("What")).to_have_value(f"visit:{course.visits.get(ordinal=1).pk}")
    page.get_by_role("button", name="Book Wed 25 Nov, 13:00, chair 2").click()
    actions += 1
    expect(page.locator(".panel .panel-name")).to_contain_text("Katalin Szabo")
    held.refresh_from_db()
    assert (held.status, held.patient) == ("booked", patient)
    assert actions <= 4


def test_free_time_is_dragged_over_for_a_length_and_given_back_by_escape(site: Site):
    page = site.page("front-desk", path=DAY)
    row = lane(page, site, 1).bounding_box()
    assert row is not None
    page.mouse.move(x_of(page, 302), row["y"] + 12)
    page.mouse.down()
    page.mouse.move(x_of(page, 350), row["y"] + 12, steps=3)
    page.mouse.move(x_of(page, 388), row["y"] + 12, steps=3)
    expect(page.locator(".ghost")).to_have_text("13:00–14:30")
    page.mouse.up()
    expect(page.locator(".hold-chip")).to_be_visible()
    held = Appointment.objects.get()
    assert (held.start, held.end) == (utc("2026-11-25T13:00-05:00"), utc("2026-11-25T14:30-05:00"))
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/book/" in answer.url):
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    expect(page.locator("#booking")).to_have_count(0)
    held.refresh_from_db()
    assert held.status == "cancelled"


def test_a_stale_drag_is_refused_and_explained_and_the_board_refreshed(site: Site):
    visit = site.clinic.book("2026-11-25T09:00-05:00", patient=person(site, "Eva", "Novak"))
    page = site.page("front-desk", path=DAY)
    drag(page, block(page, visit), minutes=180, to=lane(page, site, 1))
    expect(page.locator(".ghost")).to_have_text("12:00")
    moving.move(
        actor=site.clinic.actor,
        appointment=visit,
        chair=site.clinic.chairs[2],
        start=utc("2026-11-25T15:00-05:00"),
        now=NOW,
    )
    page.mouse.up()
    expect(page.get_by_role("alertdialog")).to_contain_text("Now: Wed 25 Nov, 15:00, chair 3")
    expect(lane(page, site, 2).locator(f'[data-visit="{visit.pk}"]')).to_be_visible()
    assert place(visit) == (site.clinic.chairs[2].pk, utc("2026-11-25T15:00-05:00"))


def test_a_finger_lifts_a_visit_after_a_moment(site: Site):
    visit = site.clinic.book("2026-11-25T09:00-05:00")
    page = site.page("front-desk", path=DAY, has_touch=True)
    box = block(page, visit).bounding_box()
    assert box is not None
    x, y = box["x"] + 12, box["y"] + 10
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    expect(page.locator(".ghost")).to_be_attached()
    shift = x_of(page, 120) - x_of(page, 0)
    for part in (0.5, 1):
        at = {"x": x + shift * part, "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
    expect(page.locator(".ghost")).to_have_text("11:00")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".ghost")).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="moved to chair 1, 11:00")).to_be_visible()
    assert place(visit) == (site.clinic.chairs[0].pk, utc("2026-11-25T11:00-05:00"))


def test_what_one_browser_books_the_other_shows(site: Site):
    patient = person(site, "Katalin", "Szabo")
    watching = site.page("nurse", path=DAY)
    expect(watching.locator(".appt")).to_have_count(0)
    page = site.page("front-desk", path=f"/book/?patient={patient.pk}")
    page.goto(f"{site.url}/book/?patient={patient.pk}&chair={site.clinic.chairs[1].pk}&at=2026-11-25T13:00-05:00")
    page.get_by_label("What").select_option(label="Rescue infusion, standard")
    page.get_by_role("button", name=re.compile("^Book Wed 25 Nov")).click()
    expect(watching.locator(".appt")).to_contain_text("Szabo", timeout=15_000)


def test_all_keys_are_shown_on_a_question_mark_and_can_be_switched_off(site: Site):
    site.clinic.book("2026-11-25T09:00-05:00")
    page = site.page("front-desk", path=DAY)
    hit = page.locator(".appt-hit")
    hit.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Why not here?")
    check(page, "the keys")
    page.get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(hit).to_be_focused()
    page.keyboard.press("m")
    page.keyboard.press("]")
    expect(page.locator(".ghost")).to_have_count(0)
    expect(page).to_have_url(re.compile(DAY))
    page.keyboard.press("?")
    expect(dialog).to_be_visible()


def test_moving_swapping_and_asking_work_without_javascript(site: Site):
    eva = site.clinic.book("2026-11-25T09:00-05:00", patient=person(site, "Eva", "Novak"))
    site.clinic.book("2026-11-25T13:00-05:00", chair=1, patient=person(site, "Ute", "Hartmann"))
    page = site.page("front-desk", path=DAY, java_script_enabled=False)
    block(page, eva).click()
    page.get_by_role("link", name="Swap with").click()
    page.get_by_role("button", name=re.compile("Ute Hartmann")).click()
    page.get_by_role("button", name="Swap").click()
    expect(page.locator(".panel-time")).to_contain_text("13:00")
    page.get_by_role("link", name="Move").click()
    page.get_by_role("button", name=re.compile("chair")).first.click()
    expect(page.locator(".panel-name")).to_contain_text("Eva Novak")
    page.goto(f"{site.url}/why/?chair={site.clinic.chairs[0].pk}&at=2026-11-25T19:00-05:00")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("status").first).to_be_visible()
