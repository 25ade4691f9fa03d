"""The waiting list and the messages' operations, as the desk uses them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scheduler.domain.permissions import AUDITOR, FRONT_DESK
from scheduler.models import Event, LedgerEntry, Offer, WaitlistEntry
from scheduler.services import breaker, offers
from tests import factories as make
from tests.web.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def booked(clinic):
    return clinic.book("2026-12-03T10:00-05:00")


@pytest.fixture
def desk(clinic):
    return clinic.client(FRONT_DESK)


@pytest.fixture
def entry(desk, booked) -> WaitlistEntry:
    body = {"do": "add", "appointment": booked.pk, "from": "2026-11-25", "until": "2026-12-02", "part": "morning"}
    assert desk.post("/waitlist/act/", body | {"day2": "1", "priority": "1"}).status_code == 302
    return WaitlistEntry.objects.get()


@pytest.fixture
def offer(entry) -> Offer:
    assert offers.offer_freed(now=NOW)["offered"] == 1
    return Offer.objects.get()


class TestWaiting:
    def test_a_booking_is_put_on_the_list_from_its_panel(self, desk, clinic, booked, entry):
        assert (entry.part, entry.weekdays, entry.priority) == ("morning", [2], 1)
        page = desk.get(f"/board/{booked.unit.code}/2026-12-03/?visit={booked.pk}").content.decode()
        assert "Wants to come earlier" not in page  # she waits already
        assert booked.patient.listed_name in desk.get("/waitlist/").content.decode()

    def test_the_panel_offers_it_for_a_booking_to_come(self, desk, booked):
        page = desk.get(f"/board/{booked.unit.code}/2026-12-03/?visit={booked.pk}").content.decode()
        assert f"/waitlist/?appointment={booked.pk}" in page
        assert booked.patient.full_name in desk.get(f"/waitlist/?appointment={booked.pk}").content.decode()

    def test_a_range_that_makes_no_sense_is_said(self, desk, booked):
        body = {"do": "add", "appointment": booked.pk, "from": "2026-12-10", "until": "2026-12-12"}
        answer = desk.post("/waitlist/act/", body)
        assert answer.status_code == 400
        assert "none that is earlier" in answer.content.decode()

    def test_the_desk_answers_for_her_on_the_phone(self, desk, offer, booked):
        assert offer.chair.name in desk.get("/waitlist/").content.decode()
        assert desk.post("/waitlist/act/", {"do": "accept", "id": offer.pk}).status_code == 302
        booked.refresh_from_db()
        assert booked.start == offer.start
        assert "Nobody waits" in desk.get("/waitlist/").content.decode()

    @pytest.mark.parametrize(("do", "state"), [("decline", "declined"), ("withdraw", "withdrawn")])
    def test_the_desk_steps_in(self, desk, offer, do, state):
        assert desk.post("/waitlist/act/", {"do": do, "id": offer.pk}).status_code == 302
        offer.refresh_from_db()
        assert offer.state == state

    def test_an_offer_that_is_over_is_said(self, desk, offer):
        desk.post("/waitlist/act/", {"do": "decline", "id": offer.pk})
        answer = desk.post("/waitlist/act/", {"do": "accept", "id": offer.pk})
        assert (answer.status_code, "is over" in answer.content.decode()) == (409, True)

    def test_priority_and_removal_are_on_record(self, desk, entry):
        desk.post("/waitlist/act/", {"do": "priority", "id": entry.pk, "priority": "2"})
        entry.refresh_from_db()
        assert entry.priority == 2
        desk.post("/waitlist/act/", {"do": "remove", "id": entry.pk})
        entry.refresh_from_db()
        assert entry.closed_at == NOW
        verbs = list(Event.objects.order_by("pk").values_list("verb", flat=True))
        assert verbs[-2:] == ["prioritise", "stop-waiting"]

    @pytest.mark.parametrize("do", ["remove", "priority", "withdraw", "accept", "add"])
    def test_another_centers_things_are_not_there(self, offer, entry, do):
        stranger = Client()
        stranger.force_login(make.make_user(make.make_center(), FRONT_DESK))
        for pk in (offer.pk, entry.pk):
            body = {"do": do, "id": pk, "appointment": entry.appointment_id, "priority": "2"}
            assert stranger.post("/waitlist/act/", body).status_code == 404

    def test_an_auditor_does_not_see_it(self, clinic):
        assert clinic.client(AUDITOR).get("/waitlist/").status_code == 403


class TestMessages:
    @pytest.fixture
    def failed(self, booked) -> LedgerEntry:
        entry = LedgerEntry.objects.filter(appointment=booked, kind="booked").get()
        entry.state, entry.attempts, entry.error, entry.done_at = "failed", 3, "550", NOW
        entry.channel = "email"
        entry.save()
        return entry

    def test_it_shows_how_the_mails_stand(self, desk, failed):
        page = desk.get("/messages/").content.decode()
        assert failed.patient.listed_name in page
        assert "550" in page

    def test_a_server_that_is_down_is_said_in_plain_words(self, desk, failed):
        assert "has not answered" not in desk.get("/messages/").content.decode()
        line = breaker.Line("email")
        for _ in range(breaker.FAULTS_IN_A_ROW):
            line.faulted("SMTPConnectError 421", at=NOW)
        page = desk.get("/messages/").content.decode()
        assert "The mail server has not answered since" in page
        assert "One message is tried each minute" in page
        assert "SMTPConnectError 421" in page
        assert "provider of text messages" not in page

    def test_a_stuck_one_is_sent_again(self, desk, failed):
        assert desk.post(f"/messages/{failed.pk}/send/").status_code == 302
        failed.refresh_from_db()
        assert (failed.state, failed.attempts, failed.due) == ("due", 0, NOW)
        assert Event.objects.filter(verb="send-again").count() == 1

    def test_what_was_sent_is_not_sent_twice(self, desk, failed):
        LedgerEntry.objects.filter(pk=failed.pk).update(state="sent")
        assert desk.post(f"/messages/{failed.pk}/send/").status_code == 409

    def test_a_row_that_its_sender_left_behind_is_mended_and_one_in_flight_is_not(self, desk, failed):
        for ago, status in ((timedelta(minutes=1), 409), (timedelta(minutes=6), 302)):
            LedgerEntry.objects.filter(pk=failed.pk).update(state="claimed", claimed_at=NOW - ago)
            assert desk.post(f"/messages/{failed.pk}/send/").status_code == status

    def test_another_centers_message_is_not_there(self, failed):
        stranger = Client()
        stranger.force_login(make.make_user(make.make_center(), FRONT_DESK))
        assert stranger.post(f"/messages/{failed.pk}/send/").status_code == 404

    def test_it_asks_the_same_few_questions_however_many_there_are(self, desk, clinic):
        def questions() -> int:
            LedgerEntry.objects.update(state="failed", done_at=NOW, channel="email")
            with CaptureQueriesContext(connection) as asked:
                desk.get("/messages/")
                return len(asked)

        clinic.book("2026-12-04T10:00-05:00")
        desk.get("/messages/")  # the worklist's number is kept for some seconds
        few = questions()
        for day in range(7, 12):
            clinic.book(f"2026-12-{day:02}T10:00-05:00")
        assert questions() == few <= 20
