"""Who is looked for shows while her name is typed, and nothing of it stands in an address."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Site, is_at
from tests.browser.test_board import person
from tests.browser.test_first_pages import check


def test_patients_show_while_somebody_types_and_arrows_go_to_them(site: Site):
    szabo, szalai = person(site, "Katalin", "Szabó"), person(site, "Ilona", "Szalai")
    person(site, "Eva", "Novak")
    page = site.page("front-desk", path="/patients/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    field = page.get_by_label("Name, MRN, birth date or phone")
    found = page.get_by_role("region", name="Patients found")
    field.press_sequentially("sza")
    expect(found.get_by_role("link")).to_have_count(2)
    expect(page.get_by_role("status").filter(has_text="2 patients found")).to_be_attached()
    expect(field).to_be_focused()
    check(page, "while she types")
    field.press_sequentially("bo")
    expect(found.get_by_role("link")).to_have_count(1)  # alone, and not gone to
    expect(field).to_be_focused()
    for _ in "bo":
        page.keyboard.press("Backspace")
    expect(found.get_by_role("link")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(found.get_by_role("link", name="Szalai, Ilona")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    field.fill("nobody at all")
    expect(found).to_contain_text("Nobody found")
    assert not [url for url in asked if "sza" in url.lower() or "nobody" in url]
    field.fill("szal")
    expect(found.get_by_role("link")).to_have_count(1)
    page.keyboard.press("Enter")
    is_at(page, re.compile(f"/patients/{szalai.pk}/$"))
    assert szabo.pk != szalai.pk
