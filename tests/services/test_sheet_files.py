"""The day sheets that lie ready in a folder: whole files for the desk computer, for nobody else, for no longer than
needed."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler.models import Access
from scheduler.queries import health
from scheduler.services import heartbeats, jobs, sheet_files
from scheduler.tasks import write_sheets
from tests import factories as make
from tests.factories import NOW, utc
from tests.support.clinic import Clinic

pytestmark = pytest.mark.django_db
MORNING = utc("2026-11-24T06:00-05:00")


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.SHEETS_DIR = tmp_path / "sheets"
    return settings.SHEETS_DIR


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_unit_has_a_file_for_today_and_one_for_tomorrow(folder: Path) -> None:
    clinic = Clinic()
    today = clinic.book(start="2026-11-24T10:00-05:00")
    tomorrow = clinic.book(start="2026-11-25T10:00-05:00")
    assert jobs.write_sheets(MORNING) == {"written": 4}
    code = clinic.center.code
    assert names(folder) == [
        f"{code}-{unit}-2026-11-{day}.html" for unit in ("day", "suite-24") for day in (24, 25)
    ]  # fmt: skip
    first, second = ((folder / f"{code}-day-2026-11-{day}.html").read_text() for day in (24, 25))
    assert today.patient.full_name in first
    assert tomorrow.patient.full_name not in first
    assert tomorrow.patient.full_name in second


def test_a_file_needs_nothing_else(folder: Path) -> None:
    Clinic().book()
    jobs.write_sheets(MORNING)
    for path in folder.iterdir():
        text = path.read_text()
        assert "@page { size: A4 landscape" in text
        assert not re.search(r"<link|<script|<img|src=|href=|url\(|@import", text)


def test_only_the_services_user_reads_them(folder: Path) -> None:
    Clinic().book()
    jobs.write_sheets(MORNING)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_it_says_from_when_it_is_and_what_changed_since_the_print(folder: Path) -> None:
    clinic = Clinic()
    clinic.book()
    jobs.write_sheets(MORNING)
    text = next(folder.glob("*day-2026-11-24.html")).read_text()
    assert "Version 1" in text
    assert "written 06:00 by itself" in text


def test_sheets_of_days_that_are_over_go_and_strange_files_stay(folder: Path) -> None:
    clinic = Clinic()
    clinic.book()
    jobs.write_sheets(MORNING)
    for name in ("gone-unit-2026-11-20.html", "notes.html", "readme.txt"):
        (folder / name).write_text("x")
    assert jobs.write_sheets(MORNING + timedelta(days=1)) == {"removed": 3, "written": 4}
    assert {name[-15:] for name in names(folder) if name.startswith(clinic.center.code)} == {
        "2026-11-25.html", "2026-11-26.html",
    }  # fmt: skip
    assert {"notes.html", "readme.txt"} < set(names(folder))


def test_a_day_is_over_when_it_is_at_the_center(folder: Path) -> None:
    Clinic().book()
    jobs.write_sheets(utc("2026-11-24T23:30-05:00"))  # the 25th in UTC
    assert {name[-15:] for name in names(folder)} == {"2026-11-24.html", "2026-11-25.html"}


def test_what_a_crash_half_wrote_goes_later(folder: Path) -> None:
    Clinic().book()
    jobs.write_sheets(MORNING)
    part = folder / ".abc.part"
    part.write_text("half")
    sheet_files.write(now=MORNING)
    assert part.exists()  # somebody may be writing it
    os.utime(part, (0, 0))
    sheet_files.write(now=MORNING)
    assert not part.exists()


def test_a_file_that_can_not_be_written_is_counted_and_the_others_are_written(folder: Path, caplog: Any) -> None:
    clinic = Clinic()
    visit = clinic.book()
    name = f"{clinic.center.code}-day-2026-11-24.html"
    (folder / name / "in the way").mkdir(parents=True)
    assert jobs.write_sheets(MORNING) == {"failed": 1, "written": 3}
    assert visit.patient.last_name not in caplog.text
    assert [path for path in folder.iterdir() if path.suffix == ".part"] == []


def test_a_folder_that_can_not_be_made_shows_on_metrics_and_breaks_no_other_job(
    tmp_path: Path, settings: Any, client: Any
) -> None:
    (tmp_path / "file").write_text("")
    settings.SHEETS_DIR = tmp_path / "file" / "sheets"
    Clinic().book()
    write_sheets()
    found = health.sheets()
    assert found is not None
    assert found.failed == 4
    assert 'scheduler_job_failed{name="write-sheets"} 4' in client.get("/metrics").content.decode()


def test_the_old_file_stays_whole_while_the_new_one_is_written(folder: Path, monkeypatch: Any) -> None:
    Clinic().book()
    jobs.write_sheets(MORNING)
    before = {path.name: path.read_text() for path in folder.iterdir()}

    def broken(*args: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(sheet_files.os, "fsync", broken)
    assert jobs.write_sheets(MORNING + timedelta(hours=1)) == {"failed": 4}
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_each_file_is_on_record_as_read_by_the_job(folder: Path) -> None:
    clinic = Clinic()
    clinic.book()
    jobs.write_sheets(MORNING)
    assert set(Access.objects.values_list("actor", "what", "center_id")) == {
        ("job:write-sheets", "day-sheet-file", clinic.center.pk)
    }


def test_the_page_says_when_the_folder_was_written_and_when_it_could_not_be(client: Any, time_machine: Any) -> None:
    time_machine.move_to(NOW)
    clinic = Clinic()
    client.force_login(make.make_user(clinic.center, "nurse"))
    url = f"/sheet/day/{NOW.date().isoformat()}/"
    assert "folder" not in client.get(url).content.decode()
    heartbeats.beat("write-sheets", now=NOW, detail={"written": 4})
    assert "In the folder: as of" in client.get(url).content.decode()
    heartbeats.beat("write-sheets", now=NOW, detail={"failed": 1, "written": 3})
    assert "could not be written" in client.get(url).content.decode()
