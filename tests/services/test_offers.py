"""Freed places: offered to the best match, taken by the first who says yes, and never in anybody's way."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail as outbox

from scheduler.domain.errors import Refused, Stale
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Event, LedgerEntry, Offer, WaitlistEntry
from scheduler.queries import integrity
from scheduler.services import offers
from scheduler.services.sending import send_due
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, entries, run
from tests.support.threads import together

FREED = utc("2026-11-19T08:00-05:00")  # a Thursday
SHE = Actor(who="link:1", role="link", center_id=None)
LATER = NOW + timedelta(minutes=1)


class Full(Clinic):
    """One chair, taken all day until 24 November, where those who wait are booked."""

    def __init__(self, **center: Any) -> None:
        super().__init__(chairs=1, beds=0, **center)
        self.book(self.patient(), "2026-11-16T12:00-05:00", minutes=360)
        for day in (17, 18, 20, 23):
            self.book(self.patient(), f"2026-11-{day}T08:00-05:00", minutes=600)
        self.blocker = self.book(self.patient(), "2026-11-19T08:00-05:00", minutes=600)

    def wait(self, hour: int = 10, minute: int = 0, *, created_at: datetime = NOW, **values: Any) -> WaitlistEntry:
        patient = self.patient(f"w{hour}@example.org")
        mine = self.book(patient, f"2026-11-24T{hour:02}:{minute:02}-05:00", minutes=30)
        return WaitlistEntry.objects.create(
            center=self.center,
            patient=patient,
            appointment=mine,
            created_at=created_at,
            **{"earliest": NOW, "latest": utc("2026-11-24T08:00-05:00")} | values,
        )

    def free(self, at: datetime = LATER) -> dict[str, int]:
        self.cancel(self.blocker, now=at)
        return run("offer-slots", at)


def offered() -> list[tuple[int, str]]:
    return list(Offer.objects.order_by("pk").values_list("entry", "state"))


@pytest.mark.django_db
class TestWhoIsAsked:
    def test_the_longest_waiting_first_and_one_at_a_time(self):
        full = Full()
        first = full.wait(10, created_at=NOW - timedelta(days=2))
        second = full.wait(11, created_at=NOW - timedelta(days=1))
        assert full.free() == {"offered": 2}
        one, other = Offer.objects.order_by("pk")
        assert (one.entry_id, one.start) == (first.pk, FREED)
        assert (other.entry_id, other.start) == (second.pk, FREED + timedelta(minutes=30))

    def test_the_urgent_before_those_who_wait_longer(self):
        full = Full()
        full.wait(10, created_at=NOW - timedelta(days=2))
        urgent = full.wait(11, priority=WaitlistEntry.Priority.URGENT)
        full.free()
        assert Offer.objects.get(start=FREED).entry_id == urgent.pk

    def test_a_few_at_once_where_the_center_says_so(self):
        full = Full(offers_at_once=3)
        for hour in range(9, 14):
            full.wait(hour)
        full.free()
        assert Offer.objects.filter(start=FREED).count() == 3

    @pytest.mark.parametrize(
        ("wish", "start"),
        [
            ({"part": "afternoon"}, "2026-11-19T12:00-05:00"),
            ({"weekdays": [3]}, "2026-11-19T08:00-05:00"),
            ({"earliest": utc("2026-11-19T15:00-05:00")}, "2026-11-19T15:00-05:00"),
        ],
    )
    def test_only_when_she_can_come(self, wish, start):
        full = Full()
        full.wait(10, **wish)
        assert full.free() == {"offered": 1}
        assert Offer.objects.get().start == utc(start)

    @pytest.mark.parametrize("wish", [{"weekdays": [0, 1]}, {"latest": utc("2026-11-19T08:00-05:00")}])
    def test_not_when_she_cannot(self, wish):
        full = Full()
        full.wait(10, **wish)
        assert full.free() == {}

    def test_not_so_soon_as_the_center_says(self):
        full = Full(offer_notice_hours=24 * 3 + 1)  # the place is free in less than three days
        full.wait(10)
        full.free()
        assert Offer.objects.get().start >= LATER + timedelta(hours=73)

    def test_nobody_is_asked_at_night(self):
        full = Full()
        full.wait(10)
        night = utc("2026-11-16T22:00-05:00")
        assert full.free(night) == {}

    def test_nobody_is_asked_too_often(self):
        full = Full(offers_a_week=1)
        entry = full.wait(10)
        full.free()
        offers.decline(actor=SHE, offer=Offer.objects.get(), now=LATER)
        assert run("offer-slots", LATER + timedelta(minutes=1)) == {}
        assert offered() == [(entry.pk, "declined")]

    def test_what_she_let_pass_is_not_offered_to_her_again(self):
        full = Full()
        full.wait(10)
        full.free()
        offers.decline(actor=SHE, offer=Offer.objects.get(), now=LATER)
        run("offer-slots", LATER + timedelta(minutes=1))
        assert len(set(Offer.objects.values_list("start", flat=True))) == Offer.objects.count() == 2

    def test_without_an_answer_it_ends_and_the_next_one_is_asked(self):
        full = Full()
        first = full.wait(10, created_at=NOW - timedelta(days=1), earliest=FREED, latest=FREED + timedelta(minutes=15))
        second = full.wait(11, earliest=FREED, latest=FREED + timedelta(minutes=15))
        assert full.free() == {"offered": 1}
        end = LATER + timedelta(minutes=full.center.offer_minutes)
        assert run("offer-slots", end) == {"expired": 1, "offered": 1}
        assert offered() == [(first.pk, "expired"), (second.pk, "open")]


@pytest.mark.django_db
class TestAnswers:
    def test_who_says_yes_has_it_and_her_old_place_is_free_at_once(self):
        full = Full()
        entry = full.wait(10)
        send_due(now=NOW)
        full.free()
        offers.accept(actor=SHE, offer=Offer.objects.get(), now=LATER)
        entry.refresh_from_db()
        appointment = Appointment.objects.get(pk=entry.appointment_id)
        assert appointment.start == FREED
        assert entry.closed_at == LATER
        full.book(full.patient(), "2026-11-24T10:00-05:00")  # her old place
        assert list(Event.objects.filter(actor="link:1").values_list("verb", flat=True)) == ["move", "accept-offer"]
        assert ("moved", "email", 0, "due") in entries(appointment=appointment)
        assert integrity.check(now=LATER) == []

    def test_the_others_are_told_kindly_and_wait_on(self):
        full = Full(offers_at_once=2)
        first, second = full.wait(10), full.wait(11)
        full.free()
        send_due(now=LATER)
        outbox.outbox.clear()
        offers.accept(actor=SHE, offer=Offer.objects.get(entry=first), now=LATER)
        assert offered() == [(first.pk, "accepted"), (second.pk, "gone")]
        send_due(now=LATER)
        [gone] = [sent for sent in outbox.outbox if sent.to == ["w11@example.org"]]
        assert "no longer free" in gone.subject
        assert "We are sorry" in gone.body
        second.refresh_from_db()
        assert second.closed_at is None

    def test_who_never_heard_of_it_hears_nothing(self):
        full = Full(offers_at_once=2)
        first, second = full.wait(10), full.wait(11)
        full.free()
        offers.accept(actor=SHE, offer=Offer.objects.get(entry=first), now=LATER)
        assert entries(patient=second.patient_id, kind="offer") == [("offer", "email", 0, "superseded")]
        assert entries(kind="offer-gone") == []

    def test_a_place_that_the_desk_gave_away_is_refused_and_her_visit_stays(self):
        full = Full()
        entry = full.wait(10)
        full.free()
        full.book(full.patient(), "2026-11-19T08:00-05:00", minutes=600)
        with pytest.raises(Refused):
            offers.accept(actor=SHE, offer=Offer.objects.get(), now=LATER)
        assert offered() == [(entry.pk, "gone")]
        assert Appointment.objects.get(pk=entry.appointment_id).start == utc("2026-11-24T10:00-05:00")

    def test_the_job_tells_her_when_the_place_is_gone(self):
        full = Full()
        full.wait(10)
        full.free()
        send_due(now=LATER)
        full.book(full.patient(), "2026-11-19T08:00-05:00", minutes=600)
        assert run("offer-slots", LATER)["gone"] == 1
        assert entries(kind="offer-gone") == [("offer-gone", "email", 0, "due")]

    @pytest.mark.parametrize("what", ["end", "moved", "twice", "withdrawn"])
    def test_an_offer_that_is_over_changes_nothing(self, what):
        full = Full()
        entry = full.wait(10)
        full.free()
        offer, at = Offer.objects.get(), LATER
        if what == "end":
            at = offer.expires_at
        elif what == "moved":
            full.move(entry.appointment, "2026-11-24T14:00-05:00")
        elif what == "twice":
            offers.decline(actor=SHE, offer=offer, now=at)
        else:
            offers.withdraw(actor=full.actor, center=full.center, pk=offer.pk, now=at)
        start = Appointment.objects.get(pk=entry.appointment_id).start
        with pytest.raises(Stale):
            offers.accept(actor=SHE, offer=offer, now=at)
        assert Appointment.objects.get(pk=entry.appointment_id).start == start

    def test_a_mail_about_an_offer_says_both_times_and_nothing_of_why(self):
        full = Full(mail_name="Lakeside Center")
        full.wait(10)
        full.free()
        send_due(now=LATER)
        sent = outbox.outbox[-1]
        assert sent.subject == "Earlier: Thursday 19 November, 8:00 am is free"
        for part in (sent.body, sent.alternatives[0].content):
            assert "Tuesday 24 November, 10:00 am" in part
            assert re.search(r"/v/[a-z]{64}/", part)
            for word in ("migraine", "infusion", "eptinezumab", "dhe", "treatment"):
                assert word not in part.lower()

    def test_without_an_address_somebody_calls(self):
        full = Full()
        entry = full.wait(10)
        entry.patient.contacts.update(email="")
        full.free()
        assert entries(kind="offer") == [("offer", "call", 0, "due")]
        assert LedgerEntry.objects.get(kind="offer").offer_id == Offer.objects.get().pk


def test_of_twenty_who_accept_one_place_at_once_one_has_it(committed_db):
    full = Full(offers_at_once=50)
    waiting = [full.wait(hour, minute) for hour in range(8, 18) for minute in (0, 30)]
    full.cancel(full.blocker, now=LATER)
    for entry in waiting:
        Offer.objects.create(
            center=full.center,
            entry=entry,
            appointment=entry.appointment,
            appointment_start=entry.appointment.start,
            chair=full.chairs[0],
            start=FREED,
            taken_from=FREED,
            taken_until=FREED + timedelta(minutes=30),
            created_at=LATER,
            expires_at=LATER + timedelta(hours=1),
        )
    made = list(Offer.objects.select_related("chair__unit__center"))
    results = together([lambda offer=offer: offers.accept(actor=SHE, offer=offer, now=LATER) for offer in made])
    assert results.count(None) == 1
    assert all(result is None or isinstance(result, (Refused, Stale)) for result in results), results
    assert Offer.objects.filter(state="accepted").count() == 1
    assert not Offer.objects.filter(state="open").exists()
    assert Appointment.objects.filter(start=FREED, status="booked").count() == 1
    assert integrity.check(now=LATER) == []
