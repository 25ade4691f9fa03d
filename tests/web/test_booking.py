"""Book by form."""

from __future__ import annotations

import re

import pytest

from scheduler.models import Appointment
from scheduler.queries.course_request import CourseRequest
from scheduler.services import courses
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import EARLY, Clinic


def post(clinic: Clinic, data: dict, role: str = "front-desk", status: int | None = None) -> str:
    answer = clinic.client(role).post("/book/", data)
    if status is not None:
        assert answer.status_code == status
    return answer.content.decode()


@pytest.fixture
def patient(clinic: Clinic):
    return make.make_patient(clinic.center, first_name="Eva", last_name="Szabó", search_text="szabo eva", mrn="204 116")


def test_find_choose_search_book(clinic: Clinic, patient):
    found = post(clinic, {"do": "find", "q": "szabo"})
    assert "Szabó, Eva" in found
    assert f'name="patient" value="{patient.pk}"' in found
    chosen = post(clinic, {"patient": patient.pk})
    assert "Eva Szabó" in chosen
    assert "MRN 204 116" in chosen
    form = {
        "patient": patient.pk,
        "what": f"protocol:{clinic.rescue.pk}",
        "unit": "day",
        "day": "2026-11-25",
        "time": "13:00",
    }
    offered = post(clinic, {**form, "do": "search"}, status=200)
    slots = re.findall(r'name="slot" value="([^"]+)"', offered)
    assert slots[0] == f"{clinic.chairs[0].pk}@2026-11-25T13:00-05:00"
    assert "At 13:00, as asked." in offered
    answer = clinic.client("front-desk").post("/book/", {**form, "slot": slots[0]})
    booked = Appointment.objects.get()
    assert answer["Location"] == f"/board/day/2026-11-25/?visit={booked.pk}"
    assert (booked.patient, booked.start) == (patient, utc("2026-11-25T13:00-05:00"))


def test_the_place_clicked_on_the_board_is_offered_at_once(clinic: Clinic, patient):
    at = "2026-11-25T13:00-05:00"
    page = (
        clinic.client().get("/book/", {"chair": clinic.chairs[1].pk, "at": at, "patient": patient.pk}).content.decode()
    )
    assert "Book Wed 25 Nov, 13:00, chair 2" in page
    assert f'value="{clinic.chairs[1].pk}@{at}"' in page


def test_a_taken_chair_is_refused_at_the_spot_with_ways_out(clinic: Clinic, patient):
    clinic.book("2026-11-25T13:00-05:00", chair=1)
    slot = f"{clinic.chairs[1].pk}@2026-11-25T13:15-05:00"
    page = post(clinic, {"patient": patient.pk, "what": f"protocol:{clinic.rescue.pk}", "slot": slot}, status=409)
    assert "Not at 13:15 on Wed 25 Nov" in page
    assert "Chair 2 is taken" in page
    others = re.findall(r'name="slot" value="([^"]+)"', page.split("What would work")[1])
    assert others
    assert slot not in others
    assert "Book anyway" not in page, "hard rules are set aside by nobody"
    assert Appointment.objects.count() == 1


def test_a_soft_rule_is_set_aside_with_a_reason_by_a_role_that_may(clinic: Clinic, patient):
    clinic.day.staffing_patterns.update(acuity=1, patients=1)
    form = {"patient": patient.pk, "what": f"protocol:{clinic.rescue.pk}"}
    slot = f"{clinic.chairs[1].pk}@2026-11-25T13:00-05:00"
    assert "Book anyway" not in post(clinic, {**form, "slot": slot}, role="front-desk", status=409)
    page = post(clinic, {**form, "slot": slot}, role="nurse", status=409)
    assert "Book anyway, and say why" in page
    codes = re.findall(r'name="override" value="([^"]+)"', page)
    silent = post(clinic, {**form, "override_slot": slot, "override": codes, "why": " "}, role="nurse", status=409)
    assert "needs a reason" in silent
    post(
        clinic,
        {**form, "override_slot": slot, "override": codes, "why": "agreed with K. Brandt"},
        role="nurse",
        status=302,
    )
    assert Appointment.objects.get().override["reason"] == "agreed with K. Brandt"


def test_an_alternative_is_booked_without_the_override_beside_it(clinic: Clinic, patient):
    """The closed details' hidden fields are posted too; they must not count."""
    form = {"patient": patient.pk, "what": f"protocol:{clinic.rescue.pk}", "override": ["nurses_can_cover"], "why": ""}
    post(clinic, {**form, "slot": f"{clinic.chairs[0].pk}@2026-11-25T09:00-05:00"}, status=302)
    assert Appointment.objects.get().override is None


def test_a_due_visit_is_offered_and_booked(clinic: Clinic, patient):
    course = courses.create(
        actor=clinic.actor,
        center=clinic.center,
        request=CourseRequest(
            patient=patient, protocol=clinic.quarterly, unit=clinic.day, start=utc("2026-11-30T10:00-05:00")
        ),
        now=EARLY,
    )
    visit = course.visits.get(ordinal=1)
    page = clinic.client().get(f"/book/?patient={patient.pk}&visit={visit.pk}").content.decode()
    assert f'value="visit:{visit.pk}" selected' in page
    offered = post(clinic, {"patient": patient.pk, "what": f"visit:{visit.pk}", "do": "search"}, status=200)
    slot = re.findall(r'name="slot" value="([^"]+)"', offered)[0]
    assert "2026-11-30T10:00-05:00" in slot
    post(clinic, {"patient": patient.pk, "what": f"visit:{visit.pk}", "slot": slot}, status=302)
    visit.refresh_from_db()
    assert visit.state == "booked"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"do": "search"}, "Choose the patient first"),
        ({"do": "search", "patient": "{patient}"}, "Say what is booked"),
        ({"do": "search", "patient": "{patient}", "what": "minutes:0", "minutes": "0"}, "from 1 to 720 minutes"),
        ({"do": "search", "patient": "{patient}", "what": "minutes:0", "minutes": "5000"}, "from 1 to 720 minutes"),
        ({"do": "search", "patient": "{patient}", "what": "minutes:0", "minutes": "x"}, "Say what is booked"),
        ({"do": "find", "q": "zz"}, "Nobody found"),
    ],
)
def test_what_is_missing_is_said(clinic: Clinic, patient, data, sentence):
    data = {name: value.format(patient=patient.pk) for name, value in data.items()}
    assert sentence in post(clinic, data)


def test_a_place_that_is_none_is_not_found(clinic: Clinic, stranger: Clinic, patient):
    form = {"patient": patient.pk, "what": f"protocol:{clinic.rescue.pk}"}
    for slot in ("nonsense", "1@", "@2026-11-25T13:00-05:00", f"{stranger.chairs[0].pk}@2026-11-25T13:00-05:00"):
        post(clinic, {**form, "slot": slot}, status=404)
    assert not Appointment.objects.filter(patient=patient).exists()


def test_a_get_books_nothing(clinic: Clinic, patient):
    slot = f"{clinic.chairs[0].pk}@2026-11-25T13:00-05:00"
    clinic.client().get("/book/", {"patient": patient.pk, "what": f"protocol:{clinic.rescue.pk}", "slot": slot})
    assert not Appointment.objects.exists()


def test_the_past_is_not_booked(clinic: Clinic, patient):
    slot = f"{clinic.chairs[0].pk}@2026-11-20T13:00-05:00"
    page = post(clinic, {"patient": patient.pk, "what": f"protocol:{clinic.rescue.pk}", "slot": slot}, status=409)
    assert "That day is over" in page
