"""A unit's day."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from scheduler.models import Break, Nurse, Shift, UnitDay
from scheduler.queries.course_request import CourseRequest
from scheduler.services import attendance, booking, courses
from scheduler.services.courses import Placement
from scheduler.services.placing import place_visit
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import EARLY, NOW, Clinic


def html(clinic: Clinic, url: str, role: str = "manager", status: int = 200) -> str:
    answer = clinic.client(role).get(url)
    assert answer.status_code == status
    return answer.content.decode()


def block(page: str, pk: int) -> str:
    """The list item of one visit."""
    found = re.search(rf'<li class="appt[^>]*><a class="appt-hit[^>]*visit={pk}".*?</li>', page, re.S)
    assert found, f"visit {pk} is not on the board"
    return found.group(0)


def test_a_visit_stands_at_its_slots_with_its_segments(clinic: Clinic):
    # Rescue: preparation 20, treatment 75, observation 30, cleaning 10; the board begins at 08:00.
    booked = clinic.book("2026-11-24T13:00-05:00")
    item = block(html(clinic, "/board/day/2026-11-24/"), booked.pk)
    assert "at-56 for-27" in item
    assert 'appt-hit for-25"' in item
    for segment in ("seg-prep for-4", "seg-run for-15", "seg-obs for-6", "seg-turn for-2"):
        assert segment in item


def test_a_state_is_said_by_glyph_word_and_colour(clinic: Clinic):
    booked = clinic.book("2026-11-24T11:30-05:00")
    url = "/board/day/2026-11-24/"
    assert "g-open" in block(html(clinic, url), booked.pk)
    booking.confirm(actor=clinic.actor, appointment=booked, now=NOW)
    assert "g-ok" in block(html(clinic, url), booked.pk)
    clinic.arrive(booked)
    waiting = block(html(clinic, url), booked.pk)
    assert "is-here" in waiting
    assert "g-here" in waiting
    assert "Waiting 5 min" in waiting
    attendance.check_in(actor=clinic.actor, appointment=booked, now=NOW)
    assert "g-checked" in block(html(clinic, url), booked.pk)
    attendance.start(actor=clinic.actor, appointment=booked, actual_start=utc("2026-11-24T10:30-05:00"), now=NOW)
    infusing = block(html(clinic, url), booked.pk)
    assert "is-treat" in infusing
    assert "g-drop" in infusing
    assert "63 min left" not in infusing
    assert "1 h 03 left" in infusing
    attendance.set_phase(actor=clinic.actor, appointment=booked, phase="observing", now=NOW)
    assert "g-eye" in block(html(clinic, url), booked.pk)
    attendance.complete(actor=clinic.actor, appointment=booked, now=NOW)
    assert "is-done" in block(html(clinic, url), booked.pk)


def test_who_has_not_come_in_time_is_late_and_counted(clinic: Clinic):
    late = clinic.book("2026-11-24T10:40-05:00")  # expected 10:20, now 10:42
    page = html(clinic, "/board/day/2026-11-24/")
    assert "22 min late" in block(page, late.pk)
    assert "1 late" in page


def test_a_no_show_is_struck_and_a_cancelled_visit_is_gone(clinic: Clinic):
    away, gone = clinic.book("2026-11-24T09:00-05:00"), clinic.book("2026-11-24T15:00-05:00")
    attendance.no_show(actor=clinic.actor, appointment=away, now=NOW)
    booking.cancel(actor=clinic.actor, appointment=gone, reason="ill", now=NOW)
    page = html(clinic, "/board/day/2026-11-24/")
    assert "is-gone" in block(page, away.pk)
    assert f"visit={gone.pk}" not in page


def test_a_hold_says_how_long_and_an_expired_one_is_gone(clinic: Clinic):
    held = booking.hold(
        actor=clinic.actor, chair=clinic.chairs[1], start=utc("2026-11-24T16:00-05:00"), minutes=30, now=NOW
    )
    assert "Held 5:00" in block(html(clinic, "/board/day/2026-11-24/"), held.pk)
    held.hold_expires_at = NOW
    held.save()
    assert f"visit={held.pk}" not in html(clinic, "/board/day/2026-11-24/")


def test_free_time_leads_to_the_form_with_chair_and_time(clinic: Clinic):
    page = html(clinic, "/board/day/2026-11-25/")
    chair = clinic.chairs[0].pk
    assert f"/book/?chair={chair}&amp;at=2026-11-25T13%3A00-05%3A00" in page
    assert "/book/?chair" not in html(clinic, "/board/day/2026-11-23/"), "the past can't be booked"


def test_a_closed_day_is_hatched_with_its_reason_and_struck_among_the_days(clinic: Clinic):
    make.make_closure(
        clinic.center, "2026-11-26T00:00-05:00", "2026-11-27T00:00-05:00", unit=clinic.day, reason="Thanksgiving"
    )
    page = html(clinic, "/board/day/2026-11-26/")
    assert "Closed: Thanksgiving" in page
    assert "/book/?chair" not in page
    assert re.search(r'class="is-closed">Thu 26', html(clinic, "/board/day/2026-11-24/"))


def test_a_chair_out_of_service_says_until_when(clinic: Clinic):
    make.make_closure(
        clinic.center,
        "2026-11-23T00:00-05:00",
        "2026-11-26T00:00-05:00",
        unit=clinic.day,
        chair=clinic.chairs[2],
        reason="armrest",
    )
    assert "Out of service until Thu 26 Nov: armrest" in html(clinic, "/board/day/2026-11-24/")


@pytest.mark.parametrize(
    ("date", "slots", "says"),
    [("2026-11-24", 288, ""), ("2026-11-01", 300, "25 hours"), ("2027-03-14", 276, "23 hours")],
)
def test_a_whole_day_has_as_many_slots_as_real_time(clinic: Clinic, date, slots, says):
    page = html(clinic, f"/board/suite-24/{date}/")
    assert f"grid slots-{slots}" in page
    assert says in page
    assert ("is-fold" in page) == bool(says)


def test_the_repeated_hour_is_told_apart(clinic: Clinic):
    assert "01 again" in html(clinic, "/board/suite-24/2026-11-01/")


def test_a_stay_is_one_bar_with_its_doses_on_it(clinic: Clinic):
    patient = make.make_patient(clinic.center, last_name="Farrow")
    course = courses.create(
        actor=clinic.actor,
        center=clinic.center,
        request=CourseRequest(
            patient=patient, protocol=clinic.dhe, unit=clinic.night, start=utc("2026-11-24T18:00-05:00"), days=1
        ),
        now=NOW,
    )
    for visit in course.visits.all():
        place_visit(actor=clinic.actor, visit=visit, now=NOW)
    first = html(clinic, "/board/suite-24/2026-11-24/")
    assert first.count('class="stay-bar') == 1
    assert "goes-on" in first
    assert "from-before" not in first
    assert "DHE 1 of 3" in first
    assert "DHE 3 of 3" not in first.split('class="whole"')[0]
    second = html(clinic, "/board/suite-24/2026-11-25/")
    assert "from-before" in second
    assert "DHE 2 of 3" in second
    assert "DHE 3 of 3" in second


def test_the_load_strip_says_where_the_nurses_are_over(clinic: Clinic):
    clinic.day.staffing_patterns.update(acuity=2, patients=2)
    clinic.book("2026-11-24T13:00-05:00")
    clinic.day.staffing_patterns.update(acuity=1, patients=1)
    page = html(clinic, "/board/day/2026-11-24/")
    assert "load-bar is-over" in page
    assert "12:30 over by 1" in page


def test_the_panel_shows_the_visit_and_the_next_step(clinic: Clinic):
    patient = make.make_patient(clinic.center, first_name="Eva", last_name="Novak", allergies="latex", mrn="204 116")
    booked = clinic.book("2026-11-24T13:00-05:00", patient=patient)
    page = html(clinic, f"/board/day/2026-11-24/?visit={booked.pk}")
    panel = page.split('id="panel"')[1]
    for said in ("Eva Novak", "MRN 204 116", "Allergy: latex", "Arrive 12:40, out by 14:45", "Arrived", "Booked"):
        assert said in panel, said


def test_components_are_for_those_who_treat(clinic: Clinic):
    rescue = make.make_rescue(code="rescue-shown", components=[{"name": "Ketorolac", "dose": "30 mg", "minutes": 5}])
    booked = clinic.book("2026-11-24T13:00-05:00", protocol=rescue)
    url = f"/board/day/2026-11-24/?visit={booked.pk}"
    assert "Ketorolac 30 mg" in html(clinic, url, "nurse")
    for role in ("front-desk", "manager"):
        assert "Ketorolac" not in html(clinic, url, role), role


def test_another_day_or_a_strange_visit_is_no_error(clinic: Clinic):
    assert 'id="panel"' not in html(clinic, "/board/day/2026-11-24/?visit=999999")
    assert 'id="panel"' not in html(clinic, "/board/day/2026-11-24/?visit=abc")
    html(clinic, "/board/day/0001-01-01/", status=404)
    html(clinic, "/board/day/2026-02-30/", status=404)
    html(clinic, "/board/nowhere/2026-11-24/", status=404)


def test_the_version_goes_up_with_every_change(clinic: Clinic):
    url = "/board/day/2026-11-24/version/"
    before = clinic.client().get(url).json()["version"]
    clinic.book("2026-11-24T13:00-05:00")
    assert clinic.client().get(url).json()["version"] > before


def test_a_board_of_many_visits_takes_few_queries(clinic: Clinic, django_assert_max_num_queries):
    for start in ("08:30", "11:00", "13:30", "16:00"):
        for chair in range(3):
            clinic.book(f"2026-11-25T{start}-05:00", chair=chair)
    UnitDay.objects.filter(unit=clinic.day).update(shifts_published=True)  # shifts and breaks are read too
    client = clinic.client()
    client.get("/board/day/2026-11-25/")  # the worklist's number is kept for some seconds
    with django_assert_max_num_queries(12):
        page = client.get("/board/day/2026-11-25/").content.decode()
    assert page.count('class="appt ') == 12


def test_an_empty_center_says_what_to_do(db):
    clinic_center = make.make_center()
    client = Client()
    client.force_login(make.make_user(clinic_center))
    assert "no unit yet" in client.get("/").content.decode()


def test_a_course_visit_says_its_number(clinic: Clinic):
    course = courses.create(
        actor=clinic.actor,
        center=clinic.center,
        request=CourseRequest(
            patient=make.make_patient(clinic.center),
            protocol=clinic.quarterly,
            unit=clinic.day,
            start=utc("2026-11-30T10:00-05:00"),
        ),
        placements=[Placement(1, clinic.chairs[0].pk, utc("2026-11-30T10:00-05:00"))],
        now=EARLY,
    )
    pk = course.visits.get(ordinal=1).appointments.get().pk
    assert "Eptinezumab 1 of 4" in block(html(clinic, "/board/day/2026-11-30/"), pk)


def test_the_number_of_queries_does_not_grow_with_shifts_and_breaks(clinic: Clinic, django_assert_max_num_queries):
    UnitDay.objects.create(unit=clinic.day, date="2026-11-24", shifts_published=True)
    for number in range(3):
        nurse = Nurse.objects.create(center=clinic.center, name=f"Nurse {number}")
        shift = Shift.objects.create(
            nurse=nurse, unit=clinic.day, starts_at=utc("2026-11-24T08:00-05:00"), ends_at=utc("2026-11-24T16:00-05:00")
        )
        if number:
            Break.objects.create(
                shift=shift, starts_at=utc("2026-11-24T12:00-05:00"), ends_at=utc("2026-11-24T13:00-05:00")
            )
    client = clinic.client()
    client.get("/board/day/2026-11-24/")
    with django_assert_max_num_queries(12):
        page = client.get("/board/day/2026-11-24/").content.decode()
    assert "2 on break" in page
    assert "Nobody from 16:00" in page
    assert "0 of 24 now" in page
