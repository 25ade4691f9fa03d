"""Who may do what, as one table that everybody asks."""

from __future__ import annotations

import pytest

from scheduler.domain.permissions import ALLOWED, ROLES, Actor, may
from scheduler.domain.rules import SOFT_CODES

# Written out by hand: a change of the table must be a decision, not a slip.
MAY = {
    "front-desk": {
        "view-schedule", "view-patients", "edit-patients", "book", "attend", "edit-courses", "override",
    },
    "nurse": {
        "view-schedule", "view-patients", "edit-patients", "view-clinical", "book", "attend", "treat", "record-dose",
        "edit-courses", "override",
    },
    "manager": set(ALLOWED),
    "auditor": {"read-record"},
    "integration": {
        "view-schedule", "view-patients", "edit-patients", "book", "record-dose", "edit-courses",
    },
}  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ALLOWED)
def test_every_action_of_every_role(role, action):
    assert may(role, action) is (action in MAY[role])


def test_an_unknown_role_may_nothing():
    assert not any(may("visitor", action) for action in ALLOWED)
    assert not any(may("", action) for action in ALLOWED)


def test_an_unknown_action_is_a_spelling_mistake():
    with pytest.raises(KeyError):
        may("manager", "boook")


def test_what_the_desk_may_set_aside_is_a_soft_rule():
    from scheduler.domain.permissions import DESK_OVERRIDES

    assert DESK_OVERRIDES < SOFT_CODES


def test_a_job_is_no_person_and_may_set_nothing_aside():
    job = Actor.job("place-visits")
    assert (job.who, job.is_job, job.center_id) == ("job:place-visits", True, None)
    assert not may(job.role, "override")
    assert not Actor(who="user:3", role="nurse", center_id=1).is_job
