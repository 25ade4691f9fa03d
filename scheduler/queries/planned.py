"""One visit of a plan: its place and why there, or why there is none and what would work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.domain.errors import Refusal
from scheduler.queries.drafts import Draft
from scheduler.queries.search import Slot


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """`slot` None: no place, and `refusals` say why. `shifted` says why a placed visit is not at its due time."""

    draft: Draft
    slot: Slot | None
    refusals: tuple[Refusal, ...] = ()
    alternatives: tuple[Slot, ...] = ()
    shifted: tuple[Refusal, ...] = ()

    @property
    def ordinal(self) -> int:
        return self.draft.ordinal

    def reasons(self, translate: Callable[[str], str] = str) -> list[str]:
        """Plain sentences: why not at the due time, then what speaks for this place."""
        said = [refusal.say(translate) for refusal in self.shifted]
        if self.slot is not None:
            said += [reason.say(translate) for reason in self.slot.reasons]
        return said
