"""How a visit's checklist stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.models import Appointment, ChecklistAnswer, PrescriberDecision


@dataclass(frozen=True, slots=True)
class Question:
    """`needs_prescriber` is the answer that does. `decision` is what the prescriber said about it."""

    code: str
    text: str
    needs_prescriber: str
    answer: ChecklistAnswer | None
    decision: PrescriberDecision | None

    @property
    def is_held(self) -> bool:
        """Somebody has to ask the prescriber, or she said not to treat."""
        if self.answer is None or self.answer.says != self.needs_prescriber:
            return False
        return self.decision is None or self.decision.decision != PrescriberDecision.Decision.GO_ON


@dataclass(frozen=True, slots=True)
class Checklist:
    questions: tuple[Question, ...]

    @property
    def unanswered(self) -> int:
        return sum(question.answer is None for question in self.questions)

    @property
    def held(self) -> int:
        return sum(question.is_held for question in self.questions)

    @property
    def is_done(self) -> bool:
        return not (self.unanswered or self.held)


def of(appointments: Iterable[Appointment]) -> dict[int, Checklist]:
    """By appointment id, in two queries however many there are. Protocols must come with the rows."""
    rows = list(appointments)
    answers: dict[int, dict[str, ChecklistAnswer]] = defaultdict(dict)
    decisions: dict[int, dict[str, PrescriberDecision]] = defaultdict(dict)
    for given in ChecklistAnswer.objects.filter(appointment__in=[row.pk for row in rows]):
        answers[given.appointment_id][given.code] = given
    for decided in PrescriberDecision.objects.filter(appointment__in=[row.pk for row in rows]):
        decisions[decided.appointment_id][decided.code] = decided
    return {
        row.pk: Checklist(
            tuple(
                Question(
                    code=asked["code"],
                    text=asked["question"],
                    needs_prescriber=asked["needs_prescriber_if"],
                    answer=answers[row.pk].get(asked["code"]),
                    decision=decisions[row.pk].get(asked["code"]),
                )
                for asked in (row.protocol.checklist if row.protocol is not None else [])
            )
        )
        for row in rows
    }
