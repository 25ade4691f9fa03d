"""`Idempotency-Key`: one row and the same bytes, however often and however simultaneously a call is repeated."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from scheduler.domain.permissions import FRONT_DESK
from scheduler.models import Appointment, Course, IdempotencyKey, WaitlistEntry
from scheduler.services import idempotency
from scheduler.services.jobs import JOBS
from tests import factories as make
from tests.api.conftest import Client, client_of
from tests.factories import NOW
from tests.support.threads import together

KEYS = 20
TIMES = 10


def place_of(center: Any, unit: Any, **change: Any) -> dict[str, Any]:
    chair = make.make_chair(unit)
    place = {"patient": make.make_patient(center).pk, "chair": chair.pk, "start": "2026-11-17T10:00-05:00"}
    return place | {"minutes": 30} | change


def send(client: Client, path: str, body: dict[str, Any], key: str = "key-1", **headers: str) -> Any:
    return client.post(path, body, HTTP_IDEMPOTENCY_KEY=key, **headers)


@pytest.mark.django_db
class TestOneCaller:
    @pytest.fixture
    def place(self, center, day_suite) -> dict[str, Any]:
        return place_of(center, day_suite)

    def test_a_replay_gives_the_same_bytes_status_and_headers(self, desk, place):
        first = send(desk, "/appointments/", place)
        assert first.status_code == 201
        path = f"/appointments/{first.json()['id']}/"
        desk.post(f"{path}cancel/", {"reason": "Ill."})
        again = send(desk, "/appointments/", place)
        assert (again.status_code, again.content) == (201, first.content)
        assert again["ETag"] == first["ETag"] == '"1"'
        assert again["Location"] == first["Location"] == f"/api/v1{path}"
        assert again["Content-Type"] == first["Content-Type"] == "application/json"
        assert again["Cache-Control"] == "no-store"
        assert Appointment.objects.count() == 1

    def test_a_keyed_answer_says_what_an_unkeyed_one_does(self, center, day_suite, desk):
        keyed = send(desk, "/appointments/", place_of(center, day_suite)).json()
        plain = desk.post("/appointments/", place_of(center, day_suite)).json()
        assert keyed.keys() == plain.keys()

    def test_the_order_and_the_blanks_of_a_body_make_no_other_body(self, desk, place):
        first = send(desk, "/appointments/", place)
        turned = json.dumps(dict(reversed(place.items())), indent=2)
        again = desk.generic(
            "POST", "/appointments/", turned, content_type="application/json", HTTP_IDEMPOTENCY_KEY="key-1"
        )
        assert again.content == first.content

    @pytest.mark.parametrize("change", [{"minutes": 45}, {"hold": True}])
    def test_another_body_is_refused(self, desk, place, change):
        send(desk, "/appointments/", place)
        other = send(desk, "/appointments/", place | change)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert Appointment.objects.count() == 1

    def test_another_call_is_refused(self, desk, place):
        made = send(desk, "/appointments/", place).json()
        other = send(desk, f"/appointments/{made['id']}/confirm/", {})
        assert other.status_code == 422

    def test_another_principal_has_keys_of_her_own(self, center, desk, place):
        send(desk, "/appointments/", place)
        other = send(client_of(center, FRONT_DESK), "/appointments/", place)
        assert other.status_code == 409
        assert other.json()["code"] == "chair_is_free"

    def test_what_was_refused_is_not_kept(self, desk, place, day_suite):
        day_suite.chairs.filter(pk=place["chair"]).update(is_active=False)
        assert send(desk, "/appointments/", place).status_code == 409
        assert not IdempotencyKey.objects.exists()
        day_suite.chairs.filter(pk=place["chair"]).update(is_active=True)
        assert send(desk, "/appointments/", place).status_code == 201

    def test_what_was_malformed_is_not_kept(self, desk, place):
        assert send(desk, "/appointments/", place | {"minutes": "x"}).status_code == 400
        assert send(desk, "/appointments/", place).status_code == 201

    def test_what_failed_is_not_kept_and_wrote_nothing(self, desk, place, monkeypatch):
        with monkeypatch.context() as broken:
            broken.setattr("scheduler.api.replay._rendered", lambda response: 1 / 0)
            assert send(desk, "/appointments/", place).status_code == 500
        assert not Appointment.objects.exists()
        assert send(desk, "/appointments/", place).status_code == 201

    @pytest.mark.parametrize("key", ["", "   ", "x" * 256, "schl\xfcssel", "a\x7fb"])
    def test_what_can_be_no_key_is_malformed(self, desk, place, key):
        response = send(desk, "/appointments/", place, key)
        assert (response.status_code, response.json()["field"]) == (400, "Idempotency-Key")
        assert not Appointment.objects.exists()

    def test_a_key_of_255_signs_is_one(self, desk, place):
        assert send(desk, "/appointments/", place, "x" * 255).status_code == 201

    def test_a_step_is_replayed_though_its_etag_is_old_by_now(self, desk, place):
        path = f"/appointments/{desk.post('/appointments/', place).json()['id']}/"
        first = send(desk, f"{path}move/", {"start": "2026-11-17T12:00-05:00"}, HTTP_IF_MATCH='"1"')
        again = send(desk, f"{path}move/", {"start": "2026-11-17T12:00-05:00"}, HTTP_IF_MATCH='"1"')
        assert first.status_code == again.status_code == 200
        assert (again.content, again["ETag"]) == (first.content, '"2"')

    def test_courses_and_the_waitlist_are_replayed_too(self, center, day_suite, desk, booked):
        make.make_quarterly()
        patient = make.make_patient(center).pk
        course = {"patient": patient, "protocol": "eptinezumab-quarterly", "unit": "day"}
        calls = {"/courses/": course | {"start": "2026-11-30T10:00-05:00"}, "/waitlist/": {"appointment": booked["id"]}}
        for path, body in calls.items():
            first, again = send(desk, path, body, path), send(desk, path, body, path)
            assert first.status_code == 201, first.json()
            assert again.content == first.content
        assert (Course.objects.count(), WaitlistEntry.objects.count()) == (1, 1)

    def test_while_the_first_is_being_answered_the_second_is_told_so(self, desk, place, monkeypatch):
        with monkeypatch.context() as others:
            others.setattr(idempotency, "_claimed", lambda principal, key: False)
            answer = send(desk, "/appointments/", place)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_flight")
        assert answer["Retry-After"] == "1"
        assert send(desk, "/appointments/", place).status_code == 201

    def test_keys_are_forgotten_after_seven_days(self, desk, place):
        send(desk, "/appointments/", place)
        assert JOBS["purge-keys"](NOW + idempotency.KEPT_FOR) == {}
        assert JOBS["purge-keys"](NOW + idempotency.KEPT_FOR + timedelta(seconds=1)) == {"purged": 1}


class TestManyAtOnce:
    def _scene(self) -> tuple[Client, list[dict[str, Any]]]:
        center = make.make_center()
        unit = make.make_day_suite(center, nurses=60, patients=200, acuity=500)
        return client_of(center), [place_of(center, unit) for _ in range(KEYS)]

    def test_twenty_keys_replayed_ten_times_at_once_make_one_row_and_the_same_bytes_each(self, committed_db):
        client, places = self._scene()

        def ask(number: int) -> tuple[int, bytes]:
            while True:
                response = send(client, "/appointments/", places[number], f"key-{number}")
                if response.status_code != 409:
                    return response.status_code, response.content
                assert response.json()["code"] == "idempotency_key_in_flight", response.json()
                assert response["Retry-After"] == "1"

        for first in range(0, KEYS, 4):
            numbers = [number for number in range(first, first + 4) for _ in range(TIMES)]
            answers = together([lambda number=number: ask(number) for number in numbers])
            assert {status for status, _bytes in answers} == {201}
            assert len(set(answers)) == 4  # one answer for each key
        assert Appointment.objects.count() == IdempotencyKey.objects.count() == KEYS
