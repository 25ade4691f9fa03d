"""Where a booking would fit, and "why not here?"."""

from __future__ import annotations

import re
from datetime import datetime

from scheduler.models import Access
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import Clinic

DAY = "/board/day/2026-11-25/"


def fits(clinic: Clinic, pk: int, role: str = "front-desk") -> dict[str, list[int]]:
    answer = clinic.client(role).post(f"{DAY}fits/", {"appointment": pk})
    assert answer.status_code == 200
    return answer.json()["chairs"]


def minute(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) // 60


def why(clinic: Clinic, role: str = "front-desk", **data: object) -> str:
    answer = clinic.client(role).post("/why/", data)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_booking_fits_where_it_stands_and_not_beside_others(clinic: Clinic):
    moving = clinic.book("2026-11-25T13:00-05:00", chair=0)
    clinic.book("2026-11-25T13:00-05:00", chair=1)
    found = fits(clinic, moving.pk)
    assert minute("2026-11-25T13:00-05:00") in found[str(clinic.chairs[0].pk)]
    assert minute("2026-11-25T13:05-05:00") in found[str(clinic.chairs[2].pk)]
    assert minute("2026-11-25T13:00-05:00") not in found[str(clinic.chairs[1].pk)]
    # Rescue takes 20 minutes before and 115 after its start; the unit opens at 8 and closes at 18.
    assert min(found[str(clinic.chairs[2].pk)]) == minute("2026-11-25T08:20-05:00")
    assert max(found[str(clinic.chairs[2].pk)]) == minute("2026-11-25T16:05-05:00")


def test_what_fits_is_what_the_service_books(clinic: Clinic):
    moving = clinic.book("2026-11-25T13:00-05:00", chair=0)
    clinic.book("2026-11-25T10:00-05:00", chair=2)
    chair = clinic.chairs[2]
    start = min(one for one in fits(clinic, moving.pk)[str(chair.pk)] if one > minute("2026-11-25T10:00-05:00"))
    for shift, status in ((-5, 409), (0, 302)):
        at = datetime.fromtimestamp((start + shift) * 60, tz=utc("2026-11-25T00:00-05:00").tzinfo).isoformat()
        answer = clinic.client("front-desk").post(f"/appointments/{moving.pk}/move/", {"slot": f"{chair.pk}@{at}"})
        assert answer.status_code == status, at


def test_nothing_fits_on_a_day_that_is_over(clinic: Clinic):
    moving = clinic.book("2026-11-25T13:00-05:00")
    answer = clinic.client().post("/board/day/2026-11-23/fits/", {"appointment": moving.pk})
    assert answer.json() == {"chairs": {}}


def test_another_centers_booking_is_not_there(clinic: Clinic, stranger: Clinic):
    strange = stranger.book("2026-11-25T13:00-05:00")
    assert clinic.client().post(f"{DAY}fits/", {"appointment": strange.pk}).status_code == 404
    data = {"chair": clinic.chairs[0].pk, "at": "2026-11-25T13:00-05:00", "what": f"appointment:{strange.pk}"}
    assert clinic.client().post("/why/", data).status_code == 404
    assert clinic.client().post("/why/", data | {"chair": stranger.chairs[0].pk}).status_code == 404


def test_why_not_here_says_the_rules_own_sentences_and_what_would_work(clinic: Clinic):
    clinic.book("2026-11-25T13:00-05:00", chair=1)
    page = why(clinic, chair=clinic.chairs[1].pk, at="2026-11-25T13:30-05:00", minutes=45)
    assert "Chair 2 is taken" in page
    assert "What would work" in page
    assert len(re.findall(r'class="option" data-quick', page)) == 3


def test_why_not_here_says_that_nothing_speaks_against_it(clinic: Clinic):
    page = why(
        clinic,
        chair=clinic.chairs[1].pk,
        at="2026-11-25T13:30-05:00",
        what=f"protocol:{clinic.rescue.pk}",
    )
    assert "Nothing speaks against it" in page
    assert "Book here" in page
    closed = why(clinic, chair=clinic.chairs[1].pk, at="2026-11-25T19:30-05:00")
    assert "Nothing speaks against it" not in closed
    assert "Day suite" in closed


def test_why_not_here_for_a_visit_counts_her_own_other_time_and_is_on_record(clinic: Clinic):
    patient = make.make_patient(clinic.center, first_name="Eva", last_name="Novak")
    moving = clinic.book("2026-11-25T13:00-05:00", chair=0, patient=patient)
    clinic.book("2026-11-25T09:30-05:00", chair=1, patient=patient)
    asked = {"chair": clinic.chairs[2].pk, "at": "2026-11-25T09:30-05:00"}
    assert "Nothing speaks against it" in why(clinic, **asked)
    page = why(clinic, **asked, what=f"appointment:{moving.pk}")
    assert "Novak, Eva" in page
    assert "Nothing speaks against it" not in page
    assert Access.objects.filter(patient_id=patient.pk, what="why-not").count() == 1


def test_why_not_here_opens_by_address_with_ids_only(clinic: Clinic):
    answer = clinic.client("nurse").get("/why/", {"chair": clinic.chairs[0].pk, "at": "2026-11-25T13:00-05:00"})
    assert answer.status_code == 200
    for data in ({}, {"chair": "x", "at": "y"}, {"chair": clinic.chairs[0].pk, "at": "0001-01-01T00:00Z"}):
        assert clinic.client("nurse").get("/why/", data).status_code == 404
    page = why(clinic, chair=clinic.chairs[0].pk, at="2026-11-25T13:00-05:00", minutes=9999)
    assert "12 hours" in page


def test_a_time_that_is_over_is_said_to_be_over(clinic: Clinic):
    assert "That time is over." in why(clinic, chair=clinic.chairs[0].pk, at="2026-11-24T09:00-05:00")
