"""`make drill` writes what the drills showed to docs/drills/: a row for each, with the counts that its test notes.

Loaded by `-p` (pyproject.toml). Without --full nothing is written.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTE = "drill"
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """`note("400 slots, 20,000 attempts")`: figures for the drill's row on the page."""
    return lambda text: request.node.user_properties.append((NOTE, text))


class _Page:
    def __init__(self) -> None:
        self.reports: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            self.reports.append(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput") or not self.reports:
            return
        database = session.config.getoption("--database")
        page = ROOT / "docs" / "drills" / f"{database}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(_text(DATABASES[database], self.reports))


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--full"):
        config.pluginmanager.register(_Page())


def _text(database: str, reports: list[pytest.TestReport]) -> str:
    failed = sum(report.failed for report in reports)
    lines = [
        f"# Drills on {database}",
        "",
        f"Written by `make drill` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_machine()}.",
        f"{len(reports)} drills, {failed} failed. The same tests run in the suite with smaller counts.",
        "",
        "| drill | counts and figures | result | seconds |",
        "|---|---|---|---|",
        *(_row(report) for report in reports),
        "",
    ]
    return "\n".join(lines)


def _row(report: pytest.TestReport) -> str:
    path, _, name = report.nodeid.partition("::")
    sentence = name.rpartition("::")[2].removeprefix("test_").replace("_", " ")
    notes = "; ".join(str(text) for key, text in report.user_properties if key == NOTE)
    return f"| {sentence}<br>`{path}` | {notes} | {report.outcome} | {report.duration:.0f} |"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    return (
        f"commit {commit.strip() or 'unknown'}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
