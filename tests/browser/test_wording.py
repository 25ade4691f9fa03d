"""The words of a message beside what becomes of them, in a real browser: drawn inside the page, and still under its
policy."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from scheduler.models import Wording
from tests.browser.conftest import Site
from tests.browser.test_first_pages import check


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_seen_as_a_mail_before_they_are_kept(site: Site, scheme: str) -> None:
    page = site.page("manager", path="/wording/", color_scheme=scheme)
    check(page, f"the list, {scheme}")
    page.get_by_role("link", name=re.compile("Standard *Reminder, English")).click()
    page.get_by_label("Before the time").fill("We look forward, {first_name}. <b>Really</b>")
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_role("heading", name="As it would be sent, not saved yet")).to_be_visible()
    drawn = page.frame_locator("iframe.words-mail")
    expect(drawn.get_by_text("We look forward, Maria. <b>Really</b>")).to_be_visible()
    expect(drawn.locator(".mail-button")).to_have_css(
        "background-color", "rgb(20, 69, 63)" if scheme == "light" else "rgb(185, 221, 211)"
    )
    check(page, f"the preview, {scheme}")
    assert not Wording.objects.exists()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your own words.")).to_be_visible()
    page.get_by_role("button", name="Back to the standard text").click()
    expect(page.get_by_text("The standard text.")).to_be_visible()
