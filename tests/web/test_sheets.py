"""The day sheet: all that a nurse needs when everything is down, and what changed since it went to paper."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from scheduler.domain.permissions import FRONT_DESK, NURSE
from scheduler.models import Appointment, SheetPrint
from scheduler.queries import sheet as query
from scheduler.services import attendance, booking
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import NOW, Clinic

pytestmark = pytest.mark.django_db
URL = "/sheet/day/2026-11-24/"
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def nurse(clinic: Clinic) -> Client:
    return clinic.client(NURSE)


def text(client: Client) -> str:
    answer = client.get(URL)
    assert answer.status_code == 200
    sheet = answer.content.decode().partition("<main")[2].partition("</main>")[0]  # without the table of keys
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", sheet))


def marks(client: Client) -> dict[str, str]:
    """The word in the black box by patient."""
    page = client.get(URL).content.decode()
    return {row: mark for mark, row in re.findall(r'<span class="mark">(\w+)</span> <b[^>]*>([^<]+)</b>', page)}


class TestWhatChanged:
    def test_another_chair_is_marked_with_the_old_one_struck(self, clinic: Clinic, nurse: Client) -> None:
        visit = clinic.book("2026-11-24T13:00-05:00")
        nurse.post(URL)
        booking.move(actor=clinic.actor, appointment=visit, start=visit.start, chair=clinic.chairs[2], now=LATER)
        assert marks(nurse) == {visit.patient.full_name: "MOVED"}
        page = nurse.get(URL).content.decode()
        assert f'<br><span class="struck">{clinic.chairs[0].name}</span>' in page

    def test_what_went_to_another_day_stays_struck_and_says_where_it_is(self, clinic: Clinic, nurse: Client) -> None:
        visit = clinic.book("2026-11-24T13:00-05:00")
        nurse.post(URL)
        booking.move(actor=clinic.actor, appointment=visit, start=utc("2026-11-25T09:30-05:00"), now=LATER)
        assert marks(nurse) == {visit.patient.full_name: "MOVED"}
        page = text(nurse)
        assert "Moved to Wed 25 Nov, 09:30, Chair 1" in page
        assert re.search(r"13:00\s+Chair 1", page)
        nurse.post(URL)
        assert visit.patient.full_name not in text(nurse), "the next sheet has nothing to say of her any more"

    def test_what_came_from_another_day_is_new(self, clinic: Clinic, nurse: Client) -> None:
        visit = clinic.book("2026-11-25T13:00-05:00")
        clinic.book("2026-11-24T15:00-05:00", chair=1)
        nurse.post(URL)
        booking.move(actor=clinic.actor, appointment=visit, start=utc("2026-11-24T13:00-05:00"), now=LATER)
        assert marks(nurse) == {visit.patient.full_name: "NEW"}

    @pytest.mark.parametrize("what", ["allergies", "needs", "last_name"])
    def test_another_allergy_need_or_name_is_marked(self, clinic: Clinic, nurse: Client, what: str) -> None:
        visit = clinic.book("2026-11-24T13:00-05:00")
        clinic.book("2026-11-24T13:00-05:00", chair=1)
        nurse.post(URL)
        setattr(visit.patient, what, "Latex")
        visit.patient.save()
        assert marks(nurse) == {visit.patient.full_name: "CHANGED"}

    def test_back_where_it_was_is_no_change(self, clinic: Clinic, nurse: Client) -> None:
        visit = clinic.book("2026-11-24T13:00-05:00")
        nurse.post(URL)
        booking.move(actor=clinic.actor, appointment=visit, start=utc("2026-11-24T15:00-05:00"), now=LATER)
        visit.refresh_from_db()
        booking.move(actor=clinic.actor, appointment=visit, start=utc("2026-11-24T13:00-05:00"), now=LATER)
        assert marks(nurse) == {}
        assert "Changed since version 1 (10:42): nothing" in text(nurse)

    def test_booked_and_cancelled_between_two_prints_is_on_neither(self, clinic: Clinic, nurse: Client) -> None:
        nurse.post(URL)
        visit = clinic.book("2026-11-24T13:00-05:00")
        booking.cancel(actor=clinic.actor, appointment=visit, reason="She is ill.", now=LATER)
        assert visit.patient.full_name not in text(nurse)

    def test_what_is_kept_of_a_print_says_nothing_of_anybody(self, clinic: Clinic, nurse: Client) -> None:
        visit = clinic.book(
            "2026-11-24T13:00-05:00", patient=make.make_patient(clinic.center, last_name="Quimby", allergies="Latex")
        )
        nurse.post(URL)
        kept = SheetPrint.objects.get().rows
        assert set(kept) == {str(visit.pk)}
        assert "Quimby" not in str(kept)
        assert "Latex" not in str(kept)


class TestWhatItSays:
    def test_what_is_over_takes_one_line_with_its_times(self, clinic: Clinic, nurse: Client) -> None:
        visit = clinic.arrive(clinic.book("2026-11-24T09:00-05:00"))
        attendance.check_in(actor=clinic.actor, appointment=visit, now=NOW)
        attendance.start(actor=clinic.actor, appointment=visit, actual_start=utc("2026-11-24T09:10-05:00"), now=NOW)
        attendance.complete(actor=clinic.actor, appointment=visit, actual_end=utc("2026-11-24T09:40-05:00"), now=NOW)
        page = text(nurse)
        for part in ("given", "09:10", "09:40"):
            assert part in page
        assert "BP ____" not in page

    def test_who_did_not_come_is_not_waited_for(self, clinic: Clinic, nurse: Client) -> None:
        visit = clinic.book("2026-11-24T09:00-05:00")
        attendance.no_show(actor=clinic.actor, appointment=visit, now=NOW)
        assert "did not come" in text(nurse)

    def test_of_dhe_the_last_dose_the_soonest_and_the_next(self, clinic: Clinic, nurse: Client) -> None:
        bid = make.make_dhe(code="dhe-paper", keeps_chair=False, needs_bed=False)
        visit = clinic.book("2026-11-24T16:00-05:00", protocol=bid)
        attendance.record_dose_elsewhere(
            actor=clinic.actor, center=clinic.center, patient=visit.patient, substance=bid.substance, mg=Decimal(1),
            given_at=utc("2026-11-24T09:20-05:00"), now=NOW,
        )  # fmt: skip
        page = text(nurse)
        assert "last 09:20" in page
        assert "not before 16:20" in page

    def test_phones_of_patient_center_and_pharmacy(self, clinic: Clinic, nurse: Client) -> None:
        clinic.center.sheet_phones = "Pharmacy 4420, Emergency 4444"
        clinic.center.save()
        clinic.book("2026-11-24T16:00-05:00")
        page = text(nurse)
        for part in ("212 555 0199", f"Center {clinic.center.phone}", "Pharmacy 4420, Emergency 4444"):
            assert part in page

    def test_an_answered_question_says_its_answer_instead_of_a_box(self, clinic: Clinic, nurse: Client) -> None:
        questions = [{"code": "driver", "question": "A driver?", "needs_prescriber_if": "no", "source": "P"}]
        visit = clinic.arrive(
            clinic.book("2026-11-24T11:00-05:00", protocol=make.make_rescue(code="ask", checklist=questions))
        )
        nurse.post(f"/floor/answers/{visit.pk}/", {"code": "driver", "says": "no"})
        page = text(nurse)
        assert "no : driver" in page
        assert "ASK THE PRESCRIBER" in page

    def test_an_empty_day_says_so(self, nurse: Client) -> None:
        assert "Nobody is booked on this day." in text(nurse)

    def test_the_desk_sees_no_clinical_detail(self, clinic: Clinic) -> None:
        clinic.book(
            "2026-11-24T16:00-05:00", protocol=make.make_dhe(code="dhe-desk", keeps_chair=False, needs_bed=False)
        )
        page = text(clinic.client(FRONT_DESK))
        assert "Doses" not in page
        assert "next" not in page


def test_the_number_of_queries_does_not_grow_with_the_day(clinic: Clinic, django_assert_max_num_queries) -> None:
    for hour in (9, 12, 15):
        for chair in range(3):
            clinic.book(f"2026-11-24T{hour:02}:00-05:00", chair=chair)
    with django_assert_max_num_queries(12):
        found = query.sheet(unit=clinic.day, day=NOW.date())
    assert len(found.rows) == Appointment.objects.count() == 9
