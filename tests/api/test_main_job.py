"""The main job through HTTP: a patient, a course, its places, and what happens to them."""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.models import Access, Appointment, Course, Event, Visit
from scheduler.services.jobs import JOBS
from tests import factories as make
from tests.factories import NOW, utc

pytestmark = pytest.mark.django_db

RIVERA = {
    "mrn": "MRN-77",
    "first_name": "Ana",
    "last_name": "Rivera",
    "birth_date": "1985-03-14",
    "contacts": [{"email": "ana@example.org", "phone": "212 555 0111"}],
}
QUARTERLY = {"protocol": "eptinezumab-quarterly", "unit": "day", "start": "2026-11-30T10:00-05:00", "doses": 4}
TRAVELS = {"codes": ["window_is_kept"], "reason": "She travels."}


@pytest.fixture
def patient(desk) -> int:
    return desk.post("/patients/", RIVERA).json()["id"]


@pytest.fixture
def quarterly(day_suite, patient) -> dict[str, Any]:
    make.make_quarterly()
    return QUARTERLY | {"patient": patient}


@pytest.fixture
def course(desk, quarterly) -> dict[str, Any]:
    """Started, and placed by the job."""
    made = desk.post("/courses/", quarterly).json()
    JOBS["place-visits"](NOW)
    return desk.get(f"/courses/{made['id']}/").json()


def starts(course: dict[str, Any]) -> list[str | None]:
    return [visit["start"] for visit in course["visits"]]


class TestPatients:
    def test_a_patient_is_registered_read_corrected_and_found(self, desk, center):
        made = desk.post("/patients/", RIVERA)
        assert made.status_code == 201
        pk = made.json()["id"]
        assert made.json()["contacts"][0]["email"] == "ana@example.org"

        changed = desk.patch(f"/patients/{pk}/", {"last_name": "Rivera Díaz", "contacts": []})
        assert changed.status_code == 200
        read = desk.get(f"/patients/{pk}/").json()
        assert (read["last_name"], read["mrn"], read["contacts"]) == ("Rivera Díaz", "MRN-77", [])

        for query in ("riv dia", "MRN-77", "1985-03-14"):
            found = desk.post("/patients/search/", {"query": query}).json()
            assert [row["id"] for row in found["results"]] == [pk], query

    def test_an_mrn_that_is_taken_is_refused(self, desk, patient):
        again = desk.post("/patients/", RIVERA)
        assert again.status_code == 409
        assert again.json()["code"] == "mrn_is_unique"

    def test_every_reading_is_on_record(self, desk, patient):
        desk.get(f"/patients/{patient}/")
        assert Access.objects.filter(patient_id=patient, what="patient", actor__startswith="key:").count() == 1


class TestQuarterly:
    def test_the_preview_says_where_when_and_why_and_writes_nothing(self, desk, quarterly):
        response = desk.post("/courses/preview/", quarterly)
        assert response.status_code == 200
        plan = response.json()
        assert plan["fits"] is True
        assert [visit["due"] for visit in plan["visits"]] == [
            "2026-11-30T10:00-05:00",
            "2027-02-28T10:00-05:00",
            "2027-05-30T10:00-04:00",
            "2027-08-30T10:00-04:00",
        ]
        assert [visit["placement"]["start"] for visit in plan["visits"]] == [
            "2026-11-30T10:00-05:00",
            "2027-03-01T10:00-05:00",
            "2027-06-01T10:00-04:00",
            "2027-08-30T10:00-04:00",
        ]
        assert "closed" in " ".join(plan["visits"][1]["reasons"])
        assert not Course.objects.exists()

    def test_the_visits_stand_unplaced_until_the_job_has_looked(self, desk, quarterly):
        made = desk.post("/courses/", quarterly)
        assert made.status_code == 201
        assert made.json()["placement"] == "pending"
        assert [visit["state"] for visit in made.json()["visits"]] == ["unplaced"] * 4
        JOBS["place-visits"](NOW)
        read = desk.get(f"/courses/{made.json()['id']}/").json()
        assert read["placement"] == "done"
        assert starts(read) == [
            "2026-11-30T10:00-05:00",
            "2027-03-01T10:00-05:00",
            "2027-06-01T10:00-04:00",
            "2027-08-30T10:00-04:00",
        ]

    def test_placements_of_a_preview_are_booked_at_once(self, desk, quarterly):
        plan = desk.post("/courses/preview/", quarterly).json()
        places = [
            {"ordinal": visit["ordinal"], "chair": visit["placement"]["chair"], "start": visit["placement"]["start"]}
            for visit in plan["visits"]
        ]
        made = desk.post("/courses/", quarterly | {"placements": places})
        assert made.status_code == 201
        assert made.json()["placement"] == "done"
        assert [visit["state"] for visit in made.json()["visits"]] == ["booked"] * 4

    def test_one_placement_that_is_taken_books_nothing(self, desk, center, quarterly):
        plan = desk.post("/courses/preview/", quarterly).json()
        places = [
            {"ordinal": visit["ordinal"], "chair": visit["placement"]["chair"], "start": visit["placement"]["start"]}
            for visit in plan["visits"]
        ]
        taken = {"patient": make.make_patient(center).pk, "minutes": 30} | {
            name: places[2][name] for name in ("chair", "start")
        }
        assert desk.post("/appointments/", taken).status_code == 201
        made = desk.post("/courses/", quarterly | {"placements": places})
        assert made.status_code == 409
        assert made.json()["refusals"][0]["code"] == "chair_is_free"
        assert made.json()["refusals"][0]["facts"]["ordinal"] == 3
        [instead] = made.json()["alternatives"]
        assert instead["start"] == places[2]["start"]
        assert instead["chair"] != places[2]["chair"]
        assert not Course.objects.exists()
        assert Appointment.objects.count() == 1

    def test_a_move_that_leaves_the_next_too_early_proposes_and_moves_both(self, desk, course):
        second = course["visits"][1]["appointment"]
        to = {"start": "2027-03-15T10:00-04:00", "override": TRAVELS}
        refused = desk.post(f"/appointments/{second}/move/", to)
        assert refused.status_code == 409
        problem = refused.json()
        assert "78 days" in problem["detail"]
        assert problem["proposals"][0]["before"]["start"] == "2027-06-01T10:00-04:00"
        assert problem["proposals"][0]["after"]["start"] == "2027-06-15T10:00-04:00"

        moved = desk.post(f"/appointments/{second}/move/", to | {"accept_following": True})
        assert moved.status_code == 200, moved.json()
        assert starts(desk.get(f"/courses/{course['id']}/").json())[1:3] == [
            "2027-03-15T10:00-04:00",
            "2027-06-15T10:00-04:00",
        ]

    def test_pause_says_which_bookings_it_cancels_and_resume_brings_them_back(self, desk, course):
        paused = desk.post(f"/courses/{course['id']}/pause/", {"reason": "Pregnant."})
        assert paused.status_code == 200
        assert len(paused.json()["cancelled"]) == 4
        assert paused.json()["effect"].startswith("4 bookings were cancelled.")
        assert paused.json()["status"] == "on-hold"
        resumed = desk.post(f"/courses/{course['id']}/resume/")
        assert resumed.json()["status"] == "active"

    def test_discontinue_ends_it_for_good(self, desk, course):
        ended = desk.post(f"/courses/{course['id']}/discontinue/", {"reason": "Moved away."}).json()
        assert ended["status"] == "discontinued"
        assert {visit["state"] for visit in ended["visits"]} == {"waived"}
        again = desk.post(f"/courses/{course['id']}/pause/", {"reason": "Twice."})
        assert (again.status_code, again.json()["code"]) == (409, "transition_is_allowed")

    def test_a_visit_is_waived_with_a_reason(self, desk, course):
        pk = course["visits"][3]["id"]
        assert desk.post(f"/visits/{pk}/waive/").status_code == 400
        waived = desk.post(f"/visits/{pk}/waive/", {"reason": "Given in Boston."})
        assert waived.status_code == 200
        assert (waived.json()["state"], waived.json()["appointment"]) == ("waived", None)

    def test_an_authorisation_entered_later_lets_visits_be_tried_again(self, desk, quarterly):
        made = desk.post("/courses/", quarterly | {"authorization": {"until": "2027-05-01"}}).json()
        JOBS["place-visits"](NOW)
        read = desk.get(f"/courses/{made['id']}/").json()
        assert [visit["state"] for visit in read["visits"]] == ["booked", "booked", "unplaced", "unplaced"]
        assert "authorization_is_valid" in {refusal["code"] for refusal in read["visits"][2]["refusals"]}
        changed = desk.patch(f"/courses/{made['id']}/", {"authorization": {"until": "2027-12-31"}})
        assert changed.status_code == 200
        assert changed.json()["placement"] == "pending"
        JOBS["place-visits"](NOW)
        read = desk.get(f"/courses/{made['id']}/").json()
        assert [visit["state"] for visit in read["visits"]] == ["booked"] * 4

    def test_a_course_is_amended_to_a_newer_version_by_code(self, desk, course):
        make.make_quarterly(version=2, visit_minutes=45)
        assert desk.patch(f"/courses/{course['id']}/", {"protocol": QUARTERLY["protocol"]}).status_code == 400
        body = {"protocol": QUARTERLY["protocol"], "reason": "Longer visits."}
        amended = desk.patch(f"/courses/{course['id']}/", body)
        assert amended.status_code == 200
        assert amended.json()["protocol_version"] == 2


class TestStay:
    ASKED = {"protocol": "dhe-q8h", "days": 3}

    def test_nine_doses_across_the_clock_change_in_one_bed(self, desk, center, night_suite):
        make.make_dhe()
        patient = make.make_patient(center).pk
        body = self.ASKED | {"patient": patient, "unit": night_suite.pk, "start": "2027-03-13T09:00-05:00"}
        made = desk.post("/courses/", body).json()
        JOBS["place-visits"](NOW)
        read = desk.get(f"/courses/{made['id']}/").json()
        assert starts(read)[:4] == [
            "2027-03-13T09:00-05:00",
            "2027-03-13T17:00-05:00",
            "2027-03-14T01:00-05:00",
            "2027-03-14T10:00-04:00",
        ]
        assert len({visit["chair"] for visit in read["visits"]}) == 1
        day = desk.get("/schedule/", {"date": "2027-03-14", "unit": "suite-24"}).json()
        stays = [stay for chair in day["chairs"] for stay in chair["stays"]]
        assert [(stay["course"], stay["start"]) for stay in stays] == [(made["id"], "2027-03-13T08:00-05:00")]

    def test_in_the_day_suite_the_preview_says_why_and_what_works(self, desk, center, day_suite, night_suite):
        make.make_dhe()
        make.make_dhe_twice_a_day()
        body = self.ASKED | {
            "patient": make.make_patient(center).pk,
            "unit": "day",
            "start": "2027-03-15T09:00-04:00",
        }
        plan = desk.post("/courses/preview/", body).json()
        assert plan["fits"] is False
        refused = [visit["ordinal"] for visit in plan["visits"] if visit["refusals"]]
        assert refused == [2, 3, 5, 6, 8, 9]
        assert {"unit", "protocol"} <= {each["kind"] for each in plan["alternatives"]}
        assert any("24-hour suite" in each["detail"] for each in plan["alternatives"])


class TestADayOfAnAppointment:
    def test_arrive_check_in_start_phase_complete_and_undo(self, center, booked, later, manager):
        url = f"/appointments/{booked['id']}"
        steps = [
            ("arrive", {}, ("arrived", "waiting")),
            ("check-in", {}, ("checked-in", "waiting")),
            ("phase", {"phase": "in-chair"}, ("checked-in", "in-chair")),
            ("start", {"actual_start": "2026-11-16T10:00-05:00"}, ("checked-in", "infusing")),
            ("complete", {"outcome": "partial", "reason": "Nausea."}, ("fulfilled", "discharged")),
        ]
        for step, body, then in steps:
            done = manager.post(f"{url}/{step}/", body)
            assert done.status_code == 200, done.json()
            assert (done.json()["status"], done.json()["phase"]) == then
        undone = manager.post(f"{url}/undo/")
        assert undone.status_code == 200, undone.json()
        assert undone.json()["status"] == "checked-in"

    def test_confirm_cancel_reopen(self, desk, booked):
        url = f"/appointments/{booked['id']}"
        assert desk.post(f"{url}/confirm/").json()["confirmed_at"] == "2026-11-16T10:00-05:00"
        assert desk.post(f"{url}/cancel/").json()["field"] == "reason"
        assert desk.post(f"{url}/cancel/", {"reason": "Ill."}).json()["status"] == "cancelled"
        assert desk.post(f"{url}/reopen/", {}).json()["status"] == "booked"
        assert desk.post(f"{url}/no-show/").json()["status"] == "noshow"

    def test_who_read_an_older_version_is_told(self, desk, booked):
        url = f"/appointments/{booked['id']}/"
        tag = desk.get(url)["ETag"]
        moved = desk.post(f"{url}move/", {"start": "2026-11-16T12:00-05:00"}, headers={"If-Match": tag})
        assert moved.status_code == 200
        assert moved["ETag"] != tag
        stale = desk.post(f"{url}cancel/", {"reason": "Late."}, headers={"If-Match": tag})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale")
        for never in ('W/"2"', "2", '"abc"', '""'):
            assert desk.post(f"{url}confirm/", headers={"If-Match": never}).status_code == 412
        assert desk.post(f"{url}confirm/", headers={"If-Match": f'"99", {moved["ETag"]}'}).status_code == 200
        assert desk.post(f"{url}confirm/", headers={"If-Match": "*"}).status_code == 200

    def test_a_hold_becomes_a_booking(self, desk, center, day_suite):
        place = {"chair": day_suite.chairs.first().pk, "start": "2026-11-17T09:00-05:00", "minutes": 45}
        held = desk.post("/appointments/", place | {"hold": True})
        assert held.status_code == 201
        assert (held.json()["status"], held.json()["hold_expires_at"]) == ("pending", "2026-11-16T10:05-05:00")
        patient = make.make_patient(center).pk
        made = desk.post("/appointments/", {"hold": held.json()["id"], "patient": patient})
        assert made.status_code == 201, made.json()
        assert made.json()["id"] == held.json()["id"]
        assert (made.json()["status"], made.json()["end"]) == ("booked", "2026-11-17T09:45-05:00")

    def test_a_soft_rule_is_set_aside_with_a_reason(self, desk, course):
        url = f"/appointments/{course['visits'][3]['appointment']}/move/"
        to = {"start": "2027-09-09T10:00-04:00"}
        refused = desk.post(url, to)
        assert refused.status_code == 409
        assert [(each["code"], each["hard"]) for each in refused.json()["refusals"]] == [("window_is_kept", False)]
        assert refused.json()["alternatives"]
        moved = desk.post(url, to | {"override": TRAVELS})
        assert moved.status_code == 200, moved.json()
        assert moved.json()["override"]["codes"] == ["window_is_kept"]


class TestLists:
    def test_appointments_by_date_unit_chair_patient_and_status(self, desk, booked):
        for query, count in [
            ({"date": "2026-11-16"}, 1),
            ({"date": "2026-11-17"}, 0),
            ({"unit": "day"}, 1),
            ({"chair": booked["chair"]}, 1),
            ({"patient": booked["patient"]}, 1),
            ({"status": "booked"}, 1),
            ({"status": "cancelled,noshow"}, 0),
        ]:
            assert desk.get("/appointments/", query).json()["count"] == count, query

    def test_pages_are_bounded_and_linked(self, desk, center, day_suite):
        first = desk.get("/chairs/", {"page_size": 3}).json()
        assert (first["count"], len(first["results"]), first["previous"]) == (4, 3, None)
        second = desk.get(first["next"].removeprefix("http://testserver")).json()
        assert (len(second["results"]), second["next"]) == (1, None)
        for query in ({"page_size": 201}, {"page_size": 0}, {"page": "two"}, {"page_size": "-1"}):
            assert desk.get("/chairs/", query).status_code == 400
        assert desk.get("/chairs/", {"page": 9}).status_code == 404

    def test_the_schedule_has_hours_chairs_nurses_and_load(self, desk, center, day_suite, booked):
        nurse = center.nurses.create(name="Ines Falk")
        nurse.shifts.create(unit=day_suite, starts_at=utc("2026-11-16T13:00"), ends_at=utc("2026-11-16T21:00"))
        response = desk.get("/schedule/", {"date": "2026-11-16", "unit": "day"})
        day = response.json()
        assert day["open"] == [{"start": "2026-11-16T08:00-05:00", "end": "2026-11-16T18:00-05:00"}]
        assert [row["id"] for chair in day["chairs"] for row in chair["appointments"]] == [booked["id"]]
        assert day["nurses"][0]["shifts"][0]["start"] == "2026-11-16T08:00-05:00"
        busy = [quarter["start"] for quarter in day["load"] if quarter["patients"]]
        assert busy == ["2026-11-16T11:00-05:00", "2026-11-16T11:15-05:00"]
        assert response["ETag"] == f'"{day["version"]}"'

    def test_slots_come_best_first_with_reasons(self, desk, center, day_suite):
        make.make_quarterly()
        body = {
            "protocol": QUARTERLY["protocol"],
            "unit": "day",
            "from": "2026-11-17T08:00-05:00",
            "to": "2026-11-18T18:00-05:00",
            "limit": 3,
        }
        found = desk.post("/slots/search/", body).json()
        assert len(found["slots"]) == 3
        assert found["slots"][0]["start"].endswith("-05:00")
        none = desk.post("/slots/search/", body | {"from": "2026-11-21T08:00-05:00", "to": "2026-11-22T18:00-05:00"})
        assert none.json()["slots"] == []
        assert none.json()["refusals"][0]["code"] == "unit_is_open"
        assert none.json()["alternatives"]

    def test_reminders_and_waitlist_of_a_booking(self, desk, booked, course):
        assert desk.get("/reminders/", {"appointment": course["visits"][0]["appointment"]}).json()["count"] > 0
        added = desk.post("/waitlist/", {"appointment": booked["id"]})
        assert added.status_code == 201, added.json()
        assert added.json()["latest"] == booked["start"]
        assert desk.get("/waitlist/").json()["count"] == 1
        again = desk.post("/waitlist/", {"appointment": booked["id"]})
        assert (again.status_code, again.json()["code"]) == (409, "appointment_waits_once")

    def test_the_worklist_has_what_needs_a_person(self, desk, quarterly):
        desk.post("/courses/", quarterly | {"authorization": {"until": "2026-12-31"}})
        JOBS["place-visits"](NOW)
        found = desk.get("/worklist/", {"kind": "unplaced"}).json()
        assert found["count"] >= 1
        assert found["results"][0]["visit"] in set(Visit.objects.values_list("pk", flat=True))

    @pytest.mark.parametrize("name", ["centers", "units", "chairs", "protocols", "nurses", "shifts", "closures"])
    def test_the_set_up_is_listed_and_read(self, desk, center, day_suite, name):
        make.make_quarterly()
        center.nurses.create(name="Ines Falk").shifts.create(
            unit=day_suite, starts_at=utc("2026-11-16T13:00"), ends_at=utc("2026-11-16T21:00")
        )
        listed = desk.get(f"/{name}/").json()
        assert listed["count"] >= 1
        pk = listed["results"][0]["id"]
        assert desk.get(f"/{name}/{pk}/").json() == listed["results"][0]

    def test_changes_are_on_record_with_the_key_that_made_them(self, booked):
        assert Event.objects.filter(subject="appointment", verb="book", actor__startswith="key:").count() == 1
