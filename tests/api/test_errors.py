"""Everything that goes wrong is problem+json with one plain sentence, a clear 4xx, and nothing written."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError

from scheduler import models
from scheduler.domain.errors import Busy, Unavailable
from scheduler.services import booking
from tests import factories as make
from tests.api.conftest import Client

pytestmark = pytest.mark.django_db

HUGE = 10**30
WRITTEN = (models.Appointment, models.Course, models.Visit, models.Event, models.Occupancy, models.Patient)


def is_problem(response: Any, status: int) -> dict[str, Any]:
    body = response.json()
    assert response.status_code == status, body
    assert response["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail", "refusals", "alternatives"} <= set(body)
    assert body["status"] == status
    assert body["detail"]
    return body


@pytest.fixture
def nothing_written():
    """Counts before and after; call it when everything the test needs stands."""

    def counts() -> list[int]:
        return [model.objects.count() for model in WRITTEN]

    return counts


@pytest.fixture
def place(center, day_suite) -> dict[str, Any]:
    return {
        "patient": make.make_patient(center).pk,
        "chair": day_suite.chairs.first().pk,
        "start": "2026-11-17T10:00-05:00",
        "minutes": 30,
    }


@pytest.fixture
def course(center, day_suite) -> dict[str, Any]:
    make.make_quarterly()
    return {
        "patient": make.make_patient(center).pk,
        "protocol": "eptinezumab-quarterly",
        "unit": "day",
        "start": "2026-11-30T10:00-05:00",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start": "2026-11-17T10:00"}, "start"),
        ({"start": "2026-11-17T10:00:30-05:00"}, "start"),
        ({"start": "2026-11-17T10:00 America/Nowhere"}, "start"),
        ({"start": "2026-11-17T10:00[Mars/Base]"}, "start"),
        ({"start": "2027-02-29T10:00-05:00"}, "start"),
        ({"start": "2026-11-17T25:00-05:00"}, "start"),
        ({"start": "2026-11-17T10:00+99:00"}, "start"),
        ({"start": "0001-01-01T00:00+14:00"}, "start"),
        ({"start": "9999-12-31T23:59-14:00"}, "start"),
        ({"start": "2029-12-31T10:00-05:00"}, "start"),
        ({"start": "2026-11-15T10:00-05:00"}, "start"),
        ({"start": "tomorrow"}, "start"),
        ({"start": 1795000000}, "start"),
        ({"start": None}, "start"),
        ({"start": ["2026-11-17T10:00-05:00"]}, "start"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": -30}, "minutes"),
        ({"minutes": 721}, "minutes"),
        ({"minutes": HUGE}, "minutes"),
        ({"minutes": 30.5}, "minutes"),
        ({"minutes": "30"}, "minutes"),
        ({"minutes": True}, "minutes"),
        ({"minutes": None}, "minutes"),
        ({"chair": "first"}, "chair"),
        ({"chair": HUGE}, "chair"),
        ({"chair": -1}, "chair"),
        ({"chair": True}, "chair"),
        ({"chair": 1.0}, "chair"),
        ({"chair": {"id": 1}}, "chair"),
        ({"patient": None}, "patient"),
        ({"protocol": {}}, "protocol"),
        ({"protocol": "no such code!"}, "protocol"),
        ({"hold": "yes"}, "hold"),
        ({"override": "please"}, "override"),
        ({"override": {"codes": [], "reason": "x"}}, "override.codes"),
        ({"override": {"codes": ["window_is_kept"], "reason": " "}}, "override.reason"),
        ({"override": {"codes": ["chair_is_free"], "reason": "x"}}, "override"),
        ({"override": {"codes": ["window_is_kept"]}}, "override.reason"),
        ({"override": {"codes": ["window_is_kept"], "reason": "x", "by": "me"}}, "override.by"),
        ({"star": "2026-11-17T10:00-05:00"}, "star"),
        ({"\ud800": 1}, "\\ud800"),
    ],
)
def test_a_booking_that_makes_no_sense_names_the_field(desk, place, nothing_written, change, field):
    before = nothing_written()
    problem = is_problem(desk.post("/appointments/", place | change), 400)
    assert (problem["code"], problem["field"]) == ("malformed", field)
    assert nothing_written() == before


@pytest.mark.parametrize("name", ["patient", "chair", "start", "minutes"])
def test_what_a_booking_lacks_is_named(desk, place, name):
    place.pop(name)
    assert is_problem(desk.post("/appointments/", place), 400)["field"] == name


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"doses": 0}, "doses"),
        ({"doses": -1}, "doses"),
        ({"doses": 1000}, "doses"),
        ({"doses": HUGE}, "doses"),
        ({"doses": "4"}, "doses"),
        ({"doses": 4, "days": 3}, "days"),
        ({"days": 99}, "days"),
        ({"start": "2026-11-30T10:00"}, "start"),
        ({"start": "2026-11-15T10:00-05:00"}, "start"),
        ({"start": "2027-02-29T10:00-05:00"}, "start"),
        ({"preferred_time": "25:00"}, "preferred_time"),
        ({"preferred_time": "10:00:00"}, "preferred_time"),
        ({"preferred_time": 600}, "preferred_time"),
        ({"preferred_part": "noon"}, "preferred_part"),
        ({"preferred_weekdays": [7]}, "preferred_weekdays"),
        ({"preferred_weekdays": ["mon"]}, "preferred_weekdays.0"),
        ({"preferred_weekdays": 1}, "preferred_weekdays"),
        ({"dose_mg": 0}, "dose_mg"),
        ({"dose_mg": "much"}, "dose_mg"),
        ({"dose_mg": 10**12}, "dose_mg"),
        ({"dose_mg": 1.00001}, "dose_mg"),
        ({"order": {"from": "2027-05-01", "until": "2027-04-01"}}, "order"),
        ({"order": {"from": "2027-02-29"}}, "order.from"),
        ({"order": {"from": "0001-01-01"}}, "order.from"),
        ({"order": {"until": "9999-12-31"}}, "order.until"),
        ({"order": {"form": "2027-03-01"}}, "order.form"),
        ({"authorization": {"visits": 0}}, "authorization.visits"),
        ({"attestation": {"prescriber": "Dr. Osei"}}, "attestation.at"),
        ({"placements": [{"ordinal": 1, "chair": 1}]}, "placements.0.start"),
        ({"placements": {}}, "placements"),
        ({"indication": "\x00"}, "indication"),
        ({"indication": "x" * 121}, "indication"),
        ({"open_ended": "yes"}, "open_ended"),
        ({"dosses": 4}, "dosses"),
        ({"unit": None}, "unit"),
        ({"unit": ""}, "unit"),
    ],
)
def test_a_course_that_makes_no_sense_names_the_field(desk, course, nothing_written, change, field):
    before = nothing_written()
    problem = is_problem(desk.post("/courses/", course | change), 400)
    assert (problem["code"], problem["field"]) == ("malformed", field)
    assert nothing_written() == before


def test_an_ordinal_or_a_chair_that_is_placed_twice_is_refused(desk, course, day_suite):
    chair = day_suite.chairs.first().pk
    place = {"ordinal": 1, "chair": chair, "start": "2026-11-30T10:00-05:00"}
    assert is_problem(desk.post("/courses/", course | {"placements": [place, place]}), 400)["field"] == "placements"
    other = {"ordinal": 9, "chair": chair, "start": "2026-12-30T10:00-05:00"}
    assert is_problem(desk.post("/courses/", course | {"placements": [other]}), 400)["field"] == "placements"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"birth_date": "2030-01-01"}, "birth_date"),
        ({"birth_date": "1985-02-29"}, "birth_date"),
        ({"birth_date": "0001-01-01"}, "birth_date"),
        ({"birth_date": 19850314}, "birth_date"),
        ({"last_name": ""}, "last_name"),
        ({"last_name": "\ud800"}, "last_name"),
        ({"last_name": "a\x00b"}, "last_name"),
        ({"last_name": "x" * 201}, "last_name"),
        ({"last_name": 7}, "last_name"),
        ({"mrn": 77}, "mrn"),
        ({"mrn": " "}, "mrn"),
        ({"contacts": [{"email": "nobody"}]}, "email"),
        ({"contacts": [{"e_mail": "a@example.org"}]}, "contacts.0.e_mail"),
        ({"contacts": "a@example.org"}, "contacts"),
        ({"contacts": [{"may_book": "no"}]}, "contacts.0.may_book"),
        ({"ssn": "1"}, "ssn"),
    ],
)
def test_a_patient_that_makes_no_sense_names_the_field(desk, nothing_written, change, field):
    body = {"mrn": "M-1", "first_name": "Ana", "last_name": "Rivera", "birth_date": "1985-03-14"}
    before = nothing_written()
    assert is_problem(desk.post("/patients/", body | change), 400)["field"] == field
    assert nothing_written() == before


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"minutes": NaN}',
        b'{"minutes": 1, "minutes": 2}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"minutes": ' + b"9" * 10_000 + b"}",
        b"nothing",
    ],
)
def test_a_body_that_is_no_json_is_malformed(desk, raw):
    problem = is_problem(desk.generic("POST", "/appointments/", raw, content_type="application/json"), 400)
    assert problem["code"] == "malformed"


@pytest.mark.parametrize("raw", [b"[]", b'"text"', b"7", b"null", b"true"])
def test_a_body_that_is_no_object_is_malformed(desk, raw):
    is_problem(desk.generic("POST", "/appointments/", raw, content_type="application/json"), 400)


def test_a_huge_body_is_too_large(desk):
    raw = b'{"query": "' + b"a" * 2_000_000 + b'"}'
    is_problem(desk.generic("POST", "/patients/search/", raw, content_type="application/json"), 413)


def test_a_chunked_body_without_a_length_is_not_taken_for_an_empty_one(desk, booked):
    response = desk.post(f"/appointments/{booked['id']}/confirm/", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")
    is_problem(response, 411)


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/appointments/", {"date": "2026-02-29"}, "date"),
        ("/appointments/", {"date": "16.11.2026"}, "date"),
        ("/appointments/", {"date": "9999-12-31"}, "date"),
        ("/appointments/", {"status": "there"}, "status"),
        ("/appointments/", {"status": "booked,there"}, "status"),
        ("/appointments/", {"chair": "x"}, "chair"),
        ("/appointments/", {"chairs": "1"}, "chairs"),
        ("/appointments/", {"last_name": "Rivera"}, "last_name"),
        ("/appointments/", {"date": ["2026-11-16", "2026-11-17"]}, "date"),
        ("/schedule/", {"date": "2026-11-16"}, "unit"),
        ("/schedule/", {"date": "now", "unit": "day"}, "date"),
        ("/worklist/", {"kind": "fun"}, "kind"),
        ("/reminders/", {"appointment": "x"}, "appointment"),
        ("/units/", {"name": "Day"}, "name"),
        ("/shifts/", {"date": "x"}, "date"),
    ],
)
def test_a_query_that_makes_no_sense_names_the_parameter(desk, day_suite, path, query, field):
    assert is_problem(desk.get(path, query), 400)["field"] == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": "2026-11-17T07:00-05:00"}, "to"),
        ({"to": "2027-11-17T07:00-05:00"}, "to"),
        ({"from": "2020-11-17T07:00-05:00", "to": "2020-11-18T07:00-05:00"}, "to"),
        ({"limit": 0}, "limit"),
        ({"limit": 100_000}, "limit"),
        ({"minutes": None}, "minutes"),
        ({"protocol": "eptinezumab-quarterly"}, "minutes"),
        ({"from": "2026-11-17T08:00"}, "from"),
    ],
)
def test_a_search_that_makes_no_sense_names_the_field(desk, day_suite, change, field):
    make.make_quarterly()
    body = {"minutes": 30, "from": "2026-11-17T08:00-05:00", "to": "2026-11-17T18:00-05:00"}
    assert is_problem(desk.post("/slots/search/", body | change), 400)["field"] == field


@pytest.mark.parametrize(
    ("step", "body", "field"),
    [
        ("move", {}, "start"),
        ("move", {"start": "2026-11-17T12:00"}, "start"),
        ("move", {"accept_following": "yes", "start": "2026-11-17T12:00-05:00"}, "accept_following"),
        ("cancel", {}, "reason"),
        ("cancel", {"reason": " "}, "reason"),
        ("arrive", {"at": "2026-11-16T10:00-05:00"}, "at"),
        ("start", {"actual_start": "2026-11-17T10:00-05:00"}, "actual_start"),
        ("complete", {"outcome": "great"}, "outcome"),
        ("complete", {"outcome": "not-given"}, "reason"),
        ("phase", {"phase": "dancing"}, "phase"),
        ("phase", {}, "phase"),
    ],
)
def test_a_step_that_makes_no_sense_names_the_field(manager, booked, nothing_written, step, body, field):
    before = nothing_written()
    assert is_problem(manager.post(f"/appointments/{booked['id']}/{step}/", body), 400)["field"] == field
    assert nothing_written() == before


def test_it_cannot_end_before_it_began(manager, booked):
    times = {"actual_start": "2026-11-16T10:00-05:00", "actual_end": "2026-11-16T09:00-05:00"}
    assert is_problem(manager.post(f"/appointments/{booked['id']}/complete/", times), 400)["field"] == "actual_end"


def test_a_refusal_has_codes_facts_sentences_and_the_nearest_places(desk, booked):
    again = {"patient": booked["patient"], "chair": booked["chair"], "start": booked["start"], "minutes": 30}
    problem = is_problem(desk.post("/appointments/", again), 409)
    codes = [refusal["code"] for refusal in problem["refusals"]]
    assert {"chair_is_free", "patient_is_free"} <= set(codes)
    assert problem["code"] == codes[0]
    assert all(refusal["detail"] and refusal["hard"] for refusal in problem["refusals"])
    assert problem["alternatives"][0]["start"].endswith("-05:00")


def test_a_closed_unit_and_a_chair_out_of_service_are_refused(desk, day_suite, place):
    problem = is_problem(desk.post("/appointments/", place | {"start": "2026-11-21T10:00-05:00"}), 409)
    assert problem["code"] == "unit_is_open"
    day_suite.chairs.filter(pk=place["chair"]).update(is_active=False)
    problem = is_problem(desk.post("/appointments/", place), 409)
    assert problem["code"] == "chair_is_suitable"


class TestWithoutRights:
    def test_nobody_is_not_authenticated(self, db):
        response = Client().get("/appointments/")
        assert is_problem(response, 401)["code"] == "not_authenticated"
        assert response["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YTpi", "Bearer \xe9"])
    def test_an_unknown_key_is_not_authenticated(self, db, header):
        is_problem(Client().get("/appointments/", HTTP_AUTHORIZATION=header), 401)

    def test_a_revoked_key_is_not_authenticated(self, desk):
        models.ApiKey.objects.update(revoked_at=make.NOW)
        is_problem(desk.get("/appointments/"), 401)

    def test_somebody_signed_in_works_at_her_center_with_the_csrf_token(self, center, day_suite, place):
        client = Client(enforce_csrf_checks=True)
        client.force_login(make.make_user(center))
        assert client.get("/units/").json()["results"][0]["id"] == day_suite.pk
        assert is_problem(client.post("/appointments/", place), 403)["code"] == "forbidden"
        client.cookies["csrftoken"] = "a" * 32
        made = client.post("/appointments/", place, HTTP_X_CSRFTOKEN="a" * 32)
        assert made.status_code == 201, made.json()

    def test_somebody_without_a_center_is_forbidden(self, db):
        client = Client()
        client.force_login(get_user_model().objects.create_user("nobody"))
        is_problem(client.get("/units/"), 403)


class TestOfTheProtocol:
    def test_methods_there_are_not(self, desk):
        response = desk.delete("/patients/1/")
        assert is_problem(response, 405)["code"] == "method_not_allowed"
        assert "PATCH" in response["Allow"]
        is_problem(desk.get("/courses/"), 405)
        is_problem(desk.options("/patients/"), 405)

    def test_only_json_comes_out(self, desk):
        is_problem(desk.get("/units/", HTTP_ACCEPT="text/html"), 406)

    def test_only_json_goes_in(self, desk):
        is_problem(desk.post("/patients/", {"mrn": "1"}, format="multipart"), 415)

    @pytest.mark.parametrize("path", ["/", "/patient/", "/appointments/x/", "/appointments/1/fly/", "/units"])
    def test_addresses_there_are_not(self, db, path):
        is_problem(Client().get(path), 404)
        is_problem(Client().post(path), 404)

    @pytest.mark.parametrize("error", [Busy(), OperationalError("database is locked")])
    def test_busy_says_when_to_come_back(self, desk, place, monkeypatch, error):
        monkeypatch.setattr(booking, "book", _raising(error))
        response = desk.post("/appointments/", place)
        assert is_problem(response, 503)["code"] == "busy"
        assert response["Retry-After"] == "2"

    @pytest.mark.parametrize("inside", [Unavailable(), None])
    def test_a_database_that_went_away_never_says_that_nothing_was_written(self, desk, place, monkeypatch, inside):
        """It may have committed before it went."""
        lost = OperationalError("server closed the connection")
        lost.__cause__ = psycopg.OperationalError("server closed the connection")
        monkeypatch.setattr(booking, "book", _raising(inside or lost))
        response = desk.post("/appointments/", place)
        problem = is_problem(response, 503)
        assert problem["code"] == "unavailable"
        assert "Nothing was written" not in problem["detail"]
        assert response["Retry-After"] == "2"

    def test_a_failure_tells_nothing_and_its_words_are_not_logged(self, desk, place, monkeypatch, caplog):
        monkeypatch.setattr(booking, "book", _raising(RuntimeError("Ana Rivera, born 1985")))
        response = desk.post("/appointments/", place)
        problem = is_problem(response, 500)
        assert "Rivera" not in str(problem) + caplog.text
        assert "RuntimeError" in caplog.text

    def test_nothing_is_kept_by_a_browser_or_a_proxy(self, desk, booked):
        for response in (desk.get("/units/"), desk.get("/units/9/"), desk.get(f"/appointments/{booked['id']}/")):
            assert response["Cache-Control"] == "no-store"

    def test_throttled_says_when_to_come_back(self, desk, monkeypatch):
        from rest_framework.exceptions import Throttled

        from scheduler.api.setup import Units

        monkeypatch.setattr(Units, "rows", _raising(Throttled(wait=30)))
        response = desk.get("/units/")
        assert is_problem(response, 429)["code"] == "throttled"
        assert response["Retry-After"] == "30"


def _raising(error: Exception) -> Any:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    return fail
