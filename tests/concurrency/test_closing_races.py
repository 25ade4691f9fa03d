"""A closing with its moves and bookings at the same moment: nobody is left where it is closed without being known."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.errors import Refused, Stale
from scheduler.models import Appointment, Closure
from scheduler.queries import closing as closings
from scheduler.queries import closures
from scheduler.services import closing
from scheduler.services.closing import Accepted, Closed
from scheduler.services.setup import ClosureFacts
from tests import factories as make
from tests.factories import NOW, utc
from tests.services.steps import book
from tests.support.threads import together

pytestmark = pytest.mark.usefixtures("committed_db")
MONDAY = utc("2026-11-30T10:00-05:00")
HOUR = timedelta(hours=1)


def test_what_was_booked_while_the_preview_was_open_is_seen_or_refused():
    center = make.make_center()
    unit = make.make_day_suite(center, nurses=60, patients=200, acuity=500)
    actor = make.make_actor(center)
    outcomes = set()
    for turn in range(8):
        broken, day = make.make_chair(unit), MONDAY + timedelta(days=turn % 4)
        make.make_chair(unit)
        booked = book(actor, broken, day, patient=make.make_patient(center))
        facts = ClosureFacts(start=day, end=day + 4 * HOUR, reason="Repair", chair=broken)
        plan = closings.plan(closing.draft_of(center, facts), now=NOW)
        [step] = plan.rehomed[0].steps
        accepted = [Accepted(booked.pk, booked.version, step.slot.chair.id, step.slot.start)]
        other = make.make_patient(center)
        late, done = together(
            [
                lambda broken=broken, day=day, other=other: book(actor, broken, day + 2 * HOUR, patient=other),
                lambda facts=facts, accepted=accepted, plan=plan: closing.close(
                    actor=actor, center=center, facts=facts, accepted=accepted, picture=plan.picture, now=NOW
                ),
            ]
        )
        booked.refresh_from_db()
        if isinstance(done, Closed):
            assert isinstance(late, Refused), late
            assert booked.chair_id == step.slot.chair.id
            assert closures.hits(center, [done.closure], NOW) == []
        else:
            assert isinstance(done, Stale), done
            assert isinstance(late, Appointment)
            assert booked.chair_id == broken.pk, "all of it, or nothing"
            assert not Closure.objects.filter(chair=broken).exists()
        outcomes.add(type(done).__name__)
    assert outcomes <= {"Closed", "Stale"}
