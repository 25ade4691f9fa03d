"""The page that `make drill` writes: one row for each drill, whatever else is cut off or not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import drill_page


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two drills in one file."""
    monkeypatch.setattr(drill_page, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_x.py").write_text("def test_one_thing(role):\ndef test_another():\n")
    return tmp_path


def ran(root: Path, name: str, *, note: str = "", outcome: str = "passed") -> str:
    """What stands on the page after this drill."""
    report = pytest.TestReport(
        nodeid=f"tests/test_x.py::{name}",
        location=("tests/test_x.py", 0, name),
        keywords={},
        outcome=outcome,
        longrepr=None,
        when="call",
        duration=2.4,
        user_properties=[(drill_page.NOTE, note)],
    )
    drill_page._Page("sqlite").pytest_runtest_logreport(report)
    return (root / "docs/drills/sqlite.md").read_text()


def test_a_drill_has_its_figures_in_its_row(root):
    page = ran(root, "test_one_thing[nurse]", note="20 pairs, none lost")
    assert "| `tests/test_x.py`: one thing [nurse] | 20 pairs, none lost | passed | 2 |" in page


def test_another_drill_leaves_the_row_as_it_is(root):
    ran(root, "test_one_thing[nurse]", note="20 pairs")
    page = ran(root, "test_another", note="9 kills")
    assert "20 pairs" in page
    assert "9 kills" in page


def test_the_same_drill_takes_its_own_row(root):
    ran(root, "test_another", note="9 kills")
    page = ran(root, "test_another", note="8 kills", outcome="failed")
    assert "9 kills" not in page
    assert "8 kills | failed" in page


def test_a_drill_there_is_no_more_leaves_the_page(root):
    ran(root, "test_gone", note="3 storms")
    assert "3 storms" not in ran(root, "test_another")
