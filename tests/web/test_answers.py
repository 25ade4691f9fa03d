"""The links in mails: opening changes nothing, a tap acts once, and what no longer holds is said."""

from __future__ import annotations

import base64
import re
import secrets
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail as outbox
from django.test import Client

from scheduler.domain.errors import Stale
from scheduler.domain.permissions import Actor
from scheduler.models import Access, Appointment, Event, LedgerEntry, Link
from scheduler.services import booking, links
from scheduler.services.sending import send_due
from scheduler.web import answers
from tests.factories import NOW, utc
from tests.services.test_offers import Full
from tests.support.clinic import Clinic, entries, place, run
from tests.support.threads import together

ADDRESS = re.compile(r"https?://[^/\s\"]+(/v/[^/\s\"]+/)")
SCANNERS = 50
TAMPERED = 10_000


@pytest.fixture(autouse=True)
def clock():
    answers.meter.forget()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def unmetered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "A_MINUTE", 10**9)


def mailed(clinic: Clinic, **booked: Any) -> tuple[Appointment, dict[str, str]]:
    """A booking and the addresses in its mail, by purpose."""
    appointment = clinic.book(**booked)
    send_due(now=NOW)
    return appointment, links_of(outbox.outbox[-1].body)


def links_of(body: str) -> dict[str, str]:
    return {links.find(path.split("/")[2]).purpose: path for path in ADDRESS.findall(body)}


@pytest.fixture
def told(db: None) -> tuple[Appointment, dict[str, str]]:
    return mailed(Clinic(mail_name="Lakeside Center"))


def state() -> list[Any]:
    """Everything that an answer could change."""
    return [
        list(Appointment.objects.order_by("pk").values()),
        list(LedgerEntry.objects.order_by("pk").values()),
        list(Link.objects.order_by("pk").values()),
        list(Event.objects.order_by("pk").values()),
    ]


@pytest.mark.django_db
class TestOpening:
    def test_a_mail_has_one_link_for_each_answer(self, told):
        _appointment, addresses = told
        assert set(addresses) == {"confirm", "cancel", "another-time", "stop"}
        [sent] = outbox.outbox
        for path in addresses.values():
            assert path in sent.alternatives[0].content
        assert addresses["stop"] in sent.extra_headers["List-Unsubscribe"]
        assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_fifty_scanners_change_nothing_and_her_own_tap_still_works(self, client, told, unmetered):
        appointment, addresses = told
        before = state()
        for _ in range(SCANNERS):
            for path in addresses.values():
                assert client.get(path).status_code == 200
                assert client.head(path).status_code == 200
        assert state() == before
        assert client.post(addresses["confirm"]).status_code == 302
        appointment.refresh_from_db()
        assert appointment.confirmed_at == NOW

    def test_it_says_when_where_and_whom_to_call_and_has_one_button(self, client, told):
        _appointment, addresses = told
        page = client.get(addresses["confirm"])
        text = page.content.decode()
        for part in ("Tuesday 24 November", "10:00 am", "Lakeside Center", "1 Lake Street", "212 555 0100"):
            assert part in text
        assert text.count("<button") == 1
        assert "no-store" in page["Cache-Control"]
        assert not page.cookies

    def test_nothing_on_the_page_tells_why(self, client, told):
        for path in told[1].values():
            text = client.get(path).content.decode().lower()
            for word in ("eptinezumab", "dhe", "migraine", "infusion", "headache", "mrn", "1985", "rivera"):
                assert word not in text

    def test_every_opening_is_on_record_by_the_links_id(self, client, told):
        client.get(told[1]["cancel"])
        row = Access.objects.get(what="own-visit")
        assert row.actor == f"link:{Link.objects.get(purpose='cancel').pk}"

    def test_other_methods_are_refused(self, client, told):
        for method in ("put", "patch", "delete", "options"):
            assert getattr(client, method)(told[1]["cancel"]).status_code == 405

    def test_tokens_are_kept_as_hashes_only(self, told):
        kept = str(list(Link.objects.values()))
        for path in told[1].values():
            assert path.split("/")[2] not in kept


@pytest.mark.django_db
class TestAnswering:
    def test_a_confirmation_is_kept_and_said(self, client, told):
        _appointment, addresses = told
        page = client.post(addresses["confirm"], follow=True)
        assert "We expect you" in page.content.decode()
        event = Event.objects.get(verb="confirm")
        assert event.actor == f"link:{Link.objects.get(purpose='confirm').pk}"

    def test_it_works_without_cookies_as_a_mail_programs_browser_has_none(self, told):
        strict = Client(enforce_csrf_checks=True)
        assert strict.post(told[1]["cancel"]).status_code == 302
        assert Appointment.objects.get(pk=told[0].pk).status == "cancelled"

    def test_a_cancellation_frees_the_place_and_the_visit_is_not_lost(self, client, db):
        clinic = Clinic()
        course = clinic.quarterly_course(doses=1, start=utc("2026-11-24T10:00-05:00"))
        [appointment] = place(course)
        send_due(now=NOW + timedelta(minutes=1))
        addresses = links_of(outbox.outbox[-1].body)
        page = client.post(addresses["cancel"], follow=True)
        assert "cancelled" in page.content.decode()
        assert course.visits.get().state == "unplaced"
        assert not hasattr(Appointment.objects.get(pk=appointment.pk), "occupancy")

    def test_a_second_tap_does_nothing_more(self, client, told):
        for purpose in ("confirm", "another-time", "stop"):
            client.post(told[1][purpose])
            before = state()
            assert client.post(told[1][purpose]).status_code == 302
            assert state() == before

    def test_a_confirmed_visit_can_still_be_cancelled_by_the_same_mail(self, client, told):
        client.post(told[1]["confirm"])
        client.post(told[1]["cancel"])
        assert Appointment.objects.get(pk=told[0].pk).status == "cancelled"
        assert "has changed" in client.get(told[1]["confirm"]).content.decode()

    def test_stop_is_honoured_at_once_and_the_desk_calls_instead(self, client, told):
        appointment, addresses = told
        page = client.post(addresses["stop"], follow=True)
        assert "no more mails" in page.content.decode()
        clinic_day = appointment.start - timedelta(days=3)
        count = len(outbox.outbox)
        run("send-reminders", clinic_day.replace(hour=16))
        assert len(outbox.outbox) == count
        assert ("reminder", "call", 3, "due") in entries()

    def test_a_mail_programs_own_one_click_stop_works(self, client, told):
        answer = client.post(told[1]["stop"], {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert Event.objects.filter(verb="stop-messages").count() == 1


@pytest.mark.django_db
class TestAnotherTime:
    def test_where_the_center_does_not_allow_it_somebody_calls(self, client, told):
        appointment, addresses = told
        assert "These times are free" not in client.get(addresses["another-time"]).content.decode()
        page = client.post(addresses["another-time"], follow=True)
        assert "We will call you" in page.content.decode()
        [call] = LedgerEntry.objects.filter(kind="call-back")
        assert (call.channel, call.state, call.appointment_id) == ("call", "due", appointment.pk)
        assert Appointment.objects.get(pk=appointment.pk).status == "booked"

    def test_free_times_of_its_window_are_offered_and_one_is_taken(self, client, db):
        clinic = Clinic(patients_choose_times=True)
        course = clinic.quarterly_course(doses=1, start=utc("2026-11-24T10:00-05:00"))
        [appointment] = place(course)
        send_due(now=NOW + timedelta(minutes=1))
        path = links_of(outbox.outbox[-1].body)["another-time"]
        places = re.findall(r'name="place" value="([^"]+)"', client.get(path).content.decode())
        assert 1 < len(places) <= 6
        visit = course.visits.get()
        for text in places:
            start = utc(text.partition("@")[2])
            assert visit.window_start <= start < visit.window_end
            assert 7 <= start.astimezone(clinic.center.zone).hour < 21
        page = client.post(path, {"place": places[0]}, follow=True)
        assert "new time" in page.content.decode()
        appointment.refresh_from_db()
        assert appointment.start == utc(places[0].partition("@")[2])
        assert ("moved", "email", 0, "due") in entries()

    @pytest.mark.parametrize(
        "text", ["1@2026-11-24T03:00+00:00", "999@2026-11-25T10:00-05:00", "1@2027-11-25T10:00-05:00"]
    )
    def test_a_time_that_was_not_offered_is_refused(self, client, db, text):
        appointment, addresses = mailed(Clinic(patients_choose_times=True))
        answer = client.post(addresses["another-time"], {"place": text})
        assert answer.status_code == 409
        assert Appointment.objects.get(pk=appointment.pk).start == appointment.start

    def test_a_time_that_somebody_else_took_meanwhile_leaves_the_others(self, client, db):
        clinic = Clinic(chairs=1, patients_choose_times=True)
        appointment, addresses = mailed(clinic)
        places = re.findall(r'name="place" value="([^"]+)"', client.get(addresses["another-time"]).content.decode())
        clinic.book(clinic.patient(), places[0].partition("@")[2])
        answer = client.post(addresses["another-time"], {"place": places[0]})
        assert (answer.status_code, "just been taken" in answer.content.decode()) == (409, True)
        assert Appointment.objects.get(pk=appointment.pk).start == appointment.start
        assert client.post(addresses["another-time"], {"place": places[-1]}).status_code == 302

    def test_a_dose_of_a_stay_moves_by_a_call_only(self, client, db):
        clinic = Clinic(patients_choose_times=True)
        first = place(clinic.stay())[0]
        entry = LedgerEntry.objects.filter(course=first.visit.course).first()
        tokens = links.make(entry=entry, contact=first.patient.contacts.get(), appointment=first, now=NOW)
        assert "These times are free" not in client.get(f"/v/{tokens['another-time']}/").content.decode()


@pytest.mark.django_db
class TestRefusing:
    def test_a_stale_link_says_that_the_visit_has_changed_and_does_nothing(self, client, db):
        clinic = Clinic()
        appointment, addresses = mailed(clinic)
        clinic.move(appointment, "2026-11-25T11:00-05:00")
        before = state()
        for purpose in ("confirm", "cancel", "another-time"):
            page = client.post(addresses[purpose], follow=True)
            text = page.content.decode()
            assert "This visit has changed" in text
            assert "11:00 am" in text
            assert "212 555 0100" in text
        assert state() == before

    def test_after_the_start_nothing_is_accepted(self, client, told, clock):
        appointment, addresses = told
        clock.move_to(appointment.start)
        before = state()
        for purpose in ("confirm", "cancel", "another-time"):
            page = client.post(addresses[purpose], follow=True)
            assert "has come" in page.content.decode()
        assert state() == before

    def test_ten_thousand_tampered_tokens_look_like_unknown_ones_and_none_is_accepted(self, client, told, unmetered):
        good = told[1]["confirm"].split("/")[2]
        unknown = links._token(Link.Purpose.CONFIRM)  # signed, and never given out
        expected = client.post(f"/v/{unknown}/")
        assert expected.status_code == 404
        before = state()
        for number in range(TAMPERED):
            at = number % len(good)
            sign = next(sign for sign in "bcdfghjklmnpqrstvwxz" if sign != good[at])
            tampered = good[:at] + sign + good[at + 1 :]
            tampered = tampered if number < len(good) else secrets.token_urlsafe(60)[: len(good)]
            assert links._signed_purpose(tampered) is None
        for number in range(len(good)):
            sign = "x" if good[number] != "x" else "y"
            answer = client.post(f"/v/{good[:number] + sign + good[number + 1 :]}/")
            assert (answer.status_code, answer.content) == (404, expected.content)
        assert state() == before

    def test_a_token_of_another_purpose_is_none(self, told):
        good = told[1]["confirm"].split("/")[2]
        chance = good[: links._RANDOM_SIGNS]
        for purpose in (Link.Purpose.CANCEL, Link.Purpose.ANOTHER_TIME, Link.Purpose.STOP):
            with pytest.raises(links.NotFound):
                links.find(chance + links._signature(purpose, chance))

    @pytest.mark.parametrize(
        "token", ["", "a", "é" * 64, "b" * 64, "a" * 5000, "%00", base64.b64encode(b"x" * 42).decode()]
    )
    def test_nonsense_is_unknown(self, client, db, token):
        assert client.get(f"/v/{token}/").status_code == 404

    def test_who_asks_too_often_waits(self, client, told):
        answered = [client.get(told[1]["confirm"]).status_code for _ in range(answers.A_MINUTE + 5)]
        assert answered[0] == 200
        assert answered[-1] == 429

    def test_tokens_stay_out_of_the_log(self, client, told, caplog):
        client.get("/v/nonsense/")
        client.post(told[1]["confirm"])
        for path in told[1].values():
            assert path.split("/")[2] not in caplog.text


def test_of_a_hundred_taps_at_once_one_is_a_transition(committed_db, monkeypatch):
    monkeypatch.setattr(answers, "A_MINUTE", 10**9)
    clinic = Clinic()
    appointment, addresses = mailed(clinic)
    taps = [lambda: Client().post(addresses["cancel"]).status_code for _ in range(100)]
    assert set(together(taps)) <= {302, 503}
    assert Event.objects.filter(verb="cancel").count() == 1
    assert Appointment.objects.get(pk=appointment.pk).status == "cancelled"


def test_a_tap_and_the_desk_at_once_leave_one_of_them(committed_db):
    clinic = Clinic()
    for hour in range(9, 13):
        outbox.outbox.clear()
        appointment, addresses = mailed(clinic, patient=clinic.patient(), start=f"2026-11-25T{hour:02}:00-05:00")

        def by_desk(appointment: Appointment = appointment, hour: int = hour) -> Any:
            try:
                return booking.move(
                    actor=Actor.job("desk"),
                    appointment=appointment,
                    start=utc(f"2026-11-26T{hour:02}:00-05:00"),
                    now=NOW,
                )
            except Exception as refused:  # noqa: BLE001 - which of the two was second is chance
                return refused

        together([lambda path=addresses["cancel"]: Client().post(path), by_desk])
        row = Appointment.objects.get(pk=appointment.pk)
        assert (row.status, row.start == appointment.start) in {("cancelled", True), ("booked", False)}


@pytest.mark.django_db
def test_a_tap_goes_by_the_visit_that_it_was_judged_by(monkeypatch):
    """The desk moves it between the look and the deed: the tap is told so, and cancels nothing."""
    clinic = Clinic()
    appointment, addresses = mailed(clinic, patient=clinic.patient(), start="2026-11-25T09:00-05:00")
    look = links.standing

    def looked(link: Any, now: Any) -> Any:
        found = look(link, now)
        moved = Appointment.objects.get(pk=appointment.pk)
        booking.move(actor=Actor.job("desk"), appointment=moved, start=utc("2026-11-26T09:00-05:00"), now=NOW)
        return found

    token = addresses["cancel"].strip("/").rpartition("/")[2]
    link = links.find(token)
    monkeypatch.setattr(links, "standing", looked)
    with pytest.raises(Stale):
        links.cancel(link=link, now=NOW)
    assert Appointment.objects.get(pk=appointment.pk).status == "booked"


@pytest.mark.django_db
class TestOffers:
    @pytest.fixture
    def offered(self) -> tuple[Appointment, str]:
        full = Full(mail_name="Lakeside Center")
        entry = full.wait(10)
        send_due(now=NOW)
        full.free(NOW)
        send_due(now=NOW)
        assert entry.appointment is not None
        return entry.appointment, links_of(outbox.outbox[-1].body)["offer"]

    def test_it_shows_both_times_and_a_yes_moves_her(self, client, offered):
        appointment, path = offered
        text = client.get(path).content.decode()
        assert "Thursday 19 November" in text
        assert "Instead of Tuesday 24 November, 10:00 am" in text
        page = client.post(path, {"answer": "yes"}, follow=True)
        assert "new time" in page.content.decode()
        appointment.refresh_from_db()
        assert appointment.start == utc("2026-11-19T08:00-05:00")

    def test_a_no_keeps_her_time_and_her_place_on_the_list(self, client, offered):
        appointment, path = offered
        page = client.post(path, {"answer": "no"}, follow=True)
        assert "stays as it is" in page.content.decode()
        assert appointment.waitlist.get().closed_at is None

    def test_who_comes_second_is_told_kindly(self, client, offered):
        appointment, path = offered
        desk = Clinic.__new__(Full)
        desk.__dict__.update({"center": appointment.center, "chairs": [appointment.chair], "actor": Actor.job("desk")})
        desk.book(desk.patient(), "2026-11-19T08:00-05:00", minutes=600)
        answer = client.post(path, {"answer": "yes"})
        assert answer.status_code == 409
        assert "no longer free" in answer.content.decode()
        assert Appointment.objects.get(pk=appointment.pk).start == appointment.start

    def test_after_its_end_nothing_is_accepted(self, client, offered, clock):
        appointment, path = offered
        clock.shift(timedelta(hours=3))
        page = client.post(path, {"answer": "yes"}, follow=True)
        assert "no longer free" in page.content.decode()
        assert Appointment.objects.get(pk=appointment.pk).start == appointment.start
