"""The one transition table: which action leads an appointment from which status to which, and the phases.

Statuses are FHIR R4's. Completing sets *fulfilled*; the finer phases belong to the nurses (DESIGN section 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from scheduler.domain.errors import Refusal, gettext_noop

STATUSES = (
    "pending",
    "booked",
    "arrived",
    "checked-in",
    "fulfilled",
    "cancelled",
    "noshow",
    "entered-in-error",
)
LIVE = ("pending", "booked", "arrived", "checked-in", "fulfilled")
OPEN = ("pending", "booked", "arrived", "checked-in")  # live, and not over

PHASES = (
    "waiting",
    "in-chair",
    "pre-medication",
    "infusing",
    "observing",
    "discharged",
    "chair-cleaning",
)
LATE_AFTER = timedelta(minutes=5)  # a patient at the door on the minute she is expected is not late
PHASES_IN_TREATMENT = ("in-chair", "pre-medication", "infusing", "observing")


@dataclass(frozen=True, slots=True)
class Transition:
    """`to` None keeps the status."""

    sources: frozenset[str]
    to: str | None


def _from(*sources: str, to: str | None) -> Transition:
    return Transition(frozenset(sources), to)


TRANSITIONS: Mapping[str, Transition] = {
    "book": _from("pending", to="booked"),
    "move": _from("pending", "booked", "arrived", "checked-in", to=None),
    "cancel": _from("pending", "booked", "arrived", "checked-in", to="cancelled"),
    "expire": _from("pending", to="cancelled"),
    "reopen": _from("cancelled", "noshow", "entered-in-error", to="booked"),
    "confirm": _from("booked", to=None),
    "arrive": _from("booked", to="arrived"),
    "check-in": _from("booked", "arrived", to="checked-in"),
    "start": _from("booked", "arrived", "checked-in", to=None),
    "phase": _from("arrived", "checked-in", "fulfilled", to=None),
    "complete": _from("booked", "arrived", "checked-in", to="fulfilled"),
    "no-show": _from("booked", to="noshow"),
    "mark-error": _from("pending", "booked", "arrived", "checked-in", "noshow", to="entered-in-error"),
}

NEXT_PHASES: Mapping[str, frozenset[str]] = {
    "": frozenset({"waiting", "in-chair", "pre-medication", "infusing"}),
    "waiting": frozenset({"in-chair", "pre-medication", "infusing"}),
    "in-chair": frozenset({"pre-medication", "infusing", "waiting"}),
    "pre-medication": frozenset({"infusing"}),
    "infusing": frozenset({"observing"}),
    "observing": frozenset({"discharged", "infusing"}),
    "discharged": frozenset({"chair-cleaning"}),
    "chair-cleaning": frozenset(),
}


def transition_is_allowed(action: str, status: str) -> Refusal | None:
    """Hard rule: the action must be possible from the appointment's present status."""
    if status in TRANSITIONS[action].sources:
        return None
    return Refusal(
        "transition_is_allowed",
        gettext_noop("This visit is {status}, so it cannot {action} now."),
        {"status": _WORDS[status], "action": _VERBS[action], "code": status},
    )


def phase_is_allowed(phase: str, following: str) -> Refusal | None:
    """Hard rule: phases follow one another as treatment does."""
    if following in NEXT_PHASES[phase]:
        return None
    return Refusal(
        "transition_is_allowed",
        gettext_noop("From “{phase}” the next step cannot be “{following}”."),
        {"phase": phase or "not begun", "following": following},
    )


_WORDS = {
    "pending": "held",
    "booked": "booked",
    "arrived": "arrived",
    "checked-in": "checked in",
    "fulfilled": "done",
    "cancelled": "cancelled",
    "noshow": "marked as not come",
    "entered-in-error": "entered in error",
}
_VERBS = {
    "book": "be booked",
    "move": "be moved",
    "cancel": "be cancelled",
    "expire": "expire",
    "reopen": "be reopened",
    "confirm": "be confirmed",
    "arrive": "arrive",
    "check-in": "be checked in",
    "start": "be started",
    "phase": "change its step",
    "complete": "be completed",
    "no-show": "be marked as not come",
    "mark-error": "be marked as entered in error",
}
