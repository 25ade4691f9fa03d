"""Managers write the set-up: closures with the bookings they hit, shifts with breaks, published days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from scheduler.domain.permissions import AUDITOR, FRONT_DESK, INTEGRATION, NURSE
from scheduler.models import Closure, Event, Nurse, Shift, UnitDay
from tests import factories as make
from tests.api.conftest import client_of
from tests.factories import utc

pytestmark = pytest.mark.django_db

TODAY = {"start": "2026-11-16T10:00-05:00", "end": "2026-11-16T12:00-05:00", "reason": "Water damage"}
EARLY = {"start": "2026-11-17T08:00-05:00", "end": "2026-11-17T16:00-05:00"}


@pytest.fixture
def nurse(center) -> Nurse:
    return center.nurses.create(name="Ines Falk")


@pytest.fixture
def shift(nurse, day_suite) -> dict[str, Any]:
    return EARLY | {"nurse": nurse.pk, "unit": "day"}


def versions(unit: Any) -> dict[str, int]:
    return {row.date.isoformat(): row.version for row in UnitDay.objects.filter(unit=unit)}


class TestClosures:
    @pytest.mark.parametrize("where", ["chair", "unit", "center"])
    def test_a_closure_names_the_bookings_it_hits_and_they_are_clashes(self, manager, booked, where):
        place = {"chair": {"chair": booked["chair"]}, "unit": {"unit": "day"}, "center": {}}[where]
        made = manager.post("/closures/", TODAY | place)
        assert made.status_code == 201, made.json()
        assert [row["id"] for row in made.json()["affected"]] == [booked["id"]]
        [clash] = manager.get("/worklist/?kind=clash").json()["results"]
        assert (clash["appointment"], clash["key"]) == (booked["id"], f"clash-closed:{booked['id']}")
        assert "Water damage" in clash["detail"]
        assert manager.get(made["Location"]).json()["reason"] == "Water damage"

    def test_what_it_does_not_touch_is_not_affected(self, manager, booked, day_suite):
        for change in (
            {"end": "2026-11-16T11:00-05:00"},  # back to back
            {"start": "2026-11-16T11:30-05:00"},
            {"chair": day_suite.chairs.last().pk},
        ):
            assert manager.post("/closures/", TODAY | change).json()["affected"] == []
        assert manager.get("/worklist/?kind=clash").json()["count"] == 0

    def test_once_the_booking_is_moved_the_clash_is_gone(self, manager, booked):
        manager.post("/closures/", TODAY | {"unit": "day"})
        moved = manager.post(f"/appointments/{booked['id']}/move/", {"start": "2026-11-16T13:00-05:00"})
        assert moved.status_code == 200, moved.json()
        assert manager.get("/worklist/?kind=clash").json()["count"] == 0

    def test_nobody_is_booked_into_it_until_it_is_removed(self, manager, day_suite, booked):
        closure = manager.post("/closures/", TODAY | {"unit": "day"}).json()
        place = {"patient": booked["patient"], "chair": day_suite.chairs.last().pk, "minutes": 15}
        place |= {"start": "2026-11-16T10:15-05:00"}
        assert manager.post("/appointments/", place).json()["code"] == "unit_is_open"
        assert manager.delete(f"/closures/{closure['id']}/").status_code == 204
        assert manager.post("/appointments/", place).status_code == 201

    def test_the_versions_of_all_days_it_touches_go_up(self, manager, day_suite, night_suite):
        days = {"start": "2026-11-20T12:00-05:00", "end": "2026-11-22T00:00-05:00", "reason": "Power cut"}
        closure = manager.post("/closures/", days).json()
        for unit in (day_suite, night_suite):
            assert versions(unit) == {"2026-11-20": 2, "2026-11-21": 2}  # a day begins with 1
        manager.patch(f"/closures/{closure['id']}/", {"unit": "day", "end": "2026-11-20T18:00-05:00"})
        assert versions(day_suite) == versions(night_suite) == {"2026-11-20": 3, "2026-11-21": 3}

    def test_a_stay_that_is_hit_between_its_doses_is_affected(self, manager, center, night_suite):
        make.make_dhe()
        body = {"patient": make.make_patient(center).pk, "protocol": "dhe-q8h", "unit": "suite-24", "days": 1}
        body |= {"start": "2026-11-17T09:00-05:00"}
        placed = manager.post("/courses/preview/", body).json()["visits"]
        placements = [
            {"ordinal": visit["ordinal"]} | {name: visit["placement"][name] for name in ("chair", "start")}
            for visit in placed
        ]
        course = manager.post("/courses/", body | {"placements": placements})
        assert course.status_code == 201, course.json()
        repair = {"start": "2026-11-17T13:00-05:00", "end": "2026-11-17T14:00-05:00", "reason": "Repair"}
        made = manager.post("/closures/", repair | {"chair": placements[0]["chair"]}).json()
        assert [row["visit"] for row in made["affected"]] == [course.json()["visits"][1]["id"]]

    def test_an_extra_opening_takes_people_and_stays_while_they_are_booked(self, manager, center, day_suite):
        saturday = {"start": "2026-11-21T08:00-05:00", "end": "2026-11-21T12:00-05:00", "reason": "Many wait"}
        extra = manager.post("/closures/", saturday | {"unit": "day", "kind": "open"})
        assert extra.status_code == 201, extra.json()
        path = f"/closures/{extra.json()['id']}/"
        place = {"patient": make.make_patient(center).pk, "chair": day_suite.chairs.first().pk, "minutes": 30}
        booked = manager.post(
            "/appointments/",
            place | {"start": "2026-11-21T10:00-05:00", "override": {"codes": ["nurses_can_cover"], "reason": "x"}},
        )
        assert booked.status_code == 201, booked.json()
        for refused in (manager.delete(path), manager.patch(path, {"end": "2026-11-21T10:15-05:00"})):
            assert (refused.status_code, refused.json()["code"]) == (409, "unit_is_open")
            assert refused.json()["refusals"][0]["facts"]["appointments"] == [booked.json()["id"]]
        assert manager.patch(path, {"end": "2026-11-21T11:00-05:00"}).status_code == 200
        manager.post(f"/appointments/{booked.json()['id']}/cancel/", {"reason": "x"})
        assert manager.delete(path).status_code == 204

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"end": TODAY["start"]}, "end"),
            ({"end": "2028-11-16T12:00-05:00"}, "end"),
            ({"reason": " "}, "reason"),
            ({"kind": "shut"}, "kind"),
            ({"kind": "open"}, "unit"),
            ({"start": None}, "start"),
        ],
    )
    def test_what_makes_no_sense_names_the_field(self, manager, day_suite, change, field):
        count = Closure.objects.count()
        response = manager.post("/closures/", TODAY | change)
        assert (response.status_code, response.json()["field"]) == (400, field)
        assert Closure.objects.count() == count

    def test_every_change_is_on_record(self, manager, day_suite):
        path = f"/closures/{manager.post('/closures/', TODAY).json()['id']}/"
        manager.patch(path, {"reason": "Pipe"})
        manager.delete(path)
        verbs = Event.objects.filter(subject="closure").order_by("pk").values_list("verb", flat=True)
        assert list(verbs) == ["add-closure", "change-closure", "remove-closure"]


class TestShifts:
    def test_a_shift_with_breaks_is_written_changed_and_removed(self, manager, center, shift, day_suite):
        other = center.nurses.create(name="Jo Ek")
        pause = {"start": "2026-11-17T12:00-05:00", "end": "2026-11-17T12:30-05:00", "covered_by": other.pk}
        made = manager.post("/shifts/", shift | {"breaks": [pause], "patients": 3})
        assert made.status_code == 201, made.json()
        assert made.json()["breaks"] == [pause]
        path = f"/shifts/{made.json()['id']}/"
        changed = manager.patch(path, {"end": "2026-11-17T14:00-05:00"}).json()
        assert (changed["end"], changed["patients"], changed["breaks"]) == ("2026-11-17T14:00-05:00", 3, [pause])
        assert manager.patch(path, {"breaks": []}).json()["breaks"] == []
        assert versions(day_suite) == {"2026-11-17": 4}
        assert manager.delete(path).status_code == 204
        assert manager.get(path).status_code == 404
        assert Event.objects.filter(subject="shift").count() == 4

    def test_a_nurse_is_in_one_place_at_a_time(self, manager, shift, night_suite):
        assert manager.post("/shifts/", shift).status_code == 201
        late = {"start": "2026-11-17T15:00-05:00", "end": "2026-11-17T22:00-05:00", "unit": "suite-24"}
        refused = manager.post("/shifts/", shift | late)
        assert (refused.status_code, refused.json()["code"]) == (409, "nurse_is_free")
        assert manager.post("/shifts/", shift | late | {"start": EARLY["end"]}).status_code == 201

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"end": EARLY["start"]}, "end"),
            ({"end": "2026-11-18T09:00-05:00"}, "end"),
            ({"patients": -1}, "patients"),
            ({"acuity": 5000}, "acuity"),
            ({"breaks": [{"start": "2026-11-17T07:00-05:00", "end": "2026-11-17T07:30-05:00"}]}, "breaks"),
            ({"breaks": [{"start": "2026-11-17T09:00-05:00"}]}, "breaks.0.end"),
        ],
    )
    def test_what_makes_no_sense_names_the_field(self, manager, shift, change, field):
        response = manager.post("/shifts/", shift | change)
        assert (response.status_code, response.json()["field"]) == (400, field)
        assert not Shift.objects.exists()

    def test_publishing_a_day_makes_its_shifts_count_and_shows_what_is_too_much(self, manager, shift, booked):
        asked = {"unit": "day", "date": "2026-11-16"}
        before = manager.get("/schedule/?unit=day&date=2026-11-16")
        published = manager.post("/shifts/publish/", asked)
        assert published.status_code == 200, published.json()
        assert published.json()["published"] is True
        assert published.json()["shifts"] == []
        assert manager.get("/schedule/?unit=day&date=2026-11-16")["ETag"] != before["ETag"]
        assert manager.get("/worklist/?kind=overload").json()["count"] == 1
        withdrawn = manager.post("/shifts/publish/", asked | {"published": False}).json()
        assert (withdrawn["published"], withdrawn["version"]) == (False, published.json()["version"] + 1)
        assert manager.get("/worklist/?kind=overload").json()["count"] == 0


WRITES = [
    ("POST", "/closures/", TODAY),
    ("PATCH", "/closures/{closure}/", {"reason": "x"}),
    ("DELETE", "/closures/{closure}/", None),
    ("POST", "/shifts/", None),
    ("PATCH", "/shifts/{shift}/", {"patients": 2}),
    ("DELETE", "/shifts/{shift}/", None),
    ("POST", "/shifts/publish/", {"unit": "day", "date": "2026-11-17"}),
]


class TestWhoMay:
    @pytest.fixture
    def there(self, center, shift, nurse, day_suite) -> dict[str, int]:
        row = nurse.shifts.create(unit=day_suite, starts_at=utc("2026-11-19T13:00"), ends_at=utc("2026-11-19T21:00"))
        return {"closure": center.closures.first().pk, "shift": row.pk}

    @pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=[f"{row[0]} {row[1]}" for row in WRITES])
    def test_only_managers_of_the_center_write(self, center, there, shift, stranger, method, path, body):
        state = lambda: (list(Closure.objects.values()), list(Shift.objects.values()))  # noqa: E731
        before = state()
        sent = shift if body is None and method == "POST" else body
        for role in (FRONT_DESK, NURSE, AUDITOR, INTEGRATION):
            response = getattr(client_of(center, role), method.lower())(path.format(**there), sent)
            assert response.status_code == 403, (role, response.content)
        if "{" in path or "day" in str(sent):
            assert getattr(stranger, method.lower())(path.format(**there), sent).status_code == 404
        assert state() == before

    @pytest.mark.parametrize("name", ["unit", "chair"])
    def test_a_strangers_closure_of_our_place_is_refused(self, stranger, day_suite, name):
        place = {"unit": day_suite.pk, "chair": day_suite.chairs.first().pk}[name]
        response = stranger.post("/closures/", TODAY | {name: place})
        assert (response.status_code, response.json()["field"]) == (404, name)

    def test_a_strangers_nurse_is_not_there(self, stranger, shift, manager):
        theirs = Nurse.objects.create(center_id=stranger.get("/centers/").json()["results"][0]["id"], name="X")
        for change in ({"nurse": theirs.pk}, {"breaks": [EARLY | {"covered_by": theirs.pk}]}):
            assert manager.post("/shifts/", shift | change).status_code == 404


def test_the_worklist_asks_the_same_questions_with_one_clash_and_with_five(manager, center, day_suite):
    from django.test.utils import CaptureQueriesContext

    counts = []
    for hour in range(5):
        start = utc("2026-11-17T14:00") + timedelta(hours=hour)
        body = {"patient": make.make_patient(center).pk, "chair": day_suite.chairs.first().pk, "minutes": 30}
        assert manager.post("/appointments/", body | {"start": start.isoformat()}).status_code == 201
        closure = {"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat(), "reason": "x"}
        assert len(manager.post("/closures/", closure).json()["affected"]) == 1
        with CaptureQueriesContext(connection) as asked:
            assert manager.get("/worklist/?kind=clash").json()["count"] == hour + 1
        counts.append(len(asked))
    assert len(set(counts)) == 1
