"""The nurses' day: who is next, one tap a step, the checklist, and the sheet for when everything is down."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from scheduler.domain.permissions import AUDITOR, FRONT_DESK, MANAGER, NURSE
from scheduler.models import Access, Appointment, ChecklistAnswer, Event, PrescriberDecision, SheetPrint
from scheduler.services import attendance, booking
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import NOW, Clinic

pytestmark = pytest.mark.django_db

QUESTIONS = [
    {"code": "triptan-24h", "question": "Triptan or ergot in 24 hours?", "needs_prescriber_if": "yes", "source": "D1"},
    {"code": "driver", "question": "Is there a driver?", "needs_prescriber_if": "no", "source": "P"},
]


@pytest.fixture
def asked(clinic: Clinic) -> Appointment:
    """A visit whose protocol asks two questions; she waits."""
    protocol = make.make_rescue(code="asked", checklist=QUESTIONS)
    visit = clinic.book("2026-11-24T11:30-05:00", protocol=protocol)
    return clinic.arrive(visit)


@pytest.fixture
def nurse(clinic: Clinic) -> Client:
    return clinic.client(NURSE)


def floor(client: Client, visit: Appointment | None = None, query: str = "") -> str:
    answer = client.get(f"/floor/day/?{f'visit={visit.pk}' if visit else ''}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def groups(page: str) -> dict[str, list[int]]:
    parts = re.split(r"<h2>([^<]+)</h2><ul>", page.partition("floor-list")[2].partition("</section>")[0])
    return {
        name: [int(pk) for pk in re.findall(r'data-seat="(\d+)"', part)]
        for name, part in zip(parts[1::2], parts[2::2], strict=True)
    }


class TestList:
    def test_by_need_late_and_waiting_come_first(self, clinic, nurse):
        late = clinic.book("2026-11-24T10:30-05:00")
        waiting = clinic.arrive(clinic.book("2026-11-24T11:30-05:00", chair=1))
        treated = clinic.arrive(clinic.book("2026-11-24T10:00-05:00", chair=2))
        attendance.start(actor=clinic.actor, appointment=treated, actual_start=NOW - timedelta(minutes=20), now=NOW)
        coming = clinic.book("2026-11-24T15:00-05:00", chair=2)
        found = groups(floor(nurse))
        assert found == {"Now": [late.pk, waiting.pk], "In treatment": [treated.pk], "Next": [coming.pk]}

    def test_by_chair_each_chair_has_its_visits_in_order(self, clinic, nurse):
        later = clinic.book("2026-11-24T15:00-05:00")
        sooner = clinic.book("2026-11-24T11:30-05:00")
        assert groups(floor(nurse, query="order=chair"))[clinic.chairs[0].name] == [sooner.pk, later.pk]

    def test_timers_count_down_what_runs_and_up_what_waits(self, clinic, nurse):
        waiting = clinic.arrive(clinic.book("2026-11-24T11:30-05:00"))
        treated = clinic.arrive(clinic.book("2026-11-24T10:00-05:00", chair=1))
        attendance.start(actor=clinic.actor, appointment=treated, actual_start=NOW - timedelta(minutes=20), now=NOW)
        page = floor(nurse)
        seats = dict(re.findall(r'data-seat="(\d+)".*?class="timer[^>]*>([^<]+)<', page, re.S))
        assert seats[str(waiting.pk)] == "5 min"
        assert seats[str(treated.pk)] == "55 min"

    def test_it_asks_the_same_questions_of_the_database_with_one_visit_and_with_six(
        self, clinic, nurse, django_assert_max_num_queries
    ):
        for hour in (11, 14):
            for chair in range(3):
                clinic.book(f"2026-11-24T{hour}:30-05:00", chair=chair)
        floor(nurse)
        with django_assert_max_num_queries(30):
            floor(nurse)

    @pytest.mark.parametrize(("role", "status"), [(NURSE, 200), (FRONT_DESK, 200), (MANAGER, 200), (AUDITOR, 403)])
    def test_who_sees_it(self, clinic, role, status):
        assert clinic.client(role).get("/floor/day/").status_code == status

    def test_another_centers_unit_is_not_there(self, clinic):
        stranger = Client()
        stranger.force_login(make.make_user(make.make_center(), NURSE))
        assert stranger.get("/floor/day/").status_code == 404

    def test_reading_a_visit_is_on_record(self, asked, nurse):
        floor(nurse, asked)
        assert Access.objects.filter(what="floor", patient_id=asked.patient_id).count() == 1


class TestSteps:
    def test_an_ordinary_visit_takes_at_most_seven_taps_and_no_typing(self, clinic, nurse):
        visit, taps = clinic.book("2026-11-24T10:50-05:00"), 0
        while (status := Appointment.objects.get(pk=visit.pk).status) != "fulfilled":
            page = floor(nurse, visit)
            foot = page.partition("floor-foot")[2]
            form = next(part for part in re.findall(r"<form.*?</form>", foot, re.S) if "is-primary" in part)
            fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form)) | {"from": "floor"}
            answer = nurse.post(re.search(r'action="([^"]+)"', form).group(1), fields)
            assert answer.status_code == 302, (status, answer.content)
            assert answer["Location"] == f"/floor/day/?visit={visit.pk}"
            taps += 1
        assert taps <= 7

    def test_a_tap_on_what_somebody_else_changed_is_told_and_changes_nothing(self, clinic, nurse):
        visit = clinic.book("2026-11-24T10:50-05:00")
        booking.confirm(actor=clinic.actor, appointment=visit, now=NOW)
        answer = nurse.post(f"/appointments/{visit.pk}/arrive/", {"from": "floor", "version": "1"})
        assert answer.status_code == 409
        assert "Somebody has changed this visit" in answer.content.decode()
        assert 'class="floor' in answer.content.decode()


class TestChecklist:
    def answer(self, client: Client, visit: Appointment, code: str, says: str) -> int:
        return client.post(f"/floor/answers/{visit.pk}/", {"code": code, "says": says}).status_code

    def decide(self, client: Client, visit: Appointment, **values: str) -> int:
        body = {"code": "triptan-24h", "decision": "go-on", "prescriber": "Dr Osborne", "order": "O-77", "at": "10:30"}
        return client.post(f"/floor/decisions/{visit.pk}/", body | values).status_code

    def test_an_answer_is_kept_with_who_and_when(self, asked, nurse):
        assert self.answer(nurse, asked, "driver", "yes") == 302
        kept = ChecklistAnswer.objects.get()
        assert (kept.code, kept.says, kept.at) == ("driver", "yes", NOW)
        assert Event.objects.get(verb="answer").actor == kept.actor

    def test_an_answer_that_needs_the_prescriber_holds_the_visit(self, asked, nurse):
        self.answer(nurse, asked, "triptan-24h", "yes")
        page = floor(nurse, asked)
        assert "Held for the prescriber" in page
        assert "This answer needs the prescriber" in page

    def test_the_prescribers_decision_frees_it(self, asked, nurse):
        self.answer(nurse, asked, "triptan-24h", "yes")
        assert self.decide(nurse, asked) == 302
        kept = PrescriberDecision.objects.get()
        assert (kept.prescriber, kept.order_reference, kept.decided_at) == (
            "Dr Osborne",
            "O-77",
            utc("2026-11-24T10:30-05:00"),
        )
        assert "Held for the prescriber" not in floor(nurse, asked)

    def test_do_not_treat_keeps_it_held(self, asked, nurse):
        self.answer(nurse, asked, "triptan-24h", "yes")
        self.decide(nurse, asked, decision="stop")
        assert "said not to treat" in floor(nurse, asked)

    def test_another_answer_needs_another_decision(self, asked, nurse):
        self.answer(nurse, asked, "triptan-24h", "yes")
        self.decide(nurse, asked)
        self.answer(nurse, asked, "triptan-24h", "no")
        assert not PrescriberDecision.objects.exists()

    def test_the_main_step_says_what_is_missing(self, asked, nurse):
        nurse.post(f"/appointments/{asked.pk}/check-in/", {"from": "floor"})
        self.answer(nurse, asked, "triptan-24h", "yes")
        assert "1 answers and a decision left" in floor(nurse, asked)

    @pytest.mark.parametrize(
        "values",
        [{"prescriber": ""}, {"order": " "}, {"decision": "maybe"}, {"at": "23:59"}, {"at": "soon"}, {"code": "x"}],
    )
    def test_a_decision_without_who_when_and_which_order_is_refused(self, asked, nurse, values):
        self.answer(nurse, asked, "triptan-24h", "yes")
        assert self.decide(nurse, asked, **values) == 409
        assert not PrescriberDecision.objects.exists()

    @pytest.mark.parametrize(("code", "says"), [("unknown", "yes"), ("driver", "perhaps")])
    def test_what_the_protocol_does_not_ask_is_refused(self, asked, nurse, code, says):
        assert self.answer(nurse, asked, code, says) == 409

    @pytest.mark.parametrize("role", [FRONT_DESK, MANAGER])
    def test_answers_are_for_nurses(self, clinic, asked, nurse, role):
        self.answer(nurse, asked, "triptan-24h", "yes")
        assert self.answer(clinic.client(role), asked, "driver", "yes") == 403
        page = floor(clinic.client(role), asked)
        assert "Triptan" not in page
        assert "Held" not in page

    def test_a_treatment_that_really_began_is_never_refused(self, clinic, asked, nurse):
        self.answer(nurse, asked, "triptan-24h", "yes")
        attendance.start(actor=clinic.actor, appointment=asked, now=NOW)
        assert Appointment.objects.get(pk=asked.pk).actual_start is not None

    def test_another_centers_visit_is_not_there(self, asked):
        stranger = Client()
        stranger.force_login(make.make_user(make.make_center(), NURSE))
        assert self.answer(stranger, asked, "driver", "yes") == 404
        assert self.decide(stranger, asked) == 404


class TestSheet:
    URL = "/sheet/day/2026-11-24/"

    def test_it_has_what_a_nurse_needs_when_everything_is_down(self, clinic, asked, nurse):
        page = nurse.get(self.URL).content.decode()
        for part in (asked.patient.full_name, asked.chair.name, "11:30", "triptan 24h", "Not planned", "BP ____"):
            assert part in page

    def test_the_second_sheet_marks_what_changed_since_the_first(self, clinic, nurse):
        moved = clinic.book("2026-11-24T13:00-05:00")
        gone = clinic.book("2026-11-24T13:00-05:00", chair=1)
        kept = clinic.book("2026-11-24T13:00-05:00", chair=2)
        assert nurse.post(self.URL)["Location"] == f"{self.URL}?printed=1"
        later = NOW + timedelta(minutes=1)
        booking.move(actor=clinic.actor, appointment=moved, start=utc("2026-11-24T15:00-05:00"), now=later)
        booking.cancel(actor=clinic.actor, appointment=gone, reason="She is ill.", now=later)
        new = booking.book(
            actor=clinic.actor, chair=clinic.chairs[1], start=utc("2026-11-24T15:00-05:00"),
            patient=make.make_patient(clinic.center), protocol=clinic.rescue, now=later,
        )  # fmt: skip
        page = nurse.get(self.URL).content.decode()
        assert "Version 2" in page
        rows = {row: mark for mark, row in re.findall(r'<span class="mark">(\w+)</span> <b[^>]*>([^<]+)</b>', page)}
        assert rows == {
            moved.patient.full_name: "MOVED", gone.patient.full_name: "CANCELLED", new.patient.full_name: "NEW",
        }  # fmt: skip
        assert kept.patient.full_name in page

    def test_printing_is_noted_once_a_version(self, clinic, asked, nurse):
        nurse.post(self.URL)
        nurse.post(self.URL)
        assert list(SheetPrint.objects.values_list("number", flat=True)) == [1, 2]
        assert "Version 1" in nurse.get(f"{self.URL}?printed=1").content.decode()
        assert Access.objects.filter(what="day-sheet-print").count() == 2

    def test_the_desk_prints_it_without_clinical_detail(self, clinic, asked):
        assert "triptan" not in clinic.client(FRONT_DESK).get(self.URL).content.decode()
