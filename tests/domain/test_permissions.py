"""Who may do what, as one table that everybody asks."""

from __future__ import annotations

import pytest

from scheduler.domain.permissions import ALLOWED, LINK, NEEDED, PEOPLE_ONLY, ROLES, SCOPES, Actor, may, scopes_of
from scheduler.domain.rules import SOFT_CODES

# Written out by hand: a change of the table must be a decision, not a slip.
MAY = {
    "front-desk": {
        "view-wall", "view-schedule",
        "view-patients", "edit-patients", "book", "attend", "edit-courses", "note-outage", "override",
    },
    "nurse": {
        "view-wall", "view-schedule",
        "view-patients", "edit-patients", "view-clinical", "book", "attend", "treat", "record-dose",
        "edit-courses", "note-outage", "override", "assign", "hand-over",
    },
    "manager": {
        "view-wall", "view-schedule",
        "view-patients", "edit-patients", "book", "attend", "treat", "record-dose", "edit-courses",
        "assign", "hand-over",
        "note-outage", "override", "edit-setup", "export-patients", "erase-patients", "manage-people",
        "read-record", "import-data", "merge-patients", "view-figures",
    },
    "auditor": {"read-record"},
    "integration": {
        "view-schedule", "view-patients", "edit-patients", "view-clinical", "book", "edit-courses", "export-patients",
    },
    "link": {"own-visit"},
    "wall": {"view-wall"},
}  # fmt: skip


@pytest.mark.parametrize("role", [*ROLES, LINK])
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


def test_a_key_needs_the_scope_of_each_action():
    everything = Actor(who="key:1", role="integration", center_id=1, scopes=scopes_of("integration"))
    for action in MAY["integration"]:
        assert everything.may(action)
        for scope in NEEDED[action]:
            assert not Actor(who="key:1", role="integration", center_id=1, scopes=frozenset(SCOPES) - {scope}).may(
                action
            )


def test_the_key_of_an_integrator_never_sets_a_rule_aside_and_treats_nobody():
    key = Actor(who="key:1", role="integration", center_id=1, scopes=frozenset(SCOPES))
    assert not any(key.may(action) for action in ("override", "attend", "treat", "note-outage", "edit-setup"))


def test_no_key_manages_people_or_erases_whatever_its_role():
    assert (
        frozenset(
            {"assign", "erase-patients", "hand-over", "import-data", "manage-people", "merge-patients", "own-visit"}
            | {"view-figures", "view-wall"}
        )
        == PEOPLE_ONLY
    )
    assert not Actor(who="key:1", role="manager", center_id=1).may("manage-people")
    assert not Actor(who="key:1", role="manager", center_id=1, scopes=frozenset(SCOPES)).may("manage-people")
    assert Actor(who="user:1", role="manager", center_id=1).may("manage-people")
