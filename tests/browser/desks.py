"""Two desks on one day: two browsers, each with somebody of her own, before a real web server at the real time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scheduler.domain.permissions import FRONT_DESK
from scheduler.models import Appointment, Patient, UnitDay
from scheduler.services import booking
from tests import factories as make
from tests.support.clinic import Clinic

STREAM = re.compile(r"/live/[a-z0-9-]+/[\d-]+/$")
LIVE, CUT = 2, 15  # s, after which what one desk books is on the other's screen: with the stream, and without it


@dataclass
class Desks:
    """A clinic with its board of an open day soon, and the browsers that look at it."""

    url: str
    clinic: Clinic
    browser: Browser
    day: date
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def board(self) -> str:
        return f"{self.url}/board/{self.clinic.day.code}/{self.day.isoformat()}/"

    def at(self, hour: int) -> datetime:
        return datetime.combine(self.day, time(hour), self.clinic.center.zone)

    def patient(self, first: str, last: str) -> Patient:
        return self.clinic.patient(first_name=first, last_name=last, search_text=f"{last} {first}".lower())

    def book(self, patient: Patient, hour: int, *, chair: int = 0) -> Appointment:
        place: dict[str, Any] = {"chair": self.clinic.chairs[chair], "start": self.at(hour)}
        return booking.book(actor=self.clinic.actor, patient=patient, minutes=30, now=timezone.now(), **place)

    def window(self) -> BrowserContext:
        """A browser in which somebody of the desk is signed in."""
        client = Client()
        client.force_login(make.make_user(self.clinic.center, FRONT_DESK))
        context = self.browser.new_context(viewport={"width": 1440, "height": 900})
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.url}])
        self.contexts.append(context)
        return context

    def watch(self, context: BrowserContext | None = None) -> Page:
        """The board, once it has asked whether it is up to date."""
        page = (context or self.window()).new_page()
        page.set_default_timeout(20_000)
        with page.expect_response(lambda answer: answer.url.endswith("/version/")):
            page.goto(self.board)
        expect(page.locator("#board")).to_be_visible()
        return page

    def book_in(self, page: Page, patient: Patient, hour: int, *, chair: int = 0) -> int:
        """Through the page's form. The visit's id."""
        place = f"chair={self.clinic.chairs[chair].pk}&at={self.at(hour).isoformat()}"
        page.goto(f"{self.url}/book/?patient={patient.pk}&{place}".replace("+", "%2B"))
        page.get_by_label("What").select_option(label="Minutes, as given")
        with page.expect_navigation(url=re.compile(r"\?visit=\d+$")):
            page.get_by_role("button", name=re.compile("^Book ")).click()
        return int(page.url.rpartition("=")[2])


@contextmanager
def two_desks(server: Any, browser: Browser) -> Iterator[Desks]:
    clinic = Clinic()
    today = timezone.now().astimezone(clinic.center.zone).date()
    day = today + timedelta(days=7 - today.weekday() + 1)  # next week's Tuesday
    UnitDay.objects.create(unit=clinic.day, date=day)
    desks = Desks(server.url, clinic, browser, day)
    yield desks
    for context in desks.contexts:
        context.close()
