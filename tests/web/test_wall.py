"""The wall: what everybody who passes may see, and a session that lasts and can do nothing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from scheduler.domain.permissions import NURSE, WALL
from scheduler.models import Access, Membership, SignIn
from scheduler.services import attendance
from scheduler.web.states import expected_at
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import NOW, Clinic

pytestmark = pytest.mark.django_db
URL = "/wall/day/"
FETCH = {"X-Requested-With": "fetch"}


@pytest.fixture
def screen(clinic: Clinic) -> Client:
    """Signed in through the page, as somebody does who hangs it up."""
    user = make.make_user(clinic.center, WALL)
    client = Client()
    answer = client.post("/sign-in/", {"username": user.username, "password": "pass-for-tests"})
    assert answer.status_code == 302
    return client


def text(client: Client) -> str:
    answer = client.get(URL)
    assert answer.status_code == 200
    return answer.content.decode()


def seen(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_after_signing_in_it_is_what_a_screen_comes_to(screen: Client) -> None:
    assert screen.get("/", follow=True).redirect_chain[-1][0] == URL


def test_it_shows_initials_and_chairs_but_no_names_and_no_treatment(clinic: Clinic, screen: Client) -> None:
    patient = make.make_patient(clinic.center, first_name="Zelda", last_name="Quimby", allergies="Penicillin")
    here = clinic.arrive(clinic.book("2026-11-24T10:30-05:00", patient=patient))
    clinic.book("2026-11-24T14:00-05:00", chair=1)
    page = text(screen)
    for hidden in ("Zelda", "Quimby", "Penicillin", "Rescue", clinic.rescue.name, clinic.rescue.abbreviation, "555"):
        assert hidden not in seen(page)
    for shown in ("Z Q", here.chair.name, "Waiting", "10:42"):
        assert shown in seen(page)


def test_a_chair_says_how_long_it_is_taken(clinic: Clinic, screen: Client) -> None:
    visit = clinic.arrive(clinic.book("2026-11-24T10:30-05:00"))
    attendance.check_in(actor=clinic.actor, appointment=visit, now=NOW)
    attendance.start(actor=clinic.actor, appointment=visit, now=NOW)
    visit.refresh_from_db()
    minutes = (visit.end - visit.start) // timedelta(minutes=1) + visit.observation_minutes
    hours, rest = divmod(minutes, 60)
    said = f"{minutes} min" if minutes < 60 else f"{hours} h {rest:02}" if rest else f"{hours} h"
    assert f'<span class="wall-figure">{said}</span><span class="wall-under">left</span>' in text(screen)


def test_who_is_late_and_who_comes_next(clinic: Clinic, screen: Client) -> None:
    clinic.book("2026-11-24T10:15-05:00", patient=make.make_patient(clinic.center, first_name="Lea", last_name="Tard"))
    clinic.book("2026-11-24T15:00-05:00", chair=1)
    page = seen(text(screen))
    assert re.search(r"Late L T Chair \d \d+ min", page)
    assert re.search(r"Next A R Chair 2 1[45]:\d\d", page)


def test_a_chair_is_not_said_to_be_free_until_a_time_that_is_past(clinic: Clinic, screen: Client, time_machine) -> None:
    patient = make.make_patient(clinic.center, first_name="Lea", last_name="Tard")
    visit = clinic.book("2026-11-24T12:00-05:00", patient=patient)
    assert f"Free until {expected_at(visit).astimezone(clinic.center.zone):%H:%M}" in seen(text(screen))
    time_machine.move_to(expected_at(visit) + timedelta(minutes=1))
    assert "Free for L T" in seen(text(screen))


@pytest.mark.parametrize(
    ("local", "is_night"), [("06:59", True), ("07:00", False), ("20:59", False), ("21:00", True), ("02:00", True)]
)
def test_it_is_dim_from_nine_to_seven_by_the_centers_clocks(
    screen: Client, time_machine, local: str, is_night: bool
) -> None:
    time_machine.move_to(utc(f"2026-11-25T{local}-05:00"))
    assert ('class="wall-page is-night"' in text(screen)) is is_night


class TestItsSession:
    def test_it_outlives_midnight_and_weeks_without_being_touched(self, screen: Client, time_machine) -> None:
        for days in (1, 29, 60, 179):
            time_machine.move_to(NOW + timedelta(days=days))
            assert screen.get(URL, headers=FETCH).status_code == 200

    def test_it_ends_after_half_a_year_and_says_so_a_week_before(self, screen: Client, time_machine) -> None:
        assert "Sign this screen in again" not in text(screen)
        time_machine.move_to(NOW + timedelta(days=175))
        assert "Sign this screen in again before Sun 23 May." in text(screen)
        time_machine.move_to(NOW + timedelta(days=180))
        assert screen.get(URL).status_code == 302

    def test_its_cookie_survives_a_power_cut(self, screen: Client) -> None:
        assert int(screen.cookies["sessionid"]["max-age"]) == 180 * 24 * 3600

    def test_a_person_with_another_role_has_the_usual_limits(self, clinic: Clinic, time_machine) -> None:
        nurse = clinic.client(NURSE)
        assert nurse.get(URL).status_code == 200
        time_machine.move_to(NOW + timedelta(minutes=16))
        assert nurse.get(URL).status_code == 302

    def test_who_is_a_wall_here_and_a_nurse_elsewhere_has_the_usual_limits(
        self, clinic: Clinic, stranger: Clinic, screen: Client, time_machine
    ) -> None:
        user = SignIn.objects.get().user
        Membership.objects.create(center=stranger.center, user=user, role=NURSE)
        client = Client()
        client.post("/sign-in/", {"username": user.username, "password": "pass-for-tests"})
        assert client.get(URL).status_code == 200
        time_machine.move_to(NOW + timedelta(minutes=16))
        assert client.get(URL).status_code == 302

    def test_a_screen_that_gets_another_role_is_signed_out(self, screen: Client) -> None:
        Membership.objects.filter(role=WALL).update(role=NURSE)
        assert screen.get(URL).status_code == 302

    def test_two_screens_with_one_name_both_go_on(self, clinic: Clinic, screen: Client, time_machine) -> None:
        time_machine.move_to(NOW + timedelta(days=40))
        assert screen.get(URL, headers=FETCH).status_code == 200
        time_machine.move_to(NOW + timedelta(days=45))
        user = SignIn.objects.get().user
        Client().post("/sign-in/", {"username": user.username, "password": "pass-for-tests"})
        assert screen.get(URL, headers=FETCH).status_code == 200

    def test_it_may_see_nothing_else(self, clinic: Clinic, screen: Client) -> None:
        clinic.book("2026-11-24T11:30-05:00")
        for path in ("/board/day/2026-11-24/", "/floor/day/", "/sheet/day/2026-11-24/", "/patients/", "/worklist/",
                     "/record/", "/people/", "/book/"):  # fmt: skip
            assert screen.get(path).status_code == 403
        assert screen.get("/api/v1/day/").status_code in (403, 404)
        assert screen.get("/board/day/2026-11-24/version/").status_code == 200


def test_a_screen_is_on_record_once_and_not_each_minute(clinic: Clinic, screen: Client) -> None:
    text(screen)
    for _ in range(3):
        screen.get(URL, headers=FETCH)
    assert Access.objects.filter(what="wall").count() == 1
