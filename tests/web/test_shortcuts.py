"""One table of keys: the overlay shows it, the scripts read it, and no page has a key that isn't in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import scheduler
from scheduler.web import shortcuts, visit
from tests.web.conftest import Clinic

HOUSE = Path(scheduler.__file__).parent
KNOWN = {each.key.lower() for group in shortcuts.GROUPS for each in group.keys}
DOES = {each.does for group in shortcuts.GROUPS for each in group.keys if each.does}


@pytest.mark.parametrize("path", ["/board/day/2026-11-24/", "/worklist/", "/patients/", "/book/", "/account/"])
def test_every_staff_page_has_the_overlay(clinic: Clinic, path: str):
    page = clinic.client().get(path).content.decode()
    assert 'id="key-table"' in page
    for does in DOES:
        assert f'data-does="{does}"' in page


def test_every_key_of_a_page_is_in_the_table():
    found = set()
    for path in (HOUSE / "templates").rglob("*.html"):
        found |= set(re.findall(r'data-(?:key|go)="([^"{]+)"', path.read_text()))
    assert {"n", "z", "/"} <= found
    assert {key.lower().replace("escape", "esc") for key in found} - {str(number) for number in range(10)} <= KNOWN


def test_every_key_of_a_visits_steps_is_in_the_table():
    source = Path(visit.__file__).read_text()
    assert {key.lower() for key in re.findall(r'key="(\w)"', source)} <= KNOWN


def test_the_scripts_ask_the_table_for_their_keys():
    asked = set()
    for path in (HOUSE / "static" / "scheduler").glob("*.js"):
        asked |= set(re.findall(r'keyOf\("(\w+)"\)|data-does=(\w+)\]', path.read_text()))
    assert {one or other for one, other in asked} == DOES
