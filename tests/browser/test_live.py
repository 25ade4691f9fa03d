"""Open pages follow their day through the web server's stream, say when they are offline and how old they are, and come
back by themselves: whatever was stopped, killed or restarted."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from scheduler.domain.permissions import NURSE
from scheduler.models import Patient, UnitDay
from scheduler.services import record
from tests import factories as make
from tests.support.broker import Broker
from tests.support.clinic import Clinic

PATHS = ["/board/{unit}/{day}/", "/floor/{unit}/", "/sheet/{unit}/{day}/", "/wall/{unit}/"]
SHOWN = 15_000  # ms; how long is measured in tests/faults/test_streams.py, where nothing else is at work
COMES_BACK = 60_000  # ms


@dataclass
class Ward:
    """Today's unit-day in a clinic, and browsers that are signed in to it."""

    clinic: Clinic
    client: Client
    day: UnitDay
    browser: Browser

    def open(self, server: Any, path: str) -> Page:
        context = self.browser.new_context()
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": self.client.cookies[name].value, "url": server.url}])
        page = context.new_page()
        with page.expect_response(lambda answer: "/live/" in answer.url):
            page.goto(server.url + path.format(unit=self.clinic.day.code, day=self.day.date.isoformat()))
        return page

    def change(self) -> int:
        self.day.version += 1
        self.day.save()
        return self.day.version

    def note(self, patient: Patient) -> None:
        """Something of hers is changed, and so it is on record."""
        record.event(actor=self.clinic.actor, verb="edit", subject=patient, now=timezone.now())

    def shows(self, page: Page, version: int, timeout: float = COMES_BACK) -> None:
        expect(page.locator("[data-stream]")).to_have_attribute("data-version", str(version), timeout=timeout)
        expect(page.locator(".live")).to_have_text("Live")


@pytest.fixture
def ward(committed_db: None, browser: Browser) -> Iterator[Ward]:
    clinic, client = Clinic(), Client()
    client.force_login(make.make_user(clinic.center, NURSE))
    today: date = timezone.now().astimezone(clinic.center.zone).date()
    yield Ward(clinic, client, UnitDay.objects.create(unit=clinic.day, date=today), browser)
    for context in browser.contexts:
        context.close()


def test_an_open_floor_follows_says_when_it_is_offline_and_comes_back(
    web_server: Callable[..., Any], ward: Ward
) -> None:
    server = web_server()
    page = ward.open(server, "/floor/{unit}/")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    ward.shows(page, ward.change())
    os.kill(server.pid, signal.SIGSTOP)  # nothing is refused and nothing answered
    expect(page.locator(".live")).to_contain_text("Offline", timeout=40_000)
    os.kill(server.pid, signal.SIGCONT)
    ward.shows(page, ward.change())
    assert errors == []


def test_every_open_page_shows_a_change_by_itself(web_server: Callable[..., Any], ward: Ward) -> None:
    server = web_server()
    pages = [ward.open(server, path) for path in PATHS]
    for _ in range(2):
        version = ward.change()
        for page in pages:
            ward.shows(page, version, SHOWN)


def test_open_lists_and_a_patients_page_show_a_change_by_themselves(web_server: Callable[..., Any], ward: Ward) -> None:
    """Without the question that pages ask by themselves while a stream is broken: only the stream can have said it."""
    patient = make.make_patient(ward.clinic.center)
    server = web_server()
    lists = ["/worklist/", "/waitlist/", "/handover/{unit}/", f"/patients/{patient.pk}/"]
    pages = [ward.open(server, path) for path in lists]
    before = [page.locator("main").get_attribute("data-version") for page in pages]
    ward.note(patient)
    for page, seen in zip(pages, before, strict=True):
        expect(page.locator("main")).not_to_have_attribute("data-version", str(seen), timeout=SHOWN)
        expect(page.locator(".live")).to_have_text("Live")


def test_a_list_in_use_is_left_alone_until_it_is_not(web_server: Callable[..., Any], ward: Ward) -> None:
    page = ward.open(web_server(), "/handover/{unit}/")
    before = str(page.locator("main").get_attribute("data-version"))
    page.get_by_label("What they must know").fill("The pump of chair 2 beeps.")
    with page.expect_response(lambda answer: answer.url.endswith("/version/")):
        ward.note(make.make_patient(ward.clinic.center))
    expect(page.get_by_label("What they must know")).to_have_value("The pump of chair 2 beeps.")
    expect(page.locator("main")).to_have_attribute("data-version", before)


def test_every_open_page_outlives_the_web_server_and_is_never_silently_stale(
    web_server: Callable[..., Any], ward: Ward
) -> None:
    server = web_server()
    pages = [ward.open(server, path) for path in PATHS]
    server.kill()
    for page in pages:
        expect(page.locator(".live")).to_contain_text(re.compile("Offline"), timeout=COMES_BACK)
    version = ward.change()  # while nobody could hear of it
    web_server(port=server.port)
    for page in pages:
        ward.shows(page, version)


def test_open_pages_outlive_the_databases_connections(web_server: Callable[..., Any], ward: Ward) -> None:
    """What a restart of PostgreSQL does to them. SQLite's are cut by nobody; there its log is emptied under them."""
    server = web_server()
    pages = [ward.open(server, path) for path in PATHS]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] > 0
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    version = ward.change()
    for page in pages:
        ward.shows(page, version)


def test_open_pages_need_no_broker(web_server: Callable[..., Any], ward: Ward, broker: Broker) -> None:
    server = web_server(environment={"REDIS_URL": broker.url})
    pages = [ward.open(server, path) for path in PATHS]
    broker.kill()
    version = ward.change()
    for page in pages:
        ward.shows(page, version, SHOWN)
