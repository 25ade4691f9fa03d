"""Calls that were made, and by whom they may be marked."""

from __future__ import annotations

import pytest

from scheduler.domain.errors import NotFound
from scheduler.models import Event, LedgerEntry
from scheduler.services import calls
from tests.factories import NOW
from tests.support.clinic import Clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    clinic = Clinic()
    clinic.book(clinic.patient(email=""))
    return clinic


def key() -> str:
    return f"call:{LedgerEntry.objects.get(kind='booked').pk}"


def test_a_call_is_made_once_and_on_record(clinic):
    for _ in range(2):
        calls.mark_called(actor=clinic.actor, center=clinic.center, item=key(), now=NOW)
    assert LedgerEntry.objects.get(kind="booked").state == "sent"
    assert Event.objects.filter(verb="call", actor=clinic.actor.who).count() == 1


@pytest.mark.parametrize("item", ["call:0", "call:x", "late:1", "", "call:"])
def test_what_is_no_call_is_not_found(clinic, item):
    with pytest.raises(NotFound):
        calls.mark_called(actor=clinic.actor, center=clinic.center, item=item, now=NOW)


def test_another_center_s_call_is_not_found(clinic):
    stranger = Clinic()
    with pytest.raises(NotFound):
        calls.mark_called(actor=stranger.actor, center=stranger.center, item=key(), now=NOW)
    assert LedgerEntry.objects.get(kind="booked").state == "due"
