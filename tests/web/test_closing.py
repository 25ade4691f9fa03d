"""Close a place or do without a nurse, by the page: shown first, saved with who is ticked."""

from __future__ import annotations

import re
from datetime import date

import pytest

from scheduler.models import Appointment, Closure, Event, Nurse, Shift, UnitDay
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import Clinic

TODAY = {
    "from_date": "2026-11-24",
    "from_time": "12:00",
    "until_date": "2026-11-24",
    "until_time": "",
    "reason": "Leak",
}


def post(clinic: Clinic, data: dict, role: str = "front-desk", status: int = 200) -> str:
    answer = clinic.client(role).post("/close/", data)
    assert answer.status_code == status, answer.content.decode()[:3000]
    return answer.content.decode()


def fields(page: str) -> dict[str, list[str]]:
    """What the preview's form would post with everything ticked, besides its buttons."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="(?:hidden|checkbox)" name="([^"]+)" value="([^"]*)"', page):
        if name != "csrfmiddlewaretoken":
            found.setdefault(name, []).append(value.replace("&amp;", "&"))
    return found


@pytest.fixture
def lucille(clinic: Clinic) -> Appointment:
    patient = make.make_patient(clinic.center, first_name="Lucille", last_name="Abbott")
    return clinic.book("2026-11-24T13:00-05:00", patient=patient)


def chair(clinic: Clinic, **values) -> dict:
    return {**TODAY, "do": "preview", "place": f"chair:{clinic.chairs[0].pk}", **values}


def test_the_preview_names_who_when_what_and_where_to_and_saves_nothing(clinic: Clinic, lucille):
    page = post(clinic, chair(clinic))
    for said in ("Lucille Abbott", "Rescue", "Tue 24 Nov, 13:00, chair 1", "Tue 24 Nov, 13:00, chair 2"):
        assert said in page, said
    assert "At the same time." in page
    assert not Closure.objects.exists()
    lucille.refresh_from_db()
    assert lucille.chair == clinic.chairs[0]


def test_save_moves_who_is_ticked_and_closes(clinic: Clinic, lucille):
    other = clinic.book("2026-11-24T15:30-05:00", patient=make.make_patient(clinic.center, last_name="Berg"))
    sent = fields(post(clinic, chair(clinic)))
    assert len(sent["accept"]) == 2
    answer = clinic.client("front-desk").post("/close/", {**sent, "accept": sent["accept"][:1], "do": "save"})
    assert answer["Location"] == "/close/"
    lucille.refresh_from_db()
    other.refresh_from_db()
    assert lucille.chair == clinic.chairs[1]
    assert other.chair == clinic.chairs[0]
    done = clinic.client("front-desk").get("/close/").content.decode()
    assert "Day suite, chair 1 is closed." in done
    assert "1 visit has a new place." in done
    assert "is booked where it is closed" in clinic.client("front-desk").get("/worklist/").content.decode()


def test_undo_opens_the_chair_again(clinic: Clinic, lucille):
    sent = fields(post(clinic, chair(clinic)))
    client = clinic.client("front-desk")
    client.post("/close/", {**sent, "do": "save"})
    lift = re.search(r'action="(/close/\d+/lift/)"', client.get("/close/").content.decode())
    assert lift is not None
    assert client.post(lift[1])["Location"] == "/close/"
    page = client.get("/close/").content.decode()
    assert "Day suite, chair 1 is open again." in page
    assert "Who was moved meanwhile stays at the new place." in page
    assert not Closure.objects.exists()
    assert [event.verb for event in Event.objects.order_by("pk")][-1] == "remove-closure"


def test_a_booking_made_meanwhile_shows_the_new_preview_and_saves_nothing(clinic: Clinic, lucille):
    sent = fields(post(clinic, chair(clinic)))
    clinic.book("2026-11-24T15:30-05:00", patient=make.make_patient(clinic.center, last_name="Berg"))
    page = post(clinic, {**sent, "do": "save"}, status=409)
    assert "Somebody has changed something here since this was shown." in page
    assert "Berg" in page
    assert not Closure.objects.exists()


def test_a_place_that_went_meanwhile_is_said_and_another_is_proposed(clinic: Clinic, lucille):
    sent = fields(post(clinic, chair(clinic)))
    clinic.book("2026-11-24T13:00-05:00", chair=1)
    page = post(clinic, {**sent, "do": "save"}, status=409)
    assert "Nothing was saved." in page
    assert "Tue 24 Nov, 13:00, chair 3" in page
    lucille.refresh_from_db()
    assert lucille.chair == clinic.chairs[0]


def test_the_desk_closes_no_unit_and_is_not_offered_it(clinic: Clinic, lucille):
    post(clinic, chair(clinic, place="unit:day"), status=403)
    assert Event.objects.filter(verb="denied").exists() or not Closure.objects.exists()
    form = clinic.client("front-desk").get("/close/").content.decode()
    assert 'value="unit:day"' not in form
    assert 'value="unit:day"' in clinic.client("manager").get("/close/").content.decode()


def test_a_manager_closes_a_day(clinic: Clinic, lucille):
    page = post(clinic, chair(clinic, place="unit:day", from_time=""), role="manager")
    assert "Close Day suite?" in page
    assert "suite" in page
    sent = fields(page)
    clinic.client("manager").post("/close/", {**sent, "do": "save"})
    row = Closure.objects.get()
    assert (row.starts_at, row.ends_at) == (utc("2026-11-24T00:00-05:00"), utc("2026-11-25T00:00-05:00"))


def test_what_is_missing_is_said_on_the_form(clinic: Clinic):
    assert "Choose what is closed." in post(clinic, chair(clinic, place=""), status=400)
    assert "Say why." in post(clinic, chair(clinic, reason=" "), status=400)
    assert "The end comes after the start." in post(clinic, chair(clinic, until_time="11:00"), status=400)


def test_another_centers_chair_and_visit_are_not_found(clinic: Clinic, stranger: Clinic, lucille):
    post(clinic, chair(clinic, place=f"chair:{stranger.chairs[0].pk}"), status=404)
    theirs = stranger.book("2026-11-24T13:00-05:00")
    sent = fields(post(clinic, chair(clinic)))
    sent["accept"] = [f"{theirs.pk}.{theirs.version}.{clinic.chairs[1].pk}@2026-11-24T16:00-05:00"]
    post(clinic, {**sent, "do": "save"}, status=404)
    assert not Closure.objects.exists()


@pytest.fixture
def ines(clinic: Clinic) -> Nurse:
    UnitDay.objects.update_or_create(unit=clinic.day, date=date(2026, 11, 24), defaults={"shifts_published": True})
    for name in ("Ines Falk", "Jo Lund"):
        Shift.objects.create(
            nurse=Nurse.objects.create(center=clinic.center, name=name),
            unit=clinic.day,
            starts_at=utc("2026-11-24T07:00-05:00"),
            ends_at=utc("2026-11-24T18:00-05:00"),
            patients=2,
            acuity=4,
        )
    return Nurse.objects.get(name="Ines Falk")


def test_a_nurse_away_is_one_button_then_what_is_too_much_and_who_moves(clinic: Clinic, ines, lucille):
    clinic.book("2026-11-24T13:30-05:00", chair=1)
    clinic.book("2026-11-24T14:00-05:00", chair=2)
    assert "Ines Falk" in clinic.client("front-desk").get("/close/").content.decode()
    page = post(clinic, {"do": "preview", "nurse": ines.pk})
    assert "Without Ines Falk from 10:42?" in page
    assert "Too much for the others" in page
    assert "1 visit has a new place" in page
    sent = fields(page)
    answer = clinic.client("front-desk").post("/close/", {**sent, "reason": "Rang in", "do": "save"})
    assert answer["Location"] == "/close/"
    assert Shift.objects.get(nurse=ines).ends_at == utc("2026-11-24T10:42-05:00")
    assert "Ines Falk is away. 1 visit has a new place." in re.sub(
        r"<[^>]+>", "", clinic.client("front-desk").get("/close/").content.decode()
    )


def test_she_is_here_after_all_and_the_page_says_who_stays_moved(clinic: Clinic, ines, lucille):
    clinic.book("2026-11-24T13:30-05:00", chair=1)
    clinic.book("2026-11-24T14:00-05:00", chair=2)
    client = clinic.client("front-desk")
    assert "Here after all" not in client.get("/close/").content.decode()
    sent = fields(post(clinic, {"do": "preview", "nurse": ines.pk}))
    client.post("/close/", {**sent, "reason": "Rang in", "do": "save"})
    page = client.get("/close/").content.decode()
    assert "since Tue 24 Nov, 10:42, planned until 18:00" in page
    back = re.search(r'action="(/close/\d+/back/)"', page)
    assert back is not None
    places = list(Appointment.objects.order_by("pk").values_list("chair", "start"))
    assert client.post(back[1])["Location"] == "/close/"
    assert Shift.objects.get(nurse=ines).ends_at == utc("2026-11-24T18:00-05:00")
    assert list(Appointment.objects.order_by("pk").values_list("chair", "start")) == places
    said = re.sub(r"<[^>]+>", "", client.get("/close/").content.decode())
    assert "Ines Falk is here after all. The shift is as it was. 1 visit that was moved stays at its new place." in said
    again = client.post(back[1])
    assert again.status_code == 409
    assert "Somebody has done that already" in again.content.decode()


def test_nobody_brings_back_another_centers_nurse(clinic: Clinic, stranger: Clinic, ines):
    sent = fields(post(clinic, {"do": "preview", "nurse": ines.pk}))
    clinic.client("front-desk").post("/close/", {**sent, "reason": "Rang in", "do": "save"})
    noted = Event.objects.get(verb="note-absence")
    assert stranger.client("manager").post(f"/close/{noted.pk}/back/").status_code == 404


def test_an_unpublished_day_says_that_the_pattern_counts(clinic: Clinic, ines):
    UnitDay.objects.update(shifts_published=False)
    assert "not published in Day suite" in post(clinic, {"do": "preview", "nurse": ines.pk})
