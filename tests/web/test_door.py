"""Who gets in, as whom, and what stays outside."""

from __future__ import annotations

import pytest
from django.test import Client

from scheduler.models import Access, Membership
from tests import factories as make
from tests.web.conftest import Clinic

PAGES = ["/", "/board/day/2026-11-24/", "/book/", "/patients/", "/patients/new/", "/worklist/"]


@pytest.mark.parametrize("page", [*PAGES, "/outbox/", "/courses/1/", "/patients/1/", "/appointments/1/move/"])
def test_nobody_signed_in_is_sent_to_the_sign_in_page(db, page):
    answer = Client().get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("page", PAGES[1:])
def test_every_page_opens_for_a_manager(clinic: Clinic, page):
    answer = clinic.client().get(page)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_the_first_page_is_todays_board_of_the_unit_looked_at_last(clinic: Clinic):
    client = clinic.client()
    assert client.get("/")["Location"] == "/board/day/2026-11-24/"
    client.get("/board/suite-24/2026-11-30/")
    assert client.get("/")["Location"] == "/board/suite-24/2026-11-24/"


@pytest.mark.parametrize("page", ["/board/day/2026-11-24/", "/book/", "/patients/", "/worklist/"])
def test_an_auditor_has_no_business_on_the_desk(clinic: Clinic, page):
    answer = clinic.client("auditor").get(page)
    assert answer.status_code == 403
    assert "not for your role" in answer.content.decode()


def test_a_user_without_a_center_gets_no_page(clinic: Clinic, django_user_model):
    client = Client()
    client.force_login(django_user_model.objects.create_user("nobody"))
    assert client.get("/board/day/2026-11-24/").status_code == 403


def test_another_centers_things_are_not_found(clinic: Clinic, stranger: Clinic):
    patient = make.make_patient(stranger.center)
    theirs = stranger.book("2026-11-25T10:00-05:00", patient=patient)
    client = clinic.client()
    for page in (f"/patients/{patient.pk}/", f"/patients/{patient.pk}/course/", f"/book/?patient={patient.pk}"):
        assert client.get(page).status_code == 404, page
    assert client.get(f"/appointments/{theirs.pk}/move/").status_code == 404
    for action in ("arrive", "cancel", "undo", "start"):
        assert client.post(f"/appointments/{theirs.pk}/{action}/").status_code == 404, action
    theirs.refresh_from_db()
    assert theirs.status == "booked"
    assert patient.last_name not in client.get("/board/day/2026-11-25/").content.decode()


def test_a_post_without_the_csrf_token_is_refused(clinic: Clinic):
    booked = clinic.book("2026-11-24T11:30-05:00")
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.make_user(clinic.center))
    answer = client.post(f"/appointments/{booked.pk}/arrive/")
    assert answer.status_code == 403
    booked.refresh_from_db()
    assert booked.status == "booked"


def test_a_page_is_not_answered_to_methods_it_does_not_have(clinic: Clinic):
    client = clinic.client()
    assert client.get("/appointments/1/arrive/").status_code == 405
    assert client.post("/board/day/2026-11-24/").status_code == 405
    assert client.delete("/patients/").status_code == 405


def test_the_session_keeps_the_chosen_center(clinic: Clinic, stranger: Clinic):
    user = make.make_user(clinic.center)
    Membership.objects.create(center=stranger.center, user=user, role="nurse")
    client = Client()
    client.force_login(user)
    assert "Elsewhere" in client.get("/patients/").content.decode().split("</header>")[0]  # first by name
    client.post("/center/", {"center": clinic.center.pk})
    assert 'class="brand"' in client.get("/patients/").content.decode()
    assert client.session["center"] == clinic.center.pk
    third = make.make_center()
    client.post("/center/", {"center": third.pk})
    assert client.session["center"] == clinic.center.pk


def test_reading_a_patient_is_on_record(clinic: Clinic):
    patient = make.make_patient(clinic.center)
    clinic.client().get(f"/patients/{patient.pk}/")
    row = Access.objects.get(patient_id=patient.pk)
    assert row.what == "patient"
    assert row.actor.startswith("user:")


def test_sign_in_and_out(clinic: Clinic):
    user = make.make_user(clinic.center)
    client = Client()
    wrong = client.post("/sign-in/", {"username": user.username, "password": "no"})
    assert wrong.status_code == 403
    assert "do not match" in wrong.content.decode()
    answer = client.post(
        "/sign-in/", {"username": user.username, "password": "pass-for-tests", "next": "/board/day/2026-11-24/"}
    )
    assert answer["Location"] == "/board/day/2026-11-24/"
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert client.get("/patients/").status_code == 302


def test_sign_in_leads_nowhere_outside(clinic: Clinic):
    user = make.make_user(clinic.center)
    answer = Client().post(
        "/sign-in/", {"username": user.username, "password": "pass-for-tests", "next": "https://evil.example/"}
    )
    assert answer["Location"] == "/"


def test_the_demo_hint_is_for_the_demo_only(clinic: Clinic, settings):
    assert "demo clinic" not in Client().get("/sign-in/").content.decode()
    clinic.center.code = "demo"
    clinic.center.save()
    assert "demo clinic" in Client().get("/sign-in/").content.decode()
    settings.EMAIL_URL = "smtp://mail.example:25"
    assert "demo clinic" not in Client().get("/sign-in/").content.decode()


def test_pages_carry_a_strict_content_security_policy_and_no_inline_code(clinic: Clinic):
    appointment = clinic.book("2026-11-24T11:30-05:00")
    for page in [*PAGES[1:], f"/board/day/2026-11-24/?visit={appointment.pk}"]:
        answer = clinic.client().get(page)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy, page
        html = answer.content.decode()
        for forbidden in (" style=", "<style", " onclick=", " onsubmit=", "javascript:"):
            assert forbidden not in html, (page, forbidden)


def test_no_such_page_says_so_without_internals(clinic: Clinic):
    answer = clinic.client().get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert "urlconf" not in answer.content.decode().lower()


@pytest.mark.parametrize(
    ("method", "page", "sent"),
    [
        ("get", "/record/?who=%00", {}),
        ("get", "/record/?what=a%00b", {}),
        ("get", "/book/?start=%00", {}),
        ("post", "/patients/", {"q": "riv\0era"}),
        ("post", "/patients/new/", {"last_name": "\0", "birth_date": "1 1 1980", "mrn": "x"}),
        ("post", "/worklist/mark/", {"item": "unplaced:1\0", "do": "claim"}),
    ],
)
def test_what_no_keyboard_types_is_a_bad_request_on_both_databases(clinic: Clinic, method, page, sent):
    answer = getattr(clinic.client(), method)(page, sent) if sent else clinic.client().get(page)
    assert answer.status_code == 400
