"""Offers and the hours in which a center writes to nobody: none ends before she could hear of it, and what became free
at night is offered in the morning."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail as outbox

from scheduler.models import Offer
from scheduler.services import links
from scheduler.services.sending import send_due
from tests.factories import utc
from tests.services.test_offers import Full
from tests.support.clinic import run

pytestmark = pytest.mark.django_db

QUIET = {"quiet_from": 18 * 60, "quiet_until": 9 * 60, "offer_minutes": 60}
NINE = utc("2026-11-17T09:00-05:00")


def at(text: str):
    return utc(f"2026-11-{text}-05:00")


def test_a_place_that_becomes_free_in_the_quiet_hours_is_offered_when_they_are_over():
    full = Full(**QUIET)
    full.wait()
    assert full.free(at("16T18:30")).get("offered") is None  # before 20:00: only the quiet hours forbid it
    assert run("offer-slots", at("17T08:30")).get("offered") is None
    assert run("offer-slots", NINE)["offered"] == 1
    assert send_due(now=NINE)["sent"] >= 1
    assert Offer.objects.get().expires_at == NINE + timedelta(minutes=60)


def test_what_became_free_at_night_is_not_forgotten_where_no_hours_are_quiet():
    full = Full()
    full.wait()
    assert full.free(at("16T22:00")).get("offered") is None
    assert run("offer-slots", at("17T07:59")).get("offered") is None
    assert run("offer-slots", at("17T08:01"))["offered"] == 1


def test_the_night_is_looked_back_on_once():
    full = Full()
    full.free(at("16T22:00"))
    full.wait(created_at=at("10T10:00"))
    assert run("offer-slots", at("17T08:30")).get("offered") is None


def test_an_offer_made_right_before_the_quiet_hours_waits_for_the_morning_with_all_its_minutes():
    full = Full(**QUIET)
    full.wait()
    evening = at("16T17:58")
    assert full.free(evening)["offered"] == 1
    offer = Offer.objects.get()
    assert offer.expires_at == NINE + timedelta(minutes=60)
    send_due(now=at("16T18:01"))  # the tick came too late
    outbox.outbox.clear()
    run("offer-slots", at("17T08:59"))
    send_due(now=NINE)
    assert [sent.subject for sent in outbox.outbox if sent.subject.startswith("Earlier: ")]
    offer.refresh_from_db()
    [link] = offer.links.filter(purpose="offer")
    assert links.standing(link, NINE) is links.Standing.OPEN


def test_nobody_is_offered_what_begins_before_she_could_be_told():
    full = Full(**(QUIET | {"quiet_until": 11 * 60, "offer_notice_hours": 1}))
    full.wait()
    Offer.objects.all().delete()
    full.free(at("18T17:57"))  # the place is tomorrow at 8:00
    assert not Offer.objects.filter(start__lt=at("19T11:00")).exists()
