"""The rules as one readable list. Hard rules are never overridden by staff; soft ones are, with a reason, by the
roles that may. A rule's name is its refusal's code. (`transition_is_allowed`, the seventh hard rule, asks about an
action and not a place: it stands in lifecycle.py beside its table.)"""

from __future__ import annotations

from collections.abc import Callable, Collection

from scheduler.domain.errors import Refusal
from scheduler.domain.rules.chairs import chair_is_free, chair_is_suitable, unit_is_open
from scheduler.domain.rules.nurses import nurse_can_start, nurses_can_cover
from scheduler.domain.rules.patients import interval_is_kept, patient_is_free, rolling_cap_is_kept
from scheduler.domain.rules.situation import (
    ChairFacts,
    Closed,
    DoseFact,
    Need,
    Order,
    PatientFacts,
    Proposal,
    Situation,
    Taken,
    UnitFacts,
)
from scheduler.domain.rules.visits import authorization_is_valid, order_is_valid, window_is_kept

Rule = Callable[[Proposal, Situation], Refusal | None]

HARD_RULES: tuple[Rule, ...] = (
    chair_is_free,
    patient_is_free,
    unit_is_open,
    chair_is_suitable,
    interval_is_kept,
    rolling_cap_is_kept,
)
SOFT_RULES: tuple[Rule, ...] = (
    window_is_kept,
    nurses_can_cover,
    nurse_can_start,
    order_is_valid,
    authorization_is_valid,
)
SOFT_CODES = frozenset(rule.__name__ for rule in SOFT_RULES)


def refusals(proposal: Proposal, situation: Situation, *, overridden: Collection[str] = frozenset()) -> list[Refusal]:
    """All that speak against the proposal, hard rules first. `overridden` are codes of soft rules set aside."""
    said = (rule(proposal, situation) for rule in (*HARD_RULES, *SOFT_RULES))
    return [refusal for refusal in said if refusal is not None and (refusal.is_hard or refusal.code not in overridden)]


__all__ = [
    "HARD_RULES",
    "SOFT_CODES",
    "SOFT_RULES",
    "ChairFacts",
    "Closed",
    "DoseFact",
    "Need",
    "Order",
    "PatientFacts",
    "Proposal",
    "Rule",
    "Situation",
    "Taken",
    "UnitFacts",
    "authorization_is_valid",
    "chair_is_free",
    "chair_is_suitable",
    "interval_is_kept",
    "nurse_can_start",
    "nurses_can_cover",
    "order_is_valid",
    "patient_is_free",
    "refusals",
    "rolling_cap_is_kept",
    "unit_is_open",
    "window_is_kept",
]
