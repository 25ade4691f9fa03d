"""The whole way of a mail: booked at the desk, carried by a mail server, opened on a phone, answered, seen on a board.

Web server, worker and mail server are processes and sockets of their own; the clock is the machine's.
"""

from __future__ import annotations

import os
import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scheduler.domain.permissions import FRONT_DESK
from scheduler.models import Appointment, Event, LedgerEntry, Link
from scheduler.web.outbox import STYLES
from tests import factories as make
from tests.browser.test_first_pages import check
from tests.support.clinic import Clinic
from tests.support.smtp import SmtpServer
from tests.support.waiting import wait_for

PHONE: Any = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
# At 200 % half as much fits on the same screen.
ZOOMED: Any = {"viewport": {"width": 195, "height": 422}, "device_scale_factor": 2}
SCANNERS = 49
KEPT = os.environ.get("SCREENSHOTS")  # a directory, to keep what was seen
# Nobody is offered a place at night: the center lies where it is day now.
ZONES = ("America/New_York", "Pacific/Auckland", "Asia/Tokyo", "Europe/Berlin", "Pacific/Honolulu")


def where_it_is_day(now: datetime) -> str:
    return next(zone for zone in ZONES if 9 <= now.astimezone(ZoneInfo(zone)).hour < 18)


@dataclass
class Way:
    """The running service, its mail server, and the people at their screens. `said` is what consoles said."""

    url: str
    mails: list[EmailMessage]
    browser: Browser
    clinic: Clinic
    send: Callable[[str], None]
    said: list[str] = field(default_factory=list)

    def screen(self, **options: Any) -> Page:
        page = self.browser.new_context(**options).new_page()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        return page

    def desk(self) -> Page:
        """A screen at which somebody of the desk has signed in."""
        client = Client()
        client.force_login(make.make_user(self.clinic.center, FRONT_DESK, first_name="Mara", last_name="Quist"))
        page = self.screen(viewport={"width": 1440, "height": 900})
        name = settings.SESSION_COOKIE_NAME
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.url}])
        return page

    def mail_to(self, address: str, subject: str, *, also: str = "") -> EmailMessage:
        """The mail, once it has come; the worker is told to look, as beat would."""

        def arrived() -> EmailMessage | None:
            for task in filter(None, [also, "scheduler.send_reminders"]):
                self.send(task)
            fits = (mail for mail in self.mails if mail["To"] == address and mail["Subject"].startswith(subject))
            return next(fits, None)

        mail: EmailMessage = wait_for(arrived, 60, every=1)
        return mail


@pytest.fixture
def way(
    web_server: Callable[..., Any], celery_worker: Callable[..., Any], smtp_server: SmtpServer, browser: Browser
) -> Iterator[Way]:
    now = timezone.now()
    clinic = Clinic(chairs=4, beds=0, mail_name="Lakeside Center", time_zone=where_it_is_day(now))
    server = web_server()
    worker = celery_worker(environment={"EMAIL_URL": smtp_server.url, "BASE_URL": server.url})
    running = Way(server.url, smtp_server.messages, browser, clinic, worker.send)
    yield running
    for context in browser.contexts:
        context.close()
    assert running.said == [], "the console must stay silent"


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def link_of(mail: EmailMessage, text: str) -> str:
    """Where the link with these words leads."""
    [found] = re.findall(rf'<a href="([^"]+)">{re.escape(text)}</a>', html_of(mail))
    return str(found)


def everything() -> list[Any]:
    """All that a link could change."""
    return [list(model.objects.order_by("pk").values()) for model in (Appointment, LedgerEntry, Link, Event)]


def next_week(clinic: Clinic, weekday: int) -> date:
    today = timezone.now().astimezone(clinic.center.zone).date()
    return today + timedelta(days=7 - today.weekday() + weekday)


def at(clinic: Clinic, day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=clinic.center.zone)


def keep(page: Page, name: str) -> None:
    """No violation and nothing sideways, light and dark; kept where asked."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")  # colors fade over
        check(page, f"{name}, {scheme}")
        if KEPT:
            page.screenshot(path=Path(KEPT) / f"answers-{name}{'-dark' if scheme == 'dark' else ''}.png")
    page.emulate_media(color_scheme="light")


def show_mail(context: BrowserContext, mail: EmailMessage, name: str) -> Page:
    """The HTML as a mail program draws it."""
    page = context.new_page()
    page.set_content(html_of(mail))
    keep(page, name)
    return page


def scan(way: Way, address: str) -> None:
    """Programs that fetch each link of a mail before it is delivered, and one that draws it in a real browser."""
    for number in range(SCANNERS):
        method = "HEAD" if number % 2 else "GET"
        with urllib.request.urlopen(urllib.request.Request(address, method=method)) as answer:
            assert answer.status == 200
    page = way.screen(**PHONE)
    page.goto(address, wait_until="networkidle")
    page.mouse.move(200, 400)
    page.context.close()


def test_booked_at_the_desk_confirmed_on_a_phone_and_seen_on_the_board(way: Way) -> None:
    clinic = way.clinic
    day = next_week(clinic, 1)
    patient = clinic.patient("ana@example.org", first_name="Ana")
    desk = way.desk()
    where = {"patient": patient.pk, "chair": clinic.chairs[0].pk, "at": at(clinic, day, 10).isoformat()}
    desk.goto(f"{way.url}/book/?{urlencode(where)}")
    desk.get_by_label("What").select_option(label="Minutes, as given")
    desk.get_by_role("button", name=re.compile("^Book .*10:00, chair 1$")).click()
    expect(desk.locator(".panel .chip")).to_contain_text("Booked")

    mail = way.mail_to("ana@example.org", "Your visit on")
    confirm = link_of(mail, "Confirm this visit")
    assert confirm.startswith(way.url)
    before = everything()
    scan(way, confirm)
    assert everything() == before

    phone = way.screen(**PHONE)
    read = show_mail(phone.context, mail, "mail")
    with read.expect_navigation():
        read.get_by_role("link", name="Confirm this visit").tap()
    expect(read.get_by_role("heading", name="Ana, can you come?")).to_be_visible()
    keep(read, "confirm")
    read.get_by_role("button", name="Yes, I will come").tap()
    expect(read.get_by_role("heading", name="Thank you, Ana. We expect you.")).to_be_visible()
    keep(read, "confirmed")
    assert Appointment.objects.get(patient=patient).confirmed_at is not None

    desk.reload()
    expect(desk.locator(".panel .chip")).to_contain_text("Confirmed")
    keep(desk, "board")


def test_a_cancelled_place_is_offered_by_mail_taken_on_a_phone_and_seen_on_the_board(way: Way) -> None:
    clinic, now = way.clinic, timezone.now()
    wednesday, thursday = next_week(clinic, 2), next_week(clinic, 3)
    bo, cleo = clinic.patient("bo@example.org", first_name="Bo"), clinic.patient("cleo@example.org", first_name="Cleo")
    clinic.book(bo, at(clinic, wednesday, 8).isoformat(), minutes=600, now=now)
    for chair in (1, 2, 3):
        clinic.book(clinic.patient(), at(clinic, wednesday, 8).isoformat(), chair=chair, minutes=600, now=now)
    hers = clinic.book(cleo, at(clinic, thursday, 10).isoformat(), now=now)
    desk = way.desk()
    desk.goto(f"{way.url}/waitlist/?appointment={hers.pk}")
    desk.locator("#from").fill(wednesday.isoformat())
    desk.locator("#until").fill(wednesday.isoformat())
    desk.get_by_role("button", name="Put on the list").click()
    expect(desk.get_by_text("none yet")).to_be_visible()

    phone = way.screen(**PHONE)
    phone.goto(link_of(way.mail_to("bo@example.org", "Your visit on"), "I can’t come"))
    keep(phone, "cancel")
    phone.get_by_role("button", name="Cancel this visit").tap()
    expect(phone.get_by_role("heading", name="Your visit is cancelled")).to_be_visible()
    keep(phone, "cancelled")

    offer = way.mail_to("cleo@example.org", "Earlier:", also="scheduler.offer_slots")
    before = everything()
    scan(way, link_of(offer, "See the offer"))
    assert everything() == before
    other = way.screen(**PHONE)
    read = show_mail(other.context, offer, "offer-mail")
    with read.expect_navigation():
        read.get_by_role("link", name="See the offer").tap()
    expect(read.get_by_role("heading", name="An earlier time is free")).to_be_visible()
    keep(read, "offer")
    read.get_by_role("button", name="Yes, I take the earlier time").tap()
    expect(read.get_by_role("heading", name="Your visit has a new time")).to_be_visible()
    keep(read, "offer-taken")
    hers.refresh_from_db()
    assert hers.start == at(clinic, wednesday, 8)

    desk.goto(f"{way.url}/board/day/{wednesday.isoformat()}/?visit={hers.pk}")
    expect(desk.locator(".panel-time")).to_contain_text("8:00")
    expect(desk.locator(".panel")).to_contain_text("Earlier time accepted")
    expect(desk.locator(".appt")).to_have_count(4)
    keep(desk, "board-offer")


def test_a_mail_can_be_read_at_twice_the_size_and_without_its_styles(way: Way) -> None:
    clinic, now = way.clinic, timezone.now()
    clinic.book(clinic.patient("ana@example.org"), at(clinic, next_week(clinic, 1), 10).isoformat(), now=now)
    mail = way.mail_to("ana@example.org", "Your visit on")
    show_mail(way.screen(**ZOOMED).context, mail, "mail-200")
    bare = way.screen(**PHONE)  # some mail programs throw the styles away
    bare.set_content(STYLES.sub("", html_of(mail)))
    check(bare, "a mail without styles")
