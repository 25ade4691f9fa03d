"""The nurses' floor on a tablet with touch: what a finger hits, what a tap without the network says, how it looks."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from scheduler.domain.permissions import NURSE
from scheduler.models import Appointment, Reaction
from scheduler.services import attendance, reactions
from tests import factories as make
from tests.browser.conftest import Site
from tests.browser.test_first_pages import RULES
from tests.factories import utc
from tests.services.steps import place_all, start_course
from tests.web.conftest import EARLY, NOW

TABLET = {"viewport": {"width": 1024, "height": 768}, "has_touch": True}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def busy(site: Site) -> Site:
    """An infusion over its time with somebody next, one who waits, one who had a reaction, a stay begun late."""
    clinic = site.clinic
    names = iter(["Hedda Lund", "Carys Bevan", "Hyun Baek", "Ilse Bauer", "Ingrid Solheim"])

    def patient(**values):
        first, _sign, family = next(names).partition(" ")
        return make.make_patient(clinic.center, first_name=first, last_name=family, **values)

    nine = utc("2026-11-24T09:00-05:00")
    over = clinic.book("2026-11-24T09:00-05:00", patient=patient(allergies="Penicillin: hives"))
    attendance.start(actor=clinic.actor, appointment=over, actual_start=nine, now=nine)
    clinic.book("2026-11-24T11:15-05:00", protocol=None, minutes=30, patient=patient())
    asked = [
        {
            "code": "pressure",
            "question": "Blood pressure above the limit?",
            "needs_prescriber_if": "yes",
            "source": "P",
        },
        {"code": "driver", "question": "Is a driver here?", "needs_prescriber_if": "no", "source": "P"},
    ]
    protocol = make.make_rescue(code="asked", checklist=asked)
    clinic.arrive(clinic.book("2026-11-24T11:00-05:00", chair=1, protocol=protocol, patient=patient()))
    before = clinic.book("2026-11-23T10:00-05:00", chair=2, patient=patient())
    actor = make.make_actor(clinic.center, NURSE)
    reactions.react(actor=actor, appointment=before, kind="swelling", now=before.start + timedelta(minutes=30))
    clinic.book("2026-11-24T15:00-05:00", chair=2, patient=before.patient)
    course = start_course(clinic.actor, clinic.night, clinic.dhe, nine, now=EARLY, days=1, patient=patient())
    first = place_all(course, clinic.actor, now=EARLY)[0]
    begun = nine + timedelta(minutes=80)
    attendance.start(actor=clinic.actor, appointment=first, actual_start=begun, now=NOW)
    return site


def opened(site: Site, name: str, *, unit: str = "day", **context) -> Page:
    page = site.page("nurse", path=f"/floor/{unit}/", **{**TABLET, **context})
    page.get_by_role("link", name=re.compile(name)).first.click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return page


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"floor-{name}.png")


def small_targets(page: Page) -> list[str]:
    """What a finger would miss: buttons, links and fields below 44 px. A link in a sentence would be none."""
    return page.evaluate(
        """() => [...document.querySelectorAll("main button, main a, main summary, main input, .bar a, .bar button")]
        .filter(each => each.type !== "hidden" && each.checkVisibility())
        .map(each => [each.textContent.trim() || each.name, each.getBoundingClientRect()])
        .filter(([, box]) => box.height < 43.5 || box.width < 43.5)
        .map(([name, box]) => `${name}: ${Math.round(box.width)}x${Math.round(box.height)}`)"""
    )


@pytest.mark.parametrize(("size", "name"), [(TABLET, "1024x768"), (PHONE, "390x844")])
def test_everything_is_large_enough_for_a_finger(busy: Site, size: dict, name: str) -> None:
    page = opened(busy, "Hedda Lund", **size)
    shot(page, f"overrun-{name}")
    for summary in ("Reaction", "Partly given", "Times"):
        page.locator("summary", has_text=summary).click()
    shot(page, f"forms-{name}")
    assert small_targets(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_to_object_to(busy: Site, scheme: str) -> None:
    page = opened(busy, "Hedda Lund", color_scheme=scheme)
    shot(page, f"card-{scheme}")
    for summary in ("Reaction", "Partly given", "Times"):
        page.locator("summary", has_text=summary).click()
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.response["violations"] == []
    page.goto(f"{busy.url}/floor/day/")
    page.get_by_role("link", name=re.compile("Hyun Baek")).click()
    shot(page, f"checklist-{scheme}")
    assert Axe().run(page, options={"runOnly": RULES}).response["violations"] == []
    page.goto(f"{busy.url}/floor/suite-24/")
    page.get_by_role("link", name=re.compile("Ingrid Solheim")).first.click()
    expect(page.get_by_role("heading", name="Later doses no longer fit")).to_be_visible()
    shot(page, f"proposal-{scheme}")
    assert Axe().run(page, options={"runOnly": RULES}).response["violations"] == []


def test_a_reaction_takes_two_taps(busy: Site) -> None:
    page = opened(busy, "Hedda Lund")
    page.locator("summary", has_text="Reaction").tap()
    page.get_by_role("button", name="Hives").tap()
    expect(page.get_by_label("Reactions at this visit")).to_contain_text("hives")
    shot(page, "reaction-1024x768")
    assert Reaction.objects.filter(kind="hives").count() == 1


def test_what_follows_is_accepted_in_one_tap(busy: Site) -> None:
    page = opened(busy, "Ingrid Solheim", unit="suite-24")
    page.get_by_role("button", name="Accept, move 2 doses").tap()
    expect(page.get_by_role("heading", name="Later doses no longer fit")).to_have_count(0)
    expect(page.locator(".plan-line")).to_contain_text("next due Tue 24 Nov, 18:20")


def test_a_tap_without_the_network_is_visibly_not_done_and_can_be_tapped_again(busy: Site) -> None:
    page = opened(busy, "Carys Bevan")
    visit = Appointment.objects.get(patient__last_name="Bevan")
    with page.expect_response(lambda answer: "/live/" in answer.url or "/version/" in answer.url):
        pass

    def gone(route: Route) -> None:
        route.abort("internetdisconnected")

    page.route("**/appointments/**", gone)
    page.get_by_role("button", name="Arrived").tap()
    expect(page.get_by_role("alert")).to_contain_text("Not done")
    expect(page.locator(".live")).to_contain_text("Offline")
    expect(page.get_by_role("button", name="Arrived")).to_have_class(re.compile("is-undone"))
    shot(page, "offline-1024x768")
    visit.refresh_from_db()
    assert visit.status == "booked"
    busy.said[:] = [said for said in busy.said if "ERR_INTERNET_DISCONNECTED" not in said]  # the browser's own note
    page.unroute("**/appointments/**")
    page.get_by_role("button", name="Arrived").tap()
    expect(page.get_by_role("button", name="Check in")).to_be_visible()
    visit.refresh_from_db()
    assert visit.status == "arrived"


def test_timers_go_on_without_an_answer_and_at_once_after_sleep(busy: Site) -> None:
    page = opened(busy, "Hyun Baek")
    timer = page.locator(".seat", has_text="Carys Bevan").locator(".timer")
    expect(timer).to_contain_text("min")
    page.route("**/version/**", lambda route: route.abort())
    page.route("**/live/**", lambda route: route.abort())
    page.evaluate("Date.now = (real => () => real() + 40 * 60000)(Date.now.bind(Date))")  # the tablet slept
    page.evaluate("window.dispatchEvent(new Event('pageshow'))")
    expect(timer).to_have_class(re.compile("is-over"))
    expect(timer).to_contain_text("late, since")
    busy.said[:] = [said for said in busy.said if "ERR_FAILED" not in said]
