"""Who watches whom: columns, a suggestion to look at first, changes by form, and mine or everybody's on the floor."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from scheduler.domain.permissions import FRONT_DESK, MANAGER, NURSE
from scheduler.models import Access, Assignment, Break, Nurse, Shift
from scheduler.services import booking
from tests.factories import utc
from tests.web.conftest import NOW, Clinic

pytestmark = pytest.mark.django_db

PAGE = "/assign/day/2026-11-24/"


@pytest.fixture
def nurse(clinic: Clinic) -> Client:
    return clinic.client(NURSE)


@pytest.fixture
def team(clinic: Clinic) -> list[Nurse]:
    """Mara and Ines, 08 to 18; Ines covers Mara's lunch."""
    found = [clinic.center.nurses.create(name=name) for name in ("Mara", "Ines")]
    for each in found:
        Shift.objects.create(
            nurse=each, unit=clinic.day, starts_at=utc("2026-11-24T08:00-05:00"), ends_at=utc("2026-11-24T18:00-05:00")
        )
    Break.objects.create(
        shift=found[0].shifts.get(), starts_at=utc("2026-11-24T12:00-05:00"), ends_at=utc("2026-11-24T12:30-05:00"),
        covered_by=found[1],
    )  # fmt: skip
    return found


def read(client: Client, query: str = "") -> str:
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return answer.content.decode()


def columns(page: str) -> dict[str, list[int]]:
    """By the column's name the visits in it."""
    parts = re.split(r'<section class="column[^"]*" aria-label="([^"]+)"', page)
    return {
        name: [int(pk) for pk in re.findall(r'data-appointment="(\d+)"', part)]
        for name, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def fields(page: str) -> list[str]:
    return re.findall(r'name="give" value="([^"]+)"', page)


class TestPage:
    def test_everybody_stands_under_her_nurse_or_at_the_left(self, clinic, nurse, team):
        first, second = clinic.book("2026-11-24T11:30-05:00"), clinic.book("2026-11-24T13:00-05:00", chair=1)
        nurse.post(f"/assign/visits/{first.pk}/", {"nurse": team[0].pk})
        assert columns(read(nurse)) == {"Without a nurse": [second.pk], "Ines": [], "Mara": [first.pk]}

    def test_breaks_say_who_covers(self, nurse, team):
        assert "12:00–12:30, Ines covers" in read(nurse)

    def test_a_break_whose_cover_is_ill_is_covered_by_nobody(self, nurse, team):
        team[1].shifts.all().delete()
        assert "12:00–12:30, nobody covers" in read(nurse)

    def test_the_load_is_a_picture_with_words(self, clinic, nurse, team):
        row = clinic.book("2026-11-24T11:30-05:00")
        nurse.post(f"/assign/visits/{row.pk}/", {"nurse": team[0].pk})
        page = read(nurse)
        assert re.search(r'aria-label="Mara: at most 1 of 4 patients at once, \d of 8 points\."', page)
        assert 'class="load-away"' in page

    def test_a_day_without_shifts_says_who_writes_them(self, clinic, nurse):
        clinic.book("2026-11-24T11:30-05:00")
        assert "No shift is written for this day." in read(nurse)

    def test_a_day_without_anything_says_so(self, nurse):
        assert "Nobody to share" in read(nurse)

    def test_above_her_limits_says_when(self, clinic, nurse, team):
        Shift.objects.filter(nurse=team[0]).update(patients=0)
        row = clinic.book("2026-11-24T11:30-05:00")
        nurse.post(f"/assign/visits/{row.pk}/", {"nurse": team[0].pk})
        assert "Above her limits 11:" in read(nurse)

    def test_looking_is_on_record(self, nurse, team):
        read(nurse)
        assert Access.objects.filter(what="assignment").count() == 1

    def test_the_front_desk_looks_and_changes_nothing(self, clinic, team):
        row = clinic.book("2026-11-24T11:30-05:00")
        desk = clinic.client(FRONT_DESK)
        assert "Give to…" not in read(desk)
        assert desk.post(f"/assign/visits/{row.pk}/", {"nurse": team[0].pk}).status_code == 403
        assert not Assignment.objects.exists()

    def test_it_asks_the_same_questions_with_one_visit_and_with_four(
        self, clinic, nurse, team, django_assert_max_num_queries
    ):
        clinic.book("2026-11-24T11:30-05:00")
        with django_assert_max_num_queries(30) as one:
            read(nurse)
        for chair in range(3):
            clinic.book("2026-11-24T14:30-05:00", chair=chair)
        with django_assert_max_num_queries(len(one)):
            read(nurse)


class TestSuggestion:
    def test_it_is_looked_at_before_it_is_accepted(self, clinic, nurse, team):
        rows = [clinic.book("2026-11-24T11:30-05:00", chair=chair) for chair in range(3)]
        page = read(nurse, "?suggest=1")
        assert not Assignment.objects.exists()
        assert re.search(r"Ines [12] patients?, Mara [12] patients?", page)
        answer = nurse.post(f"{PAGE}accept/", {"give": fields(page)})
        assert answer.status_code == 302
        assert set(Assignment.objects.values_list("appointment", flat=True)) == {row.pk for row in rows}

    def test_nothing_to_change_says_so(self, nurse, team):
        assert "It stands well as it is" in read(nurse, "?suggest=1")

    def test_who_was_slower_sees_the_suggestion_for_how_it_is_now(self, clinic, nurse, team):
        rows = [clinic.book("2026-11-24T11:30-05:00", chair=chair) for chair in range(2)]
        given = fields(read(nurse, "?suggest=1"))
        other = next(each for each in team if f"{rows[0].pk}:{each.pk}:0" not in given)
        nurse.post(f"/assign/visits/{rows[0].pk}/", {"nurse": other.pk})
        answer = nurse.post(f"{PAGE}accept/", {"give": given})
        assert answer.status_code == 409
        assert "Something has changed since." in answer.content.decode()
        assert Assignment.objects.count() == 1

    @pytest.mark.parametrize("line", ["", "1", "1:2", "1:2:x", "1:2:3:4", f"{'9' * 30}:1:0"])
    def test_what_no_page_sends_is_no_such_thing(self, nurse, team, line):
        assert nurse.post(f"{PAGE}accept/", {"give": [line]}).status_code == 404

    def test_a_nurse_who_is_ill_leads_to_a_suggestion_and_nothing_is_changed_by_itself(self, clinic, nurse, team):
        row = clinic.book("2026-11-24T11:30-05:00")
        nurse.post(f"/assign/visits/{row.pk}/", {"nurse": team[0].pk})
        answer = nurse.post(f"{PAGE}absent/", {"nurse": team[0].pk})
        assert answer["Location"] == f"{PAGE}?suggest=1"
        assert Assignment.objects.get().nurse == team[0]
        page = read(nurse)  # also without asking for one
        assert "Mara is not there: 1 patient needs another nurse." in page
        assert fields(page) == [f"{row.pk}:{team[1].pk}:{team[0].pk}"]
        nurse.post(f"{PAGE}accept/", {"give": fields(page)})
        assert Assignment.objects.get().nurse == team[1]

    def test_the_shifts_of_tomorrow_are_a_managers(self, clinic, nurse, team):
        Shift.objects.update(starts_at=utc("2026-11-25T08:00-05:00"), ends_at=utc("2026-11-25T18:00-05:00"))
        page = "/assign/day/2026-11-25/absent/"
        assert nurse.post(page, {"nurse": team[0].pk}).status_code == 403
        assert clinic.client(MANAGER).post(page, {"nurse": team[0].pk}).status_code == 302
        assert not team[0].shifts.exists()


class TestByHand:
    def test_back_to_the_card(self, clinic, nurse, team):
        row = clinic.book("2026-11-24T11:30-05:00")
        answer = nurse.post(f"/assign/visits/{row.pk}/", {"nurse": team[0].pk})
        assert answer["Location"] == f"{PAGE}#visit-{row.pk}"
        assert "by hand" in read(nurse)

    def test_to_nobody(self, clinic, nurse, team):
        row = clinic.book("2026-11-24T11:30-05:00")
        for value in (team[0].pk, "nobody"):
            nurse.post(f"/assign/visits/{row.pk}/", {"nurse": value})
        assert not Assignment.objects.exists()

    @pytest.mark.parametrize("value", ["", "x", "999999", "٣"])
    def test_to_no_such_nurse(self, clinic, nurse, team, value):
        row = clinic.book("2026-11-24T11:30-05:00")
        assert nurse.post(f"/assign/visits/{row.pk}/", {"nurse": value}).status_code == 404

    def test_a_visit_that_was_cancelled_meanwhile(self, clinic, nurse, team):
        row = clinic.book("2026-11-24T11:30-05:00")
        booking.cancel(actor=clinic.actor, appointment=row, reason="ill", now=NOW)
        answer = nurse.post(f"/assign/visits/{row.pk}/", {"nurse": team[0].pk})
        assert answer.status_code == 409
        assert "no longer on the floor" in answer.content.decode()


class TestMine:
    @pytest.fixture
    def mara(self, clinic, team) -> Client:
        client = clinic.client(NURSE, first_name="Mara")
        Nurse.objects.filter(pk=team[0].pk).update(user=int(client.session["_auth_user_id"]))
        return client

    @staticmethod
    def seats(client: Client, query: str = "") -> set[int]:
        page = client.get(f"/floor/day/{query}").content.decode()
        return {int(pk) for pk in re.findall(r'data-seat="(\d+)"', page)}

    @pytest.fixture
    def rows(self, clinic, mara, team):
        found = [clinic.book("2026-11-24T11:30-05:00", chair=chair) for chair in range(3)]
        for row, each in zip(found, team, strict=False):
            mara.post(f"/assign/visits/{row.pk}/", {"nurse": each.pk})
        return found

    def test_everybodys_first_and_each_seat_names_its_nurse(self, mara, rows):
        assert self.seats(mara) == {row.pk for row in rows}
        assert '<span class="seat-nurse">Ines</span>' in mara.get("/floor/day/").content.decode()

    def test_the_choice_is_remembered_without_an_address(self, mara, rows):
        assert self.seats(mara, "?whose=mine") == {rows[0].pk}
        assert self.seats(mara) == {rows[0].pk}
        assert self.seats(mara, "?whose=everybody") == {row.pk for row in rows}
        assert self.seats(mara) == {row.pk for row in rows}

    def test_mine_are_also_those_whose_nurse_is_on_the_break_that_i_cover(self, mara, rows, team):
        Break.objects.create(
            shift=team[1].shifts.get(), starts_at=NOW - timedelta(minutes=5), ends_at=NOW + timedelta(minutes=20),
            covered_by=team[0],
        )  # fmt: skip
        assert self.seats(mara, "?whose=mine") == {rows[0].pk, rows[1].pk}

    def test_none_of_mine_says_where_to_look(self, clinic, mara):
        clinic.book("2026-11-24T11:30-05:00")
        page = mara.get("/floor/day/?whose=mine").content.decode()
        assert "None of today’s visits is yours" in page

    def test_who_is_no_nurse_is_not_asked(self, clinic, nurse, rows):
        assert ">Mine<" not in nurse.get("/floor/day/").content.decode()
        assert self.seats(nurse, "?whose=mine") == {row.pk for row in rows}

    def test_a_visit_that_is_not_mine_opens_all_the_same(self, mara, rows):
        page = mara.get(f"/floor/day/?whose=mine&visit={rows[1].pk}").content.decode()
        assert 'id="visit"' in page


class TestSheet:
    def test_each_row_names_its_nurse(self, clinic, nurse, team):
        row = clinic.book("2026-11-24T11:30-05:00")
        nurse.post(f"/assign/visits/{row.pk}/", {"nurse": team[1].pk})
        page = nurse.get("/sheet/day/2026-11-24/").content.decode()
        assert re.search(r"Chair 1</span><br>Ines</td>", page)

    def test_of_one_nurse_only_with_her_patients(self, clinic, nurse, team):
        found = [clinic.book("2026-11-24T11:30-05:00", chair=chair) for chair in range(3)]
        for row, each in zip(found, team, strict=False):
            nurse.post(f"/assign/visits/{row.pk}/", {"nurse": each.pk})
        page = nurse.get(f"/sheet/day/2026-11-24/?nurse={team[0].pk}").content.decode()
        assert [row.patient.last_name in page for row in found] == [True, False, False]
        answer = nurse.post(f"/sheet/day/2026-11-24/?nurse={team[0].pk}")
        assert answer["Location"] == f"/sheet/day/2026-11-24/?printed=1&nurse={team[0].pk}"
