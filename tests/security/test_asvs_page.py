"""docs/security/: the ASVS page has every requirement of its chapters, and both pages name only tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {name: ROOT / "docs" / "security" / f"{name}.md" for name in ("asvs", "threat-model")}
# Number: level, as in OWASP_Application_Security_Verification_Standard_5.0.0_en.csv, levels 1 and 2. Drafts of 5.0
# number chapter 6 in another way.
REQUIREMENTS = {
    number: level
    for level, numbers in {
        1: """
            1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.1 1.3.2 1.5.1 2.1.1 2.2.1 2.2.2 2.3.1 6.1.1 6.2.1 6.2.2 6.2.3 6.2.4
            6.2.5 6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1 6.4.2 7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2 8.1.1 8.2.1 8.2.2
            8.3.1 14.2.1 14.3.1
        """,
        2: """
            1.1.1 1.1.2 1.2.6 1.2.7 1.2.8 1.2.9 1.3.3 1.3.4 1.3.5 1.3.6 1.3.7 1.3.8 1.3.9 1.3.10 1.3.11 1.4.1 1.4.2
            1.4.3 1.5.2 2.1.2 2.1.3 2.2.3 2.3.2 2.3.3 2.3.4 2.4.1 6.1.2 6.1.3 6.2.9 6.2.10 6.2.11 6.2.12 6.3.3 6.3.4
            6.4.3 6.4.4 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.6.1 6.6.2 6.6.3 6.8.1 6.8.2 6.8.3 6.8.4 7.1.1 7.1.2 7.1.3
            7.3.1 7.3.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.6.1 7.6.2 8.1.2 8.2.3 8.4.1 14.1.1 14.1.2 14.2.2 14.2.3 14.2.4
            14.3.2 14.3.3 16.1.1 16.2.1 16.2.2 16.2.3 16.2.4 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.4.3
            16.5.1 16.5.2 16.5.3
        """,
    }.items()
    for number in numbers.split()
}
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (\d) \| ([^|]+) \| ([^|]+) \|([^|]*)\|$", re.M)
TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


@cache
def names_in(path: str) -> frozenset[str]:
    """Tests of a file: `test_x`, and `TestY::test_x` of a class."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        inner = node.body if isinstance(node, ast.ClassDef) else []
        found |= {f"{node.name}::{each.name}" for each in inner if isinstance(each, ast.FunctionDef)}  # type: ignore[attr-defined]
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return frozenset(found)


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_exists(page: str) -> None:
    named = TEST.findall(PAGES[page].read_text())
    assert len(named) > 20
    assert [f"{path}::{name}" for path, name in named if not (ROOT / path).exists() or name not in names_in(path)] == []


def test_the_page_has_every_requirement_once_with_its_level() -> None:
    rows = [(number, int(level)) for number, level, *_rest in ROW.findall(PAGES["asvs"].read_text())]
    assert sorted(rows) == sorted(REQUIREMENTS.items())


def test_a_row_says_how_it_stands_and_what_is_shown_has_a_test() -> None:
    for number, _level, _asks, stands, tests in ROW.findall(PAGES["asvs"].read_text()):
        status = re.match(r"shown|documented|n/a|partly|missing", stands)
        assert status, number
        assert status[0] != "shown" or TEST.search(tests), f"{number} is shown by nothing"
        assert status[0] == "shown" or len(stands) > 8, f"{number} says nothing more"


def test_what_is_said_to_be_documented_is_there() -> None:
    anchors = {
        "#" + re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGES["threat-model"].read_text().splitlines()
        if line.startswith("#")
    }
    text = PAGES["asvs"].read_text()
    for file, anchor in re.findall(r"\]\((?!https:)([\w./-]+\.md)(#[\w-]+)?\)", text):
        assert (PAGES["asvs"].parent / file).exists(), file
        assert not anchor or anchor in anchors, anchor
