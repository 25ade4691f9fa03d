"""An open page follows its day through the web server's stream, says when it is offline, and comes back by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, expect

from scheduler.domain.permissions import NURSE
from scheduler.models import UnitDay
from tests import factories as make
from tests.support.clinic import Clinic


def test_an_open_floor_follows_says_when_it_is_offline_and_comes_back(
    web_server: Callable[..., Any], browser: Browser
) -> None:
    clinic, client, server = Clinic(), Client(), web_server()
    client.force_login(make.make_user(clinic.center, NURSE))
    today = timezone.now().astimezone(clinic.center.zone).date()
    day = UnitDay.objects.create(unit=clinic.day, date=today)
    context = browser.new_context()
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": server.url}])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with page.expect_response(lambda answer: "/live/" in answer.url):
        page.goto(f"{server.url}/floor/{clinic.day.code}/")
    day.version += 1
    day.save()
    expect(page.locator("main")).to_have_attribute("data-version", str(day.version), timeout=15_000)
    expect(page.locator(".live")).to_have_text("Live")
    os.kill(server.pid, signal.SIGSTOP)  # nothing is refused and nothing answered
    expect(page.locator(".live")).to_contain_text("Offline", timeout=40_000)
    os.kill(server.pid, signal.SIGCONT)
    day.version += 1
    day.save()
    expect(page.locator("main")).to_have_attribute("data-version", str(day.version), timeout=40_000)
    expect(page.locator(".live")).to_have_text("Live")
    context.close()
    assert errors == []
