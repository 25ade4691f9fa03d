"""What a nurse decides on a visit's card: what follows, who is next in the chair, reactions, times; one tap each."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client

from scheduler.domain.permissions import FRONT_DESK, MANAGER, NURSE
from scheduler.models import Appointment, ChecklistAnswer, Dose, Event, Reaction, WorklistMark
from scheduler.services import attendance, reactions
from tests import factories as make
from tests.factories import utc
from tests.services.steps import local, place_all, start_course
from tests.web.conftest import EARLY, NOW, Clinic

pytestmark = pytest.mark.django_db
TEN = utc("2026-11-24T09:00-05:00")


@pytest.fixture
def nurse(clinic: Clinic) -> Client:
    return clinic.client(NURSE)


@pytest.fixture
def running(clinic: Clinic) -> Appointment:
    """75 minutes from 9:00, which still run at 10:42; observation and cleaning take another 40."""
    row = clinic.book("2026-11-24T09:00-05:00")
    return attendance.start(actor=clinic.actor, appointment=row, actual_start=TEN, now=TEN)


@pytest.fixture
def following(clinic: Clinic, running: Appointment) -> Appointment:
    return clinic.book("2026-11-24T11:15-05:00", protocol=None, minutes=30)


@pytest.fixture
def stay(clinic: Clinic):
    """DHE from 9:00, begun at 10:20: dose 2 at 17:00 is too early now."""
    course = start_course(clinic.actor, clinic.night, clinic.dhe, TEN, now=EARLY, days=1)
    first = place_all(course, clinic.actor, now=EARLY)[0]
    begun = utc("2026-11-24T10:20-05:00")
    attendance.start(actor=clinic.actor, appointment=first, actual_start=begun, now=NOW)
    return course


def card(client: Client, visit: Appointment) -> str:
    answer = client.get(f"/floor/{visit.unit.code}/?visit={visit.pk}")
    assert answer.status_code == 200
    return unescape(answer.content.decode().partition('id="visit"')[2])


def forms(page: str, address: str) -> list[dict[str, str]]:
    """The hidden fields of the card's forms to that address."""
    found = [part for part in re.findall(r"<form.*?</form>", page, re.S) if f'action="{address}"' in part]
    return [dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', part)) for part in found]


def starts(course) -> list[str]:
    return [local(row.start) for row in Appointment.objects.filter(visit__course=course).order_by("start")]


class TestWhatFollows:
    def first(self, stay) -> Appointment:
        return Appointment.objects.select_related("unit").get(visit__course=stay, visit__ordinal=1)

    def test_it_is_shown_with_what_it_does_to_later_doses_the_chair_and_the_nurses(self, clinic, nurse, stay):
        page = re.sub(r"<[^>]+>", " ", card(nurse, self.first(stay)))
        said = " ".join(page.split())
        assert "2 17:00 18:20 Bed 1, nurses: fits" in said
        assert "3 Wed 25 Nov, 01:00 02:20 Bed 1, nurses: fits" in said
        assert "Accept, move 2 doses" in said
        assert "next due Tue 24 Nov, 18:20" in said

    def test_the_list_says_that_something_is_to_decide(self, nurse, stay):
        assert "later doses to decide" in nurse.get("/floor/suite-24/").content.decode()

    def test_accepted_in_one_tap(self, nurse, stay):
        first = self.first(stay)
        url = f"/floor/following/{first.pk}/"
        [fields] = forms(card(nurse, first), url)
        assert nurse.post(url, fields | {"do": "accept"}).status_code == 302
        assert starts(stay)[1:] == ["Tue 24 Nov 18:20", "Wed 25 Nov 02:20"]
        assert "Later doses no longer fit" not in card(nurse, first)

    def test_two_nurses_accept_at_once_it_is_one_step_and_both_see_it(self, clinic, nurse, stay):
        first = self.first(stay)
        url = f"/floor/following/{first.pk}/"
        [fields] = forms(card(nurse, first), url)
        other = Client()
        other.force_login(make.make_user(clinic.center, NURSE))
        for client in (nurse, other):
            answer = client.post(url, fields | {"do": "accept"}, follow=True)
            assert answer.status_code == 200
            assert "Later doses no longer fit" not in answer.content.decode()
        assert Event.objects.filter(verb="move").count() == 2  # doses 2 and 3, once

    def test_what_is_proposed_by_now_is_shown_and_not_done(self, nurse, stay):
        first = self.first(stay)
        answer = nurse.post(f"/floor/following/{first.pk}/", {"do": "accept", "seen": "1.1.1"})
        assert answer.status_code == 409
        assert starts(stay)[1] == "Tue 24 Nov 17:00"

    def test_left_to_the_desk_it_is_on_the_worklist_and_can_still_be_accepted(self, clinic, nurse, stay):
        first = self.first(stay)
        nurse.post(f"/floor/following/{first.pk}/", {"do": "desk"})
        assert WorklistMark.objects.get().asked_at == NOW
        page = card(nurse, first)
        assert "Left to the desk at 10:42" in page
        assert "Accept, move 2 doses" in page
        assert "The floor asks the desk" in clinic.client(FRONT_DESK).get("/worklist/").content.decode()

    def test_a_quarterly_visit_outside_its_window_shows_the_later_ones(self, clinic, nurse):
        course = start_course(clinic.actor, clinic.day, clinic.quarterly, utc("2026-11-30T10:00-05:00"), now=EARLY)
        first = place_all(course, clinic.actor, now=EARLY)[0]
        late = utc("2026-12-14T14:00-05:00")
        with time_machine.travel(late + timedelta(minutes=40), tick=False):
            clinic.clients.clear()
            attendance.complete(
                actor=clinic.actor, appointment=first, actual_start=late, now=late + timedelta(minutes=30)
            )
            page = " ".join(re.sub(r"<[^>]+>", " ", card(clinic.client(NURSE), first)).split())
        assert "2 Mon 1 Mar 2027, 10:00 Mon 15 Mar 2027, 10:00" in page


class TestTheNextInTheChair:
    def url(self, running) -> str:
        return f"/floor/overruns/{running.pk}/"

    def fields(self, nurse, running) -> dict[str, str]:
        return forms(card(nurse, running), self.url(running))[0]

    def test_the_card_says_who_and_from_when(self, nurse, running, following):
        page = card(nurse, running)
        assert f"{following.patient.full_name} is next in Chair 1, from 11:15" in page
        assert "Swap to Chair 2" in page
        assert "next person waits for this chair" in nurse.get("/floor/day/").content.decode()

    def test_swapped_in_one_tap(self, clinic, nurse, running, following):
        fields = self.fields(nurse, running) | {"do": "swap"}
        assert nurse.post(self.url(running), fields).status_code == 302
        following.refresh_from_db()
        assert following.chair_id == clinic.chairs[1].pk
        assert nurse.post(self.url(running), fields).status_code == 302  # tapped twice it is one step
        assert Event.objects.filter(verb="move").count() == 1

    def test_twenty_minutes_later(self, nurse, running, following):
        nurse.post(self.url(running), self.fields(nurse, running) | {"do": "later"})
        before = following.start
        following.refresh_from_db()
        assert following.start == before + timedelta(minutes=20)

    def test_what_is_refused_says_why_and_what_works(self, clinic, nurse, running, following):
        for chair in (1, 2):
            clinic.book("2026-11-24T11:10-05:00", chair=chair, protocol=None, minutes=60)
        fields = self.fields(nurse, running)
        answer = nurse.post(self.url(running), fields | {"do": "swap"})
        page = unescape(answer.content.decode())
        assert answer.status_code == 409
        assert "No other chair is free and fitting" in page
        place = re.search(r'name="place" value="([^"]+)"', page).group(1)
        assert nurse.post(self.url(running), fields | {"do": "place", "place": place}).status_code == 302
        following.refresh_from_db()
        assert following.start.isoformat() in place.replace("Z", "+00:00")

    def test_the_desk_is_asked(self, nurse, running, following):
        nurse.post(self.url(running), self.fields(nurse, running) | {"do": "desk"})
        assert WorklistMark.objects.get().item == f"clash-overrun:{running.pk}"
        assert "The desk was asked at 10:42" in card(nurse, running)

    @pytest.mark.parametrize("place", ["", "9999|2026-11-24T12:00", "x|y", "1|2026-99-99T12:00Z"])
    def test_a_place_that_was_not_offered_is_none(self, nurse, running, following, place):
        answer = nurse.post(self.url(running), self.fields(nurse, running) | {"do": "place", "place": place})
        assert answer.status_code in (404, 409)


class TestReactions:
    def test_two_taps_and_the_observation_is_longer(self, nurse, running):
        page = card(nurse, running)
        assert '<button class="btn is-wide" name="kind" value="swelling">Swelling of face, mouth or throat' in page
        assert nurse.post(f"/floor/reactions/{running.pk}/", {"kind": "swelling"}).status_code == 302
        running.refresh_from_db()
        assert running.observation_minutes == 90
        assert "10:42 swelling of face, mouth or throat" in card(nurse, running)

    def test_it_is_undone_from_the_card(self, nurse, running):
        nurse.post(f"/floor/reactions/{running.pk}/", {"kind": "hives"})
        assert "Undo" in card(nurse, running)
        assert nurse.post(f"/appointments/{running.pk}/undo/").status_code == 302
        assert not Reaction.objects.exists()

    @pytest.mark.parametrize(("role", "says"), [(NURSE, True), (FRONT_DESK, False), (MANAGER, False)])
    def test_the_next_visit_is_flagged_in_words_for_nurses_alone(self, clinic, running, role, says):
        actor = make.make_actor(clinic.center, NURSE)
        reactions.react(actor=actor, appointment=running, kind="swelling", now=TEN)
        attendance.complete(actor=clinic.actor, appointment=running, now=NOW)
        coming = clinic.book("2026-11-24T15:00-05:00", patient=running.patient)
        page = card(clinic.client(role), coming)
        board = unescape(clinic.client(role).get(f"/board/day/2026-11-24/?visit={coming.pk}").content.decode())
        for shown in (page, board):
            assert ("Reaction on Tue 24 Nov: swelling of face, mouth or throat" in shown) is says
            assert ("See nurse" in shown) is not says

    @pytest.mark.parametrize(("role", "says"), [(NURSE, "Reaction on Tue 24 Nov: hives"), (FRONT_DESK, "See nurse")])
    def test_the_day_sheet_and_the_list_have_the_flag_too(self, clinic, running, role, says):
        actor = make.make_actor(clinic.center, NURSE)
        reactions.react(actor=actor, appointment=running, kind="hives", now=TEN)
        attendance.complete(actor=clinic.actor, appointment=running, now=NOW)
        clinic.book("2026-11-25T15:00-05:00", patient=running.patient)
        sheet = unescape(clinic.client(role).get("/sheet/day/2026-11-25/").content.decode())
        assert says in sheet
        assert (": hives" in sheet) is (role == NURSE)

    def test_a_reaction_after_the_print_marks_the_row_of_the_next_sheet(self, clinic, nurse, running):
        clinic.book("2026-11-25T15:00-05:00", patient=running.patient)
        nurse.post("/sheet/day/2026-11-25/")
        nurse.post(f"/floor/reactions/{running.pk}/", {"kind": "hives"})
        assert '<span class="mark">CHANGED</span>' in nurse.get("/sheet/day/2026-11-25/").content.decode()

    def test_after_a_treatment_without_one_the_flag_is_gone(self, clinic, nurse, running):
        actor = make.make_actor(clinic.center, NURSE)
        reactions.react(actor=actor, appointment=running, kind="hives", now=TEN)
        attendance.complete(actor=clinic.actor, appointment=running, now=NOW)
        between = clinic.book("2026-11-24T13:00-05:00", patient=running.patient)
        attendance.complete(actor=clinic.actor, appointment=between, actual_end=NOW, now=NOW)
        coming = clinic.book("2026-11-25T15:00-05:00", patient=running.patient)
        assert "Reaction on" not in card(nurse, coming)

    def test_the_desk_neither_sees_nor_records_one(self, clinic, running):
        reactions.react(actor=make.make_actor(clinic.center, NURSE), appointment=running, kind="hives", now=NOW)
        desk = clinic.client(FRONT_DESK)
        assert "hives" not in card(desk, running)
        assert desk.post(f"/floor/reactions/{running.pk}/", {"kind": "hives"}).status_code == 403


class TestTimes:
    def post(self, client, visit, **fields) -> int:
        return client.post(f"/floor/times/{visit.pk}/", {"reason": "From paper."} | fields).status_code

    def test_a_start_set_right(self, nurse, running):
        assert self.post(nurse, running, infusing="09:12") == 302
        running.refresh_from_db()
        assert running.actual_start == utc("2026-11-24T09:12-05:00")

    def test_what_stands_there_already_is_no_correction(self, nurse, running):
        self.post(nurse, running, arrived="08:55", infusing="09:00")
        assert Event.objects.get(verb="correct").after.keys() == {"arrived_at"}

    def test_yesterdays_visit_is_entered_from_paper(self, clinic, nurse):
        visit = clinic.book("2026-11-23T15:00-05:00")
        page = card(nurse, visit)
        assert 'name="infusing"' in page
        fields = {"arrived": "14:40", "in-chair": "14:45", "infusing": "15:02", "discharged": "16:50"}
        assert self.post(nurse, visit, **fields) == 302
        visit.refresh_from_db()
        assert (visit.status, visit.actual_start) == ("fulfilled", utc("2026-11-23T15:02-05:00"))
        assert Dose.objects.filter(appointment=visit).exists()

    def test_around_midnight_the_nearest_day_is_meant(self, clinic, nurse, stay):
        last = Appointment.objects.select_related("unit").get(visit__course=stay, visit__ordinal=3)
        with time_machine.travel(utc("2026-11-25T02:00-05:00"), tick=False):
            client = Client()
            client.force_login(make.make_user(clinic.center, NURSE))
            assert self.post(client, last, infusing="23:55") == 302
        last.refresh_from_db()
        assert last.actual_start == utc("2026-11-24T23:55-05:00")

    @pytest.mark.parametrize(
        "fields", [{"infusing": "23:59"}, {"arrived": "soon"}, {"arrived": "09:00", "reason": ""}, {}]
    )
    def test_what_cannot_be_is_said_on_the_card(self, nurse, running, fields):
        assert self.post(nurse, running, **fields) == 409

    def test_not_for_the_desk(self, clinic, running):
        assert self.post(clinic.client(FRONT_DESK), running, arrived="08:50") == 403


class TestSteps:
    def test_from_arrival_to_discharge_with_the_checklist_in_seven_taps_and_no_typing(self, clinic, nurse):
        asked = [
            {"code": "fructose", "question": "Fructose intolerance?", "needs_prescriber_if": "yes", "source": "V3"},
            {"code": "pressure", "question": "Pressure measured?", "needs_prescriber_if": "no", "source": "V6"},
        ]
        visit = clinic.book("2026-11-24T10:50-05:00", protocol=make.make_rescue(code="asked", checklist=asked))
        taps, seen = 0, []
        while Appointment.objects.get(pk=visit.pk).status != "fulfilled":
            page = card(nurse, visit)
            found = re.findall(r"<form.*?</form>", page, re.S)
            rest = [part for part in found if "/rest/" in part and "Asked all" in part]
            primary = [part for part in found if "btn is-primary is-wide" in part]
            form = primary[0] if primary else rest[0]
            fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
            answer = nurse.post(re.search(r'action="([^"]+)"', form).group(1), fields)
            assert answer.status_code == 302
            taps += 1
            seen.append(re.search(r"<button[^>]*>(.*?)</button>", form, re.S).group(1))
        assert taps <= 7, seen
        assert [each.says for each in ChecklistAnswer.objects.order_by("code")] == ["no", "yes"]
        done = Appointment.objects.get(pk=visit.pk)
        times = (done.arrived_at, done.checked_in_at, done.in_chair_at, done.actual_start, done.discharged_at)
        assert None not in times
        assert "Chair cleaned" in card(nurse, visit)

    def test_a_tap_sent_twice_is_one_step(self, clinic, nurse):
        visit = clinic.book("2026-11-24T10:50-05:00")
        fields = {"from": "floor", "version": "1", "next": "/floor/day/"}
        for _ in range(2):
            assert nurse.post(f"/appointments/{visit.pk}/arrive/", fields).status_code == 302
        assert Event.objects.filter(verb="arrive").count() == 1

    def test_two_nurses_on_one_step_it_is_one_and_both_see_it(self, clinic, nurse, running):
        other = Client()
        other.force_login(make.make_user(clinic.center, NURSE))
        fields = {"from": "floor", "version": str(running.version), "value": "observing", "next": "/floor/day/"}
        for client in (nurse, other):
            assert client.post(f"/appointments/{running.pk}/phase/", fields).status_code == 302
        assert Event.objects.filter(verb="phase").count() == 1

    def test_partly_given_because_she_vomited_is_two_taps(self, nurse, running):
        page = card(nurse, running)
        form = next(part for part in re.findall(r"<form.*?</form>", page, re.S) if 'value="partial"' in part)
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)) | {"reason": "vomited"}
        assert nurse.post(f"/appointments/{running.pk}/complete/", fields).status_code == 302
        running.refresh_from_db()
        assert (running.outcome, running.reason) == ("partial", "Vomited")
        assert Dose.objects.get().status == "partial"

    def test_late_ones_stand_out_by_words_and_by_shape(self, clinic, nurse, running):
        late = clinic.book("2026-11-24T10:00-05:00", chair=1)
        page = unescape(nurse.get("/floor/day/").content.decode())
        for visit, said in ((late, "late, since 09:40"), (running, "over, since 10:15")):
            seat = page.partition(f'data-seat="{visit.pk}"')[2].partition("</a>")[0]
            assert 'class="timer is-over"' in seat
            assert said in seat

    def test_the_page_asks_no_more_questions_for_many_courses(self, clinic, nurse, stay, django_assert_max_num_queries):
        nurse.get("/floor/suite-24/")
        with django_assert_max_num_queries(36):
            nurse.get("/floor/suite-24/")
