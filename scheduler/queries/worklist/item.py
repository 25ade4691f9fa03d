"""One thing that needs a person, and how its words are written (staff's 24-hour clock, the center's zone)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from django.utils import formats
from django.utils.translation import gettext as _

Urgency = Literal["now", "today", "later"]
URGENCIES: tuple[Urgency, ...] = ("now", "today", "later")
KINDS = ("unplaced", "late", "clash", "order", "unconfirmed", "call", "overload")


@dataclass(frozen=True, slots=True)
class Action:
    """What to do about it: words for the button, and what to open (`patient`, `course` or `move` with its id, or
    `board` with the unit's code and the date)."""

    label: str
    to: Literal["patient", "course", "board", "move"]
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class WorklistItem:
    """`key` is stable for as long as the cause lasts; `when` is what it is urgent by (UTC)."""

    key: str
    kind: str
    urgency: Urgency
    title: str
    detail: str
    when: datetime
    action: Action
    patient_id: int | None = None
    listed_name: str = ""  # hers, surname first; lists can be sorted by it
    course_id: int | None = None
    visit_id: int | None = None
    appointment_id: int | None = None
    entry_id: int | None = None
    unit_id: int | None = None
    refusals: Sequence[dict[str, Any]] = ()
    claimed_by: Any = None
    snoozed_until: datetime | None = None
    snooze_reason: str = ""

    def marked(self, mark: Any) -> WorklistItem:
        """With who took it, until when it is put off, and what the floor left to the desk (a models.WorklistMark)."""
        marked = replace(self, claimed_by=mark.claimed_by, snoozed_until=mark.snoozed_until, snooze_reason=mark.reason)
        if mark.asked_at is None:
            return marked
        said = _("The floor asks the desk, since %(moment)s.") % {
            "moment": say_moment(mark.asked_at.astimezone(mark.center.zone))
        }
        return replace(marked, urgency="now", detail=f"{self.detail} {said}")


def say_day(local: datetime) -> str:
    """Tue 24 Nov."""
    return formats.date_format(local.date(), "D j M")


def say_moment(local: datetime) -> str:
    """Tue 24 Nov, 10:40."""
    return f"{say_day(local)}, {local:%H:%M}"
