"""What the domain says when something cannot be: refusals with facts, and the exceptions that carry them.

Sentences are English templates marked for gettext; doors translate the template, then fill in the facts, so the
web and the API say the same. A refusal's `code` is the name of the rule that spoke.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for translation; makemessages finds it by this name."""
    return sentence


def say_day(moment: date | datetime) -> str:
    """Tue 24 Nov 2026."""
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def say_moment(moment: datetime) -> str:
    """Tue 24 Nov 2026, 13:40, in the zone the moment carries."""
    return f"{say_day(moment)}, {moment:%H:%M}"


def _say(value: Any) -> str:
    if isinstance(value, datetime):
        return say_moment(value)
    if isinstance(value, date):
        return say_day(value)
    return str(value)


def fill(template: str, facts: Mapping[str, Any]) -> str:
    """The template with its facts; dates and moments are written as people say them."""
    return template.format(**{name: _say(value) for name, value in facts.items()})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a rule said no. Datetimes among the facts are aware, in the center's zone."""

    code: str
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_hard: bool = True

    @property
    def detail(self) -> str:
        return self.say()

    def say(self, translate: Callable[[str], str] = str) -> str:
        """One plain sentence, translated by `translate` (gettext at the doors)."""
        return fill(translate(self.sentence), self.facts)

    def as_json(self, translate: Callable[[str], str] = str) -> dict[str, Any]:
        """`{code, detail, facts}` as the contract has it; datetimes as ISO 8601 with offset."""
        facts = {
            name: value.isoformat() if isinstance(value, (date, datetime)) else value
            for name, value in self.facts.items()
        }
        return {"code": self.code, "detail": self.say(translate), "facts": facts, "hard": self.is_hard}


class SchedulingError(Exception):
    """Anything the services raise on purpose."""


class Refused(SchedulingError):
    """Rules said no. `refusals` holds all of them, hard ones first; nothing was written."""

    def __init__(
        self,
        refusals: Sequence[Refusal],
        *,
        alternatives: Sequence[Any] = (),
        proposals: Sequence[Any] = (),
    ) -> None:
        super().__init__("; ".join(refusal.code for refusal in refusals))
        self.refusals = tuple(refusals)
        self.alternatives = tuple(alternatives)
        self.proposals = tuple(proposals)


class Malformed(SchedulingError):
    """What was asked makes no sense by itself (400), with the field that is wrong."""

    def __init__(self, field_name: str, sentence: str, **facts: Any) -> None:
        super().__init__(field_name)
        self.field = field_name
        self.sentence = sentence
        self.facts = facts

    @property
    def detail(self) -> str:
        return self.say()

    def say(self, translate: Callable[[str], str] = str) -> str:
        return fill(translate(self.sentence), self.facts)


class Forbidden(SchedulingError):
    """This role may not do that (403)."""

    def __init__(self, sentence: str, **facts: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.facts = facts

    def say(self, translate: Callable[[str], str] = str) -> str:
        return fill(translate(self.sentence), self.facts)


class NotFound(SchedulingError):
    """There is no such thing in this center (also for another center's things)."""


class Stale(SchedulingError):
    """It has changed since it was read (412)."""


class Busy(SchedulingError):
    """The database could not give the locks in time, after retries (503). Nothing was written."""


class Unavailable(Busy):
    """The database went away meanwhile (503). It may have gone between the commit and its answer, so it is not known
    whether something was written."""
