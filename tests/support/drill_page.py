"""`make drill` writes what the drills showed to docs/drills/: a row for each, with the counts that its test notes.

Loaded by `-p` (pyproject.toml). Without --full nothing is written.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTE = "drill"
HEAD = "| drill | counts and figures | result | seconds | date, commit |"
DRILL = re.compile(r"\| `(?P<path>[^`]+)`: (?P<words>[^|]+) \|")
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """`note("400 slots, 20,000 attempts")`: figures for the drill's row on the page."""
    return lambda text: request.node.user_properties.append((NOTE, text))


class _Page:
    """Written anew after each drill: what a drill showed is kept when a later one is cut off, and a run of some of
    the drills leaves the rows of the others as they are, with their own dates."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._commit = _commit()  # what is tested, whatever is committed meanwhile
        self._path = ROOT / "docs" / "drills" / f"{database}.md"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not report.failed:
            return
        rows = _rows(self._path.read_text()) if self._path.exists() else {}
        rows[_drill(report.nodeid)] = _row(report, self._commit)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(_text(DATABASES[self._database], rows))


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--full") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Page(config.getoption("--database")))


def _text(database: str, rows: dict[str, str]) -> str:
    lines = [
        f"# Drills on {database}",
        "",
        f"Written by `make drill` on {_machine()}. The same tests run in the suite with smaller counts.",
        "",
        HEAD,
        "|---|---|---|---|---|",
        *(rows[drill] for drill in sorted(rows)),
        "",
    ]
    return "\n".join(lines)


def _rows(page: str) -> dict[str, str]:
    """The rows of a page by their drills, without those of tests that there are no more."""
    rows = {}
    for line in page.splitlines():
        if said := DRILL.match(line):
            path, words = said["path"], said["words"].partition(" [")[0]
            file = ROOT / path
            if file.is_file() and f"def test_{words.replace(' ', '_')}(" in file.read_text():
                rows[f"`{path}`: {said['words']}"] = line
    return rows


def _drill(nodeid: str) -> str:
    """`` `tests/races/test_keys.py`: a key is sent [sqlite] ``: the file, and the test's name as a sentence."""
    path, _, name = nodeid.partition("::")
    name, bracket, case = name.rpartition("::")[2].removeprefix("test_").partition("[")
    return f"`{path}`: {name.replace('_', ' ')}{' [' + case if bracket else ''}"


def _row(report: pytest.TestReport, commit: str) -> str:
    notes = "; ".join(str(text) for key, text in report.user_properties if key == NOTE)
    when = f"{datetime.now(UTC):%Y-%m-%d}, {commit}"
    return f"| {_drill(report.nodeid)} | {notes} | {report.outcome} | {report.duration:.0f} | {when} |"


def _commit() -> str:
    """`9864e21`, or `9864e21 with changes` where files differ from it, the pages of the drills aside."""
    commit = _git("rev-parse", "--short", "HEAD") or "no commit"
    return f"{commit} with changes" if _git("status", "--porcelain", "--", ".", ":!docs/drills") else commit


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
