"""Signing in, the second factor, one's sessions, and people and keys: by keyboard only, in a real browser."""

from __future__ import annotations

import base64
import os
import re
from functools import partial
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from scheduler.domain.permissions import INTEGRATION, Actor
from scheduler.models import ApiKey, Membership
from scheduler.services import api_keys
from tests import factories as make
from tests.browser.conftest import Site
from tests.browser.keyboard import press, reach, type_into
from tests.browser.test_first_pages import check
from tests.web.conftest import NOW
from tests.web.signing import PASSWORD, code, person, with_factor

SIZES = {
    "1440x900": {"viewport": {"width": 1440, "height": 900}},
    "1024x768": {"viewport": {"width": 1024, "height": 768}},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
}
OPERATOR = Actor.job("test")
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15"
KEPT = os.environ.get("SCREENSHOTS")  # a directory, to keep what the pages looked like


def get_in(page: Page, site: Site, user: User, path: str = "/account/") -> None:
    page.goto(f"{site.url}/sign-in/?next={path}")
    page.keyboard.type(user.username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def key_of(page: Page) -> str:
    """The hexadecimal key behind the text that is shown to be typed into the app."""
    shown = page.locator(".key-text").inner_text().replace(" ", "").replace("\n", "")
    return base64.b32decode(shown + "=" * (-len(shown) % 8)).hex()


def picture(page: Page, name: str, size: str) -> None:
    """No violation, nothing sideways; kept where asked."""
    check(page, f"{name}, {size}")
    if KEPT:
        page.screenshot(path=Path(KEPT) / f"{name}-{size}.png")


def test_signing_in_by_keyboard_and_a_wrong_password_on_the_way(site: Site):
    user = person(site.clinic.center, "front-desk")
    page = site.window()
    page.goto(f"{site.url}/sign-in/")
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(user.username)
    page.keyboard.press("Tab")
    page.keyboard.type("not it")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("4 tries left")
    expect(page.get_by_label("Password")).to_be_focused()
    check(page, "a wrong password")
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/board/day/2026-11-24/"))


def test_setting_the_second_factor_up_and_signing_in_with_it_by_keyboard(site: Site):
    user = person(site.clinic.center, first_name="Mara", last_name="Quist")
    page = site.window()
    get_in(page, site, user)
    press(page, "Set it up")
    key = key_of(page)
    type_into(page, "Code", "000000")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("does not match")
    expect(page.locator("#otp")).to_be_focused()
    page.keyboard.type(code(key=key))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    codes = page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10
    press(page, "I have them")

    reach(page, "MQ Mara Quist, your account")
    page.keyboard.press("Enter")
    press(page, "Sign out")
    get_in(page, site, user)
    expect(page.locator("#otp")).to_be_focused()
    page.keyboard.type(codes[0])
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(page.get_by_text("9 recovery codes left")).to_be_visible()


def test_ending_a_session_elsewhere_by_keyboard(site: Site):
    user = person(site.clinic.center)
    elsewhere, page = site.window(), site.window()
    get_in(elsewhere, site, user)
    get_in(page, site, user)
    expect(page.get_by_text("This one")).to_have_count(1)
    press(page, "End it")
    expect(page.locator(".session")).to_have_count(1)
    elsewhere.reload()
    expect(elsewhere.get_by_role("status")).to_contain_text("This session was ended from another one.")


def test_inviting_a_colleague_and_changing_a_role_by_keyboard(site: Site):
    page = site.window()
    get_in(page, site, person(site.clinic.center, "manager"), "/people/")
    with page.expect_navigation():
        page.keyboard.press("n")
    expect(page.get_by_label("First name")).to_be_focused()
    page.keyboard.type("Noor")
    type_into(page, "Last name", "Haddad")
    type_into(page, "User name", "noor")
    type_into(page, "E-mail", "noor@example.org")
    reach(page, "Role")
    page.keyboard.type("Nurse")
    press(page, "Invite")
    expect(page.get_by_role("heading", name="Noor Haddad")).to_be_visible()
    reach(page, "Role")
    page.keyboard.type("Auditor")
    press(page, "Change the role")
    assert Membership.objects.get(user__username="noor").role == "auditor"
    press(page, "End the access")
    expect(page.get_by_text("Ended. The account can be opened again.")).to_be_visible()


def test_making_and_revoking_a_key_by_keyboard(site: Site):
    page = site.window()
    get_in(page, site, person(site.clinic.center, "manager"), "/people/")
    press(page, "New key")
    page.keyboard.type("Hospital records")
    reach(page, "book and change")
    page.keyboard.press("Space")
    press(page, "Make the key")
    expect(page.locator(".key-text")).to_contain_text(re.compile("^ick_"))
    check(page, "a new key")
    press(page, "I have copied it")
    press(page, "Revoke Hospital records")
    expect(page.get_by_text(re.compile("^Revoked"))).to_be_visible()
    assert ApiKey.objects.get().revoked_at is not None


def a_team(site: Site) -> User:
    """A manager, three colleagues at different steps, a key in use and one that is no more."""
    center = site.clinic.center
    manager = person(center, "manager", first_name="Mara", last_name="Quist", email="mara@example.org")
    nurse = person(center, "nurse", first_name="Idris", last_name="Okafor")
    with_factor(nurse)
    person(center, "front-desk", first_name="Lucía", last_name="Brandt-Echevarría")
    make.make_user(center, "auditor", first_name="Tove", last_name="Lind", email="tove@example.org", is_active=False)
    issue = partial(api_keys.issue, actor=OPERATOR, center_code=center.code, role=INTEGRATION, now=NOW)
    issue(name="Hospital records", scopes=["read-schedule", "book"])
    old = issue(name="Old reporting", scopes=["read-schedule"])
    api_keys.revoke(actor=OPERATOR, prefix=old[: api_keys.PREFIX_SIGNS], now=NOW)
    return manager


@pytest.mark.parametrize("size", SIZES)
def test_every_page_of_accounts_at_each_size_and_in_the_dark(site: Site, size: str):
    manager = a_team(site)
    page = site.window(**SIZES[size])
    page.goto(f"{site.url}/sign-in/")
    picture(page, "sign-in", size)
    page.goto(f"{site.url}/forgot/")
    picture(page, "forgot", size)
    get_in(site.window(user_agent=PHONE), site, manager)
    get_in(page, site, manager)
    picture(page, "sessions", size)
    page.goto(f"{site.url}/account/password/")
    picture(page, "password", size)
    page.goto(f"{site.url}/account/second-factor/")
    picture(page, "second-factor", size)
    page.goto(f"{site.url}/people/")
    picture(page, "people", size)
    colleague = Membership.objects.get(user__first_name="Idris")
    page.goto(f"{site.url}/people/{colleague.pk}/")
    picture(page, "person", size)
    page.goto(f"{site.url}/people/keys/new/")
    picture(page, "key-new", size)


@pytest.mark.parametrize("size", SIZES)
def test_the_second_step_and_the_recovery_codes_at_each_size_and_in_the_dark(site: Site, size: str):
    user = person(site.clinic.center, first_name="Mara", last_name="Quist")
    page = site.window(**SIZES[size])
    get_in(page, site, user, "/account/second-factor/")
    page.keyboard.press("Tab")
    page.locator("#otp").fill(code(key=key_of(page)))
    page.locator("#otp").press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    picture(page, "recovery-codes", size)
    page.goto(f"{site.url}/account/second-factor/")
    picture(page, "second-factor-on", size)
    again = site.window(**SIZES[size])
    get_in(again, site, user)
    picture(again, "code", size)
