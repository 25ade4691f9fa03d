"""Signing in: who gets in, who is refused, and who is locked out."""

from __future__ import annotations

import logging

import pytest
from axes.models import AccessAttempt
from django.test import Client

from scheduler.models import Event, SignIn
from scheduler.services import record
from tests.web.conftest import Clinic
from tests.web.signing import PASSWORD, is_in, later, person, sign_in, verbs


def fail(user_name: str, times: int, *, client: Client | None = None, **extra: str):
    client = client or Client()
    answer = None
    for _ in range(times):
        answer = client.post("/sign-in/", {"username": user_name, "password": "wrong"}, **extra)
    return answer


def test_signing_in_is_on_record_at_her_center(clinic: Clinic):
    user = person(clinic.center)
    client = sign_in(user)
    client.post("/sign-out/")
    assert verbs(user) == ["signed-in", "signed-out"]
    assert set(Event.objects.filter(subject="user").values_list("center_id", "role")) == {(clinic.center.pk, "nurse")}


def test_who_works_at_two_centers_is_on_both_records(clinic: Clinic, stranger: Clinic):
    user = person(clinic.center)
    user.memberships.create(center=stranger.center, role="manager")
    sign_in(user)
    assert set(Event.objects.filter(verb="signed-in").values_list("center_id", flat=True)) == {
        clinic.center.pk,
        stranger.center.pk,
    }


def test_a_wrong_password_says_how_many_tries_are_left(clinic: Clinic):
    user = person(clinic.center)
    answer = fail(user.username, 1)
    assert answer.status_code == 403
    assert "do not match. 4 tries left." in answer.content.decode()
    assert verbs(user) == ["sign-in-refused"]


def test_a_name_that_nobody_has_gets_the_same_answer(clinic: Clinic):
    user = person(clinic.center)
    said = {
        fail(name, 1).content.decode().replace(name, "NAME").split("<form")[0] for name in (user.username, "nobody")
    }
    assert len(said) == 1
    assert verbs() == ["sign-in-refused"]
    assert "nobody" not in str(list(Event.objects.values()))


def test_the_fifth_wrong_password_locks_name_and_address_for_a_quarter_of_an_hour(clinic: Clinic):
    user = person(clinic.center)
    answer = fail(user.username, 5)
    assert answer.status_code == 429
    assert "Try again in 15 minutes" in answer.content.decode()
    assert answer["Retry-After"] == "900"
    with later(minutes=14, seconds=59):
        assert not is_in(sign_in(user))
    with later(minutes=15, seconds=1):
        assert is_in(sign_in(user))
    assert verbs(user)[:6] == ["sign-in-refused"] * 4 + ["locked-out", "sign-in-refused"]


def test_trying_while_locked_does_not_make_the_lock_longer(clinic: Clinic):
    user = person(clinic.center)
    fail(user.username, 5)
    with later(minutes=10):
        answer = fail(user.username, 3)
        assert "Try again in 5 minutes" in answer.content.decode()
    with later(minutes=15, seconds=1):
        assert is_in(sign_in(user))


def test_the_right_password_does_not_open_a_lock(clinic: Clinic):
    user = person(clinic.center)
    fail(user.username, 5)
    assert not is_in(sign_in(user))


def test_a_lock_keeps_no_colleague_at_the_same_address_out(clinic: Clinic):
    locked, colleague = person(clinic.center), person(clinic.center)
    fail(locked.username, 5)
    assert is_in(sign_in(colleague))


def test_a_lock_at_one_address_does_not_keep_her_out_elsewhere(clinic: Clinic):
    user = person(clinic.center)
    fail(user.username, 5)
    assert is_in(sign_in(user, client=Client(REMOTE_ADDR="192.0.2.7")))


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP"])
def test_a_spoofed_address_does_not_get_round_the_lock(clinic: Clinic, header: str):
    user = person(clinic.center)
    for number in range(5):
        fail(user.username, 1, client=Client(headers={header: f"198.51.100.{number}"}))
    answer = fail(user.username, 1, client=Client(headers={header: "198.51.100.99"}))
    assert answer.status_code == 429


def test_a_spoofed_address_locks_nobody_else_out(clinic: Clinic):
    user = person(clinic.center)
    fail(user.username, 5, client=Client(REMOTE_ADDR="203.0.113.9", headers={"X-Forwarded-For": "192.0.2.7"}))
    assert is_in(sign_in(user, client=Client(REMOTE_ADDR="192.0.2.7")))


def test_the_addresses_of_one_ipv6_customer_count_as_one(clinic: Clinic):
    user = person(clinic.center)
    for number in range(1, 6):
        fail(user.username, 1, client=Client(REMOTE_ADDR=f"2001:db8:1:2::{number}"))
    assert fail(user.username, 1, client=Client(REMOTE_ADDR="2001:db8:1:2::99")).status_code == 429
    assert is_in(sign_in(user, client=Client(REMOTE_ADDR="2001:db8:1:3::1")))


def test_signing_in_forgets_earlier_failures(clinic: Clinic):
    user = person(clinic.center)
    fail(user.username, 4)
    sign_in(user)
    assert "4 tries left" in fail(user.username, 1).content.decode()


def test_a_try_leaves_no_name_and_no_password_in_log_and_tables(clinic: Clinic, caplog):
    user = person(clinic.center)
    caplog.set_level(logging.DEBUG)
    # Others lower the level for the whole logger; what its own setting lets through is what a site logs.
    Client().post(
        "/sign-in/?next=/secret-page/", {"username": user.username, "password": "my-wrong-secret", "kept": "K1"}
    )
    sign_in(user)
    assert user.username not in caplog.text
    assert "my-wrong-secret" not in caplog.text
    rows = str(list(AccessAttempt.objects.values()) + list(Event.objects.values()) + list(SignIn.objects.values()))
    assert "my-wrong-secret" not in rows
    assert "K1" not in rows


def test_half_a_form_is_no_try(clinic: Clinic):
    user = person(clinic.center)
    assert Client().post("/sign-in/", {"username": user.username}).status_code == 403
    assert "4 tries left" in fail(user.username, 1).content.decode()


def test_a_name_with_a_null_character_is_refused(clinic: Clinic):
    assert Client().post("/sign-in/", {"username": "a\0b", "password": "x"}).status_code == 403


def test_a_disabled_user_does_not_get_in(clinic: Clinic):
    user = person(clinic.center, is_active=False)
    assert not is_in(sign_in(user))
    assert verbs(user) == ["sign-in-refused"]


def test_the_session_gets_a_new_key_when_she_signs_in(clinic: Clinic):
    client = Client()
    client.get("/sign-in/")
    client.session.save()
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    sign_in(person(clinic.center), client=client)
    assert client.session.session_key != before


def test_a_stranger_who_signs_in_gets_a_new_token_against_forged_forms(clinic: Clinic):
    client = Client(enforce_csrf_checks=True)
    client.get("/sign-in/")
    before = client.cookies["csrftoken"].value
    user = person(clinic.center)
    client.post(
        "/sign-in/",
        {"username": user.username, "password": PASSWORD, "csrfmiddlewaretoken": before},
    )
    assert client.cookies["csrftoken"].value != before


def test_a_sign_in_form_without_its_token_is_refused(clinic: Clinic):
    user = person(clinic.center)
    client = Client(enforce_csrf_checks=True)
    assert client.post("/sign-in/", {"username": user.username, "password": PASSWORD}).status_code == 403
    assert verbs(user) == []


def test_the_admin_has_no_door_of_its_own(clinic: Clinic):
    user = person(clinic.center, is_staff=True, is_superuser=True)
    answer = Client().post("/admin/login/?next=/admin/", {"username": user.username, "password": PASSWORD})
    assert answer["Location"] == "/sign-in/?next=/admin/"
    client = sign_in(user)
    assert client.get("/admin/password_change/")["Location"] == "/account/password/"
    client.post("/admin/logout/")
    assert SignIn.objects.get(user=user).why_ended == "out"


def test_an_old_session_without_a_sign_in_is_taken_over(clinic: Clinic):
    client = clinic.client("nurse")
    assert is_in(client)
    row = SignIn.objects.get()
    assert row.confirmed_at is None  # nobody saw her prove anything
    assert client.session["sign_in"] == row.pk


def test_a_stolen_number_of_somebody_elses_sign_in_is_worth_nothing(clinic: Clinic):
    theirs = sign_in(person(clinic.center))
    mine = sign_in(person(clinic.center))
    session = mine.session
    session["sign_in"] = theirs.session["sign_in"]
    session.save()
    assert not is_in(mine)
    assert is_in(theirs)


def test_a_record_that_cannot_be_written_lets_nobody_in(clinic: Clinic, monkeypatch):
    user = person(clinic.center)

    def broken(**_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(record, "event", broken)
    client = Client(raise_request_exception=False)
    assert client.post("/sign-in/", {"username": user.username, "password": PASSWORD}).status_code == 500
    monkeypatch.undo()
    assert not is_in(client)
