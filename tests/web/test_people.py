"""The managers' page of people and keys."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client

from scheduler.models import ApiKey, Event, Membership
from scheduler.services import account_mail
from tests import factories as make
from tests.web.conftest import NOW, Clinic

EVE = {"username": "eve", "first_name": "Eve", "last_name": "Adams", "email": "eve@example.org", "role": "nurse"}


@pytest.fixture
def boss(clinic: Clinic) -> Client:
    """A manager who has just signed in."""
    user = make.make_user(clinic.center, "manager", first_name="Noel", last_name="Ferris")
    client = Client()
    assert client.post("/sign-in/", {"username": user.username, "password": "pass-for-tests"}).status_code == 302
    return client


def row_of(clinic: Clinic, role: str = "nurse", **values) -> Membership:
    return Membership.objects.get(user=make.make_user(clinic.center, role, **values), center=clinic.center)


def test_the_page_tells_who_works_here_and_how_they_sign_in(clinic: Clinic, boss: Client, stranger: Clinic):
    row_of(clinic, first_name="Dana", last_name="Amari")
    row_of(clinic, "auditor", first_name="Ruth", last_name="Palmer", is_active=False)
    make.make_user(stranger.center, first_name="Nobody", last_name="Here")
    page = boss.get("/people/").content.decode()
    for said in ("Noel Ferris", "You", "Dana Amari", "Ruth Palmer", "Ended", "Not yet", "Second factor by role"):
        assert said in page, said
    assert "Nobody Here" not in page


def test_somebody_invited_chooses_her_password_and_signs_in(clinic: Clinic, boss: Client, settings):
    answer = boss.post("/people/new/", EVE)
    row = Membership.objects.get(user__username="eve")
    assert answer["Location"] == f"/people/{row.pk}/"
    account_mail.send_due(now=NOW)
    [invitation] = mail.outbox
    assert invitation.to == ["eve@example.org"]
    assert "user name is eve" in invitation.body
    link = re.search(r"http\S+/reset/\S+", invitation.body)
    assert link is not None
    client = Client()
    client.get(link[0].removeprefix(settings.BASE_URL), follow=True)
    words = "correct horse battery staple 7"
    client.post("/reset/", {"new_password": words, "new_password_again": words})
    assert client.post("/sign-in/", {"username": "eve", "password": words}).status_code == 302
    assert client.get("/patients/").status_code == 200
    assert client.get("/people/").status_code == 403


def test_what_is_missing_is_said_beside_its_field(clinic: Clinic, boss: Client):
    answer = boss.post("/people/new/", EVE | {"email": "eve"})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert 'id="email-wrong"' in page
    assert 'value="eve"' in page


def test_a_changed_role_counts_with_her_next_request(clinic: Clinic, boss: Client):
    row = row_of(clinic)
    nurse = Client()
    nurse.post("/sign-in/", {"username": row.user.username, "password": "pass-for-tests"})
    assert nurse.get("/patients/").status_code == 200
    assert boss.post(f"/people/{row.pk}/role/", {"role": "auditor"}).status_code == 302
    assert nurse.get("/patients/").status_code == 302  # to sign in again, with the new role
    nurse.post("/sign-in/", {"username": row.user.username, "password": "pass-for-tests"})
    assert nurse.get("/patients/").status_code == 403


def test_who_loses_access_is_out_with_her_next_request(clinic: Clinic, boss: Client):
    row = row_of(clinic)
    nurse = Client()
    nurse.post("/sign-in/", {"username": row.user.username, "password": "pass-for-tests"})
    boss.post(f"/people/{row.pk}/end/")
    assert nurse.get("/patients/").status_code == 302
    assert nurse.post("/sign-in/", {"username": row.user.username, "password": "pass-for-tests"}).status_code == 403
    boss.post(f"/people/{row.pk}/give/")
    assert nurse.post("/sign-in/", {"username": row.user.username, "password": "pass-for-tests"}).status_code == 302


def test_ones_own_access_offers_no_button_and_the_post_is_refused(clinic: Clinic, boss: Client):
    mine = Membership.objects.get(user_id=boss.session["_auth_user_id"])
    page = boss.get(f"/people/{mine.pk}/").content.decode()
    assert "This is you" in page
    assert f"/people/{mine.pk}/role/" not in page
    answer = boss.post(f"/people/{mine.pk}/role/", {"role": "nurse"})
    assert answer.status_code == 403
    assert "Nobody changes her own access" in answer.content.decode()
    assert Event.objects.get(verb="denied").after == {"action": "POST person-action"}


def test_a_key_is_shown_once(clinic: Clinic, boss: Client):
    answer = boss.post("/people/keys/new/", {"name": "EHR", "scope": ["book", "read-schedule"]})
    assert answer.status_code == 201
    key = re.search(r"ick_[\w-]+", answer.content.decode())
    assert key is not None
    assert "no-store" in answer["Cache-Control"]
    api = Client(headers={"Authorization": f"Bearer {key[0]}"})
    assert api.get("/api/v1/units/").status_code == 200
    page = boss.get("/people/").content.decode()
    assert key[0] not in page
    assert key[0][:12] in page
    row = ApiKey.objects.get()
    assert boss.post(f"/people/keys/{row.pk}/revoke/").status_code == 302
    assert api.get("/api/v1/units/").status_code == 401
    assert "Revoked" in boss.get("/people/").content.decode()


def test_a_key_without_a_scope_is_asked_for_one(clinic: Clinic, boss: Client):
    answer = boss.post("/people/keys/new/", {"name": "EHR"})
    assert answer.status_code == 400
    assert 'id="scope-wrong"' in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_who_signed_in_long_ago_proves_first_who_she_is(clinic: Clinic):
    client = clinic.client("manager")  # signed in, and not proven lately
    row = row_of(clinic)
    for path, data in (
        (f"/people/{row.pk}/role/", {"role": "manager"}),
        ("/people/new/", EVE),
        ("/people/keys/new/", {"name": "EHR", "scope": ["book"]}),
        ("/people/second-factor/", {"role": ["nurse"]}),
    ):
        assert "Sign in again" in client.post(path, data).content.decode(), path
    row.refresh_from_db()
    assert row.role == "nurse"
    assert not ApiKey.objects.exists()
    assert not get_user_model().objects.filter(username="eve").exists()


def test_roles_are_asked_for_a_second_factor(clinic: Clinic, boss: Client):
    boss.post("/people/second-factor/", {"role": ["nurse", "auditor", "integration"]})
    clinic.center.refresh_from_db()
    assert clinic.center.second_factor_roles == ["nurse", "auditor"]
    page = boss.get("/people/").content.decode()
    assert re.search(r'value="nurse" checked', page)
    boss.post("/people/second-factor/", {})
    clinic.center.refresh_from_db()
    assert clinic.center.second_factor_roles == []


def test_the_only_manager_can_not_go(clinic: Clinic, boss: Client):
    second = row_of(clinic, "manager")
    other = Client()
    other.post("/sign-in/", {"username": second.user.username, "password": "pass-for-tests"})
    boss.post(f"/people/{second.pk}/role/", {"role": "nurse"})
    mine = Membership.objects.get(user_id=boss.session["_auth_user_id"])
    other.post(f"/people/{mine.pk}/end/")
    assert Membership.objects.filter(center=clinic.center, role="manager", user__is_active=True).count() == 1


class TestNurseOfTheRoster:
    def test_a_manager_says_who_of_the_roster_somebody_is(self, clinic: Clinic, boss: Client):
        row, mara = row_of(clinic, first_name="Mara"), clinic.center.nurses.create(name="Mara Q.")
        assert "Mara Q." in boss.get(f"/people/{row.pk}/").content.decode()
        for _ in range(2):
            boss.post(f"/people/{row.pk}/nurse/", {"nurse": mara.pk})
        mara.refresh_from_db()
        assert mara.user == row.user
        assert Event.objects.filter(verb="tie-nurse").count() == 1

    def test_another_nurse_takes_the_place_of_the_first(self, clinic: Clinic, boss: Client):
        row = row_of(clinic)
        first, second = (clinic.center.nurses.create(name=name) for name in ("Ines", "Mara"))
        for each in (second, first):  # in either order of their numbers
            boss.post(f"/people/{row.pk}/nurse/", {"nurse": each.pk})
        assert row.user.nurse == first
        boss.post(f"/people/{row.pk}/nurse/", {"nurse": second.pk})
        assert list(clinic.center.nurses.filter(user=row.user)) == [second]
        boss.post(f"/people/{row.pk}/nurse/", {"nurse": ""})
        assert not clinic.center.nurses.filter(user__isnull=False).exists()

    def test_nobody_is_a_nurse_who_is_somebody_else(self, clinic: Clinic, boss: Client):
        mara = clinic.center.nurses.create(name="Mara", user=row_of(clinic).user)
        other = row_of(clinic)
        answer = boss.post(f"/people/{other.pk}/nurse/", {"nurse": mara.pk})
        assert answer.status_code == 409
        assert "Somebody else is this nurse already." in answer.content.decode()

    def test_another_centers_nurses_are_none_of_ours(self, clinic: Clinic, boss: Client, stranger: Clinic):
        theirs = stranger.center.nurses.create(name="Zoe")
        assert boss.post(f"/people/{row_of(clinic).pk}/nurse/", {"nurse": theirs.pk}).status_code == 404

    def test_who_is_a_nurse_elsewhere_stays_one_there(self, clinic: Clinic, boss: Client, stranger: Clinic):
        row, mara = row_of(clinic), clinic.center.nurses.create(name="Mara")
        theirs = stranger.center.nurses.create(name="Mara", user=row.user)
        assert boss.post(f"/people/{row.pk}/nurse/", {"nurse": mara.pk}).status_code == 409
        theirs.refresh_from_db()
        assert theirs.user == row.user
