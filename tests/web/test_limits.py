"""Sessions end in time, at once where somebody is disabled or changed, and no half-filled form is lost over it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client

from scheduler.models import Event, Patient, SignIn
from tests.web.conftest import Clinic
from tests.web.signing import PASSWORD, is_in, later, person, sign_in, verbs

NEW_PATIENT = {
    "first_name": "Katalin",
    "last_name": "Szabó",
    "birth_date": "1980-03-31",
    "mrn": "K-77",
    "relation": "self",
    "phone": "555 0100",
}


def fields(html: str, form: int = 0) -> dict[str, str]:
    """The values of a form of the page, as a browser would send them."""
    inside = re.findall(r"<form.*?</form>", html, re.DOTALL)[form]
    found = {}
    for tag in re.findall(r"<input[^>]*>", inside):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name:
            found[unescape(name[1])] = unescape(value[1]) if value else ""
    return found


def action(html: str) -> str:
    return unescape(re.search(r'<form[^>]*action="([^"]*)"', html)[1])


@pytest.mark.parametrize(("idle", "goes_on"), [(14, True), (15, False)])
def test_after_fifteen_idle_minutes_the_session_is_over(clinic: Clinic, idle: int, goes_on: bool):
    user = person(clinic.center)
    client = sign_in(user)
    with later(minutes=idle):
        assert is_in(client) == goes_on
        if not goes_on:
            assert "signed out after 15 minutes" in client.get("/sign-in/").content.decode()
            assert verbs(user)[-1] == "session-ended"
            assert SignIn.objects.get().why_ended == "idle"


def test_who_is_at_work_stays_in(clinic: Clinic):
    client = sign_in(person(clinic.center))
    for minute in range(10, 120, 10):
        with later(minutes=minute):
            assert is_in(client)


def test_a_page_that_asks_for_news_by_itself_keeps_nobody_in(clinic: Clinic):
    client = sign_in(person(clinic.center))
    for minute in range(1, 15):
        with later(minutes=minute):
            assert (
                client.get("/board/day/2026-11-24/version/", headers={"X-Requested-With": "fetch"}).status_code == 200
            )
    with later(minutes=15):
        assert not is_in(client)


def test_after_twelve_hours_everybody_signs_in_again(clinic: Clinic):
    client = sign_in(person(clinic.center))
    for minute in range(10, 720, 10):
        with later(minutes=minute):
            assert is_in(client)
    with later(hours=12):
        assert not is_in(client)
        assert "After 12 hours" in client.get("/sign-in/").content.decode()


def test_the_limits_hold_for_the_api_too(clinic: Clinic):
    client = sign_in(person(clinic.center))
    assert client.get("/api/v1/units/").status_code == 200
    with later(minutes=15):
        assert client.get("/api/v1/units/").status_code == 401
        assert client.get("/api/v1/units/").status_code == 401


def test_a_disabled_user_is_out_at_her_next_request_and_stays_out(clinic: Clinic):
    user = person(clinic.center)
    client = sign_in(user)
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    assert not is_in(client)
    assert client.get("/api/v1/units/").status_code == 401
    assert SignIn.objects.get().why_ended == "disabled"
    get_user_model().objects.filter(pk=user.pk).update(is_active=True)
    assert not is_in(client)  # an old session doesn't come back to life


@pytest.mark.parametrize("change", ["role", "gone", "another", "staff"])
def test_a_changed_role_ends_the_session_at_the_next_request(clinic: Clinic, stranger: Clinic, change: str):
    user = person(clinic.center)
    client = sign_in(user)
    assert is_in(client)
    if change == "role":
        user.memberships.update(role="manager")
    elif change == "gone":
        user.memberships.all().delete()
    elif change == "another":
        user.memberships.create(center=stranger.center, role="nurse")
    else:
        get_user_model().objects.filter(pk=user.pk).update(is_staff=True)
    assert client.get("/patients/").status_code == 302
    assert "Your role was changed" in client.get("/sign-in/").content.decode()
    assert client.get("/api/v1/units/").status_code == 401


def test_a_request_is_judged_in_two_queries_more(clinic: Clinic, django_assert_num_queries):
    client = sign_in(person(clinic.center))
    # The session, the user, her sign-in, her memberships with their centers.
    with django_assert_num_queries(4):
        client.get("/session/")


def test_a_form_that_comes_too_late_is_sent_after_the_password(clinic: Clinic):
    user = person(clinic.center, "front-desk")
    client = sign_in(user)
    client.get("/patients/new/")
    with later(minutes=20):
        page = client.post("/patients/new/", NEW_PATIENT)
        html = page.content.decode()
        assert "What you typed is kept" in html
        assert not Patient.objects.filter(last_name="Szabó").exists()
        for typed in ("Szabó", "K-77", "555 0100"):
            assert typed not in page.request["QUERY_STRING"] + page.request["PATH_INFO"]
        asked = fields(html)
        assert asked["username"] == user.username
        resumed = client.post("/sign-in/", {**asked, "password": PASSWORD}).content.decode()
        assert action(resumed) == "/patients/new/"
        assert fields(resumed) | NEW_PATIENT == fields(resumed)
        assert client.post(action(resumed), fields(resumed)).status_code == 302
    assert Patient.objects.get(last_name="Szabó").registrations.get().mrn == "K-77"


def test_a_wrong_password_meanwhile_loses_nothing(clinic: Clinic):
    client = sign_in(person(clinic.center, "front-desk"))
    with later(minutes=20):
        asked = fields(client.post("/patients/new/", NEW_PATIENT).content.decode())
        again = client.post("/sign-in/", {**asked, "password": "wrong"})
        assert again.status_code == 403
        resumed = client.post("/sign-in/", {**fields(again.content.decode()), "password": PASSWORD}).content.decode()
        assert fields(resumed)["last_name"] == "Szabó"


def test_somebody_else_does_not_get_what_was_typed(clinic: Clinic):
    client, other = sign_in(person(clinic.center, "front-desk")), person(clinic.center, "front-desk")
    with later(minutes=20):
        asked = fields(client.post("/patients/new/", NEW_PATIENT).content.decode())
        answer = client.post("/sign-in/", {**asked, "username": other.username, "password": PASSWORD})
        assert answer.status_code == 302
        assert answer["Location"] == "/"
        assert "Szab" not in answer.content.decode()


def test_what_was_typed_cannot_be_made_up(clinic: Clinic):
    user = person(clinic.center)
    answer = Client().post(
        "/sign-in/", {"username": user.username, "password": PASSWORD, "kept": "eyJ1IjoxfQ:1vXXXX:forged"}
    )
    assert answer["Location"] == "/"


@pytest.mark.parametrize("why", ["absolute", "role"])
def test_the_form_is_kept_whatever_ended_the_session(clinic: Clinic, why: str):
    user = person(clinic.center, "front-desk")
    client = sign_in(user)
    if why == "role":
        user.memberships.update(role="manager")
    with later(hours=12 if why == "absolute" else 0):
        asked = fields(client.post("/patients/new/", NEW_PATIENT).content.decode())
        resumed = client.post("/sign-in/", {**asked, "password": PASSWORD}).content.decode()
        assert fields(resumed)["mrn"] == "K-77"


def test_the_form_is_kept_though_another_window_noticed_first(clinic: Clinic):
    client = sign_in(person(clinic.center, "front-desk"))
    with later(minutes=20):
        client.get("/patients/")  # this window is sent to the sign-in page
        html = client.post("/patients/new/", NEW_PATIENT).content.decode()
        assert "What you typed is kept" in html


def test_an_open_form_works_after_the_same_person_signed_in_again(clinic: Clinic):
    user = person(clinic.center, "front-desk")
    client = Client(enforce_csrf_checks=True)
    token = fields(client.get("/sign-in/").content.decode())["csrfmiddlewaretoken"]
    client.post("/sign-in/", {"username": user.username, "password": PASSWORD, "csrfmiddlewaretoken": token})
    form = client.get("/patients/new/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', form)[1]
    with later(minutes=20):
        html = client.get("/patients/", follow=True).content.decode()
        asked = fields(html)
        client.post("/sign-in/", {**asked, "password": PASSWORD})
        answer = client.post("/patients/new/", {**NEW_PATIENT, "csrfmiddlewaretoken": token})
        assert answer.status_code == 302
    assert Patient.objects.filter(last_name="Szabó").exists()


def test_a_forged_form_is_not_kept(clinic: Clinic):
    user = person(clinic.center, "front-desk")
    client = Client(enforce_csrf_checks=True)
    token = fields(client.get("/sign-in/").content.decode())["csrfmiddlewaretoken"]
    client.post("/sign-in/", {"username": user.username, "password": PASSWORD, "csrfmiddlewaretoken": token})
    with later(minutes=20):
        answer = client.post("/patients/new/", NEW_PATIENT)
        assert answer.status_code == 403
        assert "kept" not in answer.content.decode()


def test_the_chosen_center_is_the_same_after_signing_in_again(clinic: Clinic, stranger: Clinic):
    user = person(clinic.center)
    user.memberships.create(center=stranger.center, role="nurse")
    client = sign_in(user)
    client.post("/center/", {"center": clinic.center.pk})
    with later(minutes=20):
        client.get("/patients/")
        sign_in(user, client=client)
        assert client.session["center"] == clinic.center.pk


def test_a_password_is_never_kept(clinic: Clinic):
    client = sign_in(person(clinic.center))
    with later(minutes=20):
        posted = {"old_password": "one-secret", "new_password": "two-secret", "new_password_again": "two-secret"}
        asked = fields(client.post("/account/password/", posted).content.decode())
        resumed = fields(client.post("/sign-in/", {**asked, "password": PASSWORD}).content.decode())
        assert set(resumed) == {"csrfmiddlewaretoken"}


def test_htmx_is_sent_to_the_sign_in_page_as_a_whole(clinic: Clinic):
    client = sign_in(person(clinic.center, "front-desk"))
    with later(minutes=20):
        answer = client.get("/patients/", headers={"HX-Request": "true"})
        assert answer["HX-Redirect"] == "/sign-in/"
        answer = client.post("/patients/new/", NEW_PATIENT, headers={"HX-Request": "true"})
        assert answer["HX-Retarget"] == "body"
        assert fields(answer.content.decode())["kept"]


def test_the_page_asks_how_long_it_has(clinic: Clinic):
    client = sign_in(person(clinic.center))
    with later(minutes=5):
        assert client.get("/session/", headers={"X-Requested-With": "fetch"}).json() == {
            "left": 600,
            "is_final": False,
        }
        assert client.post("/session/", headers={"X-Requested-With": "fetch"}).json()["left"] == 900
    with later(minutes=20):
        assert client.get("/session/").json() == {"left": 0, "is_final": True}
    assert Client().get("/session/").json()["left"] == 0


def test_a_covered_page_is_opened_by_its_own_person_only(clinic: Clinic):
    user, other = person(clinic.center), person(clinic.center)
    client = sign_in(user)
    json = {"Accept": "application/json"}
    with later(minutes=20):
        client.get("/session/")
        wrong = {"username": user.username, "password": "wrong", "as": str(user.pk)}
        assert "do not match" in client.post("/sign-in/", wrong, headers=json).json()["say"]
        theirs = {"username": other.username, "password": PASSWORD, "as": str(user.pk)}
        assert "somebody else" in client.post("/sign-in/", theirs, headers=json).json()["say"]
        assert not is_in(client)
        own = {"username": user.username, "password": PASSWORD, "as": str(user.pk)}
        assert client.post("/sign-in/", own, headers=json).json() == {"done": True}
        assert is_in(client)


def test_the_cookie_goes_with_the_browser_and_no_script_reads_it(clinic: Clinic):
    cookie = sign_in(person(clinic.center)).cookies["sessionid"]
    assert cookie["max-age"] == ""
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_old_sign_ins_and_sessions_are_swept_when_somebody_signs_in(clinic: Clinic):
    user = person(clinic.center)
    sign_in(user)
    with later(days=31):
        client = sign_in(user)
        assert SignIn.objects.filter(user=user).count() == 1
        assert Session.objects.count() == 1
        assert is_in(client)


def test_ending_a_session_is_noted_once(clinic: Clinic):
    user = person(clinic.center)
    client = sign_in(user)
    with later(minutes=20):
        client.get("/patients/")
        client.get("/patients/")
    assert Event.objects.filter(verb="session-ended").count() == 1
