"""What a patient may wish for a visit, and the plain sentences that say how a proposed start meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from scheduler.domain.errors import fill, gettext_noop

# First and last wall-clock minute. The night is no part of the day: who wants it asks for a time.
PARTS_OF_DAY: Mapping[str, tuple[int, int]] = {
    "morning": (6 * 60, 12 * 60 - 1),
    "afternoon": (12 * 60, 17 * 60 - 1),
    "evening": (17 * 60, 22 * 60 - 1),
}
AS_ASKED: Mapping[str, str] = {
    "morning": gettext_noop("In the morning, as asked."),
    "afternoon": gettext_noop("In the afternoon, as asked."),
    "evening": gettext_noop("In the evening, as asked."),
}
NOT_AS_ASKED: Mapping[str, str] = {
    "morning": gettext_noop("Not in the morning, as was asked."),
    "afternoon": gettext_noop("Not in the afternoon, as was asked."),
    "evening": gettext_noop("Not in the evening, as was asked."),
}
# Up to half of what the nurses can do is called quiet.
QUIET = 0.5

PartOfDay = Literal["morning", "afternoon", "evening"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the patient would like. `time_of_day` is a minute of the local day and outranks `part_of_day`.

    Weekdays count from Monday = 0; an empty set means any day. Chairs are ids, kinds the words of the
    chair's kind.
    """

    time_of_day: int | None = None
    part_of_day: PartOfDay | None = None
    weekdays: frozenset[int] = frozenset()
    chair: int | None = None
    last_chair: int | None = None
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for or against a start: an English template marked for gettext, and its facts."""

    code: str
    sentence: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def say(self, translate: Callable[[str], str] = str) -> str:
        """The sentence, translated by `translate` (gettext at the doors), with its facts."""
        return fill(translate(self.sentence), self.facts)


def of_day(day: date, due_day: date) -> Reason:
    """How the local day stands to the due day."""
    off = (day - due_day).days
    if off == 0:
        return Reason("on_due_day", gettext_noop("On its due day."))
    if off == 1:
        return Reason("days_after_due", gettext_noop("1 day after its due day."), {"days": 1})
    if off > 1:
        return Reason("days_after_due", gettext_noop("{days} days after its due day."), {"days": off})
    if off == -1:
        return Reason("days_before_due", gettext_noop("1 day before its due day."), {"days": 1})
    return Reason("days_before_due", gettext_noop("{days} days before its due day."), {"days": -off})


def of_time(minutes: int, clock: str) -> Reason:
    """How the start stands to the wall-clock time asked for ("10:00"): so many minutes of real time later."""
    if minutes == 0:
        return Reason("preferred_time", gettext_noop("At {time}, as asked."), {"time": clock})
    later = gettext_noop("{minutes} min later than {time}, which was asked for.")
    earlier = gettext_noop("{minutes} min earlier than {time}, which was asked for.")
    facts = {"minutes": abs(minutes), "time": clock, "is_later": minutes > 0}
    return Reason("minutes_from_preferred_time", later if minutes > 0 else earlier, facts)


def of_due_time(minutes: int, clock: str) -> Reason:
    """How the start stands to a due time that counts to the minute."""
    if minutes == 0:
        return Reason("on_due_time", gettext_noop("At its due time, {time}."), {"time": clock})
    later = gettext_noop("{minutes} min after its due time, {time}.")
    earlier = gettext_noop("{minutes} min before its due time, {time}.")
    facts = {"minutes": abs(minutes), "time": clock, "is_later": minutes > 0}
    return Reason("minutes_from_due", later if minutes > 0 else earlier, facts)


def of_part(part: PartOfDay, is_inside: bool) -> Reason:
    if is_inside:
        return Reason("preferred_part_of_day", AS_ASKED[part], {"part": part})
    return Reason("other_part_of_day", NOT_AS_ASKED[part], {"part": part})


def of_weekday(day: date, weekdays: frozenset[int]) -> Iterator[Reason]:
    if not weekdays:
        return
    if day.weekday() in weekdays:
        yield Reason("preferred_weekday", gettext_noop("On a weekday that was asked for."))
    else:
        yield Reason("other_weekday", gettext_noop("Not on a weekday that was asked for."))


def of_chair(chair: int, kind: str | None, wishes: Wishes) -> Iterator[Reason]:
    if chair == wishes.chair:
        yield Reason("preferred_chair", gettext_noop("In the chair that was asked for."))
    if chair == wishes.last_chair:
        yield Reason("same_chair_as_last_time", gettext_noop("Same chair as last time."))
    if kind in wishes.kinds:
        yield Reason("preferred_kind_of_chair", gettext_noop("In the kind of chair that was asked for."))


def of_load(share: float) -> Iterator[Reason]:
    """`share` is what is taken of what the nurses can do: 0 idle, 1 full."""
    if share <= QUIET:
        quiet = gettext_noop("Keeps the load level: the nurses are at {percent} % then.")
        yield Reason("keeps_load_level", quiet, {"percent": round(share * 100)})


def earliest() -> Reason:
    return Reason("earliest", gettext_noop("The earliest possible start."))
