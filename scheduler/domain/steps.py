"""The steps of a visit that have a time, in their order, and which one a visit has reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """`field` is where the appointment keeps the time; who has come so far has at least this `status` and `phase`."""

    code: str
    field: str
    status: str
    phase: str


STEPS = (
    Step("arrived", "arrived_at", "arrived", "waiting"),
    Step("checked-in", "checked_in_at", "checked-in", "waiting"),
    Step("in-chair", "in_chair_at", "checked-in", "in-chair"),
    Step("pre-medication", "premedication_at", "checked-in", "pre-medication"),
    Step("infusing", "actual_start", "checked-in", "infusing"),
    Step("infusion-over", "actual_end", "checked-in", "observing"),
    Step("observed", "observed_at", "checked-in", "observing"),
    Step("discharged", "discharged_at", "fulfilled", "discharged"),
    Step("cleaned", "cleaned_at", "fulfilled", "chair-cleaning"),
)
BY_CODE = {step.code: step for step in STEPS}
_ORDER = {step.code: number for number, step in enumerate(STEPS)}

# What a reaction adds to the observation where the protocol says nothing else: the longest observation that the
# clinical facts have as policy (section 2, [P]: 60 minutes at the first two visits of eptinezumab). No source gives
# a figure.
REACTION_MINUTES = 60


def furthest(codes: Iterable[str]) -> Step:
    """The last of the steps, as they follow one another. Raises ValueError for none, KeyError for an unknown one."""
    return BY_CODE[max(codes, key=lambda code: _ORDER[code])]


def is_further(step: Step, *, status: str, phase: str) -> bool:
    """Whether this step lies beyond where a visit of that status and phase stands."""
    return _rank(step.status, step.phase) > _rank(status, phase)


_STATUSES = ("pending", "booked", "arrived", "checked-in", "fulfilled")
_PHASES = ("", "waiting", "in-chair", "pre-medication", "infusing", "observing", "discharged", "chair-cleaning")


def _rank(status: str, phase: str) -> tuple[int, int]:
    return _STATUSES.index(status), _PHASES.index(phase)
