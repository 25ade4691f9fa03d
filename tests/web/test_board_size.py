"""What a full day costs: 18 chairs, 100 visits of courses, each with its patient, a nurse's shift and a break."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import scheduler
from scheduler.models import Appointment, Break, Course, Nurse, Occupancy, Shift, SignIn, UnitDay, Visit
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import EARLY, NOW, Clinic

URL = "/board/day/2026-11-24/"
MOST_QUERIES = 12
MOST_BYTES = 150_000
MOST_SCRIPT = 40_000
SCRIPTS = Path(scheduler.__file__).parent / "static" / "scheduler"


def fill(clinic: Clinic) -> None:
    """Today, 18 chairs and 100 visits of courses; rows as the services would have left them."""
    chairs = [*clinic.chairs, *(make.make_chair(clinic.day) for _ in range(15))]
    for number in range(100):
        row, column = divmod(number, len(chairs))
        start = utc("2026-11-24T08:15-05:00") + timedelta(minutes=95 * row)
        until = start + timedelta(minutes=60)
        patient = make.make_patient(clinic.center, first_name=f"Wilhelmina {number}", last_name="Featherstonehaugh")
        course = Course.objects.create(
            center=clinic.center,
            unit=clinic.day,
            patient=patient,
            protocol=clinic.rescue,
            start=start,
            doses=4,
            created_at=EARLY,
        )
        visit = Visit.objects.create(
            course=course, ordinal=1, due=start, window_start=start, window_end=until, state="booked"
        )
        booked = Appointment.objects.create(
            center=clinic.center,
            unit=clinic.day,
            chair=chairs[column],
            patient=patient,
            protocol=clinic.rescue,
            visit=visit,
            status="booked",
            start=start,
            end=until,
            prep_minutes=10,
            observation_minutes=10,
            turnover_minutes=10,
            acuity=1,
            created_at=EARLY,
        )
        first, last = start - timedelta(minutes=10), until + timedelta(minutes=20)
        Occupancy.objects.create(
            appointment=booked,
            chair=booked.chair,
            patient=patient,
            chair_from=first,
            chair_until=last,
            patient_from=first,
            patient_until=until + timedelta(minutes=10),
        )
    UnitDay.objects.update_or_create(
        unit=clinic.day, date="2026-11-24", defaults={"shifts_published": True, "version": 7}
    )
    nurse = Nurse.objects.create(center=clinic.center, name="Ines Fischer")
    shift = Shift.objects.create(
        nurse=nurse, unit=clinic.day, starts_at=utc("2026-11-24T08:00-05:00"), ends_at=utc("2026-11-24T16:00-05:00")
    )
    Break.objects.create(shift=shift, starts_at=utc("2026-11-24T12:00-05:00"), ends_at=utc("2026-11-24T12:30-05:00"))


def test_a_full_day_takes_at_most_twelve_queries(clinic: Clinic, django_assert_max_num_queries):
    fill(clinic)
    client = clinic.client("front-desk")
    arriving = Appointment.objects.order_by("pk").last()
    assert arriving is not None
    # She has just done something, so that its undo is offered.
    assert client.post(f"/appointments/{arriving.pk}/arrive/", {"next": URL}, follow=True).status_code == 200
    # The hardest page of a session: when she was last here is written too.
    SignIn.objects.update(last_seen_at=NOW - timedelta(minutes=1))
    with django_assert_max_num_queries(MOST_QUERIES):
        page = client.get(URL).content.decode()
    assert page.count('class="appt ') == 100
    assert "has arrived" in page
    assert SignIn.objects.get().last_seen_at == NOW


def test_a_full_day_weighs_less_than_150_kb(clinic: Clinic):
    fill(clinic)
    page = clinic.client("front-desk").get(URL).content
    assert page.count(b'class="appt ') == 100
    assert len(page) < MOST_BYTES


def test_all_the_scripts_of_the_board_together_weigh_less_than_40_kb(clinic: Clinic):
    page = clinic.client("front-desk").get(URL).content.decode()
    names = set(re.findall(r'<script type="module" src="[^"]*/(\w+\.js)"', page))
    for name in (waiting := list(names)):
        for other in re.findall(r'from "\./(\w+\.js)"', (SCRIPTS / name).read_text()):
            if other not in names:
                names.add(other)
                waiting.append(other)
    assert {"board.js", "carry.js", "spot.js", "quick.js", "live.js", "keys.js", "session.js"} <= names
    sizes = {name: (SCRIPTS / name).stat().st_size for name in names}
    assert sum(sizes.values()) < MOST_SCRIPT, sizes
