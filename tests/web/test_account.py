"""One's own account: where one is signed in, and a new password."""

from __future__ import annotations

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scheduler.models import AccountMail, SignIn
from tests.web.conftest import Clinic
from tests.web.signing import PASSWORD, is_in, later, person, sign_in, verbs

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1"
NEW = "lantern orbit walnut 7"


def browser(line: str, address: str = "192.0.2.7") -> Client:
    return Client(headers={"User-Agent": line}, REMOTE_ADDR=address)


def change(client: Client, new: str = NEW, *, old: str = PASSWORD, again: str | None = None):
    posted = {"old_password": old, "new_password": new, "new_password_again": new if again is None else again}
    return client.post("/account/password/", posted)


def test_my_sessions_say_where_when_and_which_is_this(clinic: Clinic):
    user = person(clinic.center)
    sign_in(user, client=browser(IPHONE, "198.51.100.3"))
    with later(minutes=5):
        here = sign_in(user, client=browser(FIREFOX))
        html = here.get("/account/").content.decode()
    first, second = html.split('<li class="session">')[1:]
    assert "Firefox on Windows" in first
    assert "This one" in first
    assert "192.0.2.7" in first
    assert "Safari on iPhone" in second
    assert "198.51.100.3" in second
    assert "since Tue 24 Nov, 10:42. Last seen: Today 10:42" in second
    assert "This one" not in second


def test_sessions_that_ran_out_are_not_listed(clinic: Clinic):
    user = person(clinic.center)
    sign_in(user)
    with later(minutes=20):
        html = sign_in(user).get("/account/").content.decode()
        assert html.count('<li class="session">') == 1


def test_ending_one_ends_that_one_at_its_next_request(clinic: Clinic):
    user = person(clinic.center)
    here, stolen, third = sign_in(user), sign_in(user), sign_in(user)
    here.post(f"/account/sessions/{stolen.session['sign_in']}/end/")
    assert not is_in(stolen)
    assert "ended from another one" in stolen.get("/sign-in/").content.decode()
    assert is_in(here)
    assert is_in(third)


def test_ending_all_others_keeps_this_one(clinic: Clinic):
    user = person(clinic.center)
    here, second, third = sign_in(user), sign_in(user), sign_in(user)
    colleague = sign_in(person(clinic.center))
    here.post("/account/sessions/end-others/")
    assert [is_in(client) for client in (here, second, third, colleague)] == [True, False, False, True]


def test_somebody_elses_session_is_not_there(clinic: Clinic):
    theirs = sign_in(person(clinic.center))
    mine = sign_in(person(clinic.center))
    answer = mine.post(f"/account/sessions/{theirs.session['sign_in']}/end/")
    assert answer.status_code == 404
    assert is_in(theirs)
    assert "sessions/" in mine.get("/account/").content.decode() or SignIn.objects.count() == 2


def test_the_number_of_queries_does_not_grow_with_the_sessions(clinic: Clinic, django_assert_num_queries):
    user = person(clinic.center)
    here = sign_in(user)
    here.get("/account/")  # the worklist's number is kept for some seconds
    with CaptureQueriesContext(connection) as few:
        here.get("/account/")
    seen = len(few)  # counted now: the next request empties the log
    for _ in range(8):
        sign_in(user)
    with django_assert_num_queries(seen):
        here.get("/account/")


def test_a_new_password_ends_every_other_session_and_keeps_this_one(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org")
    here, elsewhere = sign_in(user), sign_in(user)
    assert change(here).status_code == 302
    assert is_in(here)
    assert not is_in(elsewhere)
    assert not is_in(sign_in(user))
    assert is_in(sign_in(user, password=NEW))
    assert "password-changed" in verbs(user)
    assert AccountMail.objects.get().kind == "changed"


def test_the_old_password_is_asked_for_and_guessing_it_locks(clinic: Clinic):
    user = person(clinic.center)
    client = sign_in(user)
    assert "That is not your password" in change(client, old="wrong").content.decode()
    for _ in range(4):
        answer = change(client, old="wrong")
    assert "Too many tries" in answer.content.decode()
    assert change(client).status_code == 403
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_two_different_new_passwords_change_nothing(clinic: Clinic):
    user = person(clinic.center)
    assert "not the same" in change(sign_in(user), again="lantern orbit walnut 8").content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_weak_password_is_refused_with_the_reason(clinic: Clinic):
    answer = change(sign_in(person(clinic.center)), new="short one")
    assert answer.status_code == 403
    assert "at least 12 characters" in answer.content.decode()


def test_the_fields_take_pasted_and_long_passwords(clinic: Clinic):
    client = sign_in(person(clinic.center))
    html = client.get("/account/password/").content.decode()
    assert "maxlength" not in html.split("<main")[1]
    assert "onpaste" not in html
    assert change(client, new="Zürich " * 18).status_code == 302
