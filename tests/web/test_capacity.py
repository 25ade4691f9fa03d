"""The heat map, and the month in figures."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
import time_machine

from scheduler.models import Access
from scheduler.services import attendance
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import NOW, Clinic


def html(clinic: Clinic, url: str, role: str = "manager", status: int = 200) -> str:
    answer = clinic.client(role).get(url)
    assert answer.status_code == status
    return answer.content.decode()


def test_every_number_leads_to_the_board_of_its_day_and_says_what_it_is(clinic: Clinic):
    clinic.book("2026-11-25T13:00-05:00")
    page = html(clinic, "/capacity/day/", "front-desk")
    cell = re.search(r'<a href="([^"]+)" aria-label="Wed 25, 13:00: ([^"]+)"', page)
    assert cell is not None
    assert cell[1] == "/board/day/2026-11-25/"
    assert cell[2] == f"{len(clinic.chairs) - 1} chair" + ("s" if len(clinic.chairs) > 2 else "")


def test_what_is_asked_for_stays_in_every_link_of_the_page(clinic: Clinic):
    page = html(clinic, "/capacity/day/?from=2026-12-09&minutes=30&span=month")
    assert "December 2026" in page
    assert "from=2026-11-01&amp;minutes=30&amp;span=month" in page
    assert "from=2027-01-01&amp;minutes=30&amp;span=month" in page
    assert "/capacity/suite-24/?from=2026-12-01&amp;minutes=30&amp;span=month" in page


@pytest.mark.parametrize("asked", ["from=9999-99-99", "minutes=7", "minutes=-1", "span=year", "from=", "minutes=x"])
def test_nonsense_shows_the_usual_weeks(clinic: Clinic, asked: str):
    assert "23 Nov to 6 Dec" in html(clinic, f"/capacity/day/?{asked}")


def test_far_away_is_no_page(clinic: Clinic):
    html(clinic, "/capacity/day/?from=2099-01-01", status=404)
    html(clinic, "/capacity/elsewhere/", status=404)


def test_a_holiday_and_a_unit_without_hours_say_so(clinic: Clinic):
    make.make_closure(
        clinic.center, "2026-11-26T00:00-05:00", "2026-11-27T00:00-05:00", unit=clinic.day, reason="<Thanksgiving>"
    )
    assert "&lt;Thanksgiving&gt;" in html(clinic, "/capacity/day/")
    unit = make.make_unit(clinic.center, days=())
    assert "no opening hours" in html(clinic, f"/capacity/{unit.code}/")


def test_the_first_room_is_said_with_its_reasons(clinic: Clinic):
    page = html(clinic, "/capacity/day/")
    assert "First room for 2 h" in page
    assert "The earliest possible start." in page


def test_the_last_unit_is_remembered(clinic: Clinic):
    html(clinic, "/capacity/suite-24/")
    assert clinic.client().get("/capacity/")["Location"] == "/capacity/suite-24/"
    assert clinic.client().get("/figures/")["Location"] == "/figures/suite-24/2026/11/"


def test_the_month_is_for_managers_and_its_reading_is_on_record(clinic: Clinic):
    for role in ("front-desk", "nurse", "auditor"):
        html(clinic, "/figures/day/2026/11/", role, status=403)
    html(clinic, "/figures/day/2026/11/")
    assert Access.objects.filter(what="figures").count() == 1


def test_the_file_says_what_the_page_says(clinic: Clinic):
    row = clinic.book("2026-11-24T09:00-05:00")
    with time_machine.travel(row.start, tick=False):
        attendance.start(actor=clinic.actor, appointment=row, actual_start=row.start, now=row.start)
        row.refresh_from_db()
        attendance.complete(actor=clinic.actor, appointment=row, now=row.start + timedelta(minutes=75))
    clinic.day.name = "=cmd()"
    clinic.day.save(update_fields=["name"])
    answer = clinic.client().get("/figures/day/2026/11/file/")
    assert answer["Content-Disposition"] == 'attachment; filename="day-2026-11.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["Month", "Unit", "Figure", "Protocol", "Number"]
    assert ["2026-11", "'=cmd()", "given", clinic.rescue.name, "1"] in rows
    assert ["2026-11", "'=cmd()", "chair-hours used", "all", "2.2"] in rows
    assert "=cmd()" in html(clinic, "/figures/day/2026/11/")


def test_a_running_month_ends_today_and_no_later_one_is_offered(clinic: Clinic):
    page = html(clinic, "/figures/day/2026/11/")
    assert "until today" in page
    assert "/figures/day/2026/12/" not in page
    assert "/figures/day/2026/11/" in html(clinic, "/figures/day/2026/10/")
    for path in ("2026/13", "2026/0", "0/1"):
        html(clinic, f"/figures/day/{path}/", status=404)


def test_what_is_planned_is_to_come(clinic: Clinic):
    clinic.book("2026-11-27T09:00-05:00")
    page = html(clinic, "/figures/day/2026/11/")
    assert re.search(rf"<td>{clinic.rescue.name}</td>(<td class=\"num\">[^<]*</td>){{5}}<td class=\"num\">1</td>", page)
    assert utc("2026-11-27T09:00-05:00") > NOW
