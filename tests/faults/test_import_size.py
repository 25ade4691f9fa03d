"""A whole center's patients and appointments in one file: what it takes of memory, in how small steps it comes in, and
that all of it is there in the end."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest
from django.db import connection, transaction

from scheduler.models import Appointment, Dose, Import, Patient
from scheduler.queries import imported_rows, integrity, people
from scheduler.services import import_files, import_work, imports
from scheduler.web import import_view
from tests import factories as make
from tests.factories import NOW
from tests.support import crowd_of_patients

HEADINGS = ["MRN", "Last name", "First name", "DOB", "Phone", "Email"]
MOST_MEMORY = 400 << 20  # bytes that the process may grow by
MOST_AT_ONCE = import_work.PART  # rows of a transaction
DAYS = 250  # of history
MB = 1 << 20


class Watch:
    """The process's memory at its highest since it was made, in bytes. Linux only."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self.before = self._read("VmRSS")

    def grown(self) -> int:
        return self._read("VmHWM") - self.before

    @staticmethod
    def _read(name: str) -> int:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024


class Site:
    def __init__(self) -> None:
        self.center = make.make_center()
        self.unit = make.make_day_suite(self.center)
        for _number in range(18):
            make.make_chair(self.unit)
        self.quarterly = make.make_quarterly()
        self.actor = make.make_actor(self.center)

    def upload(self, kind: str, content: bytes) -> Import:
        table = import_files.read(content)
        return imports.create(actor=self.actor, center=self.center, kind=kind, table=table, now=NOW)

    def check(self, source: Import, style: str = "us") -> list[int]:
        imports.check(actor=self.actor, source=source, columns=source.columns, date_style=style, unit=None, now=NOW)
        return self._work(source)

    def start(self, source: Import) -> list[int]:
        imports.start(actor=self.actor, source=source, takes_doubtful=True, now=NOW)
        return self._work(source)

    def _work(self, source: Import) -> list[int]:
        """Where the bar stood after each step."""
        seen = []
        while True:
            goes_on = import_work.step(source, now=NOW)
            source.refresh_from_db()
            bar = import_view.bar(source, imported_rows.counts(source))
            if not goes_on or bar is None:
                return seen
            seen.append(bar["done"])


@pytest.fixture
def site(committed_db) -> Site:
    return Site()


@pytest.fixture
def longest(monkeypatch) -> Iterator[Counter[str]]:
    """Seconds of the longest transaction, and how many there were."""
    found: Counter[str] = Counter()
    atomic = transaction.Atomic.__enter__, transaction.Atomic.__exit__
    begun: list[float] = []

    def enter(self):
        if not connection.in_atomic_block:
            begun.append(time.monotonic())
        return atomic[0](self)

    def leave(self, *trouble):
        try:
            return atomic[1](self, *trouble)
        finally:
            if not connection.in_atomic_block and begun:
                found["count"] += 1
                found["seconds"] = max(found["seconds"], time.monotonic() - begun.pop())

    monkeypatch.setattr(transaction.Atomic, "__enter__", enter)
    monkeypatch.setattr(transaction.Atomic, "__exit__", leave)
    return found


def patients_as_rows(count: int) -> Iterator[list[object]]:
    yield HEADINGS
    for number in range(count):
        born = f"{number % 12 + 1}/{number % 28 + 1}/{1940 + number % 60}"
        yield [
            f"{number:06}", f" Sz{number % 977}abó ", f"Ana{number % 53}", "soon" if number % 100 == 99 else born,
            f"212 5{number:06}", f"p{number}@example.org",
        ]  # fmt: skip


def as_xlsx(rows: Iterator[list[object]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def as_csv(rows: Iterator[list[object]]) -> bytes:
    return "\n".join(";".join(map(str, row)) for row in rows).encode("utf-16")


def history(count: int) -> Iterator[list[object]]:
    """Sixteen months back, each chair once in half an hour: nobody is in two places."""
    yield ["MRN", "Date", "Time", "Chair", "Minutes", "Protocol", "Status"]
    for number in range(count):
        day = NOW.date() - timedelta(days=number % DAYS + 2)
        turn = number // DAYS
        minute = 8 * 60 + (turn // 18) * 30
        time_ = f"{minute // 60}:{minute % 60:02}"
        yield [f"{100_000 + number:06}", f"{day:%m/%d/%Y}", time_, f"Chair {turn % 18 + 1}", 30, "", "done"]


def steps_are_small(bar: list[int]) -> bool:
    return all(0 <= after - before <= MOST_AT_ONCE for before, after in pairwise(bar))


def test_a_centers_patients_come_in_from_one_file_in_small_steps(site, longest, rounds, note: Callable[[str], None]):
    count = rounds(450, 50_000)
    content = as_xlsx(patients_as_rows(count))
    began, watch = time.process_time(), Watch()
    source = site.upload("patients", content)
    checked = site.check(source)
    assert not Patient.objects.exists()
    imported = site.start(source)
    wrong = count // 100
    counts = imported_rows.counts(source)
    assert (counts["imported"], counts["wrong"], counts["all"]) == (count - wrong, wrong, count)
    assert Patient.objects.count() == count - wrong
    assert [each.first_name for each in people.search(center=site.center, query="000042")] == ["Ana42"]
    for bar in (checked, imported):
        assert len(bar) >= (count - wrong) // MOST_AT_ONCE
        assert steps_are_small(bar[1:])  # the first has sorted the rows, and said which are wrong
    grown = watch.grown()
    assert grown < MOST_MEMORY, f"{grown / MB:.0f} MB"
    note(
        f"{count:,} rows of an XLSX of {len(content) / MB:.1f} MB, tried and imported; grew by {grown / MB:.0f} MB at "
        f"most; {longest['count']:,} transactions, the longest {longest['seconds']:.1f} s; "
        f"{(time.process_time() - began) / count * 1000:.0f} ms of CPU a row"
    )


def test_a_centers_past_appointments_come_in_day_by_day(site, longest, rounds, note: Callable[[str], None]):
    count = rounds(500, 50_000)
    crowd_of_patients.register(site.center, count)
    content = as_csv(history(count))
    began, watch = time.process_time(), Watch()
    source = site.upload("appointments", content)
    checked = site.check(source)
    assert not Appointment.objects.exists()
    imported = site.start(source)
    assert imported_rows.counts(source)["imported"] == Appointment.objects.count() == count
    assert not Dose.objects.exists()
    assert len(checked) >= min(count, DAYS) <= len(imported) + 1
    grown = watch.grown()
    assert grown < MOST_MEMORY, f"{grown / MB:.0f} MB"
    assert not integrity.check(now=NOW)
    note(
        f"{count:,} rows of a CSV of {len(content) / MB:.1f} MB, tried and imported; grew by {grown / MB:.0f} MB at "
        f"most; {longest['count']:,} transactions, the longest {longest['seconds']:.1f} s; "
        f"{(time.process_time() - began) / count * 1000:.0f} ms of CPU a row"
    )


def test_a_file_in_the_wrong_style_of_dates_is_said_row_by_row(site, longest, rounds, note: Callable[[str], None]):
    count = rounds(1_200, 50_000)
    content = as_csv(patients_as_rows(count))
    began, watch = time.process_time(), Watch()
    source = site.upload("patients", content)
    site.check(source, style="iso")
    assert imported_rows.counts(source)["wrong"] == count
    assert not source.batches.exists()
    grown = watch.grown()
    assert grown < MOST_MEMORY, f"{grown / MB:.0f} MB"
    note(
        f"{count:,} rows; grew by {grown / MB:.0f} MB at most; {longest['count']:,} transactions, the longest "
        f"{longest['seconds']:.1f} s; {(time.process_time() - began) / count * 1000:.1f} ms of CPU a row"
    )
