"""The benchmark runs through, on a scratch database of its own, with tiny counts."""

from __future__ import annotations

import io
from dataclasses import asdict, replace

from django.core.management import call_command

from scheduler.management.benchmark import floors, table
from scheduler.management.benchmark.measure import Figure
from scheduler.management.benchmark.workload import TINY, fill
from scheduler.models import Appointment, Chair, Event, LedgerEntry, Occupancy, Patient
from scheduler.services import booking
from tests import factories as make
from tests.factories import NOW


def test_measures_every_work_and_writes_the_page(tmp_path):
    page, out = tmp_path / "benchmarks.md", io.StringIO()
    call_command("benchmark", "--database", "sqlite", "--tiny", "--write", str(page), stdout=out)
    text = page.read_text()
    assert text.strip() == out.getvalue().strip()
    for work in (
        "empty authenticated view",
        "free 120-minute starts on any chair, 90 days",
        "the day schedule",
        "the board of a day, a whole page",
        "bookings with every rule checked, 8 clients",
        "50 clients for one slot",
        "90-day search over 24 chairs in process",
        "nothing due",
        "1 visits due",
    ):
        assert work in text
    assert "(1 answered 201, 49 answered 409)" in text


def test_floor_of_bookings_writes_the_rows_of_a_booking_back_to_back_with_others(db):
    workload = fill(replace(TINY, weeks=1, bookings_a_day=75, patients=150), NOW)
    first, *places = workload.places

    def book():
        return booking.book(
            actor=make.make_actor(workload.center),
            chair=Chair.objects.get(pk=first.chair),
            start=first.start,
            protocol=workload.protocol,
            patient=Patient.objects.get(pk=first.patient),
            now=NOW,
        )

    written, made = floors.written_by(book, first)
    write = floors.booking(workload, written, places)
    for _ in places:
        write()
    copies = Appointment.objects.filter(pk__gt=made.pk)
    assert [(row.chair_id, row.patient_id, row.start) for row in copies.order_by("pk")] == [
        (place.chair, place.patient, place.start) for place in places
    ]
    for model in (Occupancy, LedgerEntry):
        of_one = model.objects.filter(appointment=made).count()
        assert of_one > 0
        assert model.objects.filter(appointment__in=copies).count() == of_one * len(places)
    assert Event.objects.filter(subject="appointment", subject_id__in=copies.values("pk")).count() == len(places)


def test_the_day_is_measured_beside_many_appointments_made_by_the_database(tmp_path):
    page = tmp_path / "benchmarks.md"
    call_command(
        "benchmark", "--database", "none", "--tiny", "--rows", "150", "400", "--write", str(page), stdout=io.StringIO()
    )
    text = page.read_text()
    assert "--rows 150 400" in text
    assert "| 150 |" in text
    assert "| 400 |" in text
    assert "Beside the most it takes" in text


def test_the_page_names_what_misses_its_aim_and_where_it_is_told_why():
    slow = Figure("the day schedule", 9.0, aim=8.0)
    few = Figure("bookings", 151, aim=150, unit="/s")
    result = {"database": "sqlite", "booked": 1, "memory": [1, 2], "figures": [asdict(slow), asdict(few)]}
    text = table.page([result], day="today", machine="one", command="manage.py benchmark")
    misses = text.partition("## What misses its aim")[2]
    assert "- SQLite: the day schedule, 9.00 ms (aim 8.00 ms)" in misses
    assert "bookings" not in misses
    assert "benchmarks-notes.md" in misses
