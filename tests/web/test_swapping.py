"""Two bookings change places."""

from __future__ import annotations

import pytest

from scheduler.models import Access, Appointment
from scheduler.services import moving
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import NOW, Clinic


@pytest.fixture
def two(clinic: Clinic) -> tuple[Appointment, Appointment]:
    eva = make.make_patient(clinic.center, first_name="Eva", last_name="Novak")
    ute = make.make_patient(clinic.center, first_name="Ute", last_name="Hartmann")
    return (
        clinic.book("2026-11-25T09:00-05:00", chair=0, patient=eva),
        clinic.book("2026-11-25T13:00-05:00", chair=1, patient=ute),
    )


def where(appointment: Appointment) -> tuple[int, object]:
    appointment.refresh_from_db()
    return appointment.chair_id, appointment.start


def test_the_visits_of_the_day_are_offered_then_shown_then_swapped_and_swapped_back(clinic: Clinic, two):
    eva, ute = two
    before = where(eva), where(ute)
    client = clinic.client("front-desk")
    listed = client.get(f"/appointments/{eva.pk}/swap/").content.decode()
    assert "Ute Hartmann" in listed
    assert f'name="with" value="{ute.pk}"' in listed
    asked = client.get(f"/appointments/{eva.pk}/swap/", {"with": ute.pk}).content.decode()
    assert "Let these two change places?" in asked
    assert where(eva) == before[0], "nothing moves before the yes"
    form = {"with": ute.pk, "version": eva.version, "other_version": ute.version, "next": "/board/day/2026-11-25/"}
    answer = client.post(f"/appointments/{eva.pk}/swap/", form)
    assert answer["Location"] == "/board/day/2026-11-25/"
    assert (where(ute), where(eva)) == before
    assert "Eva Novak swapped to chair 2, 13:00" in client.get("/board/day/2026-11-25/").content.decode()
    client.post(f"/appointments/{eva.pk}/undo/")
    assert (where(eva), where(ute)) == before
    assert set(Access.objects.filter(what="swap").values_list("patient_id", flat=True)) == {
        eva.patient_id,
        ute.patient_id,
    }


def test_a_swap_that_a_rule_forbids_says_why_and_moves_neither(clinic: Clinic, two):
    eva, _ute = two
    clinic.book("2026-11-25T11:20-05:00", chair=0)
    long = clinic.book("2026-11-25T15:40-05:00", chair=2, protocol=None, minutes=140)
    answer = clinic.client("front-desk").post(f"/appointments/{eva.pk}/swap/", {"with": long.pk})
    assert answer.status_code == 409
    assert "Chair 1" in answer.content.decode()
    assert where(eva) == (clinic.chairs[0].pk, utc("2026-11-25T09:00-05:00"))


def test_a_swap_of_what_somebody_has_moved_meanwhile_is_refused(clinic: Clinic, two):
    eva, ute = two
    form = {"with": ute.pk, "version": eva.version, "other_version": ute.version + 3}
    answer = clinic.client("front-desk").post(f"/appointments/{eva.pk}/swap/", form)
    assert answer.status_code == 409
    assert "Somebody has changed one of the two" in answer.content.decode()


def test_a_swap_is_not_undone_where_the_other_one_was_moved_since(clinic: Clinic, two):
    eva, ute = two
    client = clinic.client("front-desk")
    client.post(f"/appointments/{eva.pk}/swap/", {"with": ute.pk})
    moving.move(actor=clinic.actor, appointment=ute, chair=clinic.chairs[2], now=NOW)
    after = where(eva), where(ute)
    answer = client.post(f"/appointments/{eva.pk}/undo/")
    assert answer.status_code == 409
    assert "changed since" in answer.content.decode()
    assert (where(eva), where(ute)) == after


def test_another_centers_booking_cannot_be_swapped(clinic: Clinic, stranger: Clinic, two):
    strange = stranger.book("2026-11-25T13:00-05:00")
    answer = clinic.client("front-desk").post(f"/appointments/{two[0].pk}/swap/", {"with": strange.pk})
    assert answer.status_code == 404


def test_what_has_begun_or_has_nobody_to_swap_with_says_so(clinic: Clinic, two):
    eva, ute = two
    client = clinic.client("front-desk")
    Appointment.objects.filter(pk=ute.pk).update(actual_start=utc("2026-11-25T13:00-05:00"))
    assert "Nobody to swap with" in client.get(f"/appointments/{eva.pk}/swap/").content.decode()
    assert client.get(f"/appointments/{ute.pk}/swap/").status_code == 302
