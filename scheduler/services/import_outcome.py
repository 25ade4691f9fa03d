"""What became of one row: its state, why, and what it made. Shared by the writers of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from scheduler.domain.errors import Malformed, Refusal, Refused, say_day, say_moment
from scheduler.models import ImportRow

State = ImportRow.State


@dataclass(frozen=True, slots=True)
class Outcome:
    """`problems` as the row keeps them; ids of what it is about, or has made; `mark` tells later whether somebody has
    changed that since."""

    state: str
    problems: list[dict[str, Any]] = field(default_factory=list)
    patient: int | None = None
    appointment: int | None = None
    chair: int | None = None
    mark: str = ""

    def apply(self, row: ImportRow) -> None:
        row.state, row.problems, row.mark = self.state, self.problems, self.mark
        row.patient_id, row.appointment_id, row.chair_id = self.patient, self.appointment, self.chair
        if self.state == State.IMPORTED:
            row.raw = []


FIELDS = ["state", "problems", "mark", "patient", "appointment", "chair", "raw"]


def problem(sentence: str, *, about: str = "", **facts: Any) -> dict[str, Any]:
    """A sentence marked for gettext, the field it is about, and its facts as text."""
    return {"sentence": sentence, "field": about, "facts": _said(facts)}


def problems(wrong: Malformed | Refused | Iterable[Malformed]) -> list[dict[str, Any]]:
    if isinstance(wrong, Refused):
        return [_of_refusal(refusal) for refusal in wrong.refusals]
    found = [wrong] if isinstance(wrong, Malformed) else wrong
    return [problem(one.sentence, about=one.field, **one.facts) for one in found]


def wrong(sentence: str, *, about: str = "", patient: int | None = None, **facts: Any) -> Outcome:
    return Outcome(State.WRONG, [problem(sentence, about=about, **facts)], patient=patient)


def known(sentence: str, *, patient: int | None = None, **facts: Any) -> Outcome:
    return Outcome(State.KNOWN, [problem(sentence, **facts)], patient=patient)


def _of_refusal(refusal: Refusal) -> dict[str, Any]:
    return {"sentence": refusal.sentence, "field": "", "facts": _said(refusal.facts), "code": refusal.code}


def _said(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name: _say(value) for name, value in facts.items()}


def _say(value: Any) -> str:
    if isinstance(value, datetime):
        return say_moment(value)
    return say_day(value) if isinstance(value, date) else str(value)
