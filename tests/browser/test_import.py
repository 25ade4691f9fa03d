"""Importing a spreadsheet by keyboard alone: nothing on the console, nothing axe objects to, and the bar grows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from scheduler.models import Import, Patient
from scheduler.services import import_work
from tests.browser.conftest import Site
from tests.browser.keyboard import press, reach
from tests.browser.test_first_pages import check
from tests.web.conftest import NOW

ROWS = "\n".join(
    [
        "MRN,Patient,DOB,Phone",
        '1,"Rivera, Ana",3/14/1985,212 555 0101',
        "2,كرم,3/15/1985,",
        "3,<script>alert(1)</script>,soon,",
    ]
)


def work() -> None:
    while import_work.work(now=NOW).get("batches"):
        pass


def choose(page: Page, tmp_path: Path) -> None:
    """A file dialog belongs to the system: the browser only opens it."""
    file = tmp_path / "patients.csv"
    file.write_text(ROWS)
    reach(page, "File")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(file)


def test_the_whole_way_by_keyboard(site: Site, tmp_path: Path):
    page = site.page("manager", path="/imports/")
    check(page, "the list")
    choose(page, tmp_path)
    press(page, "Look at it")
    expect(page.get_by_role("heading", name="Columns")).to_be_visible()
    check(page, "the columns")
    reach(page, "2026-11-24 year first")
    page.keyboard.press("ArrowDown")
    press(page, "Try it, import nothing")
    expect(page.get_by_role("progressbar")).to_be_visible()
    check(page, "the bar")
    work()
    expect(page.get_by_text("2 rows can be imported.")).to_be_visible()  # htmx looks every two seconds
    expect(page.get_by_text("“soon” is no date like 11/24/2026.")).to_be_visible()
    check(page, "the dry run")
    assert not Patient.objects.exists()
    press(page, "Import what can be")
    work()
    expect(page.get_by_text("2 rows are imported.")).to_be_visible()
    check(page, "what came in")
    press(page, "Undo Part 1")
    assert not Patient.objects.exists()
    press(page, "Done with it")
    expect(page.get_by_role("heading", name="This import is closed")).to_be_visible()
    assert re.fullmatch(r".*/imports/\d+/", page.url)


@pytest.mark.parametrize("scheme", ["dark"])
def test_without_javascript_and_in_the_dark(site: Site, tmp_path: Path, scheme: str):
    page = site.page("manager", path="/imports/", color_scheme=scheme, java_script_enabled=False)
    file = tmp_path / "patients.csv"
    file.write_text(ROWS)
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_label("11/24/2026").check()
    page.get_by_role("button", name="Try it, import nothing").click()
    work()
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_text("2 rows can be imported.")).to_be_visible()
    assert Import.objects.get().status == "checked"
