"""Claim and snooze."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Malformed
from scheduler.domain.permissions import Actor
from scheduler.models import Event, WorklistMark
from scheduler.services import worklist
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def center():
    return make.make_center()


@pytest.fixture
def actor(center):
    return Actor(who=f"user:{make.make_user(center).pk}", role="front-desk", center_id=center.pk)


def test_an_item_is_claimed_given_back_and_on_record(center, actor):
    worklist.claim(actor=actor, center=center, item="late:3", now=NOW)
    assert f"user:{WorklistMark.objects.get().claimed_by_id}" == actor.who
    worklist.release(actor=actor, center=center, item="late:3", now=NOW)
    assert WorklistMark.objects.get().claimed_by is None
    assert list(Event.objects.values_list("verb", flat=True)) == ["claim", "release-claim"]


def test_a_snooze_has_a_reason_and_an_end(center, actor):
    tomorrow = NOW + timedelta(days=1)
    worklist.snooze(actor=actor, center=center, item="call:9", until=tomorrow, reason="not at home", now=NOW)
    assert WorklistMark.objects.get().snoozed_until == tomorrow
    worklist.wake(actor=actor, center=center, item="call:9", now=NOW)
    assert WorklistMark.objects.get().snoozed_until is None


@pytest.mark.parametrize(
    ("until", "reason", "field"),
    [(1, " ", "reason"), (0, "x", "until"), (-1, "x", "until"), (91, "x", "until")],
)
def test_a_snooze_without_them_is_refused(center, actor, until, reason, field):
    with pytest.raises(Malformed) as malformed:
        worklist.snooze(
            actor=actor, center=center, item="call:9", until=NOW + timedelta(days=until), reason=reason, now=NOW
        )
    assert malformed.value.field == field
    assert not WorklistMark.objects.exists()


def test_only_people_take_things(center):
    with pytest.raises(Malformed):
        worklist.claim(actor=Actor.job("place-visits"), center=center, item="late:3", now=NOW)
