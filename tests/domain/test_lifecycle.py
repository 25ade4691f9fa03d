"""The one transition table: which action is possible from which status, and how phases follow one another."""

from __future__ import annotations

from itertools import pairwise

import pytest

from scheduler.domain.lifecycle import (
    LIVE,
    NEXT_PHASES,
    OPEN,
    PHASES,
    PHASES_IN_TREATMENT,
    STATUSES,
    TRANSITIONS,
    phase_is_allowed,
    transition_is_allowed,
)

# Written out by hand: a change of the table must be a decision, not a slip.
POSSIBLE = {
    "pending": {"book", "move", "cancel", "expire", "mark-error"},
    "booked": {
        "move", "cancel", "confirm", "arrive", "check-in", "start", "complete", "no-show", "mark-error",
    },
    "arrived": {"move", "cancel", "check-in", "start", "phase", "complete", "mark-error"},
    "checked-in": {"move", "cancel", "start", "phase", "complete", "mark-error"},
    "fulfilled": {"phase"},
    "cancelled": {"reopen"},
    "noshow": {"reopen", "mark-error"},
    "entered-in-error": {"reopen"},
}  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", TRANSITIONS)
def test_every_action_from_every_status(status, action):
    refusal = transition_is_allowed(action, status)
    assert (refusal is None) is (action in POSSIBLE[status])
    if refusal is not None:
        assert refusal.code == "transition_is_allowed"
        assert refusal.is_hard
        assert refusal.detail.startswith("This visit is ")
        assert "{" not in refusal.detail


def test_refusals_are_plain_sentences():
    assert transition_is_allowed("arrive", "fulfilled").detail == "This visit is done, so it cannot arrive now."
    assert transition_is_allowed("no-show", "arrived").detail == (
        "This visit is arrived, so it cannot be marked as not come now."
    )


def test_transitions_lead_to_known_statuses():
    assert {transition.to for transition in TRANSITIONS.values()} - {None} <= set(STATUSES)
    assert {source for transition in TRANSITIONS.values() for source in transition.sources} <= set(STATUSES)


def test_open_is_live_and_not_over():
    assert set(OPEN) == set(LIVE) - {"fulfilled"}
    assert set(LIVE) < set(STATUSES)


def test_nothing_leads_out_of_a_dose_given_but_undo():
    assert POSSIBLE["fulfilled"] == {"phase"}


@pytest.mark.parametrize("phase", ["", *PHASES])
@pytest.mark.parametrize("following", PHASES)
def test_every_phase_after_every_phase(phase, following):
    refusal = phase_is_allowed(phase, following)
    assert (refusal is None) is (following in NEXT_PHASES[phase])
    if refusal is not None:
        assert following in refusal.detail


def test_phases_go_on_to_a_clean_chair_and_never_back_from_it():
    way = ["", *PHASES]
    assert all(phase_is_allowed(a, b) is None for a, b in pairwise(way))
    assert all(phase_is_allowed("chair-cleaning", phase) is not None for phase in PHASES)
    assert all(phase_is_allowed("discharged", phase) is not None for phase in PHASES_IN_TREATMENT)


def test_an_unknown_action_is_a_mistake_of_the_caller():
    with pytest.raises(KeyError):
        transition_is_allowed("fly", "booked")
