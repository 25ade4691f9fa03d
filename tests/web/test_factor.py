"""The second factor through HTTP: set up, asked for, replayed, guessed, recovered, required."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from scheduler.domain.permissions import Actor
from scheduler.models import Patient, RecoveryCode, SignIn
from scheduler.services import second_factor
from tests import factories as make
from tests.web.conftest import NOW, Clinic
from tests.web.signing import KEY, PASSWORD, code, is_in, later, person, sign_in, verbs, with_factor
from tests.web.test_limits import NEW_PATIENT, action, fields


def answer_code(client: Client, text: str, **post: str):
    return client.post("/sign-in/code/", {"otp": text, **post})


def manager_of(clinic: Clinic) -> Actor:
    return make.make_actor(clinic.center)


def require(clinic: Clinic, *roles: str) -> None:
    second_factor.require_second_factor(actor=manager_of(clinic), center=clinic.center, roles=roles, now=NOW)


def shown_key(html: str) -> str:
    text = re.search(r'class="key-text">([^<]*)<', html)[1].replace(" ", "")
    from base64 import b32decode

    return b32decode(text).hex()


def test_setting_it_up_shows_a_picture_made_here_and_ten_codes_once(clinic: Clinic):
    user = person(clinic.center)
    client = sign_in(user)
    page = client.get("/account/second-factor/")
    html = page.content.decode()
    assert "<svg" in re.search(r'class="qr-box".*?</div>', html, re.DOTALL)[0]
    assert "otpauth://totp/" in html
    answer = client.post("/account/second-factor/", {"do": "set-up", "otp": code(key=shown_key(html))})
    codes = re.findall(r"<li>([a-z0-9-]{14})</li>", answer.content.decode())
    assert len(set(codes)) == 10
    assert "no-store" in answer["Cache-Control"]
    again = client.get("/account/second-factor/").content.decode()
    assert not any(each in again for each in codes)
    assert verbs(user)[-1] == "second-factor-on"


def test_the_codes_are_kept_as_slow_salted_hashes(clinic: Clinic):
    codes = with_factor(person(clinic.center))
    for row in RecoveryCode.objects.all():
        assert row.digest.startswith("pbkdf2_sha256$")
        assert not any(each.replace("-", "") in row.digest for each in codes)


def test_a_wrong_code_sets_nothing_up_and_the_key_stays(clinic: Clinic):
    user = person(clinic.center)
    client = sign_in(user)
    key = shown_key(client.get("/account/second-factor/").content.decode())
    answer = client.post("/account/second-factor/", {"do": "set-up", "otp": "000000"})
    assert answer.status_code == 403
    assert shown_key(answer.content.decode()) == key
    assert not second_factor.has(user)


def test_with_a_second_factor_the_password_alone_opens_nothing(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    client = sign_in(user)
    assert not is_in(client)
    assert client.get("/api/v1/units/").status_code == 401
    assert answer_code(client, code()).status_code == 302
    assert is_in(client)
    assert SignIn.objects.get().second_factor


def test_a_code_counts_once(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    once = code()
    assert answer_code(sign_in(user), once).status_code == 302
    thief = sign_in(user)
    answer = answer_code(thief, once)
    assert answer.status_code == 403
    assert "used before" in answer.content.decode()
    assert not is_in(thief)
    assert verbs(user)[-1] == "second-factor-refused"


def test_an_older_code_than_the_last_one_counts_no_more(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    answer_code(sign_in(user), code())
    assert answer_code(sign_in(user), code(-1)).status_code == 403


def test_the_code_that_set_it_up_does_not_sign_in(clinic: Clinic):
    user = person(clinic.center)
    client = sign_in(user)
    key = shown_key(client.get("/account/second-factor/").content.decode())
    client.post("/account/second-factor/", {"do": "set-up", "otp": code(key=key)})
    assert answer_code(sign_in(user), code(key=key)).status_code == 403


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_wrong_by_one_step(clinic: Clinic, steps: int, good: bool):
    user = person(clinic.center)
    with_factor(user)
    TOTPDevice.objects.update(last_t=-1)
    assert (answer_code(sign_in(user), code(steps)).status_code == 302) == good


def test_guessing_slows_down_and_a_right_code_in_between_does_not_count(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    client = sign_in(user)
    wrong = "000000" if code() != "000000" else "111111"
    answer_code(client, wrong)
    answer = answer_code(client, code())
    assert "The next one is in" in answer.content.decode()
    assert not is_in(client)
    with later(seconds=2):
        assert answer_code(client, code()).status_code == 302


def test_a_guesser_shuts_her_out_for_minutes_at_most(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    wrong = "000000" if code() != "000000" else "111111"
    for step in range(20):
        with later(minutes=5 * step):
            assert not second_factor.verify(user=user, code=wrong, now=NOW).ok
    with later(minutes=100):
        assert answer_code(sign_in(user), code()).status_code == 302


@pytest.mark.parametrize("wrong", ["", "12345", "1234567", "abcdef", "１２３４５６", "+12345", "0x1234", "a" * 5000])
def test_what_is_no_code_is_refused(clinic: Clinic, wrong: str):
    user = person(clinic.center)
    with_factor(user)
    assert answer_code(sign_in(user), wrong).status_code == 403


def test_a_recovery_code_works_once(clinic: Clinic):
    user = person(clinic.center)
    codes = with_factor(user)
    client = sign_in(user)
    assert answer_code(client, f" {codes[3].upper()} ").status_code == 302
    assert is_in(client)
    assert "recovery-code-used" in verbs(user)
    assert answer_code(sign_in(user), codes[3]).status_code == 403
    with later(seconds=2):
        assert answer_code(sign_in(user), codes[4]).status_code == 302


def test_new_codes_end_the_old_ones(clinic: Clinic):
    user = person(clinic.center)
    old = with_factor(user)
    client = sign_in(user)
    answer_code(client, code())
    html = client.post("/account/second-factor/", {"do": "codes"}).content.decode()
    new = re.findall(r"<li>([a-z0-9-]{14})</li>", html)
    assert answer_code(sign_in(user), old[0]).status_code == 403
    with later(seconds=2):
        assert answer_code(sign_in(user), new[0]).status_code == 302


def test_the_second_step_waits_five_minutes(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    client = sign_in(user)
    with later(minutes=6):
        answer = answer_code(client, code())
        assert "Start again with your password" in answer.content.decode()
        assert not is_in(client)


def test_a_new_password_between_the_steps_stops_the_second(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    client = sign_in(user)
    user.set_password("something else")
    user.save()
    answer_code(client, code())
    assert not is_in(client)


def test_the_second_step_is_nothing_without_the_first(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    client = Client()
    answer_code(client, code())
    assert not is_in(client)


def test_a_kept_form_goes_through_both_steps(clinic: Clinic):
    user = person(clinic.center, "front-desk")
    with_factor(user)
    client = sign_in(user)
    answer_code(client, code())
    with later(minutes=20):
        asked = fields(client.post("/patients/new/", NEW_PATIENT).content.decode())
        step = client.post("/sign-in/", {**asked, "password": PASSWORD}).content.decode()
        resumed = client.post(action(step), {**fields(step), "otp": code()}).content.decode()
        assert client.post(action(resumed), fields(resumed)).status_code == 302
    assert Patient.objects.filter(last_name="Szabó").exists()


def test_a_covered_page_asks_for_the_code_too(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    json = {"Accept": "application/json"}
    client = Client()
    own = {"username": user.username, "password": PASSWORD, "as": str(user.pk)}
    assert client.post("/sign-in/", own, headers=json).json() == {"next": "code"}
    assert "does not match" in client.post("/sign-in/code/", {"otp": "1"}, headers=json).json()["say"]
    with later(seconds=2):
        assert client.post("/sign-in/code/", {"otp": code()}, headers=json).json() == {"done": True}


@pytest.mark.parametrize("path", ["/patients/", "/account/", "/board/day/2026-11-24/", "/admin/"])
def test_a_role_that_needs_one_sets_it_up_before_anything_else(clinic: Clinic, path: str):
    require(clinic, "nurse")
    client = sign_in(person(clinic.center, "nurse", is_staff=True))
    assert client.get(path)["Location"].startswith("/account/second-factor/?next=")
    assert client.get("/api/v1/units/").status_code == 401
    html = client.get("/account/second-factor/").content.decode()
    client.post("/account/second-factor/", {"do": "set-up", "otp": code(key=shown_key(html))})
    assert client.get("/patients/").status_code == 200
    assert client.get("/api/v1/units/").status_code == 200


def test_other_roles_go_on_as_before(clinic: Clinic):
    require(clinic, "manager")
    assert is_in(sign_in(person(clinic.center, "nurse")))


def test_a_role_elsewhere_that_needs_one_counts_everywhere(clinic: Clinic, stranger: Clinic):
    require(clinic, "manager")
    user = person(stranger.center, "nurse")
    user.memberships.create(center=clinic.center, role="manager")
    assert sign_in(user).get("/patients/").status_code == 302


def test_a_form_sent_when_the_rule_came_is_sent_after_setting_up(clinic: Clinic):
    client = sign_in(person(clinic.center, "front-desk"))
    require(clinic, "front-desk")
    html = client.post("/patients/new/", NEW_PATIENT).content.decode()
    assert not Patient.objects.filter(last_name="Szabó").exists()
    form = next(found for number in range(9) if "do" in (found := fields(html, number)))
    answer = client.post("/account/second-factor/", {**form, "otp": code(key=shown_key(html))}).content.decode()
    form = next(found for number in range(9) if "mrn" in (found := fields(answer, number)))
    assert client.post("/patients/new/", form).status_code == 302
    assert Patient.objects.filter(last_name="Szabó").exists()


def test_a_session_without_the_factor_she_has_begins_again_when_the_rule_comes(clinic: Clinic):
    user = person(clinic.center)
    client = Client()
    client.force_login(user)
    assert is_in(client)
    with_factor(user)
    require(clinic, "nurse")
    assert client.get("/patients/")["Location"].startswith("/sign-in/")
    assert "This needs your second factor" in client.get("/sign-in/").content.decode()


def test_where_the_role_needs_it_nobody_takes_her_own_away(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    require(clinic, "nurse")
    client = sign_in(user)
    answer_code(client, code())
    answer = client.post("/account/second-factor/", {"do": "remove"})
    assert answer.status_code == 403
    assert second_factor.has(user)


def test_taking_it_away_takes_the_codes_too(clinic: Clinic):
    user = person(clinic.center)
    with_factor(user)
    client = sign_in(user)
    answer_code(client, code())
    client.post("/account/second-factor/", {"do": "remove"})
    assert not second_factor.has(user)
    assert not RecoveryCode.objects.filter(user=user).exists()
    assert verbs(user)[-1] == "second-factor-off"
    assert is_in(sign_in(user))


@pytest.mark.parametrize("do", ["set-up", "codes", "remove"])
def test_what_guards_the_account_asks_again_who_she_is(clinic: Clinic, do: str):
    user = person(clinic.center)
    with_factor(user)
    client = sign_in(user)
    answer_code(client, code())
    with later(minutes=11):
        html = client.post("/account/second-factor/", {"do": do, "otp": code()}).content.decode()
        assert "asks once more who you are" in html
        assert second_factor.has(user)
        assert RecoveryCode.objects.filter(user=user).count() == 10
        asked = next(found for number in range(9) if "next" in (found := fields(html, number)))
        wrong = client.post("/sign-in/again/", {**asked, "password": "wrong", "otp": code()})
        assert wrong.status_code == 403
        no_code = client.post("/sign-in/again/", {**asked, "password": PASSWORD, "otp": "000000"})
        assert no_code.status_code == 403
    with later(minutes=11, seconds=5):
        resumed = client.post("/sign-in/again/", {**asked, "password": PASSWORD, "otp": code()}).content.decode()
        assert fields(resumed)["do"] == do
    assert "confirmed" in verbs(user)


def test_guessing_at_an_open_desk_is_locked_out_too(clinic: Clinic):
    user = person(clinic.center)
    client = sign_in(user)
    with later(minutes=11):
        for _ in range(5):
            answer = client.post("/sign-in/again/", {"password": "wrong"})
        assert answer.status_code == 429
        assert not is_in(sign_in(user))


def test_setting_it_up_ends_her_other_sessions(clinic: Clinic):
    user = person(clinic.center)
    here, elsewhere = sign_in(user), sign_in(user)
    key = shown_key(here.get("/account/second-factor/").content.decode())
    here.post("/account/second-factor/", {"do": "set-up", "otp": code(key=key)})
    assert is_in(here)
    assert not is_in(elsewhere)


def test_the_admin_shows_nobodys_key(clinic: Clinic):
    user = person(clinic.center, is_staff=True, is_superuser=True)
    with_factor(user)
    client = sign_in(user)
    answer_code(client, code())
    pk = TOTPDevice.objects.get().pk
    for path in (f"/admin/otp_totp/totpdevice/{pk}/change/", f"/admin/otp_totp/totpdevice/{pk}/config/"):
        html = unescape(client.get(path).content.decode())
        assert KEY not in html
