"""A whole day of the demo clinic in two real browsers, desk and nurse: who comes, who is late, who does not come, what
is given, in part, late or with a reaction; a nurse who is ill; and at the end nothing is lost."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.cache import cache
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import Browser, Page, expect

from scheduler.domain.permissions import Actor
from scheduler.management.demo_accounts import demo_password
from scheduler.models import Appointment, Center, Dose, Event, Patient, Protocol, Reaction, Shift, Unit, Visit
from scheduler.queries import integrity
from scheduler.queries.course_request import CourseRequest
from scheduler.services import attendance, courses, jobs, staffing
from tests.browser.conftest import Site, _Quiet, _Server
from tests.factories import utc

ZONE = ZoneInfo("America/New_York")
TOUCHED_EVERY = timedelta(minutes=14)  # a screen in use; after 15 minutes without, it is signed out


class Day:
    """The clinic's Tuesday. `to` moves everybody's clock on, as if both screens were touched now and then."""

    def __init__(self, site: Site, clock: time_machine.Traveller) -> None:
        self.site = site
        self.clock = clock
        self.center = Center.objects.get(code="demo")
        self.units = {unit.code: unit for unit in Unit.objects.filter(center=self.center).select_related("center")}
        self.screens: list[Page] = []
        self.others = Actor(who="user:0", role="nurse", center_id=self.center.pk, label="The other nurses")
        self.played: set[int] = set()

    @property
    def now(self) -> datetime:
        return datetime.now(ZONE)

    def sign_in(self, who: str, path: str, **context: object) -> Page:
        page = self.site.window(**context)
        page.set_default_timeout(60_000)
        page.goto(f"{self.site.url}/sign-in/?next={path}")
        page.fill("#username", who)
        page.fill("#password", demo_password())
        page.click("main button")
        expect(page.locator("main[data-version], .desk[data-version], [data-stream]").first).to_be_visible()
        self.screens.append(page)
        return page

    def to(self, local: str, *, day: int = 24) -> None:
        goal = datetime.fromisoformat(f"2026-11-{day}T{local}").replace(tzinfo=ZONE)
        assert goal >= self.now, "the day has gone past that"
        while self.now < goal:
            # In UTC: with a ZoneInfo the traveller would change the process's own zone, too.
            self.clock.move_to(min(self.now + TOUCHED_EVERY, goal).astimezone(UTC))
            for screen in self.screens:
                answer = screen.request.get(f"{self.site.url}/floor/", max_redirects=0)
                assert answer.headers["location"].startswith("/floor/"), "signed out"
            self._others_work()

    def visit(self, unit: str, start: str, chair: str) -> Appointment:
        found = Appointment.objects.get(
            unit=self.units[unit], chair__name=chair, start=utc(f"2026-11-24T{start}-05:00"), status="booked"
        )
        self.played.add(found.pk)
        return found

    def _others_work(self) -> None:
        """Whatever nobody plays by hand is done by colleagues, on time."""
        now = self.now
        rows = Appointment.objects.filter(center=self.center, patient__isnull=False, start__gte=now - timedelta(days=1))
        for row in rows.exclude(pk__in=self.played).select_related(
            "center", "unit__center", "patient", "protocol", "visit__course__protocol", "visit__course__center", "chair"
        ):
            if row.status == "booked" and row.start <= now:
                row = attendance.arrive(actor=self.others, appointment=row, now=now)
            if row.status == "arrived":
                row = attendance.check_in(actor=self.others, appointment=row, now=now)
            if row.status == "checked-in" and row.actual_start is None and row.start <= now:
                row = attendance.start(actor=self.others, appointment=row, now=now)
            if row.status == "checked-in" and row.actual_start is not None:
                length = row.end - row.start + timedelta(minutes=row.observation_minutes)
                if row.actual_start + length <= now:
                    attendance.complete(
                        actor=self.others, appointment=row, actual_end=row.actual_start + (row.end - row.start), now=now
                    )


@pytest.fixture
def day(committed_db: None, browser: Browser, settings: Any, tmp_path: Path) -> Iterator[Day]:
    settings.ALLOWED_HOSTS, settings.DATA_DIR = ["127.0.0.1"], tmp_path
    cache.clear()
    expect.set_options(timeout=30_000)  # a long day on a busy machine; nothing here is about how fast
    traveller = time_machine.travel(utc("2026-11-24T07:15-05:00"), tick=True)
    clock = traveller.start()
    server = _Server(("127.0.0.1", 0), _Quiet)
    try:
        call_command("load_demo", verbosity=0)
        server.set_app(StaticFilesHandler(get_wsgi_application()))  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = Site(f"http://127.0.0.1:{server.server_port}", None, browser)  # type: ignore[arg-type]
        yield Day(site, clock)
        for context in browser.contexts:
            context.close()
        assert site.said == [], "the console must stay silent"
    finally:
        expect.set_options(timeout=5_000)
        server.shutdown()
        server.server_close()
        traveller.stop()


class Nurse:
    """Taps on the floor's touch screen, counted."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.taps = 0

    def open(self, visit: Appointment) -> None:
        self.page.goto(f"{self.url}/floor/{visit.unit.code}/?visit={visit.pk}")
        expect(self.page.locator("h1")).to_have_text(str(visit.patient.full_name))

    def tap(self, name: str | re.Pattern[str], *, within: str = "main") -> None:
        button = self.page.locator(within).get_by_role("button", name=name).first
        self.taps += 1
        assert button.count(), (name, self.page.locator(within).inner_text())
        with self.page.expect_response(lambda answer: answer.request.method == "GET" and "/floor/" in answer.url):
            button.tap()
        expect(self.page.locator("form[data-sending]")).to_have_count(0)

    def unfold(self, name: str) -> None:
        self.taps += 1
        self.page.locator("details.more summary", has_text=name).tap()

    def step(self, name: str) -> None:
        self.tap(name, within=".floor-foot")

    def says(self, what: str | re.Pattern[str]) -> None:
        expect(self.page.locator(".floor-visit .chip").first).to_contain_text(what)

    def begin(self, visit: Appointment) -> None:
        """From the door to the drip; the checklist in one tap, where there is one."""
        self.open(visit)
        visit.refresh_from_db()
        if visit.status == "booked":
            self.step("Arrived")
        self.step("Check in")
        rest = self.page.get_by_role("button", name=re.compile("nothing of concern"))
        if rest.count():
            self.tap(re.compile("nothing of concern"))
        self.step("Start treatment")
        self.says("Infusing")


def verbs(visit: Appointment) -> list[str]:
    found = Event.objects.filter(subject="appointment", subject_id=visit.pk).order_by("pk")
    return [verb for verb in found.values_list("verb", flat=True) if verb != "answer"]  # as many as questions


def stay(day: Day, patient: Patient) -> list[Appointment]:
    """One day of DHE every 8 hours from 09:00, booked this morning; her three doses."""
    request = CourseRequest(
        patient=patient, protocol=Protocol.objects.get(code="dhe-q8h", center=None), unit=day.units["suite-24"],
        start=utc("2026-11-24T09:00-05:00"), days=1,
    )  # fmt: skip
    course = courses.create(actor=day.others, center=day.center, request=request, now=day.now)
    jobs.place_visits(day.now)
    doses = list(Appointment.objects.filter(visit__course=course).select_related("unit", "patient").order_by("start"))
    assert [each.start.astimezone(ZONE).hour for each in doses] == [9, 17, 1]
    day.played.update(each.pk for each in doses)
    return doses


def test_a_day_of_the_demo_clinic_in_two_browsers(day: Day) -> None:
    free = Patient.objects.filter(appointments__isnull=True, registrations__center=day.center).order_by("pk").first()
    assert free is not None
    doses = stay(day, free)
    day.to("08:10")
    desk = day.sign_in("front-desk", "/board/day/2026-11-24/")
    touch = day.sign_in("nurse", "/floor/day/", viewport={"width": 1024, "height": 768}, has_touch=True)
    nurse = Nurse(touch, day.site.url)

    # An ordinary visit: the desk receives her, the nurse's list shows it by itself, and there are few taps to the end.
    ordinary = day.visit("day", "08:15", "Chair 2")
    nurse.open(ordinary)
    nurse.says("Booked")
    desk.goto(f"{day.site.url}/board/day/2026-11-24/?visit={ordinary.pk}")
    desk.get_by_role("complementary").get_by_role("button", name="Arrived").click()
    nurse.says("Waiting")
    nurse.taps = 1  # the desk's
    nurse.begin(ordinary)
    day.to("08:50")
    nurse.open(ordinary)
    nurse.step("Discharge")
    nurse.says("Given")
    assert nurse.taps <= 7
    ordinary.refresh_from_db()
    assert ordinary.outcome == "given"

    # A reaction: two taps, half an hour more to observe, and the next visit says so.
    reacting = day.visit("day", "09:00", "Chair 3")
    day.to("09:00")
    nurse.begin(reacting)
    observed = reacting.observation_minutes
    nurse.taps = 0
    nurse.unfold("Reaction")
    nurse.tap(re.compile("hives", re.IGNORECASE), within=".floor-more")
    assert nurse.taps == 2
    reacting.refresh_from_db()
    assert reacting.observation_minutes + reacting.extra_observation_minutes > observed
    assert Reaction.objects.get().appointment_id == reacting.pk

    # A no-show: the desk says so at the door.
    gone = day.visit("day", "09:30", "Chair 1")
    late = day.visit("day", "09:45", "Chair 2")
    day.to("09:50")
    desk.goto(f"{day.site.url}/board/day/2026-11-24/?visit={gone.pk}")
    desk.get_by_role("complementary").get_by_role("button", name="Did not come").click()
    expect(desk.locator(".panel .chip")).to_contain_text("Did not come")
    gone.refresh_from_db()
    assert gone.status == "noshow"

    # A nurse is ill: her shift goes, and the desk's board hears of it.
    shift = Shift.objects.get(nurse__name="Rosario Peña", starts_at__date="2026-11-24")
    before = desk.locator("[data-version]").first.get_attribute("data-version")
    staffing.remove_shift(actor=day.others, shift=shift, now=day.now)
    expect(desk.locator("[data-version]").first).not_to_have_attribute("data-version", str(before), timeout=15_000)

    # A late start.
    day.to("10:15")
    nurse.begin(late)
    late.refresh_from_db()
    assert timedelta(minutes=29) < late.actual_start - late.start < timedelta(minutes=32)  # type: ignore[operator]

    # DHE, begun 80 minutes late: later doses no longer fit, and one tap moves them.
    day.to("10:20")
    nurse.begin(doses[0])
    follows = touch.locator(".proposal")
    expect(follows).to_contain_text("Later doses no longer fit")
    nurse.taps = 0
    nurse.tap(re.compile("^Accept, move"))
    assert nurse.taps == 1
    expect(follows).to_have_count(0)
    day.played.update(
        Appointment.objects.filter(visit__course=doses[0].visit.course).values_list("pk", flat=True)  # type: ignore[union-attr]
    )
    second, third = (
        Appointment.objects.get(visit__course=doses[0].visit.course, visit__ordinal=number, status="booked")  # type: ignore[union-attr]
        for number in (2, 3)
    )
    first_began = utc("2026-11-24T10:20-05:00")
    assert second.visit.due == first_began + timedelta(hours=8)  # type: ignore[union-attr]
    assert second.start >= first_began + timedelta(hours=7)
    assert third.start - second.start >= timedelta(hours=7)

    day.to("11:05")
    nurse.open(reacting)
    assert "hives" in touch.locator(".floor-visit").inner_text().lower()
    nurse.step("Infusion over, observe")
    nurse.open(late)
    nurse.step("Infusion over, observe")
    day.to("11:50")
    for visit in (late, doses[0]):
        nurse.open(visit)
        if visit == doses[0]:
            nurse.step("Infusion over, observe")
        nurse.step("Discharge")

    # A dose in part: she vomited.
    partly = day.visit("day", "12:15", "Chair 1")
    day.to("12:15")
    nurse.begin(partly)
    day.to("12:30")
    nurse.open(partly)
    nurse.unfold("Partly given")
    nurse.tap(re.compile("vomit", re.IGNORECASE), within=".floor-more")
    partly.refresh_from_db()
    assert partly.outcome == "partial"

    day.to("13:00")
    nurse.open(reacting)
    nurse.step("Discharge")
    day.to("18:30")
    nurse.begin(second)
    day.to("19:30")

    # The night: who works now signs in herself; the desk has gone home.
    for screen in list(day.screens):
        screen.context.close()
    day.screens.clear()
    touch = day.sign_in("nurse", "/floor/suite-24/", viewport={"width": 1024, "height": 768}, has_touch=True)
    nurse = Nurse(touch, day.site.url)
    nurse.open(second)
    nurse.step("Infusion over, observe")
    day.to("20:00")
    nurse.open(second)
    nurse.step("Discharge")
    third.refresh_from_db()
    began = third.start.astimezone(ZONE)
    day.to(f"{began:%H:%M}", day=began.day)
    nurse.begin(third)
    ended = began + timedelta(minutes=60)
    day.to(f"{ended:%H:%M}", day=ended.day)
    nurse.open(third)
    nurse.step("Infusion over, observe")
    out = ended + timedelta(minutes=30)
    day.to(f"{out:%H:%M}", day=out.day)
    nurse.open(third)
    nurse.step("Discharge")
    nurse.says("Given")

    # What is left of the day: the promises hold, next doses stand where they should, every step is on record.
    for name in ("mark-no-shows", "place-visits", "extend-courses", "seal-audit"):
        jobs.JOBS[name](day.now)
    assert integrity.check(now=day.now) == []
    given = [dose.given_at for dose in Dose.objects.filter(patient=free).order_by("given_at")]
    assert len(given) == 3
    assert all(later - earlier >= timedelta(hours=7) for earlier, later in pairwise(given))
    following = Visit.objects.get(course=ordinary.visit.course, ordinal=2)  # type: ignore[union-attr]
    assert following.due.astimezone(ZONE).date().isoformat() == "2027-02-24"
    assert Visit.objects.get(pk=gone.visit_id).state == "unplaced"
    assert verbs(ordinary)[-4:] == ["arrive", "check-in", "start", "complete"]
    for visit, wanted in (
        (reacting, {"arrive", "check-in", "start", "reaction", "phase", "complete"}),
        (partly, {"arrive", "check-in", "start", "complete"}),
        (gone, {"no-show"}),
        (third, {"book", "move", "arrive", "check-in", "start", "phase", "complete"}),
    ):
        assert wanted <= set(verbs(visit)), verbs(visit)
    assert Event.objects.filter(verb="remove-shift").exists()
