"""Managers write places, nurses and protocols; what would take the ground from under bookings is refused."""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.domain.permissions import AUDITOR, FRONT_DESK, INTEGRATION, NURSE
from scheduler.models import Chair, Event, LedgerEntry, OpeningHours, Protocol, Unit
from tests import factories as make
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db

WEEKDAYS = [{"weekday": day, "opens": "08:00", "closes": "18:00"} for day in range(5)]
PROTOCOL = {
    "code": "house-rescue", "name": "House rescue", "short_name": "Rescue", "abbreviation": "HR",
    "cadence_kind": "once", "cadence_unit": "days", "visit_minutes": 90, "counts_in": "days",
    "sources": {"visit_minutes": "our own median, 2026"},
}  # fmt: skip


class TestCenters:
    def test_a_manager_changes_names_and_when_it_reminds(self, manager, center, booked):
        path = f"/centers/{center.pk}/"
        body = {"phone": "212 555 0100", "reminder_days": [5, 2], "reminder_at": "09:30"}
        changed = manager.patch(path, body)
        assert changed.status_code == 200, changed.json()
        assert {name: changed.json()[name] for name in body} == body
        assert manager.get(path).json() == changed.json()
        assert manager.get(path)["ETag"] == changed["ETag"]

    def test_unsent_reminders_follow(self, manager, center, day_suite):
        patient = make.make_patient(center)
        place = {"patient": patient.pk, "chair": day_suite.chairs.first().pk, "minutes": 30}
        manager.post("/appointments/", place | {"start": "2026-12-01T10:00-05:00"})
        manager.patch(f"/centers/{center.pk}/", {"reminder_days": [2]})
        due = LedgerEntry.objects.filter(kind="reminder", state="due").values_list("due", flat=True)
        assert [f"{moment:%m-%d}" for moment in due] == ["11-29"]

    def test_reminders_follow_new_quiet_hours(self, manager, center, day_suite):
        patient = make.make_patient(center)
        place = {"patient": patient.pk, "chair": day_suite.chairs.first().pk, "minutes": 30}
        manager.post("/appointments/", place | {"start": "2026-12-01T10:00-05:00"})
        quiet = {"quiet_from": "18:00", "quiet_until": "11:30", "country": "CA"}
        changed = manager.patch(f"/centers/{center.pk}/", quiet)
        assert {name: changed.json()[name] for name in quiet} == quiet
        due = LedgerEntry.objects.filter(kind="reminder", state="due").values_list("due", flat=True)
        assert [moment.astimezone(center.zone).strftime("%d %H:%M") for moment in due] == ["27 17:30", "29 17:30"]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"reminder_days": [3, 3]}, "reminder_days"),
            ({"reminder_at": "03:00"}, "reminder_minute"),
            ({"time_zone": "Europe/Berlin"}, "time_zone"),
            ({"quiet_from": "25:00"}, "quiet_from"),
            ({"country": "XX"}, "country"),
            ({"name": ""}, "name"),
        ],
    )
    def test_what_makes_no_sense_names_the_field(self, manager, center, change, field):
        response = manager.patch(f"/centers/{center.pk}/", change)
        assert (response.status_code, response.json()["field"]) == (400, field)


class TestUnits:
    def test_a_new_unit_with_a_chair_takes_bookings(self, manager, center):
        staffing = [{"weekday": 0, "opens": "08:00", "closes": "18:00", "nurses": 2, "patients": 8, "acuity": 16}]
        body = {"code": "annex", "name": "Annex", "opening_hours": WEEKDAYS, "staffing": staffing}
        unit = manager.post("/units/", body)
        assert unit.status_code == 201, unit.json()
        assert manager.get(unit["Location"]).json() == unit.json()
        chair = manager.post("/chairs/", {"unit": "annex", "name": "A1", "kind": "bed"})
        assert chair.status_code == 201, chair.json()
        place = {"patient": make.make_patient(center).pk, "chair": chair.json()["id"], "minutes": 30}
        assert manager.post("/appointments/", place | {"start": "2026-11-23T10:00-05:00"}).status_code == 201
        early = manager.post("/appointments/", place | {"start": "2026-11-24T07:00-05:00"})
        assert early.json()["code"] == "unit_is_open"

    def test_hours_that_leave_a_booking_outside_are_refused_and_name_it(self, manager, day_suite, booked):
        path = f"/units/{day_suite.pk}/"
        before = manager.get(path).json()
        from_noon = [hours | {"opens": "12:00"} for hours in WEEKDAYS]
        refused = manager.patch(path, {"opening_hours": from_noon})
        assert (refused.status_code, refused.json()["code"]) == (409, "unit_is_open")
        assert refused.json()["refusals"][0]["facts"]["appointments"] == [booked["id"]]
        assert manager.get(path).json() == before
        manager.post(f"/appointments/{booked['id']}/move/", {"start": "2026-11-16T13:00-05:00"})
        assert manager.patch(path, {"opening_hours": from_noon}).status_code == 200

    def test_a_booking_that_a_closure_hits_does_not_stand_in_the_way_of_new_hours(self, manager, day_suite, booked):
        closure = {"start": "2026-11-16T10:00-05:00", "end": "2026-11-16T12:00-05:00", "reason": "Water"}
        manager.post("/closures/", closure | {"unit": "day"})
        assert manager.patch(f"/units/{day_suite.pk}/", {"opening_hours": WEEKDAYS}).status_code == 200

    def test_a_night_between_two_doses_counts_as_booked(self, manager, center, night_suite):
        make.make_dhe()
        body = {"patient": make.make_patient(center).pk, "protocol": "dhe-q8h", "unit": "suite-24", "days": 1}
        body |= {"start": "2026-11-17T09:00-05:00"}
        visits = manager.post("/courses/preview/", body).json()["visits"]
        placements = [
            {"ordinal": visit["ordinal"]} | {name: visit["placement"][name] for name in ("chair", "start")}
            for visit in visits
        ]
        assert manager.post("/courses/", body | {"placements": placements}).status_code == 201
        gap = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(7) if day != 1]
        gap += [
            {"weekday": 1, "opens": "00:00", "closes": "12:00"},
            {"weekday": 1, "opens": "14:00", "closes": "24:00"},
        ]
        refused = manager.patch(f"/units/{night_suite.pk}/", {"opening_hours": gap})
        assert (refused.status_code, refused.json()["code"]) == (409, "unit_is_open")
        assert refused.json()["refusals"][0]["facts"]["count"] == len(visits)

    @pytest.mark.parametrize(
        ("change", "status", "word"),
        [
            ({"opening_hours": [{"weekday": 0, "opens": "10:00", "closes": "10:00"}]}, 400, "opening_hours"),
            ({"opening_hours": [*WEEKDAYS, {"weekday": 0, "opens": "17:00", "closes": "19:00"}]}, 400, "opening_hours"),
            ({"opening_hours": [{"weekday": 7, "opens": "10:00", "closes": "11:00"}]}, 400, "opening_hours.0.weekday"),
            ({"staffing": [{"weekday": 1, "opens": "10:00", "closes": "11:00"}]}, 400, "staffing.0.nurses"),
            ({"code": "12"}, 400, "code"),
            ({"code": "day"}, 409, "unit_code_is_free"),
        ],
    )
    def test_what_makes_no_sense_is_refused_and_nothing_is_written(self, manager, day_suite, change, status, word):
        count = OpeningHours.objects.count()
        response = manager.post("/units/", {"code": "new", "name": "New"} | change)
        said = response.json()
        assert (response.status_code, said.get("field", said["code"])) == (status, word)
        assert (Unit.objects.count(), OpeningHours.objects.count()) == (1, count)


class TestChairs:
    def test_a_chair_with_bookings_is_not_taken_out_of_service(self, manager, booked):
        path = f"/chairs/{booked['chair']}/"
        refused = manager.patch(path, {"is_active": False})
        assert (refused.status_code, refused.json()["code"]) == (409, "chair_is_suitable")
        assert refused.json()["refusals"][0]["facts"]["appointments"] == [booked["id"]]
        assert Chair.objects.get(pk=booked["chair"]).is_active
        manager.post(f"/appointments/{booked['id']}/cancel/", {"reason": "x"})
        assert manager.patch(path, {"is_active": False}).json()["is_active"] is False
        assert manager.post("/appointments/", {name: booked[name] for name in ("patient", "chair", "start")} | {
            "minutes": 30
        }).json()["code"] == "chair_is_suitable"  # fmt: skip

    def test_a_bed_that_a_stay_needs_stays_a_bed(self, manager, center, night_suite):
        make.make_dhe()
        body = {"patient": make.make_patient(center).pk, "protocol": "dhe-q8h", "unit": "suite-24", "days": 1}
        body |= {"start": "2026-11-17T09:00-05:00"}
        placed = manager.post("/courses/preview/", body).json()["visits"]
        placements = [
            {"ordinal": visit["ordinal"]} | {name: visit["placement"][name] for name in ("chair", "start")}
            for visit in placed
        ]
        manager.post("/courses/", body | {"placements": placements})
        bed = placements[0]["chair"]
        refused = manager.patch(f"/chairs/{bed}/", {"kind": "recliner"})
        assert (refused.status_code, refused.json()["code"]) == (409, "chair_is_suitable")
        assert manager.patch(f"/chairs/{bed}/", {"kind": "room"}).status_code == 200
        other = night_suite.chairs.exclude(pk=bed).first()
        assert manager.patch(f"/chairs/{other.pk}/", {"kind": "recliner"}).status_code == 200

    def test_two_chairs_of_a_unit_have_two_names(self, manager, day_suite):
        first, second = day_suite.chairs.all()[:2]
        for response in (
            manager.post("/chairs/", {"unit": "day", "name": first.name}),
            manager.patch(f"/chairs/{second.pk}/", {"name": first.name}),
        ):
            assert (response.status_code, response.json()["code"]) == (409, "chair_name_is_free")


class TestNurses:
    def test_a_nurse_is_added_renamed_and_leaves_once_she_has_no_shifts(self, manager, day_suite):
        made = manager.post("/nurses/", {"name": "Ines Falk"})
        assert made.status_code == 201, made.json()
        path = made["Location"]
        shift = {"nurse": made.json()["id"], "unit": "day"}
        shift |= {"start": "2026-11-17T08:00-05:00", "end": "2026-11-17T16:00-05:00"}
        shift = manager.post("/shifts/", shift).json()
        refused = manager.patch(path, {"is_active": False})
        assert (refused.status_code, refused.json()["code"]) == (409, "nurse_has_no_shifts")
        manager.delete(f"/shifts/{shift['id']}/")
        changed = manager.patch(path, {"is_active": False, "name": "Ines Berg"}).json()
        assert (changed["name"], changed["is_active"]) == ("Ines Berg", False)

    def test_who_no_longer_works_here_gets_no_shift(self, manager, center, day_suite):
        nurse = center.nurses.create(name="Jo", is_active=False)
        shift = {"nurse": nurse.pk, "unit": "day", "start": "2026-11-17T08:00-05:00", "end": "2026-11-17T16:00-05:00"}
        refused = manager.post("/shifts/", shift)
        assert (refused.status_code, refused.json()["field"]) == (400, "nurse")


class TestProtocols:
    def test_a_center_publishes_its_own_and_the_next_version_of_it(self, manager, stranger):
        made = manager.post("/protocols/", PROTOCOL)
        assert made.status_code == 201, made.json()
        assert (made.json()["version"], made.json()["center"]) == (
            1,
            manager.get("/centers/").json()["results"][0]["id"],
        )
        assert manager.get(made["Location"]).json() == made.json()
        assert manager.post("/protocols/", PROTOCOL | {"visit_minutes": 120}).json()["version"] == 2
        assert stranger.get("/protocols/?code=house-rescue").json()["count"] == 0

    def test_a_published_version_is_kept(self, manager):
        manager.post("/protocols/", PROTOCOL)
        refused = manager.post("/protocols/", PROTOCOL | {"version": 1, "visit_minutes": 120})
        assert (refused.status_code, refused.json()["code"]) == (409, "published_protocol_is_kept")
        assert Protocol.objects.get(code="house-rescue").visit_minutes == 90

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"visit_minutes": 0}, "visit_minutes"),
            ({"cadence_kind": "often"}, "cadence_kind"),
            ({"caps": [{"counts": "pills"}]}, "caps"),
            ({"components": [{"name": "a\0b", "dose": "1", "minutes": 1, "source": "x"}]}, "components"),
            ({"center": "other"}, "center"),
            ({"dose_mg": "much"}, "dose_mg"),
            ({"sources": {"colour": "x"}}, "sources"),
        ],
    )
    def test_what_makes_no_sense_names_the_field(self, manager, change, field):
        response = manager.post("/protocols/", PROTOCOL | change)
        assert (response.status_code, response.json()["field"]) == (400, field)
        assert not Protocol.objects.filter(code="house-rescue").exists()


def paths_and_bodies(center: Any, unit: Any) -> list[tuple[str, str, dict[str, Any]]]:
    nurse = center.nurses.create(name="Ines Falk")
    return [
        ("patch", f"/centers/{center.pk}/", {"phone": "1"}),
        ("post", "/units/", {"code": "annex", "name": "Annex"}),
        ("patch", f"/units/{unit.pk}/", {"name": "Annex"}),
        ("post", "/chairs/", {"unit": unit.code, "name": "New"}),
        ("patch", f"/chairs/{unit.chairs.first().pk}/", {"position": 7}),
        ("post", "/nurses/", {"name": "Jo"}),
        ("patch", f"/nurses/{nurse.pk}/", {"name": "Jo"}),
        ("post", "/protocols/", PROTOCOL),
    ]


@pytest.mark.parametrize("role", [FRONT_DESK, NURSE, AUDITOR, INTEGRATION])
def test_only_managers_write_the_set_up(center, day_suite, role):
    client = client_of(center, role)
    for method, path, body in paths_and_bodies(center, day_suite):
        assert getattr(client, method)(path, body).status_code == 403, path


def test_another_centers_places_are_not_there(center, day_suite, stranger):
    for method, path, body in paths_and_bodies(center, day_suite):
        if method == "patch":
            assert stranger.patch(path, body).status_code == 404, path
    assert stranger.post("/chairs/", {"unit": day_suite.pk, "name": "New"}).status_code == 404


def test_every_change_is_on_record(center, day_suite, manager):
    for method, path, body in paths_and_bodies(center, day_suite):
        response = getattr(manager, method)(path, body)
        assert response.status_code in (200, 201), response.json()
    verbs = Event.objects.filter(actor__startswith="key:").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == [
        "change-center", "add-unit", "change-unit", "add-chair", "change-chair", "add-nurse", "change-nurse", "publish",
    ]  # fmt: skip


def test_an_old_reading_changes_nothing(center, day_suite, manager):
    patient = make.make_patient(center)
    changes = [*paths_and_bodies(center, day_suite), ("patch", f"/patients/{patient.pk}/", {"needs": "Dim light"})]
    for _method, path, body in [change for change in changes if change[0] == "patch"]:
        tag = manager.get(path)["ETag"]
        first = manager.patch(path, body, HTTP_IF_MATCH=tag)
        assert (first.status_code, first["ETag"]) == (200, manager.get(path)["ETag"]), path
        stale = manager.patch(path, body, HTTP_IF_MATCH=tag)
        assert (stale.status_code, stale.json()["code"]) == (412, "stale"), path


def test_closures_and_shifts_learn_of_each_other_too(center, day_suite, manager):
    day = {"start": "2026-11-17T08:00-05:00", "end": "2026-11-17T16:00-05:00"}
    nurse = center.nurses.create(name="Ines Falk")
    for path, body, change in (
        ("/closures/", day | {"reason": "Pipe"}, {"end": "2026-11-17T17:00-05:00"}),
        ("/shifts/", day | {"nurse": nurse.pk, "unit": "day"}, {"acuity": 9}),
    ):
        one = manager.post(path, body)["Location"]
        tag = manager.get(one)["ETag"]
        assert manager.patch(one, change, HTTP_IF_MATCH=tag).status_code == 200
        assert manager.patch(one, change, HTTP_IF_MATCH=tag).status_code == 412
        assert manager.delete(one, HTTP_IF_MATCH=tag).status_code == 412
        assert manager.delete(one, HTTP_IF_MATCH=manager.get(one)["ETag"]).status_code == 204
