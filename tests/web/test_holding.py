"""A clicked place is kept while its form is filled in; what is booked there is proposed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from scheduler.models import Appointment, Occupancy, Patient
from scheduler.queries.course_request import CourseRequest
from scheduler.services import courses
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import EARLY, NOW, Clinic

AT = "2026-11-25T13:00-05:00"


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return make.make_patient(clinic.center, first_name="Eva", last_name="Szabó", search_text="szabo eva")


def post(clinic: Clinic, **data: object):
    place = {"chair": clinic.chairs[1].pk, "at": AT}
    return clinic.client("front-desk").post("/book/", place | data)


def test_the_first_step_of_the_form_holds_the_place_and_says_how_long(clinic: Clinic, patient: Patient):
    page = post(clinic, do="find", q="szab").content.decode()
    held = Appointment.objects.get()
    assert (held.status, held.chair, held.start) == ("pending", clinic.chairs[1], utc(AT))
    assert "Held for you <b>5:00</b>" in page
    assert 'data-left="300"' in page
    assert f'name="hold" value="{held.pk}"' in page
    post(clinic, patient=patient.pk, hold=held.pk)
    assert Appointment.objects.count() == 1, "one form holds one place"


def test_a_dragged_length_is_held(clinic: Clinic):
    post(clinic, minutes=90)
    held = Appointment.objects.get()
    assert held.end - held.start == timedelta(minutes=90)


def test_the_hold_becomes_the_booking(clinic: Clinic, patient: Patient):
    post(clinic, patient=patient.pk)
    held = Appointment.objects.get()
    slot = f"{clinic.chairs[1].pk}@{AT}"
    what = f"protocol:{clinic.rescue.pk}"
    answer = post(clinic, patient=patient.pk, hold=held.pk, what=what, slot=slot)
    assert answer.status_code == 302
    held.refresh_from_db()
    assert (held.status, held.patient, held.protocol) == ("booked", patient, clinic.rescue)


def length(held: Appointment) -> int:
    held.refresh_from_db()
    return int((held.end - held.start).total_seconds()) // 60


@pytest.fixture
def held(clinic: Clinic, patient: Patient) -> Appointment:
    """Half an hour of chair 2, held by a click."""
    post(clinic, patient=patient.pk)
    row = Appointment.objects.get()
    assert length(row) == 30
    return row


def test_what_is_chosen_says_how_long_the_place_is_held(clinic: Clinic, patient: Patient, held: Appointment):
    until = held.hold_expires_at
    what = f"protocol:{clinic.rescue.pk}"
    page = post(clinic, patient=patient.pk, hold=held.pk, what=what).content.decode()
    minutes = clinic.rescue.spec().lengths(1)
    assert length(held) == minutes.treatment > 30
    assert (held.prep_minutes, held.observation_minutes) == (minutes.prep, minutes.observation)
    assert held.hold_expires_at == until, "choosing is no way to keep a place for ever"
    assert f"{minutes.treatment} min of treatment" in page
    assert Occupancy.objects.get(appointment=held).chair_until == held.end + timedelta(
        minutes=minutes.observation + minutes.turnover
    )
    post(clinic, patient=patient.pk, hold=held.pk, what="minutes:0", minutes=20)
    assert length(held) == 20, "and gives back what is not needed"
    assert Appointment.objects.count() == 1


def test_what_is_proposed_for_her_is_held_with_the_first_click(clinic: Clinic, patient: Patient):
    clinic.book("2026-11-20T13:00-05:00", chair=2, patient=patient)
    post(clinic, patient=patient.pk)
    assert length(Appointment.objects.get(status="pending")) == clinic.rescue.spec().lengths(1).treatment


def test_where_there_is_less_room_it_says_why_and_what_works_and_the_hold_stays(
    clinic: Clinic, patient: Patient, held: Appointment
):
    clinic.book("2026-11-25T14:10-05:00", chair=1)
    before = Occupancy.objects.filter(appointment=held).values().get()
    answer = post(clinic, patient=patient.pk, hold=held.pk, what="minutes:0", minutes=120)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Not as long as this takes at 13:00" in page
    assert "Chair 2 is taken" in page
    assert "What would work" in page
    assert "Held for you" in page
    assert (length(held), held.status) == (30, "pending")
    assert Occupancy.objects.filter(appointment=held).values().get() == before


def test_of_two_desks_the_first_to_choose_has_the_longer_part(clinic: Clinic, patient: Patient, held: Appointment):
    post(clinic, patient=patient.pk, hold=held.pk, what="minutes:0", minutes=120)
    other = clinic.client("manager")
    late = {"chair": clinic.chairs[1].pk, "at": "2026-11-25T14:00-05:00", "do": "find", "q": "szab"}
    assert "Not held: Chair 2 is taken" in other.post("/book/", late).content.decode()
    assert Appointment.objects.get() == held


def test_of_two_desks_the_second_who_held_the_rest_keeps_it(clinic: Clinic, patient: Patient, held: Appointment):
    rest = {"chair": clinic.chairs[1].pk, "at": "2026-11-25T14:00-05:00"}
    clinic.client("manager").post("/book/", rest)
    answer = post(clinic, patient=patient.pk, hold=held.pk, what="minutes:0", minutes=120)
    assert answer.status_code == 409
    assert [length(row) for row in Appointment.objects.order_by("pk")] == [30, 30]


def test_her_due_visit_is_held_for_its_own_length_and_stays_open_to_be_booked(clinic: Clinic, patient: Patient):
    course = courses.create(
        actor=clinic.actor,
        center=clinic.center,
        request=CourseRequest(
            patient=patient, protocol=clinic.quarterly, unit=clinic.day, start=utc("2026-11-25T13:00-05:00")
        ),
        now=EARLY,
    )
    due = course.visits.get(ordinal=1)
    post(clinic, patient=patient.pk, minutes=90)
    held = Appointment.objects.get()
    assert length(held) == clinic.quarterly.spec().lengths(1).treatment
    due.refresh_from_db()
    assert (due.state, held.visit, held.patient) == ("unplaced", None, None)
    slot = f"{clinic.chairs[1].pk}@{AT}"
    assert post(clinic, patient=patient.pk, hold=held.pk, what=f"visit:{due.pk}", slot=slot).status_code == 302
    held.refresh_from_db()
    assert (held.status, held.visit) == ("booked", due)


def test_a_hold_that_ran_out_is_said_and_the_place_booked_all_the_same(clinic: Clinic, patient: Patient):
    post(clinic, patient=patient.pk)
    held = Appointment.objects.get()
    Appointment.objects.update(hold_expires_at=NOW)
    slot = f"{clinic.chairs[1].pk}@{AT}"
    answer = post(clinic, patient=patient.pk, hold=held.pk, what=f"protocol:{clinic.rescue.pk}", slot=slot)
    assert answer.status_code == 302
    assert Appointment.objects.get(status="booked").chair == clinic.chairs[1]


def test_a_place_that_somebody_else_has_is_said_not_to_be_held(clinic: Clinic):
    clinic.book(AT, chair=1)
    page = post(clinic, do="find", q="szab").content.decode()
    assert "Not held: Chair 2 is taken" in page


def test_leaving_the_form_gives_the_place_back(clinic: Clinic):
    post(clinic)
    held = Appointment.objects.get()
    answer = post(clinic, hold=held.pk, do="release")
    assert answer["Location"] == "/board/day/2026-11-25/"
    held.refresh_from_db()
    assert held.status == "cancelled"
    assert post(clinic, hold=held.pk, do="release").status_code == 302, "twice is no more than once"


def test_her_due_visit_is_proposed(clinic: Clinic, patient: Patient):
    course = courses.create(
        actor=clinic.actor,
        center=clinic.center,
        request=CourseRequest(
            patient=patient, protocol=clinic.quarterly, unit=clinic.day, start=utc("2026-11-30T10:00-05:00")
        ),
        now=EARLY,
    )
    due = course.visits.get(ordinal=1)
    assert f'value="visit:{due.pk}" selected' in post(clinic, patient=patient.pk).content.decode()


def test_without_a_due_visit_what_she_had_last_is_proposed_and_the_next_free_places_with_reasons(
    clinic: Clinic, patient: Patient
):
    clinic.book("2026-11-20T13:00-05:00", chair=2, patient=patient)
    page = clinic.client("front-desk").post("/book/", {"patient": patient.pk}).content.decode()
    assert f'value="protocol:{clinic.rescue.pk}" selected' in page
    assert "Places, best first" in page
    assert len(re.findall(r'name="slot"', page)) == 8
    assert re.search(r'<span class="why">[^<]+</span>', page)
